import Conf
import Testing

@Suite struct GeneratorTests {
    static func run(_ target: String, _ conf: String, _ files: [String: String] = [:]) -> (String, [String]) {
        var files = files
        files["emu.conf"] = conf
        let tree = SourceTree(Array(files.keys)) { [files] (path, limit) throws(SourceTree.Unreadable) in
            guard let text = files[path] else { throw .init(reason: "no such file") }
            return .init(bytes: Array(text.utf8), executable: path.hasSuffix(".exe"))
        }
        let (text, faults) = Generator.run(target: target, tree: tree)
        return (text, faults.map(\.description))
    }

    @Test func aDeviceIsInTheTableOfTheTargetWhereItStands() {
        let files = [
            "Sources/Devices/DevCons.swift": "", "Sources/Mnt/DevMnt.swift": "", "Sources/Devices/DevRam.swift": "",
        ]
        let conf = "dev\n\tmnt\n\tcons\n"
        let (devices, none) = Self.run("Devices", conf, files)
        #expect(none == [])
        #expect(devices.contains("public let deviceTable: [@Sendable () -> any Dev] = [\n    { DevCons() },\n]"))
        #expect(!devices.contains("DevRam"))
        #expect(Self.run("Mnt", conf, files).0.contains("= [\n    { DevMnt() },\n]"))
    }

    @Test func programsAreInTheirOrder() {
        let (text, faults) = Self.run(
            "Appl", "prog\n\t/bin/ls Ls\n\t/bin/cat Cat\n", ["appl/Ls.swift": "", "appl/more/Cat.swift": ""])
        #expect(faults == [])
        #expect(
            text.contains(
                """
                    ProgramEntry(name: "Ls", path: "/bin/ls", make: { Ls() }),
                    ProgramEntry(name: "Cat", path: "/bin/cat", make: { Cat() }),
                ]
                """))
    }

    @Test func aProgramIsInTheTableOfTheTargetWhereItStands() {
        let files = ["appl/Ls.swift": "", "appl/filters/Cat.swift": "", "appl/lib/Run.swift": ""]
        let conf = "prog\n\t/bin/ls Ls\n\t/bin/cat Cat\n"
        let (filters, none) = Self.run("Filters", conf, files)
        #expect(none == [] && filters.contains("Cat()") && !filters.contains("Ls()"))
        let (others, nor) = Self.run("Appl", conf, files)
        #expect(nor == [] && others.contains("Ls()") && !others.contains("Cat()"))
    }

    /// A target, an `emu.conf`, and what is said when the files it names are not there.
    static let refused: [(String, String, [String])] = [
        (
            "Devices", "dev\n\tcons\n\tram\n",
            [
                "emu.conf:2: error: device 'cons' has no file: Sources/Devices/DevCons.swift is missing",
                "emu.conf:3: error: device 'ram' has no file: Sources/Devices/DevRam.swift is missing",
            ]
        ),
        ("Mnt", "dev\n\tcons\n", []),
        (
            "Appl", "prog\n\t/bin/ls Ls\n",
            ["emu.conf:2: error: program '/bin/ls' has no file: appl/Ls.swift is missing"]
        ),
        ("Filters", "prog\n\t/bin/ls Ls\n", []),
        (
            "Appl", "prog\n\t/bin/run Run\n",
            ["emu.conf:2: error: program '/bin/run' has no file: appl/Run.swift is missing"]
        ),
        (
            "Builtins", "mod\n\tnope\n",
            ["emu.conf:2: error: module 'nope' has no interface: Modules/nope.m is missing"]
        ),
        (
            "Builtins", "mod\n\tbare\n",
            ["emu.conf:2: error: module 'bare' has no implementation: Sources/Builtins/Bare.swift is missing"]
        ),
        ("Builtins", "mod\n\todd\n", ["Modules/odd.m:1: error: module 'Zip' should be named 'Odd', as its file"]),
        (
            "Builtins", "mod\n\ttwo\n\tone\n",
            ["emu.conf:3: error: module 'one' has the PATH \"$One\" of the module on line 2"]
        ),
        ("Builtins", "mods\n", ["emu.conf:1: error: unknown section 'mods' (known are dev, mod, prog, root and init)"]),
        ("Devices", "root\n\t/lib Nope\n", ["emu.conf:2: error: no file or directory 'Nope' in the repository"]),
        (
            "Devices", "root\n\t/lib Lib\n\t/lib/a Modules/odd.m\n",
            ["emu.conf:3: error: path '/lib/a' is taken by line 2"]
        ),
        (
            "Devices", "root\n\t/lib Lib\n\t/lib/a/b Modules/odd.m\n",
            ["emu.conf:3: error: '/lib/a/b' is below '/lib/a', a file since line 2"]
        ),
        (
            "Devices", "root\n\t/lib Lib\n\t/lib/d Modules/odd.m\n",
            ["emu.conf:3: error: path '/lib/d' is a directory already"]
        ),
        (
            "Devices", "prog\n\t/lib/a A\nroot\n\t/lib Lib\n",
            ["emu.conf:4: error: path '/lib/a' is taken by line 2"]
        ),
        (
            "Devices", "init\n\t/bin/sh\n",
            ["emu.conf:2: error: first process '/bin/sh' is neither a program nor a file listed here"]
        ),
    ]

    static let files = [
        "Modules/odd.m": "Zip: module { PATH: con \"$Zip\"; f: fn(); };", "Sources/Builtins/Odd.swift": "",
        "Modules/bare.m": "", "appl/lib/Run.swift": "", "Lib/a": "", "Lib/d/e": "",
        "Modules/one.m": "One: module { PATH: con \"$One\"; f: fn(); };", "Sources/Builtins/One.swift": "",
        "Modules/two.m": "Two: module { PATH: con \"$One\"; f: fn(); };", "Sources/Builtins/Two.swift": "",
    ]

    @Test(arguments: refused) func whatIsListedAndMissingIsNamed(_ target: String, _ conf: String, _ faults: [String]) {
        #expect(Self.run(target, conf, Self.files).1 == faults)
    }

    @Test func aMissingConfIsSaid() {
        let tree = SourceTree([]) { (_, _) throws(SourceTree.Unreadable) in throw .init(reason: "gone") }
        #expect(
            Generator.run(target: "Appl", tree: tree).faults.map(\.description) == [
                "emu.conf: error: cannot be read: gone"
            ])
    }

    @Test func aListedModuleHasItsProtocolAndItsEntry() {
        let files = [
            "Modules/zip.m": "Zip: module { PATH: con \"$Zip\"; crc32: fn(data: array of byte): int; };",
            "Sources/Builtins/Zip.swift": "", "Modules/idle.m": "not read: it is not listed",
        ]
        let (text, faults) = Self.run("Builtins", "mod\n\tzip\n", files)
        #expect(faults == [])
        #expect(text.contains("protocol ZipModule: BuiltinModule {"))
        #expect(text.contains("func crc32(_: Proc, _ data: [UInt8]) throws(SysError) -> Int32"))
        #expect(text.contains("static let PATH: String = \"$Zip\""))
        #expect(text.contains("moduleTable: [ModuleEntry] = [\n    zipModule,\n]"))
        let (none, _) = Self.run("Builtins", "mod\n", files)
        #expect(none.contains("moduleTable: [ModuleEntry] = [\n]"))
        #expect(!none.contains("Zip"))
    }

    /// A file, and whether it is compiled when `emu.conf` lists device `cons`, module `zip` and program `Ls`.
    static let compiled: [(String, Bool)] = [
        ("Sources/Devices/DevCons.swift", true), ("Sources/Devices/DevCons+Line.swift", true),
        ("Sources/Devices/DevRam.swift", false), ("Sources/Devices/DevRam+Tree+Unsafe.swift", false),
        ("Sources/Devices/DevConsole.swift", false), ("Sources/Devices/Devices.swift", true),
        ("Sources/Devices/RootFile+Unsafe.swift", true), ("Sources/Devices/Dev.swift", true),
        ("Sources/Builtins/Zip.swift", true), ("Sources/Builtins/Sys.swift", false),
        ("Sources/Builtins/Sys+Dir.swift", false), ("Sources/Builtins/Shared.swift", true),
        ("Sources/Devices/DevConsLine.swift", true), ("appl/LsLong.swift", true), ("appl/Lsof.swift", false),
        ("appl/Ls.swift", true), ("appl/Sort.swift", false), ("appl/Sort+Merge.swift", false),
        ("appl/filters/Ls+Colour.swift", true), ("appl/filters/Cat.swift", false), ("appl/Appl.swift", false),
    ]

    @Test(arguments: compiled) func whatIsNotListedIsNotCompiled(_ file: String, _ whole: Bool) throws {
        let files = [
            "emu.conf": "dev\n\tcons\nmod\n\tzip\nprog\n\t/bin/ls Ls\n", "Modules/zip.m": "", "Modules/sys.m": "",
        ].merging([file: "// text"]) { old, _ in old }
        let tree = SourceTree(Array(files.keys)) { (path, _) throws(SourceTree.Unreadable) in
            guard let text = files[path] else { throw .init(reason: "no such file") }
            return .init(bytes: Array(text.utf8), executable: false)
        }
        let copy = String(decoding: try Generator.copy(of: file, as: "/src/\(file)", tree: tree), as: UTF8.self)
        let expected = "#sourceLocation(file: \"/src/\(file)\", line: 1)\n\(files[file] ?? "")"
        #expect(copy == (whole ? expected : "// emu.conf does not list it.\n"))
    }

    @Test func namesThatSwiftKeepsAreQuoted() {
        let module = "X: module { PATH: con \"$X\"; import0, repeat: fn(in, p: int): int; default: con 1; };"
        let (text, faults) = Self.run(
            "Builtins", "mod\n\tx\n", ["Modules/x.m": module, "Sources/Builtins/X.swift": ""])
        #expect(faults == [])
        #expect(text.contains("func `repeat`(_: Proc, _ `in`: Int32, _ p: Int32) throws(SysError) -> Int32"))
        #expect(text.contains("try self.`repeat`(p, try a[0].int(), try a[1].int())"))
        #expect(text.contains("static let `default`: Int32 = 1"))
    }

    @Test func embeddedFilesAreEscapedTextOrBase64() {
        let files = [
            "Lib/profile": "say \"hi\\n\"\t\u{e4}\n", "Lib/run.exe": "x", "Lib/script": "#!/bin/sh\n",
            "Lib/bin/data": "\0\u{1}\u{2}\u{3}", "Lib-not": "no",
        ]
        let (text, faults) = Self.run("Devices", "root\n\t/lib Lib\n\t/tmp\nprog\n\t/bin/ls Ls\n", files)
        #expect(faults == [])
        #expect(
            text.contains(
                #"""
                public let rootTable: [RootFile] = [
                    RootFile(directory: "/"),
                    RootFile(directory: "/bin"),
                    RootFile(directory: "/lib"),
                    RootFile(directory: "/lib/bin"),
                    RootFile("/lib/bin/data", mode: 0o444, length: 4, base64: [
                        "AAECAw=="
                    ]),
                    RootFile("/lib/profile", mode: 0o444, length: 14, text: [
                        "say \"hi\\n\"\t\u{e4}\n"
                    ]),
                    RootFile("/lib/run.exe", mode: 0o555, length: 1, text: [
                        "x"
                    ]),
                    RootFile("/lib/script", mode: 0o555, length: 10, text: [
                        "#!/bin/sh\n"
                    ]),
                    RootFile(directory: "/tmp"),
                ]
                """#))
    }

    @Test func theFirstProcessIsAListOfWords() {
        let (text, faults) = Self.run("Devices", "prog\n\t/bin/sh Sh\ninit\n\t/bin/sh -c 'echo \"hi\"'\n")
        #expect(faults == [])
        #expect(text.contains("public let initCommand: [String] = [\"/bin/sh\", \"-c\", \"echo \\\"hi\\\"\"]"))
        #expect(Self.run("Devices", "").0.contains("public let initCommand: [String] = []"))
    }
}
