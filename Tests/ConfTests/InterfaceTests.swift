import Conf
import Testing

@Suite struct InterfaceTests {
    static func parse(_ members: String) throws(Diagnostic) -> Interface {
        try Interface.parse(Array("X: module\n{\nPATH: con \"$X\";\n\(members)\n};\n".utf8), file: "x.m")
    }

    /// A declaration and the canonical signatures it stands for.
    static let signatures: [(String, [String])] = [
        ("f: fn();", ["f: fn()"]),
        ("f: fn(a, b: int, c: string): (int, string);", ["f: fn(a: int, b: int, c: string): (int, string)"]),
        ("f,g:fn(x:real):real;", ["f: fn(x: real): real", "g: fn(x: real): real"]),
        ("f: fn(args: list of string): int; # why\n", ["f: fn(args: list of string): int"]),
        ("f: fn(d: array of byte, n: big): ref FD;", ["f: fn(d: array of byte, n: big): ref FD"]),
        ("f: fn(fd: ref Sys->FD): ref FD;", ["f: fn(fd: ref FD): ref FD"]),
        (
            "B: type array of byte; L: type list of B; f: fn(x: L): B;",
            ["f: fn(x: list of array of byte): array of byte"]
        ),
        ("f: fn(p: Pt); Pt: adt { x, y: int; };", ["f: fn(p: Pt)"]),
        ("f: fn(): list of (string, Pt); Pt: adt { x: int; };", ["f: fn(): list of (string, Pt)"]),
        ("f: fn(x: (int), l: list of ((byte, big))): int;", ["f: fn(x: int, l: list of (byte, big)): int"]),
        ("f: fn(): list of list of int;", ["f: fn(): list of list of int"]),
    ]

    @Test(arguments: signatures) func aFunctionHasOneSpelling(_ text: String, _ functions: [String]) throws {
        #expect(try Self.parse(text).functions.map(\.description) == functions)
    }

    static let constants: [(String, ConstantValue)] = [
        ("1", .int(1)), ("-1", .int(-1)), ("16r10", .int(16)), ("0x1F", .int(31)), ("2r101", .int(5)),
        ("1 << 31", .int(.min)), ("int 16rFFFFFFFF", .int(-1)), ("16rFFFFFFFF", .big(0xffff_ffff)),
        ("big 1 << 40", .big(1 << 40)), ("2147483648", .big(1 << 31)), ("2 + 3 * 4", .int(14)),
        ("(2 + 3) * 4", .int(20)), ("7 / 2 % 2", .int(1)), ("10 - 3 - 2", .int(5)), ("1 | 2 ^ 3 & 2", .int(1)),
        ("~0", .int(-1)), ("- - 5", .int(5)), ("'a'", .int(97)), ("'\\n'", .int(10)), ("'ä'", .int(228)),
        ("1.5", .real(1.5)), ("1e3", .real(1000)), ("2.", .real(2)), ("real 1 / 4.0", .real(0.25)),
        ("\"a\\tb\" + \"\\u00e4\"", .string("a\tbä")), ("ONE + 1", .int(2)), ("int 2.6", .int(3)),
        ("int (-2147483647 - 1) / -1", .int(.min)),
    ]

    @Test(arguments: constants) func aConstantHasItsLimboValue(_ text: String, _ value: ConstantValue) throws {
        let interface = try Self.parse("ONE: con 1; C: con \(text); f: fn();")
        #expect(interface.constants.last?.value == value)
    }

    @Test func iotaCountsTheNames() throws {
        let interface = try Self.parse("A, B, C: con 1 << iota; f: fn();")
        #expect(interface.constants.dropFirst().map(\.value) == [.int(1), .int(2), .int(4)])
    }

    /// Members of a module (they begin on line 4), the line of the mistake, and a part of what is said.
    static let refused: [(String, Int, String)] = [
        ("f: fn()", 5, "expected ';' after the declaration of 'f', found '}'"),
        ("f fn();", 4, "expected ':' after 'f', found 'fn'"),
        ("f: fn(a: int, a: int);", 4, "argument 'a' is there twice"),
        ("f: fn(); f: fn();", 4, "'f' is declared on line 4 already"),
        ("f: fn();\n\nf: con 1;", 6, "'f' is declared on line 4 already"),
        ("f: fn(a: foo);", 4, "'foo' is not declared"),
        ("f: fn(a: g); g: fn();", 4, "'g' is no type"),
        ("f: fn(a: FD);", 4, "FD is used by reference: 'ref FD'"),
        ("f: fn(a: ref Pt); Pt: adt { x: int; };", 4, "ref Pt cannot cross to Swift"),
        ("f: fn(c: chan of int);", 4, "a chan cannot cross to Swift"),
        ("f: fn(s: string, *): int;", 4, "'f' takes any arguments: a last list does that here"),
        ("f: fn(int);", 4, "'int' is a word of Limbo and no name of an argument"),
        ("f: fn(l: list of int, s: string);", 4, "argument 'l' of 'f' is a list, so it must be the last"),
        ("f: fn(l: list of list of int);", 4, "argument 'l' is a list of lists"),
        ("f: fn(t: (list of int, int));", 4, "argument 't' has a list that is not its last part"),
        ("f: fn(): int raises X;", 4, "raises is not declared"),
        ("x: int; f: fn();", 4, "'x' is a variable: a builtin module has con, type, adt and fn"),
        ("A: adt { x: A; }; f: fn();", 4, "type 'A' contains itself"),
        ("A: type list of B; B: type A; f: fn();", 4, "contains itself"),
        ("A: adt { }; f: fn();", 4, "adt 'A' has no fields"),
        ("A: adt { f: fn(); }; f: fn();", 4, "adt 'A' has a function"),
        ("A: adt { pick { } }; f: fn();", 4, "a pick adt cannot cross to Swift"),
        ("A: adt { x: int; x: int; }; f: fn();", 4, "field 'x' is there twice"),
        ("String: adt { x: int; }; f: fn();", 4, "'String' cannot be the name of an adt in Swift"),
        ("lower: adt { x: int; }; f: fn();", 4, "'lower' cannot be the name of an adt in Swift"),
        ("C: con 1 / 0; f: fn();", 4, "constant 'C': division by zero"),
        ("C: con 1 << 32; f: fn();", 4, "constant 'C': a shift by 32 is out of range"),
        ("C: con 1 + 1.0; f: fn();", 4, "constant 'C': '+' takes two values of one type"),
        ("C: con D; D: con 1; f: fn();", 4, "constant 'C': 'D' is no constant declared above"),
        ("C: con (1; f: fn();", 4, "constant 'C': expected ')', found ';'"),
        ("C: con ; f: fn();", 4, "constant 'C': expected a value, found ';'"),
        ("C: con int 1e300; f: fn();", 4, "out of range for int"),
        ("C: con 99999999999999999999; f: fn();", 4, "number '99999999999999999999' is too large"),
        ("C: con 37r1; f: fn();", 4, "radix '37' is not 2 to 36"),
        ("C: con 2r2; f: fn();", 4, "'2' is no number of radix 2"),
        ("C: con 1x; f: fn();", 4, "a name follows the number '1'"),
        ("C: con \"a; f: fn();", 4, "a quote is not closed on its line"),
        ("C: con \"\\q\"; f: fn();", 4, "unknown escape \\q"),
        ("C: con 'ab'; f: fn();", 4, "a character constant is not closed after one character"),
        ("\n\n@", 6, "stray character '@'"),
        ("X: con 1; f: fn();", 4, "'X' is the name of the module"),
        ("A: con 1;", 1, "module 'X' has no functions"),
    ]

    @Test(arguments: refused) func aMistakeIsNamedWithItsLine(_ text: String, _ line: Int, _ message: String) {
        let fault = #expect(throws: Diagnostic.self) { _ = try Self.parse(text) }
        #expect(fault?.line == line)
        #expect(fault?.message.contains(message) == true, "\(fault?.description ?? "")")
    }

    static let files: [(String, String)] = [
        ("", "x.m:1: error: expected the module's name, found the end of the file"),
        ("# nothing\n", "x.m:2: error: expected the module's name, found the end of the file"),
        ("include \"sys.m\";\n", "x.m:1: error: an interface stands alone: include is not used here"),
        ("implement X;\n", "x.m:1: error: this is an implementation: an interface was expected"),
        ("X: module { f: fn();\n\n", "x.m:3: error: module 'X' is not closed (it begins on line 1)"),
        ("X: module { f: fn(); };", "x.m:1: error: module 'X' has no PATH: con \"$X\""),
        ("X: module { PATH: con 1; f: fn(); };", "x.m:1: error: PATH of module 'X' is no \"$Name\""),
        ("x: module { PATH: con \"$x\"; f: fn(); };", "x.m:1: error: module 'x' should begin with a capital letter"),
        (
            "X: module { PATH: con \"$X\"; f: fn(); };\nY: module {};",
            "x.m:2: error: 'Y' follows the module: a file declares one module"
        ),
    ]

    @Test(arguments: files) func aFileIsOneModule(_ text: String, _ message: String) {
        let fault = #expect(throws: Diagnostic.self) { _ = try Interface.parse(Array(text.utf8), file: "x.m") }
        #expect(fault?.description == message)
    }

    @Test func nestsAndSizesAreBounded() {
        func message(_ members: String) -> String {
            do throws(Diagnostic) {
                _ = try Self.parse(members)
                return "read"
            } catch {
                return error.message
            }
        }
        let deep = String(repeating: "list of ", count: 100_000)
        #expect(message("f: fn(): \(deep)int;") == "a type nests deeper than 32")
        let parens = String(repeating: "(", count: 100_000)
        #expect(message("C: con \(parens)1;") == "constant 'C': the expression nests deeper than 32")
        #expect(message("f: fn(): \(parens)int;") == "a type nests deeper than 32")
        let minus = String(repeating: "-", count: 100_000)
        #expect(message("C: con \(minus)1;") == "constant 'C': the expression nests deeper than 32")
        // Each adt has two of the one before: 2^60 words, were they counted out.
        let twice = (1...60).map { "A\($0): adt { a, b: \($0 == 1 ? "int" : "A\($0 - 1)"); };" }.joined()
        #expect(message("\(twice) f: fn(): A60;") == "a value of this type is more than 256 words")
        let names = (0...64).map { "a\($0)" }.joined(separator: ", ")
        #expect(message("f: fn(\(names): int);") == "more than 64 names in one declaration")
    }
}
