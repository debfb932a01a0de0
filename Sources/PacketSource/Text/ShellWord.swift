// A command line that people are told to type, or to paste: it must mean the same to their shell, and show everything that is in it.

import TCPModel

/// `word` as a shell reads it back (POSIX.1-2024, 2.2): as it is where nothing in it means anything to a shell, else in quotes. What is
/// not to reach a terminal is written in octal, between `$'` and `'`, which bash, zsh and ksh read.
package func shellWord(_ word: String) -> String {
    if !word.isEmpty && word.utf8.first != UInt8(ascii: "=") && word.utf8.allSatisfy(isPlain) { return word }
    if !word.unicodeScalars.contains(where: \.isUnsafeOnTerminals) {
        return "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
    var quoted = "$'"
    for scalar in word.unicodeScalars {
        switch scalar {
        case "'", "\\":
            quoted += "\\"
            quoted.unicodeScalars.append(scalar)
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        default:
            let shown = String(scalar)
            // Three digits each, so that none is taken for one more of them.
            quoted += scalar.isUnsafeOnTerminals ? shown.utf8.map { "\\" + octal($0) }.joined() : shown
        }
    }
    return quoted + "'"
}

/// Whether an octet means nothing to any shell, wherever it stands but for `=` in front, which is zsh's.
private func isPlain(_ octet: UInt8) -> Bool {
    switch octet {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: "_./:=,@%+-".utf8.contains(octet)
    }
}

private func octal(_ octet: UInt8) -> String {
    let digits = String(octet, radix: 8)
    return String(repeating: "0", count: 3 - digits.count) + digits
}
