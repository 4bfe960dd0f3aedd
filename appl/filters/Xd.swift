import Applib
import Kernel

/// Dumps files as numbers or characters, 16 bytes a line.
struct Xd: Command {
    static let usage: Usage = """
        xd [-crs] [-a style] [-f format ...] [file ...]
        -a style   of the address: x, d or o
        -c         characters
        -f format  a size, 1 2 4 8 or b w l v, and a style, x d o: 4x where nothing is said. One line for each.
        -r         * for lines that are like the one before
        -s         the bytes of each four in reverse
        -1x and the like are the same as -f 1x.
        """

    private static let sizes: [Character: Int] = ["1": 1, "b": 1, "2": 2, "w": 2, "4": 4, "l": 4, "8": 8, "v": 8]
    private static let radixes: [Character: Int] = ["x": 16, "d": 10, "o": 8]

    static func arrange(_ arguments: [String]) -> [String] {
        arguments.flatMap { word -> [String] in
            let rest = Array(word.dropFirst())
            let isFormat = word.hasPrefix("-") && rest.count == 2 && sizes[rest[0]] != nil && radixes[rest[1]] != nil
            return isFormat ? ["-f", String(rest)] : [word]
        }
    }

    private enum Format {
        case characters
        case numbers(size: Int, radix: Int, width: Int)
    }

    func run(_ r: Run) throws(SysError) {
        var formats: [Format] = r.has("c") ? [.characters] : []
        for text in r.options.values("f") {
            guard text.count == 2, let first = text.first, let last = text.last, let size = Self.sizes[first],
                let radix = Self.radixes[last]
            else { throw SysError("bad format '\(text)'") }
            let widest = size == 8 ? UInt64.max : (1 << UInt64(size * 8)) - 1
            formats.append(.numbers(size: size, radix: radix, width: String(widest, radix: radix).count))
        }
        if formats.isEmpty { formats = [.numbers(size: 4, radix: 16, width: 8)] }
        let style = r.options.value("a") ?? "x"
        guard style.count == 1, let radix = style.first.flatMap({ Self.radixes[$0] }) else {
            throw SysError("-a: bad style '\(style)'")
        }
        var line: [UInt8] = []
        var before: [UInt8] = []
        var offset = 0
        var isRepeating = false
        var isOpened = false
        func end() throws(SysError) {
            guard !line.isEmpty else { return }
            if r.has("r"), line == before {
                if !isRepeating { try r.out.line("*") }
                isRepeating = true
            } else {
                isRepeating = false
                try print(line, String(offset, radix: radix).zeros(7), formats, r)
            }
            before = line
            offset += line.count
            line.removeAll(keepingCapacity: true)
        }
        try r.eachFile { (_, fd) throws(SysError) in
            isOpened = true
            var reader = Reader(r, fd)
            try reader.eachBlock { (bytes) throws(SysError) in
                for i in bytes.indices {
                    line.append(bytes[i])
                    if line.count == 16 { try end() }
                }
            }
        }
        try end()
        guard isOpened || r.status.isOK else { return }
        try r.out.line(String(offset, radix: radix).zeros(7))
    }

    private func print(_ line: [UInt8], _ address: String, _ formats: [Format], _ r: Run) throws(SysError) {
        var bytes = line
        if r.has("s") {
            while bytes.count % 4 != 0 { bytes.append(0) }
            for i in stride(from: 0, to: bytes.count, by: 4) { bytes[i..<i + 4].reverse() }
        }
        var title = address
        for format in formats {
            var out = title + " "
            switch format {
            case .characters: for byte in bytes { out += " " + Self.character(byte).right(2) }
            case .numbers(let size, let radix, let width):
                for i in stride(from: 0, to: bytes.count, by: size) {
                    // The highest byte first; what is missing at the end is zeros.
                    let n = (i..<i + size).reduce(UInt64(0)) { $0 << 8 | UInt64($1 < bytes.count ? bytes[$1] : 0) }
                    let text = String(n, radix: radix)
                    out += " " + (radix == 10 ? text.right(width) : text.zeros(width))
                }
            }
            try r.out.line(out)
            title = String(repeating: " ", count: address.count)
        }
    }

    private static func character(_ byte: UInt8) -> String {
        switch byte {
        case 0: "\\0"
        case 7: "\\a"
        case 8: "\\b"
        case 9: "\\t"
        case 10: "\\n"
        case 11: "\\v"
        case 12: "\\f"
        case 13: "\\r"
        case 0x20...0x7e: String(UnicodeScalar(byte))
        default: String(byte, radix: 16).zeros(2)
        }
    }
}
