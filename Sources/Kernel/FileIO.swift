/// A file that a program serves: what its clients ask comes out of `next`, and each request carries the way to answer.
///
/// The server is there as long as this object is: when it closes it, or its last reference goes with the process, the
/// file disappears from its directory, and who waits for an answer and who asks later gets `i/o on hungup channel`.
/// So do not keep it where it outlives the process that serves. The corresponding Inferno type is `Sys->FileIO`.
public final class FileIO: Sendable {
    /// What a client asks. Requests of different clients, and of the Threads of one, may be answered in any order.
    public enum Request: Sendable {
        /// Up to `count` bytes from `offset`; none for the end of the file. More than `count` are cut.
        case read(offset: UInt64, count: Int, fid: UInt32, reply: Reply<[UInt8]>)
        /// Answered with how many of the bytes were taken.
        case write(offset: UInt64, data: [UInt8], fid: UInt32, reply: Reply<Int>)
        /// The client that was known as `fid` has closed the file (Inferno's nil rc).
        case close(fid: UInt32)
    }

    /// The way to answer one request. A request that is dropped unanswered fails with `i/o on hungup channel`.
    public final class Reply<Value: Sendable>: Sendable {
        private let call: Call
        private let wrap: @Sendable (Value) -> Call.Answer

        init(_ call: Call, _ wrap: @escaping @Sendable (Value) -> Call.Answer) {
            self.call = call
            self.wrap = wrap
        }

        deinit { call.finish(.failure(.hungup)) }

        /// False when the client has gone away and the answer reaches nobody. The first answer counts.
        @discardableResult
        public func send(_ value: Value) -> Bool { call.finish(wrap(value)) }

        /// The client's call throws `error`.
        @discardableResult
        public func fail(_ error: SysError) -> Bool { call.finish(.failure(error)) }
    }

    private let file: UserFile
    private let unlist: @Sendable () -> Void

    init(_ file: UserFile, unlist: @escaping @Sendable () -> Void) {
        self.file = file
        self.unlist = unlist
    }

    deinit { close() }

    /// The next request. Throws `.hungup` once the file was closed, or was removed and no client has it open;
    /// `.wouldBlock` with `.try` where none waits.
    public func next(_ how: How = .wait) throws(SysError) -> Request { try file.next(how) }

    /// Whether `next` would give something, or throw `.hungup`, at once; else `waiter` is fired when it would.
    public func poll(_ waiter: Waiter?) -> Bool { file.pollServer(waiter) }

    /// Ends the service. May be called more than once.
    public func close() {
        unlist()
        file.hangUp()
    }
}

/// A device whose directories hold files that programs serve; the kernel asks the first that there is.
public protocol FileServerDevice: Dev {
    /// Puts `file` into `directory` as `name` and gives what takes it out again, which may be called more than once.
    /// Throws `.exist`.
    func serve(
        _ file: UserFile, as name: String, in directory: Chan, _ caller: Caller
    ) throws(SysError) -> @Sendable () -> Void
}

extension Proc {
    /// Makes the file `name` in `directory`, served by this program. Where the directory is no place for such files, a
    /// new one of its device is bound before it. The corresponding Inferno call is `sys-file2chan(2)`.
    public func file2chan(_ directory: String, _ name: String) throws(SysError) -> FileIO {
        try enter()
        let (found, caller) = try find(directory)
        let path = directory.utf8.last == UInt8(ascii: "/") ? directory + name : directory + "/" + name
        do throws(SysError) {
            guard found.isDirectory else { throw .notDir }
            guard name != "..", try Namec.split(name) == [name] else { throw .badChar }
            let members = found.union?.members ?? [found]
            let file = UserFile()
            if let place = members.first(where: { $0.dev is any FileServerDevice }) {
                return try serve(file, name, place, caller)
            }
            guard let dev = system.devices.first(where: { $0 is any FileServerDevice }) else {
                throw SysError("no device for served files in this emu")
            }
            let place = try dev.attach("", caller)
            let served = try serve(file, name, place, caller)
            let (on, _) = try find(directory, .mountPoint)
            try mount(
                place, on, .before, nil, source: "#\(dev.letter)", target: directory, kind: .bind, into: nameSpace)
            return served
        } catch { throw error.about(path) }
    }

    private func serve(
        _ file: UserFile, _ name: String, _ place: Chan, _ caller: Caller
    ) throws(SysError) -> FileIO {
        guard let dev = place.dev as? any FileServerDevice else { throw .badArg }
        guard place.mask.isSuperset(of: [.write, .execute]) else { throw .perm }
        return FileIO(file, unlist: try dev.serve(file, as: name, in: place, caller))
    }
}
