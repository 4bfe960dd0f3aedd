import Applib
import Codec
import Kernel

/// Runs a script on the lines of the input.
struct SedMachine {
    /// Longest pattern or hold space, in bytes.
    private static let spaceLimit = 64 << 20

    private let r: Run
    private let script: SedScript
    private let matchers: [Matcher]
    private var input: SedInput
    private let standard: SedOutput
    /// The files of `w`, by number.
    private var files: [SedOutput] = []
    /// Files read line by line, by name; nil at their end.
    private var readers: [String: Reader?] = [:]
    private let isQuiet: Bool
    private let isUnbuffered: Bool
    private let width: Int

    private var space: [UInt8] = []
    private var held: [UInt8] = []
    private var ranges: [Range]
    /// The expression used last.
    private var last: Int?
    /// Something was substituted since a line was read or a `t` asked.
    private var hasSubstituted = false
    /// What is to be written at the end of the cycle.
    private var appended: [Appended] = []
    private var scratch: [UInt8] = []

    private enum Range { case inactive, active, untilLine(Int), closed }

    private enum Appended { case text([UInt8]), file(String) }

    private enum Outcome { case endCycle, delete, restart, quit, quitSilently }

    init(_ r: Run, _ script: SedScript, _ names: [String]) throws(SysError) {
        self.r = r
        self.script = script
        matchers = script.expressions.map { $0.matcher() }
        input = SedInput(r, names)
        isQuiet = r.has("n") || script.isQuiet
        isUnbuffered = r.has("u")
        width = try r.number("l", or: 70, in: 0...1 << 20)
        ranges = script.commands.map { _ in .inactive }
        let separator: UInt8 = r.has("z") ? 0 : UInt8(ascii: "\n")
        standard = SedOutput(r.out, separator)
        for name in script.files {
            switch name {
            case "/dev/stdout": files.append(standard)
            case "/dev/stderr": files.append(SedOutput(Writer(r.p, 2), separator))
            default:
                do throws(SysError) {
                    let fd = try r.p.create(name, .write, FileMode(rawValue: 0o666))
                    files.append(SedOutput(Writer(r.p, fd), separator))
                } catch { throw error.about(name) }
            }
        }
    }

    private var output: SedOutput { input.edited ?? standard }

    // MARK: Cycles

    mutating func run() throws(SysError) {
        do throws(SysError) {
            try cycles()
            try input.close()
        } catch {
            input.abandon()
            throw error
        }
        for file in files where file !== standard {
            try file.writer.flush()
            if file.writer.fd != 2 { try r.p.close(file.writer.fd) }
        }
    }

    private mutating func cycles() throws(SysError) {
        var isRestart = false
        while true {
            try Thread.check()
            if !isRestart {
                space.removeAll(keepingCapacity: true)
                guard try read() else { return }
            }
            let outcome = try cycle()
            if outcome == .quitSilently { return }
            if !isQuiet, outcome == .endCycle || outcome == .quit {
                try output.line(space.span, isEnded: input.isEnded)
            }
            try writeAppended()
            if outcome == .quit { return }
            isRestart = outcome == .restart
            if isUnbuffered { try output.writer.flush() }
        }
    }

    /// Reads a line behind what is in the pattern space; false at the end.
    private mutating func read() throws(SysError) -> Bool {
        let begun = input.begun
        guard try input.next(into: &space) else { return false }
        try bound(space)
        hasSubstituted = false
        if input.begun != begun, begun == 0 || input.isSeparate { resetRanges() }
        return true
    }

    /// Where a first line begins: a range from line 0 is open before it.
    private mutating func resetRanges() {
        for (i, entry) in script.commands.enumerated() {
            ranges[i] = entry.first == .line(0) ? .active : .inactive
        }
    }

    private func bound(_ space: [UInt8]) throws(SysError) {
        guard space.count <= Self.spaceLimit else { throw SysError("pattern space too large") }
    }

    // MARK: Addresses

    private mutating func selects(_ index: Int) throws(SysError) -> Bool {
        let entry = script.commands[index]
        guard let first = entry.first else { return !entry.isNegated }
        let isSelected = try entry.second == nil ? matches(first) : isInRange(index, first, entry.second ?? .last)
        return isSelected != entry.isNegated
    }

    private mutating func matches(_ address: SedScript.Address) throws(SysError) -> Bool {
        switch address {
        case .line(let line): input.lineNumber == line
        case .last: try input.isLast()
        case .match(let number): try matcher(number).matches(space.span.bytes)
        case .every(let start, let step): input.lineNumber >= start && (input.lineNumber - start) % step == 0
        case .more, .multiple: false
        }
    }

    private mutating func isInRange(
        _ index: Int, _ first: SedScript.Address, _ second: SedScript.Address
    ) throws(SysError) -> Bool {
        let line = input.lineNumber
        switch ranges[index] {
        case .active:
            if try matches(second) { close(index, first) }
            return true
        case .untilLine(let end):
            if line >= end { close(index, first) }
            if line <= end { return true }
            return try begins(index, first, second)
        case .inactive: return try begins(index, first, second)
        case .closed: return false
        }
    }

    private mutating func close(_ index: Int, _ first: SedScript.Address) {
        // A range that begins with a line's number begins once.
        if case .line = first { ranges[index] = .closed } else { ranges[index] = .inactive }
    }

    private mutating func begins(
        _ index: Int, _ first: SedScript.Address, _ second: SedScript.Address
    ) throws(SysError) -> Bool {
        let line = input.lineNumber
        var isLater = false
        if case .line(let start) = first {
            if case .closed = ranges[index] { return false }
            // The line itself may have gone by within a cycle.
            guard line >= start else { return false }
            isLater = line > start
        } else {
            guard try matches(first) else { return false }
        }
        let end: Int
        switch second {
        case .line(let n): end = n
        case .more(let n): end = line.addingReportingOverflow(n).overflow ? .max : line + n
        case .multiple(let n):
            end = n == 0 ? line : line.addingReportingOverflow(n).overflow ? .max : line + n - line % n
        case .last:
            if try input.isLast() { close(index, first) } else { ranges[index] = .active }
            return true
        case .match, .every:
            ranges[index] = .active
            return true
        }
        if end > line { ranges[index] = .untilLine(end) } else { close(index, first) }
        return !isLater || end >= line
    }

    private mutating func matcher(_ number: Int?) throws(SysError) -> Matcher {
        guard let number = number ?? last else { throw SysError("no expression was used before") }
        last = number
        return matchers[number]
    }

    // MARK: Commands

    private mutating func cycle() throws(SysError) -> Outcome {
        var index = 0
        var turns = 0
        while index < script.commands.count {
            let at = index
            index += 1
            guard try selects(at) else {
                if case .block(let end) = script.commands[at].action { index = end }
                continue
            }
            switch script.commands[at].action {
            case .nothing, .block: break
            case .append(let text): appended.append(.text(text))
            case .insert(let text): try output.raw(text.span)
            case .change(let text):
                var isOpen = false
                if !script.commands[at].isNegated, script.commands[at].second != nil {
                    switch ranges[at] {
                    case .active, .untilLine: isOpen = true
                    case .inactive, .closed: break
                    }
                }
                if !isOpen { try output.raw(text.span) }
                return .delete
            case .branch(let target):
                index = target
            case .branchIf(let target):
                if hasSubstituted { index = target }
                hasSubstituted = false
            case .branchUnless(let target):
                if !hasSubstituted { index = target }
                hasSubstituted = false
            case .delete: return .delete
            case .deleteFirst:
                guard let newline = space.firstIndex(of: 10) else { return .delete }
                space.removeSubrange(...newline)
                return .restart
            case .fileName: try output.line(Array(input.name.utf8).span)
            case .lineNumber: try output.line(Array(String(input.lineNumber).utf8).span)
            case .get: space = held
            case .getAppend: space += [10] + held
            case .hold: held = space
            case .holdAppend: held += [10] + space
            case .exchange: swap(&space, &held)
            case .list(let width): try list(width ?? self.width)
            case .next:
                if try input.isLast() { return .endCycle }
                if !isQuiet { try output.line(space.span, isEnded: input.isEnded) }
                try writeAppended()
                space.removeAll(keepingCapacity: true)
                guard try read() else { return .quitSilently }
            case .nextAppend:
                if try input.isLast() { return .endCycle }
                try writeAppended()
                space.append(10)
                guard try read() else { return .quitSilently }
            case .print: try output.line(space.span, isEnded: input.isEnded)
            case .printFirst:
                guard let newline = space.firstIndex(of: 10) else {
                    try output.line(space.span, isEnded: input.isEnded)
                    break
                }
                try output.line(space.span.extracting(..<newline))
            case .quit(let code):
                r.status = code == 0 ? r.status : Status(code: code)
                return .quit
            case .quitSilently(let code):
                r.status = code == 0 ? r.status : Status(code: code)
                return .quitSilently
            case .read(let name): appended.append(.file(name))
            case .readLine(let name): try readLine(name)
            case .substitute(let substitution): try substitute(substitution)
            case .translate(let map): translate(map)
            case .write(let file): try files[file].line(space.span, isEnded: input.isEnded)
            case .writeFirst(let file):
                try files[file].line(space.span.extracting(..<(space.firstIndex(of: 10) ?? space.count)))
            case .clear: space.removeAll(keepingCapacity: true)
            }
            if index <= at {
                turns += 1
                if turns & 63 == 0 { try Thread.check() }
            }
            try bound(space)
        }
        return .endCycle
    }

    // MARK: Reading files

    private mutating func writeAppended() throws(SysError) {
        guard !appended.isEmpty else { return }
        for some in appended {
            switch some {
            case .text(let text): try output.raw(text.span)
            case .file(let name):
                // A file that cannot be read is as an empty one.
                guard let fd = name == "/dev/stdin" ? 0 : try? r.open(name) else { continue }
                var reader = Reader(r, fd)
                let output = output
                try reader.eachBlock { (bytes) throws(SysError) in try output.raw(bytes) }
                if fd != 0 { try r.p.close(fd) }
            }
        }
        appended.removeAll(keepingCapacity: true)
    }

    private mutating func readLine(_ name: String) throws(SysError) {
        if readers[name] == nil {
            // A file that cannot be read is as an empty one.
            let fd = name == "/dev/stdin" ? 0 : try? r.open(name)
            readers[name] = .some(fd.map { Reader(r, $0) })
        }
        guard case .some(.some(var reader)) = readers[name] else { return }
        if var line = try reader.line({ (bytes) throws(SysError) in [UInt8](copying: bytes) }) {
            if reader.wasEnded { line.append(10) }
            appended.append(.text(line))
            readers[name] = .some(reader)
        } else {
            if reader.fd != 0 { try r.p.close(reader.fd) }
            readers[name] = .some(nil)
        }
    }

    // MARK: s, y and l

    private mutating func substitute(_ substitution: SedScript.Substitution) throws(SysError) {
        let matcher = try matcher(substitution.expression)
        let limit = substitution.isGlobal ? Int.max : substitution.which
        let all = try matcher.all(in: space.span.bytes, limit: limit)
        guard all.count >= substitution.which else { return }
        var made: [UInt8] = []
        swap(&made, &scratch)
        made.removeAll(keepingCapacity: true)
        var done = 0
        for match in all[(substitution.which - 1)...] {
            made.append(copying: space.span.bytes.extracting(done..<match.lowerBound))
            try replace(match, by: substitution, matcher, &made)
            try bound(made)
            done = match.upperBound
        }
        made.append(copying: space.span.bytes.extracting(done..<space.count))
        swap(&space, &made)
        swap(&scratch, &made)
        hasSubstituted = true
        if substitution.prints { try output.line(space.span, isEnded: input.isEnded) }
        if let file = substitution.file { try files[file].line(space.span, isEnded: input.isEnded) }
    }

    /// Adds to `made` what a match is replaced by.
    private func replace(
        _ match: Swift.Range<Int>, by substitution: SedScript.Substitution, _ matcher: Matcher, _ made: inout [UInt8]
    ) throws(SysError) {
        var groups: [Swift.Range<Int>?] = [match]
        if substitution.usesGroups { groups = try matcher.groups(in: space.span.bytes, of: match) }
        var letters = SedLetters()
        for part in substitution.parts {
            switch part {
            case .text(let text): letters.add(text.span, to: &made)
            case .group(let number):
                guard number < groups.count else { throw SysError("\\\(number) refers to no group") }
                if let range = groups[number] { letters.add(space.span.extracting(range), to: &made) }
            default: letters.change(part)
            }
        }
    }

    private mutating func translate(_ map: [UInt32: [UInt8]]) {
        scratch.removeAll(keepingCapacity: true)
        // Bytes that are no UTF-8 stay as they are.
        var rest = space[...]
        while let byte = rest.first {
            let count = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
            let bytes = rest.prefix(count)
            let text = byte < 0x80 ? nil : String(validating: bytes, as: UTF8.self)?.unicodeScalars
            if byte >= 0x80, text?.count != 1 {
                scratch.append(byte)
                rest = rest.dropFirst()
                continue
            }
            let value = text?.first?.value ?? UInt32(byte)
            if let other = map[value] { scratch += other } else { scratch += bytes }
            rest = rest.dropFirst(count)
        }
        swap(&space, &scratch)
    }

    /// Prints the pattern space so that every byte can be seen, in lines of `width` columns.
    private func list(_ width: Int) throws(SysError) {
        var line: [UInt8] = []
        let names: [UInt8: Unicode.Scalar] = [7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 92: "\\"]
        for byte in space {
            var shown: [UInt8] = [byte]
            if let name = names[byte] {
                shown = [92, UInt8(ascii: name)]
            } else if byte < 32 || byte > 126 {
                shown = [92, 48 + byte >> 6, 48 + byte >> 3 & 7, 48 + byte & 7]
            }
            if width > 1, line.count + shown.count > width - 1 {
                line.append(92)
                try output.line(line.span)
                line = []
            }
            line += shown
        }
        line.append(36)
        try output.line(line.span)
    }
}

/// Adds texts in the case that was asked for.
private struct SedLetters {
    private enum Case { case upper, lower }

    private var all: Case?
    private var next: Case?

    mutating func change(_ part: SedScript.Part) {
        switch part {
        case .upper: all = .upper
        case .lower: all = .lower
        case .nextUpper: next = .upper
        case .nextLower: next = .lower
        default: all = nil
        }
    }

    mutating func add(_ bytes: Span<UInt8>, to target: inout [UInt8]) {
        guard (all != nil || next != nil) && !bytes.isEmpty else { return target.append(copying: bytes.bytes) }
        for (i, scalar) in String(copying: bytes).unicodeScalars.enumerated() {
            let which = i == 0 ? next ?? all : all
            let mapped =
                switch which {
                case .upper: scalar.properties.uppercaseMapping
                case .lower: scalar.properties.lowercaseMapping
                case nil: String(Character(scalar))
                }
            // A letter that becomes several in the other case stays as it is.
            target += mapped.unicodeScalars.count == 1 ? Array(mapped.utf8) : Array(String(Character(scalar)).utf8)
        }
        next = nil
    }
}
