import Applib
import Codec
import Kernel

/// Writes an archive: blocks of headers and contents, compressed on the way where that is asked for.
final class TarWriter {
    private let r: Run
    private let job: TarJob
    private let out: Writer
    /// The archive is descriptor 1: what is told goes to 2.
    private let toOutput: Bool
    /// Where files with several names are in the archive.
    private var known: [FileIdentity: String] = [:]

    init(_ r: Run, _ fd: Int32, _ job: TarJob, toOutput: Bool = false) {
        self.r = r
        self.job = job
        self.toOutput = toOutput
        out = Writer(r.p, fd)
    }

    func write(packed: Bool) throws(SysError) {
        if packed { return try writePacked() }
        try writeAll { (bytes) throws(SysError) in try self.out.write(bytes) }
        try out.flush()
    }

    /// The archive goes through a pipe to a process that compresses it.
    private func writePacked() throws(SysError) {
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
        try writeAll { (bytes) throws(SysError) in try pipe.write(bytes) }
        try pipe.flush()
        try r.p.close(near)
        let status = try r.p.wait(.pid(pid)).status
        guard status.isOK else { throw SysError(status.text) }
    }

    private func writeAll(_ put: ([UInt8]) throws(SysError) -> Void) throws(SysError) {
        var entered = 0
        for (name, directories) in job.names {
            for directory in job.directories[entered..<directories] { try r.p.chdir(directory) }
            entered = directories
            var tree = Tree(r.p, name, follow: r.has("h"))
            while true {
                try Thread.check()
                do throws(SysError) {
                    guard let step = try tree.next() else { break }
                    if step.visit == .leave { continue }
                    if try job.excludes(step.path) { tree.skip() } else { try entry(step, put) }
                } catch {
                    try r.warn(error)
                }
            }
        }
        try put([UInt8](repeating: 0, count: 2 * TarHeader.blockSize))
    }

    private func entry(_ step: Tree.Step, _ put: ([UInt8]) throws(SysError) -> Void) throws(SysError) {
        var h = TarHeader()
        h.name = String(Substring(step.path.utf8.drop { $0 == UInt8(ascii: "/") }))
        if step.visit == .enter { h.name = withoutSlash(h.name) }
        if h.name.isEmpty { return }
        h.mode = step.dir.mode.bits
        h.modified = step.dir.modified.dividedDown(by: 1_000_000_000)
        if let time = job.times[Array(h.name.utf8)], h.modified <= time { return }
        h.owner = step.dir.owner
        h.group = step.dir.group
        h.ownerID = step.dir.ownerID
        h.groupID = step.dir.groupID
        if step.visit == .enter {
            h.kind = .directory
        } else if let first = step.dir.links > 1 ? known[step.dir.identity] : nil {
            h.kind = .link
            h.target = first
        } else if step.dir.qid.isSymlink {
            h.kind = .symlink
            h.target = try r.p.readlink(step.path)
        } else {
            guard step.dir.kindLetter == "f" else { throw SysError("not a file: left out", subject: step.path) }
            h.size = step.dir.length
        }
        if step.dir.links > 1, step.visit == .file { known[step.dir.identity] = h.name }
        if r.has("v") {
            let shown = h.kind == .directory ? h.name + "/" : h.name
            if toOutput { try r.p.write(2, shown + "\n") } else { try r.out.line(shown) }
        }
        guard h.kind == .file else { return try put(try h.blocks()) }
        let fd = try r.open(step.path)
        defer { try? r.p.close(fd) }  // it was read: nothing is lost
        try put(try h.blocks())
        var left = h.size
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        var progress = Progress(r, step.path, total: h.size)
        while left > 0 {
            let n = try r.p.fill(&block, 0..<min(block.count, Int(clamping: left)), from: fd)
            // A file that has shrunk is filled up, so that what follows stands where it should.
            if n == 0 { try r.warn(SysError("the file shrank: filled up with zeros", subject: step.path)) }
            let count = n == 0 ? min(block.count, Int(clamping: left)) : n
            try put(n == 0 ? [UInt8](repeating: 0, count: count) : Array(block[..<n]))
            left -= UInt64(count)
            progress.add(count)
        }
        progress.end()
        let rest = Int(h.size % UInt64(TarHeader.blockSize))
        if rest != 0 { try put([UInt8](repeating: 0, count: TarHeader.blockSize - rest)) }
    }
}
