/* What this process may not do from here on, nor what it makes: landlock(7) for files, seccomp(2) for calls. */
#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The rights of linux/landlock.h, which on some hosts that we are built on lacks the newer ones. */
enum {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5, MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9,
    MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11, MAKE_SYM = 1 << 12,
    REFER = 1 << 13,     /* version 2 */
    TRUNCATE = 1 << 14,  /* version 3 */
    IOCTL_DEV = 1 << 15, /* version 5 */
    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
};
enum { ABSTRACT_SOCKETS = 1, SIGNALS = 2 }; /* version 6 */

static uint64_t rights_of(unsigned asked) {
    uint64_t rights = 0;
    if (asked & CSANDBOX_READ) rights |= READ_FILE | READ_DIR;
    if (asked & CSANDBOX_WRITE)
        rights |= WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO |
                  MAKE_SYM | REFER;
    if (asked & CSANDBOX_EXECUTE) rights |= EXECUTE;
    if (asked & CSANDBOX_CONTROL) rights |= IOCTL_DEV;
    if (asked & CSANDBOX_SOCKET) rights |= MAKE_SOCK;
    if (asked & CSANDBOX_REMOVE) rights |= REMOVE_FILE;
    return rights;
}

int csandbox_lock_files(const struct csandbox_place *places, size_t count, int abstract) {
    struct {
        uint64_t files, net, scoped;
    } set = {0};
    struct __attribute__((packed)) {
        uint64_t rights;
        int32_t fd;
    } rule;
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    /* The first version lets nothing be moved from one directory to another. */
    if (version < 2) return 0;
    set.files = EXECUTE | rights_of(CSANDBOX_READ | CSANDBOX_WRITE) | MAKE_CHAR | MAKE_BLOCK;
    if (version < 3) set.files &= ~(uint64_t)TRUNCATE;
    if (version >= 5) set.files |= IOCTL_DEV;
    if (version >= 6) set.scoped = SIGNALS | (abstract ? 0 : ABSTRACT_SOCKETS);
    int rules = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0), result = version;
    if (rules < 0) return -errno;
    for (size_t i = 0; i < count && result > 0; i++) {
        struct stat s;
        int fd = places[i].path ? open(places[i].path, O_PATH | O_CLOEXEC) : places[i].fd;
        /* What is not there, or may not be reached, needs no right. */
        if (fd < 0) continue;
        rule.fd = fd;
        rule.rights = rights_of(places[i].rights) & set.files;
        if (!fstat(fd, &s) && !S_ISDIR(s.st_mode)) rule.rights &= OF_FILES;
        if (rule.rights && syscall(SYS_landlock_add_rule, rules, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0))
            result = -errno;
        if (places[i].path) close(fd);
    }
    if (result > 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, rules, 0)))
        result = -errno;
    close(rules);
    return result;
}

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#define X32 0x40000000u
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

/* Other programs, other name spaces, other users, and what only the host's owner does. */
static const unsigned short refused[] = {
    SYS_execve, SYS_execveat,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
    SYS_unshare, SYS_setns, SYS_chroot, SYS_pivot_root, SYS_mount, SYS_umount2, SYS_open_tree, SYS_move_mount, SYS_fsopen,
    SYS_fsconfig, SYS_fsmount, SYS_fspick, 442 /* mount_setattr */, SYS_swapon, SYS_swapoff, SYS_quotactl, SYS_acct,
    SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_fanotify_init,
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid,
    SYS_setgroups, SYS_capset, SYS_personality,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_bpf, SYS_perf_event_open,
    SYS_userfaultfd, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_io_uring_setup, SYS_io_uring_enter,
    SYS_io_uring_register, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname,
    SYS_setdomainname, SYS_syslog, SYS_vhangup,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
};
enum { REFUSED = sizeof refused / sizeof *refused };

#define STATEMENT(code, k) (struct sock_filter) BPF_STMT(code, k)
#define BRANCH(test, k, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | (test) | BPF_K, k, yes, no)
#define LOAD(field) STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(k) STATEMENT(BPF_RET | BPF_K, k)
#define NO ANSWER(SECCOMP_RET_ERRNO | EPERM)

int csandbox_lock_calls(void) {
#ifdef MACHINE
    struct sock_filter code[2 * REFUSED + 48];
    unsigned short n = 0;
    code[n++] = LOAD(arch);
    code[n++] = BRANCH(BPF_JEQ, MACHINE, 1, 0);
    code[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    code[n++] = LOAD(nr);
#ifdef X32
    code[n++] = BRANCH(BPF_JGE, X32, 0, 1);
    code[n++] = NO;
#endif
    /* What is typed into a terminal that is not ours alone. */
    code[n++] = BRANCH(BPF_JEQ, SYS_ioctl, 0, 5);
    code[n++] = LOAD(args[1]);
    code[n++] = BRANCH(BPF_JEQ, TIOCSTI, 1, 0);
    code[n++] = BRANCH(BPF_JEQ, TIOCLINUX, 0, 1);
    code[n++] = NO;
    code[n++] = ANSWER(SECCOMP_RET_ALLOW);
    /* Threads, but no processes. What cannot be looked into is not there: the library goes on without it. */
    code[n++] = BRANCH(BPF_JEQ, SYS_clone, 0, 4);
    code[n++] = LOAD(args[0]);
    code[n++] = BRANCH(BPF_JSET, CLONE_THREAD, 1, 0);
    code[n++] = NO;
    code[n++] = ANSWER(SECCOMP_RET_ALLOW);
    code[n++] = BRANCH(BPF_JEQ, SYS_clone3, 0, 1);
    code[n++] = ANSWER(SECCOMP_RET_ERRNO | ENOSYS);
    for (int i = 0; i < REFUSED; i++) {
        code[n++] = BRANCH(BPF_JEQ, refused[i], 0, 1);
        code[n++] = NO;
    }
    code[n++] = ANSWER(SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = n, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -errno;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) ? -errno : 0;
#else
    return -ENOSYS;
#endif
}
