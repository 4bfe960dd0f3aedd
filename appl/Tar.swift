import Codec
import Kernel

/// Writes, lists and unpacks tar archives.
struct Tar: Program {
    static let usage: Usage = """
        tar -c|-t|-x [-kmOvz] [-f archive] [-C dir] [file ...]
        -c          write an archive of the files
        -t          list what is in one
        -x          unpack one, or the named files of it
        -C dir      go there first
        -f archive  the archive; standard input or output where nothing is said
        -k          keep files that are there
        -m          leave the time of unpacking
        -O          unpack to standard output
        -v          tell each name
        -z          compressed by gzip; found out by itself when reading
        """

    func main(_ p: Proc, _ args: [String]) throws(SysError) -> Status {
        // The old form has no dash: `tar cf a.tar b`.
        var words = args
        if words.count > 1, let first = words[1].first, first != "-" { words[1] = "-" + words[1] }
        switch Self.usage.parse(words.dropFirst()) {
        case .help:
            try p.write(1, Self.usage.help)
            return .ok
        case .wrong(let why):
            try p.write(2, "tar: \(why)\n\(Self.usage.synopsis)\n")
            return Run.misused
        case .options(let options):
            let r = Run(p, options, Self.usage)
            do throws(SysError) { try run(r) } catch {
                if error == SysError(Run.misused.text) { return Run.misused }
                throw error
            }
            try r.out.flush()
            return r.status
        }
    }

    private func run(_ r: Run) throws(SysError) {
        let jobs = "ctx".filter { r.has($0) }
        guard jobs.count == 1 else { throw r.misuse("one of -c, -t and -x is needed") }
        let archive = r.options.value("f").flatMap { $0 == "-" ? nil : $0 }
        if jobs == "c" {
            guard !r.operands.isEmpty else { throw r.misuse("there is nothing to archive") }
            var fd: Int32 = 1
            if let archive { fd = try r.p.create(archive, .write, FileMode(rawValue: 0o666)) }
            try enter(r)
            try TarWriter(r, fd).write(r.operands)
            if fd != 1 { try r.p.close(fd) }
        } else {
            var fd: Int32 = 0
            if let archive { fd = try r.open(archive) }
            try enter(r)
            try TarReader(r, fd, unpacks: jobs == "x").read()
        }
    }

    private func enter(_ r: Run) throws(SysError) {
        if let dir = r.options.value("C") { try r.p.chdir(dir) }
    }
}

/// Writes an archive: blocks of headers and contents, compressed on the way where that is asked for.
private final class TarWriter {
    private let r: Run
    private let out: Writer
    private var written: UInt64 = 0
    private let packs: Bool
    private var packed: [UInt8] = []

    init(_ r: Run, _ fd: Int32) {
        self.r = r
        packs = r.has("z")
        out = Writer(r.p, fd)
    }

    func write(_ names: [String]) throws(SysError) {
        if packs { return try writePacked(names) }
        try writeAll(names) { (bytes) throws(SysError) in try self.out.write(bytes) }
        try out.flush()
    }

    /// The archive goes through a pipe to a process that compresses it.
    private func writePacked(_ names: [String]) throws(SysError) {
        let (near, far) = try r.p.pipe()
        let to = out.fd
        let pid = try r.p.spawn(.forkFD, fds: [0, to, 2, far], args: ["gzip"]) { (child) throws(SysError) in
            let run = Run(child, Options(), Tar.usage)
            let out = Writer(child, to)
            _ = try GzipStream.deflate(run, far, to: out, level: 6, header: GzipHeader()) { _ in }
            try out.flush()
            return .ok
        }
        try r.p.close(far)
        let pipe = Writer(r.p, near)
        try writeAll(names) { (bytes) throws(SysError) in try pipe.write(bytes) }
        try pipe.flush()
        try r.p.close(near)
        let status = try r.p.wait(.pid(pid)).status
        guard status.isOK else { throw SysError(status.text) }
    }

    private func writeAll(_ names: [String], _ put: ([UInt8]) throws(SysError) -> Void) throws(SysError) {
        for name in names {
            var tree = Tree(r.p, name)
            while true {
                try Thread.check()
                do throws(SysError) {
                    guard let step = try tree.next() else { break }
                    if step.visit != .leave { try entry(step, put) }
                } catch {
                    try r.warn(error)
                }
            }
        }
        try put([UInt8](repeating: 0, count: 2 * TarHeader.blockSize))
    }

    private func entry(_ step: Tree.Step, _ put: ([UInt8]) throws(SysError) -> Void) throws(SysError) {
        var h = TarHeader()
        h.name = String(step.path.drop { $0 == "/" })
        if h.name.isEmpty { return }
        h.mode = step.dir.mode.permissions
        h.modified = step.dir.modified / 1_000_000_000
        h.owner = step.dir.owner
        h.group = step.dir.group
        if step.visit == .enter {
            h.kind = .directory
        } else if step.dir.qid.isSymlink {
            h.kind = .symlink
            h.target = try r.p.readlink(step.path)
        } else {
            h.size = step.dir.length
        }
        if r.has("v") { r.tell(h.name) }
        guard h.kind == .file else { return try put(try h.blocks()) }
        let fd = try r.open(step.path)
        defer { try? r.p.close(fd) }  // it was read: nothing is lost
        try put(try h.blocks())
        var left = h.size
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        while left > 0 {
            let n = try r.p.fill(&block, 0..<min(block.count, Int(clamping: left)), from: fd)
            // A file that has shrunk is filled up, so that what follows stands where it should.
            if n == 0 { try r.warn(SysError("the file shrank: filled up with zeros", subject: step.path)) }
            let count = n == 0 ? min(block.count, Int(clamping: left)) : n
            try put(n == 0 ? [UInt8](repeating: 0, count: count) : Array(block[..<n]))
            left -= UInt64(count)
        }
        let rest = Int(h.size % UInt64(TarHeader.blockSize))
        if rest != 0 { try put([UInt8](repeating: 0, count: TarHeader.blockSize - rest)) }
    }
}

/// Reads an archive. Names are taken as relative, and one that leads out by `..` or through a link is refused.
private final class TarReader {
    private let r: Run
    private let unpacks: Bool
    private var reader: Reader
    private var child: Int32?
    /// Directories get their time when all is in them.
    private var directories: [(String, Int64)] = []

    init(_ r: Run, _ fd: Int32, unpacks: Bool) throws(SysError) {
        self.r = r
        self.unpacks = unpacks
        reader = Reader(r, fd)
        guard let magic = try reader.peek(2), magic == [0x1f, 0x8b] else { return }
        let (near, far) = try r.p.pipe()
        let start = reader.takeHeld()
        child = try r.p.spawn(.forkFD, fds: [0, 1, 2, fd, far], args: ["gunzip"]) { (c) throws(SysError) in
            let run = Run(c, Options(), Tar.usage)
            let out = Writer(c, far)
            _ = try GzipStream.inflate(run, fd, behind: start, to: out) { _ in }
            try out.flush()
            return .ok
        }
        try r.p.close(far)
        reader = Reader(r, near)
    }

    func read() throws(SysError) {
        let wanted = Set(r.operands.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
        var found: Set<String> = []
        while let h = try TarHeader.read({ () throws(SysError) in try self.block() }) {
            try Thread.check()
            let name = h.name.hasSuffix("/") ? String(h.name.dropLast()) : h.name
            let match = wanted.first { name == $0 || name.hasPrefix($0 + "/") }
            guard wanted.isEmpty || match != nil else {
                try skip(h.size)
                continue
            }
            if let match { found.insert(match) }
            try entry(h, name)
        }
        for (path, time) in directories.reversed() {
            try r.going(on: path) { () throws(SysError) in try r.p.wstat(path, DirChange(modified: time)) }
        }
        for name in wanted.subtracting(found).sorted() { try r.warn(SysError("not in the archive", subject: name)) }
        if let child {
            try reader.eachBlock { _ in }
            let status = try r.p.wait(.pid(child)).status
            guard status.isOK else { throw SysError(status.text) }
        }
    }

    private func block() throws(SysError) -> [UInt8]? {
        var out: [UInt8] = []
        while out.count < TarHeader.blockSize {
            guard let more = try reader.copy(TarHeader.blockSize - out.count) else {
                guard out.isEmpty else { throw SysError("the archive ends too early") }
                return nil
            }
            out += more
        }
        return out
    }

    private func skip(_ size: UInt64) throws(SysError) { try contents(size) { _ in } }

    private func contents(_ size: UInt64, _ body: ([UInt8]) throws(SysError) -> Void) throws(SysError) {
        var left = size
        while left > 0 {
            try Thread.check()
            guard let part = try reader.copy(Int(clamping: left)) else { throw SysError("the archive ends too early") }
            left -= UInt64(part.count)
            try body(part)
        }
        let rest = Int(size % UInt64(TarHeader.blockSize))
        var padding = rest == 0 ? 0 : TarHeader.blockSize - rest
        while padding > 0 {
            guard let part = try reader.copy(padding) else { throw SysError("the archive ends too early") }
            padding -= part.count
        }
    }

    private func entry(_ h: TarHeader, _ name: String) throws(SysError) {
        if !unpacks {
            let modes = h.kind == .directory ? "d" : h.kind == .symlink ? "l" : "-"
            if r.has("v") {
                try r.out.write("\(modes)\(Self.letters(h.mode)) \(h.owner)/\(h.group) \(h.size) ")
            }
            let arrow = h.kind == .symlink ? " -> \(h.target)" : h.kind == .link ? " link to \(h.target)" : ""
            try r.out.line(h.name + (r.has("v") ? arrow : ""))
            return try skip(h.size)
        }
        if r.has("v") { r.tell(h.name) }
        let path = String(name.drop { $0 == "/" })
        guard !path.isEmpty, !path.split(separator: "/").contains("..") else {
            try r.warn(SysError("leads out of the directory: not unpacked", subject: h.name))
            return try skip(h.size)
        }
        var rest = h.size
        do throws(SysError) {
            try unpack(h, path, &rest)
        } catch {
            try r.warn(error.about(path))
            if rest > 0 { try skip(rest) }
        }
    }

    private static func letters(_ mode: UInt32) -> String {
        (0..<9).reduce("") { $0 + (mode >> (8 - $1) & 1 != 0 ? ["r", "w", "x"][Int($1 % 3)] : "-") }
    }

    private func unpack(_ h: TarHeader, _ path: String, _ rest: inout UInt64) throws(SysError) {
        if r.has("O") {
            rest = 0
            if h.kind == .file { try contents(h.size) { (part) throws(SysError) in try r.out.write(part) } }
            return
        }
        try makeParents(of: path)
        switch h.kind {
        case .directory:
            if path == "." { return }
            do throws(SysError) { try r.p.mkdir(path, h.mode | 0o700) } catch {
                guard error.code == .exist else { throw error }
            }
            if !r.has("m") { directories.append((path, h.modified * 1_000_000_000)) }
        case .symlink:
            try makeRoom(path)
            try r.p.symlink(h.target, path)
        case .link:
            try makeRoom(path)
            let target = String(h.target.drop { $0 == "/" })
            guard !target.split(separator: "/").contains("..") else { throw SysError("links out of the directory") }
            try r.p.link(target, path)
        case .file:
            try makeRoom(path)
            let fd = try r.p.create(path, [.write, .exclusive], FileMode(rawValue: h.mode & 0o777))
            let out = Writer(r.p, fd)
            do throws(SysError) {
                rest = 0
                try contents(h.size) { (part) throws(SysError) in try out.write(part) }
                try out.flush()
            } catch {
                try? r.p.close(fd)  // what went wrong first is what is told
                throw error
            }
            try r.p.close(fd)
            let (time, overflow) = h.modified.multipliedReportingOverflow(by: 1_000_000_000)
            if !r.has("m"), !overflow { try r.p.wstat(path, DirChange(modified: time)) }
        case .other: throw SysError("a kind of file that is not unpacked")
        }
    }

    /// Directories above; none may be a link, which could lead out.
    private func makeParents(of path: String) throws(SysError) {
        var above = ""
        for name in path.split(separator: "/").dropLast() where name != "." {
            above += above.isEmpty ? String(name) : "/" + name
            if let dir = try? r.p.stat(above, follow: false) {  // absent: it is made
                guard dir.isDirectory else { throw SysError("leads through a link: not unpacked", subject: path) }
            } else {
                try r.p.mkdir(above, 0o777)
            }
        }
    }

    private func makeRoom(_ path: String) throws(SysError) {
        guard (try? r.p.stat(path, follow: false)) != nil else { return }  // nothing is there
        guard !r.has("k") else { throw .exist }
        try r.p.remove(path)
    }
}
