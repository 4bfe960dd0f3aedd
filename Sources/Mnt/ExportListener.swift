import Kernel
import Library

/// Takes calls to an address and serves an Export to all who call, in one process.
///
/// A connection has a Thread while something comes on it. One that is quiet gives it up, and its buffers: it stands in its
/// device's queue, and costs what its fids do. `state` guards which connections there are; each is dropped when its client
/// hangs up or the process ends.
public final class ExportListener: Sendable {
    private let export: Export
    private let p: Proc
    /// Which export a caller is served, by the conversation's directory. Throws where it is none.
    public typealias Admit = @Sendable (String) throws(SysError) -> Export
    private let admit: Admit?
    private let state = Lock([ObjectIdentifier: ExportSession]())
    private let refused = Lock(0)

    /// Nanoseconds for which a connection keeps its Thread though nothing comes.
    private static let patience: UInt64 = 1_000_000_000
    /// Nanoseconds in which a caller who is refused is to ask for something, to be told so.
    private static let courtesy: UInt64 = 5_000_000_000
    /// Callers who are told so at once, each on a Thread; others are hung up on.
    private static let courtesies = 16
    /// What is waited for where a call cannot be taken now, milliseconds.
    private static let pause: Int64 = 100

    /// Where there is no `admit`, whoever calls is served `export`.
    public init(_ export: Export, of p: Proc, _ admit: Admit? = nil) {
        self.export = export
        self.p = p
        self.admit = admit
    }

    /// Serves until the announcement is hung up. Throws why it cannot be made, and `.killed`.
    public func serve(_ announced: Proc.Call) throws(SysError) {
        defer { end() }
        while true {
            do throws(SysError) { try accept(try p.listen(announced)) } catch {
                switch error.code {
                case .hungup: return
                case .killed, .interrupted, .nonexist: throw error
                default:
                    // Too much is open, or too many run: that passes.
                    export.log(announced.directory, "\(error)")
                    try p.sleep(milliseconds: Self.pause)
                }
            }
        }
    }

    /// How many are connected.
    public var count: Int { state.withLock { $0.count } }

    /// On a Thread of its own: who calls may take their time to say who they are.
    private func accept(_ call: Proc.Call) throws(SysError) {
        do throws(SysError) {
            try p.startThread { [self] _ in
                let session: ExportSession
                do throws(SysError) { session = try meet(call) } catch {
                    p.logRefusal("export", call.directory, error)
                    try? p.close(call.control)  // it was refused
                    return
                }
                try? p.close(call.control)  // the data file holds the connection
                attend(session)
            }
        } catch {
            try? p.close(call.control)  // what went wrong first is what is told
            throw error
        }
    }

    private func meet(_ call: Proc.Call) throws(SysError) -> ExportSession {
        let fd = try p.accept(call)
        defer { try? p.close(fd) }  // the session has the Chan
        let chan = try p.fildes(fd)
        let export: Export
        do throws(SysError) { export = try admit?(call.directory) ?? self.export } catch {
            let isTold = refused.withLock { n -> Bool in
                guard n < Self.courtesies else { return false }
                n += 1
                return true
            }
            if isTold {
                // Who does not want to know need not.
                try? Thread.forOthers(until: Thread.deadline(after: Self.courtesy)) { () throws(SysError) in
                    try tell(error, to: fd)
                }
                refused.withLock { $0 -= 1 }
            }
            throw error
        }
        let session = ExportSession(export, chan, chan, call.directory)
        state.withLock { $0[ObjectIdentifier(session)] = session }
        return session
    }

    /// Says in answer to the first message, which is a Tversion, that nothing is served.
    private func tell(_ refusal: SysError, to fd: Int32) throws(SysError) {
        var reader = FrameReader(msize: Wire.firstMsize)
        while true {
            let first: UInt16?
            do throws(Malformed) {
                first = try reader.next().map { (frame) throws(Malformed) in
                    try Tmessage.decode(reader.buffer.span.extracting(frame), .plan9).0
                }
            } catch { return }
            if let first {
                var out = FrameWriter()
                out.appendError("authentication failed: \(refusal.sentence)", tag: first)
                return try p.write(fd, Array(out.buffer[..<out.count]))
            }
            let n = try reader.fill { (room) throws(SysError) in try p.read(fd, into: &room) }
            guard n > 0 else { return }
        }
    }

    /// Gives the connection a Thread.
    private func run(_ session: ExportSession) throws(SysError) {
        try p.startThread { [self] _ in attend(session) }
    }

    /// Serves it as long as something comes.
    private func attend(_ session: ExportSession) {
        var goesOn = true
        while goesOn {
            guard session.attend(for: Self.patience) else { return drop(session) }
            goesOn = session.rest { [weak self, weak session] in
                guard let self, let session else { return }
                do throws(SysError) { try self.run(session) } catch { self.drop(session) }
            }
        }
    }

    private func drop(_ session: ExportSession) {
        session.end()
        let gone = state.withLock { $0.removeValue(forKey: ObjectIdentifier(session)) }
        withExtendedLifetime(gone) {}
    }

    private func end() {
        for session in state.withLock({ Array($0.values) }) { drop(session) }
    }
}
