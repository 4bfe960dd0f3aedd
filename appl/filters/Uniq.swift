import Applib
import Kernel

/// Passes lines that differ from the one before.
struct Uniq: Command {
    static let usage: Usage = """
        uniq [-cdDiuz] [--all-repeated[=how]] [-f fields] [-s chars] [-w chars] [input [output]]
        -c, --count              put how often the line stood before it
        -d, --repeated           only lines that are repeated, one of each
        -D                       only lines that are repeated, all of them
        --all-repeated[=how]     as -D, with an empty line before each group (prepend) or between groups (separate)
        -f, --skip-fields fields  skip so many fields before comparing
        -i, --ignore-case        lower case equals upper case
        -s, --skip-chars chars   skip so many characters, after the fields
        -u, --unique             only lines that are not repeated
        -w, --check-chars chars  compare so many characters at most
        -z, --zero-terminated    lines end in a zero byte
        """

    func run(_ r: Run) throws(SysError) {
        let names = try r.operands(0...2)
        let fields = try r.number("f", or: 0)
        let skip = try r.number("s", or: 0)
        let width = try r.number("w", or: .max)
        let ending: UInt8 = r.has("z") ? 0 : UInt8(ascii: "\n")
        let fd = names.isEmpty || names[0] == "-" ? 0 : try r.open(names[0])
        var out = r.out
        if names.count == 2, names[1] != "-" {
            out = Writer(r.p, try r.p.create(names[1], .write, FileMode(rawValue: 0o666)))
        }
        let folds = r.has("i")
        let how = r.options.value("all-repeated") ?? ""
        guard ["", "none", "prepend", "separate"].contains(how) else {
            throw r.misuse("--all-repeated: bad value '\(how)'")
        }
        let isAll = r.has("D") || r.has("all-repeated")
        guard !isAll || !r.has("c") else { throw r.misuse("-c and -D exclude each other") }
        var groups = 0

        func key(_ line: Span<UInt8>) -> Range<Int> {
            var i = 0
            for _ in 0..<min(fields, line.count) {
                while i < line.count, SortOrder.isBlank(line[i]) { i += 1 }
                while i < line.count, !SortOrder.isBlank(line[i]) { i += 1 }
            }
            let start = min(line.count, i.addingReportingOverflow(skip).overflow ? line.count : i + skip)
            return start..<(line.count - start > width ? start + width : line.count)
        }
        func isEqual(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
            let x = a.extracting(key(a))
            let y = b.extracting(key(b))
            guard folds else { return x.compare(y) == 0 }
            guard x.count == y.count else { return false }
            for i in x.indices where Self.lower(x[i]) != Self.lower(y[i]) { return false }
            return true
        }
        func give(_ line: [UInt8], _ count: Int) throws(SysError) {
            if isAll || r.has("d") && count == 1 || r.has("u") && count > 1 { return }
            if r.has("c") {
                let number = String(count)
                try out.write(String(repeating: " ", count: max(0, 7 - number.utf8.count)) + number + " ")
            }
            try out.write(line)
            try out.put(ending)
        }

        var reader = Reader(r, fd, separator: ending)
        var last: [UInt8] = []
        var pending: [UInt8] = []
        var count = 0
        while true {
            let isNew = try reader.line { line -> Bool in
                let isNew = count == 0 || !isEqual(last.span, line)
                guard isNew || isAll else { return false }
                pending.removeAll(keepingCapacity: true)
                pending.append(copying: line.bytes)
                return isNew
            }
            guard let isNew else { break }
            if isNew {
                if count > 0 { try give(last, count) }
                swap(&last, &pending)
                count = 0
            } else if isAll, !r.has("u") {
                // The first of a group is known for one when the second comes.
                if count == 1 {
                    if how == "prepend" || how == "separate" && groups > 0 { try out.put(ending) }
                    groups += 1
                    try out.write(last)
                    try out.put(ending)
                }
                try out.write(pending)
                try out.put(ending)
            }
            count += 1
            if count & 0xfff == 0 { try Thread.check() }
        }
        if count > 0 { try give(last, count) }
        if out !== r.out {
            try out.flush()
            try r.p.close(out.fd)
        }
    }

    private static func lower(_ c: UInt8) -> UInt8 { c >= 0x41 && c <= 0x5a ? c | 0x20 : c }
}
