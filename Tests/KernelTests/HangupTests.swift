@testable import Kernel
import KernelTestSupport
import Library
import Testing

/// What `unmount -f` does to files that are open, and what it leaves alone.
@Suite(.timeLimit(.minutes(1))) struct HangupTests {
    /// /a/f and /b/f are files, /b/q is a queue; nothing is mounted.
    private func withFiles<T: Sendable>(_ body: @Sendable (Proc) throws -> T) async throws -> T {
        try await withSystem([MemDev(), MemDev("m")]) { p in
            for d in ["a", "b", "c"] {
                try p.mkdir("/\(d)")
                try p.put("/\(d)/f", d)
            }
            try p.put("/other", "o")
            try p.mkdir("/b/in")
            try p.put("/b/in/f", "in")
            try p.close(p.create("/b/q", .write, FileMode(rawValue: 0o600).union(.namedPipe)))
            return try body(p)
        }
    }

    struct Row: Sendable {
        let open: String
        let before: String
        let force: String
        let isHungUp: Bool

        init(_ before: String, open: String, _ force: String, _ isHungUp: Bool) {
            self.before = before
            self.open = open
            self.force = force
            self.isHungUp = isHungUp
        }
    }

    static let rows = [
        Row("bind /b /a", open: "/a/f", "unmount -f /a", true),
        Row("bind /b /a", open: "/a/f", "unmount /a", false),
        Row("bind /b /a", open: "/b/f", "unmount -f /a", false),
        Row("bind /b /a", open: "/a", "unmount -f /a", true),
        Row("bind /b /a", open: "/a/in/f", "unmount -f /a", true),
        Row("bind /b/f /a/f", open: "/a/f", "unmount -f /a/f", true),
        // What is mounted there and is another's tree.
        Row("bind /b /a\nbind /c /a/in", open: "/a/in/f", "unmount -f /a", false),
        Row("bind /b /a\nbind /c /a/in", open: "/a/in/f", "unmount -f /a/in", true),
        Row("bind -a /b /a", open: "/a/in/f", "unmount -f /a", true),
        // The directory's own files are in no mount, whatever stands beside them.
        Row("bind -a /b /a", open: "/a/f", "unmount -f /a", false),
        Row("bind -b /b /a\nbind -b /c /a", open: "/a/f", "unmount -f /b /a", false),
        Row("bind -b /b /a\nbind -b /c /a", open: "/a/f", "unmount -f /c /a", true),
        // Once narrower, it is the same mount; mounted anew, it is another.
        Row("bind /b /a", open: "/a/f", "bind -p r /a /a\nbind /b /a\nunmount -f /a", false),
        Row("bind /b /a", open: "/a/f", "unmount -f /a\nbind /b /a", true),
        // It is taken off this name space.
        Row("bind /b /a", open: "/a/f", "fork\nunmount -f /a", false),
    ]

    @Test(arguments: rows) func whatIsOpenIsHungUp(_ row: Row) async throws {
        try await withFiles { p in
            try NameSpaceFile(name: "row", text: row.before).apply(to: p)
            let isDirectory = try p.stat(row.open).mode.contains(.directory)
            let fd = try p.open(row.open, isDirectory ? .read : .readWrite)
            // That it was read before does not help.
            if isDirectory { _ = try p.dirread(fd, limit: 1) } else { _ = try p.read(fd, 1) }
            try NameSpaceFile(name: "row", text: row.force).apply(to: p)
            let expected: SysError.Code? = row.isHungUp ? .hungup : nil
            if isDirectory {
                #expect(code { () throws(SysError) in try p.dirread(fd) } == expected)
            } else {
                #expect(code { () throws(SysError) in try p.read(fd, 1) } == expected)
                #expect(code { () throws(SysError) in try p.write(fd, "x") } == expected)
            }
            #expect(code { () throws(SysError) in try p.seek(fd, 0) } == nil)
            // Another file of the same name space is as it was.
            #expect(try p.text("/other") == "o")
        }
    }

    @Test func aMaskThatCameLaterHidesNothing() async throws {
        try await withFiles { p in
            try p.bind("/b", "/a")
            let fd = try p.open("/a/f")
            p.nameSpace.narrow { _ in [.read, .execute] }
            let later = try p.open("/a/f")
            try p.unmount(nil, "/a", force: true)
            for fd in [fd, later] { #expect(code { () throws(SysError) in try p.read(fd, 1) } == .hungup) }
        }
    }

    enum Wait: CaseIterable, Sendable { case read, semaphore, poll }

    @Test func whoWaitsIsWoken() async throws {
        try await withFiles { p in
            try p.bind("/b", "/a")
            let other = try p.open("/b/q")
            for call in Wait.allCases {
                _ = try p.spawn { (c) throws(SysError) in
                    let fd = try c.open("/a/q")
                    switch call {
                    case .read: _ = try c.read(fd, 1)
                    case .semaphore: try c.semDown(fd)
                    case .poll:
                        var list = [Proc.Poll(fd, .read)]
                        _ = try c.poll(&list)
                        guard list[0].got == [.read, .hangup] else { return "ready" }
                        _ = try c.read(fd, 1)
                    }
                    return .ok
                }
            }
            // One that waits in the same file and has opened it by another way.
            let bystander = try p.spawn { (c) throws(SysError) in Status(String(try c.read(other, 1).count)) }
            #expect(try inTime { p.children.allSatisfy { p.system.proc($0)?.isBlocked == true } })
            try p.unmount(nil, "/a", force: true)
            for _ in Wait.allCases { #expect(try p.wait().status.text == SysError.hungup.description) }
            #expect(p.children == [bystander])
            try p.send("/b/q", "!")
            #expect(try p.wait(.pid(bystander)).status.text == "1")
        }
    }

    @Test func whatWasFoundBeforeIsNotOpenedAfter() async throws {
        try await withFiles { p in
            try p.bind("/b", "/a")
            try p.chdir("/a/in")
            try p.unmount(nil, "/a", force: true)
            #expect(code { () throws(SysError) in try p.open("f") } == .hungup)
            try p.chdir("/a")
            #expect(try p.text("f") == "a")
        }
    }

    @Test func whatIsForcedAgainAndAgainIsForgotten() async throws {
        try await withFiles { p in
            for _ in 0..<1000 {
                try p.bind("/b", "/a")
                let fd = try p.open("/a/f")
                try p.unmount(nil, "/a", force: true)
                #expect(code { () throws(SysError) in try p.read(fd, 1) } == .hungup)
                try p.close(fd)
            }
            #expect(p.nameSpace.hangups.kept <= 2)
        }
    }
}
