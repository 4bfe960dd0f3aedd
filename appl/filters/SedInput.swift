import Applib
import Kernel

/// The lines of all files, one after the other, and where they are edited in place what becomes of each.
struct SedInput {
    private let r: Run
    private var files: ArraySlice<String>
    private let separator: UInt8
    /// Each file has a first and a last line of its own.
    let isSeparate: Bool
    private let isInPlace: Bool
    private let suffix: String?

    private var reader: Reader?
    /// The line after the current one, where somebody has asked.
    private var ahead: (line: [UInt8], isEnded: Bool)?
    /// The file being read, `-` for descriptor 0.
    private(set) var name = "-"
    private(set) var lineNumber = 0
    /// The current line had its newline.
    private(set) var isEnded = true
    /// A file that is edited: where its lines go, and its new name for now.
    private(set) var edited: SedOutput?
    private var temporary = ""
    /// Counts the files that were begun.
    private(set) var begun = 0

    init(_ r: Run, _ files: [String]) {
        self.r = r
        self.files = files.isEmpty ? ["-"] : files[...]
        separator = r.has("z") ? 0 : UInt8(ascii: "\n")
        suffix = (r.options.last(of: "Ii") == "I" ? r.options.value("I") : r.options.value("i")).flatMap {
            $0.isEmpty ? nil : $0
        }
        isInPlace = r.has("i") || r.has("I")
        isSeparate = r.has("s") || isInPlace
    }

    /// Reads the next line into `space`, behind what is there; false at the end.
    mutating func next(into space: inout [UInt8]) throws(SysError) -> Bool {
        if ahead == nil { guard try look(acrossFiles: true) else { return false } }
        guard let line = ahead.take() else { return false }
        space += line.line
        isEnded = line.isEnded
        lineNumber += 1
        return true
    }

    /// Whether no line follows: in this file, where each has its own last line.
    mutating func isLast() throws(SysError) -> Bool {
        if ahead != nil { return false }
        return try !look(acrossFiles: !isSeparate)
    }

    private mutating func look(acrossFiles: Bool) throws(SysError) -> Bool {
        while true {
            if var open = reader {
                let line = try open.line { (bytes) throws(SysError) in [UInt8](copying: bytes) }
                reader = open
                if let line {
                    ahead = (line, open.wasEnded)
                    return true
                }
            }
            guard acrossFiles else { return false }
            try close()
            guard let file = files.popFirst() else { return false }
            do throws(SysError) { try begin(file) } catch {
                try r.warn(error.about(file))
                r.status = Status(code: 2, error.about(file).description)
            }
        }
    }

    private mutating func begin(_ file: String) throws(SysError) {
        guard file != "-" || isInPlace else {
            name = "-"
            reader = Reader(r, 0, separator: separator)
            if isSeparate { lineNumber = 0 }
            begun += 1
            return
        }
        let fd = try r.open(file)
        if isInPlace {
            do throws(SysError) {
                let dir = try r.p.fstat(fd)
                guard dir.mode.isDisjoint(with: [.device, .namedPipe, .socket]) else {
                    throw SysError("no regular file")
                }
                temporary = file + ".sed\(r.p.pid)"
                let mode = FileMode(rawValue: dir.mode.permissions)
                edited = SedOutput(Writer(r.p, try r.p.create(temporary, [.write, .exclusive], mode)), separator)
            } catch {
                try? r.p.close(fd)  // what went wrong first is what is told
                throw error
            }
        }
        name = file
        reader = Reader(r, fd, separator: separator)
        if isSeparate { lineNumber = 0 }
        begun += 1
    }

    /// Closes the file that was read; the one that was edited gets its name.
    mutating func close() throws(SysError) {
        guard var open = reader.take() else { return }
        if open.fd != 0 {
            try r.p.close(open.fd)
        } else {
            // Who quits early leaves the rest to the next program.
            try open.giveBack(ahead.map { $0.line.count + ($0.isEnded ? 1 : 0) } ?? 0)
        }
        guard let output = edited else { return }
        // Where one of these fails, `abandon` has to take away what there is.
        try output.writer.flush()
        try r.p.close(output.writer.fd)
        if let suffix { try r.p.rename(name, name + suffix) }
        try r.p.rename(temporary, name)
        edited = nil
    }

    /// After a failure: what was made of the file so far goes.
    mutating func abandon() {
        guard let output = edited.take() else { return }
        // The failure itself is what is told.
        try? r.p.close(output.writer.fd)
        try? r.p.remove(temporary)
    }
}

/// Where lines go. A line that had no newline gets none, unless something is written behind it.
final class SedOutput {
    let writer: Writer
    private let separator: UInt8
    private var isOpen = false

    init(_ writer: Writer, _ separator: UInt8) {
        self.writer = writer
        self.separator = separator
    }

    func line(_ bytes: Span<UInt8>, isEnded: Bool = true) throws(SysError) {
        try raw(bytes)
        if isEnded { try writer.put(separator) } else { isOpen = true }
    }

    /// Bytes as they are.
    func raw(_ bytes: Span<UInt8>) throws(SysError) {
        if isOpen { try writer.put(separator) }
        isOpen = false
        try writer.write(bytes)
    }
}
