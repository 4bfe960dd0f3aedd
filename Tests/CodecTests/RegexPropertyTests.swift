import Foundation
import Kernel
import Testing

@testable import Codec

/// Numbers from a seed: the same for the same seed everywhere.
private struct Dice {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    mutating func roll(_ sides: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(sides))
    }

    mutating func pick<T>(_ list: [T]) -> T { list[roll(list.count)] }

    /// An extended expression of a few operators, over few letters so that it matches often.
    mutating func pattern(_ depth: Int = 3) -> String {
        switch depth == 0 ? 0 : roll(9) {
        case 0...2:
            return pick(["a", "b", "c", "é", ".", "[ab]", "[^a]", "[b-d]", "\\w", "\\W", "[[:alpha:]]", "ab", "-"])
        case 3...5: return pattern(depth - 1) + pattern(depth - 1)
        case 6: return "(" + pattern(depth - 1) + "|" + pattern(depth - 1) + ")"
        case 7: return "(" + pattern(depth - 1) + ")" + pick(["*", "+", "?", "{2}", "{1,2}", "{2,}"])
        default: return pick(["a", "b", "[ab]", ".", "\\w"]) + pick(["*", "+", "?", "{2}", "{,2}", "{1,3}"])
        }
    }

    /// The same with an assertion before or after, sometimes. (Inside a loop glibc has them wrong.)
    mutating func bounded(_ depth: Int = 3) -> String {
        let none = ["", "", "", "", ""]
        return pick(none + ["\\b", "\\<", "\\B", "^"]) + pattern(depth) + pick(none + ["\\b", "\\>", "\\B", "$"])
    }

    mutating func text() -> String {
        (0..<roll(12)).map { _ in pick(["a", "a", "b", "b", "c", "é", "-", " ", "—", "A"]) }.joined()
    }
}

@Suite struct RegexPropertyTests {
    private static let texts = 24
    private static let modes: [([String], Regex.Options)] = [
        ([], []), (["-i"], .ignoreCase), (["-x"], .whole),
    ]

    /// The answers of `grep -E -o -n` for the texts, one a line.
    private func grep(_ pattern: String, _ options: [String], _ texts: [String]) throws -> [String] {
        signal(SIGPIPE, SIG_IGN)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["LC_ALL=C.UTF-8", "grep", "-a", "-E", "-o", "-n"] + options + ["-e", pattern]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data((texts.joined(separator: "\n") + "\n").utf8))
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus < 2, "grep refuses \(pattern)")
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func ours(_ pattern: String, _ options: Regex.Options, _ texts: [String]) throws -> [String] {
        let matcher = try Regex(pattern, options).matcher()
        var lines: [String] = []
        for (i, text) in texts.enumerated() {
            let bytes = Array(text.utf8)
            for match in try matcher.all(in: bytes.span.bytes) where !match.isEmpty {
                lines.append("\(i + 1):" + String(decoding: bytes[match], as: UTF8.self))
            }
        }
        return lines
    }

    @Test(.timeLimit(.minutes(1)), arguments: UInt64(1)...12)
    func generatedPatternsMatchAsGrepHasThem(_ seed: UInt64) throws {
        var dice = Dice(seed)
        for _ in 0..<12 {
            let (flags, options) = dice.pick(Self.modes)
            let pattern = options == .whole ? dice.pattern() : dice.bounded()
            let texts = (0..<Self.texts).map { _ in dice.text() }
            let theirs = try grep(pattern, flags, texts)
            let mine = try ours(pattern, options, texts)
            #expect(mine == theirs, "seed \(seed): grep \(flags.joined()) -E -o '\(pattern)' on \(texts)")
        }
    }

    /// Whole words, by a look at every part of the text. (grep takes a shorter way, and misses some.)
    @Test(arguments: UInt64(1)...12) func aWordIsTheLongestOfTheLeftmostThatStandAlone(_ seed: UInt64) throws {
        var dice = Dice(seed &+ 5000)
        for _ in 0..<10 {
            let pattern = dice.pattern()
            let matcher = try Regex(pattern, .word).matcher()
            let whole = try Regex(pattern, .whole).matcher()
            let text = Array(dice.text().utf8)
            let edges = (0...text.count).filter { beginsCharacter(text.span.bytes, $0) }
            var expected: Range<Int>?
            for i in edges where expected == nil && side(before: i, in: text.span.bytes) != .word {
                for j in edges where j >= i && side(after: j, in: text.span.bytes) != .word {
                    if try whole.matches(Array(text[i..<j]).span.bytes) { expected = i..<j }
                }
            }
            let found = try matcher.first(in: text.span.bytes)
            #expect(found == expected, "seed \(seed): \(pattern) in \(String(decoding: text, as: UTF8.self))")
        }
    }

    /// The three searches agree with one another, and with a look at every line by itself.
    @Test(arguments: UInt64(1)...15) func theSearchesAgree(_ seed: UInt64) throws {
        var dice = Dice(seed &+ 1000)
        for _ in 0..<10 {
            let pattern = dice.bounded(4)
            let texts = (0..<Self.texts).map { _ in dice.text() }
            let options: Regex.Options = dice.pick([[], .ignoreCase, .word, .newline])
            let matcher = try Regex(pattern, options).matcher()
            let block = Array(texts.joined(separator: "\n").utf8)
            let what = Comment("seed \(seed): '\(pattern)' \(options) on \(texts)")
            var found: [String] = []
            var at = 0
            while let line = try matcher.nextLine(in: block.span.bytes, from: at) {
                found.append(String(decoding: block[line], as: UTF8.self))
                at = line.upperBound + 1
            }
            var expected: [String] = []
            for text in texts {
                let bytes = Array(text.utf8)
                let all = try matcher.all(in: bytes.span.bytes)
                #expect(try matcher.matches(bytes.span.bytes) == !all.isEmpty, what)
                #expect(try matcher.all(in: bytes.span.bytes, limit: 2) == Array(all.prefix(2)), what)
                if !all.isEmpty { expected.append(text) }
                for match in all {
                    #expect(try matcher.first(in: bytes.span.bytes, from: match.lowerBound) == match, what)
                    let groups = try matcher.groups(in: bytes.span.bytes, of: match)
                    #expect(
                        groups.compactMap { $0 }.allSatisfy {
                            match.lowerBound <= $0.lowerBound && $0.upperBound <= match.upperBound
                        }, what)
                }
            }
            // A last line that is empty is none in a block.
            if block.last == 10 || block.isEmpty, expected.last == "" { expected.removeLast() }
            #expect(found == expected, what)
        }
    }
}
