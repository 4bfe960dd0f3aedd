import Host
import Kernel
import Linux

/// Sockets of a view's programs that are bound to a path.
///
/// The host has each in the view's tree, which is mounted nowhere; which file of the name space stands for it is known to all
/// views, so that programs of one may call those of another.
final class VxSockets: LocalSockets, Sendable {
    private struct Bound: Sendable {
        weak var host: HostView?
        let name: String
        /// The file, which may be removed meanwhile.
        let file: Chan
    }

    private struct State {
        var bound: [FileIdentity: Bound] = [:]
        var count = 0
    }

    private static let all = Lock(State())
    /// Most that are bound at once.
    private static let limit = 4096

    private let host: HostView

    init(_ host: HostView) { self.host = host }

    func bind(_ socket: GuestSocket, _ path: [UInt8], at c: Chan, _ identity: FileIdentity) throws(SysError) {
        try Self.forget()
        let name = Self.all.withLock { s -> String in
            s.count += 1
            return "socket\(s.count)"
        }
        try host.bind(socket, path, name)
        let host = host
        Self.all.withLock { $0.bound[identity] = Bound(host: host, name: name, file: c) }
    }

    /// Where there are too many, those whose file or view has gone go. Throws `.noSpace` where that is none.
    private static func forget() throws(SysError) {
        let rows = all.withLock { $0.bound.count < limit ? [] : Array($0.bound) }
        guard !rows.isEmpty else { return }
        let gone = rows.filter { $0.value.host == nil || !$0.value.file.isThere }
        guard !gone.isEmpty else { throw SysError(.noSpace) }
        all.withLock { s in
            for (identity, bound) in gone where s.bound[identity]?.name == bound.name { s.bound[identity] = nil }
        }
        for (_, bound) in gone {
            // The program may have it still; nobody finds it any more.
            if let host = bound.host {
                try? HostFiles.remove(bound.name, in: host.directories.number, isDirectory: false)
            }
        }
    }

    func path(of identity: FileIdentity) -> (path: String, keeper: any Sendable & AnyObject)? {
        guard let bound = Self.all.withLock({ $0.bound[identity] }), let host = bound.host else { return nil }
        return ("/proc/self/fd/\(host.directories.number)/\(bound.name)", host)
    }
}
