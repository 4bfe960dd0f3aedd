import Host
import Kernel
import Testing

@testable import Codec

/// Expressions on which a matcher that tries one way after the other takes a time exponential in n.
private let hard: [(name: String, pattern: @Sendable (Int) -> String, text: @Sendable (Int) -> String)] = [
    ("(a*)*b", { _ in "(a*)*b" }, { String(repeating: "a", count: $0) }),
    ("(a|a)*b", { _ in "(a|a)*b" }, { String(repeating: "a", count: $0) }),
    ("(a+)+$", { _ in "(a+)+$" }, { String(repeating: "a", count: $0) + "b" }),
    ("(.*)(.*)(.*)(.*)x", { _ in "(.*)(.*)(.*)(.*)x" }, { String(repeating: "a", count: $0) }),
    (
        "a?^n a^n", { String(repeating: "a?", count: $0) + String(repeating: "a", count: $0) },
        { String(repeating: "a", count: $0) }
    ),
]

@Suite struct RegexBoundsTests {
    /// Counted operations, not time: the work on a text twice as long is no more than twice as much and a little. (For the
    /// last row the program grows too, so four times.)
    @Test(arguments: hard.indices) func workIsLinearInTheText(_ row: Int) throws {
        func work(_ n: Int) throws -> Int {
            let regex = try Regex(hard[row].pattern(n))
            let text = Array(hard[row].text(n).utf8)
            let matcher = regex.matcher()
            _ = try matcher.all(in: text.span.bytes)
            _ = try matcher.nextLine(in: text.span.bytes)
            return matcher.steps
        }
        for n in [40, 80] {
            let (once, twice) = (try work(n), try work(2 * n))
            #expect(twice <= 4 * once + 1000, "\(hard[row].name), n \(n): \(once) then \(twice)")
            #expect(twice < 400 * n * (hard[row].name == "a?^n a^n" ? n : 10), "\(hard[row].name), n \(n): \(twice)")
        }
    }

    /// 2^12 states and more in a cache for a few: the result does not change.
    @Test(arguments: [1000, 4000, 200_000]) func aSmallCacheGivesTheSameAnswers(_ bytes: Int) throws {
        let text = noise(3000, seed: 7, alphabet: 2).map { $0 + 0x61 }
        let regex = try Regex("(a|b)*a(a|b){11}\\b|\\<b+a$")
        var flushed = 0
        for program in [regex.forward, regex.backward] {
            let small = Automaton(program, .anywhere, maxBytes: bytes)
            let large = Automaton(program, .anywhere, maxBytes: 64 << 20)
            var (a, b) = (small.start(after: .edge), large.start(after: .edge))
            for (i, byte) in text.enumerated() {
                a = small.next(a, Int(small.symbols.map[Int(byte)]))
                b = large.next(b, Int(large.symbols.map[Int(byte)]))
                #expect(small.traits(of: a) == large.traits(of: b), "byte \(i)")
            }
            #expect(large.flushes == 0)
            flushed += small.flushes
        }
        #expect(bytes == 200_000 || flushed > 0)
    }

    @Test(arguments: [500, 4000, 1 << 20]) func aSmallCacheFindsTheSameLines(_ bytes: Int) throws {
        let text = noise(20_000, seed: 3, alphabet: 6).map { $0 == 0 ? 10 : $0 + 0x60 }
        let regex = try Regex("[cd][a-e]{3}b|e$")
        let matcher = regex.matcher(cache: bytes)
        var found: [String] = []
        var at = 0
        while let line = try matcher.nextLine(in: text.span.bytes, from: at) {
            found.append(String(decoding: text[line], as: UTF8.self))
            at = line.upperBound + 1
        }
        let lines = text.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        let other = regex.matcher()
        let expected = try lines.filter { try other.matches(Array($0.utf8).span.bytes) }
        #expect(found == expected)
        #expect(found.count > 100)
    }

    @Test func thousandsOfWordsShareTheirBeginnings() throws {
        let words = (0..<5000).map { "word\($0 * 7919 % 100_003)x" }
        let regex = try Regex(anyOf: words, .literal)
        #expect(regex.forward.ops.count < 30_000)
        let matcher = regex.matcher()
        for word in words.prefix(50) {
            let text = Array("a \(word) b".utf8)
            #expect(try matcher.first(in: text.span.bytes) == 2..<(2 + word.utf8.count))
        }
        #expect(try !matcher.matches(Array("a word x word0".utf8).span.bytes))
    }

    @Test(.timeLimit(.minutes(1))) func oneExpressionServesManyThreads() throws {
        let regex = try Regex("(a|b)+c\\b")
        let results = Lock<[Bool]>([])
        let parker = Parker()
        for n in 0..<8 {
            let started = HostThread.start {
                let matcher = regex.matcher()
                var right = true
                for i in 0..<200 {
                    let text = Array((String(repeating: "ab", count: i % 17 + n) + (i % 2 == 0 ? "c" : "cd")).utf8)
                    let found = try? matcher.matches(text.span.bytes)
                    right = right && found == (i % 2 == 0 && text.count > 1)
                }
                results.withLock { $0.append(right) }
                parker.unpark()
            }
            #expect(started)
        }
        while results.withLock({ $0.count }) < 8 { _ = parker.park(until: nil) }
        #expect(results.withLock { $0 } == [Bool](repeating: true, count: 8))
    }

    @Test func theTablesOfLettersAreThoseOfTheLibrary() {
        let classes: [(String, StaticString, (Unicode.Scalar) -> Bool)] = [
            (
                "alpha", ScalarTables.alpha,
                { $0.properties.isAlphabetic || $0.properties.generalCategory == .decimalNumber }
            ),
            ("upper", ScalarTables.upper, { $0.properties.isUppercase }),
            ("lower", ScalarTables.lower, { $0.properties.isLowercase }),
            (
                "graph", ScalarTables.graph,
                {
                    switch $0.properties.generalCategory {
                    case .control, .unassigned, .surrogate, .lineSeparator, .paragraphSeparator, .spaceSeparator: false
                    default: true
                    }
                }
            ),
        ]
        for (name, table, holds) in classes {
            #expect(encode(holds) == table.description, "ScalarTables.\(name)")
        }
    }

    /// The twin of `ScalarTables.decode`.
    private func encode(_ holds: (Unicode.Scalar) -> Bool) -> String {
        var text = ""
        func put(_ number: UInt32) {
            var rest = number
            while rest > 31 {
                text.unicodeScalars.append(Unicode.Scalar(UInt8(0x50 + rest % 32)))
                rest /= 32
            }
            text.unicodeScalars.append(Unicode.Scalar(UInt8(0x30 + rest)))
        }
        var last: UInt32 = 0x80
        var inside = false
        for value in UInt32(0x80)...0x110000 {
            let now = value < 0x110000 && Unicode.Scalar(value).map(holds) ?? false
            guard now != inside else { continue }
            put(value - last)
            last = value
            inside = now
        }
        return text
    }
}
