import Conf
import Glibc

/// What the generator may look for, relative to the package: the files at its top, and all in the folders where parts
/// of the system stand.
func files(of package: String) -> [String] {
    var found: [String] = []
    func walk(_ path: String, _ descend: Bool) {
        for (name, isFolder) in entries("\(package)/\(path)") where !name.hasPrefix(".") {
            let below = path.isEmpty ? name : "\(path)/\(name)"
            if !isFolder { found.append(below) } else if descend { walk(below, true) }
        }
    }
    walk("", false)
    for folder in ["Lib", "Modules", "Sources", "appl"] { walk(folder, true) }
    return found
}

private func entries(_ path: String) -> [(name: String, isFolder: Bool)] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var entries: [(name: String, isFolder: Bool)] = []
    while let entry = readdir(directory) {
        // SAFETY: readdir ends the name with a zero, inside the array; it is copied before the next readdir.
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        // A link is not followed, so that no loop is.
        var status = stat()
        let found = lstat("\(path)/\(name)", &status) == 0
        entries.append((name, found && status.st_mode & S_IFMT == S_IFDIR))
    }
    return entries
}

func read(_ path: String, _ limit: Int) throws(SourceTree.Unreadable) -> SourceTree.File {
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
func write(_ bytes: [UInt8], to path: String) {
    if (try? read(path, bytes.count))?.bytes == bytes { return }  // no file yet, or another text: it is written
    guard let file = fopen(path, "w") else { complain("mkconf: \(path): \(reason(errno))", status: 1) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { complain("mkconf: \(path): \(reason(errno))", status: 1) }
}
