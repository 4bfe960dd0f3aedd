import Glibc

/// Swift Testing walks the stack at each throw, one Thread at a time, to tell later where an error came from. A test that
/// throws millions of errors on several Threads does without.
func throwWithoutBacktraces() {
    for hook in ["_swift_willThrow", "_swift_willThrowTypedImpl"] {
        guard let place = dlsym(nil, hook) else { continue }
        // SAFETY: the runtime keeps one pointer to a function there, nil for none, and loads it at each throw.
        place.storeBytes(of: nil, as: UnsafeRawPointer?.self)
    }
}
