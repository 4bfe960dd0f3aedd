extension Unicode.Scalar {
    /// What a terminal shows in two columns, by block; the emoji that are shown as such come to that.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2329...0x232a, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf,
        0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff00...0xff60,
        0xffe0...0xffe6, 0x16fe0...0x18dff, 0x1b000...0x1b2ff, 0x1f200...0x1f2ff, 0x20000...0x2fffd,
        0x30000...0x3fffd,
    ]

    /// The columns that it takes on a terminal: 0, 1 or 2. The corresponding POSIX call is `wcwidth(3)`.
    public var columns: Int {
        if value < 0x7f { return value < 0x20 ? 0 : 1 }
        if value < 0x300 { return value < 0xa0 ? 0 : 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control, .unassigned, .surrogate: return 0
        default: break
        }
        // Vowels and finals of Korean stand in the column of the letter before them.
        if 0x1160...0x11ff ~= value { return 0 }
        if Self.wide.contains(where: { $0.contains(value) }) { return 2 }
        return properties.isEmojiPresentation && !(0x1f1e6...0x1f1ff ~= value) ? 2 : 1
    }
}
