import Host
import KernelTestSupport
import Testing

@testable import Kernel

/// What a new process shares with its parent, and how it ends.
@Suite(.timeLimit(.minutes(1))) struct SpawnTests {
    /// Each: the flags of a spawn, what the child does, and whether the parent sees it.
    private enum Change: CaseIterable, Sendable {
        case bind, variable, open, close, directory, mask

        /// The flag that keeps it from the parent.
        var flag: ProcFlags? {
            switch self {
            case .bind: .forkNS
            case .variable: .forkEnv
            case .open, .close: .forkFD
            case .directory, .mask: nil
            }
        }
    }

    private static func make(_ change: Change, _ p: Proc) throws(SysError) {
        switch change {
        case .bind: try p.bind("/a", "/b")
        case .variable: try p.environment.set("x", Array("new".utf8), 0)
        case .open: _ = try p.dup(0, 7)
        case .close: try p.close(1)
        case .directory: try p.chdir("/a")
        case .mask: p.umask = 0o77
        }
    }

    private static func isSeen(_ change: Change, _ p: Proc) -> Bool {
        switch change {
        case .bind: thrown { () throws(SysError) in try p.stat("/b/f") } == nil
        case .variable: p.environment["x"].map { $0.value == Array("new".utf8) } ?? false
        case .open: thrown { () throws(SysError) in try p.fstat(7) } == nil
        case .close: thrown { () throws(SysError) in try p.fstat(1) } != nil
        case .directory: p.directory == "/a"
        case .mask: p.umask == 0o77
        }
    }

    private func withFiles<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev()]) { p in
            try p.mkdir("/a")
            try p.mkdir("/b")
            try p.put("/a/f", "x")
            for fd in [Int32(0), 1, 2] { #expect(try p.open("/a/f", .readWrite) == fd) }
            return try body(p)
        }
    }

    @Test func aChildSharesWhatNoFlagKeepsApart() async throws {
        for change in Change.allCases {
            for flags in [[], change.flag ?? []] as [ProcFlags] {
                try await withFiles { p in
                    _ = try p.spawn(flags) { c throws(SysError) in
                        try Self.make(change, c)
                        return Self.isSeen(change, c) ? .ok : "not done"
                    }
                    #expect(try p.wait().status == .ok, "\(change)")
                    #expect(Self.isSeen(change, p) == (flags == [] && change.flag != nil), "\(change) with \(flags)")
                }
            }
        }
    }

    @Test func aParentsLaterChangesAreSeenBelowOnlyWhereItIsShared() async throws {
        for change in Change.allCases {
            guard let flag = change.flag else { continue }
            for flags in [[], flag] as [ProcFlags] {
                try await withFiles { p in
                    let isDone = Lock(false)
                    _ = try p.spawn(flags) { c throws(SysError) in
                        while !isDone.withLock({ $0 }) { try c.sleep(milliseconds: 1) }
                        return Status(Self.isSeen(change, c) ? "seen" : "unseen")
                    }
                    try Self.make(change, p)
                    isDone.withLock { $0 = true }
                    #expect(try p.wait().status == Status(flags == [] ? "seen" : "unseen"), "\(change) with \(flags)")
                }
            }
        }
    }

    @Test func aChildHasTheDescriptorsThatItIsGiven() async throws {
        try await withFiles { p in
            for (flags, fds, left) in [
                (ProcFlags.newFD, nil, []), (.newFD, [0, 2], [0, 2]), (.forkFD, nil, [0, 1, 2]), (.forkFD, [1], [1]),
                (.newFD, [9, 0], [0]),
            ] as [(ProcFlags, [Int32]?, [Int32])] {
                _ = try p.spawn(flags, fds: fds) { c throws(SysError) in
                    Status(
                        (0..<10).filter { fd in thrown { () throws(SysError) in try c.fstat(fd) } == nil }.description)
                }
                #expect(try p.wait().status == Status(left.description))
            }
        }
    }

    @Test func aNewNameSpaceBeginsAtTheCurrentDirectory() async throws {
        try await withFiles { p in
            _ = try p.spawn(.newNS) { c throws(SysError) in
                #expect(try c.names("/") == ["a", "b"])
                try c.chdir("/a")
                try c.pctl(.newNS)
                #expect(try c.names("/") == ["f"])
                #expect(try c.names("/..") == ["f"])
                #expect(c.directory == "/")
                #expect(code { () throws(SysError) in try c.stat("/b") } == .nonexist)
                return .ok
            }
            #expect(try p.wait().status == .ok)
            #expect(try p.names("/") == ["a", "b"])
        }
    }

    @Test func groupsAndSessionsAreOnesOwnWhereAsked() async throws {
        try await withFiles { p in
            for (flags, group, session) in [
                (ProcFlags(), false, false), (.newGroup, true, false), (.newSession, true, true),
            ] {
                _ = try p.spawn(flags) { c throws(SysError) in
                    Status("\(c.group == c.pid) \(c.session == c.pid) \(c.parentPid == 1)")
                }
                #expect(try p.wait().status == Status("\(group) \(session) true"))
            }
        }
    }

    @Test func nobodyWaitsForWhoLeavesNoRecord() async throws {
        try await withFiles { p in
            let pid = try p.spawn(.noWait) { _ throws(SysError) in "gone" }
            #expect(code { () throws(SysError) in try p.wait() } == .noChild)
            #expect(try inTime { p.system.proc(pid) == nil })
        }
    }

    @Test func anOrphanBelongsToTheFirstProcess() async throws {
        try await withFiles { p in
            let orphan = Lock(Int32(0))
            _ = try p.spawn { c throws(SysError) in
                let pid = try c.spawn { o throws(SysError) in
                    try o.sleep(milliseconds: 100_000)
                    return .ok
                }
                orphan.withLock { $0 = pid }
                return .ok
            }
            #expect(try p.wait().status == .ok)
            #expect(p.system.proc(orphan.withLock { $0 })?.parentPid == 1)
        }
    }

    @Test func whoEndsTellsHow() async throws {
        try await withFiles { p in
            let rows: [(@Sendable (Proc) throws(SysError) -> Status, String)] = [
                ({ _ throws(SysError) in .ok }, ""),
                ({ _ throws(SysError) in "why" }, "why"),
                (
                    { c throws(SysError) in try c.open("/none").description == "" ? .ok : .ok },
                    "'/none' file does not exist"
                ),
                (
                    { c throws(SysError) in
                        c.kill(); try c.sleep(milliseconds: 1); return .ok
                    }, "killed"
                ),
                (
                    { c throws(SysError) in
                        c.kill("first"); c.kill("second"); try Thread.check(); return .ok
                    }, "first"
                ),
                (
                    { c throws(SysError) in
                        c.post(Note("alarm")); try Thread.check(); return .ok
                    }, "alarm"
                ),
            ]
            for (body, status) in rows {
                let pid = try p.spawn(args: ["/bin/child"], body)
                let record = try p.wait(.pid(pid))
                #expect(record.status.text == status)
                #expect(record.text == "\(pid) \"child\":\(status)")
            }
        }
    }

    @Test func notesAreDealtWithAsTheProgramSays() async throws {
        try await withFiles { p in
            let seen = Lock<[String]>([])
            let handled = NoteAction.handle { note in
                seen.withLock { $0.append(note.text) }
                return note.text != "quit"
            }
            let rows: [(NoteAction, [String], status: String, seen: [String])] = [
                (.end, ["window", "child", "hangup"], "hangup", []),
                (.ignore, ["hangup", "interrupt", "any text"], "slept", []),
                (handled, ["one", "two", "one"], "slept", ["one", "two", "one"]),
                (handled, ["quit"], "quit", ["quit"]),
            ]
            for (action, notes, status, texts) in rows {
                seen.withLock { $0 = [] }
                _ = try p.spawn { c throws(SysError) in
                    c.onNote(action)
                    for note in notes { c.post(Note(note)) }
                    do throws(SysError) { try c.sleep(milliseconds: 2) } catch { return Status(error.sentence) }
                    return "slept"
                }
                #expect(try p.wait().status.text == status, "\(notes)")
                #expect(seen.withLock { $0.starts(with: texts) }, "\(notes)")
            }
        }
    }

    @Test func signalsThatPendAreNotQueuedTwiceAndNotesAreBounded() async throws {
        try await withFiles { p in
            let seen = Lock<[String]>([])
            _ = try p.spawn { c throws(SysError) in
                c.onNote(
                    .handle { note in
                        seen.withLock { $0.append(note.text) }
                        return true
                    })
                for _ in 0..<5 { c.post(.interrupt) }
                var queued = 0
                while c.post(Note("real", signal: 40)) { queued += 1 }
                do throws(SysError) { try Thread.check() } catch {
                    guard error.code == .interrupted else { throw error }
                }
                return Status("\(queued)")
            }
            #expect(try p.wait().status == "1023")
            #expect(seen.withLock { $0 } == ["interrupt"] + Array(repeating: "real", count: 1023))
        }
    }

    @Test func theThousandthChildCostsWhatTheFirstDid() async throws {
        try await withFiles { p in
            var made: [Proc] = []
            for _ in 0..<1000 { made.append(try p.makeChild([.forkFD], fds: [])) }
            #expect(p.children.count == 1000)
            for (i, child) in made.enumerated() where i % 2 == 0 { child.kill() }
            #expect(p.system.processCount == 1001)
            #expect(code { () throws(SysError) in try p.wait(.any, .try) } == .wouldBlock)
            made = []
            for pid in p.children { p.system.proc(pid)?.exit(.ok) }
            for _ in 0..<1000 { _ = try p.wait() }
            #expect(code { () throws(SysError) in try p.wait() } == .noChild)
        }
    }
}
