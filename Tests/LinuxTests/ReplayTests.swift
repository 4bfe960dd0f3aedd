import Foundation
import LinuxTestSupport
import Testing

/// Every input of the fuzz corpus, where inputs that once failed are kept too.
@Suite struct ReplayTests {
    @Test func everyElfOfTheCorpusIsReadOrRefused() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(
            at: here.appending(path: "Fuzz/Elf/corpus"), includingPropertiesForKeys: nil)
        #expect(files.count > 3)
        for file in files { checkElf(Array(try Data(contentsOf: file))) }
    }
}
