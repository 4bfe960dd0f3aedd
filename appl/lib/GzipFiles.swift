import Codec
import Kernel

/// What gzip, gunzip and zcat share: where a file's other form goes, and what becomes of the file.
public struct GzipFiles {
    private let r: Run
    private let decompresses: Bool
    private let toOutput: Bool
    private let suffix: String

    /// `toOutput`: the files stay, and what becomes of them is written to the output.
    public init(_ r: Run, decompresses: Bool, toOutput: Bool = false) {
        self.r = r
        self.decompresses = decompresses
        self.toOutput = toOutput || r.has("c")
        suffix = r.options.value("S") ?? ".gz"
    }

    /// Takes each operand in turn, or the input; what fails is told.
    public func run() throws(SysError) {
        guard !suffix.isEmpty, !suffix.contains("/") else { throw r.misuse("-S: bad suffix '\(suffix)'") }
        var list = GzipList(r)
        for name in r.operands.isEmpty ? ["-"] : r.operands {
            try going(on: name) { () throws(SysError) in
                if name == "-" { return try stream(&list) }
                let path = try existing(name)
                guard r.has("r"), try r.p.stat(path).isDirectory else { return try file(path, &list) }
                try tree(path, &list)
            }
        }
        try list.end()
    }

    private func going(on name: String, _ body: () throws(SysError) -> Void) throws(SysError) {
        try r.going(on: name, quietly: r.has("q"), body)
    }

    /// Descriptor 0, to the output.
    private func stream(_ list: inout GzipList) throws(SysError) {
        if r.has("l") { return try list.file("stdout", 0, modified: r.p.caller.clock.now()) }
        if r.has("t") { return try test("stdin", 0) }
        _ = try pass(0, to: r.out, GzipHeader())
    }

    private func tree(_ root: String, _ list: inout GzipList) throws(SysError) {
        var tree = Tree(r.p, root)
        while let step = try tree.next(warning: r, quietly: r.has("q")) {
            // What has its suffix already is left alone, as is what has none where that is to go.
            guard step.visit == .file, step.dir.isRegular, step.path.hasSuffix(suffix) == decompresses else { continue }
            try going(on: step.path) { () throws(SysError) in try file(step.path, &list) }
        }
    }

    /// A compressed file may be named without its suffix.
    private func existing(_ name: String) throws(SysError) -> String {
        guard decompresses, !name.hasSuffix(suffix) else { return name }
        do throws(SysError) { _ = try r.p.stat(name) } catch {
            guard error.code == .nonexist, (try? r.p.stat(name + suffix)) != nil else { throw error }
            return name + suffix
        }
        return name
    }

    private func pass(_ fd: Int32, to out: Writer, _ header: GzipHeader) throws(SysError) -> Int {
        guard decompresses else {
            let level = r.options.last(of: "123456789").flatMap { Int(String($0)) } ?? 6
            return try GzipStream.deflate(r, fd, to: out, level: level, header: header) { _ in }
        }
        var start: [UInt8] = []
        if r.has("f"), toOutput {
            start = try r.p.readn(fd, 2)
            if start != GzipMember.magic {
                try out.write(start)
                try r.copy(fd)
                return 0
            }
        }
        return try GzipStream.inflate(r, fd, behind: start, to: out) { _ in }
    }

    private func test(_ name: String, _ fd: Int32) throws(SysError) {
        let sink = try r.p.open("/dev/null", .write)
        defer { try? r.p.close(sink) }  // what was written is of no interest
        let out = Writer(r.p, sink)
        _ = try GzipStream.inflate(r, fd, to: out) { _ in }
        if r.has("v") { r.tell("\(name): OK") }
    }

    private func file(_ name: String, _ list: inout GzipList) throws(SysError) {
        let dir = try r.p.stat(name)
        let fd = try r.open(name)
        defer { try? r.p.close(fd) }  // it was read: nothing is lost
        if r.has("l") { return try list.file(name, fd, modified: dir.modified, try? plainName(name)) }
        if r.has("t") { return try test(name, fd) }
        var header = GzipHeader(name: Array(lastName(name).utf8))
        header.mtime = UInt32(clamping: dir.modified / 1_000_000_000)
        if r.options.last(of: "nN") == "n" { header = GzipHeader() }
        if toOutput {
            let size = try pass(fd, to: r.out, header)
            if r.has("v"), decompresses { r.tell("\(name): \(size) bytes") }
            return
        }
        var target = try decompresses ? plainName(name) : packedName(name)
        var modified = dir.modified
        if decompresses, r.options.last(of: "nN") == "N", let member = try GzipMember(r, fd) {
            target = member.name.map { join(parentName(name), $0) } ?? target
            if member.modified > 0 { modified = member.modified * 1_000_000_000 }
        }
        try replace(name, dir, fd, by: target, modified, header)
    }

    private func replace(
        _ name: String, _ dir: Dir, _ fd: Int32, by target: String, _ modified: Int64, _ header: GzipHeader
    ) throws(SysError) {
        // What is not there is nobody's name yet.
        if let there = try? r.p.stat(target), there.identity == dir.identity {
            throw SysError("is the same file as '\(target)'", subject: name)
        }
        let mode: OpenMode = r.has("f") ? .write : [.write, .exclusive]
        let to = try r.p.create(target, mode, FileMode(rawValue: dir.mode.permissions))
        let out = Writer(r.p, to)
        do throws(SysError) {
            let size = try pass(fd, to: out, header)
            try out.flush()
            try r.p.close(to)
            try r.p.wstat(target, DirChange(modified: modified))
            if r.has("v") { try told(name, target, decompresses ? size : Int(clamping: dir.length)) }
        } catch {
            try? r.p.close(to)
            try? r.p.remove(target)  // half a file is worse than none; what went wrong first is what is told
            throw error
        }
        if !r.has("k") { try r.p.remove(name) }
    }

    private func packedName(_ name: String) throws(SysError) -> String {
        guard !name.hasSuffix(suffix) || r.has("f") else {
            throw SysError("has the suffix \(suffix) already", subject: name)
        }
        return name + suffix
    }

    private func plainName(_ name: String) throws(SysError) -> String {
        if name.hasSuffix(suffix), name.utf8.count > suffix.utf8.count { return String(name.dropLast(suffix.count)) }
        if name.hasSuffix(".tgz"), name.utf8.count > 4 { return name.dropLast(4) + ".tar" }
        throw SysError("unknown suffix", subject: name)
    }

    private func told(_ name: String, _ target: String, _ plain: Int) throws(SysError) {
        let packed = try r.open(decompresses ? name : target)
        defer { try? r.p.close(packed) }  // it was read: nothing is lost
        let length = Int(clamping: try r.p.fstat(packed).length)
        let header = try GzipMember(r, packed)?.length ?? 0
        let verb = r.has("k") ? "created" : "replaced with"
        r.tell("\(name): \(GzipList.ratio(plain: plain, packed: length - header - 8)) -- \(verb) \(target)")
    }
}

/// What the header of a gzip file's first member says.
struct GzipMember {
    static let magic: [UInt8] = [0x1f, 0x8b]

    /// Without directories: a file stays where its compressed form is.
    private(set) var name: String?
    /// Seconds since 1970, 0 where unknown.
    let modified: Int64
    /// Bytes of the header.
    private(set) var length = 10

    /// Bytes from which a header can be read: nobody's is longer.
    static let longest = 1 << 16

    /// Reads it from the beginning of a file that can be sought in, and goes back there.
    init?(_ r: Run, _ fd: Int32) throws(SysError) {
        let bytes = try r.p.readn(fd, Self.longest)
        try r.p.seek(fd, 0)
        self.init(bytes)
    }

    /// nil where the file begins otherwise.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 10, bytes.starts(with: Self.magic), bytes[2] == 8 else { return nil }
        modified = (4..<8).reversed().reduce(0) { $0 << 8 | Int64(bytes[$1]) }
        let flags = bytes[3]
        if flags & 4 != 0 {
            guard bytes.count >= 12 else { return nil }
            length += 2 + Int(bytes[10]) + Int(bytes[11]) << 8
        }
        for flag in [8, 16] as [UInt8] where flags & flag != 0 {
            guard length < bytes.count, let end = bytes[length...].firstIndex(of: 0) else { return nil }
            if flag == 8 {
                let last = lastName(String(decoding: bytes[length..<end], as: UTF8.self))
                name = ["", ".", "..", "/"].contains(last) ? nil : last
            }
            length = end + 1
        }
        if flags & 2 != 0 { length += 2 }
        guard length <= bytes.count else { return nil }
    }
}

/// The table that `gzip -l` prints.
struct GzipList {
    private let r: Run
    private var rows = 0
    private var packed = 0
    private var plain = 0
    private var headers = 0

    init(_ r: Run) { self.r = r }

    /// A row for the open file `fd`: its sizes, found by decompressing it.
    mutating func file(_ name: String, _ fd: Int32, modified: Int64, _ plainName: String? = nil) throws(SysError) {
        var reader = Reader(r, fd)
        guard let member = GzipMember(try reader.peek(GzipMember.longest) ?? []) else {
            throw SysError("not in gzip format")
        }
        let sink = try r.p.open("/dev/null", .write)
        defer { try? r.p.close(sink) }  // what was written is of no interest
        var size = 0
        // A file ends in its check sum and its length, four bytes each.
        var tail: [UInt8] = []
        let bytes = try GzipStream.inflate(
            r, fd, behind: reader.takeHeld(), to: Writer(r.p, sink),
            watch: { part in
                size += part.count
                tail.append(copying: part.extracting(max(0, part.count - 8)..<part.count).bytes)
                tail.removeFirst(max(0, tail.count - 8))
            }
        ) { _ in }
        packed += size
        plain += bytes
        headers += member.length + 8
        rows += 1
        if rows == 1, !r.has("q") { try r.out.line(title) }
        let crc = tail.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        let zone = Zone(of: r.p)
        let when = Moment(modified.dividedDown(by: 1_000_000_000), in: zone).text("%b %e %H:%M")
        let method = r.has("v") ? "defla \(String(crc, radix: 16).zeros(8)) \(when) " : ""
        let shown = r.has("N") ? member.name ?? plainName ?? name : plainName ?? name
        try row(method, size, bytes, header: member.length + 8, shown)
    }

    /// Sums, where there is more than one row.
    func end() throws(SysError) {
        if rows > 1 {
            try row(r.has("v") ? String(repeating: " ", count: 28) : "", packed, plain, header: headers, "(totals)")
        }
    }

    private var title: String {
        (r.has("v") ? "method  crc     date  time  " : "")
            + "         compressed        uncompressed  ratio uncompressed_name"
    }

    private func row(_ method: String, _ packed: Int, _ plain: Int, header: Int, _ name: String) throws(SysError) {
        let ratio = Self.ratio(plain: plain, packed: packed - header)
        try r.out.line("\(method)\(String(packed).right(19)) \(String(plain).right(19)) \(ratio) \(name)")
    }

    /// How much of `plain` was saved, as `-25.0%`.
    static func ratio(plain: Int, packed: Int) -> String {
        guard plain > 0 else { return "  0.0%" }
        let tenths = Int((Double(plain - packed) * 1000 / Double(plain)).rounded())
        let digits = "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)%"
        return digits.right(6)
    }
}
