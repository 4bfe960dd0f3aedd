import Kernel

/// Names in as many columns as fit, each as wide as its longest and two blanks; tabs where they say the same.
public struct Columns {
    private static let gap = 2
    private static let tab = 8

    private let names: [String]
    private let isAcross: Bool
    private let widths: [Int]
    /// How many lines there are.
    public let rows: Int

    /// `width`: the lines are shorter than that. `isAcross`: the second name stands beside the first, not below it.
    public init(_ names: [String], width: Int, isAcross: Bool) {
        self.names = names
        self.isAcross = isAcross
        let lengths = names.map(\.shownCount)
        var best: [Int] = [lengths.max() ?? 0]
        // No name and its gap is narrower.
        for count in stride(from: min(names.count, width / (Self.gap + 1)), to: 1, by: -1) {
            let down = (names.count + count - 1) / count
            var widths = [Int](repeating: 0, count: count)
            var total = 0
            for (i, length) in lengths.enumerated() {
                let column = isAcross ? i % count : i / down
                let wanted = max(Self.gap + 1, length + (column == count - 1 ? 0 : Self.gap))
                if wanted > widths[column] {
                    total += wanted - widths[column]
                    widths[column] = wanted
                }
                if total >= width { break }
            }
            // An empty column takes room too.
            total += widths.count { $0 == 0 } * (Self.gap + 1)
            if total < width {
                best = widths
                break
            }
        }
        widths = best
        rows = (names.count + best.count - 1) / best.count
    }

    /// Line `row`, from 0, without its newline.
    public func line(_ row: Int) -> String {
        var line = ""
        var at = 0
        var start = 0
        for column in widths.indices {
            let i = isAcross ? row * widths.count + column : column * rows + row
            guard i < names.count, isAcross || i < (column + 1) * rows else { break }
            if column > 0 {
                while at < start {
                    let stop = at / Self.tab * Self.tab + Self.tab
                    let isTab = start / Self.tab > (at + 1) / Self.tab
                    line += isTab ? "\t" : " "
                    at = isTab ? stop : at + 1
                }
            }
            line += names[i]
            at += names[i].shownCount
            start += widths[column]
        }
        return line
    }
}

extension String {
    /// Characters that are seen: those of a colour are not.
    fileprivate var shownCount: Int {
        guard utf8.contains(0x1b) else { return count }
        var isColor = false
        var count = 0
        for c in self {
            if c == "\u{1b}" { isColor = true }
            if !isColor { count += 1 }
            if c == "m" { isColor = false }
        }
        return count
    }
}

extension Run {
    /// Characters of a line: what -w says, else the terminal's, else `$COLUMNS`, else 80.
    public func lineWidth() throws(SysError) -> Int {
        let terminal = p.window(1).flatMap { $0.columns > 0 ? $0.columns : nil }
        let said = p.environment["COLUMNS"].flatMap { Int(String(decoding: $0.value, as: UTF8.self)) }
        return try number("w", or: max(1, min(terminal ?? said ?? 80, 10000)), in: 1...10000)
    }
}
