import Glibc

/// A mutex and the state it guards: the state is reachable only while the lock is held.
///
/// A pthread mutex, so that ThreadSanitizer sees it. It never waits for events: that is `WaitQueue`'s business.
/// The state is dropped with the lock.
public struct Lock<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    private struct Storage: ~Copyable {
        var mutex = pthread_mutex_t()
        var state: State

        init(_ state: consuming State) { self.state = state }
    }

    private let storage: UnsafeMutablePointer<Storage>

    public init(_ state: consuming State) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(state))
        pthread_mutex_init(&storage.pointee.mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(&storage.pointee.mutex)
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    /// Runs `body` alone on the state. The corresponding POSIX calls are `pthread_mutex_lock` and `unlock`.
    @inline(__always)
    public func withLock<R: ~Copyable, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        // SAFETY: storage lives as long as self, and self is borrowed for the call.
        pthread_mutex_lock(&storage.pointee.mutex)
        defer { pthread_mutex_unlock(&storage.pointee.mutex) }
        return try body(&storage.pointee.state)
    }

    /// Exchanges what is guarded with `state`; for what can only be moved.
    public func swap(_ state: inout State) {
        // SAFETY: as above.
        pthread_mutex_lock(&storage.pointee.mutex)
        defer { pthread_mutex_unlock(&storage.pointee.mutex) }
        Swift.swap(&storage.pointee.state, &state)
    }
}
