/// What `emu.conf` lists: the devices, builtin modules, programs and files of this emu, and its first process.
///
/// Sections stand at column 0 and open once each; entries are indented under them; `#` at the start of a word begins
/// a comment; a word in single quotes may hold blanks, and a quote in it is doubled. The order of the
/// entries is the order of the generated tables.
public struct EmuConf: Equatable, Sendable {
    /// One entry of `dev` or `mod`: a name, which stands for a Swift type and its file.
    public struct Entry: Equatable, Sendable {
        public let name: String
        public let line: Int

        /// `cons` as part of a type's name: `Cons`.
        var capitalized: String { name.prefix(1).uppercased() + name.dropFirst() }
    }

    /// One entry of `prog`: a path inside, and the Swift type of `appl` that it runs.
    public struct Program: Equatable, Sendable {
        public let path: String
        public let type: String
        public let line: Int
    }

    /// One entry of `root`: a path inside, and what of the repository stands there (nil: an empty directory).
    public struct Root: Equatable, Sendable {
        public let path: String
        public let source: String?
        public let line: Int
    }

    /// The entry of `init`: the argument list of the first process.
    public struct Command: Equatable, Sendable {
        public let words: [String]
        public let line: Int
    }

    public internal(set) var devices: [Entry] = []
    public internal(set) var modules: [Entry] = []
    public internal(set) var programs: [Program] = []
    public internal(set) var roots: [Root] = []
    public internal(set) var command: Command?

    /// Reads the text of `emu.conf`. Each line is judged by itself, so one run shows every mistake (50 at most); what
    /// could be read is in the result either way.
    public static func parse(_ bytes: [UInt8], file: String = "emu.conf") -> (EmuConf, [Diagnostic]) {
        guard bytes.count <= Limit.file else {
            return (EmuConf(), [Diagnostic(file, 0, "file is larger than \(Limit.file) bytes")])
        }
        var parser = ConfParser()
        var faults: [Diagnostic] = []
        for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            do throws(Fault) {
                try parser.take(line, at: index + 1)
            } catch {
                faults.append(Diagnostic(file, index + 1, error.message))
                if faults.count == 50 { break }
            }
        }
        return (parser.conf, faults)
    }
}

/// A mistake whose place the caller knows.
struct Fault: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// The state between the lines of one `emu.conf`.
private struct ConfParser {
    enum Section: String {
        case dev, mod, prog, root
        case `init`
    }

    /// Where an entry goes. The entries of a section that is not known are passed over: it was reported once.
    enum Place {
        case outside, unknown
        case inside(Section)
    }

    var conf = EmuConf()
    private var place = Place.outside
    private var opened: [Section: Int] = [:]
    /// Entries by section and name, and paths inside by themselves, with the line that has each.
    private var lines: [String: Int] = [:]

    mutating func take(_ raw: ArraySlice<UInt8>, at line: Int) throws(Fault) {
        let words = try split(raw)
        guard let first = words.first else { return }
        guard raw.first == 0x20 || raw.first == 0x09 else {
            return try open(words, at: line)
        }
        switch place {
        case .outside: throw Fault("entry \(quoted(first)) stands outside a section")
        case .unknown: return
        case .inside(let section): try add(words, to: section, at: line)
        }
    }

    private mutating func open(_ words: [String], at line: Int) throws(Fault) {
        guard let section = Section(rawValue: words[0]) else {
            place = .unknown
            throw Fault("unknown section \(quoted(words[0])) (known are dev, mod, prog, root and init)")
        }
        place = .inside(section)
        if let before = opened.updateValue(line, forKey: section) {
            throw Fault("section '\(section.rawValue)' is open since line \(before)")
        }
        if words.count > 1 {
            throw Fault("\(quoted(words[1])) follows the section's name: entries stand indented on lines below it")
        }
    }

    private mutating func add(_ words: [String], to section: Section, at line: Int) throws(Fault) {
        switch section {
        case .dev:
            let name = try one(words, "device")
            try once("dev", name, "device \(quoted(name))", at: line)
            conf.devices.append(.init(name: name, line: line))
        case .mod:
            let name = try one(words, "module")
            try once("mod", name, "module \(quoted(name))", at: line)
            conf.modules.append(.init(name: name, line: line))
        case .prog:
            guard words.count == 2 else { throw Fault("a program is a path and a type, as in '/bin/ls Ls'") }
            try inside(words[0])
            guard words[0] != "/", isTypeName(words[1]) else {
                throw Fault("\(quoted(words[1])) is no name of a program's type: it begins with a capital letter")
            }
            try once("path", words[0], "path \(quoted(words[0]))", at: line)
            conf.programs.append(.init(path: words[0], type: words[1], line: line))
        case .root:
            guard words.count <= 2 else { throw Fault("a root entry is a path inside and a path in the repository") }
            try inside(words[0])
            if words.count == 2 { try relative(words[1]) }
            // The same directory may be filled from several places; mkconf finds files that meet.
            let source = words.count == 2 ? words[1] : nil
            try once("root", "\(words[0]) \(source ?? "")", "root entry \(quoted(words[0]))", at: line)
            conf.roots.append(.init(path: words[0], source: source, line: line))
        case .`init`:
            if let before = conf.command { throw Fault("the first process is given on line \(before.line)") }
            try inside(words[0])
            conf.command = .init(words: words, line: line)
        }
    }

    private mutating func once(_ kind: String, _ key: String, _ what: String, at line: Int) throws(Fault) {
        if let before = lines["\(kind) \(key)"] { throw Fault("\(what) is listed on line \(before) already") }
        lines["\(kind) \(key)"] = line
    }
}

/// The one word of an entry that names a device or a module.
private func one(_ words: [String], _ what: String) throws(Fault) -> String {
    if words.count > 1 { throw Fault("\(quoted(words[1])) follows the \(what)'s name") }
    let name = words[0].utf8
    guard let first = name.first, (0x61...0x7a).contains(first), name.count <= Limit.name,
        name.allSatisfy({ (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) })
    else { throw Fault("\(quoted(words[0])) is no name of a \(what): it has small letters and digits only") }
    return words[0]
}

func isTypeName(_ word: String) -> Bool {
    guard let first = word.utf8.first, (0x41...0x5a).contains(first), word.utf8.count <= Limit.name else {
        return false
    }
    return word.utf8.allSatisfy(isIdentifierByte)
}

/// Refuses what is not an absolute path in its shortest form.
private func inside(_ path: String) throws(Fault) {
    guard path.utf8.first == 0x2f else { throw Fault("\(quoted(path)) is no path inside: it begins with '/'") }
    if path == "/" { return }
    try elements(of: path.dropFirst(), path)
}

/// Refuses what is not a path below the repository in its shortest form.
private func relative(_ path: String) throws(Fault) {
    guard path.utf8.first != 0x2f else {
        throw Fault("\(quoted(path)) is no path in the repository: it begins with '/'")
    }
    try elements(of: path[...], path)
}

private func elements(of rest: Substring, _ path: String) throws(Fault) {
    guard path.utf8.count <= Limit.path else { throw Fault("path \(quoted(path)) is longer than \(Limit.path) bytes") }
    for element in rest.split(separator: "/", omittingEmptySubsequences: false) {
        switch element {
        case "", ".", "..": throw Fault("path \(quoted(path)) has an empty, '.' or '..' element")
        default:
            guard element.utf8.count <= Limit.name else {
                throw Fault("a name in path \(quoted(path)) is longer than \(Limit.name) bytes")
            }
        }
    }
}

/// The words of one line, comment and quotes taken off.
private func split(_ line: ArraySlice<UInt8>) throws(Fault) -> [String] {
    var words: [String] = []
    var i = line.startIndex
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
    while true {
        while i < line.endIndex, isBlank(line[i]) { i += 1 }
        if i == line.endIndex || line[i] == UInt8(ascii: "#") { return words }
        var word: [UInt8] = []
        if line[i] == UInt8(ascii: "'") {
            i += 1
            while true {
                guard i < line.endIndex else { throw Fault("a quote is not closed on its line") }
                if line[i] == UInt8(ascii: "'") {
                    i += 1
                    guard i < line.endIndex, line[i] == UInt8(ascii: "'") else { break }
                }
                word.append(line[i])
                i += 1
            }
            guard i == line.endIndex || isBlank(line[i]) else { throw Fault("a word goes on after its closing quote") }
        } else {
            while i < line.endIndex, !isBlank(line[i]) {
                if line[i] == UInt8(ascii: "'") { throw Fault("a quote stands inside a word") }
                word.append(line[i])
                i += 1
            }
        }
        guard let text = String(validating: word, as: UTF8.self) else { throw Fault("a word is not UTF-8") }
        guard !word.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw Fault("word \(quoted(text)) has a control character")
        }
        words.append(text)
        if words.count > Limit.words { throw Fault("a line has more than \(Limit.words) words") }
    }
}
