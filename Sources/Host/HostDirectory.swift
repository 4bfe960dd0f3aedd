import CShim
import Glibc

/// A directory that is read: its descriptor and what was read of it. One owner, who reads alone.
public struct HostDirectory: ~Copyable, Sendable {
    /// A name, and the place in the directory that follows it: it stays valid when files are removed.
    public struct Entry: Sendable {
        public let name: String
        public let cookie: UInt64
        public let inode: UInt64
        /// nil where the file system does not say.
        public let kind: HostFile.Kind?
    }

    private let fd: HostFd
    private var buffer: [UInt8] = []
    private var position = 0
    /// The place that the buffer's next entry follows.
    private var cookie: UInt64 = 0

    private static let size = 32 * 1024

    /// Takes over a descriptor opened with O_DIRECTORY.
    public init(_ fd: consuming HostFd) { self.fd = fd }

    public var number: Int32 { fd.number }

    /// The entry after `cookie` (0 for the first), `.` and `..` left out; nil at the end.
    /// The corresponding Linux call is `getdents64(2)`.
    public mutating func next(after cookie: UInt64) throws(SysError) -> Entry? {
        if cookie != self.cookie || buffer.isEmpty {
            let place = off_t(truncatingIfNeeded: cookie)
            try HostIO.check(lseek(fd.number, place, SEEK_SET) == place ? 0 : Int32(-1))
            (buffer, position, self.cookie) = ([], 0, cookie)
        }
        while true {
            if position == buffer.count, try !fill() { return nil }
            guard let entry = parse() else { throw .io }
            self.cookie = entry.cookie
            if entry.name != ".", entry.name != ".." { return entry }
        }
    }

    private mutating func fill() throws(SysError) -> Bool {
        var got = 0
        buffer = [UInt8](unsafeUninitializedCapacity: Self.size) { b, n in
            got = HostIO.retry { cshim_getdents(fd.number, b.baseAddress, UInt(b.count)) }
            n = max(0, got)
        }
        position = 0
        let count = try HostIO.check(got)
        return count > 0
    }

    /// One record: `inode[8] next[8] size[2] type[1] name` and a NUL.
    private mutating func parse() -> Entry? {
        let record = buffer[position...]
        guard record.count > 19 else { return nil }
        let size = Int(record[position + 16]) | Int(record[position + 17]) << 8
        guard size > 19, size <= record.count else { return nil }
        var (inode, cookie): (UInt64, UInt64) = (0, 0)
        for i in 0..<8 {
            inode |= UInt64(record[position + i]) << UInt64(8 * i)
            cookie |= UInt64(record[position + 8 + i]) << UInt64(8 * i)
        }
        let type = UInt32(record[position + 18])
        let name = record[(position + 19)..<(position + size)].prefix { $0 != 0 }
        position += size
        return Entry(
            name: HostName.text(Array(name)), cookie: cookie, inode: inode,
            kind: type == 0 ? nil : HostFile.kind(mode: type << 12))
    }
}
