import Host
import Kernel

/// Finds out what running a file takes: which interpreters it asks for, and what program they come to.
struct Loader {
    private let proc: Proc
    private let tree: Subtree
    private let how: How

    /// Files that may ask for one another.
    private static let depth = 5
    /// How much of a file says what it is, and how long a `#!` line is at most.
    private static let headSize = 256

    init(_ proc: Proc, _ tree: Subtree, _ how: How) { (self.proc, self.tree, self.how) = (proc, tree, how) }

    /// What running `first` takes, which was called by that name.
    func load(
        _ first: Chan, _ called: String, _ arguments: [[UInt8]], _ environment: [[UInt8]]
    ) throws(SysError) -> Execution {
        var (c, called, words) = (first, called, arguments)
        for _ in 0...Self.depth {
            let file = try executable(c)
            let path = c.path
            let head = try bytes(of: file, 0, Self.headSize)
            if head.starts(with: "#!".utf8) {
                let line = try Self.interpreter(head)
                if line.count == 2, line[0].elementsEqual("program".utf8) {
                    return Execution(
                        file: file, path: path, interpreter: nil, arguments: words, environment: environment,
                        program: String(decoding: line[1], as: UTF8.self))
                }
                words = line + [HostName.bytes(called)] + words.dropFirst()
                called = HostName.text(line[0])
            } else if let elf = try elf(file, head) {
                return Execution(
                    file: file, path: path, interpreter: try linker(elf), arguments: words, environment: environment,
                    elf: elf)
            } else {
                guard let line = try tableLine(path, head) else { throw .badExec }
                words = line.map { HostName.bytes($0) } + [HostName.bytes(called)] + words.dropFirst()
                called = line[0]
            }
            c = try tree.find(called, from: proc.dot, how).chan
        }
        throw .tooManyLinks
    }

    /// The plain file `c`, open for execution.
    private func executable(_ c: Chan) throws(SysError) -> Chan {
        guard !c.isDirectory else { throw .perm }
        let kind = try tree.stat(c, how).mode.linux & ModeBits.mask
        guard kind == ModeBits.regular else { throw .perm }
        return try tree.open(c, .execute, how)
    }

    private func bytes(of c: Chan, _ offset: UInt64, _ count: Int) throws(SysError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var n = 0
        while n < count {
            let (at, overflow) = offset.addingReportingOverflow(UInt64(n))
            guard !overflow, at <= Int64.max else { break }
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            var rest = raw._mutatingExtracting(n..<count)
            let got = try tree.read(c, into: &rest, at: at, how)
            if got == 0 { break }
            n += got
        }
        return Array(bytes[..<n])
    }

    /// The words of a `#!` line: the interpreter, and all that follows it as one argument.
    private static func interpreter(_ head: [UInt8]) throws(SysError) -> [[UInt8]] {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let text = head.dropFirst(2)
        let end = text.firstIndex { $0 == 0x0a || $0 == 0 }
        let line = text[..<(end ?? text.endIndex)].drop(while: isBlank)
        let name = line.prefix { !isBlank($0) }
        // A name that is cut off would be another one.
        guard !name.isEmpty, end != nil || head.count < headSize || name.endIndex < line.endIndex
        else { throw .badExec }
        let rest = line[name.endIndex...].drop(while: isBlank)
        let argument = rest.prefix(rest.reversed().drop(while: isBlank).count)
        return argument.isEmpty ? [Array(name)] : [Array(name), Array(argument)]
    }

    /// The ELF file that `file` is; nil for what is none, or none that Linux would take.
    private func elf(_ file: Chan, _ head: [UInt8]) throws(SysError) -> Elf? {
        guard Elf.claims(head) else { return nil }
        do throws(SysError) {
            return try Elf(head) { (offset, count) throws(SysError) in try bytes(of: file, offset, count) }
        } catch {
            guard error.code == .badExec else { throw error }
            return nil
        }
    }

    /// The program interpreter, open for execution; nil where the program needs none.
    private func linker(_ elf: Elf) throws(SysError) -> Chan? {
        guard let path = elf.interpreter else { return nil }
        let file = try executable(try tree.find(HostName.text(path), from: proc.dot, how).chan)
        guard Elf.claims(try bytes(of: file, 0, 64)) else { throw .badExec }
        return file
    }

    /// What `/lib/exectab` says of a file that is no program.
    private func tableLine(_ path: String, _ head: [UInt8]) throws(SysError) -> [String]? {
        let table: Chan
        do throws(SysError) { table = try tree.open(ExecTable.path, from: tree.top, .read, how) } catch {
            // A system without such a table, or one who may not read it.
            guard error.code == .nonexist || error.code == .notDir || error.code == .perm else { throw error }
            return nil
        }
        let text = String(decoding: try bytes(of: table, 0, ExecTable.sizeLimit), as: UTF8.self)
        return ExecTable(text).words(for: path, head)
    }
}
