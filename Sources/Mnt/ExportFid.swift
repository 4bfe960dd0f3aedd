import Kernel

/// What a fid stands for. A value: a request takes a copy and is not disturbed by a clunk.
struct ExportFile: Sendable {
    /// The tree that was attached to.
    let tree: Subtree
    /// The file that has the name: a symbolic link is itself. What is removed and renamed.
    let entry: Chan
    /// The file that is meant: with 9P2000, what a symbolic link leads to.
    let file: Chan
    /// The same, open.
    var open: Chan?

    /// Where `stat` and `wstat` go: what is open is there even when it has no name any more.
    var best: Chan { open ?? file }

    func opened() throws(SysError) -> Chan {
        guard let open else { throw .badUseOfFid }
        return open
    }
}

/// One fid of a connection. The session's lock guards it, but for the listing, which only one request at a time uses.
final class ExportFid: @unchecked Sendable {
    /// nil while a walk that is to make it is under way.
    var file: ExportFile?
    /// A request that changes it is with a worker: others wait here, in order.
    var isBusy = false
    var waiting: [ExportRequest] = []
    /// Requests that wait for the file to be readable or writable; only the first is tried.
    var reads: [ExportRequest] = []
    var writes: [ExportRequest] = []
    /// An open file counts as a descriptor of the exporting process.
    let account: Account
    var isCharged = false
    let listing = Lock<ExportListing?>(nil)

    init(_ file: ExportFile?, _ account: Account) {
        self.file = file
        self.account = account
    }

    deinit { if isCharged { account.credit(.descriptors) } }
}

/// How far a directory has been read.
struct ExportListing: Sendable {
    var reader: DirectoryReader
    /// Entries that were read and did not fit.
    var pending: ArraySlice<(entry: Dir, cookie: UInt64)> = []
    /// 9P2000: the offset that goes on. 9P2000.L: the cookie of the last entry that was given.
    var offset: UInt64 = 0

    init(_ reader: DirectoryReader) { self.reader = reader }

    /// The next entry, which stays the next until `pending` loses it.
    mutating func next(_ tree: Subtree, _ how: How) throws(SysError) -> (entry: Dir, cookie: UInt64)? {
        if pending.isEmpty { pending = try tree.next(&reader, limit: 64, how)[...] }
        return pending.first
    }
}
