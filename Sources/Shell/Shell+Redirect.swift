import Kernel

/// What a descriptor stands for while a command runs; nil for nothing.
struct Move: Sendable {
    let fd: Int32
    let chan: Chan?

    init(_ fd: Int, _ chan: Chan?) {
        self.fd = Int32(truncatingIfNeeded: fd)
        self.chan = chan
    }
}

/// Moves on their way to the process that they are for, taken once: else a pipe would stay open as long as whoever made
/// it waits for the process that reads it.
final class Moves: Sendable {
    private let list: Lock<[Move]>

    init(_ list: [Move] = []) { self.list = Lock(list) }

    var isEmpty: Bool { list.withLock { $0.isEmpty } }

    private func take() -> [Move] {
        list.withLock { list in
            defer { list = [] }
            return list
        }
    }

    /// Moves the descriptors of `p` and lets go of the Chans.
    func apply(_ p: Proc) throws(SysError) {
        for move in take() { try p.move(move) }
    }

    /// The same; gives the moves that put everything back.
    func swap(_ p: Proc) throws(SysError) -> [Move] {
        var before: [Move] = []
        for move in take() {
            // What is not open is nothing to come back to.
            before.append(Move(Int(move.fd), try? p.fildes(move.fd)))
            do throws(SysError) { try p.move(move) } catch {
                for move in before.reversed() { try p.move(move) }
                throw error
            }
        }
        return before.reversed()
    }
}

extension Shell {
    /// Carries out redirections from left to right, on paper: the files are open, but no descriptor has changed.
    func open(_ redirections: [Redirection]) throws(Failure) -> Moves {
        var moves: [Move] = []
        for r in redirections { moves.append(try open(r, after: moves)) }
        return Moves(moves)
    }

    private func open(_ r: Redirection, after moves: [Move]) throws(Failure) -> Move {
        switch r {
        case .close(let fd, _): return Move(fd, nil)
        case .dup(let fd, let from, let access):
            let source: Chan?
            if let earlier = moves.last(where: { Int($0.fd) == from }) {
                source = earlier.chan
            } else {
                // The only error is that it is not open.
                source = try? p.fildes(Int32(truncatingIfNeeded: from))
            }
            guard let source else { throw raise("bad redir", "\(access.sign)[\(fd)=\(from)]: \(SysError.badFd)") }
            return Move(fd, source)
        case .open(let fd, let access, let target):
            let names = try arguments([target])
            guard names.count == 1, let path = names.first?.text else {
                throw raise("bad redir", "\(access.sign) wants one file, not \(names.count)")
            }
            return Move(fd, try system(as: "bad redir") { () throws(SysError) in try open(path, access) })
        }
    }

    private func open(_ path: String, _ access: Access) throws(SysError) -> Chan {
        switch access {
        case .read: return try p.openChan(path, .read)
        case .both: return try openOrCreate(path, .readWrite)
        case .write: return try p.createChan(path, [.write, .truncate], FileMode(rawValue: 0o666))
        case .append: return try openOrCreate(path, [.write, .append])
        }
    }

    private func openOrCreate(_ path: String, _ mode: OpenMode) throws(SysError) -> Chan {
        do throws(SysError) { return try p.openChan(path, mode) } catch {
            guard error.code == .nonexist else { throw error }
            return try p.createChan(path, mode.union(.exclusive), FileMode(rawValue: 0o666))
        }
    }

    /// Runs `body` with descriptors moved, and puts them back.
    func moved<T>(_ moves: Moves, _ body: () throws(Failure) -> T) throws(Failure) -> T {
        let before = try system(as: "bad redir") { () throws(SysError) in try moves.swap(p) }
        // A process that is to end does not care for its descriptors.
        defer { for move in before { try? p.move(move) } }
        return try body()
    }
}

extension Proc {
    /// Makes a descriptor stand for what it is to.
    func move(_ m: Move) throws(SysError) {
        if let chan = m.chan { return try install(chan, at: m.fd) }
        do throws(SysError) { try close(m.fd) } catch {
            guard error.code == .badFd else { throw error }
        }
    }

    /// The two ends of a new pipe, in no descriptor table; with `oneWay` the first is read and the second written.
    func pipeChans(oneWay: Bool) throws(SysError) -> (Chan, Chan) {
        let (a, b) = try pipe(oneWay: oneWay)
        // Its ends have nothing to flush.
        defer {
            try? close(a)
            try? close(b)
        }
        return (try fildes(a), try fildes(b))
    }
}
