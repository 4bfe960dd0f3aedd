import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

/// Callers that are killed or interrupted at each moment of what they have asked for: nothing of it stays at the server.
@Suite(.timeLimit(.minutes(1))) struct GoneTests {
    /// A request that the server keeps back.
    enum Kind: Equatable, Sendable {
        /// A walk of no names: where another fid for the same file is wanted.
        case copy
        case of(MessageType)

        init(_ message: Tmessage) {
            if case .walk(_, _, let names) = message, names.isEmpty { self = .copy } else { self = .of(message.type) }
        }
    }

    /// What becomes of it.
    enum Way: Sendable {
        /// It is done at once; the reply comes when a Tflush has asked to drop it, before the Rflush.
        case told
        /// It is done and answered when a Tflush has come, before the Rflush.
        case done
        /// It is never done.
        case dropped
    }

    /// What a process does, and which of its requests are kept back, one for each entry.
    struct Play: Sendable, CustomTestStringConvertible {
        let act: Act
        let ways: [(Kind, Way)]
        var dialect = Dialect.plan9

        enum Act: String, Sendable { case attach, open, list, copy, create, mkdir, remove, stat }

        var testDescription: String {
            "\(dialect.version) \(act.rawValue): " + ways.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        }

        func run(_ p: Proc, _ wire: Int32, _ options: ServerOptions) throws(SysError) {
            switch act {
            case .attach:
                p.become(Cred(user: "other", uid: 7, gid: 7))
                try p.mount(wire, "/mnt", options: options)
                try p.unmount(nil, "/mnt")
            case .open: try p.close(try p.open("/n/d/x"))
            case .list: _ = try p.names("/n/d")
            case .copy: _ = try p.names("/n")
            case .create: try p.close(try p.create("/n/d/new", .write, FileMode(rawValue: 0o644)))
            case .mkdir: try p.mkdir("/n/d/new")
            case .remove: try p.remove("/n/d/x")
            case .stat: _ = try p.stat("/n/d/x")
            }
        }
    }

    static let plays: [Play] = {
        var plays: [Play] = []
        for (dialect, open, stat, create) in [
            (Dialect.plan9, MessageType.Topen, MessageType.Tstat, MessageType.Tcreate),
            (.linux, .Tlopen, .Tgetattr, .Tlcreate),
        ] {
            for end in [Way.done, .dropped] {
                func add(_ act: Play.Act, _ ways: (Kind, Way)...) {
                    plays.append(Play(act: act, ways: ways, dialect: dialect))
                }
                add(.attach, (.of(.Tattach), end))
                for act in [Play.Act.open, .list, .stat] { add(act, (.of(.Twalk), end)) }
                for act in [Play.Act.copy, .create] { add(act, (.copy, end)) }
                add(.open, (.of(open), .told), (.of(stat), end))
                add(.stat, (.of(stat), end))
                add(.stat, (.of(.Twalk), .told), (.of(stat), end))
                for act in [Play.Act.open, .list] {
                    add(act, (.of(open), end))
                    for walk in [Way.told, end] { add(act, (.of(.Twalk), walk), (.of(open), end)) }
                }
                for (act, type) in [(Play.Act.copy, open), (.create, create)] {
                    add(act, (.of(type), end))
                    for walk in [Way.told, end] { add(act, (.copy, walk), (.of(type), end)) }
                }
                guard dialect == .plan9 else {
                    add(.remove, (.of(.Tunlinkat), end))
                    add(.mkdir, (.of(.Tmkdir), end))
                    continue
                }
                add(.remove, (.of(.Tremove), end))
                for walk in [Way.told, end] { add(.remove, (.copy, walk), (.of(.Tremove), end)) }
                add(.mkdir, (.copy, .told), (.of(.Tcreate), end))
            }
        }
        return plays
    }()

    /// A tree whose server keeps back what a play says, from `begin` on.
    final class Keeper: Sendable {
        private struct State {
            var ways: [(Kind, Way)] = []
            var kept: [(request: Request, answer: Answer?, way: Way)] = []
        }

        let tree: TreeServer
        private let dialect: Dialect
        private let state = Lock(State())

        init(_ dialect: Dialect) {
            self.dialect = dialect
            tree = TreeServer(dialect)
            tree.put("/d/x", [1])
        }

        var server: FakeServer {
            FakeServer(version: dialect.version, dialect) { request, _ in self.answer(request) }
        }

        func begin(_ play: Play) { state.withLock { $0.ways = play.ways } }

        /// How many are still to come of those that it is to keep, and how many it has.
        var counts: (coming: Int, kept: Int) { state.withLock { ($0.ways.count, $0.kept.count) } }

        private func answer(_ request: Request) -> [(tag: UInt16, answer: Answer)] {
            if case .flush(let old) = request.message {
                let kept = state.withLock { s in
                    s.kept.firstIndex { $0.request.tag == old }.map { s.kept.remove(at: $0) }
                }
                let answer = kept.flatMap { $0.answer ?? ($0.way == .done ? tree.answer($0.request) : nil) }
                return (answer.map { [(old, $0)] } ?? []) + [(request.tag, .reply(.flush))]
            }
            let kind = Kind(request.message)
            let way = state.withLock { s in s.ways.firstIndex { $0.0 == kind }.map { s.ways.remove(at: $0).1 } }
            guard let way else { return [(request.tag, tree.answer(request))] }
            let answer = way == .told ? tree.answer(request) : nil
            state.withLock { $0.kept.append((request, answer, way)) }
            return [(request.tag, .nothing)]
        }
    }

    /// Runs the play until its server has all that it keeps, and has `end` happen to the process; gives what that was told.
    private static func perform(
        _ play: Play, handles: Bool, _ end: @escaping @Sendable (Proc) -> Void
    ) async throws -> [String] {
        try await inEmu { p in
            let keeper = Keeper(play.dialect)
            let wire = try keeper.server.start(p)
            let options = ServerOptions(dialect: play.dialect)
            try p.mount(wire, "/n", options: options)
            keeper.begin(play)
            let got = WaitTests.Results()
            let pid = try p.spawn(.forkFD, fds: [wire]) { c throws(SysError) in
                if handles { c.onNote(.handle { _ in true }) }
                do throws(SysError) {
                    try play.run(c, wire, options)
                    got.add("done")
                } catch { got.add(error.sentence) }
                return .ok
            }
            #expect(try inTime { keeper.counts.coming == 0 })
            if let c = p.system.proc(pid) { end(c) }
            _ = try p.wait(.pid(pid))
            // Whoever comes next reads what has come meanwhile; clunks go with requests. The root's fid stays, and the
            // last stat's is not clunked yet.
            var fids = 0
            for _ in 0..<500 {
                _ = try p.stat("/n/d")
                fids = keeper.tree.fidCount
                if fids == 2, keeper.counts.kept == 0 { break }
                try p.sleep(milliseconds: 1)
            }
            #expect(fids == 2)
            #expect(keeper.counts.kept == 0)
            return got.list
        }
    }

    @Test(arguments: plays) func whoIsKilledLeavesNothing(play: Play) async throws {
        _ = try await Self.perform(play, handles: false) { $0.kill() }
    }

    /// One note ends all of it, whatever it is that waits; what is done by then stands.
    @Test(arguments: plays) func whoIsInterruptedLeavesNothing(play: Play) async throws {
        let got = try await Self.perform(play, handles: true) { $0.post(.interrupt) }
        let isDone = play.ways.allSatisfy { if case .dropped = $0.1 { false } else { true } }
        #expect(got == [isDone ? "done" : "interrupted"])
    }
}
