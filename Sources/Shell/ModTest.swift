/// Messages of tests. The corresponding Inferno page is `sh-test(1)`.
///
/// `$verbosity`, 3 where it is not set, says which of the informative ones are shown.
enum TestModule {
    @Sendable static func make() -> ShellModule { ShellModule(name: "test", builtins: ["report": report]) }

    private static let report: Builtin = { (shell, items) throws(Failure) in
        guard items.count > 3, ["INF", "WRN", "ERR", "FTL"].contains(items[1].text), let level = Int(items[2].text),
            (0...9).contains(level)
        else { throw shell.usage("report (INF|WRN|ERR|FTL) verbosity message ...") }
        let severity = items[1].text
        let wanted = shell.context.value("verbosity").first.flatMap { Int($0.text) } ?? 3
        let message = items.dropFirst(3).map(\.text).joined(separator: " ")
        if severity != "INF" || wanted >= level { try shell.print("\(severity): \(message)\n") }
        // After a fatal error there is no going on.
        if severity == "FTL" { throw .exit(message) }
        return ""
    }
}
