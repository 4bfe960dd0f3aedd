import Host

/// What an open Chan does for those that are no descriptors of a Proc: an engine that serves it to programs of its own. Each
/// call checks how it was opened, and that its mount was not forced off.
extension Chan {
    /// As `Dev.read`.
    public func read(
        into buffer: inout MutableRawSpan, at offset: UInt64, _ caller: Caller, _ how: How
    ) throws(SysError) -> Int {
        try checkReadable()
        guard !isDirectory else { throw .isDir }
        return try whileCalled { () throws(SysError) in
            try dev.read(self, into: &buffer, at: offset, caller, how)
        }
    }

    /// As `Dev.write`.
    public func write(_ bytes: RawSpan, at offset: UInt64, _ caller: Caller, _ how: How) throws(SysError) -> Int {
        try checkWritable()
        return try whileCalled { () throws(SysError) in try dev.write(self, bytes, at: offset, caller, how) }
    }

    public func flush(_ caller: Caller) throws(SysError) {
        try whileCalled { () throws(SysError) in try dev.flush(self, caller) }
    }

    public func sync(_ caller: Caller) throws(SysError) {
        try whileCalled { () throws(SysError) in try dev.fsync(self, caller) }
    }

    /// Cuts or extends the file. The corresponding POSIX call is `ftruncate(2)`.
    public func setLength(_ length: UInt64, _ caller: Caller) throws(SysError) {
        try checkWritable()
        try whileCalled { () throws(SysError) in try dev.wstat(self, DirChange(length: length), caller) }
    }

    /// As `Dev.poll`; one that is hung up is ready for everything.
    public func ready(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents { poll(events, waiter) }
}
