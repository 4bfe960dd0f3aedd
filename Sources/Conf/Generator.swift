/// The files of the package as the generator sees them: names, and a way to read one.
public struct SourceTree {
    /// One file's bytes, and whether its host says that it can be executed.
    public struct File {
        public let bytes: [UInt8]
        public let executable: Bool

        public init(bytes: [UInt8], executable: Bool) {
            self.bytes = bytes
            self.executable = executable
        }
    }

    /// Why a file could not be read, in words of the host.
    public struct Unreadable: Error {
        public let reason: String

        public init(reason: String) { self.reason = reason }
    }

    /// Paths relative to the package, sorted.
    let paths: [String]
    /// Reads a file of at most so many bytes.
    let read: (String, Int) throws(Unreadable) -> File

    public init(_ paths: [String], read: @escaping (String, Int) throws(Unreadable) -> File) {
        self.paths = paths.sorted()
        self.read = read
    }

    /// The first of the files in one of the folders, or in a folder below it, that has this base name.
    func find(_ name: String, in folders: [String]) -> String? {
        for folder in folders {
            if let path = paths.first(where: { $0.hasPrefix(folder + "/") && $0.hasSuffix("/" + name) }) {
                return path
            }
        }
        return nil
    }
}

extension SourceTree {
    /// Whether the file `name` belongs to its target whatever `emu.conf` lists: in Builtins what has no interface, in
    /// appl nothing, elsewhere what is not `DevX`.
    fileprivate func isShared(_ name: String, _ path: String) -> Bool {
        if path.hasPrefix("Sources/Builtins/") { return !paths.contains("Modules/\(uncapitalized(name)).m") }
        if path.hasPrefix("appl/") { return false }
        return !name.isWord(after: "Dev")
    }
}

extension EmuConf {
    /// Whether the file `name` is of a listed thing: `Tar` and `TarHeader` are of `Tar`.
    fileprivate func lists(_ name: String, in path: String) -> Bool {
        let types =
            if path.hasPrefix("Sources/Builtins/") {
                modules.map(\.capitalized)
            } else if path.hasPrefix("appl/") {
                programs.map(\.type)
            } else {
                devices.map { "Dev" + $0.capitalized }
            }
        return types.contains { name == $0 || name.isWord(after: $0) }
    }
}

extension String {
    /// Whether this is `prefix` and a capitalized word, as `DevCons` is `Dev` and `Cons`.
    fileprivate func isWord(after prefix: String) -> Bool {
        hasPrefix(prefix) && dropFirst(prefix.count).first?.isUppercase == true
    }
}

private func uncapitalized(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }

/// Turns `emu.conf`, and what it names, into the Swift source of one target's tables.
///
/// Which table a target gets depends on its name: `Builtins` the modules, `Appl` and `Filters` the programs that stand
/// in them, `Devices` the devices, the embedded files and the first process; any other target the devices that stand in it.
public struct Generator {
    let target: String
    let tree: SourceTree
    var conf = EmuConf()
    var faults: [Diagnostic] = []

    /// The targets where a device may stand, in the order in which they are searched.
    static let homes = ["Devices", "Mnt", "Linux", "Riscv", "Vx", "Ssh"]
    static let confFile = "emu.conf"

    /// The source text, or what is wrong with the input.
    public static func run(target: String, tree: SourceTree) -> (text: String, faults: [Diagnostic]) {
        var generator = Generator(target: target, tree: tree)
        let text = generator.run()
        return (text, generator.faults)
    }

    /// The file `path` as it is compiled: empty when it is of a thing that `emu.conf` does not list, else its text,
    /// with lines that the compiler takes for those of `original`. `X+Topic.swift` and `XTopic.swift` are of
    /// the same thing as `X.swift`.
    public static func copy(
        of path: String, as original: String, tree: SourceTree
    ) throws(SourceTree.Unreadable) -> [UInt8] {
        let name = String((path.split(separator: "/").last ?? "").prefix { $0 != "+" && $0 != "." })
        let (conf, faults) = EmuConf.parse(try tree.read(confFile, Limit.file).bytes)
        // A mistake in emu.conf is told with the tables.
        guard !faults.isEmpty || tree.isShared(name, path) || conf.lists(name, in: path) else {
            return Array("// emu.conf does not list it.\n".utf8)
        }
        let head = "#sourceLocation(file: \(SwiftText.literal(original)), line: 1)\n"
        return Array(head.utf8) + (try tree.read(path, Limit.embedded).bytes)
    }

    private mutating func run() -> String {
        do throws(SourceTree.Unreadable) {
            (conf, faults) = EmuConf.parse(try tree.read(Self.confFile, Limit.file).bytes, file: Self.confFile)
        } catch {
            faults = [Diagnostic(Self.confFile, 0, "cannot be read: \(error.reason)")]
        }
        guard faults.isEmpty else { return "" }
        var out = "// Generated by mkconf from emu.conf; do not edit.\n\nimport Kernel\n"
        switch target {
        case "Builtins": out += modules()
        case "Appl", "Filters": out += programs()
        case "Devices": out += devices() + root() + initCommand()
        default: out += devices()
        }
        return out
    }

    mutating func fail(_ line: Int, _ message: String) { faults.append(Diagnostic(Self.confFile, line, message)) }

    /// `dev cons` is type DevCons in DevCons.swift of this target.
    private mutating func devices() -> String {
        var entries = ""
        for device in conf.devices {
            let type = "Dev" + device.capitalized
            guard let path = tree.find("\(type).swift", in: Self.homes.map { "Sources/\($0)" }) else {
                // One target reports it, else each would.
                if target == "Devices" {
                    fail(device.line, "device '\(device.name)' has no file: Sources/Devices/\(type).swift is missing")
                }
                continue
            }
            if path.hasPrefix("Sources/\(target)/") { entries += "    { \(type)() },\n" }
        }
        return """

            /// The devices that emu.conf lists and that stand in \(target), in the order of emu.conf.
            public let deviceTable: [@Sendable () -> any Dev] = [
            \(entries)]

            """
    }

    /// `prog /bin/ls Ls` is type Ls in appl/Ls.swift, of target Appl, or in appl/filters, which is Filters. A folder
    /// other than that changes nothing, and appl/lib has no programs.
    private mutating func programs() -> String {
        var entries = ""
        for program in conf.programs {
            let file = tree.find("\(program.type).swift", in: ["appl"]).flatMap { $0.hasPrefix("appl/lib/") ? nil : $0 }
            guard let file else {
                // One target reports it, else each would.
                if target == "Appl" {
                    fail(program.line, "program '\(program.path)' has no file: appl/\(program.type).swift is missing")
                }
                continue
            }
            guard file.hasPrefix("appl/filters/") == (target == "Filters") else { continue }
            let path = SwiftText.literal(program.path)
            entries += "    ProgramEntry(name: \"\(program.type)\", path: \(path), make: { \(program.type)() }),\n"
        }
        return """

            /// The programs that emu.conf lists and that stand in \(target), in the order of emu.conf.
            public let programTable: [ProgramEntry] = [
            \(entries)]

            """
    }

    private mutating func initCommand() -> String {
        if let command = conf.command, !conf.programs.contains(where: { $0.path == command.words[0] }),
            !rootFiles.contains(command.words[0])
        {
            fail(command.line, "first process \(quoted(command.words[0])) is neither a program nor a file listed here")
        }
        let words = (conf.command?.words ?? []).map { SwiftText.literal($0) }.joined(separator: ", ")
        return """

            /// The argument list of the first process; empty when emu.conf gives none.
            public let initCommand: [String] = [\(words)]

            """
    }

    /// The paths inside of the embedded files; `root` fills it.
    var rootFiles: Set<String> = []
}
