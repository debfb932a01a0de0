// The token of an MPTCP key: the first 32 bits of its digest, SHA-256 in version 1 (RFC 8684 3.2), SHA-1 in version 0
// (RFC 6824 3.2). The message for SHA-256 is always the eight octets of a key, so it takes a single block.

/// What identifies an MPTCP connection in MP_JOIN.
enum MultipathToken {
    /// The token of a key, as this version of the protocol derives it.
    static func token(of key: UInt64, version: UInt8) -> UInt32 {
        guard version == 0 else { return sha256(key) }
        var message = ShortDigest()
        message.append(key)
        return message.digest()[0]
    }

    private static func right(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

    /// The first word of the key's SHA-256 digest (FIPS 180-4).
    private static func sha256(_ key: UInt64) -> UInt32 {
        // The key, the end marker, and the length of 64 bits; then the schedule.
        var w = InlineArray<64, UInt32>(repeating: 0)
        w[0] = UInt32(truncatingIfNeeded: key >> 32)
        w[1] = UInt32(truncatingIfNeeded: key)
        w[2] = 0x8000_0000
        w[15] = 64
        for t in 16..<64 {
            let s0 = right(w[t - 15], 7) ^ right(w[t - 15], 18) ^ w[t - 15] >> 3
            let s1 = right(w[t - 2], 17) ^ right(w[t - 2], 19) ^ w[t - 2] >> 10
            w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
        }
        var s: InlineArray<8, UInt32> = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        let start = s[0]
        for t in 0..<64 {
            let s1 = right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25)
            let choice = s[4] & s[5] ^ ~s[4] & s[6]
            let first = s[7] &+ s1 &+ choice &+ sha256Constants[t] &+ w[t]
            let s0 = right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22)
            let majority = s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]
            s = [first &+ s0 &+ majority, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
        }
        return start &+ s[0]
    }

    /// Fractional parts of the cube roots of the first 64 primes.
    private static let sha256Constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}
