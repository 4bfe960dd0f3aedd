import Host
import Kernel

/// Who this process is to others, and who others are to it: the files of /lib/keys. The page is keys(6).
extension Proc {
    /// The directory that has them.
    public static let keys = "/lib/keys"

    /// Bytes of such a file, and lines.
    private static let fileLimit = 1 << 20

    /// On which terms a conversation of tls is to be held.
    enum Terms {
        case announcement
        case anybody
        /// One of these keys, which are kept for `address`.
        case keys([String], address: String)
        /// A certificate for the host.
        case host(String, address: String)

        /// The message for ctl; none where it takes calls.
        var messages: [String] {
            switch self {
            case .announcement: []
            case .anybody: ["accept anybody"]
            case .keys(let keys, _): keys.map { "pin \($0)" }
            case .host(let host, _): ["host \(host)"]
            }
        }

        /// A refusal, and what can be done about it.
        func explain(_ error: SysError) -> SysError {
            guard error.code == .refused, error != .refused else { return error }
            switch self {
            case .announcement, .anybody: return error
            case .keys(_, let address):
                return SysError(.refused, saying: "\(error.sentence) (\(Proc.keys)/known has others for \(address))")
            case .host(_, let address):
                return SysError(
                    .refused, saying: "\(error.sentence) (a line '\(address) key' in \(Proc.keys)/known would trust it)"
                )
            }
        }
    }

    static func isTLS(_ clone: String) -> Bool { clone.hasSuffix("/tls/clone") }

    /// The terms of a call to `address`, which is `remote` for `clone`; nil where there are none.
    func terms(of clone: String, _ address: String, _ remote: String, anybody: Bool) throws(SysError) -> Terms? {
        guard Self.isTLS(clone) else { return nil }
        if anybody { return .anybody }
        guard let first = address.firstIndex(of: "!"), let last = address.lastIndex(of: "!"), first < last,
            let cut = remote.lastIndex(of: "!")
        else { throw .badAddress }
        let host = address[address.index(after: first)..<last].lowercased()
        let place = host + remote[cut...]
        let known = try keyLines("known").filter { $0[0].lowercased() == place }
        // More than a conversation takes are no way to say who somebody is.
        guard known.isEmpty else { return .keys(known.prefix(16).map { $0.count > 1 ? $0[1] : "" }, address: place) }
        return .host(host, address: place)
    }

    /// Tells a new conversation its terms. Our key goes to this system's own network only: what is mounted from elsewhere
    /// would learn it.
    func tell(_ terms: Terms, to control: Int32) throws(SysError) {
        let isOurs = try fildes(control).dev.letter == "I"
        if isOurs, let key = try key() {
            try write(control, "key \(key.secret)")
        } else if case .announcement = terms {
            throw SysError(
                isOurs ? "no key to be known by (keygen makes one)" : "our key is not told to another system")
        }
        for message in terms.messages { try write(control, message) }
    }

    /// The key by which this process is known; nil where there is none. Throws where others may read it, too.
    public func key() throws(SysError) -> KeyPair? {
        let path = "\(Self.keys)/key"
        guard let text = try keyFile("key") else { return nil }
        guard try stat(path).mode.rawValue & 0o077 == 0 else {
            throw SysError(.perm, saying: "others may read it (chmod 600)", subject: path)
        }
        do throws(SysError) { return try KeyPair(pem: text) } catch { throw error.about(path) }
    }

    /// The words of each line of a file of keys that has any, without what follows a `#`; none where there is no such file.
    public func keyLines(_ name: String) throws(SysError) -> [[String]] {
        guard let text = try keyFile(name) else { return [] }
        var lines: [[String]] = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.prefix { $0 != UInt8(ascii: "#") }
                .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
            if !words.isEmpty { lines.append(words.map { String(decoding: $0, as: UTF8.self) }) }
        }
        return lines
    }

    /// Who may call, by a line of the file authorized.
    public struct Authorized: Hashable, Sendable {
        /// What the line calls whoever has the key.
        public let name: String
        public let key: String
        /// The rights that are left to them of what is served.
        public let mask: Mask
        /// All that they are shown of it is below this path.
        public let tree: String

        /// `name key [mask [tree]]`; nil for what is none.
        public init?(_ words: [String]) {
            guard (2...4).contains(words.count), words[0].utf8.count <= 64, KeyPair.isWord(words[1]),
                words[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                let mask = words.count > 2 ? try? Mask(words[2]) : .all  // a mask that is none gives no rights
            else { return nil }
            let tree = words.count > 3 ? words[3] : "/"
            guard tree.hasPrefix("/"), !tree.split(separator: "/").contains("..") else { return nil }
            (name, key, self.mask, self.tree) = (words[0], words[1], mask, tree)
        }

        /// What is served to them of `directory`, an absolute path: itself, or what of it they are shown. Throws `.perm`
        /// where that is nothing.
        public func part(of directory: String) throws(SysError) -> String {
            let (whole, part) = (directory.split(separator: "/"), tree.split(separator: "/"))
            guard !whole.contains("..") else { throw SysError(.perm, subject: directory) }
            let (path, limit) = (whole.filter { $0 != "." }, part.filter { $0 != "." })
            if path.starts(with: limit) { return directory }
            if limit.starts(with: path) { return "/" + limit.joined(separator: "/") }
            throw SysError(.perm, saying: "\(name) is shown \(tree) alone", subject: directory)
        }
    }

    /// Whether callers of `address` are to be known by a key: those of tls are. Throws where they cannot be, and are not of
    /// this host alone.
    public func asksCallers(_ address: String) throws(SysError) -> Bool {
        var asks = false
        for (clone, local) in try ways(to: address) {
            if Self.isTLS(clone) {
                asks = true
            } else if !Self.isLocal(clone, local) {
                throw SysError(
                    "who calls from elsewhere is known by tls alone (-A serves whoever calls)", subject: address)
            }
        }
        return asks
    }

    /// Who has called, of a conversation whose data is open. Throws `.perm` where the file authorized does not have them.
    public func caller(of directory: String) throws(SysError) -> Authorized {
        let fd = try open("\(directory)/peer")
        defer { _ = try? close(fd) }  // it was read: nothing is lost
        let key = String(decoding: try read(fd, 256).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard !key.isEmpty else { throw SysError(.perm, saying: "the caller has shown no key") }
        for words in try keyLines("authorized") where words.count > 1 && words[1] == key {
            guard let found = Authorized(words) else { break }
            return found
        }
        throw SysError(.perm, saying: "\(Self.keys)/authorized has no such key", subject: key)
    }

    /// Tells the log why `program` does not serve who has called, of a conversation that has not ended.
    public func logRefusal(_ program: String, _ directory: String, _ error: SysError) {
        guard error.code != .killed else { return }
        let remote = (try? netinfo(directory))?.remote ?? directory  // it may have ended
        let isOfFile = error.subject?.hasPrefix(directory) ?? false
        system.log("\(program): \(remote): refused: \(isOfFile ? error.sentence : error.description)")
    }

    private func keyFile(_ name: String) throws(SysError) -> String? {
        let path = "\(Self.keys)/\(name)"
        let fd: Int32
        do throws(SysError) { fd = try open(path) } catch {
            if error.code == .nonexist { return nil }
            throw error
        }
        defer { _ = try? close(fd) }  // it was read: nothing is lost
        let bytes = try readn(fd, Self.fileLimit + 1)
        guard bytes.count <= Self.fileLimit else { throw SysError(.fileTooBig, subject: path) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
