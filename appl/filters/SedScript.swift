import Applib
import Codec
import Kernel

/// A script of `sed`, read: what each command does and for which lines.
struct SedScript {
    var commands: [Entry] = []
    /// The expressions of addresses and substitutions, by number.
    var expressions: [Regex] = []
    /// The files that are written to, by number; made empty when the script begins.
    var files: [String] = []
    /// The script begins with a line `#n`.
    var isQuiet = false

    struct Entry {
        var first: Address?
        var second: Address?
        var isNegated = false
        var action: Action = .nothing
    }

    enum Address: Equatable {
        case line(Int)
        case last
        /// An expression by number; nil means the one used last.
        case match(Int?)
        /// Every `step`th line from `start` on.
        case every(start: Int, step: Int)
        /// As a second address: so many lines more, or to the next multiple.
        case more(Int)
        case multiple(Int)
    }

    indirect enum Action {
        /// `}`, a label, a comment.
        case nothing
        /// `{`: where it is not selected, the script goes on behind the `}` at this index.
        case block(end: Int)
        case append([UInt8]), insert([UInt8]), change([UInt8])
        /// To the command of this index, past the end for the script's end; always, if something was substituted, if not.
        case branch(Int), branchIf(Int), branchUnless(Int)
        case delete, deleteFirst
        case fileName, lineNumber
        case get, getAppend, hold, holdAppend, exchange
        case list(width: Int?)
        case next, nextAppend
        case print, printFirst
        case quit(Int32), quitSilently(Int32)
        case read(String), readLine(String)
        case substitute(Substitution)
        case translate([UInt32: [UInt8]])
        case write(Int), writeFirst(Int)
        case clear
    }

    struct Substitution {
        var expression: Int?
        var parts: [Part] = []
        /// Which match is the first to be replaced, and whether those after it are too.
        var which = 1
        var isGlobal = false
        var prints = false
        var file: Int?

        var usesGroups: Bool { parts.contains { if case .group(let n) = $0 { n > 0 } else { false } } }
    }

    enum Part: Equatable {
        case text([UInt8])
        /// What the group matched, 0 for all.
        case group(Int)
        case upper, lower, nextUpper, nextLower, asIs
    }
}
