import Applib
import Kernel
import Library
import Mnt

/// Serves a directory over 9P to whoever is at the other end of descriptor 0.
struct Exportfs: Command {
    static let usage: Usage = """
        export [-Av] [-l address] [-m msize] [-p mask] dir
        -A        whoever calls is not asked who they are: of tls, they need not be in /lib/keys/authorized
        -l addr   take calls to this address, instead of serving descriptor 0
        -m msize  the longest message that a client may ask for, in bytes: 256 to 8388608; 1048576 where it is not given
        -p mask   the rights that are left of dir and all below it: r read and list, w write, x search and run
        -v        every message goes to /dev/kprint
        """

    func run(_ r: Run) throws(SysError) {
        let directory = try r.operands(1...1)[0]
        var options = Export.Options()
        options.msize = try r.number("m", or: options.msize, in: Wire.leastMsize...Wire.mostMsize)
        options.mask = try r.mask() ?? options.mask
        options.verbose = r.has("v")
        if let address = r.options.value("l") {
            // What cannot be served is said before anybody calls.
            let export = try Export(directory, options, of: r.p)
            let asks = r.has("A") ? false : try r.p.asksCallers(address)
            if r.has("A") { r.p.system.log("export: \(address): whoever calls is served, and not asked who they are") }
            let admission = asks ? Admission(directory, options, r.p) : nil
            return try ExportListener(export, of: r.p, admission?.admit).serve(try r.p.announce(address))
        }
        let export = try r.p.export(directory, options, to: try r.p.peer())
        let input = try r.p.fildes(0)
        // A pipe and a connection go both ways; the console's input does not.
        let output = input.mode?.canWrite ?? false ? input : try r.p.fildes(1)
        try export.serve(input, output, peer: input.path)
    }
}

/// What each caller of an address is served, by the key that they show. `exports` guards what was made for callers before.
private final class Admission: Sendable {
    private let directory: String
    private let options: Export.Options
    private let p: Proc
    private let exports = Lock([Proc.Authorized: Export]())

    /// Different callers for which an export is kept; all are forgotten where there are more.
    private static let limit = 1024

    init(_ directory: String, _ options: Export.Options, _ p: Proc) {
        (self.directory, self.options, self.p) = (directory, options, p)
    }

    /// What is served to the caller of a conversation, by its directory. Throws where that is nobody who may.
    @Sendable func admit(_ conversation: String) throws(SysError) -> Export {
        let peer = try p.caller(of: conversation)
        if let known = exports.withLock({ $0[peer] }) { return known }
        let made = try p.export(directory, options, to: peer)
        let dropped = exports.withLock { e in
            let dropped = e.count < Self.limit ? [:] : e
            if !dropped.isEmpty { e = [:] }
            e[peer] = made
            return dropped
        }
        withExtendedLifetime(dropped) {}
        return made
    }
}

extension Proc {
    /// An export of `directory`, or of what of it `peer` is shown.
    fileprivate func export(_ directory: String, _ options: Export.Options, to peer: Authorized?) throws(SysError)
        -> Export
    {
        guard let peer else { return try Export(directory, options, of: self) }
        var options = options
        options.mask.formIntersection(peer.mask)
        let path = directory.hasPrefix("/") ? directory : "\(self.directory)/\(directory)"
        return try Export(try peer.part(of: path), options, of: self)
    }
}
