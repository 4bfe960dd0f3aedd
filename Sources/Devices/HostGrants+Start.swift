import Host
import Kernel

/// What of the host is shown, by what it is asked for.
extension HostGrants {
    /// Shows what `/lib/ns/sandbox` lists, read-only, and the paths in `others`, each `path:perms`. Gives the places inside:
    /// tree `sandboxN` belongs at element N.
    public mutating func showSystem(and others: [String]) throws(SysError) -> [String] {
        var shown: [String] = []
        for file in rootTable where file.path == "/lib/ns/sandbox" {
            for line in file.text.split(separator: "\n") where line.hasPrefix("/") {
                guard let real = try? HostEnvironment.realPath(String(line)) else { continue }  // not on this host
                trees["sandbox\(shown.count)"] = .init(real, [.read, .execute])
                shown.append(String(line))
            }
        }
        for given in others {
            guard let colon = given.lastIndex(of: ":") else { throw SysError("-m \(given): not path:perms") }
            let mask = try Mask(String(given[given.index(after: colon)...]))
            let real = try HostEnvironment.realPath(String(given[..<colon]))
            trees["sandbox\(shown.count)"] = .init(real, mask)
            shown.append(real)
        }
        return shown
    }
}
