import Testing

/// What calls that take a name give, errno by errno, as their pages in section 2 of Linux's manual have it.
@Suite(.timeLimit(.minutes(1)))
struct NameTests {
    typealias Case = ScriptCase

    @Test("each call gives what Linux gives", arguments: openCases + statCases + makeCases + moveCases)
    func calls(_ row: Case) async throws { try await row.check() }

    static let openCases = [
        Case(
            title: "open",
            script: """
                open("f", O_RDONLY) = ENOENT
                open("", O_RDONLY) = ENOENT
                open("", O_CREAT|O_RDWR, 0644) = ENOENT
                open($BAD, O_RDONLY) = EFAULT
                open("f", O_CREAT|O_EXCL|O_RDWR, 0666) = 3
                mode("f") = 0644
                kind("f") = file
                open("f", O_CREAT|O_EXCL|O_RDWR, 0666) = EEXIST
                open("f", O_CREAT|O_RDWR, 0600) = 4
                mode("f") = 0644
                open("f", O_ACCMODE) = EINVAL
                open("f", O_CREAT|O_DIRECTORY, 0644) = EINVAL
                open("f", O_DIRECTORY) = ENOTDIR
                open("f/", O_RDONLY) = ENOTDIR
                open("f/g", O_RDONLY) = ENOTDIR
                open("f/g", O_CREAT|O_RDWR, 0644) = ENOTDIR
                open("f/.", O_RDONLY) = ENOTDIR
                open("f/..", O_RDONLY) = ENOTDIR
                open("n/", O_CREAT|O_RDWR, 0644) = EISDIR
                open("n/g", O_CREAT|O_RDWR, 0644) = ENOENT
                open(".", O_RDONLY) = 5
                open(".", O_CREAT|O_RDONLY, 0644) = EISDIR
                open("..", O_CREAT|O_RDONLY, 0644) = EISDIR
                open("/", O_CREAT|O_RDONLY, 0644) = EISDIR
                open(".", O_WRONLY) = EISDIR
                open(".", O_RDWR) = EISDIR
                open(".", O_RDONLY|O_DIRECTORY) = 6
                open("x"*255, O_CREAT|O_RDWR, 0644) = 7
                open("x"*256, O_CREAT|O_RDWR, 0644) = ENAMETOOLONG
                open("./"*2047, O_RDONLY) = 8
                open("./"*2048, O_RDONLY) = ENAMETOOLONG
                open(".", O_TMPFILE|O_RDWR, 0600) = EOPNOTSUPP
                """),
        Case(
            title: "open truncates what it is told to",
            script: """
                put("f", "hello") = 0
                open("f", O_RDONLY) = 3
                size("f") = 5
                open("f", O_WRONLY|O_APPEND) = 4
                size("f") = 5
                open("f", O_WRONLY|O_TRUNC) = 5
                size("f") = 0
                put("f", "hello") = 0
                open("f", O_WRONLY|O_CREAT, 0644) = 6
                size("f") = 5
                creat("f", 0600) = 7
                size("f") = 0
                mode("f") = 0644
                creat("g", 0600) = 8
                mode("g") = 0600
                put("f", "hello") = 0
                open("f", O_WRONLY|O_TRUNC|O_DIRECTORY) = ENOTDIR
                size("f") = 5
                open("f", O_CREAT|O_EXCL|O_TRUNC|O_WRONLY) = EEXIST
                size("f") = 5
                """),
        Case(
            title: "open and symbolic links",
            script: """
                put("f", "hello") = 0
                mkdir("d", 0755) = 0
                symlink("f", "l") = 0
                symlink("d", "ld") = 0
                symlink("new", "ln") = 0
                symlink("loop", "loop") = 0
                symlink("d/new2", "ln2") = 0
                symlink("/tmp/abs", "la") = 0
                open("l", O_RDONLY) = 3
                open("l", O_RDONLY|O_NOFOLLOW) = ELOOP
                open("l", O_CREAT|O_WRONLY|O_NOFOLLOW, 0644) = ELOOP
                open("l", O_CREAT|O_EXCL|O_WRONLY, 0644) = EEXIST
                open("ln", O_RDONLY) = ENOENT
                open("ln", O_CREAT|O_EXCL|O_WRONLY, 0644) = EEXIST
                open("ln", O_CREAT|O_WRONLY|O_NOFOLLOW, 0644) = ELOOP
                open("ln", O_CREAT|O_WRONLY, 0644) = 4
                kind("new") = file
                open("ln2", O_CREAT|O_WRONLY, 0644) = 5
                kind("d/new2") = file
                open("la", O_CREAT|O_WRONLY, 0644) = 6
                kind("abs") = file
                open("loop", O_RDONLY) = ELOOP
                open("loop", O_CREAT|O_WRONLY, 0644) = ELOOP
                open("loop/x", O_RDONLY) = ELOOP
                open("ld", O_RDONLY|O_DIRECTORY) = 7
                open("ld", O_RDONLY|O_DIRECTORY|O_NOFOLLOW) = ENOTDIR
                open("ld/", O_RDONLY|O_NOFOLLOW) = 8
                open("ld/new2", O_RDONLY|O_NOFOLLOW) = 9
                open("l/", O_RDONLY) = ENOTDIR
                open("l", O_DIRECTORY) = ENOTDIR
                open("l", O_PATH|O_NOFOLLOW) = 10
                isopen(10) = no
                open("l", O_PATH) = 11
                open("d", O_PATH|O_DIRECTORY) = 12
                open("f", O_PATH|O_DIRECTORY) = ENOTDIR
                open("none", O_PATH) = ENOENT
                readlinkat(10, "", @, 100) = 1
                openat(12, "new2", O_RDONLY) = 13
                isopen(13) = yes
                getdents64(12, @, 4096) = EBADF
                fchmod(11, 0600) = EBADF
                """),
        Case(
            title: "openat",
            script: """
                mkdir("d", 0755) = 0
                put("d/f", "x") = 0
                put("g", "y") = 0
                open("d", O_RDONLY|O_DIRECTORY) = 3
                open("g", O_RDONLY) = 4
                openat(3, "f", O_RDONLY) = 5
                openat(3, "./f", O_RDONLY) = 6
                openat(3, "../g", O_RDONLY) = 7
                openat(3, "g", O_RDONLY) = ENOENT
                openat(4, "f", O_RDONLY) = ENOTDIR
                openat(4, "/tmp/g", O_RDONLY) = 8
                openat(77, "f", O_RDONLY) = EBADF
                openat(77, "/tmp/g", O_RDONLY) = 9
                openat(-1, "f", O_RDONLY) = EBADF
                openat(AT_FDCWD, "d/f", O_RDONLY) = 10
                openat(3, "n", O_CREAT|O_WRONLY, 0644) = 11
                kind("d/n") = file
                openat(3, ".", O_RDONLY) = 12
                openat(12, "..", O_RDONLY) = 13
                openat(13, "g", O_RDONLY) = 14
                openat(3, "", O_RDONLY) = ENOENT
                native() = 15
                openat(15, "f", O_RDONLY) = ENOTDIR
                rename("d", "e") = 0
                openat(3, "f", O_RDONLY) = 16
                openat(3, "../e/f", O_RDONLY) = 17
                """),
        Case(
            title: "names that begin with # are names",
            script: """
                open("#c/time", O_RDONLY) = ENOENT
                open("#c", O_CREAT|O_WRONLY, 0644) = 3
                kind("./#c") = file
                mkdir("#R", 0755) = 0
                open("#R/x", O_CREAT|O_WRONLY, 0644) = 4
                ls(".") = ". .. #c #R"
                stat("/#c", @) = ENOENT
                symlink("#c", "l") = 0
                open("l", O_RDONLY) = 5
                chdir("#R") = 0
                cwd() = "/tmp/#R"
                mkdir("#e", 0755) = 0
                chdir("#e") = 0
                cwd() = "/tmp/#R/#e"
                """),
        Case(
            title: "nothing is above the root",
            script: """
                stat("/..", @) = 0
                stat("/../../..", @) = 0
                stat("../../../../tmp", @) = 0
                chdir("../../../..") = 0
                cwd() = "/"
                open("..", O_RDONLY) = 3
                openat(3, "../../tmp", O_RDONLY) = 4
                fchdir(4) = 0
                cwd() = "/tmp"
                """),
    ]

    static let statCases = [
        Case(
            title: "stat and its kin",
            script: """
                put("f", "hello") = 0
                symlink("f", "l") = 0
                symlink("none", "d") = 0
                stat("f", @) = 0
                stat("none", @) = ENOENT
                stat("", @) = ENOENT
                stat("f", $BAD) = EFAULT
                stat($BAD, @) = EFAULT
                stat("f/", @) = ENOTDIR
                stat("f/x", @) = ENOTDIR
                stat("d", @) = ENOENT
                lstat("d", @) = 0
                lstat("d/", @) = ENOENT
                lstat("l/", @) = ENOTDIR
                kind("l") = link
                size("l") = 1
                newfstatat(AT_FDCWD, "l", @, 0) = 0
                newfstatat(AT_FDCWD, "d", @, 0) = ENOENT
                newfstatat(AT_FDCWD, "d", @, AT_SYMLINK_NOFOLLOW) = 0
                newfstatat(AT_FDCWD, "d", @, 1) = EINVAL
                newfstatat(AT_FDCWD, "", @, 0) = ENOENT
                newfstatat(AT_FDCWD, "", @, AT_EMPTY_PATH) = 0
                newfstatat(9, "", @, AT_EMPTY_PATH) = EBADF
                open("f", O_RDONLY) = 3
                newfstatat(3, "", @, AT_EMPTY_PATH) = 0
                newfstatat(3, NULL, @, AT_EMPTY_PATH) = 0
                newfstatat(3, "x", @, AT_EMPTY_PATH) = ENOTDIR
                native() = 4
                newfstatat(4, "", @, AT_EMPTY_PATH) = native
                newfstatat(4, "x", @, AT_EMPTY_PATH) = ENOTDIR
                statx(AT_FDCWD, "f", 0, 0x7ff, @) = 0
                statx(AT_FDCWD, "none", 0, 0x7ff, @) = ENOENT
                statx(AT_FDCWD, "f", 0x6000, 0x7ff, @) = EINVAL
                statx(AT_FDCWD, "f", 0, 0x80000000, @) = EINVAL
                statx(AT_FDCWD, "f", 1, 0x7ff, @) = EINVAL
                statx(3, "", AT_EMPTY_PATH, 0x7ff, @) = 0
                statx(4, "", AT_EMPTY_PATH, 0x7ff, @) = native
                statfs("f", @) = 0
                statfs("none", @) = ENOENT
                fstatfs(3, @) = 0
                fstatfs(99, @) = EBADF
                fstatfs(4, @) = native
                """),
        Case(
            title: "a file has the same numbers by whatever name or descriptor",
            script: """
                mkdir("d", 0755) = 0
                mkdir("d/e", 0755) = 0
                put("f", "x") = 0
                symlink("d", "l") = 0
                open("d", O_RDONLY) = 3
                openat(3, "e", O_RDONLY) = 4
                open("f", O_RDONLY) = 5
                openat(4, "..", O_RDONLY) = 6
                open("l", O_RDONLY) = 7
                same("d", 3, 6, 7, "./d/.", "/tmp/d", "d/e/..", "l/") = yes
                same("d/e", 4, "d/./e") = yes
                same("f", 5, "../tmp/f", "d/../f") = yes
                bind("d", "d/e") = 0
                open("d/e", O_RDONLY) = 8
                openat(8, ".", O_RDONLY) = 9
                same("d/e", 8, 9, "/tmp/d/e") = yes
                openat(8, "..", O_RDONLY) = 10
                same(3, 10) = yes
                open("/", O_RDONLY) = 11
                same("/", 11, "..", "../..") = yes
                """),
        Case(
            title: "access",
            script: """
                put("f", "x") = 0
                access("f", F_OK) = 0
                access("f", R_OK|W_OK) = 0
                access("f", X_OK) = EACCES
                access("f", 8) = EINVAL
                access("none", F_OK) = ENOENT
                access("f/", F_OK) = ENOTDIR
                chmod("f", 0555) = 0
                access("f", X_OK) = 0
                access("f", W_OK) = EACCES
                access(".", R_OK|W_OK|X_OK) = 0
                symlink("none", "l") = 0
                access("l", F_OK) = ENOENT
                faccessat(AT_FDCWD, "f", R_OK) = 0
                faccessat2(AT_FDCWD, "f", R_OK, AT_EACCESS) = 0
                faccessat2(AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW) = 0
                faccessat2(AT_FDCWD, "f", R_OK, 1) = EINVAL
                open("f", O_RDONLY) = 3
                faccessat2(3, "", R_OK, AT_EMPTY_PATH) = 0
                faccessat2(3, "", R_OK, 0) = ENOENT
                """),
        Case(
            title: "readlink",
            script: """
                put("f", "x") = 0
                symlink("some/where", "l") = 0
                target("l") = "some/where"
                readlink("l", @, 4) = 4
                readlink("l", @, 0) = EINVAL
                readlink("l", @, -1) = EINVAL
                readlink("f", @, 10) = EINVAL
                readlink(".", @, 10) = EINVAL
                readlink("none", @, 10) = ENOENT
                readlink("l/", @, 10) = ENOENT
                readlink("f/x", @, 10) = ENOTDIR
                readlink("l", $BAD, 10) = EFAULT
                open(".", O_RDONLY) = 3
                readlinkat(3, "l", @, 100) = 10
                readlinkat(3, "", @, 100) = ENOENT
                """),
        Case(
            title: "directories of the process",
            script: """
                mkdir("d", 0755) = 0
                put("f", "x") = 0
                cwd() = "/tmp"
                getcwd(@, 4) = ERANGE
                getcwd(@, 5) = 5
                getcwd(@, 0) = ERANGE
                getcwd($BAD, 100) = EFAULT
                chdir("f") = ENOTDIR
                chdir("none") = ENOENT
                chdir("d") = 0
                cwd() = "/tmp/d"
                open("..", O_RDONLY) = 3
                open("../f", O_RDONLY) = 4
                native() = 5
                fchdir(4) = ENOTDIR
                fchdir(5) = ENOTDIR
                fchdir(88) = EBADF
                fchdir(3) = 0
                cwd() = "/tmp"
                chdir("d") = 0
                rename("/tmp/d", "/tmp/e") = 0
                cwd() = "/tmp/e"
                rmdir("/tmp/e") = 0
                getcwd(@, 100) = ENOENT
                open("x", O_CREAT|O_WRONLY, 0644) = ENOENT
                chdir("..") = 0
                cwd() = "/tmp"
                mkdir("s", 0755) = 0
                chmod("s", 0600) = 0
                chdir("s") = EACCES
                umask(077) = 18
                umask(022) = 63
                """),
        Case(
            title: "reading directories",
            script: """
                ls(".") = ". .."
                mkdir("d", 0755) = 0
                put("a", "x") = 0
                put("b", "x") = 0
                put("c", "x") = 0
                ls(".") = ". .. d a b c"
                ls(".", 24) = ". .. d a b c"
                ls(".", 48) = ". .. d a b c"
                open(".", O_RDONLY) = 3
                getdents64(3, @, 8) = EINVAL
                getdents64(3, $BAD, 4096) = EFAULT
                getdents64(3, @, 24) = 24
                getdents64(3, @, 4096) = 120
                getdents64(3, @, 4096) = 0
                open("a", O_RDONLY) = 4
                getdents64(4, @, 4096) = ENOTDIR
                getdents64(66, @, 4096) = EBADF
                """),
    ]
}
