import Host
import Kernel

/// Files that programs were given descriptors of: which Chan stands behind one, for calls that change the file itself.
///
/// Two Chans of one host file that give different rights cannot be told apart by a descriptor: then neither is known.
final class VxFiles: Sendable {
    private struct Known {
        var chan: Chan?
    }

    private struct State {
        var known: [HostIdentity: Known] = [:]
        var order: [HostIdentity] = []
    }

    /// Most that are kept, with what their devices keep open for them; the oldest are forgotten, and such a descriptor has
    /// no Chan.
    private static let limit = 256

    private let state = Lock(State())

    func add(_ c: Chan, _ stat: HostStat) {
        // Of a stream that is kept nobody would see the end.
        guard stat.kind == .regular else { return }
        let key = HostIdentity(stat)
        state.withLock { s in
            if let before = s.known[key] {
                if before.chan?.mask != c.mask { s.known[key] = Known(chan: nil) }
                return
            }
            if s.order.count == Self.limit {
                for old in s.order[..<(Self.limit / 2)] { s.known[old] = nil }
                s.order.removeFirst(Self.limit / 2)
            }
            s.known[key] = Known(chan: c)
            s.order.append(key)
        }
    }

    func chan(_ stat: HostStat) -> Chan? {
        state.withLock { $0.known[HostIdentity(stat)] }?.chan
    }
}
