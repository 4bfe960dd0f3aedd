/// Why a path leads where it does: which server answers, which mounts were crossed, and what rights they leave.
public struct Route: Sendable {
    /// The path as the name space knows it, symbolic links and `..` followed.
    public let path: String
    /// The device that serves the file, by letter and name, the number of its tree, and the file's number in it.
    public let letter: Character
    public let device: String
    public let instance: UInt32
    public let qid: Qid
    /// What the masks on the way leave. The file's own permissions may leave less.
    public let mask: Mask
    /// The mounts that were crossed, seals too, from the root down: the last one decides.
    public let crossed: [MountEntry]
    /// Where several directories are seen at this very place: all of them, in the order in which they are searched.
    public let union: [MountEntry]

    /// The server in short: `#R`.
    public var server: String { "#\(letter)" }
}

extension Proc {
    /// Explains a path, as this process would resolve it now; with `bare`, the file below what is mounted there.
    public func whence(_ path: String, bare: Bool = false) throws(SysError) -> Route {
        try enter()
        let (c, _) = try find(path, bare ? .mountPoint : .access)
        return Route(
            path: c.path, letter: c.dev.letter, device: c.dev.name, instance: c.instance, qid: c.qid, mask: c.mask,
            crossed: c.node?.entries ?? [], union: c.union?.head.members ?? [])
    }
}

extension MountEntry {
    /// The command that makes this entry: `bind -bc -p rx '#R' /tmp`. The corresponding Plan 9 page is `ns(1)`.
    public var command: String { command(flags) }

    func command(_ flags: MountFlags) -> String {
        var words = [kind == .mount ? "mount" : "bind"]
        if !flags.letters.isEmpty { words.append(flags.letters) }
        if let given, given != .all { words += ["-p", given.description] }
        words += self.words + [source, target]
        if !spec.isEmpty { words.append(spec) }
        return words.map(shellQuoted).joined(separator: " ")
    }
}
