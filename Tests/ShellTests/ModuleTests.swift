import Kernel
import Testing

@testable import Shell

@Suite struct ModuleTests {
    @Test(
        "std", .timeLimit(.minutes(1)),
        arguments: [
            ("if {end} {echo yes} {echo no}; if {end x} {echo yes} {echo no}", "yes\nno\n"),
            ("if {end x} {echo a} {end} {echo b} {echo c}; if {end x} {echo a} {end x} {echo b} {echo c}", "b\nc\n"),
            ("(if {~ 1 2} {\n echo a\n}\n {~ 1 1} {\n echo b\n})", "b\n"),
            ("for i in a b c {echo $i}; echo $i", "a\nb\nc\nc\n"),
            ("for i in a b c {if {~ $i b} {raise continue}; echo $i}; for i in a b {raise break}", "a\nc\n"),
            ("for i in () {echo $i}; echo end", "end\n"),
            ("x=(a b c); while {! ~ $#x 0} {echo ${hd $x}; x=${tl $x}}", "a\nb\nc\n"),
            ("while {} {raise break}; echo out", "out\n"),
            ("apply {args $* $1} a b", "[a][a]\n[b][b]\n"),
            ("and {end} {echo a} {end x} {echo b}; echo $status; or {end x} {echo c} {echo d}", "a\nx\nc\n"),
            ("no && echo none; no a || echo some", "none\nsome\n"),
            (
                "~ abc 'a*' && echo 1; ~ abc 'b*' x '?b?' && echo 2; ~ a/b '*' && echo 3; ~ '*' '\\*' && echo 4",
                "1\n2\n3\n4\n"
            ),
            (
                "~ abc 'b*' 'a' || echo no; ~ b '[^a-c]' || echo no; ~ '' && echo never; ~ '' '' && echo empty",
                "no\nno\nempty\n"
            ),
            ("fn hi {args $0 $*}; hi a b; fn hi; hi >[2] /dev/null || echo gone", "[{args $0 $*}][a][b]\ngone\n"),
            ("fn a b {args $*}; a 1; b 2; fn a b; whatis a b >[2] /dev/null || echo gone", "[1]\n[2]\ngone\n"),
            (
                "subfn f g {result=$1}; args ${f x} ${g y}; subfn f g; whatis f g >[2] /dev/null || echo gone",
                "[x][y]\ngone\n"
            ),
            ("rescue usage {echo $exception} {fn {}}; rescue usage {echo $exception} {fn a {} {}}", "usage\nusage\n"),
            ("flag e || echo off; flag e +; flag e && echo on", "off\non\n"),
            ("@ {pctl newfd 1; echo a; rescue '*' {echo $exception} {echo b >[1=2]}}", "a\nbad redir\n"),
            ("{@ {pctl forkfd 0 1; rescue '*' {echo $exception} {echo a >[1=3]}}} >[3] /tmp/x", "bad redir\n"),
            (
                "rescue usage {echo $exception} {pctl forkns 1}; rescue usage {echo $exception} {pctl -1}",
                "usage\nusage\n"
            ),
            ("subfn backwards {for i in $* {result=$i $result}}; args ${backwards a b c 'd e'}", "[d e][c][b][a]\n"),
            ("subfn nothing {}; args ${nothing} x", "[x]\n"),
            ("rescue 'o*' {echo caught $exception} {raise oops}; echo after $exception", "caught oops\nafter\n"),
            ("rescue other {echo no} {raise oops}\necho never", ""),
            ("rescue '*' {raise} {rescue no {} {raise inner}} || {}", ""),
            ("rescue '*' {echo $exception} {for x}", "usage\n"),
            ("raise oops > /tmp/x; echo got here $status", "got here oops\n"),
            ("fn f {status bad; }; f || echo $status", "bad\n"),
            ("args ${hd a b} ${tl a b c} ${hd} ${tl a} ${index 2 a b} ${index 9 a}", "[a][b][c][b]\n"),
            (
                "args ${join . file tar gz} ${join , } ${split e 'hello there'} ${split ':' a:b::c}",
                "[file.tar.gz][][h][llo th][r][a][b][c]\n"
            ),
            (
                "args ${parse '{echo   a ; echo b}'}; rescue 'parse error' {echo $exception} {x=${parse '{a'}}",
                "[{echo a;echo b}]\nparse error\n"
            ),
            ("flag x || echo off; flag v +; flag v && echo on; flag v -; flag v || echo off", "off\non\noff\n"),
            ("printf", ""),
            ("x=1; y=(); args ${env}", "[autoload][ifs][x]\n"),
            ("~ ${pid} `{echo ${pid}} || echo other", "other\n"),
            (
                "echo a b:c > /tmp/x; getlines {args $line} < /tmp/x; getlines ': ' {args $line} < /tmp/x",
                "[a b:c]\n[a]\n[b]\n[c\n]\n"
            ),
            ("{echo 1; echo 2; echo 3} > /tmp/x; {getlines {raise break}; cat} < /tmp/x", "2\n3\n"),
            ("x=`{cat ${pipe from {echo piped}}}; echo $x; echo in > ${pipe to {cat}}", "piped\nin\n"),
            ("fn a {fn b {echo $1 inner}; b $1}; a x; b y", "x inner\ny inner\n"),
            ("cd /tmp; {pctl forkns; bind /lib /tmp} ; whatis cd", "builtin cd\n"),
        ])
    func std(script: String, out: String) throws {
        let outcome = try sh(["-c", script]) { (p) throws(SysError) in
            try p.bind("#R", "/tmp", .create)
            try p.bind("#c", "/dev")
            try p.bind("#d", "/fd")
        }
        #expect(outcome.out == out)
    }

    /// A script for `sh -e`; what it prints, and how it ends.
    static let failures: [(script: String, out: String, status: String)] = [
        ("echo a; end; echo b", "a\nb\n", ""),
        ("echo a; end x; echo b", "a\n", "x"),
        ("echo a\nend x\necho b", "a\n", "x"),
        ("echo a; end x", "a\n", "x"),
        ("{echo a; end x; echo b}; echo c", "a\n", "x"),
        ("fn f {end x; echo in}; f; echo out", "", "x"),
        ("~ a b; echo c", "", "no match"),
        // What decides is no failure, however deep.
        ("if {end x} {echo a} {echo b}; while {end x} {}; ! end; echo c", "b\nc\n", ""),
        ("fn f {end x; echo in}; if {f} {echo on}; f; echo out", "in\non\n", "x"),
        ("end x || echo a; end x && echo b; and {end x} {echo c}; or {end x} {echo d}; echo e", "a\nd\ne\n", ""),
        ("{end x && echo b}; echo a", "a\n", ""),
        ("end && end x; echo b", "", "x"),
        ("or {end x} {end y}; echo b", "", "y"),
        ("if {end} {end x; echo a}; echo b", "", "x"),
        ("if {end} {end x}; echo b", "", "x"),
        ("for i in a b {echo $i; end $i}", "a\n", "a"),
        ("if {{end x; echo a} | cat} {echo b}", "a\nb\n", ""),
        // Of a pipeline the last counts, and of what runs beside nothing.
        ("end x | cat; end x & ; wait $apid || echo $status; cat < /dev/null | end y; echo b", "x\n", "y"),
        ("flag e -; end x; echo a; flag e +; end y; echo b", "a\n", "y"),
        ("rescue '*' {echo caught $exception} {end x; echo a}; echo b", "caught x\nb\n", ""),
        ("@ {end x; echo a}; echo b", "", "x"),
        ("{end x; echo a} > /dev/null; echo b", "", "x"),
    ]

    @Test("flag e ends with the first failure", .timeLimit(.minutes(1)), arguments: failures)
    func failing(_ row: (script: String, out: String, status: String)) throws {
        let expected = Outcome(out: row.out, status: row.status)
        let bindings: @Sendable (Proc) throws(SysError) -> Void = { (p) throws(SysError) in try p.bind("#c", "/dev") }
        #expect(try sh(["-e", "-c", row.script], prepare: bindings) == expected)
        #expect(try sh(["-e"], input: row.script + "\n", prepare: bindings) == expected)
    }

    @Test("let binds variables to a block, as the paper on sh shows", .timeLimit(.minutes(1)))
    func lexicalBinding() throws {
        let script = """
            subfn let {
                (let_cmd let_vars) := $*
                let_prefix := ''
                for let_i in $let_vars {
                    let_prefix = $let_prefix ^
                        ${quote $let_i}^':='^${quote $$let_i}^';'
                }
                result=${parse '{'^$let_prefix^$let_cmd^' $*}'}
            }
            fn runit {x := hello, world; $*}
            x=a 'b c d' 'e'
            runit ${let {echo $x} x}
            echo ${let {echo $x} x}
            """
        #expect(try sh(script) == Outcome(out: "a b c d e\n{x:=a 'b c d' e;{echo $x} $*}\n"))
    }

    @Test(
        "expr", .timeLimit(.minutes(1)),
        arguments: [
            ("2 1 -", "1"), ("3 2 1 + x", "9"), ("7 2 / 7 2 %", "3 1"), ("-7 2 / -7 2 %", "-3 -1"),
            ("6 3 and 6 3 or 6 3 xor", "2 7 5"),
            ("5 ~ 5 _", "-6 -5"), ("1 4 shl 256 4 shr", "16 16"), ("1 '<<' 3", "usage"), ("1 3 '<<'", "8"),
            ("1 1 = 1 2 == 1 1 eq", "1 0 1"), ("1 2 != 2 2 neq", "1 0"), ("2 1 '>' 1 2 gt", "1 0"),
            ("1 2 '<' 2 1 lt", "1 0"),
            ("1 1 '>=' 1 2 ge 1 1 '<=' 2 1 le", "1 0 1 0"), ("0 ! 3 not", "1 0"), ("1 2 3 4 + rep", "10"),
            ("1 5 seq", "1 2 3 4 5"),
            ("3 1 seq", "3 2 1"), ("1 10 seq + rep", "55"), ("1 10 seq rep", "usage"),
            ("-r 16 255 -255", "16rff -16rff"),
            ("16rff 0x10 2r101 -16r1", "255 16 5 -1"), ("", ""), ("1 0 /", "divide by zero"),
            ("1 0 %", "divide by zero"),
            ("-9223372036854775808 -1 /", "-9223372036854775808"), ("-9223372036854775808 -1 %", "0"),
            ("9223372036854775807 1 +", "-9223372036854775808"), ("1 100 shl 1 -1 shr", "0 2"), ("+", "usage"),
            ("x", "usage"),
            ("99999999999999999999", "usage"), ("-9223372036854775808 9223372036854775807 seq", "list too long"),
            ("-- 1", "usage"),
        ])
    func expr(words: String, out: String) throws {
        let outcome = try sh("load expr; rescue '*' {echo $exception} {echo ${expr \(words)}}")
        #expect(outcome == Outcome(out: out + "\n"))
    }

    @Test(
        "ntest, string, csv, arg, test and regex", .timeLimit(.minutes(1)),
        arguments: [
            ("load expr; ntest 1 && echo t; ntest 0 || echo f; rescue usage {echo u} {ntest x}", "t\nf\nu\n"),
            ("args ${splitl abc:def:g :} ${splitl abc :}", "[abc][:def:g][abc][]\n"),
            ("args ${splitr /a/b/c /} ${splitr abc /}", "[/a/b/][c][][abc]\n"),
            ("args ${drop '  x ' ' '} ${take 123abc 0-9} ${take abc '^b'}", "[x ][123][a]\n"),
            ("args ${splitstrl a--b--c --} ${splitstrl abc x}", "[a][--b--c][abc][]\n"),
            ("args ${splitstrr a--b--c --} ${splitstrr abc x}", "[a--b--][c][][abc]\n"),
            (
                "args ${tolower 'Hello, WÖRLD'} ${toupper straße} ${len äö} ${alen äö}",
                "[hello, wörld][STRASSE][2][4]\n"
            ),
            (
                "args ${slice 1 3 abcdef} ${slice 2 end abc} ${slice 5 9 abc} ${slice -3 2 abc} ${slice 2 1 abc}",
                "[bc][c][][ab][]\n"
            ),
            ("args ${fields : a::b:} ${fields : ''}", "[a][][b][][]\n"),
            (
                "args ${padl 5 ab} ${padr 5 ab} ${padr 5 a b} ${padl 2 abc} ${padl 3}",
                "[ab   ][   ab][  a b][abc][   ]\n"
            ),
            (
                "prefix ab abc && echo 1; prefix b abc || echo 2; in b a-c && echo 3; in b '^a-c' || echo 4",
                "1\n2\n3\n4\n"
            ),
            ("rescue usage {echo u} {args ${len $nothing}}", "u\n"),
            ("args ${csv a 'b,c' 'say \"hi\"' ''}", "[a,\"b,c\",\"say \"\"hi\"\"\",]\n"),
            ("echo 'a,\"b,c\",,\"say \"\"hi\"\"\"' | getcsv {args $line}", "[a][b,c][][say \"hi\"]\n"),
            ("{echo '\"two'; echo 'lines\",x'; echo; echo b} | getcsv {args $line}", "[two\nlines][x]\n[]\n[b]\n"),
            ("{echo a; echo b} | getcsv {echo $line; raise break}", "a\n"),
            (
                "{bflag:=cflag:=0; file:=(); (arg bc {$opt^flag = 1} f+ {file=$arg} r++++ {rect=$arg} '*' {echo unknown option $opt} - -bc -r 0 10 50 100 -ffile a b c); args $bflag $cflag $file $rect - $*}",
                "[1][1][file][0][10][50][100][-][a][b][c]\n"
            ),
            (
                "{(arg b {echo b} '*' {echo unknown option $opt} - -b -z -- -bc); echo arguments are $*; args $opt}",
                "b\nunknown option z\narguments are -bc\n\n"
            ),
            (
                "rescue usage {echo u} {arg b {} - -c}; rescue usage {echo v} {arg b+ {} - -b}; rescue usage {echo w} {arg b {}}",
                "u\nv\nw\n"
            ),
            ("arg b {echo b} - - x; echo $*", "- x\n"),
            (
                "report INF 3 shown; report INF 4 hidden; verbosity=9; report INF 9 all; report ERR 0 a b; report FTL 1 end; echo never",
                "INF: shown\nINF: all\nERR: a b\nFTL: end\n"
            ),
            ("match '^[a-z]+$' abc def && echo 1; match '^[a-z]+$' abc 1 || echo 2; match x || echo 3", "1\n2\n"),
            ("args ${re g '\\.(c|h)$' a.c b.o c.h} ${re v '\\.c$' a.c b.o}", "[a.c][c.h][b.o]\n"),
            (
                "args ${re m '[0-9]+' ab12cd34} ${re m x abc} ${re mg '[0-9]+' ab12cd34} ${re M '(a)(b)?(c)' xac}",
                "[12][12][34][ac][a][][c]\n"
            ),
            ("args ${re s b '<\\0>' abcb xyz} ${re sg '(.)b' '\\1-\\\\' abcb}", "[a<b>cb][xyz][a-\\c-\\]\n"),
            ("args ${re mg '.|\\n' añb}", "[a][ñ][b]\n"),
            ("s='a*b.c'; args ${re sg '[*|[\\\\+.^$()?]' '\\\\\\0' $s}", "[a\\*b\\.c]\n"),
            ("rescue 'bad regex' {echo bad} {match '(' a}", "bad\n"),
            (
                "subfn pat2regexp {result='^'^${re sg '\\*' '.*'\n ${re sg '\\?' '.'\n  ${re sg '[()+\\\\.^$|]' '\\\\\\0' $*}\n }\n} ^ '$'}; args ${pat2regexp '?.sbl*'}",
                "[^.\\.sbl.*$]\n"
            ),
        ])
    func others(script: String, out: String) throws {
        let outcome = try sh("load expr string csv arg test regex\n" + script)
        #expect(outcome.out == out)
    }

    @Test("load, unload, loaded and whatis agree", .timeLimit(.minutes(1)))
    func loading() throws {
        let outcome = try sh(
            """
            load expr string; echo ${loaded}; whatis ntest expr; unload expr
            rescue '*' {echo $exception} {echo ${expr 1}}
            rescue '*' {echo $exception} {unload expr}
            x=a 'b c'; whatis x; fn f {echo hi}; whatis f echo nothing; whatis load
            """)
        #expect(
            outcome.out == """
                std expr string
                load expr; ntest
                load expr; ${expr}
                builtin not found
                bad module
                x=a 'b c'
                fn f {echo hi}
                /bin/echo
                builtin load

                """)
        #expect(outcome.err == "sh: -c:4: whatis: nothing: not found\n")
    }

    @Test("a module of the kernel becomes commands and substitutions", .timeLimit(.minutes(1)))
    func typed() throws {
        let outcome = try sh(
            """
            load '$Twice'; twice 21; echo ${twice 4}; whatis twice
            rescue usage {echo caught} {twice}
            twice x; echo $status
            rescue '*' {echo $exception} {echo ${twice x}}
            unload '$Twice'
            twice 1
            """)
        #expect(
            outcome.out == """
                42
                8
                load '$Twice'; twice # twice: fn(n: int): int
                load '$Twice'; ${twice}
                caught
                n: 'x' is no int
                n: 'x' is no int

                """)
        #expect(
            outcome.err == "sh: -c:3: twice: n: 'x' is no int\nsh: -c:6: twice: command not found\n")
    }

    @Test("a module hides no program", .timeLimit(.minutes(1)))
    func besidesPrograms() throws {
        let script = "load '$Twice'; echo out; Twice.echo 21; args ${echo 4} ${Twice.echo 5}; whatis Twice.echo echo"
        let whatis = "load '$Twice'; Twice.echo # echo: fn(n: int): int\nload '$Twice'; ${Twice.echo}\n"
        #expect(
            try sh(["-c", script])
                == Outcome(out: "out\n42\n[8][10]\n\(whatis)/bin/echo\nload '$Twice'; ${echo}\n"))
        // Who types is told; another definition goes with its module.
        let typed = try sh(["-i"], input: "load '$Twice'; fn echo {}; unload '$Twice'; Twice.echo 1\n")
        #expect(typed.err.contains("sh: load: $Twice: these are programs still: echo (say Twice.echo)\n"))
        #expect(typed.err.contains("Twice.echo: command not found"))
    }
}

/// A module for `typed`.
struct Twice: BuiltinModule {
    static let entry = ModuleEntry(
        path: "$Twice",
        functions: ["twice", "echo"].map { ModuleFunction($0, [ModuleField("n", .int)], .int) }, constants: []
    ) { Twice() }

    func call(_ function: Int, _ p: Proc, _ arguments: [Value]) throws(SysError) -> Value {
        .int(try arguments[0].int() &* 2)
    }
}
