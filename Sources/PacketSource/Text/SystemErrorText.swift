// The C library's message for an errno.

import Glibc

/// The message for an errno: "No such file or directory" for ENOENT.
package func describeErrno(_ code: Int32) -> String {
    // strerror returns a constant for a known number, else a buffer of this thread (glibc 2.32): it is copied at once.
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
