import Testing

@testable import Shell

/// Which name may have been meant.
@Suite struct SuggestionTests {
    @Test(
        arguments: [
            ("ecoh", "echo"), ("hlep", "help"), ("lss", "ls"), ("rmdri", "rmdir"), ("tuoch", "touch"),
            ("sha265sum", "sha256sum"), ("sandbx", "sandbox"), ("sadnbxo", "sandbox"),
            ("nosuch", nil), ("sl", nil), ("x", nil), ("", nil), ("echoes", nil), ("fortune", nil), ("echo", nil),
        ] as [(String, String?)]) func onlyANearNameIsSuggested(_ typed: String, _ meant: String?)
    {
        let names = ["echo", "help", "ls", "rmdir", "sandbox", "sha256sum", "touch", "tr"]
        #expect(Suggestion.nearest(to: typed, among: names) == meant)
    }
}
