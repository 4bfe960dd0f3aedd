import Host
import Kernel

/// What a file of `#R` is, changed, and how much room there is.
extension DevRam {
    /// All changes or none. The owner may change all but the owner; whoever may write, the length.
    func wstat(_ c: Chan, _ change: DirChange, _ caller: Caller) throws(SysError) {
        let here = try place(c)
        let file = here.file
        try here.tree.lock.withLock { (_) throws(SysError) in
            try Self.check(change, of: here, caller)
            if let length = change.length, length != file.contents.length {
                try file.contents.truncate(to: length)
                file.touch(caller)
            }
            if let name = change.name, name != here.name, let directory = here.directory {
                try Self.move(here, to: directory, as: name, caller)
            }
            if let mode = change.mode {
                file.mode = file.mode.subtracting(Self.bits).union(mode.intersection(Self.bits))
                if let host = file.contents.host { try HostFiles.setMode(host.file.number, file.mode.hostBits) }
            }
            if let group = change.group { file.group = group }
            if let accessed = change.accessed { file.accessed = accessed }
            if let modified = change.modified { file.modified = modified }
            file.changed = caller.clock.now()
            if let host = file.contents.host, change.accessed != nil || change.modified != nil {
                try HostFiles.setTimes(host.file.number, accessed: change.accessed, modified: change.modified)
            }
        }
    }

    private static func check(_ change: DirChange, of here: RamName, _ caller: Caller) throws(SysError) {
        let file = here.file
        let user = caller.cred.user
        if let length = change.length {
            guard file.entries == nil, file.target == nil else { throw .isDir }
            guard !file.mode.contains(.socket) else { throw .badArg }
            guard file.may(caller, .write) else { throw .perm }
            guard length <= RamContents.lengthLimit else { throw .fileTooBig }
            guard !file.mode.contains(.append) || length >= file.contents.length else { throw .perm }
        }
        if change.mode != nil || change.accessed != nil || change.modified != nil || change.group != nil {
            guard user == file.owner else { throw .notOwner }
        }
        if let mode = change.mode {
            guard !mode.contains(.directory) || file.entries != nil else { throw .badArg }
        }
        if let owner = change.owner, owner != file.owner { throw .notOwner }
        if let group = change.group, group != file.group {
            guard caller.cred.groups.contains(group) else { throw .notOwner }
        }
        if let name = change.name, name != here.name {
            guard let directory = here.directory else { throw here.isRemoved ? .nonexist : .perm }
            try checkMovable(here, caller)
            try checkFree(name, in: directory, caller)
        }
    }

    func statfs(_ c: Chan, _ caller: Caller) throws(SysError) -> FileSystemStatus {
        let block = 4096
        let free = max(0, limit - account.held(.memory)) / block
        let files = try place(c).tree.lock.withLock { $0.files }
        return FileSystemStatus(
            blockSize: UInt64(block), blocks: UInt64(limit / block), free: UInt64(free), available: UInt64(free),
            files: files, filesFree: UInt64(free))
    }
}
