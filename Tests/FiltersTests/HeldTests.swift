import Applib
import Codec
import Devices
import Kernel
import KernelTestSupport
import Testing

@testable import Filters

/// Programs that need input again hold so much of it and no more.
@Suite(.timeLimit(.minutes(1))) struct HeldTests {
    /// What `body` throws, or else prints, in a run of a program that may hold 100 KB.
    private func outcome(
        _ usage: Usage, _ arguments: [String], _ text: String,
        _ body: @escaping @Sendable (Run) throws(SysError) -> Void
    ) throws -> String {
        try inSystem(deviceTable.map { $0() }) { (p) throws(SysError) in
            try p.bind("#Rtest", "/tmp", .create)
            try p.chdir("/tmp")
            try p.put("f", text)
            try p.put("out", "")
            for _ in 0..<3 { _ = try p.open("out", .readWrite) }
            guard case .options(let options) = usage.parse(arguments[...]) else { throw .badArg }
            let r = Run(p, options, usage)
            r.heldLimit = 100_000
            do throws(SysError) {
                try body(r)
                try r.out.flush()
            } catch { return error.description }
            return try p.text("out")
        }
    }

    private static func search(_ r: Run) throws(SysError) {
        let search = try GrepSearch(r, Regex("end", .basic))
        let fd = try r.open("f")
        try search.file("f", fd)
        try r.p.close(fd)
    }

    @Test(arguments: [
        (["-B", "1000000"], "x\n", 200_000, "too much input to hold"),
        (["-B", "1000000"], "\n", 200_000, "too much input to hold"),
        (["-B", "2"], "x\n", 200_000, "x\nx\nend\n"), (["-A", "1000000"], "x\n", 200_000, "end\n"),
        (["-B", "1000000"], "x\n", 3, "x\nx\nx\nend\n"),
    ]) func linesBeforeAreBounded(_ flags: [String], _ line: String, _ count: Int, _ end: String) throws {
        let text = String(repeating: line, count: count) + "end\n"
        #expect(try outcome(Grep.usage, flags, text, Self.search) == end)
    }

    @Test(arguments: [(200, ""), (200_000, "too much input to hold")])
    func filesThatAreComparedAreBounded(_ count: Int, _ end: String) throws {
        let text = String(repeating: "x\n", count: count)
        let said = try outcome(Diff.usage, [], text) { (r) throws(SysError) in
            try DiffFiles(DiffFormat(r), r).compare("f", "f", isBelow: false)
        }
        #expect(said == end)
    }
}
