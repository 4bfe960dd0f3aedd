import Foundation
import Testing

@testable import Fuse

@Suite("Every input of the FUSE fuzz corpus, where inputs that once failed are kept too")
struct ReplayTests {
    @Test("it is a request or it is none")
    func replay() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(
            at: here.appending(path: "Fuzz/Fuse/corpus"), includingPropertiesForKeys: nil)
        #expect(files.count >= 4)
        for file in files { _ = try? FuseRequest(Array(try Data(contentsOf: file)).span.bytes) }
    }
}
