import Applib
import Codec
import Kernel

/// One `grep`'s way through its files: which lines are selected, and what is printed of them.
///
/// A file comes in blocks of whole lines. The matcher goes from one matching line to the next; what lies between is only looked at
/// where it is selected (`-v`) or near to a selected line.
final class GrepSearch {
    private let r: Run
    private let matcher: Matcher
    private let terminator: UInt8
    private let isInverted: Bool
    /// Lines themselves are printed, not only counts or names of files.
    private let printsLines: Bool
    /// One selected line says all that is asked of the file.
    private let endsAtFirst: Bool
    private let printsMatches: Bool
    private let numbers: Bool
    private let offsets: Bool
    private let asText: Bool
    private let skipsBinary: Bool
    private let paint: GrepPaint?
    private let endsNamesInZero: Bool
    private let most: Int
    private let before: Int
    private let after: Int

    /// Whether a line begins with the name of its file.
    var withNames = false
    /// A line was selected in some file.
    private(set) var selectedAny = false
    /// Nothing more is to be looked at.
    private(set) var isDone = false

    // The file that is being read.
    private var name = ""
    private var selected = 0
    /// Lines still to be printed after the last selected one.
    private var owed = 0
    private var isBinary = false
    /// No more lines are to be selected.
    private var isFull = false
    /// Offset in the file of the block.
    private var base = 0
    /// The number of the line at place `numbered` of the block.
    private var number = 1
    private var numbered = 0
    /// The place in the block up to which lines are printed.
    private var printed = 0
    /// The offset in the file up to which they are, nil where none is; and whether any line was ever printed.
    private var printedOffset: Int?
    private var printedAny = false
    /// Lines before the block that may yet be printed.
    private var held: [Held] = []
    private var heldCost = 0

    private struct Held {
        let text: [UInt8]
        let number: Int
        /// Where it stands in the file.
        let range: Range<Int>

        /// Bytes that it takes.
        var cost: Int { text.count + MemoryLayout<Held>.stride }
    }

    init(_ r: Run, _ regex: Regex) throws(SysError) {
        self.r = r
        terminator = r.has("z") ? 0 : UInt8(ascii: "\n")
        matcher = regex.matcher(terminator: terminator)
        isInverted = r.has("v")
        printsLines = !(r.has("q") || r.has("l") || r.has("L") || r.has("c"))
        endsAtFirst = !printsLines && !r.has("c")
        printsMatches = r.has("o")
        numbers = r.has("n")
        offsets = r.has("b")
        let binary = r.options.value("binary-files") ?? "binary"
        guard ["binary", "text", "without-match"].contains(binary) else {
            throw r.misuse("--binary-files: bad value '\(binary)'")
        }
        asText = r.has("a") || r.has("z") || binary == "text"
        skipsBinary = r.has("I") || binary == "without-match"
        most = try r.number("m", or: .max)
        paint = try GrepPaint(r)
        endsNamesInZero = r.has("Z")
        let around = try r.number("C", or: 0)
        before = printsLines ? try r.number("B", or: around) : 0
        after = printsLines ? try r.number("A", or: around) : 0
    }

    // MARK: A file

    /// Searches the open file `fd`, which is called `name`.
    func file(_ name: String, _ fd: Int32) throws(SysError) {
        self.name = name
        (selected, owed, isBinary, isFull, base, number, numbered, printed) = (0, 0, false, most == 0, 0, 1, 0, 0)
        printedOffset = nil
        forget(held.count)
        var reader = Reader(r, fd, separator: terminator)
        while !isFull || owed > 0 {
            try Thread.check()
            guard let goesOn = try reader.lines({ (lines) throws(SysError) in try block(lines) }), goesOn else { break }
        }
        if isBinary, skipsBinary { return }
        if selected > 0 { selectedAny = true }
        if r.has("q") {
            isDone = selectedAny
        } else if r.has("l") || r.has("L") {
            if (selected > 0) == r.has("l") {
                try put(name, GrepPaint.name)
                try r.out.put(endsNamesInZero ? 0 : UInt8(ascii: "\n"))
            }
        } else if r.has("c") {
            if withNames { try prefixName(mark: UInt8(ascii: ":")) }
            try r.out.line(String(selected))
        }
    }

    /// Searches a block of lines; false where the rest of the file is of no interest.
    private func block(_ lines: Span<UInt8>) throws(SysError) -> Bool {
        if !asText, !isBinary, lines.firstIndex(of: 0) != nil { isBinary = true }
        if isBinary, skipsBinary { return false }
        var at = 0
        while at < lines.count {
            let match = isFull && owed == 0 ? nil : try matcher.nextLine(in: lines.bytes, from: at)
            let gap = at..<(match?.lowerBound ?? lines.count)
            if !gap.isEmpty { try isInverted ? select(gap, of: lines) : pass(gap, of: lines) }
            guard let match else { break }
            at = min(match.upperBound + 1, lines.count)
            let line = match.lowerBound..<at
            try isInverted ? pass(line, of: lines) : select(line, of: lines)
            if selected > 0, endsAtFirst { return false }
            if isFull, owed == 0 { return false }
            if isBinary, printsLines, selected > 0 { return false }
        }
        if selected > 0, endsAtFirst { return false }
        if isBinary, printsLines, selected > 0 { return false }
        try hold(lines)
        base += lines.count
        return true
    }

    /// Takes the lines of `range` as selected.
    private func select(_ range: Range<Int>, of lines: Span<UInt8>) throws(SysError) {
        if !isInverted { return try selectLine(range, of: lines) }
        if !printsLines, most == .max {
            let part = lines.extracting(range)
            selected += part.count(of: terminator) + (part[part.count - 1] == terminator ? 0 : 1)
            return
        }
        try eachLine(range, of: lines) { (line) throws(SysError) in try selectLine(line, of: lines) }
    }

    private func selectLine(_ line: Range<Int>, of lines: Span<UInt8>) throws(SysError) {
        if isFull { return try pass(line, of: lines) }
        selected += 1
        isFull = selected == most
        guard printsLines else { return }
        if isBinary {
            if selected == 1 || printedOffset != nil { r.tell("\(name): binary file matches") }
            isFull = true
            owed = 0
            return
        }
        try linesBefore(line, of: lines)
        try separate(line.lowerBound)
        if printsMatches {
            try matches(line, of: lines)
        } else {
            try print(line, of: lines, mark: UInt8(ascii: ":"))
        }
        printedUp(to: line.upperBound)
        owed = after
    }

    /// Passes over lines that are not selected, and prints those owed to the last one that was.
    private func pass(_ range: Range<Int>, of lines: Span<UInt8>) throws(SysError) {
        guard owed > 0 else { return }
        try eachLine(range, of: lines) { (line) throws(SysError) in
            guard owed > 0 else { return }
            owed -= 1
            if !printsMatches { try print(line, of: lines, mark: UInt8(ascii: "-")) }
            printedUp(to: line.upperBound)
        }
    }

    private func eachLine(
        _ range: Range<Int>, of lines: Span<UInt8>, _ body: (Range<Int>) throws(SysError) -> Void
    ) throws(SysError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let end =
                lines.extracting(at..<range.upperBound).firstIndex(of: terminator).map { at + $0 + 1 }
                ?? range.upperBound
            try body(at..<end)
            at = end
        }
    }

    // MARK: Lines around

    /// Prints the lines before `line` that are wanted and not printed.
    private func linesBefore(_ line: Range<Int>, of lines: Span<UInt8>) throws(SysError) {
        guard before > 0 else { return }
        let starts = self.starts(before, before: line.lowerBound, of: lines)
        if starts.count < before, printed == 0 {
            for old in held.suffix(before - starts.count) {
                try separate(old.range.lowerBound - base)
                if !printsMatches {
                    try prefix(old.number, old.range.lowerBound, mark: UInt8(ascii: "-"))
                    try whole(old.text.span, isMarked: isInverted)
                }
                printedUp(to: old.range.upperBound - base)
            }
        }
        forget(held.count)
        for (i, start) in starts.enumerated() {
            let end = i + 1 < starts.count ? starts[i + 1] : line.lowerBound
            try separate(start)
            if !printsMatches { try print(start..<end, of: lines, mark: UInt8(ascii: "-")) }
            printedUp(to: end)
        }
    }

    /// Where the last `count` lines before `place` begin that are not printed.
    private func starts(_ count: Int, before place: Int, of lines: Span<UInt8>) -> [Int] {
        var starts: [Int] = []
        var at = place
        while starts.count < count, at > printed {
            at -= 1
            while at > printed, lines[at - 1] != terminator { at -= 1 }
            starts.append(at)
        }
        return starts.reversed()
    }

    /// Drops the first `count` of the lines that are held.
    private func forget(_ count: Int) {
        guard count > 0 else { return }
        for line in held.prefix(count) { heldCost -= line.cost }
        held.removeFirst(count)
    }

    /// Keeps the last lines of a block that the next one may want.
    private func hold(_ lines: Span<UInt8>) throws(SysError) {
        if before > 0 {
            let starts = self.starts(before, before: lines.count, of: lines)
            forget(printed == 0 ? max(0, held.count - (before - starts.count)) : held.count)
            for (i, start) in starts.enumerated() {
                let end = i + 1 < starts.count ? starts[i + 1] : lines.count
                let text = [UInt8](copying: lines.extracting(content(start..<end, of: lines)))
                let number = numbers ? lineNumber(start, of: lines) : 0
                held.append(Held(text: text, number: number, range: base + start..<base + end))
                heldCost += held.last?.cost ?? 0
            }
            guard heldCost <= r.heldLimit else { throw Run.tooMuch }
        }
        if numbers { _ = lineNumber(lines.count, of: lines) }
        numbered = 0
        printed = 0
    }

    private func printedUp(to place: Int) {
        printed = max(place, 0)
        printedOffset = base + place
        printedAny = true
    }

    /// Prints a separator, where lines are to be printed from `place` on and others were left out.
    private func separate(_ place: Int) throws(SysError) {
        guard before > 0 || after > 0, printedAny, printedOffset != base + place else { return }
        try put("--", GrepPaint.mark)
        try r.out.put(UInt8(ascii: "\n"))
    }

    // MARK: Printing

    private func matches(_ line: Range<Int>, of lines: Span<UInt8>) throws(SysError) {
        guard !isInverted else { return }
        let text = lines.extracting(content(line, of: lines))
        for match in try matcher.all(in: text.bytes) where !match.isEmpty {
            let number = numbers ? lineNumber(line.lowerBound, of: lines) : 0
            try prefix(number, base + line.lowerBound + match.lowerBound, mark: UInt8(ascii: ":"))
            try whole(text.extracting(match), isMarked: true)
        }
    }

    private func print(_ line: Range<Int>, of lines: Span<UInt8>, mark: UInt8) throws(SysError) {
        try prefix(numbers ? lineNumber(line.lowerBound, of: lines) : 0, base + line.lowerBound, mark: mark)
        try whole(lines.extracting(content(line, of: lines)), isMarked: (mark == UInt8(ascii: ":")) != isInverted)
    }

    /// A line without its terminator.
    private func content(_ line: Range<Int>, of lines: Span<UInt8>) -> Range<Int> {
        line.lowerBound..<(line.upperBound - (lines[line.upperBound - 1] == terminator ? 1 : 0))
    }

    /// Prints text, with what matches in it marked where that is wanted.
    private func whole(_ bytes: Span<UInt8>, isMarked: Bool) throws(SysError) {
        if let paint, isMarked {
            try paint.put(bytes, matches: try matcher.all(in: bytes.bytes), r.out)
        } else {
            try r.out.write(bytes)
        }
        try r.out.put(terminator)
    }

    private func put(_ text: String, _ colour: String) throws(SysError) {
        if let paint { try paint.put(text, colour, r.out) } else { try r.out.write(text) }
    }

    private func prefixName(mark: UInt8) throws(SysError) {
        try put(name, GrepPaint.name)
        if endsNamesInZero { try r.out.put(0) } else { try put(mark: mark) }
    }

    private func put(mark: UInt8) throws(SysError) {
        if let paint { try paint.put(String(UnicodeScalar(mark)), GrepPaint.mark, r.out) } else { try r.out.put(mark) }
    }

    private func prefix(_ number: Int, _ offset: Int, mark: UInt8) throws(SysError) {
        if withNames { try prefixName(mark: mark) }
        if numbers {
            try put(String(number), GrepPaint.number)
            try put(mark: mark)
        }
        if offsets {
            try put(String(offset), GrepPaint.number)
            try put(mark: mark)
        }
    }

    /// The number of the line at `place`, which is never before one asked for earlier.
    private func lineNumber(_ place: Int, of lines: Span<UInt8>) -> Int {
        number += lines.extracting(numbered..<place).count(of: terminator)
        numbered = place
        return number
    }
}
