import Glibc

/// A mutex and the state it guards: the state is reachable only while the lock is held.
///
/// A pthread mutex, so that ThreadSanitizer sees it. It never waits for events: that is `WaitQueue`'s business.
/// The state is dropped with the lock. All of it is inlinable: every floor makes and takes locks of types of its own,
/// and without it each would be looked up by its type at each turn.
@frozen
public struct Lock<State: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline
    struct Storage: ~Copyable {
        @usableFromInline var mutex = pthread_mutex_t()
        @usableFromInline var state: State

        @inlinable
        init(_ state: consuming State) { self.state = state }
    }

    @usableFromInline let storage: UnsafeMutablePointer<Storage>

    @inlinable
    public init(_ state: consuming State) {
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(state))
        pthread_mutex_init(&storage.pointee.mutex, nil)
    }

    @inlinable
    deinit {
        pthread_mutex_destroy(&storage.pointee.mutex)
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    /// Runs `body` alone on the state. The corresponding POSIX calls are `pthread_mutex_lock` and `unlock`.
    @inlinable
    @inline(__always)
    public func withLock<R: ~Copyable, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        // SAFETY: storage lives as long as self, and self is borrowed for the call.
        pthread_mutex_lock(&storage.pointee.mutex)
        defer { pthread_mutex_unlock(&storage.pointee.mutex) }
        return try body(&storage.pointee.state)
    }

    /// Exchanges what is guarded with `state`; for what can only be moved.
    @inlinable
    public func swap(_ state: inout State) {
        // SAFETY: as above.
        pthread_mutex_lock(&storage.pointee.mutex)
        defer { pthread_mutex_unlock(&storage.pointee.mutex) }
        Swift.swap(&storage.pointee.state, &state)
    }
}
