import Kernel
import KernelTestSupport
import Testing

@testable import Applib

/// Walks in which names change hands between a look at them and the next.
@Suite(.timeLimit(.minutes(1))) struct TreeTests {
    /// What a walk over /t meets, `!` where it fails, when `change` is made at the step that gives `place`.
    private func walk(
        follow: Bool = false, at place: String, _ change: @escaping @Sendable (Proc) throws(SysError) -> Void
    ) throws -> [String] {
        try inSystem([MemDev()]) { (p) throws(SysError) in
            for directory in ["/t", "/t/a", "/out"] { try p.mkdir(directory) }
            for file in ["/t/a/own", "/out/secret"] { try p.put(file, "") }
            var tree = Tree(p, "/t", follow: follow)
            var met: [String] = []
            while true {
                do throws(SysError) {
                    guard let step = try tree.next() else { return met }
                    if step.visit != .leave { met.append(step.path) }
                    if step.path == place, step.visit == .enter { try change(p) }
                } catch {
                    met.append("! \(error)")
                }
            }
        }
    }

    @Test func aLinkInThePlaceOfADirectoryIsNotEntered() throws {
        let met = try walk(at: "/t/a") { (p) throws(SysError) in
            try p.rename("/t/a", "/t/b")
            try p.symlink("/out", "/t/a")
        }
        #expect(met == ["/t", "/t/a", "! '/t/a' another file has taken its place"])
    }

    @Test func norIsOneInThePlaceOfTheRoot() throws {
        let met = try walk(at: "/t") { (p) throws(SysError) in
            try p.rename("/t", "/u")
            try p.symlink("/out", "/t")
        }
        #expect(met == ["/t", "! '/t' another file has taken its place"])
    }

    @Test func whereLinksAreFollowedItIs() throws {
        let met = try walk(follow: true, at: "/t/a") { (p) throws(SysError) in
            try p.rename("/t/a", "/t/b")
            try p.symlink("/out", "/t/a")
        }
        #expect(met == ["/t", "/t/a", "/t/a/secret"])
    }

    @Test func whatIsMountedOnADirectoryIsEntered() throws {
        let met = try walk(at: "/t/a") { (p) throws(SysError) in try p.bind("/out", "/t/a", .replace) }
        #expect(met == ["/t", "/t/a", "/t/a/secret"])
    }

    @Test(arguments: [
        ("a/b", "a", true), ("a", "a", true), ("ab", "a", false), ("a", "a/b", false), ("a/\u{301}", "a", true),
        ("a\u{301}/b", "a", false), ("\u{600}/b", "\u{600}", true),
    ]) func aNameIsWithinADirectory(_ path: String, _ directory: String, _ isIt: Bool) {
        #expect(isWithin(path, directory) == isIt)
    }

    @Test(arguments: [("a/", "a"), ("a", "a"), ("\u{600}/", "\u{600}"), ("/\u{301}", "/\u{301}"), ("", "")])
    func aSlashAtTheEndIsTakenOff(_ path: String, _ rest: String) {
        #expect(withoutSlash(path).utf8.elementsEqual(rest.utf8))
        #expect(isRooted("/\u{301}") && !isRooted("a/") && !isRooted(""))
    }
}
