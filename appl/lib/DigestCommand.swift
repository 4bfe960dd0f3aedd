import Codec
import Kernel

/// What md5sum, sha1sum and sha256sum do: tell digests, or check those that a file lists.
public protocol DigestCommand: Command {
    static var algorithm: Digest.Algorithm { get }
}

extension Usage {
    /// What a program called `name` takes that tells `title` digests.
    public static func digest(_ name: String, _ title: String) -> Usage {
        Usage(
            stringLiteral: """
                \(name) [-bctwz] [--tag] [--ignore-missing] [--quiet] [--status] [--strict] [file ...]
                -b, --binary      a * before names
                -c, --check       check the \(title) digests that the files list
                -t, --text        a blank there; so it is where nothing is said
                -w, --warn        with -c: tell of lines that are no digests
                -z, --zero        lines end in a zero byte, and names are as they are
                --tag             lines of the form \(title) (name) = digest
                --ignore-missing  with -c: pass over files that are not there
                --quiet           with -c: tell only of files that do not match
                --status          with -c: tell nothing, the status says it
                --strict          with -c: a line that is no digest is a failure
                """)
    }
}

extension DigestCommand {
    private static var title: String { algorithm.rawValue.uppercased() }

    /// Hexadecimal digits of a digest.
    private static var width: Int {
        switch algorithm {
        case .md5: 32
        case .sha1: 40
        case .sha256: 64
        case .sha512: 128
        }
    }

    /// Tells the digests of the operands, or with -c checks them.
    public func run(_ r: Run) throws(SysError) {
        if r.has("c") {
            guard !r.has("tag"), !r.has("b"), !r.has("t") else { throw r.misuse("-b, -t and --tag do not go with -c") }
            return try r.eachFile { (name, fd) throws(SysError) in try check(r, name, fd) }
        }
        guard !r.has("ignore-missing"), !r.has("quiet"), !r.has("status"), !r.has("strict"), !r.has("w") else {
            throw r.misuse("--ignore-missing, --quiet, --status, --strict and -w go with -c")
        }
        let mark = r.options.last(of: "bt") == "b" ? "*" : " "
        try r.eachFile { (name, fd) throws(SysError) in
            let digest = hex(try digest(r, fd))
            let shown = r.has("z") ? name : Self.escaped(name)
            let line = r.has("tag") ? "\(Self.title) (\(shown)) = \(digest)" : "\(digest) \(mark)\(shown)"
            try r.out.write((shown == name ? "" : "\\") + line)
            try r.out.put(r.has("z") ? 0 : UInt8(ascii: "\n"))
        }
    }

    private func digest(_ r: Run, of name: String) throws(SysError) -> [UInt8] {
        let file = try r.open(name)
        defer { try? r.p.close(file) }  // it was read: nothing is lost
        return try digest(r, file)
    }

    private func digest(_ r: Run, _ fd: Int32) throws(SysError) -> [UInt8] {
        var digest = try Digest(Self.algorithm)
        var block = [UInt8](repeating: 0, count: Writer.blockSize)
        while true {
            let n = try r.p.fill(&block, 0..<block.count, from: fd)
            if n == 0 { return try digest.finish() }
            try digest.update(block.span.extracting(0..<n).bytes)
        }
    }

    // MARK: names with newlines

    /// A name that fits on a line; where it is another, the line begins with a backslash.
    private static func escaped(_ name: String) -> String {
        var out = String.UnicodeScalarView()
        for c in name.unicodeScalars {
            switch c {
            case "\\": out.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": out.append(contentsOf: "\\n".unicodeScalars)
            case "\r": out.append(contentsOf: "\\r".unicodeScalars)
            default: out.append(c)
            }
        }
        return String(out)
    }

    private static func plain(_ name: Substring) -> String? {
        var out = String.UnicodeScalarView()
        var rest = name.unicodeScalars[...]
        while let c = rest.popFirst() {
            guard c == "\\" else {
                out.append(c)
                continue
            }
            switch rest.popFirst() {
            case "\\": out.append("\\")
            case "n": out.append("\n")
            case "r": out.append("\r")
            default: return nil
            }
        }
        return String(out)
    }

    // MARK: a list

    /// `DIGEST  NAME`, `DIGEST *NAME` or `TITLE (NAME) = DIGEST`; nil where the line is neither.
    private static func entry(_ line: String) -> (name: String, digest: String)? {
        let isEscaped = line.hasPrefix("\\")
        let line = isEscaped ? line.dropFirst() : line[...]
        var found: (name: Substring, digest: Substring)?
        if line.hasPrefix(title + " ("), let end = line.lastIndex(of: ")") {
            let digest = line[end...].dropFirst()
            guard digest.hasPrefix(" = ") else { return nil }
            found = (line[..<end].dropFirst(title.count + 2), digest.dropFirst(3))
        } else {
            let digest = line.prefix(width)
            let mark = line.dropFirst(width).prefix(2)
            if mark == "  " || mark == " *" { found = (line.dropFirst(width + 2), digest) }
        }
        guard let found, !found.name.isEmpty, found.digest.count == width, found.digest.allSatisfy(\.isHexDigit),
            let name = isEscaped ? plain(found.name) : String(found.name)
        else { return nil }
        return (name, found.digest.lowercased())
    }

    private func check(_ r: Run, _ list: String, _ fd: Int32) throws(SysError) {
        var reader = Reader(r, fd, separator: r.has("z") ? 0 : UInt8(ascii: "\n"))
        var (number, checked, malformed, unread, wrong) = (0, 0, 0, 0, 0)
        while let line = try reader.text() {
            number += 1
            guard let entry = Self.entry(line) else {
                malformed += 1
                if r.has("w") { r.tell("\(list):\(number): no \(Self.title) digest") }
                continue
            }
            let found: [UInt8]
            do throws(SysError) { found = try digest(r, of: entry.name) } catch {
                if r.has("ignore-missing"), error.code == .nonexist { continue }
                checked += 1
                unread += 1
                try r.warn(error.about(entry.name))
                if !r.has("status") { try r.out.line("\(entry.name): FAILED open or read") }
                continue
            }
            checked += 1
            let isGood = hex(found) == entry.digest
            if !isGood { wrong += 1 }
            if !r.has("status"), !isGood || !r.has("quiet") {
                try r.out.line("\(entry.name): \(isGood ? "OK" : "FAILED")")
            }
        }
        let quietly = r.has("status")
        guard checked > 0 else {
            throw SysError(number > malformed ? "no file was checked" : "no digests found", subject: list)
        }
        if malformed > 0 {
            let what = SysError("\(malformed) of \(number) lines are no \(Self.title) digests", subject: list)
            if r.has("strict") { try r.warn(what, quietly: quietly) } else if !quietly { r.tell(what.description) }
        }
        if wrong > 0 {
            try r.warn(SysError("\(wrong) of \(checked - unread) do not match", subject: list), quietly: quietly)
        }
    }
}
