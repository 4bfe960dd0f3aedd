import Applib
import Codec
import Kernel

/// Reads an archive. Names are taken as relative, and one that leads out by `..` or through a link is refused.
final class TarReader {
    private let r: Run
    private let job: TarJob
    private let unpacks: Bool
    private var reader: Reader
    private var child: Int32?
    /// Directories get their time when all is in them.
    private var directories: [(path: String, header: TarHeader)] = []
    private let zone: Zone
    /// Bytes of the archive that were taken.
    private var offset: UInt64 = 0
    /// How wide owner, group and size are together in a list.
    private var width = 19

    init(_ r: Run, _ fd: Int32, _ job: TarJob, unpacks: Bool) throws(SysError) {
        self.r = r
        self.job = job
        zone = Zone(of: r.p)
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
        let wanted = job.names.map { withoutSlash($0.name) }
        var found: Set<Int> = []
        while let h = try TarHeader.read({ () throws(SysError) in try self.block() }) {
            try Thread.check()
            let name = withoutSlash(h.name)
            let matches = wanted.indices.filter { isWithin(name, wanted[$0]) }
            let isLeftOut = try job.excludes(name)
            guard wanted.isEmpty || !matches.isEmpty, !isLeftOut else {
                try skip(h.size)
                continue
            }
            found.formUnion(matches)
            try entry(h, name)
        }
        for (path, header) in directories.reversed() {
            try r.going(on: path) { () throws(SysError) in
                // What was unpacked since may have put a link in its place, or above it.
                try makeParents(of: path, make: false)
                guard try r.p.stat(path, follow: false).isDirectory else { throw SysError(.notDir, subject: path) }
                try finish(path, header)
            }
        }
        for i in wanted.indices where !found.contains(i) {
            try r.warn(SysError("not in the archive", subject: wanted[i]))
        }
        if let child {
            try reader.eachBlock { _ in }
            let status = try r.p.wait(.pid(child)).status
            guard status.isOK else { throw SysError(status.text) }
        }
    }

    /// Where the archive ends, and the latest time of each file in it.
    func end() throws(SysError) -> (UInt64, [[UInt8]: Int64]) {
        guard child == nil else { throw SysError("nothing can be added to a compressed archive") }
        var times: [[UInt8]: Int64] = [:]
        var end: UInt64 = 0
        while let h = try TarHeader.read({ () throws(SysError) in try self.block() }) {
            try Thread.check()
            let name = Array(withoutSlash(h.name).utf8)
            times[name] = max(times[name] ?? .min, h.modified)
            try skip(h.size)
            end = offset
        }
        return (end, times)
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
        offset += UInt64(out.count)
        return out
    }

    /// What fills up the last block of contents of `size` bytes.
    private func padding(_ size: UInt64) -> UInt64 {
        let block = UInt64(TarHeader.blockSize)
        return (block - size % block) % block
    }

    private func skip(_ size: UInt64) throws(SysError) {
        var rest = size + padding(size)
        try contents(&rest) { _ in }
    }

    /// Takes the `rest` of an entry, of which the last `padding` bytes are no contents. Where `body` throws, `rest`
    /// tells what is still to be taken.
    private func contents(
        _ rest: inout UInt64, padding: UInt64 = 0, _ body: ([UInt8]) throws(SysError) -> Void
    ) throws(SysError) {
        while rest > 0 {
            try Thread.check()
            let isPadding = rest <= padding
            let wanted = isPadding ? rest : rest - padding
            guard let part = try reader.copy(Int(clamping: wanted)) else {
                throw SysError("the archive ends too early")
            }
            rest -= UInt64(part.count)
            offset += UInt64(part.count)
            if !isPadding { try body(part) }
        }
    }

    private func entry(_ h: TarHeader, _ name: String) throws(SysError) {
        if !unpacks {
            try r.out.line(r.has("v") ? long(h) : h.name)
            return try skip(h.size)
        }
        if r.has("v") {
            // Between the contents of files there is no place for names.
            if r.has("O") { try r.p.write(2, h.name + "\n") } else { try r.out.line(h.name) }
        }
        let names = pathNames(name)
        guard !names.isEmpty, !names.contains("..") else {
            try r.warn(SysError("leads out of the directory: not unpacked", subject: h.name))
            return try skip(h.size)
        }
        guard let path = job.path(of: name) else { return try skip(h.size) }
        var rest = h.size + padding(h.size)
        do throws(SysError) {
            try unpack(h, path, &rest)
        } catch {
            try r.warn(error.about(path))
        }
        try contents(&rest) { _ in }
    }

    /// As GNU's list it: rights, owner and group, size, time of change, name.
    private func long(_ h: TarHeader) -> String {
        let kinds: [TarHeader.Kind: String] = [.directory: "d", .symlink: "l", .link: "h"]
        let rights = (kinds[h.kind] ?? "-") + FileMode(bits: h.mode).rights
        let who = "\(h.owner.isEmpty ? String(h.ownerID) : h.owner)/\(h.group.isEmpty ? String(h.groupID) : h.group)"
        let size = String(h.size)
        width = max(width, who.count + 1 + size.count)
        let time = Moment(h.modified, in: zone).text("%Y-%m-%d %H:%M")
        let leads = h.kind == .symlink ? " -> \(h.target)" : h.kind == .link ? " link to \(h.target)" : ""
        return "\(rights) \(who)\(size.right(width - who.count)) \(time) \(h.name)\(leads)"
    }

    private func unpack(_ h: TarHeader, _ path: String, _ rest: inout UInt64) throws(SysError) {
        if r.has("O") {
            guard h.kind == .file else { return }
            return try contents(&rest, padding: padding(h.size)) { (part) throws(SysError) in try r.out.write(part) }
        }
        try makeParents(of: path)
        switch h.kind {
        case .directory:
            if pathNames(path).allSatisfy({ $0 == "." }) { return }
            do throws(SysError) { try r.p.mkdir(path, h.mode & 0o777 | 0o700) } catch {
                guard error.code == .exist, try r.p.stat(path, follow: false).isDirectory else { throw error }
            }
            directories.append((path, h))
        case .symlink:
            try makeRoom(path)
            try r.p.symlink(h.target, path)
        case .link:
            guard !pathNames(h.target).contains("..") else { throw SysError("links out of the directory") }
            guard let target = job.path(of: h.target) else { return }
            try makeParents(of: target, make: false)
            let there = try r.p.stat(target, follow: false)
            guard !there.isDirectory else { throw SysError(.isDir, subject: target) }
            // A name that it has already is not removed first: it may be the only one.
            if let old = try? r.p.stat(path, follow: false), old.identity == there.identity { return }
            try makeRoom(path)
            try r.p.link(target, path)
        case .file:
            try makeRoom(path)
            let fd = try r.p.create(path, [.write, .exclusive], FileMode(rawValue: h.mode & 0o777))
            let out = Writer(r.p, fd)
            var progress = Progress(r, path, total: h.size)
            do throws(SysError) {
                try contents(&rest, padding: padding(h.size)) { (part) throws(SysError) in
                    try out.write(part)
                    progress.add(part.count)
                }
                try out.flush()
                progress.end()
            } catch {
                try? r.p.close(fd)  // what went wrong first is what is told
                throw error
            }
            try r.p.close(fd)
            try finish(path, h)
        case .other: throw SysError("a kind of file that is not unpacked")
        }
    }

    /// Gives a file or directory its time, and with -p all of its permissions.
    private func finish(_ path: String, _ h: TarHeader) throws(SysError) {
        var change = DirChange()
        let (time, overflow) = h.modified.multipliedReportingOverflow(by: 1_000_000_000)
        if !r.has("m"), !overflow { change.modified = time }
        let there = try r.p.stat(path, follow: false)
        var mode = there.mode
        mode.bits = r.has("p") ? h.mode : h.mode & 0o777 & ~r.p.umask
        if mode != there.mode { change.mode = mode }
        if change != DirChange() { try r.p.wstat(path, change, follow: false) }
    }

    /// Directories above; none may be a link, which could lead out.
    private func makeParents(of path: String, make: Bool = true) throws(SysError) {
        var above = "."
        for name in pathNames(path).dropLast() where name != "." {
            above += "/" + name
            if let dir = try? r.p.stat(above, follow: false) {  // absent: it is made
                guard dir.isDirectory else { throw SysError("leads through a link: not unpacked", subject: path) }
            } else if make {
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
