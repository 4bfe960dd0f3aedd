import Applib
import Kernel

/// One entry of a tar archive. Written as ustar, with pax records where ustar has no room; read from those, from GNU's
/// long names, and from the old format. The corresponding POSIX page is `pax(1)`.
struct TarHeader {
    enum Kind { case file, directory, symlink, link, other }

    static let blockSize = 512
    /// The longest name, and the most bytes of pax records, that are believed.
    static let nameLimit = 64 << 10

    var name = ""
    var kind = Kind.file
    var mode: UInt32 = 0o644
    var size: UInt64 = 0
    /// Seconds since 1970.
    var modified: Int64 = 0
    var owner = ""
    var group = ""
    var ownerID: UInt32 = 0
    var groupID: UInt32 = 0
    var target = ""

    // MARK: writing

    /// The blocks that stand before the file's contents.
    func blocks() throws(SysError) -> [UInt8] {
        var records: [(String, String)] = []
        let stored = kind == .directory && name.utf8.last != UInt8(ascii: "/") ? name + "/" : name
        if stored.utf8.count > 100 && Self.split(stored) == nil || !stored.utf8.allSatisfy({ $0 < 128 }) {
            records.append(("path", stored))
        }
        if target.utf8.count > 100 || !target.utf8.allSatisfy({ $0 < 128 }) { records.append(("linkpath", target)) }
        if size >= 1 << 33 { records.append(("size", String(size))) }
        var out: [UInt8] = []
        if !records.isEmpty {
            let text = Array(records.map { Self.record($0.0, $0.1) }.joined().utf8)
            out += Self.block(name: "PaxHeader", type: "x", mode: 0o644, size: UInt64(text.count), modified: 0)
            out += text
            Self.pad(&out)
        }
        let type: Unicode.Scalar =
            switch kind {
            case .directory: "5"
            case .symlink: "2"
            case .link: "1"
            default: "0"
            }
        out += Self.block(
            name: stored, type: type, mode: mode, size: kind == .file ? size : 0, modified: modified, target: target,
            owner: (owner, ownerID), group: (group, groupID))
        return out
    }

    /// Fills up the last block with zeros.
    static func pad(_ bytes: inout [UInt8]) {
        let rest = bytes.count % blockSize
        if rest != 0 { bytes.append(contentsOf: repeatElement(0, count: blockSize - rest)) }
    }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself.
    private static func record(_ key: String, _ value: String) -> String {
        let body = " \(key)=\(value)\n"
        var length = body.utf8.count + 1
        while String(length).utf8.count + body.utf8.count != length {
            length = String(length).utf8.count + body.utf8.count
        }
        return String(length) + body
    }

    /// Prefix and name of at most 155 and 100 bytes; nil where the name cannot be cut so.
    private static func split(_ name: String) -> (String, String)? {
        let bytes = Array(name.utf8)
        if bytes.count <= 100 { return ("", name) }
        var slash = bytes.dropLast().lastIndex(of: UInt8(ascii: "/"))
        while let at = slash {
            let (prefix, rest) = (bytes[..<at], bytes[(at + 1)...])
            if rest.count > 100 { return nil }
            if prefix.count <= 155, !prefix.isEmpty {
                return (String(decoding: prefix, as: UTF8.self), String(decoding: rest, as: UTF8.self))
            }
            slash = prefix.lastIndex(of: UInt8(ascii: "/"))
        }
        return nil
    }

    private static func block(
        name: String, type: Unicode.Scalar, mode: UInt32, size: UInt64, modified: Int64, target: String = "",
        owner: (String, UInt32) = ("", 0), group: (String, UInt32) = ("", 0)
    ) -> [UInt8] {
        var b = [UInt8](repeating: 0, count: blockSize)
        func put(_ text: String, _ at: Int, _ width: Int) {
            for (i, byte) in text.utf8.prefix(width).enumerated() { b[at + i] = byte }
        }
        func octal(_ value: UInt64, _ at: Int, _ width: Int) {
            let digits = String(min(value, (1 << UInt64(3 * (width - 1))) - 1), radix: 8)
            put(String(repeating: "0", count: width - 1 - digits.utf8.count) + digits, at, width)
        }
        let (prefix, last) = split(name) ?? ("", name)
        put(last, 0, 100)
        octal(UInt64(mode & 0o7777), 100, 8)
        octal(UInt64(owner.1), 108, 8)
        octal(UInt64(group.1), 116, 8)
        octal(size, 124, 12)
        octal(UInt64(max(0, modified)), 136, 12)
        put("        ", 148, 8)
        b[156] = UInt8(ascii: type)
        put(target, 157, 100)
        put("ustar", 257, 6)
        put("00", 263, 2)
        put(owner.0, 265, 31)
        put(group.0, 297, 31)
        put(prefix, 345, 155)
        let sum = b.reduce(0) { $0 + Int($1) }
        octal(UInt64(sum), 148, 7)
        b[155] = UInt8(ascii: " ")
        return b
    }

    // MARK: reading

    /// The next entry: its header, with what the records before it say. `next` gives a block, or nil at the end of the
    /// file. Gives nil at the end of the archive.
    static func read(_ next: () throws(SysError) -> [UInt8]?) throws(SysError) -> TarHeader? {
        var records: [String: String] = [:]
        var longName: String?
        var longTarget: String?
        while true {
            try Thread.check()
            guard let b = try next() else { return nil }
            if b.allSatisfy({ $0 == 0 }) { return nil }
            try check(b)
            let size = try number(b, 124, 12)
            switch b[156] {
            case UInt8(ascii: "x"): records = try parse(try contents(size, next))
            case UInt8(ascii: "g"): _ = try contents(size, next)
            case UInt8(ascii: "L"): longName = text(try contents(size, next), 0, Int(size))
            case UInt8(ascii: "K"): longTarget = text(try contents(size, next), 0, Int(size))
            default:
                var h = TarHeader()
                let prefix = text(b, 257, 5) == "ustar" && b[262] == 0 ? text(b, 345, 155) : ""
                h.name = records["path"] ?? longName ?? (prefix.isEmpty ? "" : prefix + "/") + text(b, 0, 100)
                h.target = records["linkpath"] ?? longTarget ?? text(b, 157, 100)
                h.size = records["size"].flatMap { UInt64($0) } ?? size
                h.mode = UInt32(truncatingIfNeeded: try number(b, 100, 8)) & 0o7777
                h.modified = Int64(clamping: try number(b, 136, 12))
                if let time = records["mtime"].flatMap({ Int64($0.prefix { $0 != "." }) }) { h.modified = time }
                h.owner = text(b, 265, 32)
                h.group = text(b, 297, 32)
                h.ownerID = UInt32(clamping: try number(b, 108, 8))
                h.groupID = UInt32(clamping: try number(b, 116, 8))
                switch b[156] {
                case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                    h.kind = h.name.utf8.last == UInt8(ascii: "/") ? .directory : .file
                case UInt8(ascii: "1"): h.kind = .link
                case UInt8(ascii: "2"): h.kind = .symlink
                case UInt8(ascii: "5"): h.kind = .directory
                default: h.kind = .other
                }
                if h.kind != .file && h.kind != .other { h.size = 0 }
                guard h.size < 1 << 60 else { throw SysError("tar: a size is out of range") }
                return h
            }
        }
    }

    private static func check(_ b: [UInt8]) throws(SysError) {
        var sum = 0
        for i in b.indices { sum += 148..<156 ~= i ? 0x20 : Int(b[i]) }
        guard try number(b, 148, 8) == UInt64(sum) else { throw SysError("this is no tar archive, or a damaged one") }
    }

    private static func contents(_ size: UInt64, _ next: () throws(SysError) -> [UInt8]?) throws(SysError) -> [UInt8] {
        guard size <= UInt64(nameLimit) else { throw SysError("tar: a name is too long") }
        var out: [UInt8] = []
        while out.count < size {
            guard let b = try next() else { throw SysError("the archive ends too early") }
            out += b
        }
        return Array(out.prefix(Int(size)))
    }

    private static func text(_ b: [UInt8], _ at: Int, _ width: Int) -> String {
        String(decoding: b[min(at, b.count)..<min(at + width, b.count)].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal digits, or GNU's binary numbers.
    private static func number(_ b: [UInt8], _ at: Int, _ width: Int) throws(SysError) -> UInt64 {
        if b[at] & 0x80 != 0 {
            var value: UInt64 = 0
            for byte in b[at + width - 8..<at + width] { value = value << 8 | UInt64(byte) }
            return b[at] == 0xff ? 0 : value
        }
        var value: UInt64 = 0
        for byte in b[at..<at + width] {
            if byte == 0 || byte == 0x20 { if value == 0 { continue } else { break } }
            guard byte >= 0x30, byte <= 0x37 else { throw SysError("this is no tar archive, or a damaged one") }
            value = value << 3 | UInt64(byte - 0x30)
        }
        return value
    }

    /// Those of the records that are used here.
    private static func parse(_ bytes: [UInt8]) throws(SysError) -> [String: String] {
        var records: [String: String] = [:]
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let blank = rest.firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<blank], as: UTF8.self)), length > blank - rest.startIndex,
                length <= rest.count
            else { throw SysError("tar: a damaged record") }
            let record = rest[(blank + 1)..<(rest.startIndex + length)].dropLast()
            rest = rest.dropFirst(length)
            guard let equal = record.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = String(decoding: record[..<equal], as: UTF8.self)
            guard ["path", "linkpath", "size", "mtime"].contains(key) else { continue }
            records[key] = String(decoding: record[(equal + 1)...], as: UTF8.self)
        }
        return records
    }
}
