import Conf
import Glibc

/// `mkconf target package out file...`: writes the generated tables of one target to `out`, or says what is wrong on
/// standard error and exits 1. The files are those of the package, by relative path, that may be read or looked for.
@main
struct Mkconf {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 4 else { complain("usage: mkconf target package out file...", status: 2) }
        let package = arguments[2]
        let tree = SourceTree(Array(arguments[4...])) { (path, limit) throws(SourceTree.Unreadable) in
            try read("\(package)/\(path)", limit)
        }
        let (text, faults) = Generator.run(target: arguments[1], tree: tree)
        guard faults.isEmpty else { complain(faults.map(\.description).joined(separator: "\n"), status: 1) }
        write(text, to: arguments[3])
    }
}

private func complain(_ message: String, status: CInt) -> Never {
    let text = Array((message + "\n").utf8)
    _ = Glibc.write(2, text, text.count)  // there is nowhere left to report a failure
    exit(status)
}

private func reason(_ error: CInt) -> String { String(cString: strerror(error)) }

private func read(_ path: String, _ limit: Int) throws(SourceTree.Unreadable) -> SourceTree.File {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { throw .init(reason: reason(errno)) }
    defer { close(fd) }
    var status = stat()
    guard fstat(fd, &status) == 0 else { throw .init(reason: reason(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .init(reason: "not a file") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = Glibc.read(fd, &buffer, buffer.count)
        if count == 0 { break }
        if count < 0 {
            if errno == EINTR { continue }
            throw .init(reason: reason(errno))
        }
        bytes += buffer[..<count]
        guard bytes.count <= limit else { throw .init(reason: "larger than \(limit) bytes") }
    }
    return .init(bytes: bytes, executable: status.st_mode & 0o111 != 0)
}

/// Writes only what has changed, so that what compiles the file can tell.
private func write(_ text: String, to path: String) {
    let bytes = Array(text.utf8)
    if (try? read(path, bytes.count))?.bytes == bytes { return }  // no file yet, or another text: it is written
    guard let file = fopen(path, "w") else { complain("mkconf: \(path): \(reason(errno))", status: 1) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { complain("mkconf: \(path): \(reason(errno))", status: 1) }
}
