import Kernel
import Library
import KernelTestSupport
import Testing

/// What a name space file may say, and where its mistakes are found.
@Suite(.timeLimit(.minutes(1))) struct NameSpaceFileTests {
    @Test(
        "lines are calls, however they end and are quoted",
        arguments: [
            ("mkdir /a\nmkdir /b", ["a", "b"]),
            ("mkdir /a\r\n# a comment\r\nmkdir /b\r\n", ["a", "b"]),
            ("\n\n  mkdir\t/a # so\n#\n", ["a"]),
            ("mkdir '/it''s'", ["it's"]),
            ("mkdir '/two\nlines'\nmkdir /b", ["two\nlines", "b"]),
            ("mkdir '/x\nmkdir /hidden'", nil),
            ("mkdir /$user", ["glenda"]),
            ("mkdir /$user'x'$user", ["glendaxglenda"]),
            ("mkdir /a#b", ["a#b"]),
            ("mkdir /a\ncd /a\nmkdir /b\nmkdir c\ncd /", ["a", "b"]),
            ("touch /a\ntouch /a\ntouch /b", ["a", "b"]),
            ("mkdir /a\ntouch /a", ["a"]),
            ("touch", nil),
            ("", []),
        ] as [(String, [String]?)])
    func linesAreCalls(_ text: String, _ names: [String]?) async throws {
        try await withSystem([MemDev()]) { p in
            try p.environment.set("user", Array("glenda".utf8), 0)
            let file = NameSpaceFile(name: "ns", text: text)
            guard let names else {
                #expect(thrown { () throws(SysError) in try file.apply(to: p) } != nil)
                #expect(try p.names("/") == [])
                return
            }
            try file.apply(to: p)
            #expect(try p.names("/") == names)
        }
    }

    @Test func whatIsThereAlreadyNeedsNoDevice() async throws {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            for name in ["a", "b", "c"] { try p.mkdir("/\(name)") }
            let lines = "bind -c '#m' /a\nbind -a /a /b\nbind -a /a /b\nbind -p r /c /c\n"
            try NameSpaceFile(name: "ns", text: lines).apply(to: p)
            let script = p.nameSpaceScript
            #expect(script == lines + "cd /\n")
            let file = NameSpaceFile(name: "ns", text: script + "mkdir /d\nbind /b /d\n")
            let refused = thrown { () throws(SysError) in try file.apply(to: p) }
            #expect(refused.map { "\($0)" } == "ns:1: '#m' mount/attach disallowed")
            try p.pctl(.forkNS)
            try file.complete(p)
            #expect(p.nameSpaceScript == lines + "bind /b /d\ncd /\n")
            // A third of what is there twice is none of those.
            let more = NameSpaceFile(name: "ns", text: "bind -a /a /b\nbind -a /a /b\nbind -a /a /b\nbind '#m' /b\n")
            #expect(
                thrown { () throws(SysError) in try more.complete(p) }.map { "\($0)" }?.hasPrefix("ns:4: '#m'") == true)
            #expect(p.nameSpaceScript.split(separator: "\n").filter { $0 == "bind -a /a /b" }.count == 3)
        }
    }

    @Test(
        "a mistake is told with file and line",
        arguments: [
            ("bind /a", "ns:1: usage: bind [-abc] [-p mask] source target"),
            ("\n\nbind -ab / /", "ns:3: -a and -b exclude each other"),
            ("bind -x / /", "ns:1: unknown flag -x"),
            ("mkdir '/a\nb'\nbogus", "ns:3: 'bogus': no such name space call"),
            ("\nmkdir '/a", "ns:2: a quote is not closed"),
            ("mkdir $nothing", "ns:1: '$nothing' is not set"),
            ("import x", "ns:1: import: not in this emu"),
            ("bind /nothing /", "ns:1: '/nothing' file does not exist"),
        ])
    func aMistakeIsTold(_ text: String, _ message: String) async throws {
        try await withSystem([MemDev()]) { p in
            let file = NameSpaceFile(name: "ns", text: text)
            #expect(thrown { () throws(SysError) in try file.apply(to: p) }.map { "\($0)" } == message)
        }
    }
}
