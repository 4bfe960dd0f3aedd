import Host
import Kernel

/// An open `cs`: a query was written, and each read gives one line of the answer, a file to open and what to write to it.
///
/// A read at offset 0 begins anew. The corresponding Inferno page is `cs(8)`.
final class NetTranslation: Sendable {
    private let state = Lock((lines: [String](), next: 0))

    func read(into buffer: inout MutableRawSpan, at offset: UInt64) throws(SysError) -> Int {
        let size = buffer.byteCount
        let line = try state.withLock { (s) throws(SysError) -> String in
            if offset == 0 { s.next = 0 }
            guard s.next < s.lines.count else { return "" }
            guard s.lines[s.next].utf8.count <= size else { throw .tooSmall }
            s.next += 1
            return s.lines[s.next - 1]
        }
        return buffer.copy(Array(line.utf8).span.bytes)
    }

    /// Translates `network!host!service` or `unix!path`. Throws `.badAddress` for what is neither.
    func ask(_ query: String, _ policy: NetPolicy, _ how: How) throws(SysError) {
        state.withLock { $0 = ([], 0) }
        let query = query.last == "\n" ? String(query.dropLast()) : query
        let lines = try Self.translate(query, policy, how)
        state.withLock { $0 = (lines, 0) }
    }

    private static func translate(_ query: String, _ policy: NetPolicy, _ how: How) throws(SysError) -> [String] {
        let parts = query.split(separator: "!", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[1].isEmpty, !query.utf8.contains(where: { $0 <= 0x20 }) else {
            throw SysError(.badAddress, subject: query)
        }
        if parts[0] == HostSocket.Kind.unix.rawValue { return ["/net/unix/clone \(parts[1])"] }
        // A network whatever it is: streams.
        guard let network = HostSocket.Kind(rawValue: parts[0] == "net" ? "tcp" : parts[0]) else {
            throw SysError(.noProtocol, subject: query)
        }
        guard let cut = parts[1].lastIndex(of: "!") else { throw SysError(.badAddress, subject: query) }
        let host = String(parts[1][..<cut])
        let service = String(parts[1][parts[1].index(after: cut)...])
        let port = try port(service, network)
        let hosts: [String]
        if host == "*" || (try? IPAddress(host)) != nil {  // no name
            hosts = [host]
        } else {
            guard !host.isEmpty, host.utf8.count <= 253 else { throw SysError(.badAddress, subject: query) }
            hosts = try policy.addresses(of: host, how).map(\.description)
        }
        return hosts.map { "/net/\(network)/clone \($0)!\(port)" }
    }

    /// The number of a service, by itself or as `/lib/ndb/services` has it.
    private static func port(_ service: String, _ network: HostSocket.Kind) throws(SysError) -> UInt16 {
        if let number = UInt16(service) { return number }
        guard let number = services[network.transport.rawValue]?[service] else {
            throw SysError("no such service", subject: service)
        }
        return number
    }

    /// Ports by network and name: lines such as `tcp=ssh port=22`.
    private static let services: [String: [String: UInt16]] = {
        var table: [String: [String: UInt16]] = [:]
        for file in rootTable where file.path == "/lib/ndb/services" {
            for line in file.text.split(separator: "\n") {
                let fields = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
                    .split(whereSeparator: { $0 == " " || $0 == "\t" })
                    .map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
                guard let port = fields.last(where: { $0.first == "port" })?.last.flatMap({ UInt16($0) }) else {
                    continue
                }
                for field in fields where field.count == 2 && field[0] != "port" {
                    table[field[0], default: [:]][field[1]] = port
                }
            }
        }
        return table
    }()
}
