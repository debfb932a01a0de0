// The number of connections, as worded in the line at the end.

import TCPModel

/// `2 connections traced`, and how many of them are the same as others, seen on the other side of an address
/// translation: such connections have two rows.
func tracedText(_ connections: UInt64, translated: UInt64) -> String {
    let traced = "\(counted(connections, "connection")) traced"
    return translated == 0 ? traced : traced + ", \(translated) of them the same as another (NAT)"
}
