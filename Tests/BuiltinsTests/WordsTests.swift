import Kernel
import Testing

/// Gives its arguments back.
private struct Echo: BuiltinModule {
    func call(_ function: Int, _ p: Proc, _ arguments: [Value]) throws(SysError) -> Value { .tuple(arguments) }
}

private let point = ModuleType.adt("Point", [ModuleField("x", .int), ModuleField("y", .int)])

private let entry = ModuleEntry(
    path: "$Echo",
    functions: [
        ModuleFunction("none", [], nil),
        ModuleFunction("scalars", [.init("b", .byte), .init("i", .int), .init("g", .big), .init("r", .real)], .int),
        ModuleFunction("int", [.init("n", .int)], .int),
        ModuleFunction("text", [.init("s", .string), .init("data", .array(.byte))], .string),
        ModuleFunction("fd", [.init("fd", .fd)], .fd),
        ModuleFunction("rest", [.init("n", .int), .init("args", .list(.string))], .int),
        ModuleFunction("pairs", [.init("l", .array(.tuple([.string, .big])))], .int),
        ModuleFunction("move", [.init("p", point), .init("by", .tuple([.int, .int]))], point),
    ],
    constants: [
        ModuleConstant("ONE", .int(1)), ModuleConstant("FOUR", .big(4)), ModuleConstant("NAME", .string("x")),
    ],
    make: { Echo() })

@Suite struct WordsTests {
    /// Words of a command and the arguments that the function is given.
    static let good: [([String], [Value])] = [
        (["none"], []),
        (
            ["scalars", "255", "-2147483648", "9223372036854775807", "1.5"],
            [
                .byte(255), .int(.min), .big(.max), .real(1.5),
            ]
        ),
        (["scalars", "0x1f", "+7", "16rff", "-1e3"], [.byte(31), .int(7), .big(255), .real(-1000)]),
        (["int", "8r644"], [.int(0o644)]), (["int", "-8r10"], [.int(-8)]), (["int", "0"], [.int(0)]),
        (["int", "ONE"], [.int(1)]), (["int", "ONE|FOUR"], [.int(5)]),
        (["text", "", "ä"], [.string(""), .bytes([0xc3, 0xa4])]),
        (["fd", "3"], [.fd(FD(3))]), (["fd", "-1"], [.fd(FD(-1))]),
        (["rest", "1"], [.int(1), .list([])]),
        (["rest", "1", "a", "b c", ""], [.int(1), .list([.string("a"), .string("b c"), .string("")])]),
        (
            ["pairs", "a", "1", "b", "2"],
            [
                .list([.tuple([.string("a"), .big(1)]), .tuple([.string("b"), .big(2)])])
            ]
        ),
        (["move", "1", "2", "3", "4"], [.tuple([.int(1), .int(2)]), .tuple([.int(3), .int(4)])]),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: good)
    func wordsBecomeTypedArguments(_ words: [String], _ values: [Value]) throws {
        let module = entry.load()
        let index = try #require(module.index(of: words[0]))
        let result = try inProcess { p throws(SysError) in try module.call(index, p, words: Array(words.dropFirst())) }
        #expect(result == .tuple(values))
    }

    /// Words of a command, and why it is refused.
    static let bad: [([String], String)] = [
        (["none", "x"], "none: usage: none: fn()"),
        (["int"], "int: usage: int: fn(n: int): int"),
        (["int", "1", "2"], "int: usage: int: fn(n: int): int"),
        (["text", "s"], "text: usage: text: fn(s: string, data: array of byte): string"),
        (["pairs", "a", "1", "b"], "pairs: usage: pairs: fn(l: array of (string, big)): int"),
        (["move", "1", "2", "3"], "move: usage: move: fn(p: Point, by: (int, int)): Point"),
        (["int", "abc"], "n: 'abc' is no int"), (["int", ""], "n: '' is no int"),
        (["int", "1.5"], "n: '1.5' is no int"), (["int", "- 1"], "n: '- 1' is no int"),
        (["int", "--1"], "n: '--1' is no int"), (["int", "0x"], "n: '0x' is no int"),
        (["int", "1r0"], "n: '1r0' is no int"), (["int", "2r2"], "n: '2r2' is no int"),
        (["int", "99999999999999999999r1"], "n: '99999999999999999999r1' is no int"),
        (["int", "١"], "n: '١' is no int"),
        (["int", "2147483648"], "n: '2147483648' is out of range for int"),
        (["int", "99999999999999999999"], "n: '99999999999999999999' is out of range for int"),
        (["int", "0644"], "n: '0644' is ambiguous: octal is 8r644"),
        (["int", "TWO"], "n: 'TWO' is no int"), (["int", "ONE|NAME"], "n: 'ONE|NAME' is no int"),
        (["int", "ONE|"], "n: 'ONE|' is no int"),
        (["scalars", "256", "0", "0", "0"], "b: '256' is out of range for byte"),
        (["scalars", "1", "2", "x", "0"], "g: 'x' is no big"),
        (["scalars", "1", "2", "3", "x"], "r: 'x' is no real"),
        (["fd", "stdin"], "fd: 'stdin' is no descriptor"),
        (["move", "1", "y", "3", "4"], "p: 'y' is no int"),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: bad)
    func whatDoesNotFitIsRefusedByName(_ words: [String], _ message: String) throws {
        let module = entry.load()
        let index = try #require(module.index(of: words[0]))
        let error = #expect(throws: SysError.self) {
            try inProcess { p throws(SysError) in try module.call(index, p, words: Array(words.dropFirst())) }
        }
        #expect(error?.description == message)
    }

    static let results: [(Value, [String])] = [
        (.void, []), (.byte(7), ["7"]), (.int(-1), ["-1"]), (.big(.min), ["-9223372036854775808"]),
        (.real(0.5), ["0.5"]), (.string("a b"), ["a b"]), (.bytes([0xc3, 0xa4]), ["ä"]), (.fd(FD(4)), ["4"]),
        (.list([]), []), (.tuple([.int(1), .list([.string("a"), .tuple([.int(2), .void])])]), ["1", "a", "2"]),
    ]

    @Test(arguments: results) func aResultIsFlattenedToWords(_ value: Value, _ words: [String]) throws {
        #expect(try value.words() == words)
        let output = try value.output()
        if case .bytes(let bytes) = value {
            #expect(output == bytes)
        } else {
            #expect(output == words.flatMap { Array($0.utf8) + [10] })
        }
    }

    @Test func bytesThatAreNoTextAreNoWordButOutput() throws {
        #expect(throws: SysError("the result is not text: 2 bytes")) { try Value.bytes([0xff, 0]).words() }
        #expect(try Value.bytes([0xff, 0]).output() == [0xff, 0])
    }

    @Test(.timeLimit(.minutes(1))) func aCallWithOtherThanTheDeclaredArgumentsIsAnError() throws {
        let module = entry.load()
        let refused = try inProcess { p throws(SysError) -> Int in
            var refused = 0
            for (function, arguments) in [(0, [Value.void]), (1, []), (99, []), (-1, [])] {
                do throws(SysError) { _ = try module.call(function, p, arguments) } catch { refused += 1 }
            }
            return refused
        }
        #expect(refused == 4)
    }

    @Test func aModuleIsListedWithItsSignatures() throws {
        let table = ModuleTable([entry])
        #expect(table.text.hasPrefix("$Echo\n\tnone: fn()\n\tscalars: fn(b: byte, i: int, g: big, r: real): int\n"))
        #expect(try table.find("$Echo").path == "$Echo")
        #expect(throws: SysError("$Nope: module not in this emu (see /dev/modules)")) { try table.find("$Nope") }
    }
}
