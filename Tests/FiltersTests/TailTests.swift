import Devices
import Kernel
import KernelTestSupport
import Testing

@testable import Filters

/// `tail -F` goes on through all that becomes of a name.
@Suite(.timeLimit(.minutes(1))) struct TailTests {
    /// Waits until `path` holds `text`; what it holds.
    private static func until(_ p: Proc, _ path: String, holds text: String) throws(SysError) -> String {
        var last = ""
        for _ in 0..<2000 {
            last = try p.text(path)
            if last.contains(text) { break }
            try p.sleep(milliseconds: 5)
        }
        return last
    }

    @Test func aFileThatCannotBeOpenedIsWaitedFor() throws {
        let (out, err) = try inSystem(deviceTable.map { $0() }) { (p) throws(SysError) in
            try p.bind("#Rtest", "/tmp", .create)
            try p.chdir("/tmp")
            for name in ["in", "out", "err"] { try p.put(name, "") }
            try p.put("log", "one\n")
            let pid = try p.spawn([.newFD], args: ["tail"]) { (child) throws(SysError) in
                _ = try child.open("in")
                _ = try child.open("out", .write)
                _ = try child.open("err", .write)
                return try Tail().main(child, ["tail", "-F", "-s", "0.05", "log"])
            }
            _ = try Self.until(p, "out", holds: "one\n")
            try p.put("next", "two\n", 0)
            try p.rename("next", "log")
            let err = try Self.until(p, "err", holds: "inaccessible")
            try p.wstat("log", DirChange(mode: FileMode(rawValue: 0o600)))
            let out = try Self.until(p, "out", holds: "two\n")
            p.system.proc(pid)?.kill()
            _ = try p.wait(.pid(pid))
            return (out, err)
        }
        #expect(out == "one\ntwo\n")
        #expect(err == "tail: 'log' has become inaccessible: permission denied\n")
    }
}
