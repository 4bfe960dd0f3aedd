import Host
import Kernel

/// A path as a program gave it, and the directory from which it leads.
///
/// A path of Linux is bytes, one of ours is text: `HostName` says which text stands for which bytes, both ways.
struct Name {
    /// The whole path; empty where the call means `from` itself.
    let text: String
    /// The directory it begins in; for an empty path, whatever the descriptor is.
    let from: Chan
    /// Whether it says with a slash at the end that it means a directory.
    let endsInSlash: Bool
    let last: Last
    /// The path before the last name, never empty.
    let directory: String

    /// What stands at the end of a path.
    enum Last: Equatable { case name(String), dot, dotDot, root }

    /// Most bytes of one name.
    static let nameLimit = 255

    /// `path` has no NUL. Throws `.nameTooLong`.
    init(_ path: [UInt8], from: Chan) throws(SysError) {
        self.from = from
        text = HostName.text(path)
        let slash = UInt8(ascii: "/")
        var length = 0
        for byte in path {
            length = byte == slash ? 0 : length + 1
            guard length <= Self.nameLimit else { throw .nameTooLong }
        }
        let trimmed = path.reversed().drop { $0 == slash }.count
        endsInSlash = trimmed < path.count
        let start = path[..<trimmed].lastIndex(of: slash).map { $0 + 1 } ?? 0
        let name = path[start..<trimmed]
        directory = start == 0 ? path.first == slash ? "/" : "." : HostName.text(Array(path[..<start]))
        if name.isEmpty {
            last = .root
        } else if name.elementsEqual(".".utf8) {
            last = .dot
        } else {
            last = name.elementsEqual("..".utf8) ? .dotDot : .name(HostName.text(Array(name)))
        }
    }

    var isEmpty: Bool { text.isEmpty }
}

extension Request {
    /// The path at the address in argument `n`, from the directory whose descriptor argument `fd` is, or the current one.
    /// An empty path stands for the descriptor where `orFile` says so; else throws `.nonexist`.
    func name(_ n: Int, at fd: Int? = nil, orFile: Bool = false) throws(SysError) -> Name {
        // Where a descriptor is meant Linux takes no address for an empty path.
        let path = orFile && word(n) == 0 ? [] : try guest.text(word(n), limit: Self.pathLimit)
        let from: Chan
        if path.first == UInt8(ascii: "/") {
            from = tree.top
        } else if let fd, int(fd) != Flag.currentDirectory {
            guard let c = try guest.file(int(fd)).chan else { throw path.isEmpty && orFile ? .notHere : .notDir }
            guard path.isEmpty || c.isDirectory else { throw .notDir }
            from = c
        } else {
            from = proc.dot
        }
        guard !path.isEmpty || orFile else { throw .nonexist }
        return try Name(path, from: from)
    }

    /// The file that `name` means.
    func find(_ name: Name, follow: Bool = true) throws(SysError) -> Chan {
        if name.isEmpty { return name.from }
        return try tree.find(name.text, from: name.from, follow: follow, how).chan
    }

    /// The directory that has, or is to have, the last name. Throws `.notDir`.
    func directory(of name: Name) throws(SysError) -> Chan {
        let c = try tree.find(name.directory, from: name.from, how).chan
        guard c.isDirectory else { throw .notDir }
        return c
    }

    /// The file of that name in a directory, a symbolic link itself; nil where there is none.
    func existing(_ name: String, in directory: Chan) throws(SysError) -> Chan? {
        do throws(SysError) { return try tree.walk(directory, name, follow: false, how) } catch {
            guard error.code == .nonexist else { throw error }
            return nil
        }
    }

    /// The directory and the name of a file that is about to be made there. A slash at the end is for directories.
    /// Throws `.exist`.
    func vacancy(_ name: Name, forDirectory: Bool = false) throws(SysError) -> (Chan, String) {
        let directory = try directory(of: name)
        guard case .name(let last) = name.last else { throw .exist }
        guard try existing(last, in: directory) == nil else { throw .exist }
        guard forDirectory || !name.endsInSlash else { throw .nonexist }
        return (directory, last)
    }
}
