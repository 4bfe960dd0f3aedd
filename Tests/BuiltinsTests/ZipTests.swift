import Kernel
import Testing

@Suite struct ZipTests {
    /// Text, its CRC-32 and its Adler-32: values that zlib gives.
    static let sums: [(String, Int32, Int32)] = [
        ("", 0, 1), ("a", Int32(bitPattern: 0xe8b7_be43), 0x0062_0062),
        ("123456789", Int32(bitPattern: 0xcbf4_3926), 0x091e_01de),
    ]

    @Test(.timeLimit(.minutes(1)), arguments: sums)
    func checksumsAreThoseOfTheRFCs(_ text: String, _ crc: Int32, _ adler: Int32) throws {
        let words = try inProcess { p throws(SysError) in
            try run(p, "$Zip", "crc32", text) + run(p, "$Zip", "adler32", text)
        }
        #expect(words == ["\(crc)", "\(adler)"])
    }

    @Test(.timeLimit(.minutes(1)), arguments: [(2, 3), (4, 5)])
    func whatIsPackedUnpacksToItself(_ pack: Int, _ unpack: Int) throws {
        let data = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7 ^ $0) }
        let (packed, back) = try inProcess { p throws(SysError) in
            let zip = try p.system.modules.find("$Zip").load()
            let packed = try zip.call(pack, p, [.bytes(data)])
            return (packed, try zip.call(unpack, p, [packed]))
        }
        #expect(back == .bytes(data))
        #expect(packed != back)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["inflate", "gunzip"])
    func whatIsNotPackedIsRefused(_ function: String) throws {
        #expect(throws: SysError.self) {
            try inProcess { p throws(SysError) in try run(p, "$Zip", function, "not packed") }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aTypeOtherThanTheDeclaredOneIsRefused() throws {
        #expect(throws: SysError("type check: the value is no array of byte")) {
            try inProcess { p throws(SysError) in
                try p.system.modules.find("$Zip").load().call(0, p, [.string("a")])
            }
        }
    }
}
