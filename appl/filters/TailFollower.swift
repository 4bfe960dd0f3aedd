import Applib
import Kernel

/// What `tail -f` goes on with: open files, and with `--follow=name` whatever has their names. It looks at all of them, waits, and
/// looks again.
struct Follower {
    private struct File {
        let name: String
        /// nil while nothing has the name.
        var fd: Int32?
        var identity: FileIdentity?
        /// Somebody was told that nothing has it.
        var isMissed = false
    }

    private let r: Run
    private let withNames: Bool
    private let byName: Bool
    private let retries: Bool
    private let milliseconds: Int64
    private var files: [File] = []
    /// The file whose text stands last in the output.
    private var shown: Int?

    init(_ r: Run, withNames: Bool) throws(SysError) {
        self.r = r
        self.withNames = withNames
        let how = r.options.value("follow") ?? ""
        guard ["", "name", "descriptor"].contains(how) else { throw r.misuse("--follow: bad value '\(how)'") }
        byName = r.has("F") || how == "name"
        retries = r.has("F") || r.has("retry")
        let seconds = r.options.value("s") ?? "1"
        guard let s = Double(seconds), s >= 0, s <= 86400 else { throw SysError("-s: bad number '\(seconds)'") }
        milliseconds = max(50, Int64(s * 1000))
    }

    static func header(_ name: String, isFirst: Bool) -> String {
        (isFirst ? "" : "\n") + "==> \(name == "-" ? "standard input" : name) <==\n"
    }

    /// Opens `name`; nil, which was told, where it is not there and is waited for.
    mutating func add(_ name: String) throws(SysError) -> Int32? {
        var file = File(name: name)
        do throws(SysError) {
            file.fd = name == "-" ? 0 : try r.open(name)
        } catch {
            guard retries, byName else { throw error }
            try r.warn(error.about(name))
            file.isMissed = true
        }
        if let fd = file.fd, name != "-" { file.identity = try r.p.fstat(fd).identity }
        files.append(file)
        if file.fd != nil { shown = files.count - 1 }
        return file.fd
    }

    /// Until no file is left.
    mutating func follow() throws(SysError) {
        while !files.isEmpty {
            for i in files.indices.reversed() {
                try more(i)
                if byName, files[i].name != "-" { try look(i) }
                if try isOver(i) { files.remove(at: i) }
            }
            try r.out.flush()
            guard !files.isEmpty else { return }
            try r.p.sleep(milliseconds: milliseconds)
        }
    }

    /// Prints what was added. What cannot be read is told and closed.
    private mutating func more(_ i: Int) throws(SysError) {
        guard let fd = files[i].fd else { return }
        do throws(SysError) { try add(i, fd) } catch {
            try lose(i)
            try r.warn(error.about(files[i].name))
        }
    }

    /// The file that was added last cannot be read: only another of its name is followed.
    mutating func loseLast() throws(SysError) { try lose(files.count - 1) }

    private mutating func lose(_ i: Int) throws(SysError) {
        guard let fd = files[i].fd.take(), fd != 0 else { return }
        try r.p.close(fd)
    }

    /// A file that was cut is read from its beginning.
    private mutating func add(_ i: Int, _ fd: Int32) throws(SysError) {
        do throws(SysError) {
            let length = try r.p.fstat(fd).length
            if length > 0, try r.p.seek(fd, 0, .current) > length {
                r.tell("\(files[i].name): file truncated")
                try r.p.seek(fd, 0)
            }
        } catch {
            guard error.code == .stream else { throw error }
        }
        while case let bytes = try r.p.read(fd, Writer.blockSize), !bytes.isEmpty {
            if withNames, shown != i { try r.out.write(Self.header(files[i].name, isFirst: shown == nil)) }
            shown = i
            try r.out.write(bytes)
            try r.out.flush()
        }
    }

    /// Whether another file has the name now: that is the one to go on with.
    private mutating func look(_ i: Int) throws(SysError) {
        let name = files[i].name
        let fd: Int32
        do throws(SysError) {
            guard try r.p.stat(name).identity != files[i].identity else {
                files[i].isMissed = false
                return
            }
            fd = try r.open(name)
        } catch {
            guard error.code != .killed, error.code != .interrupted else { throw error }
            guard !files[i].isMissed else { return }
            r.tell("'\(name)' has become inaccessible: \(error.sentence)")
            files[i].isMissed = true
            return
        }
        r.tell("'\(name)' has \(files[i].fd == nil ? "appeared" : "been replaced"); following new file")
        if let old = files[i].fd { try r.p.close(old) }
        files[i] = File(name: name, fd: fd, identity: try r.p.fstat(fd).identity)
        try more(i)
    }

    /// Whether nothing more can come: what was a pipe has ended, or a name is gone that is not waited for.
    private func isOver(_ i: Int) throws(SysError) -> Bool {
        if files[i].isMissed || files[i].fd == nil, !retries { return true }
        guard let fd = files[i].fd else { return false }
        do throws(SysError) { try r.p.seek(fd, 0, .current) } catch {
            guard error.code == .stream else { throw error }
            return true
        }
        return false
    }
}
