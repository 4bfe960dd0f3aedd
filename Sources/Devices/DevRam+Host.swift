import Host
import Kernel
import NineP

/// The bytes of a file that was lent: a file in the host's memory, that programs of the host may have open.
///
/// What it takes is paid for by the view that had it lent. Whatever of us writes is refused at the limit, as ever. A program
/// of the host is not asked: what it wrote is paid for when the file is looked at next, past the limit if it must be, so
/// that nothing more is given to the view until it has given back.
/// Guarded by the tree's lock, but for `file`, which anybody may read and write.
final class RamHost: @unchecked Sendable {
    let file: HostMemoryFile
    let identity: HostIdentity
    private let space: RamSpace
    private var paid = 0

    init(_ file: consuming HostMemoryFile, _ space: RamSpace) throws(SysError) {
        identity = HostIdentity(try HostStat(file.number))
        self.file = file
        self.space = space
    }

    deinit { space.give(paid) }

    /// What it is now, and paid for. The host can always tell: it is open.
    func look() -> HostStat? {
        guard let stat = try? HostStat(file.number) else { return nil }
        let size = Int(clamping: stat.space)
        if size > paid { space.owe(size - paid) } else { space.give(paid - size) }
        paid = size
        return stat
    }

    /// Runs `write`, which adds `count` bytes at most. Throws `.noSpace` where there is no room for them.
    func adding<T>(_ count: Int, _ write: () throws(SysError) -> T) throws(SysError) -> T {
        try space.take(count)
        defer { space.give(count) }
        return try write()
    }
}

extension RamFile {
    /// Takes over what programs of the host have done to a file that was lent.
    func refresh() {
        guard let stat = contents.host?.look() else { return }
        if stat.modified != modified { version &+= 1 }
        (accessed, modified, changed) = (stat.accessed, stat.modified, stat.changed)
    }

    /// Moves the bytes to `host`, with the mode and the times.
    func move(to host: RamHost) throws(SysError) {
        try contents.copy(to: host.file.number)
        try HostFiles.setMode(host.file.number, mode.hostBits)
        try HostFiles.setTimes(host.file.number, accessed: accessed, modified: modified)
        _ = host.look()
        contents = RamContents(host)
    }

    /// Most bytes that are moved back to the heap.
    private static let heapLimit: UInt64 = 1 << 20

    /// Moves the bytes back, where no program of the host has the file open; whether it did.
    func moveBack() -> Bool {
        guard let host = contents.host, opens == 0, host.file.isAlone else { return false }
        refresh()
        // Where there is no room on the heap it stays.
        guard contents.length <= Self.heapLimit, let copy = try? contents.copied(space) else { return false }
        contents = copy
        return true
    }
}

/// Files that were lent and that nobody of us has open any more. So many keep their file of the host's, so that a program
/// which looks again finds what it saw; then the oldest is heap again, unless a program of the host still has it.
final class RamIdle: Sendable {
    private struct Entry {
        let tree: RamTree
        weak var file: RamFile?
    }

    static let limit = 256

    private let entries = Lock([Entry]())

    /// To be called without the tree's lock, once for each time that `isIdle` is set.
    func add(_ file: RamFile, _ tree: RamTree) {
        let oldest = entries.withLock { entries -> Entry? in
            entries.append(Entry(tree: tree, file: file))
            return entries.count > Self.limit ? entries.removeFirst() : nil
        }
        guard let oldest, let file = oldest.file else { return }
        let keeps = oldest.tree.lock.withLock { _ in
            file.isIdle = file.opens == 0 && file.contents.host != nil && !file.moveBack()
            return file.isIdle
        }
        if keeps { entries.withLock { $0.append(oldest) } }
    }
}

extension DevRam {
    /// A description of its own for each Chan. A file that is only added to, or that one opens at a time, is not lent for
    /// writing: a program of the host could do otherwise.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        if let number = c.lent { return number }
        let here = try place(c)
        let file = here.file
        guard file.entries == nil, file.target == nil, let mode = c.mode else { return nil }
        let isLent = try here.tree.lock.withLock { (_) throws(SysError) -> Bool? in
            guard !mode.canWrite || file.mode.isDisjoint(with: [.append, .exclusive]) else { return nil }
            return file.contents.host != nil
        }
        guard let isLent else { return nil }
        let made = isLent ? nil : try RamHost(HostPlaces.shared.file(for: c, sealable: false), space(caller))
        let host = try here.tree.lock.withLock { (_) throws(SysError) -> RamHost? in
            if let made, file.contents.host == nil { try file.move(to: made) }
            return file.contents.host
        }
        guard let host else { return nil }
        return try c.lend(host.file.open(.init(mode), append: mode.contains(.append)))
    }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        let here = try place(c)
        guard here.file.entries == nil, here.file.target == nil else { return nil }
        let known = here.tree.lock.withLock { _ in here.file.contents.host?.identity }
        if let known { return known }
        return try HostPlaces.shared.identity(of: c, sealable: false)
    }

    /// Writes to a file that was lent: at the Chan's description, at the end, or at `offset`.
    func write(
        _ c: Chan, to host: RamHost, _ bytes: RawSpan, at offset: UInt64, appends: Bool
    ) throws(SysError) -> Int {
        try host.adding(bytes.byteCount) { () throws(SysError) in
            if let shared = c.description(at: offset) { return try HostIO.write(shared, bytes) }
            guard appends else {
                let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.byteCount))
                guard !overflow, end <= RamContents.lengthLimit else { throw .fileTooBig }
                return try HostIO.pwrite(host.file.number, bytes, at: offset)
            }
            // The end is where the host has it at that moment.
            let end = try host.file.open(.write, append: true)
            return try HostIO.write(end.number, bytes)
        }
    }
}
