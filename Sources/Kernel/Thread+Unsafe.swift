import Host

extension Thread {
    /// SAFETY: the slot holds a pointer made by `pointer` of a Thread that `run` keeps alive while it is set.
    @inline(__always)
    static func bridged(_ pointer: UnsafeMutableRawPointer) -> Thread {
        Unmanaged<Thread>.fromOpaque(pointer).takeUnretainedValue()
    }

    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}

extension Chan {
    /// Runs a device call on this Chan that may wait: `unmount -f` ends the wait with `.hungup`.
    @inline(__always)
    func whileCalled<T>(_ body: () throws(SysError) -> T) throws(SysError) -> T {
        // One without a name stands in no mount.
        guard hangups != nil else { return try body() }
        try checkHangup()
        let before = HostThread.called
        HostThread.called = Unmanaged.passUnretained(self).toOpaque()
        defer { withExtendedLifetime(self) { HostThread.called = before } }
        return try body()
    }
}

extension Thread {
    /// Throws `.hungup` where the calling host thread is in a call on a Chan that was hung up.
    static func checkCalled() throws(SysError) {
        guard let called = HostThread.called else { return }
        // SAFETY: `whileCalled` has set it, and holds the Chan until it sets it back.
        try Unmanaged<Chan>.fromOpaque(called).takeUnretainedValue().checkHangup()
    }
}
