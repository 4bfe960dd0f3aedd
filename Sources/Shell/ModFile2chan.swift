import Kernel

/// Files served by a script. The corresponding Inferno page is `sh-file2chan(1)`.
///
/// Each file has a process, which runs the script's commands for one request after the other, with a copy of what the
/// shell knew when the file was made. When it ends, whoever waits for an answer gets an error.
final class File2chanModule: Sendable {
    /// A request that was not answered yet, or whose command still runs.
    private struct Tag {
        let request: FileIO.Request
        /// The process that serves it.
        let server: Int32
        var blocks = false
        var answered = false
    }

    private struct State {
        var next = 1
        var tags: [Int: Tag] = [:]
    }

    private let state = Lock(State())

    @Sendable static func make() -> ShellModule {
        let m = File2chanModule()
        return ShellModule(
            name: "file2chan",
            builtins: [
                "file2chan": { (shell, items) throws(Failure) in try m.serve(shell, items) },
                "rblock": { (shell, items) throws(Failure) in
                    guard items.count <= 2 else { throw shell.usage("rblock [tag]") }
                    let id = try m.tag(shell, items.count > 1 ? items[1] : nil)
                    m.state.withLock { $0.tags[id]?.blocks = true }
                    return ""
                },
                "fetchwdata": { (shell, items) throws(Failure) in
                    guard items.count <= 2 else { throw shell.usage("fetchwdata [tag]") }
                    let data = try m.data(shell, items.count > 1 ? items[1] : nil)
                    try shell.system { () throws(SysError) in try shell.p.write(1, data) }
                    return ""
                },
                "putrdata": { (shell, items) throws(Failure) in
                    guard items.count <= 2 else { throw shell.usage("putrdata [tag]") }
                    return try m.answer(shell, items.count > 1 ? items[1] : nil) { (_, count) throws(Failure) in
                        try shell.system { () throws(SysError) in try shell.p.readn(0, min(count, 1 << 20)) }
                    }
                },
                "rread": { (shell, items) throws(Failure) in
                    guard items.count == 2 || items.count == 3 else { throw shell.usage("rread [tag] data") }
                    let data = Array(items[items.count - 1].text.utf8)
                    return try m.answer(shell, items.count > 2 ? items[1] : nil) { (_, _) throws(Failure) in data }
                },
                "rreadone": { (shell, items) throws(Failure) in
                    guard items.count == 2 || items.count == 3 else { throw shell.usage("rreadone [tag] data") }
                    let data = Array(items[items.count - 1].text.utf8)
                    return try m.answer(shell, items.count > 2 ? items[1] : nil) { (offset, _) throws(Failure) in
                        Array(data.dropFirst(Int(clamping: offset)))
                    }
                },
                "rwrite": { (shell, items) throws(Failure) in try m.rwrite(shell, items) },
                "rerror": { (shell, items) throws(Failure) in
                    guard items.count == 2 || items.count == 3 else { throw shell.usage("rerror [tag] message") }
                    let error = SysError(items[items.count - 1].text)
                    switch try m.take(shell, items.count > 2 ? items[1] : nil) {
                    case .read(_, _, _, let reply): reply.fail(error)
                    case .write(_, _, _, let reply): reply.fail(error)
                    case .close: throw shell.raise("usage", "rerror: a close is not answered")
                    }
                    return ""
                },
            ],
            substitutions: ["rget": { (shell, items) throws(Failure) in try m.rget(shell, items) }])
    }

    // MARK: the server

    private func serve(_ shell: Shell, _ items: [Item]) throws(Failure) -> String {
        guard items.count == 4 || items.count == 5 else {
            throw shell.usage("file2chan filename readcmd writecmd [closecmd]")
        }
        let path = items[1].text
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        let pid: Int32
        do throws(SysError) {
            // Its process alone holds it, so that the file ends with that process.
            let file = Lock<FileIO?>(try shell.p.file2chan(directory, name))
            let commands = Array(items.dropFirst(2))
            pid = try shell.spawn(Moves(), beside: true, shell.apart, args: items.map(\.text)) {
                [self] (server) throws(SysError) in
                guard let io = file.withLock({ $0.take() }) else { return .ok }
                defer { forget(server.p.pid) }
                do throws(Failure) { try run(server, io, commands) } catch {
                    return Status(try server.settle(error))
                }
                return .ok
            }
        } catch { return try shell.status(error, "file2chan") }
        shell.context.set("apid", [.text("\(pid)")])
        return ""
    }

    /// Answers requests until the file is removed.
    private func run(_ shell: Shell, _ io: FileIO, _ commands: [Item]) throws(Failure) {
        while true {
            let request: FileIO.Request
            do throws(SysError) { request = try io.next() } catch {
                if error.code == .hungup { return }
                throw shell.failure(error)
            }
            let command: Item?
            switch request {
            case .read: command = commands[0]
            case .write: command = commands[1]
            case .close(let fid):
                // Nobody waits for these any more.
                state.withLock { s in s.tags = s.tags.filter { $1.server != shell.p.pid || $1.request.fid != fid } }
                command = commands.count > 2 ? commands[2] : nil
            }
            guard let command else { continue }
            let id = state.withLock { s -> Int in
                defer { s.next += 1 }
                s.tags[s.next] = Tag(request: request, server: shell.p.pid)
                return s.next
            }
            shell.context.setLocal("tag", [.text("\(id)")])
            var failure: SysError?
            do throws(Failure) { _ = try shell.call(command) } catch {
                // The next may do better.
                guard case .raised(let exception) = error else { throw error }
                shell.report(exception)
                failure = SysError(exception.name)
            }
            finish(id, failure)
        }
    }

    /// The command of a request is over: what it has not answered is answered for it. An exception is an error.
    private func finish(_ id: Int, _ failure: SysError?) {
        let tag = state.withLock { s -> Tag? in
            guard let tag = s.tags[id], !tag.blocks || tag.answered else { return nil }
            s.tags[id] = nil
            return tag
        }
        guard let tag, !tag.answered else { return }
        switch tag.request {
        case .read(_, _, _, let reply): reply.fail(failure ?? SysError("the server gave no answer"))
        case .write(_, let data, _, let reply):
            if let failure { reply.fail(failure) } else { reply.send(data.count) }
        case .close: break
        }
    }

    private func forget(_ server: Int32) {
        state.withLock { s in s.tags = s.tags.filter { $1.server != server } }
    }

    // MARK: answers

    /// The number of a tag: the one that is given, or `$tag`.
    private func tag(_ shell: Shell, _ item: Item?) throws(Failure) -> Int {
        let text = item?.text ?? shell.context.value("tag").first?.text
        guard let text, let id = Int(text), state.withLock({ $0.tags[id] != nil }) else {
            throw shell.raise("bad tag", "no request has the tag \(text ?? "()")")
        }
        return id
    }

    private func request(_ shell: Shell, _ item: Item?) throws(Failure) -> FileIO.Request {
        let id = try tag(shell, item)
        guard let tag = state.withLock({ $0.tags[id] }) else { throw shell.raise("bad tag", "no such request") }
        return tag.request
    }

    /// The request to answer; it counts as answered.
    private func take(_ shell: Shell, _ item: Item?) throws(Failure) -> FileIO.Request {
        let id = try tag(shell, item)
        let request = state.withLock { s -> FileIO.Request? in
            guard let tag = s.tags[id], !tag.answered else { return nil }
            // While its command runs, what it asked can still be looked at.
            if tag.blocks { s.tags[id] = nil } else { s.tags[id]?.answered = true }
            return tag.request
        }
        guard let request else { throw shell.raise("bad tag", "request \(id) was answered before") }
        return request
    }

    /// Answers a read with the data that `make` gives for its offset and count, cut to the count.
    private func answer(
        _ shell: Shell, _ item: Item?, _ make: (UInt64, Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> String {
        guard case .read(let offset, let count, _, let reply) = try request(shell, item) else {
            throw shell.raise("bad tag", "the request is no read")
        }
        let data = try make(offset, count)
        _ = try take(shell, item)
        return reply.send(Array(data.prefix(count))) ? "" : "the client is gone"
    }

    private func rwrite(_ shell: Shell, _ items: [Item]) throws(Failure) -> String {
        guard items.count <= 3 else { throw shell.usage("rwrite [tag [count]]") }
        guard case .write(_, let data, _, let reply) = try request(shell, items.count > 1 ? items[1] : nil) else {
            throw shell.raise("bad tag", "the request is no write")
        }
        var count = data.count
        if items.count == 3 {
            guard let n = Int(items[2].text), (0...data.count).contains(n) else {
                throw shell.usage("rwrite [tag [count]]")
            }
            count = n
        }
        _ = try take(shell, items.count > 1 ? items[1] : nil)
        return reply.send(count) ? "" : "the client is gone"
    }

    private func data(_ shell: Shell, _ item: Item?) throws(Failure) -> [UInt8] {
        guard case .write(_, let data, _, _) = try request(shell, item) else {
            throw shell.raise("bad tag", "the request is no write")
        }
        return data
    }

    private func rget(_ shell: Shell, _ items: [Item]) throws(Failure) -> [Item] {
        let usage = "${rget (data|count|offset|fid) [tag]}"
        guard items.count == 2 || items.count == 3 else { throw shell.usage(usage) }
        let tag = items.count == 3 ? items[2] : nil
        let request = try request(shell, tag)
        switch (items[1].text, request) {
        case ("data", .write(_, let data, _, _)): return [.text(String(decoding: data, as: UTF8.self))]
        case ("count", .read(_, let count, _, _)): return [.text("\(count)")]
        case ("offset", .read(let offset, _, _, _)), ("offset", .write(let offset, _, _, _)):
            return [.text("\(offset)")]
        case ("fid", _): return [.text("\(request.fid)")]
        case ("data", _), ("count", _), ("offset", _):
            throw shell.raise("bad tag", "the request has no \(items[1].text)")
        default: throw shell.usage(usage)
        }
    }
}

extension FileIO.Request {
    /// Which open file of the client's it came from.
    fileprivate var fid: UInt32 {
        switch self {
        case .read(_, _, let fid, _), .write(_, _, let fid, _), .close(let fid): fid
        }
    }
}
