// Measures text in terminal columns: untrusted names are not always ASCII.

extension Unicode.Scalar {
    /// The width of a printable character on a terminal, as in wcwidth(3): 0 for marks that combine with the previous
    /// character, 2 for East Asian wide and full-width characters (Unicode Standard Annex 11) and for emoji, 1 for all
    /// others.
    var columns: Int {
        guard value >= 0x300 else { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        // Hangul vowels and final consonants are drawn into the syllable that they complete.
        if 0x1160...0x11ff ~= value { return 0 }
        return isWide ? 2 : 1
    }

    private var isWide: Bool {
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97f,
            0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18cff,
            0x1aff0...0x1b2ff, 0x1f200...0x1f265, 0x20000...0x3fffd:
            true
        // Each letter of a flag has width 1; together they are one picture of width 2.
        case 0x1f1e6...0x1f1ff: false
        default: properties.isEmojiPresentation
        }
    }
}

/// UTF-8 text, measured and cut by columns.
enum TextColumns {
    /// The width of printable text in columns.
    static func count(_ text: ArraySlice<UInt8>) -> Int {
        // It is nearly always ASCII.
        if text.allSatisfy({ $0 < 0x80 }) { return text.count }
        return String(decoding: text, as: UTF8.self).unicodeScalars.reduce(0) { $0 + $1.columns }
    }

    /// The end of the longest prefix of printable text that is at most `columns` wide. It never splits a character, nor
    /// separates one from its combining marks. If not even the first character fits, the result is its end, so that
    /// callers always make progress.
    static func end(of text: ArraySlice<UInt8>, within columns: Int) -> ArraySlice<UInt8>.Index {
        var place = text.startIndex
        var used = 0
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            used += scalar.columns
            if used > columns && place > text.startIndex { break }
            place += UTF8.width(scalar)
        }
        return min(place, text.endIndex)
    }
}
