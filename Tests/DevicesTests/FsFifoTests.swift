import Glibc
import Host
import Kernel
import Testing

@testable import Devices

@Suite struct FsFifoTests {
    private func folder() -> HostFolder {
        let host = HostFolder()
        mkfifo(host.path + "/in/fifo", 0o600)
        return host
    }

    @Test(.timeLimit(.minutes(1)))
    func readersAndWritersOfAFifoThatWaitCanBeKilled() throws {
        let host = folder()
        try host.run { p throws(SysError) in
            let threads = HostThread.live
            let descriptors = HostFolder.descriptors
            var pids: [Int32] = []
            for n in 0..<40 {
                // Readers alone in one FIFO, writers alone in another: each would wait for ever.
                let path = n % 2 == 0 ? "#Uin/fifo" : "#Uin/other"
                mkfifo(host.path + "/in/other", 0o600)
                pids.append(
                    try p.spawn(.forkFD) { p throws(SysError) in
                        _ = try p.open(path, n % 2 == 0 ? .read : .write)
                        return .ok
                    })
            }
            for pid in pids { try untilBlocked(p, pid) }
            for pid in pids { p.system.proc(pid)?.kill() }
            for _ in pids { try expect(try p.wait().status, "killed") }
            guard eventually({ HostFolder.descriptors <= descriptors + 8 }) else {
                throw SysError("descriptors are left")
            }
            guard eventually({ HostThread.live <= threads + 8 }) else { throw SysError("helpers are left") }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func readerAndWriterOfAFifoMeet() throws {
        let text = try folder().run { p throws(SysError) in
            _ = try p.spawn(.forkFD) { p throws(SysError) in
                let fd = try p.open("#Uin/fifo", .write)
                for n in 0..<5 { try p.write(fd, "line \(n)\n") }
                return .ok
            }
            let fd = try p.open("#Uin/fifo")
            var text = ""
            while true {
                let bytes = try p.read(fd)
                if bytes.isEmpty { break }
                text += String(decoding: bytes, as: UTF8.self)
            }
            return text
        }
        #expect(text == (0..<5).map { "line \($0)\n" }.joined())
    }

    /// A program of the host that has it reads no end before the writer came.
    @Test(.timeLimit(.minutes(1)))
    func whoOpensAFifoToReadItWaitsForAWriter() throws {
        let text = try folder().run { p throws(SysError) in
            let reader = try p.spawn(.forkFD) { p throws(SysError) in
                let number = try p.lend(try p.open("#Uin/fifo"))
                var bytes = [UInt8](repeating: 0, count: 8)
                var span = bytes.mutableSpan
                var raw = span.mutableBytes
                let n = try HostIO.read(number, into: &raw)
                return Status(String(decoding: bytes[..<n], as: UTF8.self))
            }
            try untilBlocked(p, reader)
            let writer = try p.open("#Uin/fifo", .write)
            try p.write(writer, "late")
            return try p.wait().status
        }
        #expect(text == "late")
    }

    @Test(.timeLimit(.minutes(1)))
    func withTryNobodyWaits() throws {
        try folder().run { p throws(SysError) in
            for mode in [OpenMode.read, .write] {
                try expect(
                    failure { () throws(SysError) in _ = try p.open("#Uin/fifo", mode, .try) },
                    "'#Uin/fifo' operation would block")
            }
            try expect(
                failure { () throws(SysError) in _ = try p.open("#Uin/fifo", [.write, .nonBlocking]) },
                "'#Uin/fifo' no such device or address")
            let reader = try p.open("#Uin/fifo", .nonBlocking)
            var byte: [UInt8] = [0]
            let error = failure { () throws(SysError) in
                var span = byte.mutableSpan
                var raw = span.mutableBytes
                _ = try p.read(reader, into: &raw, .try)
            }
            try expect(error, "operation would block")
            var list = [Proc.Poll(reader, .read)]
            try expect(try p.poll(&list, milliseconds: 0), 0)
            let writer = try p.open("#Uin/fifo", .write, .try)
            try p.write(writer, "x")
            try expect(try p.poll(&list, milliseconds: 10_000), 1)
            try expect(try p.read(reader), [UInt8(ascii: "x")])
            try p.close(reader)
            // A host process that another test starts has a copy of all descriptors, until it is what it is to be.
            var said = ""
            _ = eventually {
                said = failure { () throws(SysError) in try p.write(writer, "y") }
                return !said.isEmpty
            }
            try expect(said, "write on closed pipe")
            try expect(failure { () throws(SysError) in try p.seek(writer, 0) }, "seek on a stream")
        }
    }
}
