import Host
import Kernel
import Synchronization

/// Pipes: each attach makes one, with two ends, `data` and `data1`; what is written to one is read from the other.
///
/// A read gives at most what one write wrote, until an end is lent to a program of the host. A pipe lives while Chans refer to it; an end is closed when the last
/// open Chan of it is. The corresponding Inferno page is `pipe(3)`.
final class DevPipe: Dev {
    let letter: Character = "|"
    let name = "pipe"
    let instance = Instance.new()

    private let next = Atomic<UInt64>(1)

    /// What stands below a pipe's directory; the low bits of a qid path. The rest is the pipe's number.
    private static let files = [("data", UInt64(1)), ("data1", UInt64(2))]

    func attach(_ spec: String, _ caller: Caller) throws(SysError) -> Chan {
        guard spec.isEmpty else { throw .badSpec }
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return Chan(
            self, qid: Qid(path: number << 2, type: .directory), auxiliary: Pipe(caller.account, caller.clock.now()))
    }

    private func pipe(_ c: Chan) throws(SysError) -> Pipe {
        guard let pipe = c.auxiliary as? Pipe else { throw .hungup }
        return pipe
    }

    /// Which end a Chan of a file is: 0 or 1.
    private func end(_ c: Chan) -> Int { Int(c.qid.path & 3) - 1 }

    func table(of directory: Qid) -> [Dirtab] {
        Self.files.map { Dirtab($0.0, Qid(path: directory.path & ~3 | $0.1), mode: 0o600) }
    }

    func step(_ c: Chan, to name: String, _ caller: Caller) throws(SysError) -> Chan {
        for row in table(of: c.qid) where row.name == name { return c.sibling(row.qid, auxiliary: c.auxiliary) }
        throw .nonexist
    }

    func parent(_ c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        c.sibling(Qid(path: c.qid.path & ~3, type: .directory), auxiliary: c.auxiliary)
    }

    func stat(_ c: Chan, _ caller: Caller) throws(SysError) -> Dir {
        let pipe = try pipe(c)
        var entry: Dir
        if c.isDirectory {
            entry = dir(Dirtab("#|", c.qid, mode: 0o500), caller)
        } else {
            let row = Dirtab(Self.files[end(c)].0, c.qid, length: UInt64(pipe.waiting(at: end(c))), mode: 0o600)
            entry = dir(row, caller)
        }
        (entry.accessed, entry.modified, entry.changed) = (pipe.made, pipe.made, pipe.made)
        return entry
    }

    func open(_ c: Chan, _ mode: OpenMode, _ caller: Caller, _ how: How) throws(SysError) -> Chan {
        guard mode.access != 3 else { throw .perm }
        if !c.isDirectory { try pipe(c).open(end(c)) }
        return c.opened(mode)
    }

    func close(_ c: Chan) {
        if !c.isDirectory, let pipe = c.auxiliary as? Pipe { pipe.close(end(c)) }
    }

    func read(
        _ c: Chan, into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        try pipe(c).lane(to: end(c)).read(into: &buffer, how)
    }

    func write(
        _ c: Chan, _ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        try pipe(c).lane(to: 1 - end(c)).write(bytes, how)
    }

    func poll(_ c: Chan, _ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        guard !c.isDirectory, let pipe = c.auxiliary as? Pipe else { return events.intersection([.read, .write]) }
        let incoming = pipe.lane(to: end(c)).poll(reading: events.contains(.read), waiter)
        return incoming.union(pipe.lane(to: 1 - end(c)).poll(writing: events.contains(.write), waiter))
    }

    func seekable(_ c: Chan) -> Bool { false }

    /// One end of a host pipe that takes the place of the queue. What reads and writes alike is no end of one.
    func lend(_ c: Chan, _ caller: Caller) throws(SysError) -> Int32? {
        guard !c.isDirectory, let mode = c.mode, mode.canRead != mode.canWrite else { return nil }
        if let number = c.lent { return number }
        let lane = try pipe(c).lane(to: mode.canRead ? end(c) : 1 - end(c))
        return try c.lend(lane.lend(mode.canRead ? .read : .write), sharesOffset: false)
    }
}

/// Both directions of a pipe, and how many Chans are open at each end.
private final class Pipe: Sendable {
    let made: Int64
    private let lanes: (Lane, Lane)
    private let opens = Lock((0, 0))

    init(_ account: Account, _ now: Int64) {
        made = now
        lanes = (Lane(account), Lane(account))
    }

    /// What is read at `end`.
    func lane(to end: Int) -> Lane { end == 0 ? lanes.0 : lanes.1 }

    /// Bytes that can be read at `end`.
    func waiting(at end: Int) -> Int { lane(to: end).count }

    func open(_ end: Int) throws(SysError) {
        try opens.withLock { (n) throws(SysError) in
            guard !lane(to: end).isClosed else { throw .hungup }
            if end == 0 { n.0 += 1 } else { n.1 += 1 }
        }
    }

    /// The last Chan of an end hangs up both directions: nobody reads what comes, and no more is written from here.
    func close(_ end: Int) {
        let last = opens.withLock { n -> Bool in
            if end == 0 { n.0 -= 1 } else { n.1 -= 1 }
            return (end == 0 ? n.0 : n.1) == 0
        }
        guard last else { return }
        lane(to: end).closeReader()
        lane(to: 1 - end).closeWriter()
    }
}
