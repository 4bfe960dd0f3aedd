import Conf
import Glibc

/// The generator that the build runs:
///
/// - `mkconf table package target out` writes the tables of one target to `out`, or says what is wrong on standard
///   error and exits 1.
/// - `mkconf copy package source out` copies a Swift file, or writes an empty one where it is of a device that is not
///   listed.
@main
struct Mkconf {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, ["table", "copy"].contains(arguments[1]) else {
            complain("usage: mkconf table package target out | mkconf copy package source out", status: 2)
        }
        let package = arguments[2]
        let tree = SourceTree(files(of: package)) { (path, limit) throws(SourceTree.Unreadable) in
            try read("\(package)/\(path)", limit)
        }
        if arguments[1] == "table" {
            let (text, faults) = Generator.run(target: arguments[3], tree: tree)
            guard faults.isEmpty else { complain(faults.map(\.description).joined(separator: "\n"), status: 1) }
            write(Array(text.utf8), to: arguments[4])
        } else {
            let source = arguments[3]
            do throws(SourceTree.Unreadable) {
                write(try Generator.copy(of: source, as: "\(package)/\(source)", tree: tree), to: arguments[4])
            } catch {
                complain("\(source): error: cannot be read: \(error.reason)", status: 1)
            }
        }
    }
}

func complain(_ message: String, status: CInt) -> Never {
    let text = Array((message + "\n").utf8)
    _ = Glibc.write(2, text, text.count)  // there is nowhere left to report a failure
    exit(status)
}

func reason(_ error: CInt) -> String { String(cString: strerror(error)) }
