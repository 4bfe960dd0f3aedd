import Host
import Kernel
import Library

/// What process 1 does: opens the console, sets the environment, builds the name space, runs the command.
public struct FirstProcess: Sendable {
    /// What it is called with.
    public let args: [String]
    private let user: String
    private let directory: String
    private let home: Bool
    private let host: Bool
    private let root: Bool
    private let verbose: Bool
    /// Whether it begins with a shell of ours, and not with a program that was named.
    private let isShell: Bool
    /// Host paths that `--sandbox` shows; element N is the tree `#UsandboxN`.
    private let shown: [String]
    /// Whether that is for a program, which finds what Linux programs look for.
    private let isProgram: Bool
    /// The directory where emu was started, if that is shown there: it begins in it.
    private let here: String?
    /// What to say where that program is not there, if the host has it.
    private let hint: String?
    /// What the name space goes on with: a file, and its text where it is the host's.
    private let nameSpace: (name: String, text: String?)?
    /// A script of the host: its name inside and its text.
    private let script: (name: String, text: [UInt8])?

    /// The zone that the host's `$TZ` names, and its file.
    private let zone: (name: String, bytes: [UInt8])?

    /// What Linux programs look for beside files of the host's.
    private static let linux = "/lib/ns/linux"
    /// Where they look for programs.
    private static let commands = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    /// Where a script of the host stands inside.
    private static let scripts = "/n/script"
    /// The tree that has `zoneinfo`, joined to /lib.
    private static let zones = "#Rzoneinfo"
    private static let inherited = ["TERM", "LANG", "TZ", "COLUMNS", "LINES"]

    /// `command` is one of the shell's; else `words` are a script of the host or a program inside, and its arguments; else
    /// it is what emu.conf says. `directory` of the host is where emu was started; `shown` is `HostGrants.showSystem`'s.
    /// `nsFile`, of the host or where that has none of ours, ends the name space. Throws where a file of the host cannot be read.
    public init(
        command: String?, _ words: [String], user: String, in directory: String?, _ grants: HostGrants,
        shown: [String], nsFile: String?, verbose: Bool
    ) throws(SysError) {
        self.user = user
        host = grants.trees["host"] != nil
        home = grants.trees["home"] != nil
        root = grants.trees["root"] != nil
        self.verbose = verbose
        self.shown = shown
        self.directory = directory ?? ""
        zone = Self.hostZone()
        if let nsFile {
            let isInside = nsFile.hasPrefix("/") && !HostEnvironment.isFile(nsFile)
            let text = isInside ? nil : try HostEnvironment.readFile(nsFile, limit: 1 << 20)
            nameSpace = (nsFile, text.map { String(decoding: $0, as: UTF8.self) })
        } else {
            nameSpace = nil
        }
        // In a sandbox a script for a program of the host's is run by that, not by our shell.
        let isProgram = !shown.isEmpty && command == nil && words.first.map { !Self.isOurs($0) } ?? false
        if let command {
            script = nil
            args = ["/bin/sh", "-c", command] + words
        } else if let first = words.first, !isProgram, HostEnvironment.isFile(first),
            case let text = try HostEnvironment.readFile(first), !text.prefix(512).contains(0)
        {
            let name = first.split(separator: "/").last.map(String.init) ?? first
            script = (name, text)
            args = ["/bin/sh", "\(Self.scripts)/\(name)"] + words.dropFirst()
        } else {
            script = nil
            args = words.isEmpty ? initCommand : words
            if let first = words.first, HostEnvironment.isDirectory(first) {
                throw SysError(.isDir, subject: first)
            }
        }
        isShell = command != nil || script != nil || words.isEmpty
        let here = shown.isEmpty ? nil : HostEnvironment.directory
        let shownHere = here.flatMap { here in shown.contains { here == $0 || here.hasPrefix($0 + "/") } ? here : nil }
        self.here = shownHere
        self.isProgram = isProgram
        hint = isProgram ? words.first.flatMap { Self.hint($0, isHereShown: shownHere != nil) } : nil
    }

    /// How a program of the host's that a sandbox does not show is shown.
    private static func hint(_ name: String, isHereShown: Bool) -> String? {
        let given = HostEnvironment.variable("PATH")?.split(separator: ":").map(String.init) ?? []
        let places = name.contains("/") ? [name] : given.map { "\($0)/\(name)" }
        guard let path = places.first(where: HostEnvironment.isFile), let slash = path.lastIndex(of: "/") else {
            return nil
        }
        let above = slash == path.startIndex ? "/" : String(path[..<slash])
        // By a name that begins here it is found only where the sandbox has this directory.
        let place = name.hasPrefix("/") || !name.contains("/") || isHereShown ? above : "."
        return "'\(path)' is not shown in the sandbox: -m \(place):rx shows its directory"
    }

    /// Whether `--sandbox` runs it with our shell: a script of the host's that does not begin with another program's name.
    private static func isOurs(_ name: String) -> Bool {
        guard HostEnvironment.isFile(name), let text = try? HostEnvironment.readFile(name),
            !text.prefix(512).contains(0)
        else { return false }
        let line = String(decoding: text.prefix { $0 != 10 }, as: UTF8.self)
        return !line.hasPrefix("#!") || line.hasSuffix("emu") || line.hasSuffix("emu -")
    }

    public func run(_ p: Proc) throws(SysError) -> Status {
        try openConsole(p)
        try setEnvironment(p)
        try buildNameSpace(p)
        guard let program = args.first else { throw SysError("emu.conf has no init section: nothing to run") }
        if verbose { HostEnvironment.complain("emu: \(args.joined(separator: " "))") }
        let path = program.utf8.contains(0x2F) ? program : commandPath(program, p)
        // The shell is ours, whatever the file puts in its place: without it nothing would come of its command.
        var shell: (() throws(SysError) -> Status)?
        if isShell { shell = try p.prepare(path, args) }
        if let nameSpace {
            let lines: String
            if let given = nameSpace.text { lines = given } else { lines = try text(p, nameSpace.name) }
            try NameSpaceFile(name: nameSpace.name, text: lines).apply(to: p)
        }
        if let shell { return try shell() }
        guard let hint, (try? p.stat(path)) == nil else { return try p.exec(path, args) }
        throw SysError(hint)
    }

    /// Where a program is that was named without a slash: in /bin; in a sandbox, where others of the host's look for it.
    private func commandPath(_ name: String, _ p: Proc) -> String {
        guard isProgram else { return "/bin/\(name)" }
        return Self.commands.map { "\($0)/\(name)" }.first { (try? p.stat($0)) != nil } ?? "/bin/\(name)"
    }

    private func openConsole(_ p: Proc) throws(SysError) {
        _ = try p.open("#c/cons", .read)
        _ = try p.open("#c/cons", .write)
        _ = try p.open("#c/hoststderr", .write)
    }

    private func setEnvironment(_ p: Proc) throws(SysError) {
        var variables = [
            ("user", user), ("home", "/home/\(user)"), ("emuhost", "Linux"), ("emuwdir", directory),
            ("emuargs", args.joined(separator: " ")),
        ]
        for name in Self.inherited {
            if let value = HostEnvironment.variable(name) { variables.append((name, value)) }
        }
        for (name, value) in variables { try p.environment.set(name, Array(value.utf8), p.caller.clock.now()) }
    }

    private func buildNameSpace(_ p: Proc) throws(SysError) {
        if root { try p.bind("#Uroot", "/", [.after, .create]) }
        let lines = try text(p, "/lib/namespace")
        try NameSpaceFile(name: "/lib/namespace", text: lines).apply(to: p)
        if root { try joinRoot(p) }
        if home { try p.bind("#Uhome", "/home/\(user)", .create) }
        try showKeys(p)
        if host {
            try p.mkdir("/n/host")
            try p.bind("#Uhost", "/n/host", .create)
        }
        for (n, path) in shown.enumerated() { try show("#Usandbox\(n)", path, p) }
        if let script { try install(script, p) }
        if let zone { try install(zone, p) }
        try p.chdir(host ? "/n/host" : "/home/\(user)")
        if isProgram { try NameSpaceFile(name: Self.linux, text: try text(p, Self.linux)).apply(to: p) }
        if let here { try p.chdir(here) }
    }

    /// The keys of the user are those of the system: see keys(6).
    private func showKeys(_ p: Proc) throws(SysError) {
        guard (try? p.stat("/lib/keys")) != nil else { return }  // an emu that has no place for them
        for name in ["lib", "lib/keys"] {
            do throws(SysError) { try p.mkdir("/home/\(user)/\(name)", 0o700) } catch {
                guard error.code == .exist else { return }  // a home that cannot be written to has none
            }
        }
        try p.bind("/home/\(user)/lib/keys", "/lib/keys", [.before, .create])
    }

    /// Joins what `-r` gave below the directories that the system has too.
    private func joinRoot(_ p: Proc) throws(SysError) {
        let fd = try p.open("#/")
        defer { _ = try? p.close(fd) }  // it was read: nothing is lost
        for entry in try p.dirread(fd) where entry.isDirectory {
            guard let there = try? p.stat("#Uroot/\(entry.name)"), there.isDirectory else { continue }  // not in both
            try p.bind("#Uroot/\(entry.name)", "/\(entry.name)", [.after, .create])
        }
    }

    /// Puts one path of the host at the same path inside, after what is there.
    private func show(_ source: String, _ path: String, _ p: Proc) throws(SysError) {
        let isDirectory = try p.stat(source).isDirectory
        let names = path.split(separator: "/")
        var above = ""
        for name in isDirectory ? names[...] : names.dropLast() {
            above += "/" + name
            do throws(SysError) { try p.mkdir(above) } catch {
                guard error.code == .exist || error.code == .readOnly else { throw error }
            }
        }
        if !isDirectory {
            if (try? p.stat(path)) != nil { return }  // shown with the directory that it is in
            try p.close(try p.create(path, .write, FileMode(rawValue: 0o444)))
        }
        // Where it can be written to, new files are made in it.
        let isChanged = try p.whence(source).mask.contains(.write)
        // A program means the host's commands by their names; libraries of ours are in nobody's way.
        let flags: MountFlags = isChanged ? [.before, .create] : isProgram && path == "/bin" ? .before : .after
        try p.bind(source, path, isDirectory ? flags : .replace)
    }

    private func install(_ script: (name: String, text: [UInt8]), _ p: Proc) throws(SysError) {
        try p.mkdir(Self.scripts)
        try p.bind("#Rscript", Self.scripts, .create)
        let fd = try p.create("\(Self.scripts)/\(script.name)", .write, FileMode(rawValue: 0o755))
        try p.write(fd, script.text)
        try p.close(fd)
    }

    /// Reads the zone file that `$TZ` names, where the C library looks for it; nil where it names none.
    private static func hostZone() -> (name: String, bytes: [UInt8])? {
        let given = HostEnvironment.variable("TZ") ?? ""
        let name = given.hasPrefix(":") ? String(given.dropFirst()) : given
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard name.utf8.count <= 255, parts.allSatisfy({ !["", ".", ".."].contains($0) }) else { return nil }
        let file = (HostEnvironment.variable("TZDIR") ?? "/usr/share/zoneinfo") + "/" + name
        // A rule in POSIX's form is no file. Of a name that leads nowhere the programs tell that show the time.
        guard HostEnvironment.isFile(file), let bytes = try? HostEnvironment.readFile(file, limit: 1 << 18),
            bytes.starts(with: Array("TZif".utf8))
        else { return nil }
        return (name, bytes)
    }

    /// Puts it where the programs look for it: below /lib/zoneinfo.
    private func install(_ zone: (name: String, bytes: [UInt8]), _ p: Proc) throws(SysError) {
        try p.bind(Self.zones, "/lib", .after)
        var path = Self.zones
        let parts = "zoneinfo/\(zone.name)".split(separator: "/")
        for name in parts.dropLast() {
            path += "/" + name
            try p.mkdir(path)
        }
        let fd = try p.create(path + "/" + (parts.last ?? ""), .write, FileMode(rawValue: 0o444))
        try p.write(fd, zone.bytes)
        try p.close(fd)
    }

    private func text(_ p: Proc, _ path: String) throws(SysError) -> String {
        let fd = try p.open(path)
        defer { _ = try? p.close(fd) }  // it was read: nothing is lost
        return String(decoding: try p.readn(fd, 1 << 20), as: UTF8.self)
    }
}
