extension Machine {
    /// The calls by their numbers on x86-64. The corresponding Linux page is `syscalls(2)`.
    static let x86Calls = table([
        2: .open, 4: .stat, 6: .lstat, 21: .access, 41: .socket, 42: .connect, 44: .sendto, 49: .bind, 50: .listen,
        59: .execve, 63: .uname, 76: .truncate, 79: .getcwd, 80: .chdir,
        81: .fchdir, 82: .rename, 83: .mkdir, 84: .rmdir, 85: .creat, 86: .link, 87: .unlink, 88: .symlink,
        89: .readlink, 90: .chmod, 91: .fchmod, 92: .chown, 93: .fchown, 94: .lchown, 95: .umask, 99: .sysinfo,
        132: .utime, 133: .mknod, 137: .statfs, 138: .fstatfs, 157: .prctl, 165: .mount, 166: .umount2, 188: .setxattr,
        189: .lsetxattr, 190: .fsetxattr, 191: .getxattr, 192: .lgetxattr, 193: .fgetxattr, 194: .listxattr,
        195: .llistxattr, 196: .flistxattr, 197: .removexattr, 198: .lremovexattr, 199: .fremovexattr,
        217: .getdents64, 235: .utimes, 257: .openat, 258: .mkdirat, 259: .mknodat, 260: .fchownat, 261: .futimesat,
        262: .newfstatat, 263: .unlinkat, 264: .renameat, 265: .linkat, 266: .symlinkat, 267: .readlinkat,
        268: .fchmodat, 269: .faccessat, 272: .unshare, 280: .utimensat, 316: .renameat2, 322: .execveat, 332: .statx,
        439: .faccessat2, 452: .fchmodat2,
    ])
}
