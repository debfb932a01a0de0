// Addresses as people type them.

import Glibc
import TCPModel

extension IPAddress {
    /// Parses `text` as a numeric address (inet_pton(3)); nil if it is not one.
    init?(numeric text: String) {
        var v4 = in_addr()
        // inet_pton writes only to the structure, whose size matches the family passed.
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4.s_addr))
            return
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        // in6_addr is 16 bytes, read here as two numbers.
        let halves = unsafe unsafeBitCast(v6, to: (UInt64, UInt64).self)
        self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
    }
}
