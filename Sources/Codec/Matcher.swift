import Kernel

/// Searches texts with one expression, for one thread: it keeps what it has learnt of the automata.
public final class Matcher {
    public let regex: Regex
    private let terminator: UInt8

    /// Reads lines on and on, to find those that have a match.
    private let lines: Automaton
    /// Reads a text from its end, to find where matches begin.
    private let starts: Automaton
    /// Reads on from where a match begins, to find where it ends.
    private let longest: Automaton
    private lazy var threads = Threads(regex.forward, groups: regex.groups)
    /// Does all the matching, where there are back-references.
    private var backtracker: Backtracker?

    /// Whether lines are looked for by needles first; given up when too many of the lines found have no match.
    @exclusivity(unchecked) private var seeking = true
    /// Bytes passed over to lines without a match, and how many these were.
    @exclusivity(unchecked) private var sought = 0
    @exclusivity(unchecked) private var refuted = 0
    /// The empty string at the beginning of a line is a match.
    private let everyLine: Bool
    /// A line in which a needle was found has a match.
    private let needlesSuffice: Bool

    init(_ regex: Regex, _ terminator: UInt8, _ cache: Int) {
        self.regex = regex
        self.terminator = terminator
        if regex.hasBackReference {
            backtracker = Backtracker(regex.forward, groups: regex.groups, ignoresCase: regex.ignoresCase)
        }
        lines = Automaton(regex.forward, .lines(terminator: terminator), maxBytes: cache)
        starts = Automaton(regex.backward, .anywhere, maxBytes: cache)
        longest = Automaton(regex.forward, .here, maxBytes: cache)
        everyLine = !regex.hasBackReference && lines.traits(of: lines.start(after: .edge)).contains(.matched)
        let words = regex.needles?.words ?? []
        needlesSuffice =
            regex.needles?.areMatches ?? false
            && !words.contains { $0.bytes.contains { $0.equals(terminator) } }
    }

    /// The work done beyond reading tables: operations visited while states were made.
    var steps: Int { lines.steps + starts.steps + longest.steps }

    /// How many bytes may be read before the caller is asked whether it still wants to know: fewer for a large program, of
    /// which a byte may need every operation.
    private var stretch: Int { min(1 << 16, max(64, 1 << 24 / regex.forward.ops.count)) }

    /// Throws when the program that searches was killed; outside of one there is nobody to ask.
    private func attend() throws(SysError) {
        if Thread.running != nil { try Thread.check() }
    }

    // MARK: In a text

    /// Whether `text` has a match.
    public func matches(_ text: RawSpan) throws(SysError) -> Bool {
        if let needles = regex.needles {
            guard needles.find(in: text, from: 0, to: text.byteCount) != nil else { return false }
            if needles.areMatches { return true }
        }
        if regex.hasBackReference { return try backtracker?.first(in: text, from: 0) != nil }
        var found = false
        try scanStarts(text, from: 0) { _ in
            found = true
            return false
        }
        return found
    }

    /// The longest of the leftmost matches that begin at `start` or later; `^` and the word boundaries see the text before.
    public func first(in text: RawSpan, from start: Int = 0) throws(SysError) -> Range<Int>? {
        guard 0...text.byteCount ~= start else { return nil }
        if let needles = regex.needles {
            guard let (at, word) = needles.find(in: text, from: start, to: text.byteCount) else { return nil }
            if needles.areMatches { return at..<(at + word.bytes.count) }
        }
        if regex.hasBackReference { return try backtracker?.first(in: text, from: start)?[0] }
        var leftmost: Int?
        try scanStarts(text, from: start) { at in
            leftmost = at
            return true
        }
        guard let leftmost else { return nil }
        return try leftmost..<end(of: text, from: leftmost)
    }

    /// The first `limit` matches, from left to right. They do not overlap, and an empty one does not follow another match
    /// at once.
    public func all(in text: RawSpan, limit: Int = .max) throws(SysError) -> [Range<Int>] {
        guard limit > 1 else { return try limit == 1 ? first(in: text).map { [$0] } ?? [] : [] }
        var found: [Range<Int>] = []
        if let needles = regex.needles {
            var from = 0
            while found.count < limit, let (at, word) = needles.find(in: text, from: from, to: text.byteCount) {
                guard needles.areMatches else { break }
                found.append(at..<(at + word.bytes.count))
                from = at + word.bytes.count
            }
            if needles.areMatches || from == 0 && needles.find(in: text, from: 0, to: text.byteCount) == nil {
                return found
            }
        }
        if regex.hasBackReference { return try allByBacktracking(in: text, limit: limit) }
        var begins = [UInt64](repeating: 0, count: text.byteCount / 64 + 1)
        try scanStarts(text, from: 0) { at in
            begins[at >> 6] |= 1 << UInt64(at & 63)
            return true
        }
        var from = 0
        while found.count < limit, let at = Self.next(begins, from: from) {
            let end = try end(of: text, from: at)
            if end > at || found.last?.upperBound != at { found.append(at..<end) }
            from = max(end, at + 1)
        }
        return found
    }

    private func allByBacktracking(in text: RawSpan, limit: Int) throws(SysError) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var from = 0
        while found.count < limit, let match = try first(in: text, from: from) {
            if !match.isEmpty || found.last?.upperBound != match.lowerBound { found.append(match) }
            from = match.isEmpty ? match.upperBound + 1 : match.upperBound
        }
        return found
    }

    /// The lowest bit set at `from` or above.
    private static func next(_ bits: [UInt64], from: Int) -> Int? {
        var word = from >> 6
        guard word < bits.count else { return nil }
        var rest = bits[word] & (UInt64.max << UInt64(from & 63))
        while rest == 0 {
            word += 1
            guard word < bits.count else { return nil }
            rest = bits[word]
        }
        return word << 6 + rest.trailingZeroBitCount
    }

    /// The ranges of a match and of its groups, in order; nil for a group that took no part. `match` is one that this
    /// matcher found in `text`.
    public func groups(in text: RawSpan, of match: Range<Int>) throws(SysError) -> [Range<Int>?] {
        guard regex.groups > 0 else { return [match] }
        if regex.hasBackReference { return try backtracker?.first(in: text, from: match.lowerBound) ?? [match] }
        return try threads.groups(in: text, of: match)
    }

    /// Calls `found` with each position at `start` or later where a match begins, from the last to the first, until it
    /// answers false.
    private func scanStarts(_ text: RawSpan, from start: Int, _ found: (Int) -> Bool) throws(SysError) {
        var at = text.byteCount
        var pause = at - stretch
        var state = starts.start(after: .edge)
        while true {
            if state & Automaton.mark != 0 {
                let traits = starts.traits(of: state)
                if traits.contains(.matchedBefore), beginsCharacter(text, at + 1), !found(at + 1) { return }
                if traits.contains(.matched), beginsCharacter(text, at), !found(at) { return }
            }
            guard at > start else { break }
            if at < pause {
                try attend()
                pause = at - stretch
            }
            state = starts.backward(text, &at, to: max(start, pause - 1), from: state)
        }
        let before = starts.symbolBefore(start, in: text)
        if starts.traits(of: starts.next(state, before)).contains(.matchedBefore), beginsCharacter(text, start) {
            _ = found(start)
        }
    }

    /// The end of the longest match that begins at `start`, where one does.
    private func end(of text: RawSpan, from start: Int) throws(SysError) -> Int {
        var end = start
        var at = start
        var pause = at + stretch
        var state = longest.start(after: side(before: start, in: text))
        while true {
            if state & Automaton.mark != 0 {
                let traits = longest.traits(of: state)
                if traits.contains(.matchedBefore) { end = at - 1 }
                if traits.contains(.matched) { end = at }
                if traits.contains(.dead) { return end }
            }
            guard at < text.byteCount else { break }
            if at > pause {
                try attend()
                pause = at + stretch
            }
            state = longest.forward(text, &at, to: min(text.byteCount, pause + 1), from: state)
        }
        return longest.traits(of: longest.next(state, longest.symbols.end)).contains(.matchedBefore) ? at : end
    }

    // MARK: In lines

    /// The first line of `block` that has a match and begins at `start` or later, where `start` is the beginning of a line.
    /// The range is without the line's terminator; a last line without one counts unless it is empty.
    public func nextLine(in block: RawSpan, from start: Int = 0) throws(SysError) -> Range<Int>? {
        var at = start
        guard 0..<block.byteCount ~= at else { return nil }
        if everyLine { return line(of: block, at, from: at) }
        while let needles = regex.needles, seeking {
            guard let (position, _) = needles.find(in: block, from: at, to: block.byteCount) else {
                sought += block.byteCount - at
                return nil
            }
            let line = line(of: block, position, from: at)
            if needlesSuffice { return line }
            if try scanLines(block, from: line.lowerBound, to: line.upperBound) != nil { return line }
            sought += line.upperBound + 1 - at
            refuted += 1
            at = line.upperBound + 1
            seeking = refuted < 64 || refuted * 60 < sought
            guard at < block.byteCount else { return nil }
        }
        return try scanLines(block, from: at, to: block.byteCount).map { line(of: block, $0, from: at) }
    }

    /// The line that holds the byte at `position`, or that it ends; it begins at `start` or later.
    private func line(of block: RawSpan, _ position: Int, from start: Int) -> Range<Int> {
        let first = block.lastIndex(of: terminator, in: start..<position).map { $0 + 1 } ?? start
        return first..<(block.firstIndex(of: terminator, in: position..<block.byteCount) ?? block.byteCount)
    }

    /// A position in the first line of `block[start..<end]` that has a match; `start` is the beginning of a line, and `end`
    /// the end of one.
    private func scanLines(_ block: RawSpan, from start: Int, to end: Int) throws(SysError) -> Int? {
        if regex.hasBackReference { return try tryLines(block, from: start, to: end) }
        var at = start
        var pause = at + stretch
        var state = lines.start(after: .edge)
        while at < end {
            if state & Automaton.mark != 0 {
                let traits = lines.traits(of: state)
                if traits.contains(.matched) || traits.contains(.matchedBefore) { return max(at - 1, start) }
                if traits.contains(.idle) {
                    state = lines.skip(block, &at, to: end, from: state)
                    guard at < end else { break }
                    state = lines.next(state, lines.symbol(block, at))
                    at += 1
                    continue
                }
            }
            if at > pause {
                try attend()
                pause = at + stretch
            }
            state = lines.forward(block, &at, to: min(end, pause + 1), from: state)
        }
        let atLineEnd = at > start && block.unsafeLoad(fromByteOffset: at - 1, as: UInt8.self) == terminator
        let traits = lines.traits(of: state)
        if traits.contains(.matched) || traits.contains(.matchedBefore) { return max(at - 1, start) }
        guard !atLineEnd else { return nil }
        return lines.traits(of: lines.next(state, lines.symbols.end)).contains(.matchedBefore)
            ? max(at - 1, start) : nil
    }

    /// As `scanLines`, one line at a time.
    private func tryLines(_ block: RawSpan, from start: Int, to end: Int) throws(SysError) -> Int? {
        var at = start
        while at < end || at == start {
            let line = at..<(block.firstIndex(of: terminator, in: at..<end) ?? end)
            if try backtracker?.first(in: block.extracting(line), from: 0) != nil { return line.lowerBound }
            at = line.upperBound + 1
        }
        return nil
    }
}
