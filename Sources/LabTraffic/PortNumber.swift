// Port numbers on the command line, and the message about invalid ones.

/// Why a word is not a port number.
public struct PortFault: Error, CustomStringConvertible {
    /// A description of the valid ports.
    public let description: String
}

/// Parses a port number. `least` is 0 where that stands for any free port.
public func portNumber(_ word: String, from least: UInt16 = 1) throws(PortFault) -> UInt16 {
    if let port = UInt16(word), port >= least { return port }
    throw PortFault(description: "the port must be from \(least) to 65535")
}
