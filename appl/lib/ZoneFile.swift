/// One of the two parts of a zone file: a header, the moments at which the rule changes, the rules, their names; what comes
/// behind the second is a rule for ever, in POSIX's form. Every length is checked against what is there.
struct ZoneFile {
    /// 0 for the first format, which has one part only; 2 and more have two.
    let version: Int
    /// From when on which of `rules` holds, in order.
    private(set) var changes: [(from: Int64, rule: Int)] = []
    /// What may hold; the first of them does before all changes.
    private(set) var rules: [Zone.Rule] = []
    /// What is behind this part.
    let rest: ArraySlice<UInt8>

    /// Reads the part that `bytes` begin with; its times have 8 bytes where it is `wide`, else 4.
    init?(_ bytes: ArraySlice<UInt8>, wide: Bool) {
        let headerSize = 44
        guard bytes.count >= headerSize, bytes.starts(with: Array("TZif".utf8)) else { return nil }
        let start = bytes.startIndex
        let mark = bytes[start + 4]
        version = mark == 0 ? 0 : Int(mark) - Int(UInt8(ascii: "0"))
        guard version == 0 || 2...9 ~= version else { return nil }
        // How many there are of each: UTC and standard marks, leap seconds, changes, rules, bytes of names.
        let counts = (0..<6).map { Int(Self.number(bytes[(start + 20 + 4 * $0)...].prefix(4))) }
        guard counts.allSatisfy({ 0...65536 ~= $0 }), 1...256 ~= counts[4] else { return nil }
        let (marks, leaps, times, types, letters) = (counts[0] + counts[1], counts[2], counts[3], counts[4], counts[5])
        let size = wide ? 8 : 4
        let length = times * (size + 1) + types * 6 + letters + leaps * (size + 4) + marks
        let body = bytes[(start + headerSize)...]
        guard body.count >= length else { return nil }
        rest = body.dropFirst(length)

        let indexes = body.startIndex + times * size
        let entries = indexes + times
        let names = entries + types * 6
        for at in stride(from: entries, to: names, by: 6) {
            let offset = Self.number(body[at..<at + 4])
            let name = Int(body[at + 5])
            guard offset.magnitude <= 26 * 3600, name < letters else { return nil }
            let text = body[(names + name)..<(names + letters)].prefix { $0 != 0 }
            rules.append(Zone.Rule(name: String(decoding: text, as: UTF8.self), offset: offset))
        }
        var before = Int64.min
        for n in 0..<times {
            let from = Self.number(body[(body.startIndex + n * size)...].prefix(size))
            let rule = Int(body[indexes + n])
            guard n == 0 || from > before, rule < types else { return nil }
            before = from
            changes.append((from, rule))
        }
    }

    /// The line that ends the file: a rule in POSIX's form, or nothing.
    var footer: String {
        guard rest.first == UInt8(ascii: "\n") else { return "" }
        return String(decoding: rest.dropFirst().prefix { $0 != UInt8(ascii: "\n") }.prefix(256), as: UTF8.self)
    }

    /// A number with a sign, its first byte the highest.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return bytes.count == 8 ? Int64(bitPattern: bits) : Int64(Int32(truncatingIfNeeded: bits))
    }
}
