import Kernel
import Synchronization

/// A number by which the server knows a file for us. The last reference clunks it, without waiting for the reply.
final class MntFid: Sendable {
    let link: MntLink
    let number: UInt32
    private let known = Atomic<Bool>(false)
    private let open = Atomic<Bool>(false)
    /// How its file is removed when it is let go of, by servers that do not do this themselves.
    let removal = Lock<Removal?>(nil)

    struct Removal: Sendable {
        /// The directory that it is in, and its name there; nil for a server that removes by fid alone.
        let place: (directory: MntFid, name: String)?
    }

    init(_ link: MntLink, _ number: UInt32) {
        self.link = link
        self.number = number
    }

    deinit { link.end(number, known: isKnown, open: isOpen, removal.withLock { $0 }) }

    /// Whether the server has it: then it is to be clunked.
    var isKnown: Bool {
        get { known.load(ordering: .acquiring) }
        set { known.store(newValue, ordering: .releasing) }
    }

    /// Whether a file is open there: the server is to hear at once that it is no longer.
    var isOpen: Bool {
        get { open.load(ordering: .relaxed) }
        set { open.store(newValue, ordering: .relaxed) }
    }
}
