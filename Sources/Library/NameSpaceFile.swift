import Kernel

/// A name space written down: one call a line, as `newns`, `emu -n` and the system's own start take it.
///
/// Lines are `bind [-abc] [-p MASK] SOURCE TARGET`, `mount` as the command takes it, `unmount [-f] [SOURCE] TARGET`,
/// `cd DIR`, `mkdir DIR` and `touch FILE` (which may be there already), `new`, `fork`, `nodev` and `. FILE`; `#` after a blank begins a comment, `'...'` quotes (lines too), and `$name`
/// is replaced by that environment variable.
/// The corresponding Inferno page is `namespace(6)`.
public struct NameSpaceFile {
    private let name: String
    private let text: String

    /// Files that include each other, at most.
    private static let depthLimit = 8

    /// `name` stands in errors.
    public init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// Does each line for `p`. Throws at the first that fails, `FILE:LINE: ...`; those before it stay done.
    public func apply(to p: Proc) throws(SysError) { try apply(to: p, in: nil, depth: 0) }

    /// The same, but what `p`'s name space has by a line of the same words is there already, and is not done again: so what
    /// `ns` has printed can be read where `#` names are refused.
    public func complete(_ p: Proc) throws(SysError) {
        var there = p.nameSpace.table.script
        try apply(to: p, in: nil, depth: 0, there: &there)
    }

    /// Does the lines, which may be `bind` and `unmount` only, for the name space of `other`; the names in them are
    /// those of `p`. The corresponding file is /prog/N/ns.
    public func apply(to other: Proc, by p: Proc) throws(SysError) { try apply(to: p, in: other, depth: 0) }

    private func apply(to p: Proc, in other: Proc?, depth: Int) throws(SysError) {
        var none: [String] = []
        try apply(to: p, in: other, depth: depth, there: &none)
    }

    /// `there`: lines that need not be done, each once; they are taken out.
    private func apply(to p: Proc, in other: Proc?, depth: Int, there: inout [String]) throws(SysError) {
        var rest = text.unicodeScalars[...]
        var number = 1
        while !rest.isEmpty {
            let start = number
            do throws(SysError) {
                let words = try line(&rest, &number, p.environment)
                let text = words.map(shellQuoted).joined(separator: " ")
                if let i = there.firstIndex(of: text) {
                    there.remove(at: i)
                } else if !words.isEmpty {
                    try run(words, p, other, depth, &there)
                }
            } catch {
                throw SysError("\(name):\(start): \(error)")
            }
        }
    }

    private func run(
        _ words: [String], _ p: Proc, _ other: Proc?, _ depth: Int, _ there: inout [String]
    ) throws(SysError) {
        switch words[0] {
        case "bind":
            let (flags, mask, rest) = try Self.bindOptions(words)
            guard rest.count == 2 else { throw SysError("usage: bind [-abc] [-p mask] source target") }
            try p.bind(rest[0], rest[1], flags, mask: mask, in: other)
        case "unmount":
            let force = words.count > 1 && words[1] == "-f"
            let names = words.dropFirst(force ? 2 : 1)
            guard let target = names.last, names.count <= 2 else {
                throw SysError("usage: unmount [-f] [source] target")
            }
            try p.unmount(names.count == 2 ? names.first : nil, target, force: force, in: other)
        case _ where other != nil: throw SysError("'\(words[0])': only bind and unmount change another process")
        case "cd":
            guard words.count == 2 else { throw SysError("usage: cd dir") }
            try p.chdir(words[1])
        case "mkdir":
            guard words.count == 2 else { throw SysError("usage: mkdir dir") }
            do throws(SysError) { try p.mkdir(words[1], 0o755) } catch {
                guard error.code == .exist else { throw error }
            }
        case "touch":
            guard words.count == 2 else { throw SysError("usage: touch file") }
            if (try? p.stat(words[1])) == nil {  // made, and not emptied
                try p.close(try p.create(words[1], .write, FileMode(rawValue: 0o644)))
            }
        case "new", "fork", "nodev":
            guard words.count == 1 else { throw SysError("usage: \(words[0])") }
            try p.pctl(words[0] == "new" ? .newNS : words[0] == "fork" ? .forkNS : .noDevices)
        case ".":
            guard words.count == 2 else { throw SysError("usage: . file") }
            guard depth < Self.depthLimit else { throw SysError("files include each other too deeply") }
            let fd = try p.open(words[1])
            defer { _ = try? p.close(fd) }  // it was read: nothing is lost
            // What is cut off might have laid a mask.
            let bytes = try p.readn(fd, (1 << 20) + 1)
            guard bytes.count <= 1 << 20 else { throw SysError(.tooBig, subject: words[1]) }
            let file = NameSpaceFile(name: words[1], text: String(decoding: bytes, as: UTF8.self))
            try file.apply(to: p, in: nil, depth: depth + 1, there: &there)
        case "mount": try ServerMount(words).apply(to: p)
        case "import": throw SysError("import: not in this emu")
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

    /// The words of the next line, which is taken off; what is quoted may go on over several. Counts the lines.
    private func line(
        _ rest: inout Substring.UnicodeScalarView, _ number: inout Int, _ environment: Egrp
    ) throws(SysError) -> [String] {
        var words: [String] = []
        var word: String.UnicodeScalarView?
        func end() {
            if let word { words.append(String(word)) }
            word = nil
        }
        while let c = rest.popFirst() {
            switch c {
            case "\n":
                number += 1
                end()
                return words
            case " ", "\t", "\r": end()
            case "'":
                word = word ?? .init()
                try quoted(&rest) { q in
                    if q == "\n" { number += 1 }
                    word?.append(q)
                }
            case "#" where word == nil && (rest.first.map { " \t\r\n".unicodeScalars.contains($0) } ?? true):
                while let next = rest.first, next != "\n" { rest = rest.dropFirst() }
            case "$":
                let name = String(rest.prefix { $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" })
                guard let value = environment[name]?.value else { throw SysError("'$\(name)' is not set") }
                rest = rest.dropFirst(name.unicodeScalars.count)
                word = (word ?? .init()) + String(decoding: value, as: UTF8.self).unicodeScalars
            default: word = (word ?? .init()) + [c]
            }
        }
        end()
        return words
    }

    /// What stands before the closing quote, a scalar at a time; two quotes are one.
    private func quoted(
        _ rest: inout Substring.UnicodeScalarView, _ take: (Unicode.Scalar) -> Void
    ) throws(SysError) {
        while let c = rest.popFirst() {
            if c == "'" {
                guard rest.first == "'" else { return }
                rest = rest.dropFirst()
            }
            take(c)
        }
        throw SysError("a quote is not closed")
    }
}
