import Kernel
import Testing

@testable import Shell

/// A name space with /tmp, /dev, /fd, /env and /chan.
private func prepared(_ p: Proc) throws(SysError) {
    try p.bind("#R", "/tmp", .create)
    try p.bind("#c", "/dev")
    try p.bind("#d", "/fd")
    try p.bind("#e", "/env", .create)
    try p.bind("#s", "/chan", .create)
    let fd = try p.create("/tmp/script", .write, FileMode(rawValue: 0o755))
    try p.write(fd, "#!/bin/sh\nargs $0 $*\n")
    try p.close(fd)
}

@Suite struct ProcessTests {
    @Test(
        "descriptors, pipes and processes", .timeLimit(.minutes(1)),
        arguments: [
            ("echo a > /tmp/f; echo b >> /tmp/f; cat < /tmp/f; > /tmp/f; cat /tmp/f", "a\nb\n"),
            ("echo a >> /tmp/new; cat /tmp/new", "a\n"),
            ("{echo out; echo err >[1=2]} > /tmp/o >[2=1]; cat /tmp/o", "out\nerr\n"),
            ("{echo out; echo err >[1=2]} >[2] /tmp/e > /tmp/o; cat /tmp/e /tmp/o", "err\nout\n"),
            ("{echo out; lss} >[2=1] > /tmp/o; cat /tmp/o", "sh: lss: command not found\nout\n"),
            ("echo three >[3] /tmp/f >[1=3]; cat < /tmp/f", "three\n"),
            ("{echo x >[1=3]} >[3] /tmp/f; cat /tmp/f; rescue 'bad redir' {echo closed} {echo >[1=3]}", "x\nclosed\n"),
            ("fn f {echo in f; cat}; echo data > /tmp/d; f < /tmp/d > /tmp/f; cat /tmp/f", "in f\ndata\n"),
            ("echo hello | cat | cat", "hello\n"),
            ("{echo a; echo b >[1=2]} |[2] cat > /tmp/x >[2=1]; echo after", "a\nafter\n"),
            ("{echo data >[1=5]} |[5=4] cat <[0=4]", "data\n"),
            ("echo one |\n cat &&\n echo two", "one\ntwo\n"),
            ("cat <{echo a} <{echo b}", "a\nb\n"),
            ("echo in > >{cat > /tmp/x}; cat /tmp/x", "in\n"),
            ("args <{echo a}^x", "[/fd/3x]\n"),
            ("{sleep 20; echo late} & echo early; wait; ~ $#apid 1 && echo pid", "early\nlate\npid\n"),
            ("rescue 'bad wait*' {echo $exception} {wait 99999}", "bad wait read\n"),
            ("{end a}& x=$apid; {end b}&; wait $x; echo $status; wait; echo $status", "a\nb\n"),
            ("@ {x=1; cd /tmp; echo sub}; echo $#x", "sub\n0\n"),
            ("x=(a b); printenv x", "x=a b\n"),
            ("x='a b' ''; {x:=local; printenv x}; printenv x; x=(); printenv x", "x=local\nx='a b' ''\nx=unset\n"),
            (
                "fn hi {echo hi $1}; printenv fn-hi; sh -c 'hi there; fn hi'; hi here",
                "fn-hi='{echo hi $1}'\nhi there\nhi here\n"
            ),
            (
                "X=1 sh -c 'X=2'; echo $X; X=1; sh -c 'X=2; printenv X'; printenv X; echo $X",
                "1 sh -c X=2\nX=2\nX=1\n1\n"
            ),
            ("printenv status '*' apid", "status=unset\n*=unset\napid=unset\n"),
            ("echo new > /env/y; syncenv; echo $y", "new\n"),
            (
                "echo 'echo $0 $*; x=1' > /tmp/s; run /tmp/s a b; echo $x $#*; sh /tmp/s c",
                "/tmp/s a b\n1 0\n/tmp/s c\n"
            ),
            ("sh -c 'echo $0 $*' a b; sh -c {echo $*} x", "sh a b\n\n"),
            ("sh -x -c 'x=a; echo $x ''b c''' >[2=1]", "'x=' a\necho a 'b c'\na b c\n"),
            ("bind /lib /tmp; sh -c 'bind /bin /lib'; echo end", "end\n"),
            (
                "sh -c 'end 3' || echo $status; sh -c 'exit 4' || echo $status; sh -z >[2] /dev/null || echo $status",
                "3\n4\nusage\n"
            ),
            (
                "echo 'echo a' 'echo b' > /tmp/two; {echo 'echo a'; echo 'x=`{cat}'; echo rest} | sh -v >[2=1]; echo $x",
                "a\n\n"
            ),
            ("{echo 'cat; echo then'; echo for cat} | sh", "for cat\nthen\n"),
            ("{echo cat; echo text for cat} | sh", "text for cat\n"),
            (
                "sh /tmp/none >[2=1] || echo $status",
                "sh: '/tmp/none' file does not exist\n'/tmp/none' file does not exist\n"
            ),
            (
                "/tmp/script a 'b c'; cd /tmp; script d; ./script e",
                "[/tmp/script][a][b c]\n[./script][d]\n[./script][e]\n"
            ),
        ])
    func processes(script: String, out: String) throws {
        let outcome = try sh(["-c", script], prepare: prepared)
        #expect(outcome.out == out, "\(outcome.err)")
    }

    @Test("an error in a script names the file and the line", .timeLimit(.minutes(1)))
    func scriptErrors() throws {
        let outcome = try sh(["-c", "sh /tmp/bad; echo $status; sh /tmp/worse; run /tmp/worse"]) {
            (p) throws(SysError) in
            try prepared(p)
            for (name, text) in [("bad", "echo a\nfn f {\n  for x\n}\n\nf\n"), ("worse", "echo b\n\necho )\n")] {
                let fd = try p.create("/tmp/\(name)", .write, FileMode(rawValue: 0o644))
                try p.write(fd, text)
                try p.close(fd)
            }
        }
        #expect(outcome.out == "a\nusage\nb\nb\n")
        #expect(
            outcome.err == """
                sh: /tmp/bad:3: usage: for var in [arg ...] command
                sh: /tmp/worse:3: unexpected ), expected a word or the end of the command
                sh: /tmp/worse:3: unexpected ), expected a word or the end of the command

                """)
    }

    @Test(
        "an interactive shell goes on after an error", .timeLimit(.minutes(1)),
        arguments: [
            ("echo a\nraise oops\necho $status\n", "a\noops\n", "; ; sh: oops\n; ; "),
            ("echo {\n}\nexit why\n", "{}\n", ";   ; "),
            ("prompt=('% ' '> ')\nif {} {\necho yes\n}\n", "yes\n", "; % > > % "),
            (
                "echo )\nlss\n", "",
                "; sh: unexpected ), expected a word or the end of the command\n; sh: lss: command not found\n; "
            ),
            ("echo 'open\n", "", ";   sh: missing ' to end the quote of line 1\n; "),
            ("x=1\n{end 1; echo}&\nwait\nx=2\n", "\n", nil),
        ] as [(String, String, String?)])
    func interactive(input: String, out: String, err: String?) throws {
        let outcome = try sh(["-i"], input: input, prepare: prepared)
        #expect(outcome.out == out)
        if let err { #expect(outcome.err == err) }
    }

    @Test(
        "an interrupt ends the foreground command, not the shell nor what runs in the background",
        .timeLimit(.minutes(1)))
    func interrupts() throws {
        let got = try inSystem { (p) throws(SysError) -> [String] in
            let (stdin, keys) = try p.pipe()
            let (stdout, screen) = try p.pipe()
            let pid = try p.spawn([.forkFD, .newGroup], fds: [stdin, stdout], args: ["sh"]) {
                (child) throws(SysError) in
                let (input, output) = (try child.fildes(stdin), try child.fildes(stdout))
                try child.install(input, at: 0)
                try child.install(output, at: 1)
                try child.install(output, at: 2)
                return try Shell.main(child, ["sh", "-i"])
            }
            try p.close(stdin)
            try p.close(stdout)
            var seen = ""
            func expect(_ text: String) throws(SysError) {
                while !seen.contains(text) {
                    let some = try p.read(screen)
                    if some.isEmpty { throw SysError("the shell is gone after \(seen)") }
                    seen += String(decoding: some, as: UTF8.self)
                }
            }
            var results: [String] = []
            for command in [
                "{sleep 100; echo background}&\necho started; sleep 100000; echo never", "echo started; while {} {}",
            ] {
                seen = ""
                try p.write(keys, command + "\n")
                try expect("started\n")
                // The shell's group is the foreground one.
                p.system.post(.interrupt, toGroup: pid)
                try p.write(keys, "echo status $status\n")
                try expect("status interrupt")
                results.append(seen.contains("never") ? "never" : "interrupted")
            }
            try p.write(keys, "wait\necho end\n")
            try expect("end\n")
            results.append(seen.contains("background") ? "background" : "no background")
            try p.close(keys)
            results.append(try p.wait(.pid(pid)).status.text)
            return results
        }
        #expect(got == ["interrupted", "interrupted", "background", ""])
    }

    @Test("a device in a few lines of shell", .timeLimit(.minutes(1)))
    func file2chan() throws {
        let script = """
            load file2chan std
            data=first
            file2chan /chan/mem {rreadone $data} {data=${rget data}} {echo closed ${rget fid} >> /tmp/log}
            server=$apid
            cat /chan/mem; echo
            echo -n second > /chan/mem; cat /chan/mem
            file2chan /chan/err {rerror 'no luck'} {rerror denied}
            cat /chan/err
            echo x > /chan/err
            file2chan /chan/quiet {} {fetchwdata > /tmp/got}
            cat /chan/quiet
            echo written > /chan/quiet; cat /tmp/got
            file2chan /chan/part {rread ${rget count}^' '^${rget offset}^'
            '} {rwrite $tag 1}
            getlines {echo got $line; raise break} < /chan/part
            file2chan /chan/copy {echo 0123456789 | putrdata} {}
            getlines {echo got $line; raise break} < /chan/copy
            file2chan /nothing/x {} {} || echo $status
            file2chan /chan/mem {} {} || echo $status
            rescue 'bad tag' {echo $exception} {rread x}
            """
        let outcome = try sh(["-c", script]) { (p) throws(SysError) in try prepared(p) }
        #expect(
            outcome.out == """
                first
                -n second
                written
                got 65536 0
                got 0123456789
                '/nothing' file does not exist
                '/chan/mem' file already exists
                bad tag

                """, "\(outcome.err)")
        #expect(
            outcome.err == """
                cat: no luck
                echo: denied
                cat: the server gave no answer
                sh: -c:18: file2chan: '/nothing' file does not exist
                sh: -c:19: file2chan: '/chan/mem' file already exists

                """)
    }

    @Test("whoever waits for a script's device gets an error when the script dies", .timeLimit(.minutes(1)))
    func deadServer() throws {
        let got = try inSystem { (p) throws(SysError) -> [String] in
            try prepared(p)
            let server = try p.spawn([.forkFD]) { (child) throws(SysError) in
                try Shell.main(child, ["sh", "-n", "-c", "load file2chan; file2chan /chan/x {rblock} {}; wait"])
            }
            var file: Int32?
            while file == nil {
                file = try? p.open("/chan/x")
                try p.sleep(milliseconds: 1)
            }
            let answer = Lock("")
            guard let fd = file else { return [] }
            let reader = try p.spawn([.forkFD]) { (child) throws(SysError) in
                do throws(SysError) { _ = try child.read(fd) } catch {
                    answer.withLock { $0 = error.description }
                }
                return .ok
            }
            try p.sleep(milliseconds: 20)
            for child in p.system.proc(server)?.children ?? [] { p.system.proc(child)?.kill() }
            _ = try p.wait(.pid(reader))
            return [answer.withLock { $0 }]
        }
        #expect(got == ["i/o on hungup channel"])
    }

    @Test(
        "the shell ends at once when it is killed, whatever it does", .timeLimit(.minutes(1)),
        arguments: [
            "while {} {}", "sleep 1000000", "x=`{sleep 1000000}", "sleep 1000000 | sleep 1000000", "cat", "getlines {}",
            "{sleep 1000000}& wait", "load expr; while {} {x=${expr 1 2 +}}", "for i in /*/*/* /* {while {} {~ $i *}}",
        ])
    func killed(script: String) throws {
        let ended = try inSystem { (p) throws(SysError) -> Bool in
            let (stdin, keys) = try p.pipe()
            let pid = try p.spawn([.forkFD, .newGroup]) { (child) throws(SysError) in
                try child.install(try child.fildes(stdin), at: 0)
                return try Shell.main(child, ["sh", "-c", script])
            }
            try p.sleep(milliseconds: 50)
            for proc in p.system.processes where proc.group == pid { proc.kill() }
            let status = try p.wait(.pid(pid)).status.text
            try p.close(keys)
            return status == "killed" || status.contains("too many")
        }
        #expect(ended)
    }
}
