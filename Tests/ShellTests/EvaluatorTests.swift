import Kernel
import Testing

@testable import Shell

@Suite struct EvaluatorTests {
    @Test(
        "words become arguments", .timeLimit(.minutes(1)),
        arguments: [
            ("args a 'b c' ''", "[a][b c][]"),
            ("args ((a) (b c) d)", "[a][b][c][d]"),
            ("args ()", ""),
            ("x=a b c d; args $x $#x $\"x", "[a][b][c][d][4][a b c d]"),
            ("args $nothing $#nothing $\"nothing", "[0][]"),
            ("x=y; y=1 2; args $$x $#$x", "[1][2][2]"),
            ("x=(a b); y=(1 2); args $x^$y $x^- -$x", "[a1][b2][a-][b-][-a][-b]"),
            ("flags=l; stem=hello; args -$flags $stem.b", "[-l][hello.b]"),
            ("x=a; args $x'b c'$x", "[ab ca]"),
            ("args {echo hello; echo goodbye}", "[{echo hello;echo goodbye}]"),
            ("x={echo hello\n echo goodbye}; args $x", "[{echo hello;echo goodbye}]"),
            ("{args $* $#* $1 $2 $3} a b", "[a][b][2][a][b]"),
            ("{{args $#*}} a b", "[0]"),
            ("{args $0} a", "[{args $0}]"),
            ("{$*} {args hello world}", "[hello][world]"),
            ("{$*} {{$*} {args hello world}}", "[hello][world]"),
            ("'{args hello world}'", "[hello][world]"),
            ("'{args hello' ^ ' world}'", "[hello][world]"),
            ("cmd='args a; args b'; '{'^$cmd^'}'", "[a]\n[b]"),
            ("x:={args hello}; $x", "[hello]"),
            ("args `{echo a b; echo c} \"{echo a b}", "[a][b][c][a b\n]"),
            ("ifs=:; args `{echo a:b::c}", "[a][b][c\n]"),
            ("args ${quote 'a;' b 'c d' ''}", "['a;' b 'c d' '']"),
            ("args ${unquote ${quote 'a;' b 'c d' ''}}", "[a;][b][c d][]"),
            ("args ${bquote {a} '{b' c}", "[{a} '{b' c]"),
            ("args $apid", ""),
            ("(a b c) = one two three four five; args $a - $b - $c", "[one][-][two][-][three][four][five]"),
            ("(a b c) = one; args $a - $b - $c", "[one][-][-]"),
            ("a=b=c=1 2; args $a $b $c", "[1][2][1][2][1][2]"),
            ("x=1; {x:=2; args $x}; args $x", "[2]\n[1]"),
            ("x=1; {x=2}; args $x", "[2]"),
            ("x:=hello; cmd:={args $x}; {x:=goodbye; $cmd}", "[goodbye]"),
            ("x=1; {x:=2; {x=3}; args $x}; args $x", "[3]\n[1]"),
            ("x='*'; args $x '*' /bin/arg*", "[*][*][/bin/args]"),
            ("x=/bin; args $x^/a*s $x/ech? $x/[e]ch[^a] $x/'*'", "[/bin/args][/bin/echo][/bin/echo][/bin/*]"),
            ("args /nothing/* /b*n/args", "[/nothing/*][/bin/args]"),
            ("x=a b; (first x)=$x; args $first - $x", "[a][-][b]"),
            ("files=`{echo a; s=$#x}; args $s", "[0]"),
            ("x=1; `{x=2}; args $x", "[2]"),
            ("x=1; {x=2} | cat; {x=3}&; wait; args $x", "[1]"),
            ("status=foo; args $status", "[foo]"),
        ])
    func words(script: String, out: String) throws {
        #expect(try sh(script) == Outcome(out: out.isEmpty ? "\n" : out + "\n"))
    }

    @Test(
        "commands give a status", .timeLimit(.minutes(1)),
        arguments: [
            ("end", ""), ("end bad", "bad"), ("{}", ""), ("end bad; {}", ""), ("end a; end b", "b"),
            ("end a && end b", "a"), ("end && end b", "b"), ("end a || end b", "b"), ("end || end b", ""),
            ("end a || end && end c", "c"), ("end a | end b", "b"), ("end a | end", ""), ("{end a}", "a"),
            ("exit", ""), ("exit why", "why"), ("end a; exit", "a"), ("{exit b}; end c", "b"),
            ("@ {exit b}; end $status^c", "bc"),
            ("raise oops", "oops"), ("x=`{end a}; end $status^b", "ab"), ("status x", "x"), ("! {end a}", ""),
            ("! {end}", "1"),
        ])
    func statuses(script: String, status: String) throws {
        #expect(try sh(script).status == status)
    }

    @Test(
        "what is wrong is told with a name and a reason", .timeLimit(.minutes(1)),
        arguments: [
            ("lss", "sh: lss: command not found", "lss: command not found"),
            ("ecoh hi", "sh: ecoh: command not found (did you mean echo?)", "ecoh: command not found"),
            ("unlod x", "sh: unlod: command not found (did you mean unload?)", "unlod: command not found"),
            ("/bin/nosuch", "sh: '/bin/nosuch' file does not exist", "'/bin/nosuch' file does not exist"),
            ("/bin", "sh: '/bin' permission denied", "'/bin' permission denied"),
            ("echo > /nothing/x", "sh: '/nothing' file does not exist", "bad redir"),
            ("echo > (a b)", "sh: > wants one file, not 2", "bad redir"),
            ("echo >[1=7]", "sh: >[1=7]: fd out of range or not open", "bad redir"),
            ("echo )", "sh: unexpected ), expected a word or the end of the command", "parse error"),
            ("'{echo'", "sh: missing } for the { of line 1", "parse error"),
            ("echo ${nothing}", "sh: ${nothing}: builtin not found", "builtin not found"),
            ("x=(a b); echo $$x", "sh: $ wants one name, not 2", "bad $ arg"),
            ("echo (a b)^(1 2 3)", "sh: cannot join a list of 2 and one of 3 with ^", "bad concatenation"),
            (
                "load nothing",
                "sh: load: nothing: no such module (there are \(ShellModule.all.keys.sorted().joined(separator: " ")), and those of /dev/modules)",
                "bad module"
            ),
            ("load '$Nope'", "sh: load: $Nope: module not in this emu (see /dev/modules)", "bad module"),
            ("for x", "sh: usage: for var in [arg ...] command", "usage"),
            ("cd /nothing", "sh: cd: '/nothing' file does not exist", "'/nothing' file does not exist"),
            ("fn f {f}; f", "sh: recursion too deep", "recursion"),
            ("fn f {@ {f}}; f", "sh: recursion too deep", "recursion"),
            ("echo a\nfor x\necho b", "sh: -c:2: usage: for var in [arg ...] command", "usage"),
            ("echo\n{\n\necho >(a b)}", "sh: -c:4: > wants one file, not 2", "bad redir"),
            ("echo\necho '\n", "sh: -c:3: missing ' to end the quote of line 2", "parse error"),
        ])
    func errors(script: String, err: String, status: String) throws {
        let outcome = try sh(script)
        #expect(outcome.err == err + "\n")
        #expect(outcome.status == status)
    }
}
