import Host
import Synchronization

/// One request on its way: the server finishes it, the client waits for it or gives it up. Locks itself.
final class Call: Sendable {
    /// What the server said.
    enum Answer: Sendable {
        case data([UInt8])
        case count(Int)
        case failure(SysError)
    }

    private struct State {
        var answer: Answer?
        var abandoned = false
    }

    private let state = Lock(State())
    /// Wakes when the answer is there.
    let answered = WaitQueue()

    /// What was answered, nil so far.
    var answer: Answer? { state.withLock { $0.answer } }

    /// Gives the answer; false where there is one already or nobody waits for it any more.
    @discardableResult
    func finish(_ answer: Answer) -> Bool {
        let first = state.withLock { s -> Bool in
            guard s.answer == nil, !s.abandoned else { return false }
            s.answer = answer
            return true
        }
        if first { answered.wake() }
        return first
    }

    /// The client goes away. An answer that was given before is the client's still.
    func abandon() -> Answer? {
        state.withLock { s in
            s.abandoned = true
            return s.answer
        }
    }
}

/// A file that a program serves, as its clients and its device see it; the server holds the `FileIO` of it.
///
/// `state` guards the line of requests and who waits for answers. Calls are finished and dropped outside of it.
public final class UserFile: Sendable {
    /// Most bytes that one request carries; a longer read or write does that much.
    static let requestLimit = 1 << 20
    /// Clients that came and went unheard, of which the server is told; more are left out.
    private static let closeLimit = 1024

    fileprivate struct State {
        /// Requests that the server has not taken.
        var requests = Line<FileIO.Request>()
        /// Calls that are not finished, or whose answer was not fetched, by the ticket of their request.
        var calls: [UInt64: Call] = [:]
        var clients = 0
        var isListed = true
        var isHungUp = false
    }

    private let state = Lock(State())
    private let arrivals = WaitQueue()
    private let nextFid = Atomic<UInt32>(1)

    init() {}

    // MARK: the server's side

    func next(_ how: How) throws(SysError) -> FileIO.Request {
        try arrivals.sleep(how) { () throws(SysError) -> FileIO.Request? in
            try state.withLock { (s) throws(SysError) -> FileIO.Request? in
                if let (_, request) = s.requests.popFirst() { return request }
                if s.isOver { throw .hungup }
                return nil
            }
        }
    }

    func pollServer(_ waiter: Waiter?) -> Bool {
        waiter?.stand(on: arrivals)
        return state.withLock { !$0.requests.isEmpty || $0.isOver }
    }

    /// The server is gone: every request fails, those that it had taken too.
    func hangUp() {
        let (waiting, calls) = state.withLock { s -> ([FileIO.Request], [Call]) in
            s.isHungUp = true
            defer { s.calls = [:] }
            return (s.requests.removeAll(), Array(s.calls.values))
        }
        for call in calls { call.finish(.failure(.hungup)) }
        arrivals.wake()
        withExtendedLifetime(waiting) {}
    }

    // MARK: the device's side

    /// No directory has it any more: when its last client goes, its server is told to end.
    public func unlist() {
        state.withLock { $0.isListed = false }
        arrivals.wake()
    }

    /// A client opens it. Throws `.hungup` where the server is gone.
    public func open() throws(SysError) -> UserFid {
        try state.withLock { (s) throws(SysError) in
            guard !s.isHungUp else { throw .hungup }
            s.clients += 1
        }
        return UserFid(self, nextFid.wrappingAdd(1, ordering: .relaxed).oldValue)
    }

    /// Stands a request in line; `make` gives it the call that it is to answer.
    func submit(_ make: (Call) -> FileIO.Request) throws(SysError) -> (UInt64, Call) {
        let call = Call()
        let request = make(call)
        let number = state.withLock { s -> UInt64? in
            guard !s.isHungUp else { return nil }
            let number = s.requests.append(request)
            s.calls[number] = call
            return number
        }
        // Where it was refused, the request is dropped here, outside the lock.
        guard let number else { throw .hungup }
        arrivals.wake()
        return (number, call)
    }

    /// The client has its answer, or wants none: the request is taken out of the line.
    func withdraw(_ number: UInt64) {
        let gone = state.withLock { s -> FileIO.Request? in
            s.calls[number] = nil
            return s.requests.remove(number)
        }
        withExtendedLifetime(gone) {}
    }

    /// A client has closed it. `known`: the server has seen a request of it.
    func closed(_ fid: UInt32, known: Bool) {
        state.withLock { s in
            s.clients -= 1
            guard !s.isHungUp, known || s.requests.count < Self.closeLimit else { return }
            _ = s.requests.append(.close(fid: fid))
        }
        arrivals.wake()
    }
}

extension UserFile.State {
    /// Nothing more can come.
    fileprivate var isOver: Bool { isHungUp || !isListed && clients == 0 }
}
