import Host
import Kernel
import KernelTestSupport
import Mnt
import NineP
import Testing

/// Sequences of requests that a client might send and of such as none would, some of them damaged.
private struct Requests {
    var dice: SplitMix
    let dialect: Dialect

    mutating func number<T: FixedWidthInteger & Sendable>(_ usual: ClosedRange<T>) -> T {
        let odd: [T] = [0, 1, .max, .max - 1, T(1) << (T.bitWidth - 1)]
        return Int.random(in: 0..<20, using: &dice) == 0 ? one(of: odd) : T.random(in: usual, using: &dice)
    }

    mutating func one<T>(of list: [T]) -> T { list[Int.random(in: list.indices, using: &dice)] }

    mutating func fid() -> UInt32 { number(0...6) }

    mutating func name() -> String {
        one(of: [
            "a", "b", "c", "d", "pipe", "data", "link", ".", "..", "", "a/b", "x\u{0}",
            String(repeating: "n", count: 300),
        ])
    }

    mutating func plan9() -> Tmessage {
        let mode = NineP.OpenMode(rawValue: number(0...3) | one(of: [0, 0, 0, 0x10, 0x40]))
        switch Int.random(in: 0..<14, using: &dice) {
        case 0, 1, 2:
            return .walk(
                fid: fid(), newfid: fid(), names: (0..<Int.random(in: 0...4, using: &dice)).map { _ in name() })
        case 3: return .open(fid: fid(), mode: mode)
        case 4, 5:
            let kinds: [UInt32] = [0, 0, 0, 1 << 31, 1 << 30, 1 << 29, 1 << 25]
            let perm = FileMode(rawValue: number(0...0o777) | one(of: kinds))
            return .create(fid: fid(), name: name(), perm: perm, mode: mode)
        case 6: return .read(fid: fid(), offset: number(0...3000), count: number(0...9000))
        case 7: return .write(fid: fid(), offset: number(0...3000), count: UInt32.random(in: 0...300, using: &dice))
        case 8: return .clunk(fid: fid())
        case 9: return .remove(fid: fid())
        case 10: return .stat(fid: fid())
        case 11:
            var stat = Stat.untouched
            if Bool.random(using: &dice) { stat.name = name() }
            if Bool.random(using: &dice) { stat.length = number(0...5000) }
            if Bool.random(using: &dice) { stat.mode = FileMode(rawValue: number(0...0o777)) }
            if Bool.random(using: &dice) { stat.mtime = number(0...5000) }
            return .wstat(fid: fid(), stat: stat)
        case 12: return .flush(oldtag: number(0...8))
        default:
            return .attach(fid: fid(), afid: Wire.noFid, uname: "x", aname: Bool.random(using: &dice) ? "" : name())
        }
    }

    mutating func linux() -> Tmessage {
        switch Int.random(in: 0..<30, using: &dice) {
        case 0, 1: return .lopen(fid: fid(), flags: OpenFlags(rawValue: number(0...2)))
        case 2, 3:
            let flags = OpenFlags(rawValue: number(0...2) | (Bool.random(using: &dice) ? 0o200 : 0))
            return .lcreate(fid: fid(), name: name(), flags: flags, mode: number(0...0o777), gid: 0)
        case 4: return .symlink(fid: fid(), name: name(), symtgt: name(), gid: 0)
        case 5: return .mknod(dfid: fid(), name: name(), mode: number(0...0o177777), major: 1, minor: 1, gid: 0)
        case 6: return .rename(fid: fid(), dfid: fid(), name: name())
        case 7: return .readlink(fid: fid())
        case 8: return .getattr(fid: fid(), requestMask: AttrMask(rawValue: number(0...0x3fff)))
        case 9:
            let valid = SetAttr.Valid(rawValue: number(0...0x1ff))
            let time = Timespec(sec: number(0...5000), nsec: number(0...5000))
            return .setattr(
                fid: fid(),
                attr: SetAttr(
                    valid: valid, mode: number(0...0o777), uid: number(0...5), gid: number(0...5),
                    size: number(0...5000), atime: time, mtime: time))
        case 10: return .xattrwalk(fid: fid(), newfid: fid(), name: name())
        case 11, 12: return .readdir(fid: fid(), offset: number(0...10), count: number(0...9000))
        case 13: return .fsync(fid: fid(), datasync: 0)
        case 14, 15:
            let kind = LockRange.Kind(rawValue: number(0...2))
            let range = LockRange(
                kind, start: number(0...50), length: number(0...50), procID: number(0...3), clientID: "x")
            return Bool.random(using: &dice)
                ? .lock(fid: fid(), flags: [], range: range) : .getlock(fid: fid(), range: range)
        case 16: return .link(dfid: fid(), fid: fid(), name: name())
        case 17: return .mkdir(dfid: fid(), name: name(), mode: number(0...0o777), gid: 0)
        case 18: return .renameat(olddirfid: fid(), oldname: name(), newdirfid: fid(), newname: name())
        case 19: return .unlinkat(dirfid: fid(), name: name(), flags: UnlinkFlags(rawValue: number(0...0x200)))
        case 20: return .statfs(fid: fid())
        default: return plan9()
        }
    }

    /// The next frame; now and then one that is damaged.
    mutating func next(_ t: Talk) -> [UInt8]? {
        let message = dialect == .linux ? linux() : plan9()
        let data = [UInt8](repeating: 7, count: 300)
        guard var frame = try? t.frame(message, tag: number(0...40), data: data) else { return nil }
        if Int.random(in: 0..<60, using: &dice) == 0 {
            let i = Int.random(in: 4..<frame.count, using: &dice)
            frame[i] = UInt8.random(in: 0...255, using: &dice)
        }
        return frame
    }
}

@Suite("Requests that nobody expects")
struct ServerFuzzTests {
    /// Sequences at most, and how long they may take: EMU_SOAK is in seconds.
    private static let soak = HostEnvironment.variable("EMU_SOAK").flatMap { UInt64($0) }

    @Test(
        "do no harm, and leave nothing", .timeLimit(.minutes(soak == nil ? 1 : 60)), arguments: [Dialect.plan9, .linux])
    func sequences(_ dialect: Dialect) async throws {
        let end = HostClock.monotonic() + (Self.soak ?? 3) * 1_000_000_000
        var seed: UInt64 = Self.soak == nil ? 1 : HostClock.monotonic()
        while HostClock.monotonic() < end {
            let start = seed
            seed += 20
            try await serving { p in
                try p.mkdir("/tmp/pipe")
                try p.bind("#|", "/tmp/pipe")
                let held = try p.open("/tmp/pipe/data1", .readWrite)
                let export = try Export("/tmp", of: p)
                for seed in start..<start + 20 { try Self.play(seed, dialect, export, p) }
                // Whoever comes after them is served as ever.
                let t = try p.connect(export)
                try t.start(.plan9)
                try t.lives()
                try p.close(held)
            }
        }
    }

    private static func play(_ seed: UInt64, _ dialect: Dialect, _ export: Export, _ p: Proc) throws {
        let (ours, its) = try p.pipe()
        let t = try p.connect(export, ours, its)
        try t.start(dialect)
        var requests = Requests(dice: SplitMix(seed), dialect: dialect)
        // What it answers is read by somebody else, so that neither waits for the other.
        let reader = try p.spawn([.forkFD], fds: [ours]) { child throws(SysError) in
            while try !child.read(ours, 65536).isEmpty {}
            return .ok
        }
        for _ in 0..<200 {
            guard let frame = requests.next(t) else { continue }
            do { try t.write(frame) } catch { break }  // it has hung up, as it may
        }
        try p.close(ours)
        p.system.proc(reader)?.kill()
        _ = try p.wait(.pid(reader))
    }
}
