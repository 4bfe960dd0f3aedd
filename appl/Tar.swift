import Applib
import Codec
import Kernel
import Shell

/// Writes, lists and unpacks tar archives.
struct Tar: Command {
    static let usage: Usage = """
        tar -c|-r|-t|-u|-x [-Oahkmpvz] [-f archive] [-C dir] [-T list] [file ...]
        -a, --auto-compress         with -c, compressed where the archive's name says so
        -C, --directory dir         go there first, or before the files that follow
        -c, --create                write an archive of the files
        -f, --file archive          the archive; standard input or output where nothing is said
        -h, --dereference           what symbolic links lead to
        -k, --keep-old-files        keep files that are there
        -m, --touch                 leave the time of unpacking
        -O, --to-stdout             unpack to standard output
        -p, --preserve-permissions  permissions as they are in the archive, whatever the umask
        -r, --append                add the files to an archive
        -T, --files-from list       the files whose names stand in that, one on a line
        -t, --list                  list what is in one
        -u, --update                add those files that are newer than what is in the archive
        -v, --verbose               tell each name; on a terminal, how far a long file is
        -x, --extract, --get        unpack one, or the named files of it
        -z, --gzip, --gunzip        compressed by gzip; found out by itself when reading
        --exclude pattern           leave out what it fits, and all below
        --strip-components number   unpack without so many names at the front of each
        """

    /// The old form has no dash: `tar cf a.tar b`. Each letter that takes a value has the next word.
    static func arrange(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, !first.isEmpty, !first.hasPrefix("-") else { return arguments }
        var rest = arguments.dropFirst()
        var flags: [String] = []
        for letter in first {
            flags.append("-\(letter)")
            if usage.takesValue(letter), let value = rest.popFirst() { flags.append(value) }
        }
        return flags + rest
    }

    func run(_ r: Run) throws(SysError) {
        let jobs = "crtux".filter { r.has($0) }
        guard jobs.count == 1 else { throw r.misuse("one of -c, -r, -t, -u and -x is needed") }
        let job = try TarJob(r)
        let archive = r.options.value("f").flatMap { $0 == "-" ? nil : $0 }
        switch jobs {
        case "c":
            guard !job.names.isEmpty else { throw r.misuse("there is nothing to archive") }
            var fd: Int32 = 1
            if let archive { fd = try r.p.create(archive, .write, FileMode(rawValue: 0o666)) }
            try TarWriter(r, fd, job, toOutput: fd == 1).write(packed: try packs(archive, r))
            if fd != 1 { try r.p.close(fd) }
        case "r", "u":
            guard let archive else { throw r.misuse("-\(jobs) takes the file of -f") }
            guard !r.has("z") else { throw SysError("nothing can be added to a compressed archive") }
            try add(to: archive, job, r)
        default:
            let fd = try archive.map { (name) throws(SysError) in try r.open(name) } ?? 0
            for directory in job.directories { try r.p.chdir(directory) }
            try TarReader(r, fd, job, unpacks: jobs == "x").read()
        }
    }

    /// Whether the archive is to be compressed.
    private func packs(_ archive: String?, _ r: Run) throws(SysError) -> Bool {
        guard r.has("a"), !r.has("z"), let end = archive?.split(separator: ".").last else { return r.has("z") }
        guard !["bz2", "xz", "lz", "lzma", "zst", "Z"].contains(end) else {
            throw SysError("compression .\(end): not in this emu")
        }
        return ["gz", "tgz", "taz"].contains(end)
    }

    /// Writes behind the last entry of an archive; one that is not there is made.
    private func add(to archive: String, _ job: TarJob, _ r: Run) throws(SysError) {
        let fd: Int32
        do throws(SysError) { fd = try r.p.open(archive, .readWrite) } catch {
            guard error.code == .nonexist else { throw error }
            fd = try r.p.create(archive, .write, FileMode(rawValue: 0o666))
            try TarWriter(r, fd, job).write(packed: false)
            return try r.p.close(fd)
        }
        var job = job
        let (end, times) = try TarReader(r, fd, job, unpacks: false).end()
        if r.has("u") { job.times = times }
        try r.p.seek(fd, Int64(end))
        try TarWriter(r, fd, job).write(packed: false)
        try r.p.close(fd)
    }
}

/// What is to be done, and to which files.
struct TarJob {
    /// The operands, and how many of the -C stand before each.
    let names: [(name: String, directories: Int)]
    let directories: [String]
    private let excluded: [Pattern]
    /// Leading names that are taken off.
    let strips: Int
    /// Of the files in the archive already, by name, in seconds; others that are not newer are left out.
    var times: [[UInt8]: Int64] = [:]

    init(_ r: Run) throws(SysError) {
        let moves = r.options.given.filter { $0.name == "C" }
        directories = moves.map(\.value)
        var names = r.operands.indices.map { i in (r.operands[i], moves.count { $0.place <= i }) }
        for list in r.options.values("T") {
            let fd = list == "-" ? 0 : try r.open(list)
            var reader = Reader(r, fd)
            while let name = try reader.text() { if !name.isEmpty { names.append((name, moves.count)) } }
            if fd != 0 { try r.p.close(fd) }
        }
        self.names = names
        excluded = r.options.values("exclude").map { Pattern($0) }
        strips = try r.number("strip-components", or: 0, in: 0...1000)
    }

    /// Whether a pattern fits the name, or a part of it that begins and ends where a name does.
    func excludes(_ path: String) throws(SysError) -> Bool {
        guard !excluded.isEmpty else { return false }
        let slashes = path.utf8.indices.filter { path.utf8[$0] == UInt8(ascii: "/") }
        for start in [path.startIndex] + slashes.map({ path.utf8.index(after: $0) }) {
            try Thread.check()
            for end in slashes + [path.endIndex] where end > start {
                for pattern in excluded { if try pattern.matches(path[start..<end]) { return true } }
            }
        }
        return false
    }

    /// The path below the directory of a name in the archive, without the names that are taken off; nil where nothing
    /// is left. It begins with `./`: a `#` in front would be a device.
    func path(of name: String) -> String? {
        let names = pathNames(name).dropFirst(strips)
        return names.isEmpty ? nil : "./" + names.joined(separator: "/")
    }
}
