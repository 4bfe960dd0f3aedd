extension Machine {
    /// The calls by their numbers on the machines that came later and share a table, riscv64 among them: those without a
    /// directory are not there.
    static let genericCalls = table([
        5: .setxattr, 6: .lsetxattr, 7: .fsetxattr, 8: .getxattr, 9: .lgetxattr, 10: .fgetxattr, 11: .listxattr,
        12: .llistxattr, 13: .flistxattr, 14: .removexattr, 15: .lremovexattr, 16: .fremovexattr, 17: .getcwd,
        33: .mknodat, 34: .mkdirat, 35: .unlinkat, 36: .symlinkat, 37: .linkat, 38: .renameat, 39: .umount2, 40: .mount,
        43: .statfs, 44: .fstatfs, 45: .truncate, 48: .faccessat, 49: .chdir, 50: .fchdir, 52: .fchmod, 53: .fchmodat,
        54: .fchownat, 55: .fchown, 56: .openat, 61: .getdents64, 78: .readlinkat, 79: .newfstatat, 88: .utimensat,
        97: .unshare, 160: .uname, 166: .umask, 167: .prctl, 179: .sysinfo, 198: .socket, 200: .bind, 201: .listen,
        203: .connect, 206: .sendto, 221: .execve, 276: .renameat2, 281: .execveat,
        291: .statx, 439: .faccessat2, 452: .fchmodat2,
    ])
}
