import Testing

@testable import Shell

/// Makes trees that a program can have, from a seed.
private struct Trees {
    var state: UInt64

    private mutating func pick(_ n: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(n))
    }

    private mutating func text() -> String {
        let pieces = [
            "a", "x=y", "it's", "", "*", "[", "?", " ", "\n", "#", "$", "{", "}", ":=", "=", "é", "\\", "^", "-",
            "\u{0}",
        ]
        return (0...pick(2)).map { _ in pieces[pick(pieces.count)] }.joined()
    }

    private mutating func name(_ depth: Int) -> Word {
        switch depth > 0 ? pick(5) : 0 {
        case 1: .variable(name(depth - 1))
        case 2: .list(words(depth - 1))
        case 3: .output(block(depth - 1), split: pick(2) == 0)
        case 4: .literal(text(), glob: false)
        default: .literal(["x", "*", "1", "ifs", "é"][pick(5)], glob: false)
        }
    }

    private mutating func operand(_ depth: Int, first: Bool) -> Word {
        switch depth > 0 ? pick(12) : pick(2) {
        case 0: .literal(text(), glob: false)
        case 1: .literal(["*", "[^a]?", "a[", first ? "b*" : "if=*"][pick(4)], glob: true)
        case 2, 3: .variable(name(depth - 1))
        case 4: .count(name(depth - 1))
        case 5: .joined(name(depth - 1))
        case 6: .substitution([word(depth - 1)] + words(depth - 1), Line(number: 7))
        case 7: .output(block(depth - 1), split: pick(2) == 0)
        case 8: .pipe(block(depth - 1), [.read, .write, .both][pick(3)])
        case 9, 10: .block(block(depth - 1))
        default: .list(words(depth - 1))
        }
    }

    private mutating func word(_ depth: Int, first: Bool = false) -> Word {
        guard depth > 0, pick(4) == 0 else { return operand(depth, first: first) }
        return .caret((0...1 + pick(2)).map { _ in operand(depth - 1, first: first) })
    }

    private mutating func words(_ depth: Int) -> [Word] { (0..<pick(4)).map { _ in word(depth) } }

    private mutating func assignment(_ depth: Int) -> Assignment {
        var names = word(depth, first: true)
        if case .block = names { names = .literal("x", glob: false) }
        let local = pick(2) == 0
        let line = Line(number: 3)
        if depth > 0, pick(4) == 0 {
            return Assignment(names: names, local: local, value: .assignment(assignment(depth - 1)), line: line)
        }
        let value = pick(4) == 0 ? [] : [word(depth, first: true)] + words(depth)
        return Assignment(names: names, local: local, value: .words(value), line: line)
    }

    private mutating func redirection(_ depth: Int) -> Redirection {
        let access = [Access.read, .write, .append, .both][pick(4)]
        switch pick(3) {
        case 0: return .dup(fd: pick(9), from: pick(9), access)
        case 1: return .close(fd: pick(9), access)
        default:
            let target = word(depth)
            if case .block = target { return .open(fd: pick(9), access, .literal("f", glob: false)) }
            return .open(fd: pick(9), access, target)
        }
    }

    private mutating func command(_ depth: Int) -> Command {
        switch depth > 0 ? pick(8) : 0 {
        case 1, 2: return .assign(assignment(depth - 1))
        case 3:
            let count = 2 + pick(2)
            return .pipeline(
                Pipeline(
                    commands: (0..<count).map { _ in part(depth - 1) },
                    joints: (1..<count).map { _ in Joint(left: pick(4), right: pick(4)) }))
        case 4:
            let links = (0...pick(2)).map { _ in Link(and: pick(2) == 0, command: part(depth - 1)) }
            return .chain(part(depth - 1), links)
        default: return part(depth)
        }
    }

    private mutating func part(_ depth: Int) -> Command {
        let redirections = (0..<pick(3)).map { _ in redirection(depth) }
        let words = redirections.isEmpty || pick(5) > 0 ? [word(depth, first: true)] + words(depth) : []
        return .simple(Simple(words: words, redirections: redirections, line: Line(number: 5)))
    }

    mutating func block(_ depth: Int) -> Block {
        let commands = (0..<pick(4)).map { _ in
            let c = command(depth)
            return pick(5) == 0 ? Command.background(c) : c
        }
        return Block(commands, file: "made", line: 1)
    }
}

@Suite struct PrinterTests {
    @Test("a tree prints to text that parses to the same tree", arguments: 1...20)
    func roundTrip(seed: Int) throws {
        var trees = Trees(state: UInt64(seed) &* 0x9e37_79b9_7f4a_7c15)
        for _ in 0..<500 {
            let made = trees.block(3)
            let text = made.text
            #expect(try Parser.block(text, file: "printed", line: 1) == made, "\(text)")
        }
    }

    @Test("the fuzzer's corpus parses to trees that survive printing, or fails with a reason")
    func corpus() throws {
        let files = try corpusFiles()
        #expect(files.count >= 10)
        for (name, bytes) in files {
            var parser = Parser(bytes, file: name)
            do throws(SyntaxError) {
                while let commands = try parser.next() {
                    var again = Parser(Array(Printer.text(commands).utf8), file: "printed")
                    let printed = try again.next()
                    #expect(printed == commands, "\(name)")
                }
            } catch {
                #expect(!error.reason.isEmpty)
            }
        }
    }

    @Test(
        "quoting survives",
        arguments: [
            ([], ""), (["a"], "a"), (["a;", "b", "c d", ""], "'a;' b 'c d' ''"), (["it's"], "'it''s'"), (["*"], "'*'"),
            (["{echo a}"], "'{echo a}'"), (["a\nb"], "'a\nb'"), (["é-x.y"], "é-x.y"),
        ])
    func quoting(list: [String], text: String) {
        #expect(quoted(list) == text)
        #expect(unquoted(text) == list)
    }

    @Test(
        "unquoting is lenient",
        arguments: [("  a\tb\n", ["a", "b"]), ("a'b c'd", ["ab cd"]), ("'open", ["open"]), ("''''", ["'"])])
    func unquoting(text: String, list: [String]) {
        #expect(unquoted(text) == list)
    }
}
