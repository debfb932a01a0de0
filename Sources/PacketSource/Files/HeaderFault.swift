// Why the header of a capture file cannot be read.

/// What is wrong with a file header.
struct HeaderFault: Error {
    var reason: CaptureFileError.Reason
    /// Octets from the start of the file to the fault.
    var offset: UInt64 = 0
}
