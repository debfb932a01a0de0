// How many columns of a terminal text takes: names from outside are not always ASCII.

extension Unicode.Scalar {
    /// Columns that a terminal gives it, as wcwidth(3) counts: none to a mark that combines with the character before it, two to the
    /// wide and full-width ones of East Asia (Unicode Standard Annex 11) and to pictures, one to all others. It is printable.
    var columns: Int {
        guard value >= 0x300 else { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        // The vowels and final consonants of Hangul are drawn into the syllable that they end.
        if 0x1160...0x11ff ~= value { return 0 }
        return isWide ? 2 : 1
    }

    private var isWide: Bool {
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97f,
            0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18cff,
            0x1aff0...0x1b2ff, 0x1f200...0x1f265, 0x20000...0x3fffd:
            true
        // Each letter of a flag takes one; both together are one picture of two.
        case 0x1f1e6...0x1f1ff: false
        default: properties.isEmojiPresentation
        }
    }
}

/// Text as UTF-8, measured and cut by columns.
enum TextColumns {
    /// Columns that printable text takes.
    static func count(_ text: ArraySlice<UInt8>) -> Int {
        // Nearly always it is ASCII.
        if text.allSatisfy({ $0 < 0x80 }) { return text.count }
        return String(decoding: text, as: UTF8.self).unicodeScalars.reduce(0) { $0 + $1.columns }
    }

    /// The end of the longest beginning of printable text that takes at most so many columns. No character is cut, nor parted from its
    /// marks; where not even one fits, it is the end of the first one, so that whoever goes on from there comes to an end.
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
