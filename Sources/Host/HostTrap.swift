import CSandbox
import Glibc

/// A call of a program in a view that waits for an answer, and the memory of who made it.
///
/// Answering one whose caller has gone does nothing.
public struct HostTrap: Sendable {
    private let view: HostView
    private let id: UInt64
    /// The thread that made it, by our number.
    public let thread: Int32
    public let number: Int32
    public let arguments: InlineArray<6, UInt64>

    init(_ view: HostView, _ call: csandbox_call) {
        self.view = view
        id = call.id
        thread = Int32(bitPattern: call.pid)
        number = call.number
        let a = call.arguments
        arguments = [a.0, a.1, a.2, a.3, a.4, a.5]
    }

    /// Whether its caller still waits: what was learnt by its number before was of that caller.
    public var waits: Bool { csandbox_waits(view.listener, id) == 1 }

    public func answer(_ value: UInt64) {
        _ = csandbox_answer(view.listener, id, Int64(bitPattern: value), 0, 0)
    }

    public func refuse(_ errno: Int32) { _ = csandbox_answer(view.listener, id, 0, errno, 0) }

    /// Nothing has been done: the signal that waits for the caller is dealt with first, and the call made again or not, as with any
    /// that a signal interrupts.
    public func restart() { refuse(512) }  // ERESTARTSYS

    /// Has the host do it.
    public func pass() { _ = csandbox_answer(view.listener, id, 0, 0, 1) }

    /// Gives the caller a descriptor, the lowest that is free or `number`, and with `answers` that number as the answer.
    @discardableResult
    public func give(
        _ fd: Int32, as number: Int32 = -1, closeOnExec: Bool, answers: Bool
    ) throws(SysError) -> Int32 {
        let got = csandbox_give(view.listener, id, thread, fd, number, closeOnExec ? 1 : 0, answers ? 1 : 0)
        guard got >= 0 else { throw SysError(errno: -got) }
        return got
    }

    /// Bytes at `address`, as many as are there up to `count`. Throws `.fault` where none is.
    public func peek(_ address: UInt64, _ count: Int) throws(SysError) -> [UInt8] {
        guard count > 0 else { return [] }
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, n in
            got = csandbox_peek(thread, address, buffer.baseAddress, count)
            n = max(0, got)
        }
        guard got > 0 else { throw .fault }
        // A thread of another process may have had the number by now.
        guard waits else { throw .killed }
        return bytes
    }

    /// Most bytes of a text that is copied together with others, with its NUL.
    private static let shortText = 128

    /// The bytes before the next NUL at each address; nil for one that is too long for this, or is not there.
    public func peek(texts addresses: [UInt64]) throws(SysError) -> [[UInt8]?] {
        var texts: [[UInt8]?] = []
        let most = Int(CSANDBOX_TEXTS)
        let slots = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.shortText * min(most, addresses.count), alignment: 8)
        defer { slots.deallocate() }
        for start in stride(from: 0, to: addresses.count, by: most) {
            let some = addresses[start..<min(start + most, addresses.count)]
            let got = some.withUnsafeBufferPointer {
                csandbox_peek_texts(thread, $0.baseAddress, $0.count, slots.baseAddress, Self.shortText)
            }
            for i in 0..<some.count {
                // SAFETY: it has so many bytes for each of `some`.
                let slot = slots[i * Self.shortText..<(i + 1) * Self.shortText]
                let end = i < got ? slot.firstIndex(of: 0) : nil
                texts.append(end.map { Array(slot[..<$0]) })
            }
        }
        guard addresses.isEmpty || waits else { throw .killed }
        return texts
    }

    /// Writes all of `bytes`. Throws `.fault`.
    public func poke(_ bytes: [UInt8], _ address: UInt64) throws(SysError) {
        guard !bytes.isEmpty else { return }
        guard waits else { throw .killed }
        guard csandbox_poke(thread, address, bytes, bytes.count) == bytes.count else { throw .fault }
    }
}

/// A process of the host by a descriptor, whoever has its number.
public final class HostPeer: Sendable {
    public let pid: Int32
    private let fd: HostFd

    /// Throws `.noProcess`.
    public init(_ pid: Int32) throws(SysError) {
        let n = csandbox_pidfd(pid)
        guard n >= 0 else { throw SysError(errno: -n) }
        self.pid = pid
        fd = HostFd(owning: n)
    }

    deinit { HostWatch.shared.forget(fd.number) }

    /// Sends a signal. False where it has ended.
    @discardableResult
    public func signal(_ number: Int32) -> Bool { csandbox_signal(fd.number, number) >= 0 }

    /// A copy of its descriptor. Throws `.badFd`.
    public func take(_ number: Int32) throws(SysError) -> HostFd {
        let n = csandbox_take(fd.number, number)
        guard n >= 0 else { throw SysError(errno: -n) }
        return HostFd(owning: n)
    }

    /// The numbers of its descriptors; none once it has ended.
    public var descriptors: [Int32] { numbers("fd") }

    private func numbers(_ directory: String) -> [Int32] {
        guard let fd = try? HostTree("/proc/\(pid)").open(directory, HostFiles.directory) else { return [] }  // gone
        var directory = HostDirectory(fd)
        var numbers: [Int32] = []
        var cookie: UInt64 = 0
        while numbers.count < 1 << 16, let entry = try? directory.next(after: cookie) {
            if let number = Int32(entry.name) { numbers.append(number) }
            cookie = entry.cookie
        }
        return numbers.sorted()
    }

    /// Its threads, by our numbers; none once it has ended.
    public var threads: [Int32] { numbers("task") }

    /// Its process group, by our number; nil once it has ended.
    public var group: Int32? { HostPeer.field(pid, 4).flatMap { Int32($0) } }

    /// What it does, by Linux's letter, its CPU time in hundredths of a second, and its threads; nil once it has ended.
    public var usage: (state: Character, ticks: UInt64, threads: Int)? {
        guard let state = HostPeer.field(pid, 2)?.first, let user = HostPeer.field(pid, 13).flatMap({ UInt64($0) }),
            let system = HostPeer.field(pid, 14).flatMap({ UInt64($0) })
        else { return nil }
        return (state, user &+ system, HostPeer.field(pid, 19).flatMap { Int($0) } ?? 1)
    }

    /// Bytes of memory that it has asked for, and that it has.
    public var memory: (size: UInt64, resident: UInt64) {
        // It may have gone.
        guard let bytes = try? HostEnvironment.readFile("/proc/\(pid)/statm", limit: 4096) else { return (0, 0) }
        let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").prefix(2).compactMap { UInt64($0) }
        guard pages.count == 2 else { return (0, 0) }
        return (pages[0] &* 4096, pages[1] &* 4096)
    }

    /// Calls `ended` once, when it has ended, with how it did so; nil where the host does not say.
    public func watch(_ ended: @escaping @Sendable (HostExit?) -> Void) {
        HostWatch.shared.once(fd.number, .readable) { [weak self] in ended(self?.exit) }
    }

    private var exit: HostExit? {
        // While nobody has waited for it, and afterwards.
        if let status = HostPeer.field(pid, 51).flatMap({ Int32($0) }), signal(0) || isZombie {
            return HostExit(status)
        }
        let status = csandbox_status(fd.number)
        return status < 0 ? nil : HostExit(status)
    }

    private var isZombie: Bool { HostPeer.field(pid, 2) == "Z" }

    /// A field of /proc/pid/stat, counted from 0.
    private static func field(_ pid: Int32, _ n: Int) -> String? {
        guard let bytes = try? HostEnvironment.readFile("/proc/\(pid)/stat", limit: 4096) else { return nil }  // gone
        // The name may have blanks and parentheses.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)...].split(maxSplits: n - 1) { $0 == 0x20 || $0 == 0x0A }
        return n >= 2 && fields.count > n - 2 ? String(decoding: fields[n - 2], as: UTF8.self) : nil
    }

    /// What /proc/pid/status says of the signals of a thread, bit 0 for the first: those that wait for it or, unless `alone`, for
    /// its process, and those that it blocks, passes over and deals with. nil once it has ended.
    public static func signals(
        of thread: Int32, alone: Bool = false
    ) -> (pending: UInt64, blocked: UInt64, ignored: UInt64, caught: UInt64)? {
        // It may have gone.
        guard let bytes = try? HostEnvironment.readFile("/proc/\(thread)/status", limit: 8192) else { return nil }
        var sets: [String: UInt64] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "S".utf8) {
            let words = line.split(whereSeparator: { $0 == 9 || $0 == 32 }).map { String(decoding: $0, as: UTF8.self) }
            if words.count == 2 { sets[words[0]] = UInt64(words[1], radix: 16) }
        }
        guard let own = sets["SigPnd:"], let shared = sets["ShdPnd:"], let blocked = sets["SigBlk:"],
            let ignored = sets["SigIgn:"], let caught = sets["SigCgt:"]
        else { return nil }
        return (alone ? own : own | shared, blocked, ignored, caught)
    }

    /// What /proc/pid/status says of a thread: the process that it is of, and the number that this has in its view.
    public static func place(of thread: Int32) throws(SysError) -> (process: Int32, inner: Int32) {
        let bytes = try HostEnvironment.readFile("/proc/\(thread)/status", limit: 8192)
        let process = number("\nTgid:", in: bytes)
        let inner = number("\nNStgid:", in: bytes)
        guard let process, let inner else { throw .noProcess }
        return (process, inner)
    }

    /// The last of the numbers in the line that begins with `name`.
    private static func number(_ name: StaticString, in bytes: [UInt8]) -> Int32? {
        let name = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        var at = 0
        while at + name.count <= bytes.count, !bytes[at...].starts(with: name) { at += 1 }
        at += name.count
        guard at < bytes.count else { return nil }
        let line = bytes[at...].prefix { $0 != 10 }
        let digits = line.reversed().prefix { (48...57).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        return digits.reversed().reduce(0) { $0 * 10 + Int32($1 - 48) }
    }
}
