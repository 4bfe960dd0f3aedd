import Testing

@testable import Fuse

/// Fields of a request, laid out as fuse(4) says.
private struct Frame {
    var bytes: [UInt8] = []

    init(_ operation: UInt32, node: UInt64 = 5, _ fields: [any FixedWidthInteger] = [], tail: [UInt8] = []) {
        var body: [UInt8] = []
        for field in fields { Self.put(field, &body) }
        body += tail
        for field in [UInt32(40 + body.count), operation] as [UInt32] { Self.put(field, &bytes) }
        for field in [UInt64(77), node] { Self.put(field, &bytes) }
        for field in [UInt32(1000), 100, 4321, 0] as [UInt32] { Self.put(field, &bytes) }
        bytes += body
    }

    private static func put(_ value: any FixedWidthInteger, _ bytes: inout [UInt8]) {
        let bits = UInt64(truncatingIfNeeded: value)
        for n in 0..<value.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * n))) }
    }
}

private func u(_ value: UInt32) -> UInt32 { value }
private func w(_ value: UInt64) -> UInt64 { value }

@Suite struct FuseMessageTests {
    private static let frames: [(Frame, String)] = [
        (Frame(26, [u(7), u(45), u(131072), u(0x5)]), "initialize(major: 7, minor: 45, readahead: 131072, flags: 5)"),
        (Frame(1, tail: Array("h12".utf8) + [0]), "lookUp(name: [104, 49, 50])"),
        (Frame(2, [w(1)]), "forget"),
        (Frame(36, [w(76)]), "interrupt(unique: 76)"),
        (Frame(3, [u(0), u(0), w(0)]), "getAttributes"),
        (Frame(4, [u(8), u(0), w(0), w(9)]), "setAttributes(length: Optional(9))"),
        (Frame(4, [u(1), u(0), w(0), w(9)]), "setAttributes(length: nil)"),
        (Frame(14, [u(0), u(0)]), "open"),
        (Frame(25, [w(2)]), "flush(handle: 2)"),
        (Frame(18, [w(2)]), "release(handle: 2)"),
        (Frame(40, [w(2), w(3), u(1), u(5)]), "poll(handle: 2, key: 3, notifies: true, events: 5)"),
        (Frame(39), "control"), (Frame(17), "statfs"), (Frame(38), "destroy"), (Frame(99), "other(99)"),
    ]

    /// Operations of whose body nothing is looked at.
    private static let bodiless: [UInt8] = [2, 3, 14, 99]

    @Test func requestsAreWhatTheySay() throws {
        for (frame, text) in Self.frames {
            let request = try FuseRequest(frame.bytes.span.bytes)
            #expect("\(request.body)" == text)
            #expect(request.unique == 77 && request.node == 5 && request.user == 1000 && request.group == 100)
        }
    }

    @Test func transfersCarryTheirPlaceTheirBytesAndTheFlags() throws {
        let fields: [any FixedWidthInteger] = [w(2), w(1 << 40), u(3), u(0), w(0), u(0o4002), u(0)]
        let read = try FuseRequest(Frame(15, fields).bytes.span.bytes)
        guard case .read(2, 1 << 40, 3, let flags) = read.body, flags.isImpatient else {
            Issue.record("\(read.body)")
            return
        }
        let bytes = Frame(16, fields, tail: [7, 8, 9]).bytes
        let write = try FuseRequest(bytes.span.bytes)
        guard case .write(2, 1 << 40, let data, _) = write.body else {
            Issue.record("\(write.body)")
            return
        }
        #expect(Array(bytes[data]) == [7, 8, 9])
    }

    @Test func whatIsCutShortIsNone() {
        let write: [any FixedWidthInteger] = [w(2), w(0), u(3), u(0), w(0), u(0), u(0)]
        for frame in Self.frames.map(\.0) + [Frame(16, write, tail: [7, 8, 9])] {
            for count in 0..<frame.bytes.count {
                var cut = Array(frame.bytes[..<count])
                // It says the right length of itself, or the one that it had.
                #expect(throws: FuseMalformed.self) { _ = try FuseRequest(cut.span.bytes) }
                guard count >= 40, !Self.bodiless.contains(frame.bytes[4]) else { continue }
                (cut[0], cut[1]) = (UInt8(count & 0xff), UInt8(count >> 8))
                #expect(throws: FuseMalformed.self) { _ = try FuseRequest(cut.span.bytes) }
            }
        }
        #expect(throws: FuseMalformed.self) {
            _ = try FuseRequest(Frame(1, tail: [UInt8](repeating: 65, count: 300) + [0]).bytes.span.bytes)
        }
    }

    @Test func aWriteThatSaysMoreThanItHasIsNone() {
        let fields: [any FixedWidthInteger] = [w(2), w(0), UInt32.max, u(0), w(0), u(0), u(0)]
        #expect(throws: FuseMalformed.self) {
            _ = try FuseRequest(Frame(16, fields, tail: [1, 2, 3]).bytes.span.bytes)
        }
    }
}
