import Devices
import Glibc
import Host
import Kernel
import KernelTestSupport
import Linux
import Mnt
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

/// Runs a program of `Tests/Programs` in one of its modes and gives what it said, line by line: in a name space that has a
/// read-only directory, one to write to, one that a mask hides, one in memory, and nothing of what stands beside them on the
/// host. Compiled with gcc, which must be there.
func inCell(
    _ source: String, _ words: [String], _ options: VxOptions = VxOptions(), masks: Bool = true,
    as cred: Cred = Cred(user: "glenda", uid: 1000, gid: 1000),
    beside: (Folder) throws -> Void = { _ in }, inside: @escaping @Sendable (Proc) throws(SysError) -> Void = { _ in },
    after: (Folder) throws -> Void = { _ in }
) throws -> (status: String, lines: [String]) {
    let folder = try Folder()
    let path = folder.path
    let source = #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined() + "/Programs/\(source)"
    try shell("cd \(path) && gcc -O1 -w -pthread -o attack \(source) && mkdir in out rw hidden && chmod 777 rw")
    try shell("cd \(path) && printf text > in/file && printf hidden > hidden/a && printf secret > out/secret")
    try shell("cd \(path) && touch made && chmod 666 made && chmod 644 in/file && cp /bin/false hidden/run")
    try beside(folder)
    var grants = HostGrants()
    // Whatever goes wrong, nothing of the host is written to but the folder.
    grants.trees["*"] = .init("/", [.read, .execute])
    grants.trees["in"] = .init("\(path)/in", [.read, .execute])
    grants.trees["rw"] = .init("\(path)/rw")
    grants.trees["hidden"] = .init("\(path)/hidden")
    grants.trees["attack"] = .init("\(path)/attack", [.read, .execute])
    grants.trees["made"] = .init("\(path)/made")
    let devices = (Devices.deviceTable + Linux.deviceTable + Mnt.deviceTable).map { $0() }
    let status = try inSystem(devices, grants: grants, as: cred) { (p) throws(SysError) -> String in
        try p.bind("#Rroot", "/", [.before, .create])
        for name in ["usr", "bin", "lib", "lib64"] {
            try? p.mkdir("/\(name)")  // where we have it too
            try p.bind("#U*/\(name)", "/\(name)", .replace)
        }
        for name in ["in", "rw", "hidden", "ram", "net"] { try? p.mkdir("/\(name)") }  // net is there already
        for name in ["in", "rw", "hidden"] { try p.bind("#U\(name)", "/\(name)", name == "rw" ? .create : .replace) }
        try p.close(try p.create("/attack", .write, FileMode(rawValue: 0o755)))
        try p.bind("#Uattack", "/attack", .replace)
        let pid = try p.spawn(.forkFD) { (p) throws(SysError) in
            _ = try p.open("#c/null", .read)
            _ = try p.open("#Umade", .write)
            _ = try p.dup(1, 2)
            try inside(p)
            if masks { try p.bind("/hidden", "/hidden", .replace, mask: []) }
            return try Vx(LinuxCalls()).run(p, "/attack", ["/attack"] + words, options)
        }
        return try p.wait(.pid(pid)).status.text
    }
    // Whatever it was told, nothing has changed.
    #expect(try folder.text("in/file") == "text")
    #expect(try folder.permissions("in/file") == 0o644)
    try after(folder)
    return (status, try folder.text("made").split(separator: "\n").map(String.init))
}
