import CShim
import Glibc

/// Tells when host descriptors become ready, for those that watch many things at once: one thread for the whole process,
/// made at the first use.
public final class HostWatch: Sendable {
    public static let shared = HostWatch()

    private struct Watched {
        var events: HostEvents
        var wake: @Sendable () -> Void
    }

    private struct State {
        var epoll: Int32 = -1
        var watched: [Int32: Watched] = [:]
    }

    private let state = Lock(State())

    /// Calls `wake` when one of `events` is there, once; it must not block. A second call for the same descriptor adds its
    /// events and its `wake` takes the place of the first: it belongs to the descriptor's owner, not to who asks.
    public func once(_ descriptor: Int32, _ events: HostEvents, _ wake: @escaping @Sendable () -> Void) {
        let watching = state.withLock { s -> Bool in
            if s.epoll < 0 {
                s.epoll = epoll_create1(Int32(O_CLOEXEC))
                let epoll = s.epoll
                guard epoll >= 0, HostThread.start({ self.serve(epoll) }) else {
                    if epoll >= 0 { close(epoll) }
                    s.epoll = -1
                    return false
                }
            }
            let before = s.watched[descriptor]
            let all = events.union(before?.events ?? [])
            s.watched[descriptor] = Watched(events: all, wake: wake)
            return cshim_watch(s.epoll, descriptor, UInt32(UInt16(bitPattern: all.rawValue))) == 0
        }
        // What cannot be watched is always ready.
        if !watching { wake() }
    }

    /// To be called before a descriptor that was watched is closed.
    public func forget(_ descriptor: Int32) {
        state.withLock { s in
            guard s.epoll >= 0 else { return }
            s.watched[descriptor] = nil
            _ = cshim_unwatch(s.epoll, descriptor)  // one that never was watched is forgotten already
        }
    }

    private func serve(_ epoll: Int32) {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let n = Int(epoll_wait(epoll, &events, Int32(events.count), -1))
            guard n > 0 else { continue }
            for event in events[..<n] {
                state.withLock { $0.watched.removeValue(forKey: event.data.fd) }?.wake()
            }
        }
    }
}
