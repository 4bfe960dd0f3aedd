import CodecTestSupport
import Foundation
import Testing

/// Every input of the fuzz corpus, where inputs that once failed are kept too.
@Suite struct ReplayTests {
    @Test func everyExpressionOfTheCorpusIsSearchedForOrRefused() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(
            at: here.appending(path: "Fuzz/Regex/corpus"), includingPropertiesForKeys: nil)
        #expect(files.count > 5)
        for file in files { checkRegex(Array(try Data(contentsOf: file))) }
    }
}
