import Devices
import Kernel
import KernelTestSupport
import Testing

@testable import Appl
@testable import Applib
@testable import Filters

/// What holds for every program that emu.conf lists.
@Suite(.timeLimit(.minutes(1))) struct ProgramTests {
    private var all: [ProgramEntry] { Appl.programTable + Filters.programTable }

    /// Descriptors 1 and 2 of `p` are files from now on.
    private func openOutput(_ p: Proc) throws(SysError) {
        try p.bind("#Rtest", "/tmp", .create)
        for (fd, name) in [(0, "in"), (1, "out"), (2, "err")] as [(Int32, String)] {
            let file = try p.create("/tmp/\(name)", .readWrite, FileMode(rawValue: 0o666))
            try p.dup(file, fd)
            if file > 2 { try p.close(file) }
        }
    }

    private func run(_ entry: ProgramEntry, _ args: [String], _ p: Proc) throws(SysError) -> (Status, String, String) {
        for name in ["out", "err"] { try p.wstat("/tmp/\(name)", DirChange(length: 0)) }
        for fd in [1, 2] as [Int32] { try p.seek(fd, 0) }
        let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
        p.rename([name] + args)
        let status = try entry.make().main(p, [name] + args)
        return (status, try p.text("/tmp/out"), try p.text("/tmp/err"))
    }

    private func withPrograms(_ body: @Sendable (Proc, ProgramEntry) throws -> Void) async throws {
        try await withSystem(deviceTable.map { $0() }, programs: all) { p in
            try openOutput(p)
            for entry in all { try body(p, entry) }
        }
    }

    @Test func helpGoesToTheOutputAndIsNoFailure() async throws {
        try await withPrograms { p, entry in
            // Where POSIX has another use for -h, there is --help.
            let usage = (entry.make() as? any Command).map { type(of: $0).usage }
            for flag in usage?.flags["h"] == nil ? ["-h", "--help"] : ["--help"] {
                let (status, out, err) = try run(entry, [flag], p)
                // What fails always does so here, too.
                let wanted = entry.name == "False" ? Status(code: 1) : .ok
                #expect(status == wanted && err.isEmpty, "\(entry.path) \(flag): \(status) \(err)")
                let name = entry.path.split(separator: "/").last ?? ""
                #expect(out.hasPrefix("usage: \(name)") && out.hasSuffix("\n"), "\(entry.path) \(flag): \(out)")
            }
        }
    }

    @Test func introNamesTheProgramsWithAnotherUseForThatFlag() async throws {
        try await withSystem(deviceTable.map { $0() }, programs: all) { p in
            let names = all.filter { (($0.make() as? any Command).map { type(of: $0).usage })?.flags["h"] != nil }
                .compactMap { $0.path.split(separator: "/").last.map(String.init) }.sorted()
            let list = names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
            let intro = try p.text("/lib/man/1/intro")
            #expect(intro.contains("but for\n\t\(list): there -h is a flag"), "\(list)")
        }
    }

    @Test func anUnknownFlagIsRefusedWithTheUsage() async throws {
        try await withPrograms { p, entry in
            // A mode, a signal and a format may look like flags.
            guard let command = entry.make() as? any Command, !["Chmod", "Kill", "Printf"].contains(entry.name)
            else { return }
            let (status, out, err) = try run(entry, ["-\u{e9}", "x"], p)
            let name = entry.path.split(separator: "/").last ?? ""
            let synopsis = type(of: command).usage.synopsis
            #expect(status == "usage" && out.isEmpty, "\(entry.path): \(status) \(out)")
            #expect(err == "\(name): unknown flag -\u{e9}\n\(synopsis)\n")
        }
    }

    @Test func everyFlagIsInTheSynopsisAndInTheManual() async throws {
        try await withPrograms { p, entry in
            guard let command = entry.make() as? any Command else { return }
            let usage = type(of: command).usage
            let pages = try Manual.topics(p).filter {
                $0.section == "1" && "/bin/\($0.names.first ?? "")" == entry.path
            }
            let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
            let page = try pages.first?.path ?? #require(Manual.pages(of: name, p).first?.path, "\(name) has no page")
            let text = try p.text(page)
            // The long names of a letter stand in its usage.
            for flag in Set(usage.flags.values.map(\.name)) {
                guard flag.count == 1 else {
                    #expect(text.contains("--\(flag)"), "\(name): --\(flag) is not in the manual")
                    continue
                }
                let cluster = usage.synopsis.split(separator: " ").filter { $0.hasPrefix("[-") || $0.hasPrefix("-") }
                #expect(cluster.contains { $0.contains(flag) }, "\(name): -\(flag) is not in the synopsis")
                #expect(
                    text.contains("-\(flag)")
                        || text.split(separator: "\n").contains { $0.contains("[-") && $0.contains(flag) },
                    "\(name): -\(flag) is not in the manual")
            }
        }
    }

    @Test func everyProgramHasALineInTheManual() async throws {
        try await withPrograms { p, entry in
            let name = entry.path.split(separator: "/").last.map(String.init) ?? ""
            let known = try Manual.topics(p).contains { $0.section == "1" && $0.names.contains(name) }
            #expect(known, "\(name) is not in section 1")
        }
    }
}
