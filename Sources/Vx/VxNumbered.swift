import Host
import Kernel
import Linux

/// What `/proc` tells of a program of a view.
extension VxProcess: Numbered {
    var number: Int32 { inner }

    /// Programs of one view see each other.
    var group: AnyObject { view ?? self }

    var descriptors: [(fd: Int32, path: String?)] {
        peer.descriptors.compactMap { number in
            // One that is closed meanwhile is passed over.
            guard let fd = try? peer.take(number), let stat = try? HostStat(fd.number) else { return nil }
            return (number, view?.path(stat))
        }
    }

    func take(_ fd: Int32) throws(SysError) -> HostFd { try peer.take(fd) }

    func text(_ file: HostProcessFile) -> [UInt8] {
        (try? HostEnvironment.readFile("/proc/\(peer.pid)/\(file.rawValue)", limit: 1 << 16)) ?? []  // gone
    }

    /// Lines of the host's, without the names of its files.
    var maps: [UInt8] {
        guard let bytes = try? HostEnvironment.readFile("/proc/\(peer.pid)/maps") else { return [] }  // gone
        var out: [UInt8] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            let name = words.count > 5 ? words[5].drop { $0 == 0x20 } : []
            for word in words.prefix(5) { out += word + [0x20] }
            out += (name.first == UInt8(ascii: "[") ? name : []) + [0x0a]
        }
        return out
    }

    var usage: (state: Character, ticks: UInt64, threads: Int)? { peer.usage }

    var memory: (size: UInt64, resident: UInt64) { peer.memory }
}
