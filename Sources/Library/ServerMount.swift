import Kernel

/// A mount of a server elsewhere, as the `mount` command and a name space file ask for it.
///
/// The corresponding Inferno page is `mount(1)`.
public struct ServerMount: Sendable {
    public var source: String
    public var target: String
    public var spec = ""
    public var flags: MountFlags = .replace
    public var mask: Mask?
    public var dialect: Dialect?
    /// Seconds; nil for the usual.
    public var seconds: UInt64?
    public var caches = false
    public var reconnects = false
    /// Of tls: the server may be anybody.
    public var anybody = false

    public init(_ source: String, on target: String) {
        self.source = source
        self.target = target
    }

    /// What `-t` takes.
    public static func dialect(_ name: String) throws(SysError) -> Dialect {
        for dialect in [Dialect.plan9, .linux] where dialect.version.lowercased() == name.lowercased() {
            return dialect
        }
        throw SysError("no dialect '\(name)': 9p2000 or 9p2000.L")
    }

    /// What `-T` takes: a number of seconds, at most a day.
    public static func seconds(_ text: String) throws(SysError) -> UInt64 {
        guard let n = UInt64(text), (1...86400).contains(n) else { throw SysError("bad time limit '\(text)'") }
        return n
    }

    /// The words of a command, `mount` first. Throws where they are none.
    public init(_ words: [String]) throws(SysError) {
        self.init("", on: "")
        var i = 1
        while i < words.count, words[i].hasPrefix("-"), words[i].count > 1 {
            if words[i] == "--" {
                i += 1
                break
            }
            var letters = words[i].dropFirst()
            while let c = letters.popFirst() {
                switch c {
                case "A": anybody = true
                case "a": flags.insert(.after)
                case "b": flags.insert(.before)
                case "c": flags.insert(.create)
                case "C": caches = true
                case "R": reconnects = true
                case "p", "t", "T":
                    guard letters.isEmpty, i + 1 < words.count else { throw SysError("-\(c) needs a word") }
                    i += 1
                    try take(c, words[i])
                default: throw SysError("unknown flag -\(c)")
                }
            }
            i += 1
        }
        guard !flags.isSuperset(of: [.before, .after]) else { throw SysError("-a and -b exclude each other") }
        guard (2...3).contains(words.count - i) else {
            throw SysError("usage: mount [-aAbcCR] [-p mask] [-t dialect] [-T seconds] server directory [spec]")
        }
        (source, target) = (words[i], words[i + 1])
        if words.count - i == 3 { spec = words[i + 2] }
    }

    private mutating func take(_ flag: Character, _ word: String) throws(SysError) {
        switch flag {
        case "p": mask = try Mask(word)
        case "t": dialect = try Self.dialect(word)
        default: seconds = try Self.seconds(word)
        }
    }

    /// The flags that say how the conversation is held, as `ns` shows them.
    var words: [String] {
        var words: [String] = []
        if anybody { words.append("-A") }
        if caches { words.append("-C") }
        if reconnects { words.append("-R") }
        if let dialect { words += ["-t", dialect.version.lowercased().replacing("l", with: "L")] }
        if let seconds { words += ["-T", "\(seconds)"] }
        return words
    }

    /// Does it. A device is attached and bound; else the server is reached as `source` says: by the network, by a file
    /// that is its channel, by descriptor (`-` is 0), or as a command of the shell that serves its standard input.
    public func apply(to p: Proc) throws(SysError) {
        if source.hasPrefix("#"), !source.contains("/") {
            guard !caches, !reconnects, !anybody, dialect == nil else {
                throw SysError("a device is attached, not called")
            }
            return try p.bind(source + spec, target, flags, mask: mask)
        }
        // What is no place to mount on is told before anybody is called.
        guard try p.stat(target).isDirectory || flags == .replace else {
            throw SysError(.inconsistentMount, subject: target)
        }
        var options = ServerOptions(dialect: dialect, caches: caches)
        if let seconds { options.timeLimit = seconds * 1_000_000_000 }
        let (fd, isOurs) = try reach(p)
        if reconnects { options.reconnect = try reconnection(p, fd) }
        defer { if isOurs { try? p.close(fd) } }  // what counts has its own reference
        try p.mount(fd, target, flags, mask: mask, spec: spec, options: options, source: source, words: words)
    }

    /// How whoever uses the mount when the connection has ended gets another: in his own name space, so that a mount keeps
    /// nothing alive.
    private func reconnection(
        _ p: Proc, _ fd: Int32
    ) throws(SysError) -> @Sendable () throws(SysError) -> Chan {
        guard source != "-", Int32(source) == nil else {
            throw SysError("-R needs an address, a file or a command", subject: source)
        }
        var again = self
        if !isAddress, !source.hasPrefix("{") { again.source = try p.fd2path(fd) }
        return { [again] () throws(SysError) in
            guard let p = Thread.running?.proc else { throw .hungup }
            let (fd, _) = try again.reach(p)
            let wire = try p.fildes(fd)
            try p.close(fd)
            return wire
        }
    }

    /// A descriptor of the server's channel, and whether it was made for this.
    private func reach(_ p: Proc) throws(SysError) -> (Int32, Bool) {
        if source == "-" { return (0, false) }
        if let fd = Int32(source) { return (fd, false) }
        if source.hasPrefix("{") { return (try run(p), true) }
        if isAddress {
            let connection = try p.dial(Proc.netmkaddr(source, "net", "styx"), anybody: anybody)
            try? p.close(connection.control)  // the connection is as long as its data file is open
            return (connection.data, true)
        }
        return (try p.open(source, .readWrite), true)
    }

    /// Whether the source is `net!host` and more, and no file.
    private var isAddress: Bool { source.contains("!") && !source.hasPrefix("/") && !source.hasPrefix("./") }

    /// Starts the command with one end of a pipe as its standard input and output; gives the other end.
    private func run(_ p: Proc) throws(SysError) -> Int32 {
        let shell = ["/bin/sh", "-c", source]
        let (ours, theirs) = try p.pipe()
        defer { try? p.close(theirs) }  // the command has it
        do throws(SysError) {
            // It lives as long as what it serves, not as long as who has mounted that, and does not see it itself.
            _ = try p.spawn([.forkFD, .forkNS, .newGroup, .noWait], fds: [theirs, 2], args: shell) {
                (child) throws(SysError) in
                try child.dup(theirs, 0)
                try child.dup(theirs, 1)
                if theirs > 2 { try child.close(theirs) }
                return try child.prepare(shell[0], shell)()
            }
        } catch {
            try? p.close(ours)  // nobody is at its other end
            throw error
        }
        return ours
    }
}
