import Testing

@testable import Shell

private func parse(_ text: String) throws(SyntaxError) -> [Command] {
    var parser = Parser(Array(text.utf8), file: "t")
    var all: [Command] = []
    while let line = try parser.next() { all += line }
    return all
}

/// The only argument of the command `x text`.
private func word(_ text: String) throws -> Word? {
    guard case .simple(let s)? = try parse("x \(text)").first, s.words.count == 2 else { return nil }
    return s.words[1]
}

private func lit(_ text: String) -> Word { .literal(text, glob: false) }
private func pat(_ text: String) -> Word { .literal(text, glob: true) }
private let one = Line(number: 1)

@Suite struct ParserTests {
    @Test(
        "a word means what its form says",
        arguments: [
            ("abc", lit("abc")),
            ("'a b'", lit("a b")),
            ("''", lit("")),
            ("'it''s'", lit("it's")),
            ("'two\nlines'", lit("two\nlines")),
            ("*.c", pat("*.c")),
            ("'*.c'", lit("*.c")),
            ("[^ab]?", pat("[^ab]?")),
            ("a=b", lit("a=b")),
            ("a:=b", lit("a:=b")),
            ("if=*", pat("if=*")),
            ("http://h:80/~u/%20!@+,-.", lit("http://h:80/~u/%20!@+,-.")),
            ("back\\slash", lit("back\\slash")),
            ("$x", .variable(lit("x"))),
            ("$*", .variable(lit("*"))),
            ("$12", .variable(lit("12"))),
            ("$'odd name'", .variable(lit("odd name"))),
            ("$$x", .variable(.variable(lit("x")))),
            ("$#x", .count(lit("x"))),
            ("$\"x", .joined(lit("x"))),
            ("$(a)", .variable(.list([lit("a")]))),
            ("${hd a b}", .substitution([lit("hd"), lit("a"), lit("b")], one)),
            ("${hd\n a # first\n b\n}", .substitution([lit("hd"), lit("a"), lit("b")], one)),
            ("()", .list([])),
            ("(a (b\n c))", .list([lit("a"), .list([lit("b"), lit("c")])])),
            ("(a=b =)", .list([lit("a=b"), lit("=")])),
            ("a^b", .caret([lit("a"), lit("b")])),
            ("a ^ b ^\n c", .caret([lit("a"), lit("b"), lit("c")])),
            ("-$flags", .caret([lit("-"), .variable(lit("flags"))])),
            ("$stem.b", .caret([.variable(lit("stem")), lit(".b")])),
            ("$a$b", .caret([.variable(lit("a")), .variable(lit("b"))])),
            ("a'b c'd", .caret([lit("a"), lit("b c"), lit("d")])),
            ("$x[1]", .caret([.variable(lit("x")), pat("[1]")])),
            ("$dir/^$id", .caret([.variable(lit("dir")), lit("/"), .variable(lit("id"))])),
        ] as [(String, Word)])
    func words(text: String, tree: Word) throws {
        #expect(try word(text) == tree)
    }

    @Test("blocks are words, and run in ` \" < >")
    func blocks() throws {
        let block = Block(try parse("echo a; echo b"), file: "", line: 1)
        #expect(try word("{echo a; echo b}") == .block(block))
        #expect(try word("{echo a\n\n echo b # two\n}") == .block(block))
        #expect(try word("`{echo a; echo b;}") == .output(block, split: true))
        #expect(try word("\"{echo a; echo b}") == .output(block, split: false))
        #expect(try word("<{echo a; echo b}") == .pipe(block, .read))
        #expect(try word(">{echo a; echo b}") == .pipe(block, .write))
        #expect(try word("<>{echo a; echo b}") == .pipe(block, .both))
        #expect(try word("pre`{echo a; echo b}") == .caret([lit("pre"), .output(block, split: true)]))
        #expect(try word("$\"{echo a; echo b}") == .variable(.output(block, split: false)))
    }

    @Test(
        "what stands together without a free caret is two words",
        arguments: ["x(2)", "a{b}", "{a}{b}", "(a)b", "$x(1)", "`{a}/b", "a\"{b}"])
    func noCaret(text: String) throws {
        guard case .simple(let s)? = try parse("echo \(text)").first else {
            Issue.record("not a simple command")
            return
        }
        #expect(s.words.count == 3)
    }

    @Test(
        "a program prints in its shortest form",
        arguments: [
            ("echo hello ;echo goodbye", "echo hello;echo goodbye"),
            ("{\n    echo hello\n    echo goodbye\n}", "{echo hello;echo goodbye}"),
            ("x=a b c d", "x=a b c d"),
            ("x := 'a b' c", "x:='a b' c"),
            ("x =", "x="),
            ("(a b c) = one two", "(a b c)=one two"),
            ("a = b := c = 1 2", "a=b:=c=1 2"),
            ("$opt^flag = 1", "$opt^flag=1"),
            ("$x:=1", "$x:=1"),
            ("x='=y'", "x='=y'"),
            ("dd if=a of=b", "dd 'if=a' 'of=b'"),
            ("a | b|c", "a|b|c"),
            ("a |[2] b |[2=0] c |[3=4]\n d", "a|[2]b|[2]c|[3=4]d"),
            ("a && b || c &&\n d", "a&&b||c&&d"),
            ("a | b && c &", "a|b&&c&"),
            ("a & b; c&", "a&b;c&"),
            ("a;;b;", "a;b"),
            ("> f", "> f"),
            ("a >f b <g >>h <>i", "a b> f< g>> h<> i"),
            ("a >[2] f >[2=1] <[3] g <>[4]h <[0=5] >[6=]", "a>[2] f>[2=1]<[3] g<>[4] h<[0=5]>[6=]"),
            ("a >[1] f <[0]g", "a> f< g"),
            ("a <{b} > >{c}", "a <{b}> >{c}"),
            ("a > [x]*", "a> [x]*"),
            ("<> /net/cs {a}", "{a}<> /net/cs"),
            ("echo [ ^ $x", "echo [ ^ $x"),
            ("fn hi {echo hello}", "fn hi {echo hello}"),
            ("if {~ $#x 0} {a}{b}", "if {~ $#x 0} {a} {b}"),
            ("(if\n {a}\n # why\n {b}\n)", "(if {a} {b})"),
            ("a # b ; c", "a"),
            ("a#b", "a"),
            ("echo `{a|b} \"{c} ${d e} $\"f $#g $$h", "echo `{a|b} \"{c} ${d e} $\"f $#g $$h"),
            ("echo $'odd name' $'*' $'a-b'", "echo $'odd name' $* $'a-b'"),
            ("a\r\nb\r\n", "a\nb"),
            ("{}", "{}"),
            ("{{a} {b}}", "{{a} {b}}"),
            ("! {a}", "! {a}"),
            ("@ {cd /}", "@ {cd /}"),
            ("a\n\n# note\nb", "a\nb"),
        ])
    func printed(text: String, canonical: String) throws {
        #expect(try Syntax.canonical(Array(text.utf8), file: "t") == canonical + "\n")
        #expect(try Syntax.canonical(Array(canonical.utf8), file: "t") == canonical + "\n")
    }

    @Test("nothing is no program", arguments: ["", "  \n\t\n", "# only a note", ";;", "\n;\n"])
    func empty(text: String) throws {
        #expect(try parse(text).isEmpty)
    }

    @Test(
        "an error names file, line and reason",
        arguments: [
            ("a\nb )", "t:2: unexpected ), expected a word or the end of the command"),
            ("a\n\n}", "t:3: unexpected }, expected a command"),
            ("a | ; b", "t:1: unexpected ;, expected a command"),
            ("a && && b", "t:1: unexpected &, expected a command"),
            ("& a", "t:1: unexpected &, expected a command"),
            ("a & & b", "t:1: unexpected &, expected a command"),
            ("= b", "t:1: unexpected =, expected a command"),
            ("a >\nb", "t:1: unexpected end of line, expected a file name after >"),
            ("a > {b}", "t:1: a block is not a file (>{...}, without a blank, is a pipe to it)"),
            ("a >[x] b", "t:1: unexpected x, expected the number of a file descriptor"),
            ("a >[999999] b", "t:1: file descriptor too large"),
            ("a >[2:1]", "t:1: unexpected :, expected = or ]"),
            ("a |[2=] b", "t:1: a pipe needs two ends"),
            ("> f x = 1", "t:1: a redirection before an assignment"),
            ("x > f = 1", "t:1: a redirection before an assignment"),
            ("x = 1 > f", "t:1: a redirection in an assignment"),
            ("x==y", "t:1: a value that begins with = wants quotes"),
            ("{a} = 1", "t:1: cannot assign to a block"),
            ("echo \"quoted\"", "t:1: unexpected q, expected { after \" (quotes are '...')"),
            ("echo `date", "t:1: unexpected d, expected { after `"),
            ("echo $ x", "t:1: unexpected blank, expected a name after $"),
            ("echo ${}", "t:1: ${} without a name"),
            ("echo ${a > b}", "t:1: unexpected >, expected a word or }"),
            ("(a\n;b)", "t:2: unexpected ;, expected a word or )"),
            ("a ^ | b", "t:1: unexpected |, expected a word after ^"),
            ("a\u{0}b", "t:1: unexpected byte 0x0, expected a word or the end of the command"),
        ])
    func errors(text: String, sentence: String) {
        #expect {
            try parse(text)
        } throws: {
            ($0 as? SyntaxError)?.sentence == sentence && ($0 as? SyntaxError)?.incomplete == false
        }
    }

    @Test(
        "text that more could complete says so",
        arguments: [
            ("echo 'a\nb", "t:2: missing ' to end the quote of line 1"),
            ("if {a} {\n b\n", "t:3: missing } for the { of line 1"),
            ("x = (a\n b\n", "t:3: missing ) for the ( of line 1"),
            ("echo ${hd\n", "t:2: missing } for the { of line 1"),
            ("a |\n", "t:2: unexpected end, expected a command"),
            ("a &&\n", "t:2: unexpected end, expected a command"),
            ("a ^\n", "t:2: unexpected end, expected a word after ^"),
            ("echo `{a\n{", "t:2: missing } for the { of line 2"),
        ])
    func incomplete(text: String, sentence: String) {
        #expect {
            try parse(text)
        } throws: {
            ($0 as? SyntaxError)?.sentence == sentence && ($0 as? SyntaxError)?.incomplete == true
        }
    }

    @Test("a program runs up to the line that is wrong")
    func lineByLine() throws {
        var parser = Parser(Array("a; b\nc\nd )\n".utf8), file: "t")
        #expect(try parser.next()?.count == 2)
        #expect(try parser.next()?.count == 1)
        #expect(throws: SyntaxError.self) { try parser.next() }
    }

    @Test("a string is a block only as a whole")
    func blockText() throws {
        #expect(try Parser.block(" {echo $*}\n", file: "t", line: 1).text == "{echo $*}")
        for text in ["echo", "", "{a} b", "{a", "{a}}"] {
            #expect(throws: SyntaxError.self) { try Parser.block(text, file: "t", line: 1) }
        }
    }

    @Test(
        "nesting is bounded on the stack of a process", .timeLimit(.minutes(1)),
        arguments: [
            ("{", "}"), ("(", ")"), ("echo `{", "}"), ("echo ${a ", "}"), ("echo $(", ")"), ("a = ", ""),
            ("$", ""),
            ("echo <{", "}"), ("echo \"{", "}"), ("a|{b&&{", "}}"), ("x^(a ", ")"),
        ])
    func nesting(open: String, close: String) throws {
        let nested: @Sendable (Int) -> [UInt8] = { n in
            Array((String(repeating: open, count: n) + "x" + String(repeating: close, count: n)).utf8)
        }
        #expect(onSmallStack { (try? Syntax.canonical(nested(20), file: "t")) != nil })
        #expect(
            onSmallStack {
                do throws(SyntaxError) {
                    _ = try Syntax.canonical(nested(100_000), file: "t")
                } catch {
                    return error.sentence == "t:1: nested too deeply"
                }
                return false
            })
    }

    @Test(
        "length is not bounded", .timeLimit(.minutes(1)),
        arguments: ["a^", "a ", "a;", "a|", "a&&", "$a", "'b' ", "a&", "a>b ", "{a} "])
    func length(repeated: String) {
        let text = Array((String(repeating: repeated, count: 20_000) + "a").utf8)
        #expect(onSmallStack { (try? Syntax.canonical(text, file: "t")) != nil })
    }
}
