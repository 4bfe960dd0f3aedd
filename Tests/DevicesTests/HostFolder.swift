import Glibc
import Host
import Kernel
import KernelTestSupport

@testable import Devices

/// A new directory of the host with a granted part `in` and a part `out` beside it; removed at the end.
final class HostFolder: Sendable {
    let path: String
    var granted: String { path + "/in" }

    init() {
        signal(SIGPIPE, SIG_IGN)
        var template = Array("/tmp/emu-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        mkdir(path + "/in", 0o755)
        mkdir(path + "/out", 0o755)
    }

    deinit {
        // Not through the code that is tested.
        var child = pid_t()
        let words: [UnsafeMutablePointer<CChar>?] = [strdup("rm"), strdup("-rf"), strdup(path), nil]
        if posix_spawnp(&child, "rm", nil, nil, words, environ) == 0 { waitpid(child, nil, 0) }
        for word in words { free(word) }
    }

    /// Writes a file by the host's own calls.
    func put(_ name: String, _ text: String = "") {
        let fd = Glibc.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        _ = Glibc.write(fd, text, text.utf8.count)
        close(fd)
    }

    func get(_ name: String) -> String? {
        (try? HostEnvironment.readFile("\(path)/\(name)")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Descriptors that this process has open.
    static var descriptors: Int {
        guard let directory = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(directory) }
        var n = 0
        while readdir(directory) != nil { n += 1 }
        return n
    }

    /// Runs `body` as the first process of a system whose `#Uin` is the granted part.
    func run<T: Sendable>(
        _ mask: Mask = .all, devices: Bool = false, oneByOne: Bool = false,
        _ body: @escaping @Sendable (Proc) throws(SysError) -> T
    ) throws -> T {
        var grants = HostGrants()
        grants.trees["in"] = .init(granted, mask, devices: devices)
        grants.trees["file"] = .init(path + "/in/file", mask)
        grants.trees["proc"] = .init("/proc", [.read, .execute])
        let system = System(grants: grants)
        for make in deviceTable {
            let device = make()
            system.add(device.letter == "U" ? DevFs(oneByOne: oneByOne) : device)
        }
        return try system.result(as: Cred(user: "glenda", uid: geteuid(), gid: getegid()), of: body)
    }
}
