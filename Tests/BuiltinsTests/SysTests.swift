import Kernel
import Testing

@Suite struct SysTests {
    @Test(.timeLimit(.minutes(1))) func bytesGoThroughAPipe() throws {
        let words = try inProcess { p throws(SysError) -> [String] in
            let ends = try run(p, "$Sys", "pipe")
            let sent = try run(p, "$Sys", "write", ends[0], "hällo")
            let got = try run(p, "$Sys", "read", ends[1], "100")
            let copy = try run(p, "$Sys", "dup", ends[1], "-1")
            _ = try run(p, "$Sys", "close", ends[0])
            _ = try run(p, "$Sys", "close", ends[1])
            return sent + got + (try run(p, "$Sys", "read", copy[0], "100"))
        }
        #expect(words == ["6", "hällo", ""])
    }

    @Test(.timeLimit(.minutes(1))) func theTreeIsReadAndRearranged() throws {
        let (before, after, names) = try inProcess { p throws(SysError) -> (String, String, [Value]) in
            _ = try run(p, "$Sys", "pctl", "FORKNS|FORKFD")
            let before = try run(p, "$Sys", "stat", "/tmp")
            _ = try run(p, "$Sys", "bind", "/n", "/tmp", "MREPL")
            let after = try run(p, "$Sys", "stat", "/tmp")
            _ = try run(p, "$Sys", "unmount", "", "/tmp")
            let sys = try p.system.modules.find("$Sys").load()
            let fd = try run(p, "$Sys", "open", "/", "OREAD")
            guard let dirread = sys.index(of: "dirread") else { throw Value.noFunction }
            var names: [Value] = []
            for dir in try sys.call(dirread, p, words: fd).list({ (v) throws(SysError) in try v.tuple(11) }) {
                names.append(dir[0])
            }
            return (before[0], after[0], names)
        }
        #expect(before == "tmp")
        #expect(after == "n")
        #expect(names.contains(.string("tmp")) && names.contains(.string("n")))
    }

    /// A command and the error it ends with.
    static let errors: [([String], String)] = [
        (["open", "/nope", "OREAD"], "'/nope' file does not exist"),
        (["open", "/tmp", "ORDWR"], "'/tmp' file is a directory"),
        (["open", "/tmp", "8"], "bad arg in system call"),
        (["open", "/tmp", "-1"], "bad arg in system call"),
        (["read", "99", "1"], "fd out of range or not open"),
        (["read", "-1", "1"], "fd out of range or not open"),
        (["read", "0", "-1"], "bad arg in system call"),
        (["read", "0", "2147483647"], "read or write too large"),
        (["pread", "0", "1", "-1"], "negative i/o offset"),
        (["seek", "0", "0", "3"], "bad arg in system call"),
        (["mkdir", "/x", "-1"], "bad arg in system call"),
        (["bind", "/n", "/tmp", "64"], "bad arg in system call"),
        (["bindmask", "/n", "/tmp", "MREPL", "q"], "bad permission mask 'q'"),
        (["unmount", "", "/tmp"], "'/tmp' not mounted"),
        (["pctl", "-1"], "bad arg in system call"),
        (["umask", "4096"], "bad arg in system call"),
        (["note", "1", "x"], "'/prog/1' file does not exist"),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: errors)
    func aCallThatFailsEndsWithItsSentence(_ words: [String], _ message: String) throws {
        let error = #expect(throws: SysError.self) {
            try inProcess { p throws(SysError) in
                let sys = try p.system.modules.find("$Sys").load()
                guard let index = sys.index(of: words[0]) else { throw Value.noFunction }
                _ = try sys.call(index, p, words: Array(words.dropFirst()))
            }
        }
        #expect(error?.description == message)
    }

    @Test(.timeLimit(.minutes(1))) func theProcessTellsItself() throws {
        let words = try inProcess { p throws(SysError) in
            try run(p, "$Sys", "chdir", "/tmp") + run(p, "$Sys", "getwd") + run(p, "$Sys", "umask", "8r77")
                + run(p, "$Sys", "umask", "0") + run(p, "$Sys", "pctl", "0")
        }
        #expect(words.first == "/tmp")
        #expect(words.dropFirst(2) == ["63", "1"])
    }
}
