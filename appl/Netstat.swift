import Applib
import Kernel

/// Lists the conversations of the networks.
struct Netstat: Command {
    static let usage: Usage = """
        netstat [directory]
        The directory of the networks; /net where there is none.
        """

    func run(_ r: Run) throws(SysError) {
        let place = try r.operands(0...1).first ?? "/net"
        for network in try r.p.entries(of: place) where network.isDirectory {
            let directory = "\(place)/\(network.name)"
            // What else stands there is no network.
            guard (try? r.p.stat("\(directory)/clone")) != nil else { continue }
            let numbers = try r.p.entries(of: directory).compactMap { UInt64($0.name) }.sorted()
            for number in numbers {
                let conversation = "\(directory)/\(number)"
                // It may have ended meanwhile.
                guard let info = try? r.p.netinfo(conversation), let owner = try? r.p.stat("\(conversation)/ctl").owner
                else { continue }
                let remote = info.status == "Announced" ? "" : info.remote
                let row = "\(network.name.left(4)) \(String(number).left(5)) \(owner.left(10)) \(info.status.left(12)) "
                try r.out.line((row + info.local.left(24) + remote).trimmed)
            }
        }
    }
}

extension String {
    /// Without the blanks at its end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
