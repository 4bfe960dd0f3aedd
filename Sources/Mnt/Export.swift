import Kernel

/// A directory of a process's name space, served over 9P to whoever is at the other end of its connections.
///
/// Each connection is an `ExportSession`, run by the Thread that calls `serve`. Requests that need not wait are answered on
/// that Thread; those that must are parked, or handed to Threads that all connections of this Export share.
/// Immutable, but for those Threads. The corresponding Plan 9 page is `exportfs(4)`.
public final class Export: Sendable {
    /// What can be chosen.
    public struct Options: Sendable {
        /// Rights that nothing below the directory exceeds.
        public var mask = Mask.all
        /// The longest frame that a client may ask for, in bytes.
        public var msize = Wire.usualMsize
        /// Whether 9P2000.L is spoken with those who ask for it.
        public var linux = true
        /// Every message goes to the log.
        public var verbose = false

        public init() {}
    }

    let tree: Subtree
    let options: Options
    let workers: ExportWorkers
    private let rootInstance: UInt32

    /// Throws where `directory` is none that `p` may reach.
    public init(_ directory: String, _ options: Options = Options(), of p: Proc) throws(SysError) {
        tree = try Subtree(directory, mask: options.mask, of: p)
        rootInstance = try tree.root().instance
        self.options = options
        workers = ExportWorkers(p)
    }

    deinit { workers.close() }

    /// Serves the client at the other end of `input` and `output`, both open, which may be one Chan, until it hangs up.
    /// `peer` is for the log. Throws `.killed`; what is wrong with the connection goes to the log.
    public func serve(_ input: Chan, _ output: Chan, peer: String) throws(SysError) {
        let session = ExportSession(self, input, output, peer)
        defer { session.end() }
        do throws(SysError) { _ = try session.run() } catch {
            if error.code == .killed { throw error }
            log(peer, "hung up: \(error)")
        }
    }

    func log(_ peer: String, _ text: String) { tree.system.log("export: \(peer): \(text)") }

    /// A file's qid for clients: unique among all trees below the directory, and never used again.
    ///
    /// Paths of the directory's own tree stay as they are. Others have the number of their tree laid over their high bits,
    /// the lowest bit of it highest: devices count their files from 1, or have 64 bits of a hash.
    func qid(_ qid: Qid, in instance: UInt32) -> Qid {
        guard instance != rootInstance else { return qid }
        var high: UInt64 = 0
        for bit in 0..<32 where instance & (1 << bit) != 0 { high |= 1 << UInt64(63 - bit) }
        return Qid(path: qid.path ^ high, version: qid.version, type: qid.type)
    }

    func qid(_ c: Chan) -> Qid { qid(c.qid, in: c.instance) }
}
