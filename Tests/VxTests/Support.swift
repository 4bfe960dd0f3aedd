import Devices
import Glibc
import Host
import Kernel
import KernelTestSupport
import Testing

@testable import Vx

/// A directory of the host, removed with all that is in it when it goes.
final class Folder: Sendable {
    let path: String

    init() throws {
        var name = Array("/tmp/vx-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw SysError(errno: errno) }
        path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o755)
    }

    deinit { try? shell("rm -rf \(path)") }

    /// The twelve permission bits of a file.
    func permissions(_ name: String) throws -> UInt32 {
        var s = Glibc.stat()
        guard lstat("\(path)/\(name)", &s) == 0 else { throw SysError(errno: errno) }
        return s.st_mode & 0o7777
    }

    func text(_ name: String) throws -> String {
        String(decoding: try HostEnvironment.readFile("\(path)/\(name)"), as: UTF8.self)
    }
}

/// Runs a command line of the host's shell, which must succeed.
func shell(_ line: String) throws {
    guard system(line) == 0 else { throw SysError("failed: \(line)") }
}

/// What a program of the host does in a view that sees the whole host.
struct Ran {
    let status: String
    let output: String
}

/// Runs `words`, the first of which is a path, with the descriptors 0, 1 and 2 on files.
func run(_ words: [String], input: String = "", _ options: VxOptions = VxOptions()) throws -> Ran {
    let folder = try Folder()
    try shell("printf '%s' '\(input)' > \(folder.path)/in; : > \(folder.path)/out; chmod 666 \(folder.path)/out")
    var grants = HostGrants()
    // Whatever goes wrong, nothing of the host is written to but the folder.
    grants.trees["*"] = .init("/", [.read, .execute])
    grants.trees["folder"] = .init(folder.path)
    let status = try inSystem(Devices.deviceTable.map { $0() }, grants: grants) { (p) throws(SysError) -> String in
        try p.bind("#U*", "/", .replace)
        try p.bind("#c", "/dev", .before)
        let pid = try p.spawn(.forkFD) { (p) throws(SysError) in
            _ = try p.open("#Ufolder/in", .read)
            _ = try p.open("#Ufolder/out", .write)
            _ = try p.dup(1, 2)
            return try Vx(SmallPersonality()).run(p, words[0], words, options)
        }
        return try p.wait(.pid(pid)).status.text
    }
    return Ran(status: status, output: try folder.text("out"))
}
