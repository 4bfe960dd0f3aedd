import ConfTestSupport
import Foundation
import Testing

/// Every input of the fuzz corpora, where inputs that once failed are kept too.
@Suite struct ReplayTests {
    static func corpus(_ name: String) throws -> [URL] {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(
            at: here.appending(path: "Fuzz/\(name)/corpus"), includingPropertiesForKeys: nil)
        return files.sorted { $0.path < $1.path }
    }

    @Test func everyConfOfTheCorpusIsReadOrRefused() throws {
        let files = try Self.corpus("Conf")
        #expect(files.count > 3)
        for file in files { checkConf(Array(try Data(contentsOf: file))) }
    }

    @Test func everyInterfaceOfTheCorpusIsReadOrRefused() throws {
        let files = try Self.corpus("Interface")
        #expect(files.count > 3)
        for file in files { checkInterface(Array(try Data(contentsOf: file))) }
    }
}
