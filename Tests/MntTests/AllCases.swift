/// Rules of 9P2000 alone, of those that are about what both dialects have.
private let plan9Only: Set<String> = [
    "a message of the other dialect is refused", "a fid that is not known is refused by every message",
    "an open fid cannot be walked", "a directory that may not be searched is not walked",
    "an error fits the smallest msize", "a message of no known type is refused",
    "an entry that does not fit is an error and not the end",
]

/// The rules that both dialects have in common, for 9P2000.L.
let twinCases: [Case] = (framingCases + walkCases + transferCases + flushCases)
    .filter { $0.isStarted && !plan9Only.contains($0.description) && !$0.description.contains("director") }
    .map { Case("\($0.description) (9P2000.L)", .linux, $0.play) }

/// All rules.
let allCases =
    framingCases + versionCases + walkCases + openCases + transferCases + statCases + flushCases + linuxCases
    + twinCases
