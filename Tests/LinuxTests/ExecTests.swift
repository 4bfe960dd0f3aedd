import Kernel
import KernelTestSupport
import Linux
import Testing

/// Which program execve comes to, and why it refuses others.
@Suite(.timeLimit(.minutes(1)))
struct ExecTests {
    typealias Case = ScriptCase

    @Test("execve finds what Linux finds", arguments: cases)
    func calls(_ row: Case) async throws { try await row.check() }

    static let cases = [
        Case(
            title: "ELF files",
            script: """
                elf("a", 2, 62) = 0
                elf("r", 3, 243) = 0
                elf("o", 1, 62) = 0
                elf("d", 3, 62, "/tmp/ld.so") = 0
                elf("far", 3, 62, "/tmp/none.so") = 0
                exec("a") = EACCES
                chmod("a", 0755) = 0
                chmod("r", 0755) = 0
                chmod("o", 0755) = 0
                chmod("d", 0755) = 0
                chmod("far", 0755) = 0
                exec("a", "x", "y z") = "/tmp/a - x,y z x86_64"
                exec("./a") = "/tmp/a - "" x86_64"
                exec("/tmp/a") = "/tmp/a - "" x86_64"
                exec("r", "r") = "/tmp/r - r riscv64"
                exec("o") = ENOEXEC
                exec("d") = ENOENT
                put("ld.so", "no program") = 0
                exec("d") = EACCES
                chmod("ld.so", 0755) = 0
                exec("d") = ENOEXEC
                unlink("ld.so") = 0
                elf("ld.so", 3, 62) = 0
                chmod("ld.so", 0755) = 0
                exec("d", "d") = "/tmp/d /tmp/ld.so d x86_64"
                exec("far") = ENOENT
                exec("none") = ENOENT
                exec("") = ENOENT
                exec(".") = EACCES
                exec("a/") = ENOTDIR
                exec("a/b") = ENOTDIR
                symlink("a", "l") = 0
                exec("l", "l") = "/tmp/a - l x86_64"
                symlink("loop", "loop") = 0
                exec("loop") = ELOOP
                put("text", "hello") = 0
                chmod("text", 0755) = 0
                exec("text") = ENOEXEC
                put("empty", "") = 0
                chmod("empty", 0755) = 0
                exec("empty") = ENOEXEC
                execve("a", $BAD, NULL) = EFAULT
                execve($BAD, NULL, NULL) = EFAULT
                execve("a", [$BAD;0], NULL) = EFAULT
                execve("a", NULL, NULL) = 0
                open(".", O_RDONLY) = 3
                open("a", O_RDONLY) = 4
                execveat(3, "a", NULL, NULL, 0) = 0
                execveat(3, "l", NULL, NULL, AT_SYMLINK_NOFOLLOW) = ELOOP
                execveat(4, "", NULL, NULL, AT_EMPTY_PATH) = 0
                execveat(4, "", NULL, NULL, 0) = ENOENT
                execveat(3, "", NULL, NULL, AT_EMPTY_PATH) = EACCES
                execveat(9, "a", NULL, NULL, 0) = EBADF
                execveat(3, "a", NULL, NULL, 1) = EINVAL
                mkdir("m", 0755) = 0
                bind(".", "m", rw) = 0
                exec("m/a") = EACCES
                """),
        Case(
            title: "scripts",
            script: """
                elf("sh", 2, 62) = 0
                chmod("sh", 0755) = 0
                put("s", "#!/tmp/sh\\x0a") = 0
                chmod("s", 0755) = 0
                exec("s", "x", "1", "2") = "/tmp/sh - /tmp/sh,s,1,2 x86_64"
                put("s", "#! /tmp/sh  -e  -x \\x0abody") = 0
                exec("./s", "x", "1") = "/tmp/sh - /tmp/sh,-e  -x,./s,1 x86_64"
                put("s", "#!sh -") = 0
                exec("s") = "/tmp/sh - sh,-,s x86_64"
                put("s", "#!\\x0a") = 0
                exec("s") = ENOEXEC
                put("s", "#!") = 0
                exec("s") = ENOEXEC
                put("s", "#!/tmp/none\\x0a") = 0
                exec("s") = ENOENT
                put("plain", "x") = 0
                put("s", "#!/tmp/plain\\x0a") = 0
                exec("s") = EACCES
                put("s", "#!x"*300) = 0
                exec("s") = ENOEXEC
                put("s1", "#!/tmp/sh\\x0a") = 0
                put("s2", "#!/tmp/s1 a\\x0a") = 0
                put("s3", "#!/tmp/s2 b\\x0a") = 0
                put("s4", "#!/tmp/s3\\x0a") = 0
                put("s5", "#!/tmp/s4\\x0a") = 0
                put("s6", "#!/tmp/s5\\x0a") = 0
                put("me", "#!/tmp/me\\x0a") = 0
                chmod("s1", 0755) = 0
                chmod("s2", 0755) = 0
                chmod("s3", 0755) = 0
                chmod("s4", 0755) = 0
                chmod("s5", 0755) = 0
                chmod("s6", 0755) = 0
                chmod("me", 0755) = 0
                exec("s3", "x", "1") = "/tmp/sh - /tmp/sh,/tmp/s1,a,/tmp/s2,b,s3,1 x86_64"
                exec("s5", "x") = "/tmp/sh - /tmp/sh,/tmp/s1,a,/tmp/s2,b,/tmp/s3,/tmp/s4,s5 x86_64"
                exec("s6") = ELOOP
                exec("me") = ELOOP
                put("p", "#!program Ls\\x0a") = 0
                chmod("p", 0755) = 0
                exec("p", "ls", "-l") = "/tmp/p - ls,-l program Ls"
                """),
        Case(
            title: "the table of interpreters",
            script: """
                elf("py", 2, 62) = 0
                chmod("py", 0755) = 0
                put("t", "suffix .py /tmp/py -u # runs them\\x0amagic 1 4142 /tmp/py magic\\x0aspoilt\\x0a") = 0
                put("a.py", "x") = 0
                put("b", "xABC") = 0
                put("c", "xAxBC") = 0
                put(".py", "x") = 0
                chmod("a.py", 0755) = 0
                chmod("b", 0755) = 0
                chmod("c", 0755) = 0
                exec("a.py") = ENOEXEC
                bind("t", "/lib/exectab") = 0
                exec("a.py", "x", "1") = "/tmp/py - /tmp/py,-u,a.py,1 x86_64"
                exec("b", "b") = "/tmp/py - /tmp/py,magic,b x86_64"
                exec("c") = ENOEXEC
                """),
        Case(
            title: "arguments have limits",
            script: """
                elf("a", 2, 62) = 0
                chmod("a", 0755) = 0
                exec("a", "x"*131071) = _
                exec("a", "x"*131072) = E2BIG
                """),
        Case(
            title: "mounts",
            script: """
                mkdir("a", 0755) = 0
                mkdir("b", 0755) = 0
                mkdir("#R", 0755) = 0
                put("a/f", "hello") = 0
                put("f", "file") = 0
                unshare(CLONE_NEWNS) = 0
                unshare(CLONE_NEWNET) = EPERM
                mount("none", "/", NULL, 0x44000, NULL) = 0
                mount("a", "b", NULL, MS_BIND, NULL) = 0
                get("b/f") = "hello"
                mount("a", "none", NULL, MS_BIND, NULL) = ENOENT
                mount("none", "b", NULL, MS_BIND, NULL) = ENOENT
                mount("a", "f", NULL, MS_BIND, NULL) = EINVAL
                mount("#c", "b", NULL, MS_BIND, NULL) = ENOENT
                umount2("b", 0) = 0
                get("b/f") = ENOENT
                umount2("b", 0) = EINVAL
                umount2("b", 64) = EINVAL
                mount("x", "b", "tmpfs", 0, NULL) = 0
                open("b/new", O_CREAT|O_WRONLY, 0644) = 3
                ls("b") = ". .. new"
                umount2("b", MNT_DETACH) = 0
                ls("b") = ". .."
                mount("x", "b", "ext4", 0, NULL) = ENODEV
                mount("a", "b", NULL, MS_BIND|MS_RDONLY, NULL) = 0
                open("b/f", O_WRONLY) = EACCES
                open("b/f", O_RDONLY) = 4
                open("a/f", O_WRONLY) = 5
                mount(NULL, "a", NULL, MS_REMOUNT|MS_BIND|MS_RDONLY, NULL) = 0
                open("a/f", O_WRONLY) = EACCES
                mount("x", "b", "tmpfs", 0, NULL) = EPERM
                """),
    ]

    @Test("no head of a file makes the reader trap or look further than it may", arguments: 0..<40)
    func damage(_ seed: Int) {
        var random = SplitMix(UInt64(seed))
        let whole = ElfFile.bytes(kind: 3, interpreter: Array("/lib/ld.so\0".utf8))
        for _ in 0..<200 {
            var bytes = whole
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            bytes = Array(bytes.prefix(random.below(4) == 0 ? random.below(bytes.count) : bytes.count))
            var most = 0
            let elf = try? Elf(Array(bytes.prefix(256))) { (offset, count) throws(SysError) in
                most = max(most, count)
                guard let start = Int(exactly: offset), start < bytes.count else { return [] }
                return Array(bytes[start...].prefix(count))
            }
            #expect(most <= 65536)
            if let path = elf?.interpreter { #expect(!path.isEmpty && path.count < 4096 && !path.contains(0)) }
        }
    }
}
