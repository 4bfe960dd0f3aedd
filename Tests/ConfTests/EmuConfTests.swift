import Conf
import Testing

@Suite struct EmuConfTests {
    @Test func aWholeFileIsReadInItsOrder() {
        let text = """
            # what is in
            dev\t\t# devices
            \tcons
              root
            mod
            \tzip\r
            prog
            \t/bin/ls Ls
            \t/bin/list\tLs # the same type
            root
            \t/lib Lib
            \t/tmp
            \t'/lib/a b' 'Lib/it''s'
            init
            \t/bin/ls -i '#x' a#b

            """
        let (conf, faults) = EmuConf.parse(Array(text.utf8))
        #expect(faults.isEmpty)
        #expect(conf.devices.map(\.name) == ["cons", "root"])
        #expect(conf.devices.map(\.line) == [3, 4])
        #expect(conf.modules.map(\.name) == ["zip"])
        #expect(conf.programs.map { "\($0.path) \($0.type)" } == ["/bin/ls Ls", "/bin/list Ls"])
        #expect(conf.roots.map(\.path) == ["/lib", "/tmp", "/lib/a b"])
        #expect(conf.roots.map(\.source) == ["Lib", nil, "Lib/it's"])
        #expect(conf.command?.words == ["/bin/ls", "-i", "#x", "a#b"])
    }

    /// A text of `emu.conf`, and what is said about it.
    static let refused: [(String, [String])] = [
        ("\tcons\n", ["emu.conf:1: error: entry 'cons' stands outside a section"]),
        (
            "dev\nfoo\n\ta\n\tb\nmod\n\tzip\n",
            ["emu.conf:2: error: unknown section 'foo' (known are dev, mod, prog, root and init)"]
        ),
        ("dev\n\tcons\nmod\ndev\n", ["emu.conf:4: error: section 'dev' is open since line 1"]),
        (
            "dev cons\n",
            ["emu.conf:1: error: 'cons' follows the section's name: entries stand indented on lines below it"]
        ),
        ("dev\n\tcons\n\tcons\n", ["emu.conf:3: error: device 'cons' is listed on line 2 already"]),
        ("mod\n\tzip\n\tzip\n", ["emu.conf:3: error: module 'zip' is listed on line 2 already"]),
        ("dev\n\tcons c\n", ["emu.conf:2: error: 'c' follows the device's name"]),
        ("dev\n\tCons\n", ["emu.conf:2: error: 'Cons' is no name of a device: it has small letters and digits only"]),
        ("mod\n\t../x\n", ["emu.conf:2: error: '../x' is no name of a module: it has small letters and digits only"]),
        ("prog\n\t/bin/ls\n", ["emu.conf:2: error: a program is a path and a type, as in '/bin/ls Ls'"]),
        (
            "prog\n\t/bin/ls ls\n",
            ["emu.conf:2: error: 'ls' is no name of a program's type: it begins with a capital letter"]
        ),
        ("prog\n\tbin/ls Ls\n", ["emu.conf:2: error: 'bin/ls' is no path inside: it begins with '/'"]),
        ("prog\n\t/bin//ls Ls\n", ["emu.conf:2: error: path '/bin//ls' has an empty, '.' or '..' element"]),
        ("prog\n\t/bin/ls Ls\n\t/bin/ls Ls\n", ["emu.conf:3: error: path '/bin/ls' is listed on line 2 already"]),
        ("root\n\t/lib /etc\n", ["emu.conf:2: error: '/etc' is no path in the repository: it begins with '/'"]),
        ("root\n\t/lib ../x\n", ["emu.conf:2: error: path '../x' has an empty, '.' or '..' element"]),
        ("root\n\t/lib Lib\n\t/lib Lib\n", ["emu.conf:3: error: root entry '/lib' is listed on line 2 already"]),
        ("root\n\t/a b c\n", ["emu.conf:2: error: a root entry is a path inside and a path in the repository"]),
        ("init\n\t/bin/a\n\t/bin/b\n", ["emu.conf:3: error: the first process is given on line 2"]),
        ("init\n\t'/bin/a\n", ["emu.conf:2: error: a quote is not closed on its line"]),
        ("init\n\t/bin/'a'\n", ["emu.conf:2: error: a quote stands inside a word"]),
        ("init\n\t'/bin/a'b\n", ["emu.conf:2: error: a word goes on after its closing quote"]),
        ("dev\n\tco\u{1}ns\n", ["emu.conf:2: error: word 'co\\u{1}ns' has a control character"]),
        (
            "mod\n\ta-b\n\tok\n\tok\n",
            [
                "emu.conf:2: error: 'a-b' is no name of a module: it has small letters and digits only",
                "emu.conf:4: error: module 'ok' is listed on line 3 already",
            ]
        ),
    ]

    @Test(arguments: refused) func aMistakeIsNamedWithItsLine(_ text: String, _ faults: [String]) {
        #expect(EmuConf.parse(Array(text.utf8)).1.map(\.description) == faults)
    }

    @Test func whatIsTooLargeOrNotTextIsRefused() {
        func faults(_ bytes: [UInt8]) -> [String] { EmuConf.parse(bytes).1.map(\.description) }
        #expect(faults(Array("dev\n\t".utf8) + [0xff, 0x0a]) == ["emu.conf:2: error: a word is not UTF-8"])
        let long = String(repeating: "x", count: 300)
        #expect(faults(Array("prog\n\t/\(long) X\n".utf8)).first?.contains("longer than 255 bytes") == true)
        let words = String(repeating: " a", count: 65)
        #expect(faults(Array("init\n\(words)\n".utf8)) == ["emu.conf:2: error: a line has more than 64 words"])
        #expect(faults([UInt8](repeating: 0x20, count: Limit.file + 1)).first?.contains("larger than") == true)
        #expect(faults(Array(String(repeating: "x\n", count: 1000).utf8)).count == 50)
    }
}
