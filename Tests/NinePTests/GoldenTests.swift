import NineP
import Testing

@Suite("9P messages and their bytes")
struct GoldenTests {
    @Test("a request has the bytes that the manual says, both ways", arguments: goldenRequests)
    func request(_ row: Golden<Tmessage>) throws {
        let tag: UInt16 = row.message.type == .Tversion ? Wire.noTag : 1
        let wire = bytes(row.hex)
        #expect(try encoded(row.message, tag: tag, row.dialect, data: bytes(row.data)) == wire)
        let (gotTag, got) = try decodeT(wire, row.dialect)
        #expect(gotTag == tag)
        #expect(got == row.message)
    }

    @Test("a reply has the bytes that the manual says, both ways", arguments: goldenReplies)
    func reply(_ row: Golden<Rmessage>) throws {
        let tag: UInt16 = row.message.type == .Rversion ? Wire.noTag : 1
        let wire = bytes(row.hex)
        #expect(try encoded(row.message, tag: tag, row.dialect, data: bytes(row.data)) == wire)
        let (gotTag, got) = try decodeR(wire, row.dialect)
        #expect(gotTag == tag)
        #expect(got == row.message)
    }

    @Test("every type of message has a row")
    func complete() {
        let rows = Set(goldenRequests.map(\.message.type) + goldenReplies.map(\.message.type))
        #expect(rows == Set(MessageType.allCases))
    }

    @Test("a request that is cut anywhere is refused with its connection", arguments: goldenRequests)
    func cutRequest(_ row: Golden<Tmessage>) {
        let wire = bytes(row.hex)
        for n in 0..<wire.count {
            // As it is, and with a size that agrees.
            for cut in [Array(wire[..<n]), resized(Array(wire[..<n]))] {
                guard case .frame = fault({ () throws(Malformed) in _ = try decodeT(cut, row.dialect) }) else {
                    Issue.record("\(n) bytes of \(row.message) pass")
                    continue
                }
            }
        }
        guard
            case .frame(.trailing, _) = fault({ () throws(Malformed) in
                _ = try decodeT(resized(wire + [0]), row.dialect)
            })
        else {
            Issue.record("a byte after \(row.message) passes")
            return
        }
    }

    @Test("a reply that is cut anywhere is refused with its connection", arguments: goldenReplies)
    func cutReply(_ row: Golden<Rmessage>) {
        let wire = bytes(row.hex)
        for n in 0..<wire.count {
            for cut in [Array(wire[..<n]), resized(Array(wire[..<n]))] {
                guard case .frame = fault({ () throws(Malformed) in _ = try decodeR(cut, row.dialect) }) else {
                    Issue.record("\(n) bytes of \(row.message) pass")
                    continue
                }
            }
        }
        guard
            case .frame(.trailing, _) = fault({ () throws(Malformed) in
                _ = try decodeR(resized(wire + [0]), row.dialect)
            })
        else {
            Issue.record("a byte after \(row.message) passes")
            return
        }
    }

    /// `wire` with its own length as its size.
    private func resized(_ wire: [UInt8]) -> [UInt8] {
        guard wire.count >= 4 else { return wire }
        return little(UInt32(wire.count)) + wire[4...]
    }
}
