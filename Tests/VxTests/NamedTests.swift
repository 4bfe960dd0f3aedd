import Kernel
import Testing

/// O_PATH, and calls that rearrange the name space: `Tests/Programs/named.c`.
@Suite(.serialized, .timeLimit(.minutes(1))) struct NamedTests {
    private static func addTrees(_ p: Proc) throws(SysError) {
        try p.bind("#Rram", "/ram", .create)
        try? p.mkdir("/proc")  // where we have it too
        try p.bind("#x", "/proc")
    }

    @Test func aFileMayBeNamedAndNoMore() throws {
        let (status, lines) = try inCell("named.c", ["path"], inside: Self.addTrees)
        #expect(status == "")
        #expect(
            lines == [
                "fstat(fd, &by_number) ok", "same 1", "readlink(link, text, sizeof text) ok", "/in/file",
                "open(link, O_RDONLY) ok", "open(link, O_WRONLY) EACCES", #"openat(fd, "x", O_RDONLY) ENOTDIR"#,
                #"write(fd, "x", 1) EBADF"#, "fchmod(fd, 0777) EACCES", "fchdir(fd) ENOTDIR",
                #"open("/hidden/a", O_PATH) EACCES"#, #"open("/in/none", O_PATH) ENOENT"#,
                #"open("/in/file", O_PATH | O_DIRECTORY) ENOTDIR"#,
                #"open("/ram/link", O_PATH | O_NOFOLLOW) EOPNOTSUPP"#, #"open("/ram/link", O_PATH) ok"#, "again",
                "status 0",
            ])
    }

    @Test func directoriesOfOneFileSystemHaveOneNumber() throws {
        let (_, lines) = try inCell("named.c", ["numbers"], inside: Self.addTrees)
        #expect(lines == ["/ram /ram/a", "/rw /rw/a", "/proc /proc/self"])
    }

    @Test func aProgramRearrangesItsOwnNameSpace() throws {
        let (status, lines) = try inCell(
            "named.c", ["space"], masks: false,
            inside: { (p) throws(SysError) in try p.bind("#Rram", "/ram", .create) })
        #expect(status == "")
        let mount = ##"mount("any", "/ram/b", "##
        #expect(
            lines == [
                "unshare(CLONE_NEWNS) ok", #"mount("/ram/a", "/ram/b", NULL, MS_BIND, NULL) ok"#,
                #"access("/ram/b/f", F_OK) ok"#, #"access("/ram/b/f", F_OK) ENOENT"#, "prctl(0x656d75, 8) ok",
                mount + ##""#Rview", 0, NULL) ok"##, #"open("/ram/b/new", O_CREAT | O_WRONLY, 0644) ok"#,
                mount + ##""#none", 0, NULL) ENODEV"##,
                mount + ##""#c", MS_RDONLY, NULL) ok"##, #"access("/ram/b/null", F_OK) ok"#,
                #"umount("/ram/b") ok"#, #"access("/ram/b/new", F_OK) ENOENT"#,
                "prctl(0x656d75, 8 | 32) ok", mount + ##""#Rview", 0, NULL) EPERM"##, "prctl(0x656d75, 1) EINVAL",
                "prctl(0x656d75, 1L << 40) EINVAL", "prctl(0x656d76, 8) EINVAL",
            ])
    }
}
