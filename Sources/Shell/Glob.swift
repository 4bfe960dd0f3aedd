import Kernel

/// Names in a process's name space that a pattern matches, in byte order; `/` is matched by itself alone.
///
/// As in Plan 9, a leading dot is a character like others.
struct Glob {
    private let p: Proc
    private var found: [String] = []

    init(_ p: Proc) { self.p = p }

    /// Empty where the pattern matches nothing. Throws when the process is to end.
    static func names(_ pattern: String, _ p: Proc) throws(Failure) -> [String] {
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false).map { Pattern($0) }
        guard !parts.allSatisfy(\.isLiteral) else { return [] }
        var glob = Glob(p)
        do throws(SysError) { try glob.walk("", parts[...]) } catch {
            throw error.code == .killed ? .killed : .interrupted
        }
        // A file's name that begins with # would be a device's.
        return pattern.hasPrefix("#") ? glob.found : glob.found.map { $0.hasPrefix("#") ? "./" + $0 : $0 }
    }

    /// Walks literal parts as text and lists a directory for each of the others.
    private mutating func walk(_ prefix: String, _ parts: ArraySlice<Pattern>) throws(SysError) {
        var path = prefix
        var rest = parts
        while let part = rest.first, part.isLiteral {
            path += part.text
            rest = rest.dropFirst()
            if !rest.isEmpty { path += "/" }
        }
        guard let part = rest.popFirst() else {
            if try exists(path) { found.append(path) }
            return
        }
        for entry in try list(path.isEmpty ? "." : path) where try part.matches(entry.name) {
            try Thread.check()
            guard found.count < Limit.list else { return }
            if rest.isEmpty {
                found.append(path + entry.name)
            } else if entry.mode.contains(.directory) || entry.mode.contains(.symlink) {
                try walk(path + entry.name + "/", rest)
            }
        }
    }

    private func exists(_ path: String) throws(SysError) -> Bool {
        do throws(SysError) { _ = try p.stat(path) } catch {
            try Self.passOn(error)
            return false
        }
        return true
    }

    /// The entries of a directory by name; none where it cannot be read, as for any name that is not there.
    private func list(_ path: String) throws(SysError) -> [Dir] {
        var all: [Dir] = []
        do throws(SysError) {
            let fd = try p.open(path)
            // A directory has nothing to flush.
            defer { try? p.close(fd) }
            while true {
                let some = try p.dirread(fd)
                if some.isEmpty { break }
                all += some
                guard all.count < Limit.list else { break }
            }
        } catch { try Self.passOn(error) }
        return all.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private static func passOn(_ error: SysError) throws(SysError) {
        if error.code == .killed || error.code == .interrupted { throw error }
    }
}
