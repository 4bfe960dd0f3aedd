/// The 9P2000 form of a Dir: `size[2] type[2] dev[4] qid[13] mode[4] atime[4] mtime[4] length[8] name uid gid muid`,
/// strings with `size[2]` before them, all little-endian.
///
/// The corresponding Plan 9 page is `stat(5)`.
extension Dir {
    /// Appends the packed form. Names are at most 65 535 bytes: longer ones are cut at a character.
    public func pack(into out: inout [UInt8]) {
        let start = out.count
        out.append(contentsOf: [0, 0])
        Self.put(UInt64(type.unicodeScalars.first?.value ?? 0), 2, &out)
        Self.put(UInt64(instance), 4, &out)
        Self.put(UInt64(qid.type.rawValue), 1, &out)
        Self.put(UInt64(qid.version), 4, &out)
        Self.put(qid.path, 8, &out)
        Self.put(UInt64(mode.rawValue), 4, &out)
        Self.put(Self.seconds(accessed), 4, &out)
        Self.put(Self.seconds(modified), 4, &out)
        Self.put(isDirectory ? 0 : length, 8, &out)
        for s in [name, owner, group, modifier] { Self.put(s, &out) }
        let size = out.count - start - 2
        out[start] = UInt8(truncatingIfNeeded: size)
        out[start + 1] = UInt8(truncatingIfNeeded: size >> 8)
    }

    private static func seconds(_ ns: Int64) -> UInt64 { UInt64(clamping: max(0, ns) / 1_000_000_000) & 0xffff_ffff }

    private static func put(_ value: UInt64, _ width: Int, _ out: inout [UInt8]) {
        for i in 0..<width { out.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))) }
    }

    private static func put(_ string: String, _ out: inout [UInt8]) {
        var s = string[...]
        while s.utf8.count > 4096 { s = s.dropLast() }
        put(UInt64(s.utf8.count), 2, &out)
        out.append(contentsOf: s.utf8)
    }
}
