// How many connections there were, in the words of the line at the end.

import TCPModel

/// `2 connections traced`, and how many of them are others behind a translation of addresses: those have two rows.
func tracedText(_ connections: UInt64, translated: UInt64) -> String {
    let traced = "\(counted(connections, "connection")) traced"
    return translated == 0 ? traced : traced + ", \(translated) of them the same as another (NAT)"
}
