// MPTCP's options (CASES H33, H34, E22, T26), and the newer kinds: user timeout, AccECN, experiments.

import TCPModel
import TCPWire
import Testing

@Suite("MPTCP and newer options") struct MultipathOptionTests {
    private func options(_ text: String) throws -> TCPOptions {
        let octets = hex(text)
        let padded = octets + [UInt8](repeating: 1, count: (4 - octets.count % 4) % 4)
        return try segment(tcpFrame(options: padded)).options
    }

    @Test("H33: MP_CAPABLE with its version, and the sender's key where there is one")
    func capable() throws {
        let syn = try options("1e04 0181")
        #expect(syn.has(.capable) && syn.multipathDetail == 1 && syn.multipathValue == 0)
        let answer = try options("1e0c 0181 0102030405060708")
        #expect(answer.multipathValue == 0x0102_0304_0506_0708)
        let ack = try options("1e14 0081 0102030405060708 1112131415161718")
        #expect(ack.multipathDetail == 0 && ack.multipathValue == 0x0102_0304_0506_0708)
    }

    @Test("H34: MP_JOIN of a SYN has the token; of its answers not")
    func join() throws {
        let syn = try options("1e0c 1002 e47f0142 00000007")
        #expect(syn.has(.join) && !syn.has(.capable) && syn.multipathValue == 0xe47f_0142)
        #expect(try options("1e10 1002 0102030405060708 00000007").multipathValue == 0)
    }

    @Test("E22: MP_TCPRST with its reason; T26: MP_FASTCLOSE; several in one segment")
    func others() throws {
        let reset = try options("1e04 8005")
        #expect(reset.has(.reset) && reset.multipathDetail == 5)
        #expect("\(MultipathSubtype.resetReason(5))" == "unacceptable performance")
        #expect("\(MultipathSubtype.resetReason(200))" == "unknown reason")
        #expect(try options("1e0c 7000 0102030405060708").has(.fastClose))
        let both = try options("1e08 2001 00000001 1e08 3401 0a000001")
        #expect(both.has(.dataSequence) && both.has(.addAddress) && both.multipathSubtype == 3)
    }

    @Test(
        "a length that lies gives no key and no token", arguments: ["1e03 00", "1e06 0181 0102", "1e08 1002 e47f0142"])
    func short(text: String) throws { #expect(try options(text).multipathValue == 0) }

    @Test("user timeout (RFC 5482), AccECN (RFC 9768), experiments (RFC 6994)")
    func newer() throws {
        let timeout = try options("1c04 8005")
        #expect(timeout.present == .userTimeout && timeout.userTimeout == 0x8005)
        for text in [
            "ac02", "ac05 010203", "ae08 010203 040506", "ae0b 010203 040506 070809", "fe04 acce",
            "fe07 acc0 010203", "fd04 acc1",
        ] {
            #expect(try options(text).present == .accurateECN, "\(text)")
        }
        #expect(try segment(tcpFrame(options: hex("ac04 0102"))).remarks == .malformedOption)
        let experiment = try options("fd06 4d4b 0001")
        #expect(experiment.present == .experiment && experiment.experimentIdentifier == 0x4d4b)
    }
}
