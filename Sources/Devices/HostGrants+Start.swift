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
            guard let colon = given.lastIndex(of: ":") else {
                throw SysError("-m \(given): not path:perms, as in -m .:rwx")
            }
            let mask: Mask
            do throws(SysError) { mask = try Mask(String(given[given.index(after: colon)...])) } catch {
                throw SysError("-m \(given): \(error)")
            }
            let real = try HostEnvironment.realPath(String(given[..<colon]))
            guard mask.contains(.execute) || !HostEnvironment.isDirectory(real) else {
                throw SysError("-m \(given): nothing in a directory can be reached without x")
            }
            trees["sandbox\(shown.count)"] = .init(real, mask)
            shown.append(real)
        }
        return shown
    }

    /// What the host must let emu do for these: the trees, and sockets where addresses are paths.
    public var places: [HostLockdown.Place] {
        var places = trees.values.map { tree -> HostLockdown.Place in
            // What may only be run, or written to, is looked at nevertheless.
            var rights: HostLockdown.Place.Rights = [.read, .control]
            if tree.mask.contains(.write) { rights.insert(.write) }
            if tree.mask.contains(.execute) { rights.insert(.execute) }
            return HostLockdown.Place(tree.path, rights)
        }
        switch network {
        case .loopback: break
        case .all: places.append(.init("/", .socket))
        case .some(let rules):
            for rule in rules where rule.network == "unix" {
                guard let path = rule.host, let slash = path.lastIndex(of: "/") else { continue }
                places.append(.init(slash == path.startIndex ? "/" : String(path[..<slash]), [.socket, .remove]))
            }
        }
        return places
    }
}
