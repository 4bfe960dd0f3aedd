import Kernel

extension MntOpen {
    /// Of 9P2000.L: what the files of `names` are. Each is walked to from `base`, the directory, and asked about, and all
    /// that at once, along with the walk to the directory where there is none yet. One that is gone by now is left out.
    func attributes(
        of names: ArraySlice<Dirent>, _ base: inout MntFid?, _ caller: Caller
    ) throws(SysError) -> [Dir] {
        let (link, root) = try tree.here()
        let way = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }[...]
        let known = base.flatMap { $0.link === link ? $0 : nil }
        base = nil
        let isTogether = !link.isUnordered
        let isNew = known == nil && isTogether && link.fitting(way).count == way.count
        let directory: MntFid
        if let known { directory = known } else { directory = isNew ? try link.newFid() : try link.walk(root, way) }
        var listing = try MntListing(link, directory, names.map(\.name))
        if isTogether {
            let walk = Tmessage.walk(fid: root.number, newfid: directory.number, names: Array(way))
            let first = isNew ? MntRequest(walk, root, newfid: directory) : nil
            try listing.askTogether(first, way.count, caller)
        }
        base = directory
        try listing.askInTurn(caller)
        return listing.dirs.compactMap(\.self)
    }
}

/// Files of a directory that are being asked about.
private struct MntListing {
    private let link: MntLink
    private let directory: MntFid
    private let files: [(name: String, fid: MntFid)]
    private(set) var dirs: [Dir?]
    /// Which are to be walked to, and which to be asked about.
    private var walks: [Int]
    private var stats: [Int] = []

    init(_ link: MntLink, _ directory: MntFid, _ names: [String]) throws(SysError) {
        (self.link, self.directory) = (link, directory)
        files = try names.map { (name) throws(SysError) in (name, try link.newFid()) }
        dirs = [Dir?](repeating: nil, count: files.count)
        walks = Array(files.indices)
    }

    private func walk(_ n: Int) -> MntRequest {
        let (name, fid) = files[n]
        return MntRequest(
            .walk(fid: directory.number, newfid: fid.number, names: [name]), directory, newfid: fid)
    }

    private func stat(_ n: Int) -> MntRequest { MntRequest(link.statRequest(files[n].fid), files[n].fid) }

    /// Walks to all, after `first`, the walk of `count` names to the directory, and asks about all, in one write.
    mutating func askTogether(_ first: MntRequest?, _ count: Int, _ caller: Caller) throws(SysError) {
        var calls = try link.start((first.map { [$0] } ?? []) + files.indices.flatMap { [walk($0), stat($0)] })[...]
        do throws(SysError) {
            if first != nil {
                guard try link.qids(calls.removeFirst(), with: calls).count == count else { throw .nonexist }
            }
            walks = []
            for n in files.indices {
                switch (try link.nextAnswer(&calls), try link.nextAnswer(&calls)) {
                case (.success, .success(let reply)): dirs[n] = try link.dir(reply, files[n].name, caller)
                case (.success, .failure(let error)): if link.mayBeEarly(error) { stats.append(n) }
                case (.failure(let error), _): if first != nil, link.mayBeEarly(error) { walks.append(n) }
                }
            }
        } catch {
            link.leave(calls, after: error)
            throw error
        }
    }

    /// What is left to do, where nothing goes with what it depends on.
    mutating func askInTurn(_ caller: Caller) throws(SysError) {
        stats += try all(walks, walk).map { $0.0 }
        for (n, reply) in try all(stats, stat) {
            dirs[n] = try link.dir(reply, files[n].name, caller)
            // It works now, and did not before where it was asked before.
            link.isUnordered = true
        }
    }

    /// Sends those requests in one write; gives the replies of those that work.
    private func all(
        _ list: [Int], _ request: (Int) -> MntRequest
    ) throws(SysError) -> [(Int, Rmessage)] {
        guard !list.isEmpty else { return [] }
        var calls = try link.start(list.map(request))[...]
        var done: [(Int, Rmessage)] = []
        do throws(SysError) {
            for n in list {
                if case .success(let reply) = try link.nextAnswer(&calls) { done.append((n, reply)) }
            }
        } catch {
            link.leave(calls, after: error)
            throw error
        }
        return done
    }
}

extension MntLink {
    /// The reply to the first of several requests, or how that one failed; throws what ends the caller's wait.
    fileprivate func nextAnswer(_ calls: inout ArraySlice<MntCall>) throws(SysError) -> Result<Rmessage, SysError> {
        let call = calls.removeFirst()
        do throws(SysError) { return .success(try wait(call, with: calls)) } catch {
            try judge(error)
            return .failure(error)
        }
    }
}
