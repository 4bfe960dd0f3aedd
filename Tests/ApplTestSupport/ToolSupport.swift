import Devices
import Foundation
import Host
import Kernel
import KernelTestSupport

/// What a program did: its output, how it ended as a host sees it, and the files that it left.
public struct Outcome: Equatable, Sendable, CustomStringConvertible {
    public var out: String
    public var code: Int32
    public var files: [String: String]
    /// Not compared: every system has sentences of its own.
    public var err = ""

    public static func == (a: Outcome, b: Outcome) -> Bool { a.out == b.out && a.code == b.code && a.files == b.files }

    public init(out: String = "", code: Int32 = 0, files: [String: String] = [:]) {
        self.out = out
        self.code = code
        self.files = files
    }

    public var description: String { "\(code) \(out.debugDescription) \(files) \(err)" }
}

/// One call of a program: its arguments, what it reads, and the files in its directory (a name may have directories).
public struct Call: Sendable {
    public let arguments: [String]
    public let input: String
    public let files: [String: String]

    public init(_ arguments: String..., input: String = "", files: [String: String] = [:]) {
        self.arguments = arguments
        self.input = input
        self.files = files
    }

    public init(_ arguments: [String], _ input: String, _ files: [String: String]) {
        self.arguments = arguments
        self.input = input
        self.files = files
    }
}

/// The same program of the host, in a directory of its own, with UTF-8 and no other environment.
public func host(_ tool: String, _ call: Call) throws -> Outcome {
    let manager = FileManager.default
    let directory = manager.temporaryDirectory.appending(path: "emu-\(UUID().uuidString)")
    try manager.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: directory) }  // it is in the way of nobody
    for (name, text) in call.files {
        let file = directory.appending(path: name)
        try manager.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", tool] + call.arguments
    process.currentDirectoryURL = directory
    let (input, output, errors) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
    signal(SIGPIPE, SIG_IGN)
    try process.run()
    // The tool need not read it.
    try? input.fileHandleForWriting.write(contentsOf: Data(call.input.utf8))
    try input.fileHandleForWriting.close()
    var outcome = Outcome()
    outcome.out = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    outcome.err = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    outcome.code = process.terminationStatus
    for name in try manager.subpathsOfDirectory(atPath: directory.path) {
        let data = manager.contents(atPath: directory.appending(path: name).path)
        if let data { outcome.files[name] = String(decoding: data, as: UTF8.self) }
    }
    return outcome
}

/// Our program, in a system of its own that has the devices of `emu.conf` and `more`.
public func emu(
    _ name: String, _ program: any Program, _ call: Call, devices more: [any Dev] = [],
    programs: [ProgramEntry] = [], account: Account = Account()
) throws -> Outcome {
    try inSystem(deviceTable.map { $0() } + more, programs: programs, account: account) { (p) throws(SysError) in
        try perform(p, name, program, call)
    }
}

private func perform(_ p: Proc, _ name: String, _ program: any Program, _ call: Call) throws(SysError) -> Outcome {
    try p.bind("#Rwork", "/tmp", .create)
    try p.bind("#Rio", "/mnt", .create)
    try p.chdir("/tmp")
    for (path, text) in call.files {
        for end in path.indices where path[end] == "/" { try? p.mkdir(String(path[..<end])) }  // it may be there
        try put(p, path, text)
    }
    try put(p, "/mnt/in", call.input)
    try put(p, "/mnt/out", "")
    try put(p, "/mnt/err", "")
    let pid = try p.spawn([.newFD], args: [name]) { (child) throws(SysError) in
        _ = try child.open("/mnt/in")
        _ = try child.open("/mnt/out", .write)
        _ = try child.open("/mnt/err", .write)
        do throws(SysError) {
            return try program.main(child, [name] + call.arguments)
        } catch {
            try child.write(2, "\(name): \(error)\n")
            return Status(error.description)
        }
    }
    var outcome = Outcome()
    outcome.code = try p.wait(.pid(pid)).status.code
    outcome.out = try text(p, "/mnt/out")
    outcome.err = try text(p, "/mnt/err")
    try collect(p, "", into: &outcome.files)
    return outcome
}

private func put(_ p: Proc, _ path: String, _ text: String) throws(SysError) {
    let fd = try p.create(path, .write, FileMode(rawValue: 0o644))
    if !text.isEmpty { try p.write(fd, text) }
    try p.close(fd)
}

private func text(_ p: Proc, _ path: String) throws(SysError) -> String {
    let fd = try p.open(path)
    var bytes: [UInt8] = []
    while true {
        let some = try p.read(fd)
        if some.isEmpty { break }
        bytes += some
    }
    try p.close(fd)
    return String(decoding: bytes, as: UTF8.self)
}

private func collect(_ p: Proc, _ directory: String, into files: inout [String: String]) throws(SysError) {
    let fd = try p.open("./" + directory)
    while case let some = try p.dirread(fd), !some.isEmpty {
        for dir in some {
            let path = directory.isEmpty ? dir.name : directory + "/" + dir.name
            if dir.isDirectory { try collect(p, path, into: &files) } else { files[path] = try text(p, "./" + path) }
        }
    }
    try p.close(fd)
}
