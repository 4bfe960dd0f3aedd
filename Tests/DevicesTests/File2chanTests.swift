import Devices
import Kernel
import Testing

@Suite struct File2chanTests {
    /// Starts a process that serves `/chan/f` and answers as `answer` says; its pid. The file is there on return.
    static func serve(
        _ p: Proc, _ answer: @escaping @Sendable (FileIO.Request) throws(SysError) -> Void
    ) throws(SysError) -> Int32 {
        let box = Lock<FileIO?>(try p.file2chan("/chan", "f"))
        return try p.spawn { c throws(SysError) in
            guard let io = box.withLock({ $0.take() }) else { return "no file" }
            while true { try answer(io.next()) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func readsWritesAndClosesReachTheServer() throws {
        let (got, log) = try inSystem { p throws(SysError) -> ([String], [String]) in
            try p.bind("#s", "/chan", .create)
            let log = Lock([String]())
            let pid = try Self.serve(p) { request throws(SysError) in
                switch request {
                case .read(let offset, let count, _, let reply):
                    log.withLock { $0.append("read \(offset) \(count)") }
                    reply.send(Array("hello".utf8.dropFirst(Int(offset))))
                case .write(let offset, let data, _, let reply):
                    log.withLock { $0.append("write \(offset) \(String(decoding: data, as: UTF8.self))") }
                    if data.count > 10 { reply.fail(SysError("too long")) } else { reply.send(data.count) }
                case .close: log.withLock { $0.append("close") }
                }
            }
            var got = [try p.text("/chan/f")]
            let fd = try p.open("/chan/f", .readWrite)
            got.append(String(decoding: try p.read(fd, 2), as: UTF8.self))
            try p.write(fd, "abc")
            got.append(failure { () throws(SysError) in try p.write(fd, "0123456789ab") })
            got.append(String(decoding: try p.read(fd, 10), as: UTF8.self))
            got.append("\(try p.stat("/chan/f").mode.permissions)")
            try p.close(fd)
            guard eventually({ log.withLock { $0.filter { $0 == "close" }.count } == 2 }) else {
                throw SysError("no close")
            }
            p.system.proc(pid)?.kill()
            return (got, log.withLock { $0 })
        }
        #expect(got == ["hello", "he", "too long", "", "384"])
        #expect(
            log == [
                "read 0 4096", "close", "read 0 2", "write 2 abc", "write 5 0123456789ab", "read 5 10", "close",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func whenTheServerDiesNobodyHangs() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/chan", .create)
            let taken = Lock(0)
            let kept = Lock([FileIO.Request]())
            // It takes requests, keeps some, and never answers.
            let pid = try Self.serve(p) { request throws(SysError) in
                if taken.withLock({ n -> Bool in
                    n += 1; return n < 3
                }) {
                    kept.withLock { $0.append(request) }
                }
                if taken.withLock({ $0 }) == 4 { try p.sleep(milliseconds: 1_000_000) }
            }
            let late = try p.open("/chan/f", .readWrite)
            let errors = Lock([String]())
            var pids: [Int32] = []
            for _ in 0..<8 {
                pids.append(
                    try p.spawn { c throws(SysError) in
                        let error = failure { () throws(SysError) in _ = try c.text("/chan/f") }
                        errors.withLock { $0.append(error) }
                        return .ok
                    })
            }
            let isWaiting = { (pid: Int32) in p.system.proc(pid)?.isBlocked ?? true }
            guard eventually({ taken.withLock { $0 } == 4 && pids.allSatisfy(isWaiting) }) else {
                throw SysError("not taken")
            }
            p.system.proc(pid)?.kill()
            while let record = try? p.wait() { if record.pid == pid { errors.withLock { $0.append("server") } } }
            let all = errors.withLock { $0 }
            return [
                "\(all.filter { $0 == "i/o on hungup channel" }.count)", "\(all.count)",
                failure { () throws(SysError) in _ = try p.read(late, 10) },
                failure { () throws(SysError) in try p.write(late, "x") },
                failure { () throws(SysError) in _ = try p.open("/chan/f") },
            ]
        }
        #expect(
            got == [
                "8", "9", "i/o on hungup channel", "i/o on hungup channel", "'/chan/f' file does not exist",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func anInterruptedClientTakesItsRequestBack() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/chan", .create)
            let io = try p.file2chan("/chan", "f")
            let status = Lock([String]())
            let pid = try p.spawn(.forkFD) { c throws(SysError) in
                c.onNote(.handle { _ in true })
                let fd = try c.open("/chan/f")
                let first = failure { () throws(SysError) in _ = try c.read(fd, 10) }
                status.withLock { $0.append(first) }
                let second = failure { () throws(SysError) in _ = try c.read(fd, 10) }
                status.withLock { $0.append(second) }
                return .ok
            }
            // In line and not taken: it disappears.
            guard eventually({ io.poll(nil) }) else { throw SysError("no request") }
            try untilBlocked(p, pid)
            p.system.proc(pid)?.post(.interrupt)
            guard eventually({ status.withLock { $0.count } == 1 }) else { throw SysError("not interrupted") }
            // Taken: the answer reaches nobody.
            guard case .read(_, _, _, let reply) = try io.next() else { throw SysError("no read") }
            try untilBlocked(p, pid)
            p.system.proc(pid)?.post(.interrupt)
            _ = try p.wait(.pid(pid))
            let heard = reply.send([1, 2, 3])
            guard case .close = try io.next() else { throw SysError("no close") }
            return status.withLock { $0 } + ["\(heard)", failure { () throws(SysError) in _ = try io.next(.try) }]
        }
        #expect(got == ["interrupted", "interrupted", "false", "operation would block"])
    }

    @Test(.timeLimit(.minutes(1))) func anAnswerThatWasGivenIsDelivered() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/chan", .create)
            let io = try p.file2chan("/chan", "f")
            let results = Lock([String]())
            // Each client is interrupted at the moment of its answer: it reads the byte, or the server hears that not.
            for _ in 0..<200 {
                let pid = try p.spawn(.forkFD) { c throws(SysError) in
                    c.onNote(.handle { _ in true })
                    let fd = try c.open("/chan/f")
                    let n: String
                    do throws(SysError) { n = "\(try c.read(fd, 10).count)" } catch { n = error.description }
                    results.withLock { $0.append(n) }
                    return .ok
                }
                guard case .read(_, _, _, let reply) = try io.next() else { throw SysError("no read") }
                let noter = try p.spawn { c throws(SysError) in
                    c.system.proc(pid)?.post(.interrupt)
                    return .ok
                }
                let heard = reply.send([1])
                _ = try p.wait(.pid(pid))
                _ = try p.wait(.pid(noter))
                guard results.withLock({ $0.last }) == (heard ? "1" : "interrupted") else { return ["lost"] }
                guard case .close = try io.next() else { throw SysError("no close") }
            }
            return results.withLock { Array(Set($0)) }
        }
        #expect(got.contains("1"))
        #expect(!got.contains("lost"))
    }

    @Test(.timeLimit(.minutes(1))) func manyRequestsAreAnsweredInAnyOrder() throws {
        let got = try inSystem { p throws(SysError) -> [Int] in
            try p.bind("#s", "/chan", .create)
            let io = try p.file2chan("/chan", "f")
            let answers = Lock([Int]())
            for i in 0..<100 {
                _ = try p.spawn { c throws(SysError) in
                    let fd = try c.open("/chan/f", .readWrite)
                    var buffer: [UInt8] = [0]
                    var span = buffer.mutableSpan
                    var raw = span.mutableBytes
                    _ = try c.pread(fd, into: &raw, at: UInt64(i))
                    let n = Int(buffer[0])
                    answers.withLock { $0.append(n == i ? i : -1) }
                    return .ok
                }
            }
            var requests: [FileIO.Request] = []
            while requests.count < 100 { requests.append(try io.next()) }
            for case .read(let offset, _, _, let reply) in requests.reversed() {
                reply.send([UInt8(truncatingIfNeeded: offset), 99, 99])
            }
            requests = []
            while (try? p.wait()) != nil {}
            return answers.withLock { $0.sorted() }
        }
        #expect(got == Array(0..<100))
    }

    @Test(.timeLimit(.minutes(1))) func oneThreadDrivesManyClientsAndServers() throws {
        let sum = try inSystem { p throws(SysError) -> Int in
            var files: [FileIO] = []
            var fds: [Int32] = []
            try p.bind("#s", "/chan", .create)
            for i in 0..<200 {
                files.append(try p.file2chan("/chan", "f\(i)"))
                fds.append(try p.open("/chan/f\(i)", .readWrite))
            }
            var sum = 0
            for fd in fds {
                var list = [Proc.Poll(fd, [.read, .write])]
                // Writing can be tried; reading has to wait for an answer.
                guard try p.poll(&list, milliseconds: 0) == 1, list[0].got == .write else { throw SysError("poll") }
                let bytes: [UInt8] = [7]
                do throws(SysError) { _ = try p.write(fd, bytes.span.bytes, .try) } catch {
                    guard error.code == .wouldBlock else { throw error }
                    sum += 1
                }
            }
            for (i, io) in files.enumerated() {
                while io.poll(nil) {
                    switch try io.next(.try) {
                    case .read(_, _, _, let reply): reply.send([UInt8(i & 0x7f), 1])
                    case .write(_, let data, _, let reply): reply.send(data.count)
                    case .close: throw SysError("closed")
                    }
                }
            }
            for (i, fd) in fds.enumerated() {
                var list = [Proc.Poll(fd, [.read, .write])]
                guard try p.poll(&list, milliseconds: 0) == 1, list[0].got == [.read, .write] else {
                    throw SysError("answer not seen")
                }
                let bytes: [UInt8] = [7]
                sum += try p.write(fd, bytes.span.bytes, .try)
                var buffer: [UInt8] = [0]
                var span = buffer.mutableSpan
                var raw = span.mutableBytes
                // What was read ahead at offset 0 is for the read there; the write has moved on.
                sum += try p.pread(fd, into: &raw, at: 0, .try)
                if buffer[0] == UInt8(i & 0x7f) { sum += 1 }
            }
            return sum
        }
        #expect(sum == 200 * 4)
    }

    @Test(.timeLimit(.minutes(1))) func aReadThatIsTriedKeepsWhatItDidNotTake() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/chan", .create)
            let io = try p.file2chan("/chan", "f")
            let fd = try p.open("/chan/f")
            var list = [Proc.Poll(fd, .read)]
            var out = ["\(try p.poll(&list, milliseconds: 0))"]
            guard case .read(0, _, _, let reply) = try io.next(.try) else { throw SysError("no read") }
            reply.send(Array("abcdef".utf8))
            out.append("\(try p.poll(&list, milliseconds: 0))")
            for _ in 0..<3 { out.append(String(decoding: try p.read(fd, 2), as: UTF8.self)) }
            // All is taken: the next read is a request again; another place withdraws it.
            out.append("\(try p.poll(&list, milliseconds: 0))")
            _ = try p.seek(fd, 100)
            out.append("\(try p.poll(&list, milliseconds: 0))")
            guard case .read(100, _, _, let second) = try io.next(.try) else { throw SysError("not withdrawn") }
            io.close()
            out.append("\(try p.poll(&list, milliseconds: 0))")
            out.append(failure { () throws(SysError) in _ = try p.read(fd, 2) })
            return out + ["\(second.send([]))"]
        }
        #expect(got == ["0", "1", "ab", "cd", "ef", "0", "0", "1", "i/o on hungup channel", "false"])
    }

    @Test(.timeLimit(.minutes(1))) func aRemovedFileEndsItsServerWithItsLastClient() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            try p.bind("#s", "/chan", .create)
            let pid = try Self.serve(p) { request throws(SysError) in
                if case .read(_, _, _, let reply) = request { reply.send([65]) }
            }
            let fd = try p.open("/chan/f")
            try p.remove("/chan/f")
            let text = String(decoding: try p.read(fd, 1), as: UTF8.self)
            try p.close(fd)
            return [text, try p.wait(.pid(pid)).status.text]
        }
        #expect(got == ["A", "i/o on hungup channel"])
    }

    @Test(.timeLimit(.minutes(1))) func anyDirectoryCanHoldServedFiles() throws {
        let got = try inSystem { p throws(SysError) -> [String] in
            let one = try p.file2chan("/n", "one")
            let two = try p.file2chan("/n/", "two")
            let dir = try p.open("/n")
            let names = try p.dirread(dir).map(\.name)
            let again = failure { () throws(SysError) in _ = try p.file2chan("/n", "two") }
            let bad = failure { () throws(SysError) in _ = try p.file2chan("/n", "a/b") }
            let dots = failure { () throws(SysError) in _ = try p.file2chan("/n", "..") }
            let none = failure { () throws(SysError) in _ = try p.file2chan("/nope", "x") }
            one.close()
            let left = try p.dirread(try p.open("/n")).map(\.name)
            two.close()
            return names + left + [again, bad, dots, none]
        }
        #expect(
            got == [
                "one", "two", "two", "'/n/two' file already exists", "'/n/a/b' bad character in file name",
                "'/n/..' bad character in file name", "'/nope' file does not exist",
            ])
    }

    @Test(.timeLimit(.minutes(1))) func aDirectoryThatMayNotBeWrittenTakesNoFile() throws {
        let got = try inSystem { p throws(SysError) -> String in
            try p.bind("#s", "/chan", .create)
            try p.bind("/chan", "/chan", mask: [.read, .execute])
            return failure { () throws(SysError) in _ = try p.file2chan("/chan", "x") }
        }
        #expect(got == "'/chan/x' permission denied")
    }

    @Test(.timeLimit(.minutes(1))) func clientsThatComeAndGoDoNotFillTheServersLine() throws {
        let count = try inSystem { p throws(SysError) -> Int in
            try p.bind("#s", "/chan", .create)
            let io = try p.file2chan("/chan", "f")
            for _ in 0..<5000 { try p.close(try p.open("/chan/f")) }
            var count = 0
            while io.poll(nil) {
                _ = try io.next(.try)
                count += 1
            }
            return count
        }
        #expect(count == 1024)
    }
}
