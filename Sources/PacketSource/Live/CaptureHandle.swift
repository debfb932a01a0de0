// The owner of one pcap_t, with libpcap's status numbers turned into our errors.

import CPcap
import Glibc
import TCPModel

/// A libpcap handle, closed when its owner is destroyed.
@safe struct CaptureHandle: ~Copyable {
    /// The interface's name, for messages.
    let device: String
    let pointer: OpaquePointer

    /// Makes a handle for an interface; it is not active yet.
    init(_ device: String) throws(CaptureError) {
        self.device = device
        // device is NUL-terminated for the call.
        let (handle, message) = unsafe withErrorBuffer { unsafe pcap_create(device, $0) }
        guard let handle = unsafe handle else { throw .other(device: device, message: message) }
        unsafe pointer = handle
    }

    /// Makes a handle that can only compile filters.
    init(linkType: LinkType, snapshotLength: Int32) throws(CaptureError) {
        device = ""
        guard let handle = unsafe pcap_open_dead(linkType.dlt, snapshotLength) else {
            throw .other(device: "", message: "no memory for a filter")
        }
        unsafe pointer = handle
    }

    deinit {
        // pointer is open and this is its only owner.
        unsafe pcap_close(pointer)
    }

    /// libpcap's latest message for this handle.
    var message: String {
        // A NUL-terminated buffer inside the handle.
        unsafe String(cString: pcap_geterr(pointer))
    }

    /// Starts capturing, and returns libpcap's warning, if any.
    @discardableResult func activate() throws(CaptureError) -> String? {
        // pointer is open.
        let status = unsafe pcap_activate(pointer)
        if status == 0 { return nil }
        if status > 0 {
            let text = message
            return text.isEmpty ? Self.statusText(status) : text
        }
        throw failure(status)
    }

    /// The meaning of a negative status of `pcap_activate`.
    private func failure(_ status: Int32) -> CaptureError {
        switch status {
        case PCAP_ERROR_NO_SUCH_DEVICE:
            return .noSuchDevice(device: device, available: Self.deviceNames())
        case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
            return .permissionDenied(device: device, message: message)
        case PCAP_ERROR_IFACE_NOT_UP:
            return .interfaceDown(device: device)
        default:
            let text = message
            return .other(device: device, message: text.isEmpty ? Self.statusText(status) : text)
        }
    }

    /// The names of all devices, network interfaces first: libpcap can capture from other sources too (nflog,
    /// dbus-system), few of which carry TCP.
    private static func deviceNames() -> [String] {
        let names = ((try? CaptureDevice.all()) ?? []).map(\.name)
        // The name is NUL-terminated for the call.
        let isInterface = { (name: String) in unsafe name == "any" || if_nametoindex(name) != 0 }
        return names.filter(isInterface) + names.filter { !isInterface($0) }
    }

    private static func statusText(_ status: Int32) -> String {
        // A constant of libpcap's.
        unsafe String(cString: pcap_statustostr(status))
    }

    /// The link types that the active handle supports, its current one first.
    var linkTypes: [LinkType] {
        let own = LinkType(dlt: unsafe pcap_datalink(pointer))
        var list: UnsafeMutablePointer<Int32>?
        let count = unsafe pcap_list_datalinks(pointer, &list)
        guard count > 0, let list = unsafe list else { return [own] }
        // `list` has `count` entries, and we own it until it is freed here.
        let others = (0..<Int(count)).map { unsafe LinkType(dlt: list[$0]) }
        unsafe pcap_free_datalinks(list)
        return [own] + others.filter { $0 != own }
    }
}
