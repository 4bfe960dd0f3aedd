extension NameTests {
    static let makeCases = [
        Case(
            title: "mkdir and rmdir",
            script: """
                mkdir("d", 0777) = 0
                mode("d") = 0755
                mkdir("d", 0777) = EEXIST
                mkdir("e/", 01777) = 0
                mode("e") = 01755
                mkdir("n/d", 0755) = ENOENT
                mkdir("", 0755) = ENOENT
                mkdir(".", 0755) = EEXIST
                mkdir("..", 0755) = EEXIST
                mkdir("/", 0755) = EEXIST
                put("f", "x") = 0
                mkdir("f", 0755) = EEXIST
                mkdir("f/", 0755) = EEXIST
                mkdir("f/d", 0755) = ENOTDIR
                symlink("none", "l") = 0
                mkdir("l", 0755) = EEXIST
                mkdir("l/", 0755) = EEXIST
                mkdir("x"*256, 0755) = ENAMETOOLONG
                rmdir("f") = ENOTDIR
                rmdir("none") = ENOENT
                rmdir(".") = EINVAL
                rmdir("d/.") = EINVAL
                rmdir("..") = ENOTEMPTY
                rmdir("d/..") = ENOTEMPTY
                rmdir("/") = EBUSY
                symlink("e", "le") = 0
                rmdir("le") = ENOTDIR
                rmdir("le/") = ENOTDIR
                put("d/x", "x") = 0
                rmdir("d") = ENOTEMPTY
                unlink("d/x") = 0
                rmdir("d/") = 0
                rmdir("e") = 0
                open(".", O_RDONLY) = 3
                mkdirat(3, "d", 0700) = 0
                mode("d") = 0700
                unlinkat(3, "d", 0) = EISDIR
                unlinkat(3, "d", AT_REMOVEDIR) = 0
                unlinkat(3, "f", AT_REMOVEDIR) = ENOTDIR
                unlinkat(3, "f", 1) = EINVAL
                """),
        Case(
            title: "unlink",
            script: """
                put("f", "x") = 0
                mkdir("d", 0755) = 0
                symlink("f", "l") = 0
                symlink("d", "ld") = 0
                unlink("none") = ENOENT
                unlink("f/") = ENOTDIR
                unlink("f/x") = ENOTDIR
                unlink("d") = EISDIR
                unlink("d/") = EISDIR
                unlink("ld/") = ENOTDIR
                unlink(".") = EISDIR
                unlink("/") = EISDIR
                unlink("") = ENOENT
                unlink("l") = 0
                kind("f") = file
                unlink("f") = 0
                kind("f") = ENOENT
                unlink("ld") = 0
                kind("d") = dir
                chmod("d", 0755) = 0
                put("d/f", "x") = 0
                chmod("d", 0555) = 0
                unlink("d/f") = EACCES
                open("d/g", O_CREAT|O_WRONLY, 0644) = EACCES
                mkdir("d/g", 0755) = EACCES
                chmod("d", 0644) = 0
                stat("d/f", @) = EACCES
                """),
        Case(
            title: "links",
            script: """
                put("f", "hello") = 0
                mkdir("d", 0755) = 0
                link("f", "g") = 0
                nlink("f") = 2
                get("g") = "hello"
                link("f", "g") = EEXIST
                link("f", "d") = EEXIST
                link("d", "e") = EPERM
                link("none", "e") = ENOENT
                link("f", "n/e") = ENOENT
                link("f/", "e") = ENOTDIR
                link("f", "e/") = ENOENT
                link("f", "g/") = EEXIST
                link("f", "f/x") = ENOTDIR
                symlink("f", "l") = 0
                link("l", "m") = 0
                kind("m") = link
                linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW) = 0
                kind("n") = file
                nlink("f") = 3
                linkat(AT_FDCWD, "l", AT_FDCWD, "o", 1) = EINVAL
                open("f", O_RDONLY) = 3
                linkat(3, "", AT_FDCWD, "o", AT_EMPTY_PATH) = 0
                nlink("f") = 4
                linkat(3, "", AT_FDCWD, "p", 0) = ENOENT
                link("f", "/lib/x") = EXDEV
                symlink("", "s") = ENOENT
                symlink("x", "f") = EEXIST
                symlink("x", "d/") = EEXIST
                symlink("x", "s/") = ENOENT
                symlink("x", "n2/s") = ENOENT
                symlink("y"*4095, "s") = 0
                size("s") = 4095
                symlink("y"*4096, "s2") = ENAMETOOLONG
                open(".", O_RDONLY) = 4
                symlinkat("to", 4, "sa") = 0
                target("sa") = "to"
                unlink("l") = 0
                """),
        Case(
            title: "mknod",
            script: """
                mknod("f", 0666) = 0
                mode("f") = 0644
                mknod("g", S_IFREG|0600) = 0
                mknod("f", 0666) = EEXIST
                mknod("c", S_IFCHR|0600, 0x103) = EPERM
                mknod("d", S_IFDIR|0755) = EPERM
                mknod("e", 0170000) = EINVAL
                mknodat(AT_FDCWD, "h", 0600) = 0
                mknod("n/", 0600) = ENOENT
                """),
    ]

    static let moveCases = [
        Case(
            title: "rename",
            script: """
                put("f", "f") = 0
                put("g", "g") = 0
                mkdir("d", 0755) = 0
                mkdir("e", 0755) = 0
                rename("none", "x") = ENOENT
                rename("f", "n/x") = ENOENT
                rename("f", "") = ENOENT
                rename("", "x") = ENOENT
                rename("f", "f") = 0
                rename("f", "h") = 0
                get("h") = "f"
                rename("h", "g") = 0
                get("g") = "f"
                kind("h") = ENOENT
                rename("g", "d") = EISDIR
                rename("d", "g") = ENOTDIR
                rename("g/", "x") = ENOTDIR
                rename("g", "x/") = ENOTDIR
                rename("g/y", "x") = ENOTDIR
                rename("d", "x/") = 0
                rename("x/", "d") = 0
                rename("d", "d/x") = EINVAL
                rename("d", "d/x/y") = ENOENT
                rename("d", "e") = 0
                kind("d") = ENOENT
                mkdir("d", 0755) = 0
                put("d/x", "x") = 0
                rename("e", "d") = ENOTEMPTY
                rename("d/x", "d") = EISDIR
                mkdir("d/y", 0755) = 0
                rename("d/y", "d") = ENOTEMPTY
                rename(".", "x") = EBUSY
                rename("d/.", "x") = EBUSY
                rename("d/..", "x") = EBUSY
                rename("d", ".") = EBUSY
                rename("/", "x") = EBUSY
                rename("g", "/lib/g") = EXDEV
                link("g", "g2") = 0
                rename("g", "g2") = 0
                nlink("g") = 2
                """),
        Case(
            title: "renameat2",
            script: """
                put("f", "f") = 0
                put("g", "g") = 0
                mkdir("d", 0755) = 0
                renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE) = EEXIST
                renameat2(AT_FDCWD, "f", AT_FDCWD, "f", RENAME_NOREPLACE) = EEXIST
                renameat2(AT_FDCWD, "f", AT_FDCWD, "h", RENAME_NOREPLACE) = 0
                renameat2(AT_FDCWD, "h", AT_FDCWD, "g", RENAME_EXCHANGE) = 0
                get("h") = "g"
                get("g") = "f"
                renameat2(AT_FDCWD, "h", AT_FDCWD, "none", RENAME_EXCHANGE) = ENOENT
                renameat2(AT_FDCWD, "h", AT_FDCWD, "d", RENAME_EXCHANGE) = 0
                kind("h") = dir
                kind("d") = file
                renameat2(AT_FDCWD, "h", AT_FDCWD, "d", RENAME_WHITEOUT) = EINVAL
                renameat2(AT_FDCWD, "h", AT_FDCWD, "d", RENAME_NOREPLACE|RENAME_EXCHANGE) = EINVAL
                renameat2(AT_FDCWD, "d", AT_FDCWD, "h", 0) = EISDIR
                open("h", O_RDONLY) = 3
                renameat(AT_FDCWD, "d", 3, "in") = 0
                get("h/in") = "g"
                renameat(3, "in", AT_FDCWD, "out") = 0
                get("out") = "g"
                """),
        Case(
            title: "mode, owner, times and length",
            script: """
                put("f", "hello") = 0
                symlink("f", "l") = 0
                chmod("f", 0600) = 0
                mode("f") = 0600
                chmod("l", 0640) = 0
                mode("f") = 0640
                chmod("none", 0600) = ENOENT
                fchmodat(AT_FDCWD, "f", 0444) = 0
                mode("f") = 0444
                fchmodat2(AT_FDCWD, "f", 0644, 0) = 0
                fchmodat2(AT_FDCWD, "l", 0644, AT_SYMLINK_NOFOLLOW) = EOPNOTSUPP
                fchmodat2(AT_FDCWD, "f", 0644, 1) = EINVAL
                open("f", O_RDWR) = 3
                fchmod(3, 0604) = 0
                mode("f") = 0604
                fchmod(9, 0600) = EBADF
                chown("f", -1, -1) = 0
                chown("f", 1000, 1000) = 0
                chown("f", 1000, -1) = 0
                chown("f", 77, -1) = EPERM
                chown("none", -1, -1) = ENOENT
                lchown("l", -1, -1) = 0
                fchown(3, 1000, -1) = 0
                fchownat(AT_FDCWD, "l", 1000, 1000, AT_SYMLINK_NOFOLLOW) = 0
                fchownat(3, "", 1000, 1000, AT_EMPTY_PATH) = 0
                truncate("f", 2) = 0
                get("f") = "he"
                truncate("f", 4) = 0
                size("f") = 4
                truncate("f", -1) = EINVAL
                truncate(".", 0) = EISDIR
                truncate("none", 0) = ENOENT
                utimensat(AT_FDCWD, "f", [1000000000;5;1100000000;6], 0) = 0
                atime("f") = 1000000000.5
                mtime("f") = 1100000000.6
                utimensat(AT_FDCWD, "f", [9;UTIME_OMIT;1200000000;7], 0) = 0
                atime("f") = 1000000000.5
                mtime("f") = 1200000000.7
                utimensat(AT_FDCWD, "f", [9;UTIME_OMIT;9;UTIME_OMIT], 0) = 0
                mtime("f") = 1200000000.7
                utimensat(AT_FDCWD, "f", [1;1000000000;1;1], 0) = EINVAL
                utimensat(AT_FDCWD, "f", [1;-1;1;1], 0) = EINVAL
                utimensat(AT_FDCWD, "f", $BAD, 0) = EFAULT
                utimensat(AT_FDCWD, "f", [1;1;1;1], 1) = EINVAL
                utimensat(3, NULL, [5;0;6;0], 0) = 0
                mtime("f") = 6.0
                utimensat(AT_FDCWD, "l", [7;0;8;0], AT_SYMLINK_NOFOLLOW) = 0
                mtime("l") = 8.0
                mtime("f") = 6.0
                utimes("f", [3;500000;4;250000]) = 0
                mtime("f") = 4.250000000
                utimes("f", [3;1000000;4;0]) = EINVAL
                utime("f", [11;12]) = 0
                atime("f") = 11.0
                mtime("f") = 12.0
                futimesat(AT_FDCWD, "f", [1;0;2;0]) = 0
                mtime("f") = 2.0
                utime("f", NULL) = 0
                utime("none", NULL) = ENOENT
                """),
        Case(
            title: "masks and mount points",
            script: """
                mkdir("src", 0755) = 0
                put("src/f", "hello") = 0
                mkdir("ro", 0755) = 0
                mkdir("x", 0755) = 0
                bind("src", "ro", rx) = 0
                open("ro/f", O_RDONLY) = 3
                open("ro/f", O_WRONLY) = EACCES
                open("ro/f", O_RDWR) = EACCES
                open("ro/f", O_RDONLY|O_TRUNC) = EACCES
                open("ro/f", O_WRONLY|O_CREAT, 0644) = EACCES
                open("ro/g", O_WRONLY|O_CREAT, 0644) = EACCES
                access("ro/f", W_OK) = EACCES
                access("ro/f", R_OK) = 0
                access("ro", W_OK) = EACCES
                mkdir("ro/d", 0755) = EACCES
                unlink("ro/f") = EACCES
                chmod("ro/f", 0600) = EACCES
                truncate("ro/f", 0) = EACCES
                rename("ro/f", "ro/g") = EACCES
                rename("ro/f", "g") = EACCES
                link("ro/f", "g") = EXDEV
                symlink("x", "ro/l") = EACCES
                utime("ro/f", NULL) = EACCES
                get("src/f") = "hello"
                rmdir("ro") = EBUSY
                rename("ro", "y") = EBUSY
                rename("x", "ro") = EBUSY
                open("ro", O_RDONLY) = 4
                openat(4, "f", O_WRONLY) = EACCES
                openat(4, "../src/f", O_WRONLY) = 5
                bind("src", "x", r) = 0
                stat("x/f", @) = EACCES
                chdir("x") = EACCES
                ls("ro") = ". .. f"
                chdir("ro") = 0
                open("f", O_WRONLY) = EACCES
                cwd() = "/tmp/ro"
                symlink("/tmp/src/f", "/tmp/into") = 0
                open("/tmp/into", O_WRONLY) = 6
                """),
        Case(
            title: "unions list each name once and find the first",
            script: """
                mkdir("a", 0755) = 0
                mkdir("b", 0755) = 0
                put("a/x", "a") = 0
                put("a/y", "a") = 0
                put("b/y", "b") = 0
                put("b/z", "b") = 0
                bind("b", "a", after) = 0
                ls("a") = ". .. x y z"
                ls("a", 24) = ". .. x y z"
                get("a/y") = "a"
                get("a/z") = "b"
                open("a/new", O_WRONLY|O_CREAT, 0644) = EPERM
                open("a", O_RDONLY) = 3
                openat(3, "z", O_RDONLY) = 4
                openat(3, "../b/z", O_RDONLY) = 5
                """),
    ]
}
