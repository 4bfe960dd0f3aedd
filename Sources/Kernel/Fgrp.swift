/// Open files by number, shared by the processes of a file descriptor group. The corresponding Plan 9 type is Fgrp.
///
/// Each descriptor is charged to the account it was opened under. `table` is guarded; Chans are dropped outside.
public final class Fgrp: Sendable {
    struct Slot {
        var chan: Chan?
        var closeOnExec = false
    }

    private struct Table {
        var slots: [Slot] = []
        /// No number below this is free.
        var lowest = 0
    }

    /// More than any program asks for; a bound on what a descriptor number can make us allocate.
    static let limit = 1 << 20

    private let table: Lock<Table>
    private let account: Account

    init(_ account: Account) {
        table = Lock(Table())
        self.account = account
    }

    deinit {
        let held = table.withLock { t -> Int in t.slots.reduce(0) { $0 + ($1.chan == nil ? 0 : 1) } }
        account.credit(.descriptors, held)
    }

    /// The Chan of `fd`. Throws `.badFd`.
    @inline(__always)
    public func chan(_ fd: Int32) throws(SysError) -> Chan {
        try table.withLock { (t) throws(SysError) in
            guard fd >= 0, Int(fd) < t.slots.count, let c = t.slots[Int(fd)].chan else { throw .badFd }
            return c
        }
    }

    /// Gives `c` the lowest free number, not below `minimum`.
    func insert(_ c: Chan, minimum: Int = 0, closeOnExec: Bool = false) throws(SysError) -> Int32 {
        guard minimum >= 0, minimum < Self.limit else { throw .badFd }
        try account.charge(.descriptors)
        c.share()
        let slot = Slot(chan: c, closeOnExec: closeOnExec)
        let fd = table.withLock { t -> Int32? in
            var n = max(minimum, t.lowest)
            while n < t.slots.count, t.slots[n].chan != nil { n += 1 }
            guard n < Self.limit else { return nil }
            while n >= t.slots.count { t.slots.append(Slot()) }
            t.slots[n] = slot
            if minimum <= t.lowest { t.lowest = n + 1 }
            return Int32(n)
        }
        guard let fd else {
            account.credit(.descriptors)
            throw .noFd
        }
        return fd
    }

    /// Makes `fd` stand for `c`, whatever it stood for before; that is given back, to be closed.
    func replace(_ fd: Int32, _ c: Chan, closeOnExec: Bool = false) throws(SysError) -> Chan? {
        guard fd >= 0, fd < Self.limit else { throw .badFd }
        let n = Int(fd)
        c.share()
        while true {
            // One that is taken is replaced at the limit too.
            let isFree = table.withLock { t in n >= t.slots.count || t.slots[n].chan == nil }
            if isFree { try account.charge(.descriptors) }
            let done = table.withLock { t -> (before: Chan?, Void)? in
                while n >= t.slots.count { t.slots.append(Slot()) }
                guard isFree == (t.slots[n].chan == nil) else { return nil }
                defer { t.slots[n] = Slot(chan: c, closeOnExec: closeOnExec) }
                return (t.slots[n].chan, ())
            }
            if let done { return done.before }
            // Somebody opened or closed it in between.
            if isFree { account.credit(.descriptors) }
        }
    }

    /// Frees `fd` and gives what it stood for. Throws `.badFd`.
    func remove(_ fd: Int32) throws(SysError) -> Chan {
        let c = try table.withLock { (t) throws(SysError) in
            guard fd >= 0, Int(fd) < t.slots.count, let c = t.slots[Int(fd)].chan else { throw .badFd }
            t.slots[Int(fd)] = Slot()
            t.lowest = min(t.lowest, Int(fd))
            return c
        }
        account.credit(.descriptors)
        return c
    }

    /// A copy that changes apart from this one, charged to `account`.
    func fork(_ account: Account) throws(SysError) -> Fgrp {
        let copy = Fgrp(account)
        let slots = table.withLock { $0.slots }
        let held = slots.reduce(0) { $0 + ($1.chan == nil ? 0 : 1) }
        try account.charge(.descriptors, held)
        copy.table.withLock { $0.slots = slots }
        return copy
    }

    /// Keeps only `fds`, under their numbers.
    func keep(only fds: [Int32]) {
        let wanted = Set(fds)
        drop { fd, _ in !wanted.contains(fd) }
    }

    /// Closes what a new program does not inherit.
    func closeForExec() { drop { _, slot in slot.closeOnExec } }

    private func drop(_ unwanted: (Int32, Slot) -> Bool) {
        let gone = table.withLock { t -> [Chan] in
            var gone: [Chan] = []
            for n in t.slots.indices {
                guard let c = t.slots[n].chan, unwanted(Int32(n), t.slots[n]) else { continue }
                gone.append(c)
                t.slots[n] = Slot()
                t.lowest = min(t.lowest, n)
            }
            return gone
        }
        account.credit(.descriptors, gone.count)
    }

    func setCloseOnExec(_ fd: Int32, _ on: Bool) throws(SysError) {
        try table.withLock { (t) throws(SysError) in
            guard fd >= 0, Int(fd) < t.slots.count, t.slots[Int(fd)].chan != nil else { throw .badFd }
            t.slots[Int(fd)].closeOnExec = on
        }
    }

    /// All that is open, by number.
    public var all: [(fd: Int32, chan: Chan)] {
        table.withLock { t in t.slots.indices.compactMap { n in t.slots[n].chan.map { (Int32(n), $0) } } }
    }
}
