import NineP
import Testing

@Suite("9P frames in a stream")
struct FrameTests {
    private let stream: [[UInt8]] = (0..<200).map { i in
        frame(
            118, tag: UInt16(i),
            little(UInt32(2)) + little(UInt64(i)) + little(UInt32(i)) + [UInt8](repeating: UInt8(i), count: i))
    }

    @Test("frames come out as they went in, however the stream is cut", arguments: [1, 2, 3, 7, 64, 1000, 1 << 20])
    func pieces(_ size: Int) throws {
        let all = stream.flatMap { $0 }
        var reader = FrameReader()
        var got: [[UInt8]] = []
        var at = 0
        while at < all.count {
            let n = reader.fill { room in put(Array(all[at..<min(at + size, all.count)]), &room) }
            at += n
            while let place = try reader.next() { got.append(Array(reader.buffer[place])) }
        }
        #expect(got == stream)
        #expect(reader.pending == 0)
    }

    @Test("a frame larger than the buffer makes it grow to the frame and no further")
    func large() throws {
        let big = frame(118, [UInt8](repeating: 7, count: 1 << 20))
        var reader = FrameReader(msize: 2 << 20)
        var all = stream[3] + big
        all += stream[4]
        reader.feed(all.span)
        var sizes: [Int] = []
        while let place = try reader.next() { sizes.append(place.count) }
        #expect(sizes == [stream[3].count, big.count, stream[4].count])
        #expect(reader.buffer.count < 3 << 20)
        reader.trim()
        #expect(reader.buffer.count == Wire.firstMsize)
    }

    @Test("a buffer that short frames fill grows to take many at once, and no further")
    func many() throws {
        let all = (0..<4000).flatMap { i in stream[i % stream.count] }
        var reader = FrameReader(msize: Wire.leastMsize)
        var (at, frames, most) = (0, 0, 0)
        while at < all.count {
            let n = reader.fill { room in put(Array(all[at..<min(at + room.byteCount, all.count)]), &room) }
            at += n
            most = max(most, n)
            while try reader.next() != nil { frames += 1 }
        }
        #expect(frames == 4000)
        #expect(most >= 65536)
        #expect(reader.buffer.count < 2 * 65536)
    }

    @Test(
        "a size that cannot be ends the stream",
        arguments: [
            (0 as UInt32, Malformed.Fault.undersize), (6, .undersize), (8217, .oversize), (.max, .oversize),
        ])
    func sizes(_ size: UInt32, _ fault: Malformed.Fault) {
        var reader = FrameReader()
        let wire = little(size) + [120, 0, 0]
        reader.feed(wire.span)
        #expect(throws: Malformed.self) { try reader.next() }
        do { _ = try reader.next() } catch { #expect(error.fault == fault) }
    }

    @Test("a frame that is not as long as its size says is refused")
    func lying() {
        var wire = bytes("0b000000 78 0100 02000000")
        for size: UInt32 in [0, 6, 10, 12, .max] {
            wire.replaceSubrange(0..<4, with: little(size))
            #expect(fault { () throws(Malformed) in _ = try decodeT(wire) } == .frame(.length, type: 120))
        }
    }

    // Moving the 2 MB at each byte would take minutes.
    @Test("one byte at a time costs what the bytes cost, not their square", .timeLimit(.minutes(1)))
    func linear() throws {
        let big = stream[5] + frame(118, [UInt8](repeating: 7, count: 2 << 20))
        var reader = FrameReader(msize: 5 << 20)
        var frames = 0
        for byte in big {
            _ = reader.fill { room in
                room.storeBytes(of: byte, toByteOffset: 0, as: UInt8.self)
                return 1
            }
            while try reader.next() != nil { frames += 1 }
        }
        #expect(frames == 2)
    }

    @Test("a writer takes nothing longer than msize, and stays as it was")
    func tooLong() throws {
        var writer = FrameWriter(msize: 256)
        try writer.append(.clunk(fid: 1), tag: 1)
        let before = writer.count
        let long = String(repeating: "x", count: 300)
        let messages: [Tmessage] = [
            .walk(fid: 1, newfid: 2, names: [long]), .write(fid: 1, offset: 0, count: 234),
            .create(fid: 1, name: String(repeating: "y", count: 70000), perm: [], mode: .read),
            .write(fid: 1, offset: 0, count: .max),
        ]
        for message in messages {
            #expect(throws: Malformed.message(.tooLong, type: message.type.rawValue, tag: 2)) {
                try writer.append(message, tag: 2)
            }
            #expect(writer.count == before)
        }
        try writer.append(.write(fid: 1, offset: 0, count: 233), tag: 2)
        #expect(writer.count == before + 256)
    }

    @Test("an error is cut at a character so that it fits")
    func longError() throws {
        var writer = FrameWriter(msize: Wire.leastMsize)
        writer.appendError(String(repeating: "\u{20ac}", count: 200), tag: 3)
        let (tag, message) = try decodeR(frames(writer))
        #expect(tag == 3)
        #expect(message == .error(ename: String(repeating: "\u{20ac}", count: 82)))
    }

    @Test("an Rread is read in place, clamped to msize; one that fails leaves nothing")
    func inPlace() throws {
        struct Fail: Error {}
        var writer = FrameWriter(msize: 256)
        var room = 0
        writer.appendRead(tag: 1, most: .max) { r in
            room = r.byteCount
            return put([1, 2, 3], &r)
        }
        #expect(room == 256 - Wire.readHeader)
        #expect(throws: Fail.self) { try writer.appendRead(tag: 2, most: 5) { (_) throws(Fail) in throw Fail() } }
        try writer.append(.clunk, tag: 3)
        #expect(frames(writer) == bytes("0e000000 75 0100 03000000 010203  07000000 79 0300"))
        writer.removeFirst(14)
        #expect(frames(writer) == bytes("07000000 79 0300"))
    }
}
