import Host
import Kernel

/// A flow of the host as a device's file: read, written and polled on behalf of Threads.
final class PolledStream: Sendable {
    let stream: any HostFlow
    /// Wakes when the stream has become ready for somebody who polls it.
    private let ready = WaitQueue()

    init(_ stream: any HostFlow) { self.stream = stream }

    func read(into buffer: inout MutableRawSpan, _ how: How) throws(SysError) -> Int {
        try stream.read(into: &buffer, Thread.hostWait(how))
    }

    func write(_ bytes: RawSpan, _ how: How) throws(SysError) -> Int {
        try stream.write(bytes, Thread.hostWait(how))
    }

    func poll(_ events: PollEvents, _ waiter: Waiter?) -> PollEvents {
        var wanted: HostEvents = []
        if events.contains(.read) { wanted.insert(.readable) }
        if events.contains(.write) { wanted.insert(.writable) }
        guard let waiter else { return PollEvents(stream.poll(wanted, nil)) }
        waiter.stand(on: ready)
        let ready = ready
        return PollEvents(stream.poll(wanted) { ready.wake() })
    }
}

extension PollEvents {
    /// What the host says of a descriptor.
    fileprivate init(_ host: HostEvents) {
        self.init(rawValue: 0)
        if host.contains(.readable) { insert(.read) }
        if host.contains(.writable) { insert(.write) }
        if host.contains(.hangup) { insert(.hangup) }
        if host.contains(.error) { insert(.error) }
    }
}
