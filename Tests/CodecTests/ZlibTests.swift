import Codec
import Kernel
import Testing

/// Bytes from a small generator: the same for the same seed; `alphabet` of 256 does not compress.
func noise(_ count: Int, seed: UInt64, alphabet: UInt64 = 256) -> [UInt8] {
    var state = seed &* 2_862_933_555_777_941_757 &+ 1
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8((state >> 33) % alphabet)
    }
}

private let framings: [Framing] = [.raw, .zlib, .gzip]

private let payloads: [[UInt8]] = [
    [], [0], Array("hello, hello, hello".utf8), noise(1000, seed: 1), noise(200_000, seed: 2, alphabet: 3),
    [UInt8](repeating: 7, count: 1_000_000),
]

@Suite struct ZlibTests {
    @Test(arguments: framings, payloads.indices)
    func whatIsDeflatedInflatesToItself(_ framing: Framing, _ row: Int) throws {
        let payload = payloads[row]
        for level in [0, 1, 6, 9] {
            let packed = try Deflate.all(payload.span.bytes, framing, level: level)
            let back = try Inflate.all(packed.span.bytes, framing, limit: payload.count)
            #expect(back == payload)
        }
    }

    @Test(arguments: [1, 2, 7, 1000]) func aStreamMayBeFedAndDrainedInSmallSteps(_ size: Int) throws {
        let payload = noise(5000, seed: 9, alphabet: 5)
        var deflate = try Deflate(.gzip)
        var packed: [UInt8] = []
        var room = [UInt8](repeating: 0, count: size)
        var at = 0
        var ended = false
        while !ended {
            let end = min(at + size, payload.count)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            let did = try deflate.step(
                payload.span.bytes.extracting(at..<end), into: &bytes, flush: end == payload.count ? .finish : .none)
            at += did.consumed
            packed += room[..<did.produced]
            ended = did.ended
        }
        #expect(try Inflate.all(packed.span.bytes, .gzip, limit: 5000) == payload)

        var inflate = try Inflate(.gzip)
        var back: [UInt8] = []
        at = 0
        ended = false
        while !ended {
            let end = min(at + size, packed.count)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            let did = try inflate.step(packed.span.bytes.extracting(at..<end), into: &bytes)
            #expect(did.consumed <= size && did.produced <= size)
            at += did.consumed
            back += room[..<did.produced]
            ended = did.ended
        }
        #expect(back == payload)
        #expect(at == packed.count)
    }

    @Test func aSyncFlushLetsTheReaderDecodeWhatWasWritten() throws {
        var deflate = try Deflate(.zlib)
        var inflate = try Inflate(.zlib)
        var room = [UInt8](repeating: 0, count: 4096)
        for line in ["one\n", "two\n", "three\n"] {
            let text = Array(line.utf8)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            let out = try deflate.step(text.span.bytes, into: &bytes, flush: .sync)
            let packed = Array(room[..<out.produced])
            var span2 = room.mutableSpan
            var bytes2 = span2.mutableBytes
            let got = try inflate.step(packed.span.bytes, into: &bytes2)
            #expect(Array(room[..<got.produced]) == text)
            #expect(!got.ended)
        }
    }

    @Test(arguments: framings) func everyTruncationIsRefused(_ framing: Framing) throws {
        let packed = try Deflate.all(noise(300, seed: 4, alphabet: 9).span.bytes, framing)
        for count in 0..<packed.count {
            let part = Array(packed[..<count])
            #expect(throws: SysError("zlib: data ends too early")) {
                try Inflate.all(part.span.bytes, framing, limit: 1000)
            }
        }
    }

    /// A changed padding bit or header field that no check covers may pass; changed contents never.
    @Test(arguments: [Framing.zlib, .gzip]) func damagedDataIsNeverTakenForOther(_ framing: Framing) throws {
        let payload = noise(300, seed: 5, alphabet: 9)
        let packed = try Deflate.all(payload.span.bytes, framing)
        var noticed = 0
        for i in packed.indices {
            var bad = packed
            bad[i] ^= 0x10
            do {
                let same = try Inflate.all(bad.span.bytes, framing, limit: 1 << 20) == payload
                #expect(same, "byte \(i)")
            } catch {
                noticed += 1
            }
        }
        #expect(noticed > packed.count - 12)
    }

    @Test func errorsSayWhatIsWrong() throws {
        let text = Array("not compressed at all".utf8)
        #expect(throws: SysError("zlib: data is corrupt: incorrect header check")) {
            try Inflate.all(text.span.bytes, .zlib, limit: 100)
        }
        #expect(throws: SysError("zlib: data is corrupt: incorrect header check")) {
            try Inflate.all(text.span.bytes, .gzip, limit: 100)
        }
        #expect(throws: SysError("zlib: level 10 is not 0 to 9")) { _ = try Deflate(.zlib, level: 10) }
        // A zlib header that asks for a dictionary.
        #expect(throws: SysError("zlib: data needs a preset dictionary")) {
            let asks: [UInt8] = [0x78, 0xbb, 0, 0, 0, 1, 0]
            _ = try Inflate.all(asks.span.bytes, .zlib, limit: 100)
        }
    }

    @Test func aBombIsStoppedAtTheLimit() throws {
        let packed = try Deflate.all([UInt8](repeating: 0, count: 10_000_000).span.bytes, .zlib)
        #expect(throws: SysError("zlib: the result is larger than 9999999 bytes")) {
            try Inflate.all(packed.span.bytes, .zlib, limit: 9_999_999)
        }
        #expect(try Inflate.all(packed.span.bytes, .zlib, limit: 10_000_000).count == 10_000_000)
    }

    @Test func gzipMembersFollowOneAnotherAndOthersMayNot() throws {
        let one = try Deflate.all(Array("one ".utf8).span.bytes, .gzip)
        let two = try Deflate.all(Array("two".utf8).span.bytes, .gzip)
        #expect(try Inflate.all((one + two).span.bytes, .gzip, limit: 100) == Array("one two".utf8))
        let z = try Deflate.all(Array("z".utf8).span.bytes, .zlib)
        #expect(throws: SysError("zlib: bytes after the end of the data")) {
            try Inflate.all((z + z).span.bytes, .zlib, limit: 100)
        }
    }

    @Test(arguments: ["", "notes.txt", "naïve", String(repeating: "n", count: 1023)])
    func aGzipHeaderKeepsNameAndTime(_ name: String) throws {
        let header = GzipHeader(name: Array(name.utf8), mtime: 1_700_000_000)
        var deflate = try Deflate(.gzip, header: header)
        var room = [UInt8](repeating: 0, count: 4096)
        var span = room.mutableSpan
        var bytes = span.mutableBytes
        let made = try deflate.step(Array("x".utf8).span.bytes, into: &bytes, flush: .finish)
        #expect(made.ended)
        let packed = Array(room[..<made.produced])

        var inflate = try Inflate(.gzip)
        #expect(inflate.header == nil)
        var span2 = room.mutableSpan
        var bytes2 = span2.mutableBytes
        _ = try inflate.step(packed.span.bytes, into: &bytes2)
        #expect(inflate.header == header)
        try inflate.reset()
        #expect(inflate.header == nil)
    }

    @Test func checksumsHaveTheirKnownValues() {
        let digits = Array("123456789".utf8)
        #expect(Checksum.crc32(digits.span.bytes) == 0xcbf4_3926)
        #expect(Checksum.adler32(digits.span.bytes) == 0x091e_01de)
        #expect(Checksum.crc32([UInt8]().span.bytes) == 0)
        #expect(Checksum.adler32([UInt8]().span.bytes) == 1)
        let begun = Checksum.crc32(digits.span.bytes.extracting(first: 4))
        #expect(Checksum.crc32(digits.span.bytes.extracting(droppingFirst: 4), from: begun) == 0xcbf4_3926)
    }
}
