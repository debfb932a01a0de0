// Port numbers of the command line, and what is said of those that are none.

/// Why a word is no port number.
public struct PortFault: Error, CustomStringConvertible {
    /// What ports there are.
    public let description: String
}

/// The port that a word means. `least` is 0 where that stands for any free one.
public func portNumber(_ word: String, from least: UInt16 = 1) throws(PortFault) -> UInt16 {
    if let port = UInt16(word), port >= least { return port }
    throw PortFault(description: "the port is \(least) to 65535")
}
