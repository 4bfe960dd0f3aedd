import Host
import Kernel
import KernelTestSupport
import NineP
import Testing

/// Servers that do not do what came at once in the order in which it came, or do not say how far a walk goes: all works as
/// with others, and what does not work is soon no longer tried.
@Suite(.timeLimit(.minutes(1))) struct OrderTests {
    struct Kind: Sendable, CustomTestStringConvertible {
        let dialect: Dialect
        var manners = TreeServer.Manners()

        var testDescription: String { "\(dialect.version) \(manners)" }
    }

    static let kinds: [Kind] = {
        var kinds: [Kind] = []
        for order in [Order.reversed(), .shuffled(seed: 1), .shuffled(seed: 2)] {
            for ename in ["fid unknown or out of range", "bad use of fid"] {
                kinds.append(Kind(dialect: .plan9, manners: .init(order: order, unknownFid: ename)))
            }
            for ename in ["i/o error", "fd out of range or not open", "bad arg in system call", "file does not exist"] {
                kinds.append(Kind(dialect: .linux, manners: .init(order: order, unknownFid: ename)))
            }
            kinds.append(
                Kind(
                    dialect: .linux, manners: .init(order: order, unknownFid: "i/o error", knowsUnlinkat: false)))
        }
        for order in [Order.kept, .reversed()] {
            kinds.append(Kind(dialect: .plan9, manners: .init(order: order, walksToTheLast: true)))
            kinds.append(
                Kind(dialect: .linux, manners: .init(order: order, unknownFid: "i/o error", walksToTheLast: true)))
        }
        return kinds
    }()

    /// Every sort of request that is sent along with another.
    private static func work(_ p: Proc, _ top: String) throws {
        let names = (0..<135).map { "f\($0)" }
        try p.mkdir(top)
        try p.mkdir("\(top)/d")
        for name in names { try p.put("\(top)/d/\(name)", name) }
        #expect(try p.names("\(top)/d").sorted() == names.sorted())
        // Known to be a directory now: it is read along with its opening.
        _ = try p.names(top)
        #expect(try p.names("\(top)/d").sorted() == names.sorted())
        let fd = try p.open("\(top)/d")
        var dirs: [Dir] = []
        while case let some = try p.dirread(fd), !some.isEmpty { dirs += some }
        try p.close(fd)
        #expect(dirs.count == names.count && dirs.allSatisfy { $0.length == UInt64($0.name.utf8.count) })
        for name in names.prefix(10) {
            #expect(try p.text("\(top)/d/\(name)") == name)
            #expect(try p.stat("\(top)/d/\(name)").length == UInt64(name.utf8.count))
        }
        let bytes = AheadTests.bytes(300_000)
        let new = try p.create("\(top)/big", .readWrite, FileMode(rawValue: 0o644))
        for start in stride(from: 0, to: bytes.count, by: 50_000) {
            try p.write(new, Array(bytes[start..<start + 50_000]))
        }
        try p.close(new)
        let back = try p.open("\(top)/big")
        var got: [UInt8] = []
        while case let part = try p.read(back, 8192), !part.isEmpty { got += part }
        try p.close(back)
        #expect(got == bytes)
        let end = try p.open("\(top)/d/f1", [.write, .append])
        try p.write(end, "!")
        try p.write(end, "?")
        try p.close(end)
        #expect(try p.text("\(top)/d/f1") == "f1!?")
        try p.wstat("\(top)/d/f2", DirChange(name: "g2"))
        #expect(try p.text("\(top)/d/g2") == "f2")
        #expect(code { () throws(SysError) in _ = try p.text("\(top)/d/f2") } == .nonexist)
        #expect(code { () throws(SysError) in _ = try p.text("\(top)/none/f2") } == .nonexist)
        #expect(code { () throws(SysError) in try p.mkdir("\(top)/d") } == .exist)
        #expect(code { () throws(SysError) in try p.remove("\(top)/d") } == .notEmpty)
        try p.remove("\(top)/d/g2")
        try p.remove("\(top)/big")
        #expect(code { () throws(SysError) in try p.remove("\(top)/d/g2") } == .nonexist)
        #expect(try p.names(top) == ["d"])
    }

    @Test(arguments: kinds) func allWorks(kind: Kind) async throws {
        try await withTree(TreeServer(kind.dialect, kind.manners)) { p, tree, _ in
            try Self.work(p, "/n/a")
            let before = tree.strays
            try Self.work(p, "/n/b")
            // Where a walk fails what came with it does too; else nothing comes too early any more.
            if case .kept = kind.manners.order {} else { #expect(before > 0 && tree.strays == before) }
            // Nothing is kept that nobody needs: clunks go with what is asked next.
            _ = try? p.stat("/n/none")
            #expect(try inTime { (try? p.stat("/n/none")) == nil && tree.fidCount < 40 })
        }
    }

    /// The server keeps the order for a while: each sort of request is once the first for which it does not.
    @Test(arguments: [Dialect.plan9, .linux], 0..<24) func anyMayBeTheFirst(dialect: Dialect, rounds: Int) async throws
    {
        let tree = TreeServer(dialect, .init(order: .reversed(after: rounds), knowsUnlinkat: rounds % 2 == 0))
        let names = (0..<9).map { "f\($0)" }
        for name in names { tree.put("top/d/\(name)", Array(name.utf8)) }
        tree.put("top/file", Array("text".utf8))
        try await withTree(tree) { p, tree, _ in
            for path in ["/n/top", "/n/top/d"] {
                let fd = try p.open(path)
                var dirs: [Dir] = []
                while case let some = try p.dirread(fd), !some.isEmpty { dirs += some }
                try p.close(fd)
                #expect(dirs.map(\.name) == (path == "/n/top" ? ["d", "file"] : names))
                #expect(dirs.allSatisfy { $0.isDirectory || $0.length == ($0.name == "file" ? 4 : 2) })
            }
            #expect(try p.text("/n/top/file") == "text")
            #expect(try p.stat("/n/top/d/f1").length == 2)
            try p.put("/n/top/new", "new")
            try p.remove("/n/top/d/f1")
            try p.remove("/n/top/new")
            #expect(try p.names("/n/top") == ["d", "file"])
            _ = try? p.stat("/n/none")
            #expect(try inTime { (try? p.stat("/n/none")) == nil && tree.fidCount < 10 })
        }
    }

    /// A walk stops at what is a symbolic link, and at what something is mounted on, though the server does not say.
    @Test func namesOnTheWayAreSeen() async throws {
        let tree = TreeServer(.linux, .init(walksToTheLast: true))
        tree.put("a/b/c", Array("deep".utf8))
        tree.put("over/c", Array("above".utf8))
        try await withTree(tree) { p, _, _ in
            #expect(try p.text("/n/a/b/c") == "deep")
            try p.symlink("a", "/n/link")
            #expect(try p.text("/n/link/b/c") == "deep")
            try p.bind("/n/over", "/n/a/b")
            #expect(try p.text("/n/a/b/c") == "above")
        }
        let other = TreeServer(.linux, .init(walksToTheLast: true))
        other.put("a/b/c", Array("deep".utf8))
        try await withTree(other) { p, _, _ in
            try p.symlink("a", "/n/link")
            #expect(try p.text("/n/link/b/c") == "deep")
            #expect(code { () throws(SysError) in _ = try p.text("/n/a/none/c") } == .nonexist)
        }
    }
}
