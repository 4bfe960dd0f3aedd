import Host
import Kernel

/// Finding what `execve` starts: a file, and the interpreters that it asks for.
extension Request {
    private enum Limit {
        /// Bytes of one argument and of all of them, each with its NUL and its address: MAX_ARG_STRLEN and ARG_MAX.
        static let argument = 128 * 1024
        static let all = 2 << 20
    }

    func execve() throws(SysError) -> Answer {
        try exec(try name(0), follow: true, 1, 2)
    }

    func execveat() throws(SysError) -> Answer {
        let flags = int(4)
        try check(flags, Flag.noFollow | Flag.emptyPath)
        let name = try name(1, at: 0, orFile: flags & Flag.emptyPath != 0)
        return try exec(name, follow: flags & Flag.noFollow == 0, 2, 3)
    }

    /// The corresponding Linux call is `execve(2)`.
    private func exec(_ name: Name, follow: Bool, _ arguments: Int, _ environment: Int) throws(SysError) -> Answer {
        let c = try find(name, follow: follow)
        guard !c.qid.isSymlink else { throw .tooManyLinks }
        var room = Limit.all
        var words = try strings(word(arguments), &room)
        let variables = try strings(word(environment), &room)
        // A program finds a name there, even where it was given none.
        if words.isEmpty { words = [[]] }
        // By what name an interpreter opens it again.
        let called = name.isEmpty ? c.path : name.text
        return .exec(try Loader(proc, tree, how).load(c, called, words, variables))
    }

    // MARK: arguments

    /// The texts whose addresses stand one after another at `address`, up to a zero. Throws `.argsTooLong`.
    private func strings(_ address: UInt64, _ room: inout Int) throws(SysError) -> [[UInt8]] {
        guard address != 0 else { return [] }
        var texts: [[UInt8]] = []
        var next = address
        while true {
            // No read goes over the end of a page: what is behind it need not be there.
            let count = max(1, Int((4096 - next % 4096) / 8))
            let bytes = try guest.read(next, count * 8)
            guard bytes.count == count * 8 else { throw .fault }
            var pointers: [UInt64] = []
            var isEnd = false
            for at in stride(from: 0, to: bytes.count, by: 8) where !isEnd {
                var pointer: UInt64 = 0
                for i in 0..<8 { pointer |= UInt64(bytes[at + i]) << UInt64(8 * i) }
                if pointer == 0 { isEnd = true } else { pointers.append(pointer) }
            }
            let short = try guest.texts(pointers)
            for i in pointers.indices {
                let text: [UInt8]
                if let whole = short[i] { text = whole } else { text = try string(pointers[i]) }
                room -= text.count + 9
                guard room >= 0 else { throw .argsTooLong }
                texts.append(text)
            }
            if isEnd { return texts }
            next = next &+ UInt64(count * 8)
        }
    }

    private func string(_ address: UInt64) throws(SysError) -> [UInt8] {
        do throws(SysError) { return try guest.text(address, limit: Limit.argument) } catch {
            throw error.code == .nameTooLong ? .argsTooLong : error
        }
    }
}
