import Host
import Kernel

/// Files that programs were given descriptors of: which Chan stands behind one, for calls that change the file itself.
///
/// What is kept is not open: else a file that a program has closed would stay locked, and busy as a program's text.
/// Two Chans of one host file that give different rights cannot be told apart by a descriptor: then neither is known.
final class VxFiles: Sendable {
    private struct Known {
        var chan: Chan?
    }

    private struct State {
        var known: [HostIdentity: Known] = [:]
        var order: [HostIdentity] = []
    }

    /// Most that are kept; the oldest are forgotten, and such a descriptor has no Chan.
    private static let limit = 256

    private let state = Lock(State())

    func add(_ c: Chan, _ stat: HostStat, _ caller: Caller) {
        // Of a stream that is kept nobody would see the end.
        guard stat.kind == .regular else { return }
        let key = HostIdentity(stat)
        let before = state.withLock { $0.known[key] }
        var known = Known(chan: c.clone())
        if let before, before.chan?.mask != c.mask {
            // The host gives the numbers of a file that is gone to another.
            let isThere =
                if let old = before.chan { (try? old.dev.hostIdentity(old, caller)) == key } else { true }
            if isThere { known.chan = nil }
        }
        state.withLock { [known] s in
            guard s.known.updateValue(known, forKey: key) == nil else { return }
            if s.order.count == Self.limit {
                for old in s.order[..<(Self.limit / 2)] { s.known[old] = nil }
                s.order.removeFirst(Self.limit / 2)
            }
            s.order.append(key)
        }
    }

    func chan(_ stat: HostStat) -> Chan? {
        state.withLock { $0.known[HostIdentity(stat)] }?.chan
    }
}
