extension Proc {
    /// Reads into uninitialised storage: how many bytes are filled, and what went wrong.
    func fill(_ fd: Int32, _ storage: UnsafeMutableBufferPointer<UInt8>) -> (Int, SysError?) {
        // SAFETY: the span ends before the storage does, and `read` fills it from the front.
        var span = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(storage))
        do throws(SysError) { return (try read(fd, into: &span), nil) } catch { return (0, error) }
    }
}
