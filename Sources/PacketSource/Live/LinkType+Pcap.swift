// Conversions between link types and libpcap: capture files (LINKTYPE_) and libpcap (DLT_) number some differently, and
// libpcap knows their names.

import CPcap
public import TCPModel

extension LinkType {
    /// The link type of one of libpcap's DLT numbers on this system.
    init(dlt: Int32) {
        switch dlt {
        case 11: self.init(100)
        case 12: self = .raw
        case 15: self.init(102)
        case 16: self.init(103)
        case 18: self.init(107)
        case 19: self.init(106)
        default: self.init(UInt16(truncatingIfNeeded: dlt))
        }
    }

    /// libpcap's DLT number for it on this system.
    var dlt: Int32 {
        switch rawValue {
        case 100: 11
        case 12, 14, 101: 12
        case 102: 15
        case 103: 16
        case 106: 19
        case 107: 18
        default: Int32(rawValue)
        }
    }

    /// libpcap's name for it, as used by -y and the `listening on` line: EN10MB. The number if it has none.
    public var name: String {
        // The name is a constant inside libpcap, or NULL.
        guard let text = unsafe pcap_datalink_val_to_name(dlt) else { return "\(rawValue)" }
        return unsafe String(cString: text)
    }

    /// libpcap's description of it: Ethernet. Empty if it has none.
    public var summary: String {
        // The description is a constant inside libpcap, or NULL.
        guard let text = unsafe pcap_datalink_val_to_description(dlt) else { return "" }
        return unsafe String(cString: text)
    }

    /// The link type with this name (EN10MB, LINUX_SLL2; case does not matter), or nil.
    public init?(name: String) {
        // name is NUL-terminated for the call.
        let dlt = unsafe pcap_datalink_name_to_val(name)
        guard dlt >= 0 else { return nil }
        self.init(dlt: dlt)
    }
}
