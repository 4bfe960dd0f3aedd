import Testing

@testable import Devices

@Suite struct RootFileTests {
    /// Files of one text in pieces, as text and as base64 (RFC 4648, section 10), and the bytes they stand for.
    static let files: [(RootFile, [UInt8])] = [
        (RootFile("/a", mode: 0o444, length: 0, text: [""]), []),
        (RootFile("/a", mode: 0o444, length: 6, text: ["foo", "bar"]), Array("foobar".utf8)),
        (RootFile("/a", mode: 0o444, length: 3, text: ["\u{e4}\n"]), [0xc3, 0xa4, 0x0a]),
        (RootFile("/a", mode: 0o444, length: 0, base64: []), []),
        (RootFile("/a", mode: 0o444, length: 1, base64: ["Zg=="]), Array("f".utf8)),
        (RootFile("/a", mode: 0o444, length: 2, base64: ["Zm8="]), Array("fo".utf8)),
        (RootFile("/a", mode: 0o444, length: 6, base64: ["Zm9vYmFy"]), Array("foobar".utf8)),
        (RootFile("/a", mode: 0o444, length: 7, base64: ["Zm9v", "YmFyMQ=="]), Array("foobar1".utf8)),
        (RootFile("/a", mode: 0o444, length: 6, base64: ["AAD/", "+/79"]), [0, 0, 255, 251, 254, 253]),
    ]

    @Test(arguments: files.indices) func eachPartOfAFileReadsAsItsBytes(_ row: Int) {
        let (file, bytes) = Self.files[row]
        for offset in 0...bytes.count + 1 {
            for room in 0...bytes.count + 1 {
                var buffer = [UInt8](repeating: 0xee, count: room)
                var span = buffer.mutableSpan
                var raw = span.mutableBytes
                let count = file.read(into: &raw, at: UInt64(offset))
                let expected = bytes.dropFirst(offset).prefix(room)
                #expect(count == expected.count)
                #expect(buffer[..<count].elementsEqual(expected))
                #expect(buffer[count...].allSatisfy { $0 == 0xee })
            }
        }
        var none: [UInt8] = [0]
        var span = none.mutableSpan
        var raw = span.mutableBytes
        #expect(file.read(into: &raw, at: .max) == 0)
    }

    @Test func theTableHasDirectoriesBeforeWhatIsInThem() {
        var known: Set<String> = []
        for file in rootTable {
            let parent = file.path.split(separator: "/").dropLast().joined(separator: "/")
            #expect(file.path == "/" || known.contains("/" + parent), "\(file.path)")
            if file.isDirectory { known.insert(file.path) }
        }
        #expect(known.contains("/lib/man/6"))
    }
}
