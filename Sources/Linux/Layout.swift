import Host
import Kernel

/// A structure of Linux's, byte after byte, the least significant first.
struct Layout {
    private(set) var bytes: [UInt8] = []

    /// With room for the largest of stat's.
    init() { bytes.reserveCapacity(256) }

    mutating func put<T: FixedWidthInteger>(_ value: T) {
        for i in 0..<T.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
    }

    mutating func put(_ text: [UInt8]) { bytes += text }

    /// Zeros up to `end` bytes in all.
    mutating func fill(to end: Int) {
        while bytes.count < end { bytes.append(0) }
    }

    /// Seconds and nanoseconds.
    mutating func put(time: Int64) {
        let (seconds, rest) = LinuxTime.split(time)
        put(seconds)
        put(Int64(rest))
    }
}

enum LinuxTime {
    private static let second: Int64 = 1_000_000_000

    /// Nanoseconds since 1970 as seconds and what is above them.
    static func split(_ time: Int64) -> (seconds: Int64, nanoseconds: UInt32) {
        let (seconds, rest) = time.quotientAndRemainder(dividingBy: second)
        return rest < 0 ? (seconds - 1, UInt32(rest + second)) : (seconds, UInt32(rest))
    }

    /// The other way round: what is too far away for us is as far as we can say.
    static func join(_ seconds: Int64, _ nanoseconds: Int64) -> Int64 {
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: second)
        let (sum, more) = whole.addingReportingOverflow(nanoseconds)
        return overflow || more ? seconds < 0 ? .min : .max : sum
    }
}

/// What `stat` says to a program.
struct FileStatus {
    let dir: Dir
    let identity: FileIdentity

    var mode: UInt32 {
        identity.rdev == nil ? dir.mode.linux : dir.mode.linux & ~ModeBits.mask | ModeBits.character
    }
    var rdev: UInt64 { identity.rdev ?? dir.rdev }
    var size: UInt64 { dir.inode?.size ?? (dir.isDirectory ? 4096 : dir.length) }
    var blockSize: UInt32 { max(1, dir.inode?.blockSize ?? 4096) }
    /// Portions of 512 bytes.
    var blocks: UInt64 {
        let space = dir.space ?? dir.length
        return space / 512 + (space % 512 == 0 ? 0 : 1)
    }

    /// `struct stat` of that machine. The corresponding Linux page is `stat(3type)`.
    func layout(_ machine: Machine) -> [UInt8] {
        var out = Layout()
        out.put(identity.device)
        out.put(identity.inode)
        switch machine {
        case .x86:
            out.put(UInt64(dir.links))
            for word in [mode, dir.ownerID, dir.groupID, 0] { out.put(word) }
            out.put(rdev)
            out.put(size)
            out.put(UInt64(blockSize))
        case .riscv:
            for word in [mode, dir.links, dir.ownerID, dir.groupID] { out.put(word) }
            out.put(rdev)
            out.put(UInt64(0))
            out.put(size)
            out.put(UInt64(blockSize))
        }
        out.put(blocks)
        for time in [dir.accessed, dir.modified, dir.changed] { out.put(time: time) }
        out.fill(to: machine == .x86 ? 144 : 128)
        return out.bytes
    }

    /// The fields that we know: STATX_BASIC_STATS.
    private static let known: UInt32 = 0x7ff

    /// `struct statx`. The corresponding Linux page is `statx(2)`.
    var extended: [UInt8] {
        var out = Layout()
        out.put(Self.known)
        out.put(blockSize)
        out.put(UInt64(0))
        for word in [dir.links, dir.ownerID, dir.groupID] { out.put(word) }
        out.put(UInt16(truncatingIfNeeded: mode))
        out.put(UInt16(0))
        for word in [identity.inode, size, blocks, 0] { out.put(word) }
        for time in [dir.accessed, 0, dir.changed, dir.modified] {
            let (seconds, rest) = LinuxTime.split(time)
            out.put(seconds)
            out.put(UInt64(rest))
        }
        for number in [rdev, identity.device] {
            out.put(DeviceNumber(number).major)
            out.put(DeviceNumber(number).minor)
        }
        out.fill(to: 256)
        return out.bytes
    }
}

/// The number of a device in Linux's packing. The corresponding page is `makedev(3)`.
struct DeviceNumber {
    let major: UInt32
    let minor: UInt32

    init(_ number: UInt64) {
        major = UInt32(truncatingIfNeeded: number >> 8 & 0xfff | number >> 32 & 0xffff_f000)
        minor = UInt32(truncatingIfNeeded: number & 0xff | number >> 12 & 0xffff_ff00)
    }
}
