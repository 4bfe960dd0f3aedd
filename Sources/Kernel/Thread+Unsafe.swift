import Host

extension Thread {
    /// SAFETY: the slot holds a pointer made by `pointer` of a Thread that `run` keeps alive while it is set.
    @inline(__always)
    static func bridged(_ pointer: UnsafeMutableRawPointer) -> Thread {
        Unmanaged<Thread>.fromOpaque(pointer).takeUnretainedValue()
    }

    var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}
