import Host
import Kernel

/// Descriptors of native programs as files of ours, for a program of this system that runs in the place of one of them: the same
/// open file, at the same offset.
///
/// The device has no names. `auxiliary` of a Chan is the `Open` file, which nobody changes.
final class VxDescriptors: Dev {
    static let shared = VxDescriptors()

    let letter: Character = "V"
    let name = "native"
    let instance = Instance.new()

    /// A copy of a descriptor, and how it is read and written without keeping us waiting.
    private final class Open: Sendable {
        let fd: HostFd
        let stream: HostStream
        /// Wakes when it has become ready for somebody who polls it.
        let ready = WaitQueue()

        init(_ fd: consuming HostFd) {
            stream = HostStream(inherited: fd.number)
            self.fd = fd
        }
    }

    /// A Chan for a descriptor.
    func chan(_ fd: consuming HostFd) throws(SysError) -> Chan {
        let stat = try HostStat(fd.number)
        let mode: OpenMode =
            switch try HostFiles.access(fd.number) {
            case .read: .read
            case .write: .write
            case .readWrite: .readWrite
            }
        let number = fd.number
        let c = Chan(self, qid: Qid(path: stat.identity), auxiliary: Open(fd)).opened(mode)
        if stat.kind == .regular {
            c.offset = try HostFiles.offset(number)
            _ = try c.lend(number)
        }
        return c
    }

    private func open(_ c: Chan) throws(SysError) -> Open {
        guard let open = c.auxiliary as? Open else { throw .badArg }
        return open
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let stat = try HostStat(try open(c).fd.number)
        let (user, group) = (HostUsers.name(user: stat.userID), HostUsers.name(group: stat.groupID))
        return Dir(
            name: "native", qid: c.qid, mode: FileMode(rawValue: stat.permissions & 0o777),
            length: stat.kind == .regular ? stat.size : 0, accessed: stat.accessed, modified: stat.modified,
            owner: user,
            group: group, modifier: user, ownerID: stat.userID, groupID: stat.groupID)
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let open = try open(c)
        guard c.isLent, c.description(at: offset) == nil else {
            return try open.stream.read(into: &buffer, Thread.hostWait(how))
        }
        return try HostIO.pread(open.fd.number, into: &buffer, at: offset)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        let open = try open(c)
        guard c.isLent, c.description(at: offset) == nil else {
            return try open.stream.write(bytes, Thread.hostWait(how))
        }
        return try HostIO.pwrite(open.fd.number, bytes, at: offset)
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard let open = c.auxiliary as? Open else { return events }
        var wanted: HostEvents = []
        if events.contains(.read) { wanted.insert(.readable) }
        if events.contains(.write) { wanted.insert(.writable) }
        waiter?.stand(on: open.ready)
        let ready = open.ready
        let wake: @Sendable () -> Void = { ready.wake() }
        let host = open.stream.poll(wanted, waiter == nil ? nil : wake)
        var got: PollEvents = []
        if host.contains(.readable) { got.insert(.read) }
        if host.contains(.writable) { got.insert(.write) }
        if host.contains(.hangup) { got.insert(.hangup) }
        return got
    }

    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? { try open(c).fd.number }

    func hostIdentity(_ c: Chan, _ caller: Caller) throws(SysError) -> HostIdentity? {
        HostIdentity(try HostStat(try open(c).fd.number))
    }

    func window(_ c: Chan) -> Window? {
        guard let open = c.auxiliary as? Open, let terminal = HostTerminal(open.fd.number) else { return nil }
        let size = terminal.size
        return Window(rows: size?.rows ?? 0, columns: size?.columns ?? 0)
    }

    func seekable(_ c: Chan) -> Bool { c.isLent }
}
