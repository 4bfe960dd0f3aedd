import Codec
import Testing

/// The empty message and "abc", as RFC 1321, FIPS 180-4 and the host's tools give them.
private let known: [(Digest.Algorithm, String, String)] = [
    (.md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
    (.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
    (.sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        .sha512, "abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
]

@Suite struct DigestTests {
    @Test(arguments: known) func knownAnswers(_ algorithm: Digest.Algorithm, _ text: String, _ answer: String) throws {
        #expect(hex(try Digest.of(Array(text.utf8).span.bytes, algorithm)) == answer)
    }

    @Test(arguments: Digest.Algorithm.allCases) func piecesGiveTheSameAsTheWhole(_ algorithm: Digest.Algorithm) throws {
        let text = noise(10_000, seed: 3)
        let whole = try Digest.of(text.span.bytes, algorithm)
        for size in [1, 63, 64, 65, 4096] {
            var digest = try Digest(algorithm)
            for at in stride(from: 0, to: text.count, by: size) {
                try digest.update(text.span.bytes.extracting(at..<min(at + size, text.count)))
            }
            #expect(try digest.finish() == whole)
        }
    }
}
