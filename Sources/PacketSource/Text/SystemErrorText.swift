// The C library's message for an errno.

import Glibc

/// The message for an errno: "No such file or directory" for ENOENT.
func systemErrorText(_ code: Int32) -> String {
    // strerror never returns NULL, and its result is copied before anything else can run on this thread.
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
