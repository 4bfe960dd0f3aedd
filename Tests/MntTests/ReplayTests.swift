import Foundation
import MntTestSupport
import Testing

/// Every input of the fuzz corpus, where inputs that once failed are kept too; and some that nobody kept.
@Suite struct ReplayTests {
    @Test(.timeLimit(.minutes(1))) func aLyingServerOfTheCorpusHarmsNobody() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(
            at: here.appending(path: "Fuzz/MntClient/corpus"), includingPropertiesForKeys: nil)
        #expect(files.count > 5)
        for file in files { checkClient(Array(try Data(contentsOf: file))) }
    }

    @Test(.timeLimit(.minutes(1))) func nothingThatAServerSaysHarmsUs() {
        var seed: UInt64 = 1
        for n in 0..<500 {
            let input = (0..<(40 + n)).map { i -> UInt8 in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let byte = UInt8(truncatingIfNeeded: seed >> 33)
                // Most replies are what they should be.
                return i > 20 && byte & 3 != 0 ? byte & 15 : byte
            }
            checkClient(input)
        }
    }
}
