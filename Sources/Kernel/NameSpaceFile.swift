/// A name space written down: one call a line, as `newns`, `emu -n` and the system's own start take it.
///
/// Lines are `bind [-abc] [-p MASK] SOURCE TARGET`, `unmount [SOURCE] TARGET`, `cd DIR`, `mkdir DIR` (which may be there
/// already), `new`, `fork`, `nodev` and `. FILE`; `#` after a blank begins a comment, `'...'` quotes, `$name` is replaced by its value.
/// The corresponding Inferno page is `namespace(6)`.
public struct NameSpaceFile {
    private let name: String
    private let text: String
    private let variables: [String: String]

    /// Files that include each other, at most.
    private static let depthLimit = 8

    /// `name` stands in errors; `variables` are what `$name` is replaced by.
    public init(name: String, text: String, variables: [String: String] = [:]) {
        self.name = name
        self.text = text
        self.variables = variables
    }

    /// Does each line for `p`. Throws at the first that fails, `FILE:LINE: ...`; those before it stay done.
    public func apply(to p: Proc) throws(SysError) { try apply(to: p, in: nil, depth: 0) }

    /// Does the lines, which may be `bind` and `unmount` only, for the name space of `other`; the names in them are
    /// those of `p`. The corresponding file is /prog/N/ns.
    public func apply(to other: Proc, by p: Proc) throws(SysError) { try apply(to: p, in: other, depth: 0) }

    private func apply(to p: Proc, in other: Proc?, depth: Int) throws(SysError) {
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            do throws(SysError) {
                let words = try words(of: line)
                if !words.isEmpty { try run(words, p, other, depth) }
            } catch {
                throw SysError("\(name):\(number): \(error)")
            }
        }
    }

    private func run(_ words: [String], _ p: Proc, _ other: Proc?, _ depth: Int) throws(SysError) {
        switch words[0] {
        case "bind":
            let (flags, mask, rest) = try Self.bindOptions(words)
            guard rest.count == 2 else { throw SysError("usage: bind [-abc] [-p mask] source target") }
            try p.bind(rest[0], rest[1], flags, mask: mask, in: other)
        case "unmount":
            guard words.count == 2 || words.count == 3 else { throw SysError("usage: unmount [source] target") }
            try p.unmount(words.count == 3 ? words[1] : nil, words[words.count - 1], in: other)
        case _ where other != nil: throw SysError("'\(words[0])': only bind and unmount change another process")
        case "cd":
            guard words.count == 2 else { throw SysError("usage: cd dir") }
            try p.chdir(words[1])
        case "mkdir":
            guard words.count == 2 else { throw SysError("usage: mkdir dir") }
            do throws(SysError) { try p.mkdir(words[1], 0o755) } catch {
                guard error.code == .exist else { throw error }
            }
        case "new", "fork", "nodev":
            guard words.count == 1 else { throw SysError("usage: \(words[0])") }
            try p.pctl(words[0] == "new" ? .newNS : words[0] == "fork" ? .forkNS : .noDevices)
        case ".":
            guard words.count == 2 else { throw SysError("usage: . file") }
            guard depth < Self.depthLimit else { throw SysError("files include each other too deeply") }
            let fd = try p.open(words[1])
            defer { _ = try? p.close(fd) }  // it was read: nothing is lost
            let bytes = try p.readn(fd, 1 << 20)
            let file = NameSpaceFile(name: words[1], text: String(decoding: bytes, as: UTF8.self), variables: variables)
            try file.apply(to: p, in: nil, depth: depth + 1)
        case "mount", "import":
            throw SysError("\(words[0]): not in this emu")
        default:
            throw SysError("'\(words[0])': no such name space call")
        }
    }

    /// Flags, mask and the other words of a `bind` command.
    public static func bindOptions(_ words: [String]) throws(SysError) -> (MountFlags, Mask?, [String]) {
        var flags: MountFlags = []
        var mask: Mask?
        var i = 1
        while i < words.count, words[i].hasPrefix("-"), words[i].count > 1 {
            if words[i] == "--" {
                i += 1
                break
            }
            for (n, c) in words[i].dropFirst().enumerated() {
                switch c {
                case "a": flags.insert(.after)
                case "b": flags.insert(.before)
                case "c": flags.insert(.create)
                case "p" where n == words[i].count - 2:
                    i += 1
                    guard i < words.count else { throw SysError("-p needs a mask") }
                    mask = try Mask(words[i])
                default: throw SysError("unknown flag -\(c)")
                }
            }
            i += 1
        }
        guard !flags.isSuperset(of: [.before, .after]) else { throw SysError("-a and -b exclude each other") }
        return (flags, mask, Array(words[min(i, words.count)...]))
    }

    private func words(of line: Substring) throws(SysError) -> [String] {
        var words: [String] = []
        var word: String?
        var i = line.startIndex
        while i < line.endIndex {
            let c = line[i]
            i = line.index(after: i)
            switch c {
            case " ", "\t", "\r":
                if let w = word { words.append(w) }
                word = nil
            case "'":
                var w = word ?? ""
                while true {
                    guard i < line.endIndex else { throw SysError("a quote is not closed") }
                    let q = line[i]
                    i = line.index(after: i)
                    if q != "'" {
                        w.append(q)
                    } else if i < line.endIndex, line[i] == "'" {
                        w.append("'")
                        i = line.index(after: i)
                    } else {
                        break
                    }
                }
                word = w
            case "#" where word == nil && (i == line.endIndex || line[i] == " " || line[i] == "\t"):
                return words
            case "$":
                let end = line[i...].firstIndex { !($0.isLetter || $0.isNumber || $0 == "_") } ?? line.endIndex
                let name = String(line[i..<end])
                guard let value = variables[name] else { throw SysError("'$\(name)' is not set") }
                word = (word ?? "") + value
                i = end
            default:
                word = (word ?? "") + String(c)
            }
        }
        if let w = word { words.append(w) }
        return words
    }
}
