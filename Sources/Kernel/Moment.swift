import Host

/// A stretch of time in which a caller's questions may be answered as things stand at any instant of it: a server's, from
/// when it has requests until it has answered them.
///
/// A device keeps here what saves it work until then, such as the way to a directory. When it changes what that led to it
/// makes the moment forget. Outside of one nothing is kept.
public final class Moment: Sendable {
    private struct State {
        var isNow = false
        var kept: [UInt32: AnyObject & Sendable] = [:]
    }

    private let state = Lock(State())

    public init() {}

    public func begin() { state.withLock { $0.isNow = true } }

    public func end() {
        drop { $0.isNow = false }
    }

    public func forget() { drop { _ in } }

    /// What is kept by the device of that instance, made where there is none yet; nil outside of a moment.
    public func kept<T: AnyObject & Sendable>(by instance: UInt32, _ make: () -> T) -> T? {
        state.withLock { s in
            guard s.isNow else { return nil }
            if let known = s.kept[instance] { return known as? T }
            let made = make()
            s.kept[instance] = made
            return made
        }
    }

    /// What was kept goes after the lock.
    private func drop(_ change: (inout State) -> Void) {
        let gone = state.withLock { s in
            change(&s)
            defer { if !s.kept.isEmpty { s.kept = [:] } }
            return s.kept
        }
        withExtendedLifetime(gone) {}
    }
}
