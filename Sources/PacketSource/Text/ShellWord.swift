// Quotes command lines that people are asked to type or paste: they must mean the same to their shell, and show all
// their characters.

import TCPModel

/// `word`, quoted so that a shell reads it back unchanged (POSIX.1-2024, 2.2), or as it is if nothing in it is special
/// to a shell. Characters unsafe on a terminal are written in octal between `$'` and `'`, which bash, zsh and ksh
/// understand.
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
            // Always three digits, so that a digit after them is not taken for part of the escape.
            quoted += scalar.isUnsafeOnTerminals ? shown.utf8.map { "\\" + octal($0) }.joined() : shown
        }
    }
    return quoted + "'"
}

/// Whether an octet is not special to any shell, wherever it stands, except for a leading `=`, which zsh expands.
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
