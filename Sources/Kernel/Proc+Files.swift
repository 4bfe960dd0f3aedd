import Host

/// System calls on descriptors.
extension Proc {
    /// Most bytes that one call moves.
    public static let ioLimit = 1 << 30

    /// Reads at the offset and moves it on; 0 at the end. The corresponding Plan 9 call is `read(2)`.
    public func read(
        _ fd: Int32, into buffer: inout MutableRawSpan, _ how: How = .wait
    ) throws(SysError) -> Int {
        try enter()
        let (c, caller) = try chan(fd)
        try c.checkReadable()
        return try c.whileCalled { () throws(SysError) in
            if c.isDirectory { return try c.readDirectory(into: &buffer, nameSpace.table, caller) }
            if c.isLent { return try c.readLent(into: &buffer, caller, how) }
            let n = try c.dev.read(c, into: &buffer, at: c.offset, caller, how)
            if n > 0 { _ = c.advance(n) }
            return n
        }
    }

    /// Reads at `offset`. The corresponding Plan 9 call is `pread(2)`.
    public func pread(
        _ fd: Int32, into buffer: inout MutableRawSpan, at offset: UInt64, _ how: How = .wait
    ) throws(SysError) -> Int {
        try enter()
        let (c, caller) = try chan(fd)
        try c.checkReadable()
        guard !c.isDirectory else { throw .isDir }
        return try c.whileCalled { () throws(SysError) in
            if c.isLent, let copy = c.lentCopy { return try copy.read(into: &buffer, at: offset) }
            return try c.dev.read(c, into: &buffer, at: offset, caller, how)
        }
    }

    /// Up to `count` bytes as an array; empty at the end.
    public func read(_ fd: Int32, _ count: Int = 65536) throws(SysError) -> [UInt8] {
        guard count >= 0, count <= Self.ioLimit else { throw .tooBig }
        var failure: SysError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { storage, filled in
            (filled, failure) = fill(fd, storage)
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads until `count` bytes are there or the file ends. The corresponding Plan 9 call is `readn(2)`.
    public func readn(_ fd: Int32, _ count: Int) throws(SysError) -> [UInt8] {
        var bytes = try read(fd, count)
        while !bytes.isEmpty, bytes.count < count {
            let more = try read(fd, count - bytes.count)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    /// Writes at the offset and moves it on; gives how many bytes were written.
    /// The corresponding Plan 9 call is `write(2)`.
    @discardableResult
    public func write(_ fd: Int32, _ bytes: RawSpan, _ how: How = .wait) throws(SysError) -> Int {
        try enter()
        let (c, caller) = try chan(fd)
        try c.checkWritable()
        let count = bytes.byteCount
        if c.isLent {
            return try c.whileCalled { () throws(SysError) in
                try c.dev.write(c, bytes, at: Chan.atDescription, caller, how)
            }
        }
        // The room is taken before the write, so that two writers of one Chan never write to the same place.
        let offset = c.advance(count)
        do throws(SysError) {
            let n = try c.whileCalled { () throws(SysError) in try c.dev.write(c, bytes, at: offset, caller, how) }
            if n < count { c.retreat(count - n) }
            return n
        } catch {
            c.retreat(count)
            throw error
        }
    }

    /// Writes all of `bytes`, in as many calls as it takes.
    public func write(_ fd: Int32, _ bytes: [UInt8]) throws(SysError) {
        let span = bytes.span.bytes
        var done = 0
        repeat {
            let n = try write(fd, span.extracting(done..<bytes.count))
            guard n > 0 || bytes.isEmpty else { throw .io }
            done += n
        } while done < bytes.count
    }

    /// Writes text as UTF-8.
    public func write(_ fd: Int32, _ text: String) throws(SysError) { try write(fd, Array(text.utf8)) }

    /// Writes at `offset`. The corresponding Plan 9 call is `pwrite(2)`.
    @discardableResult
    public func pwrite(
        _ fd: Int32, _ bytes: RawSpan, at offset: UInt64, _ how: How = .wait
    ) throws(SysError) -> Int {
        try enter()
        let (c, caller) = try chan(fd)
        try c.checkWritable()
        return try c.whileCalled { () throws(SysError) in try c.dev.write(c, bytes, at: offset, caller, how) }
    }

    /// From where an offset is counted.
    public enum Whence: Int32, Sendable { case start, current, end }

    /// Moves the offset and gives it. The corresponding Plan 9 call is `seek(2)`.
    @discardableResult
    public func seek(_ fd: Int32, _ offset: Int64, _ whence: Whence = .start) throws(SysError) -> UInt64 {
        try enter()
        let (c, caller) = try chan(fd)
        guard c.dev.seekable(c) else { throw .stream }
        let base: UInt64
        switch whence {
        case .start: base = 0
        case .current: base = c.offset
        case .end: base = if let copy = c.lentCopy { copy.length } else { try c.dev.stat(c, caller).length }
        }
        let (sum, overflow) = Int64(clamping: base).addingReportingOverflow(offset)
        guard !overflow, sum >= 0 else { throw .negativeOffset }
        if c.isDirectory {
            guard sum == 0 else { throw .isDir }
            _ = c.kept.extras.withLock { $0.directory.take() }
        }
        c.offset = UInt64(sum)
        return UInt64(sum)
    }

    /// The next entries of a directory, each name once, unions included; empty at the end.
    /// The corresponding Plan 9 call is `dirread(2)`.
    public func dirread(_ fd: Int32, limit: Int = 256) throws(SysError) -> [Dir] {
        try enter()
        let (c, caller) = try chan(fd)
        guard c.isDirectory else { throw .notDir }
        try c.checkReadable()
        let table = nameSpace.table
        return try c.whileCalled { () throws(SysError) in
            try c.withDirectory(caller) { (r) throws(SysError) in try r.next(max(1, limit), table, caller) }
        }
    }

    /// The corresponding Plan 9 call is `fstat(2)`.
    public func fstat(_ fd: Int32) throws(SysError) -> Dir {
        try enter()
        let (c, caller) = try chan(fd)
        return try c.dev.stat(c, caller).served(by: c)
    }

    /// The corresponding Plan 9 call is `fwstat(2)`.
    public func fwstat(_ fd: Int32, _ change: DirChange) throws(SysError) {
        try enter()
        let (c, caller) = try chan(fd)
        try wstat(c, change, caller)
    }

    /// Closes; an error tells what a delayed write could not do. The corresponding Plan 9 call is `close(2)`.
    public func close(_ fd: Int32) throws(SysError) {
        let c = try files.remove(fd)
        try c.dev.flush(c, caller)
    }

    /// Another descriptor for the same open file: `new`, or the lowest free one. The corresponding Plan 9 call is `dup(2)`.
    @discardableResult
    public func dup(_ old: Int32, _ new: Int32? = nil) throws(SysError) -> Int32 {
        try enter()
        let (c, caller) = try chan(old)
        guard let new else { return try files.insert(c) }
        if new == old { return new }
        if let before = try files.replace(new, c) { try before.dev.flush(before, caller) }
        return new
    }

    /// The two ends of a pipe; what is written to one is read from the other. With `oneWay` the first can only be read and the
    /// second only be written: then a program of the host may get either. The corresponding Plan 9 call is `pipe(2)`.
    public func pipe(oneWay: Bool = false) throws(SysError) -> (Int32, Int32) {
        try enter()
        guard let dev = system.device("|") else { throw SysError("no pipe device in this emu") }
        let caller = caller
        let root = try dev.attach("", caller)
        let none = MountFilter(MountTable(), root.instance)
        let a = try dev.walk(root, ["data"], none, caller).chan
        let b = try dev.walk(root, ["data1"], none, caller).chan
        let one = try files.insert(dev.open(a, oneWay ? .read : .readWrite, caller, .wait))
        let mode: OpenMode = oneWay ? .write : .readWrite
        do throws(SysError) { return (one, try files.insert(dev.open(b, mode, caller, .wait))) } catch {
            _ = try files.remove(one)
            throw error
        }
    }

    /// The path by which a descriptor was found. The corresponding Plan 9 call is `fd2path(2)`.
    public func fd2path(_ fd: Int32) throws(SysError) -> String { try chan(fd).0.path }

    /// The unit of I/O that suits the file, in bytes; 0 for any. The corresponding Plan 9 call is `iounit(2)`.
    public func iounit(_ fd: Int32) throws(SysError) -> Int { try chan(fd).0.iounit }

    /// Whether the descriptor is open on a terminal. The corresponding POSIX call is `isatty(3)`.
    public func isTerminal(_ fd: Int32) -> Bool { window(fd) != nil }

    /// The size of the terminal that the descriptor is open on; nil where it is on none.
    public func window(_ fd: Int32) -> Window? {
        guard let c = try? chan(fd).0 else { return nil }  // not open: no terminal
        return c.dev.window(c)
    }

    /// The terminal that the descriptor is open on, with all that can be set. Throws `.notTerminal`.
    public func terminal(_ fd: Int32) throws(SysError) -> any Terminal {
        try enter()
        let c = try chan(fd).0
        guard let terminal = c.dev.terminal(c) else { throw .notTerminal }
        return terminal
    }

    /// The corresponding POSIX call is `fsync(2)`.
    public func fsync(_ fd: Int32) throws(SysError) {
        try enter()
        let (c, caller) = try chan(fd)
        try c.whileCalled { () throws(SysError) in try c.dev.fsync(c, caller) }
    }

    /// Whether a new program inherits the descriptor.
    public func setCloseOnExec(_ fd: Int32, _ on: Bool) throws(SysError) { try files.setCloseOnExec(fd, on) }

    /// Puts an open Chan in a descriptor: how devices and modules hand files over.
    public func install(_ c: Chan) throws(SysError) -> Int32 { try files.insert(c) }

    /// Puts an open Chan in descriptor `fd`, whatever that stood for before.
    public func install(_ c: Chan, at fd: Int32) throws(SysError) {
        try enter()
        if let before = try files.replace(fd, c) { try before.dev.flush(before, caller) }
    }

    /// The open Chan of a descriptor. The corresponding Inferno call is `sys-fildes(2)`.
    public func fildes(_ fd: Int32) throws(SysError) -> Chan { try chan(fd).0 }

    @inline(__always)
    func chan(_ fd: Int32) throws(SysError) -> (Chan, Caller) {
        let (files, caller) = state.withLock { ($0.fgrp, $0.caller) }
        return (try files.chan(fd), caller)
    }

    // MARK: poll

    /// One file to watch, and what came.
    public struct Poll: Sendable {
        public var fd: Int32
        public var events: PollEvents
        public var got: PollEvents = []

        public init(_ fd: Int32, _ events: PollEvents) {
            self.fd = fd
            self.events = events
        }
    }

    /// Waits until one of the files is ready, at most `milliseconds` (nil: for ever). Gives how many are.
    /// A note that is dealt with in this call interrupts it, also one that was there before: who looks at what its handler
    /// left, then polls, misses none. The corresponding POSIX call is `poll(2)`.
    public func poll(_ list: inout [Poll], milliseconds: Int64? = nil) throws(SysError) -> Int {
        let hadNote = try attend()
        var chans: [Chan] = []
        for entry in list { chans.append(try chan(entry.fd).0) }
        let thread = Thread.current
        let waiter = thread.waiter
        var deadline: UInt64?
        if let milliseconds {
            let ns = UInt64(max(0, milliseconds)).multipliedReportingOverflow(by: 1_000_000)
            let end = HostClock.monotonic().addingReportingOverflow(ns.partialValue)
            deadline = ns.overflow || end.overflow ? nil : end.partialValue
        }
        while true {
            waiter.arm()
            var ready = 0
            var hangups: Hangups?
            for i in list.indices {
                // Most were opened in one name space.
                if let its = chans[i].hangups, its !== hangups {
                    waiter.stand(on: its.forced)
                    hangups = its
                }
                list[i].got = chans[i].poll(list[i].events, ready == 0 ? waiter : nil)
                if !list[i].got.isEmpty { ready += 1 }
            }
            defer { waiter.cancel() }
            if ready > 0 || milliseconds == 0 { return ready }
            if hadNote { throw .interrupted }
            do throws(SysError) { try thread.block(until: deadline) } catch {
                if error.code == .timedOut { return 0 }
                throw error
            }
        }
    }
}

extension Chan {
    func readDirectory(
        into buffer: inout MutableRawSpan, _ table: MountTable, _ caller: Caller
    ) throws(SysError) -> Int {
        let n = try withDirectory(caller) { (r) throws(SysError) in try r.read(into: &buffer, table, caller) }
        _ = advance(n)
        return n
    }

    /// Runs `body` with the reader taken out of the Chan, so that the device is called without a lock.
    func withDirectory<T>(
        _ caller: Caller, _ body: (inout DirectoryReader) throws(SysError) -> T
    ) throws(SysError) -> T {
        var reader: DirectoryReader
        if let kept = kept.extras.withLock({ $0.directory.take() }) {
            reader = kept
        } else {
            reader = DirectoryReader(try openMembers(caller))
        }
        defer {
            // Where two read at once, one reader goes: outside the lock, since its Chans are closed.
            _ = kept.extras.withLock { k -> DirectoryReader? in
                defer { k.directory = reader }
                return k.directory
            }
        }
        return try body(&reader)
    }

    /// What an open directory consists of, each open: itself, or the members of the union it stands for.
    func openMembers(_ caller: Caller) throws(SysError) -> [Chan] {
        guard let union else { return [try clone().opened(of: self, caller)] }
        var open: [Chan] = []
        var failure: SysError?
        for c in union.members where c.mask.contains(.read) {
            // A member that cannot be read hides nothing of the others.
            do throws(SysError) { open.append(try c.dev.open(c, .read, caller, .wait)) } catch { failure = error }
        }
        if open.isEmpty, let failure { throw failure }
        return open
    }

    private func opened(of c: Chan, _ caller: Caller) throws(SysError) -> Chan {
        union = nil
        return try dev.open(self, .read, caller, .wait)
    }
}
