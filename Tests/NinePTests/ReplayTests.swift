import Foundation
import NinePTestSupport
import Testing

@Suite("Every input of the 9P fuzz corpus, where inputs that once failed are kept too")
struct ReplayTests {
    @Test("what it says holds")
    func replay() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = try FileManager.default.contentsOfDirectory(
            at: here.appending(path: "Fuzz/NineP/corpus"), includingPropertiesForKeys: nil)
        #expect(files.count > 5)
        for file in files { checkNineP(Array(try Data(contentsOf: file))) }
    }

    @Test("it holds for every golden frame and for all of them in one stream", arguments: [0, 1, 4, 5, 200, 201])
    func golden(_ first: UInt8) {
        let frames = goldenRequests.map { bytes($0.hex) } + goldenReplies.map { bytes($0.hex) }
        for frame in frames { checkNineP([first] + frame) }
        checkNineP([first] + frames.flatMap { $0 })
    }
}
