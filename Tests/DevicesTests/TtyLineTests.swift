import Kernel
import KernelTestSupport
import Testing

@testable import Devices

/// What is typed and what comes of it, on a terminal by itself.
@Suite struct TtyLineTests {
    /// One row: settings as a change of the usual ones, what is typed, what the screen gets, what reads give, notes.
    struct Row: Sendable, CustomTestStringConvertible {
        let about: String
        let set: @Sendable (inout TerminalSettings) -> Void
        let typed: String
        let shown: String
        let reads: [String]
        let notes: [String]

        init(
            _ about: String, _ typed: String, shown: String, reads: [String] = [], notes: [String] = [],
            _ set: @escaping @Sendable (inout TerminalSettings) -> Void = { _ in }
        ) {
            self.about = about
            self.set = set
            self.typed = typed
            self.shown = shown
            self.reads = reads
            self.notes = notes
        }

        var testDescription: String { about }
    }

    static let rows: [Row] = [
        Row("a line", "abc\r", shown: "abc\r\n", reads: ["abc\n"]),
        Row("two lines are two reads", "a\rb\n", shown: "a\r\nb\r\n", reads: ["a\n", "b\n"]),
        Row("half a line is not read", "abc", shown: "abc"),
        Row("delete erases", "ab\u{7f}c\r", shown: "ab\u{8} \u{8}c\r\n", reads: ["ac\n"]),
        Row("so does backspace", "ab\u{8}c\r", shown: "ab\u{8} \u{8}c\r\n", reads: ["ac\n"]),
        Row("nothing is erased from nothing", "\u{7f}\u{8}\u{17}\u{15}\r", shown: "\r\n", reads: ["\n"]),
        Row("an erase character of one's own", "a#b\u{8}\r", shown: "a\u{8} \u{8}b^H\r\n", reads: ["b\u{8}\n"]) {
            $0[.erase] = UInt8(ascii: "#")
        },
        Row("letters of two bytes", "hé\u{7f}i\r", shown: "hé\u{8} \u{8}i\r\n", reads: ["hi\n"]),
        Row(
            "letters of two columns", "日本\u{7f}\r", shown: "日本\u{8} \u{8}\u{8} \u{8}\r\n", reads: ["日\n"]),
        Row("marks go with their letter", "xe\u{301}\u{7f}\r", shown: "xe\u{301}\u{8} \u{8}\r\n", reads: ["x\n"]),
        Row(
            "a picture of several characters", "👩🏽\u{7f}a\r", shown: "👩🏽\u{8} \u{8}\u{8} \u{8}a\r\n", reads: ["a\n"]),
        Row("letters of India", "कि\u{7f}\r", shown: "कि\u{8} \u{8}\u{8} \u{8}\r\n", reads: ["\n"]),
        Row(
            "a newline in a line", "a\u{16}\nb\u{7f}\u{7f}c\r",
            shown: "a^\u{8}^Jb\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}c\r\n", reads: ["ac\n"]),
        Row("what was not shown is not rubbed out", "a\u{7f}b\r", shown: "", reads: ["b\n"]) { $0.local.remove(.echo) },
        Row("pictures", "🙂\u{7f}\r", shown: "🙂\u{8} \u{8}\u{8} \u{8}\r\n", reads: ["\n"]),
        Row("bytes where UTF-8 is off", "é\u{7f}\u{7f}\r", shown: "é\u{8} \u{8}\u{8} \u{8}\r\n", reads: ["\n"]) {
            $0.input.remove(.iutf8)
        },
        Row(
            "control characters are shown and erased as two", "\u{1}\u{7f}\r",
            shown: "^A\u{8} \u{8}\u{8} \u{8}\r\n", reads: ["\n"]),
        Row(
            "a tab is erased to where it began", "ab\t\u{7f}\r",
            shown: "ab\t" + String(repeating: "\u{8} \u{8}", count: 6) + "\r\n", reads: ["ab\n"]),
        Row(
            "kill takes the line", "abc\u{15}d\r", shown: "abc\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}d\r\n", reads: ["d\n"]),
        Row("kill on paper", "abc\u{15}d\r", shown: "abc^U\r\nd\r\n", reads: ["d\n"]) {
            $0.local.remove(.echoke)
        },
        Row("erase on paper", "ab\u{7f}c\r", shown: "ab^?c\r\n", reads: ["ac\n"]) { $0.local.remove(.echoe) },
        Row(
            "word erase takes a word and the blanks behind it", "a  bc \t\u{17}d\r",
            shown: "a  bc \t" + String(repeating: "\u{8} \u{8}", count: 5) + "d\r\n", reads: ["a  d\n"]),
        Row("reprint shows the line again", "ab\u{12}c\r", shown: "ab^R\r\nabc\r\n", reads: ["abc\n"]),
        Row("end of file gives what there is", "ab\u{4}", shown: "ab", reads: ["ab"]),
        Row("end of file on an empty line", "\u{4}", shown: "", reads: [""]),
        Row("lines, an end, and more", "a\r\u{4}b\u{4}", shown: "a\r\nb", reads: ["a\n", "", "b"]),
        Row(
            "the next character as it is", "\u{16}\u{3}\u{16}\u{4}\u{16}\r\r",
            shown: "^\u{8}^C^\u{8}^D^\u{8}^M\r\n", reads: ["\u{3}\u{4}\r\n"]),
        Row("^V means nothing without extensions", "\u{16}\r", shown: "^V\r\n", reads: ["\u{16}\n"]) {
            $0.local.remove(.iexten)
        },
        Row("no echo", "ab\u{7f}\u{15}c\u{12}\r", shown: "", reads: ["c\n"]) { $0.local.remove(.echo) },
        Row("no echo but the newline", "ab\r", shown: "\r\n", reads: ["ab\n"]) {
            $0.local.remove(.echo)
            $0.local.insert(.echonl)
        },
        Row("control characters echoed as they are", "\u{1}\r", shown: "\u{1}\r\n", reads: ["\u{1}\n"]) {
            $0.local.remove(.echoctl)
        },
        Row("return and newline swapped", "a\nb\r", shown: "a^Mb\r\n", reads: ["a\rb\n"]) {
            $0.input.insert(.inlcr)
        },
        Row("return left out", "a\rb\n", shown: "ab\r\n", reads: ["ab\n"]) { $0.input.insert(.igncr) },
        Row("return left alone", "a\rb\n", shown: "a^Mb\r\n", reads: ["a\rb\n"]) { $0.input.remove(.icrnl) },
        Row("seven bits", "\u{e1}\r", shown: "C!\r\n", reads: ["C!\n"]) { $0.input.insert(.istrip) },
        Row("an end of line of one's own", "a;b\r", shown: "a;b\r\n", reads: ["a;", "b\n"]) {
            $0[.eol] = UInt8(ascii: ";")
        },
        Row("characters that are off", "\u{4}\u{0}a\r", shown: "^D^@a\r\n", reads: ["\u{4}\u{0}a\n"]) {
            $0[.eof] = 0
        },
        Row("interrupt drops what was typed", "a\rb\u{3}c\r", shown: "^Cc\r\n", reads: ["c\n"], notes: ["interrupt"]),
        Row("quit and suspend", "\u{1c}\u{1a}", shown: "^Z", notes: ["quit", "suspend"]),
        Row("interrupt that drops nothing", "a\u{3}b\r", shown: "a^Cb\r\n", reads: ["ab\n"], notes: ["interrupt"]) {
            $0.local.insert(.noflsh)
        },
        Row("no signals", "\u{3}\r", shown: "^C\r\n", reads: ["\u{3}\n"]) { $0.local.remove(.isig) },
        Row("raw", "a\r\u{4}\u{7f}\u{16}\n", shown: "", reads: ["a\r\u{4}\u{7f}\u{16}\n"]) { $0.setRaw(true) },
        Row("raw hears signals", "a\u{3}b", shown: "", reads: ["b"], notes: ["interrupt"]) { $0.setRaw(true) },
        Row("raw with echo", "a\u{1b}b", shown: "a^[b", reads: ["a\u{1b}b"]) {
            $0.setRaw(true)
            $0.local.insert(.echo)
        },
    ]

    @Test(arguments: rows) func typingGives(row: Row) {
        var line = TtyLine(row.set)
        let (taken, notes) = line.type(row.typed)
        #expect(taken == row.typed.utf8.count)
        #expect(line.screen() == row.shown)
        #expect(line.reads() == row.reads)
        #expect(notes == row.notes)
    }

    /// However a network cuts what is typed, it means the same.
    @Test(arguments: rows) func howItIsCutMakesNoDifference(row: Row) {
        var seed = SplitMix(UInt64(row.typed.utf8.count))
        for _ in 0..<20 {
            var line = TtyLine(row.set)
            var notes: [String] = []
            var rest = Array(row.typed.utf8)[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int(seed.next() % 4) + 1))
                let (n, note) = line.type(piece)
                rest = rest.dropFirst(n)
                if let note { notes.append(note.text) }
            }
            #expect(line.screen() == row.shown)
            #expect(line.reads() == row.reads)
            #expect(notes == row.notes)
        }
    }

    @Test func randomKeysCutAnyHowGiveTheSame() {
        // Keys that mean something, letters of one to four bytes, marks, and bytes that are no text.
        let keys: [[UInt8]] =
            ["a", "b", " ", "\t", "é", "日", "🙂", "\u{301}", "\r", "\n"].map { Array($0.utf8) }
            + [3, 4, 8, 0x12, 0x15, 0x16, 0x17, 0x7f, 0, 0xc3, 0x80, 0xff].map { [$0] }
        for seed in 0..<50 {
            var random = SplitMix(UInt64(seed))
            let typed = (0..<300).flatMap { _ in keys[Int(random.next() % UInt64(keys.count))] }
            var whole = TtyLine()
            var cut = TtyLine()
            let notes = whole.type(typed, whole: true).notes
            var others: [String] = []
            var rest = typed[...]
            while !rest.isEmpty {
                let (n, note) = cut.type(Array(rest.prefix(Int(random.next() % 9) + 1)))
                rest = rest.dropFirst(n)
                if let note { others.append(note.text) }
            }
            #expect(notes == others)
            #expect(whole.screen() == cut.screen())
            #expect(whole.reads() == cut.reads())
        }
    }

    /// Output settings, what is written, what is shown.
    static let outputs: [(String, TerminalSettings.Output, String, String)] = [
        ("newlines", [.opost, .onlcr], "a\nb\n", "a\r\nb\r\n"),
        ("as it is", [.onlcr], "a\nb\r", "a\nb\r"),
        ("returns as newlines", [.opost, .ocrnl], "a\rb", "a\nb"),
        ("no return at the margin", [.opost, .onocr], "\ra\r\r", "a\r"),
        ("nothing to do", [.opost], "a\nb\r\t", "a\nb\r\t"),
    ]

    @Test(arguments: outputs)
    func writingGives(about: String, set: TerminalSettings.Output, written: String, shown: String) {
        var line = TtyLine { $0.output = set }
        #expect(line.write(Array(written.utf8)) == written.utf8.count)
        #expect(line.screen() == shown)
    }

    @Test func aLineTakesSeveralReadsAndEndsOnce() {
        var line = TtyLine()
        line.type("abcdef\r\u{4}")
        #expect(line.read(4) == "abcd")
        #expect(line.read(3) == "ef\n")
        #expect(line.read(3) == "")
        #expect(!line.isReadable())
        line.type("abc\u{4}")
        #expect(line.read(3) == "abc")
        // The end of file that ended these three bytes is no end by itself.
        #expect(!line.isReadable())
    }

    @Test func aLineHasItsLimitAndRingsTheBell() {
        var line = TtyLine()
        line.type(String(repeating: "x", count: 5000) + "\r")
        #expect(line.screen() == String(repeating: "x", count: 4095) + String(repeating: "\u{7}", count: 905) + "\r\n")
        #expect(line.read(10000).utf8.count == 4096)
    }

    @Test func whatIsTypedOutlivesAChangeOfMode() {
        var line = TtyLine()
        line.type("abc\rde")
        var raw = TerminalSettings()
        raw.setRaw(true)
        line.set(raw)
        #expect(line.read(100) == "abc\nde")
        line.type("xyz")
        line.set(TerminalSettings())
        #expect(line.read(100) == "xyz")
        line.type("\r")
        #expect(line.read(100) == "\n")
    }

    @Test func aReadWithoutLinesWaitsForItsMinimum() {
        var line = TtyLine {
            $0.setRaw(true)
            $0[.min] = 3
        }
        line.type("ab")
        #expect(!line.isReadable())
        #expect(line.isReadable(2))
        line.type("c")
        #expect(line.isReadable())
    }

    @Test func stopHoldsOutputUntilStart() {
        var line = TtyLine()
        line.type("\u{13}")
        #expect(line.write(Array("abc".utf8)) == 0)
        line.type("\u{11}")
        #expect(line.write(Array("abc".utf8)) == 3)
        #expect(line.screen() == "abc")
    }

    @Test func queuesAreBoundedAndSignalsPass() {
        var line = TtyLine { $0.setRaw(true) }
        let block = [UInt8](repeating: 1, count: 100_000)
        #expect(line.type(block).count == TtyLine.inputLimit)
        #expect(line.type([1]).count == 0)
        #expect(line.type([3]).note == .interrupt)
        #expect(line.input.isEmpty)
        #expect(line.write(block) == TtyLine.outputLimit)
        // Echo goes on for a while, and then is dropped: whoever types does not wait for whoever looks.
        line.set(TerminalSettings())
        for _ in 0..<100 { line.type(String(repeating: "y", count: 2000) + "\u{15}") }
        #expect(line.output.count <= 2 * TtyLine.outputLimit + 1)
    }

    @Test func theRoomIsForManyLinesAndManyEnds() {
        var line = TtyLine()
        // An end of file has no bytes, and takes room all the same.
        #expect(line.type(String(repeating: "\u{4}", count: 5000)).taken == TtyLine.inputLines)
        // What signals, and what holds output, needs none.
        #expect(line.type("\u{13}").taken == 1)
        #expect(!line.hasOutputRoom)
        #expect(line.type("\u{11}").taken == 1)
        #expect(line.hasOutputRoom)
        #expect(line.type("a").taken == 0)
        #expect(line.type("\u{3}a").taken == 2)
    }

    @Test func hostileTypingIsBounded() {
        var line = TtyLine()
        #expect(line.type(String(repeating: "x", count: 100_000)).taken == 100_000)
        #expect(line.input.isEmpty)
        // A line that is full, and shown again and again.
        #expect(line.type(String(repeating: "\u{12}", count: 100)).taken == 100)
        #expect(line.type(String(repeating: "\u{7f}x", count: 10_000)).taken == 20_000)
        #expect(line.output.count <= 2 * TtyLine.outputLimit + 1)
        _ = line.screen()
        // Each control character but those that wait for room, three times.
        for byte in (0..<32).flatMap({ [UInt8](repeating: $0, count: 3) }) { #expect(line.type([byte]).count == 1) }
    }

    @Test func anythingCanBeTypedUnderAnySettings() {
        var seed = SplitMix(7)
        for _ in 0..<60 {
            var line = TtyLine()
            for _ in 0..<60 {
                switch seed.next() % 4 {
                case 0:
                    var settings = TerminalSettings()
                    settings.input = .init(rawValue: UInt32(truncatingIfNeeded: seed.next()))
                    settings.output = .init(rawValue: UInt32(truncatingIfNeeded: seed.next()))
                    settings.local = .init(rawValue: UInt32(truncatingIfNeeded: seed.next()))
                    settings.characters = seed.bytes(Int(seed.next() % 20))
                    line.set(settings)
                case 1: _ = line.write(seed.bytes(50))
                case 2: _ = line.read(Int(seed.next() % 40))
                default: #expect(line.type(seed.bytes(200), whole: true).taken == 200)
                }
            }
            _ = line.screen()
            #expect(line.output.isEmpty)
        }
    }
}

extension TtyLine {
    fileprivate init(_ change: (inout TerminalSettings) -> Void) {
        self.init()
        var settings = TerminalSettings()
        change(&settings)
        set(settings)
    }

    /// Types all that is taken; how many bytes that was, and the notes.
    @discardableResult
    fileprivate mutating func type(_ bytes: [UInt8], whole: Bool) -> (taken: Int, notes: [String]) {
        var notes: [String] = []
        var taken = 0
        while taken < bytes.count {
            let (n, note) = type(Array(bytes[taken...]))
            guard n > 0 else { break }
            taken += n
            if let note { notes.append(note.text) }
        }
        return (taken, notes)
    }

    @discardableResult
    fileprivate mutating func type(_ text: String) -> (taken: Int, notes: [String]) {
        type(Array(text.utf8), whole: true)
    }

    /// All that is to be shown.
    fileprivate mutating func screen() -> String {
        var bytes = [UInt8](repeating: 0, count: output.count)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        _ = show(into: &raw)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What one read of `count` bytes gives.
    fileprivate mutating func read(_ count: Int = 1000) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        let n = read(into: &raw)
        return String(decoding: bytes[..<n], as: UTF8.self)
    }

    /// What reads give until there is nothing.
    fileprivate mutating func reads() -> [String] {
        var all: [String] = []
        while isReadable() { all.append(read()) }
        return all
    }
}
