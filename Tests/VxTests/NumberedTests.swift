import Devices
import Host
import Kernel
import KernelTestSupport
import Linux
import Testing

@testable import Vx

/// Programs of the host see themselves, and each other, in `/proc`.
@Suite(.timeLimit(.minutes(1))) struct NumberedTests {
    @Test(arguments: [
        ("cat /proc/self/comm", "cat\n"), ("[ -d /proc/$$ ] && cat /proc/$$/comm; :", "bash\n"),
        ("echo through | cat /proc/self/fd/0", "through\n"), ("readlink /proc/self/cwd", "/usr\n"),
        ("echo in | cat /dev/stdin", "in\n"), ("echo out > /dev/stdout", "out\n"),
        (
            "exec 7</dev/zero; head -c 3 /tmp/fd/7 | od -An -tx1; cat /tmp/fd/8",
            " 00 00 00\ncat: /tmp/fd/8: No such file or directory\n"
        ),
        ("cat /tmp/env/given", "here"), ("cat /tmp/prog/self/args", "cat /tmp/prog/self/args\n"),
        ("grep -c . /proc/self/auxv /proc/self/io | grep -v :0 | wc -l", "2\n"),
        (
            "grep -E '^Cpus_allowed_list|^VmData|^SigCgt|^Threads' /proc/self/status | cut -f1 | sort | paste -sd ' '",
            "Cpus_allowed_list: SigCgt: Threads: VmData:\n"
        ),
        (
            "cat /proc/sys/kernel/random/uuid | wc -c; cat /proc/self/cgroup /proc/sys/net/core/somaxconn",
            "37\n0::/\n4096\n"
        ),
        ("cd /proc/self/fd && ls 0", "0\n"),
        ("ls -d /proc/1", "ls: cannot access '/proc/1': No such file or directory\n"),
        ("wc -w < /proc/self/stat", "52\n"), ("cat /proc/sys/kernel/ostype", "Linux\n"),
        ("mkdir /tmp/a /tmp/b && mv /tmp/a /tmp/b && ls /tmp/b", "a\n"),
    ])
    func seen(_ line: String, _ output: String) throws {
        let folder = try Folder()
        try shell(": > \(folder.path)/out; chmod 666 \(folder.path)/out")
        var grants = HostGrants()
        grants.trees["*"] = .init("/", [.read, .execute])
        grants.trees["folder"] = .init(folder.path)
        let devices = (Devices.deviceTable + Linux.deviceTable).map { $0() }
        _ = try inSystem(devices, grants: grants) { (p) throws(SysError) -> String in
            try p.bind("#U*", "/", .replace)
            try p.bind("#c", "/dev", .before)
            try p.bind("#x", "/proc")
            try p.environment.set("given", Array("here".utf8), 0)
            try p.bind("#Rnumbered", "/tmp", .create)
            try p.bind("#dstd", "/dev", .before)
            for (name, device) in [("/tmp/fd", "#d"), ("/tmp/env", "#e"), ("/tmp/prog", "#p")] {
                try p.mkdir(name)
                try p.bind(device, name)
            }
            try p.chdir("/usr")
            let pid = try p.spawn(.forkFD) { (p) throws(SysError) in
                _ = try p.open("/dev/null", .read)
                _ = try p.open("#Ufolder/out", .write)
                _ = try p.dup(1, 2)
                return try Vx(LinuxCalls()).run(p, "/bin/bash", ["/bin/bash", "-c", line], VxOptions())
            }
            return try p.wait(.pid(pid)).status.text
        }
        let said = try folder.text("out")
        #expect(said == output, "\(said)")
    }
}
