#define _GNU_SOURCE
#include "cshim.h"

#include <linux/futex.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

void **cshim_current(void) {
    static _Thread_local void *current[2];
    return current;
}

size_t cshim_stackleft(void) {
    static _Thread_local char *end;
    if (end == NULL) {
        pthread_attr_t attr;
        void *low = NULL;
        size_t size;
        if (pthread_getattr_np(pthread_self(), &attr) != 0) return SIZE_MAX;
        pthread_attr_getstack(&attr, &low, &size);
        pthread_attr_destroy(&attr);
        end = low;
    }
    return (size_t)((char *)__builtin_frame_address(0) - end);
}

int cshim_thread(void) { return gettid(); }

int cshim_openat2(int dir, const char *name, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
}

int cshim_ppoll(struct pollfd *fds, unsigned long n, int64_t nanoseconds) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigdelset(&mask, cshim_wakesignal());
    struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int r = ppoll(fds, n, nanoseconds < 0 ? NULL : &limit, &mask);
    return r < 0 ? -errno : r;
}

int cshim_futex_wait(void *word, uint32_t value, int64_t nanoseconds) {
    struct timespec end = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    /* The BITSET form alone takes a time, not a duration. */
    int op = FUTEX_WAIT_BITSET_PRIVATE;
    return syscall(SYS_futex, word, op, value, &end, NULL, FUTEX_BITSET_MATCH_ANY) < 0 ? -errno : 0;
}

void cshim_futex_wake(void *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

int cshim_gettid(void) { return (int)syscall(SYS_gettid); }

void cshim_tgkill(int thread, int signal) { syscall(SYS_tgkill, getpid(), thread, signal); }

int cshim_landlock_version(void) {
#ifdef SYS_landlock_create_ruleset
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    return v > 0 ? (int)v : 0;
#else
    return 0;
#endif
}

int cshim_try_user_namespace(void) {
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

int cshim_has_seccomp_notify(void) {
    struct seccomp_notif_sizes sizes;
    return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0;
}

int cshim_has_executable_memory(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 0;
    munmap(p, 4096);
    return 1;
}

_Static_assert(CSHIM_O_PATH == O_PATH && CSHIM_AT_EMPTY_PATH == AT_EMPTY_PATH, "flags of this host");

int cshim_either(int fd, int *event) {
    struct epoll_event in = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    *event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &in) && !epoll_ctl(epoll, EPOLL_CTL_ADD, *event, &in)) return epoll;
    if (epoll >= 0) close(epoll);
    if (*event >= 0) close(*event);
    *event = -1;
    return -1;
}

int cshim_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int cshim_pty(void) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || unlockpt(fd) == 0) return fd;
    close(fd);
    return -1;
}

int cshim_turn(int either, int fd, int other) {
    struct epoll_event in = {.events = EPOLLIN};
    if (epoll_ctl(either, EPOLL_CTL_ADD, other, &in) < 0) return -1;
    return epoll_ctl(either, EPOLL_CTL_DEL, fd, &in);
}

static int64_t nanoseconds(struct statx_timestamp t) {
    int64_t seconds = t.tv_sec, sum;
    if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &sum)) return seconds < 0 ? INT64_MIN : INT64_MAX;
    return __builtin_add_overflow(sum, (int64_t)t.tv_nsec, &sum) ? INT64_MAX : sum;
}

int cshim_statx(int fd, const char *name, int flags, struct cshim_stat *out) {
    struct statx x;
    if (statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &x) < 0) return -1;
    *out = (struct cshim_stat){
        .mode = x.stx_mode, .uid = x.stx_uid, .gid = x.stx_gid, .links = x.stx_nlink, .inode = x.stx_ino,
        .device = makedev(x.stx_dev_major, x.stx_dev_minor), .rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor),
        .size = x.stx_size, .blocks = x.stx_blocks, .portion = x.stx_blksize, .accessed = nanoseconds(x.stx_atime),
        .modified = nanoseconds(x.stx_mtime), .changed = nanoseconds(x.stx_ctime),
        .made = x.stx_mask & STATX_BTIME ? nanoseconds(x.stx_btime) : 0,
    };
    return 0;
}

long cshim_getdents(int fd, void *buffer, unsigned long size) { return syscall(SYS_getdents64, fd, buffer, size); }

int cshim_rename(int from, const char *name, int to, const char *as, unsigned flags) {
    return (int)syscall(SYS_renameat2, from, name, to, as, flags);
}

int cshim_chmod(int fd, unsigned mode) {
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
    if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0) return 0;
    if (errno != ENOSYS && errno != EPERM) return -1;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return chmod(path, mode);
}

int cshim_access(int fd, int mode) {
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
    return (int)syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS);
}

int cshim_pipe(int *ends, int ours) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    return fcntl(ends[ours], F_SETFL, O_NONBLOCK);
}

int cshim_memfd(const char *name, int sealable) {
    const unsigned may_run = 0x10; /* MFD_EXEC, of Linux 6.3: the file's mode alone says who may run it */
    unsigned flags = MFD_CLOEXEC | (sealable ? MFD_ALLOW_SEALING : 0);
    int fd = memfd_create(name, flags | may_run);
    return fd >= 0 || errno == EMFILE || errno == ENFILE ? fd : memfd_create(name, flags);
}

int cshim_seal(int fd) { return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL); }

int cshim_is_alone(int fd) {
    if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) return 0;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return 1;
}

int cshim_waiting(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
}

int cshim_pipe_room(int fd, int size) {
    int now = fcntl(fd, F_GETPIPE_SZ);
    return now >= size ? now : fcntl(fd, F_SETPIPE_SZ, size);
}

int cshim_fuse_mount(int device) {
    enum { close_on_exec = 1, set_flag = 0, set_string = 1, make = 6, attributes = 2 | 4 | 8 /* nosuid nodev noexec */ };
    char fd[16];
    snprintf(fd, sizeof fd, "%d", device);
    const char *const options[][2] = {
        {"source", "emu"}, {"fd", fd}, {"rootmode", "40000"}, {"user_id", "0"}, {"group_id", "0"}};
    int fs = (int)syscall(SYS_fsopen, "fuse", close_on_exec);
    if (fs < 0) return -1;
    long result = syscall(SYS_fsconfig, fs, set_flag, "allow_other", NULL, 0);
    for (size_t i = 0; i < sizeof options / sizeof *options && result == 0; i++)
        result = syscall(SYS_fsconfig, fs, set_string, options[i][0], options[i][1], 0);
    if (result == 0) result = syscall(SYS_fsconfig, fs, make, NULL, NULL, 0);
    if (result == 0) result = syscall(SYS_fsmount, fs, close_on_exec, attributes);
    int failure = errno;
    close(fs);
    errno = failure;
    return (int)result;
}

int cshim_spawn(char *const *args, char *const *environment, const char *directory, const int *fds, pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int e = posix_spawn_file_actions_init(&actions);
    if (e) return e;
    e = posix_spawnattr_init(&attributes);
    if (e) {
        posix_spawn_file_actions_destroy(&actions);
        return e;
    }
    for (int i = 0; i < 3 && !e; i++)
        e = fds[i] < 0 ? posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0)
                       : posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    if (!e) e = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!e) e = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (!e) e = posix_spawnattr_setsigmask(&attributes, &none);
    if (!e) e = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!e) e = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    if (!e) e = posix_spawnp(child, args[0], &actions, &attributes, args, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return e;
}

int cshim_await(pid_t child, int *status, struct rusage *usage) {
    siginfo_t info;
    while (syscall(SYS_waitid, P_PID, child, &info, WEXITED | WNOWAIT, usage) < 0)
        if (errno != EINTR) return -1;
    *status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
    return 0;
}

static socklen_t pack(const struct cshim_address *a, struct sockaddr_storage *s) {
    struct sockaddr_in *in = (struct sockaddr_in *)s;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)s;
    struct sockaddr_un *un = (struct sockaddr_un *)s;
    memset(s, 0, sizeof *s);
    s->ss_family = a->family;
    switch (a->family) {
    case AF_INET:
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->bytes, 4);
        return sizeof *in;
    case AF_INET6:
        in6->sin6_port = htons(a->port);
        memcpy(&in6->sin6_addr, a->bytes, 16);
        return sizeof *in6;
    default:
        memcpy(un->sun_path, a->bytes, a->length);
        return sizeof *un;
    }
}

static void unpack(const struct sockaddr_storage *s, socklen_t size, struct cshim_address *a) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)s;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)s;
    const struct sockaddr_un *un = (const struct sockaddr_un *)s;
    *a = (struct cshim_address){.family = s->ss_family};
    if (s->ss_family == AF_INET) {
        a->port = ntohs(in->sin_port);
        a->length = 4;
        memcpy(a->bytes, &in->sin_addr, 4);
    } else if (s->ss_family == AF_INET6) {
        a->port = ntohs(in6->sin6_port);
        a->length = 16;
        memcpy(a->bytes, &in6->sin6_addr, 16);
    } else if (s->ss_family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path)) {
        size_t n = strnlen(un->sun_path, size - offsetof(struct sockaddr_un, sun_path));
        a->length = n < sizeof a->bytes ? n : sizeof a->bytes;
        memcpy(a->bytes, un->sun_path, a->length);
    }
}

int cshim_socket(int family, int type) { return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

int cshim_bind(int fd, const struct cshim_address *address) {
    struct sockaddr_storage s;
    socklen_t size = pack(address, &s);
    return bind(fd, (struct sockaddr *)&s, size);
}

int cshim_connect(int fd, const struct cshim_address *address) {
    struct sockaddr_storage s;
    socklen_t size = pack(address, &s);
    return connect(fd, (struct sockaddr *)&s, size);
}

ssize_t cshim_sendto(int fd, const void *bytes, size_t n, const struct cshim_address *address) {
    struct sockaddr_storage s;
    socklen_t size = pack(address, &s);
    return sendto(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&s, size);
}

int cshim_accept(int fd, struct cshim_address *from) {
    struct sockaddr_storage s = {0};
    socklen_t size = sizeof s;
    int made = accept4(fd, (struct sockaddr *)&s, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (made >= 0) unpack(&s, size, from);
    return made;
}

ssize_t cshim_recvfrom(int fd, void *bytes, size_t n, struct cshim_address *from) {
    struct sockaddr_storage s = {0};
    socklen_t size = sizeof s;
    ssize_t got = recvfrom(fd, bytes, n, MSG_DONTWAIT, (struct sockaddr *)&s, &size);
    if (got >= 0) unpack(&s, size, from);
    return got;
}

int cshim_local(int fd, struct cshim_address *address) {
    struct sockaddr_storage s = {0};
    socklen_t size = sizeof s;
    if (getsockname(fd, (struct sockaddr *)&s, &size) < 0) return -1;
    unpack(&s, size, address);
    return 0;
}

int cshim_remote(int fd, struct cshim_address *address) {
    struct sockaddr_storage s = {0};
    socklen_t size = sizeof s;
    if (getpeername(fd, (struct sockaddr *)&s, &size) < 0) return -1;
    unpack(&s, size, address);
    return 0;
}

int cshim_option(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

int cshim_failure(int fd) {
    int failure = 0;
    socklen_t size = sizeof failure;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0 ? errno : failure;
}

int cshim_resolve(const char *name, struct cshim_address *found, int limit, const char **text) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *a;
    int n = 0, e = getaddrinfo(name, NULL, &hints, &list);
    if (e) {
        *text = e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e);
        return e;
    }
    for (a = list; a && n < limit; a = a->ai_next)
        if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
            unpack((struct sockaddr_storage *)a->ai_addr, a->ai_addrlen, &found[n++]);
    freeaddrinfo(list);
    return n;
}

static __thread struct {
    int process;
    char name[36];
} label;

void cshim_label(int process, const char *name) {
    label.process = process;
    strncpy(label.name, name, sizeof label.name - 1);
}

static char *decimal(char *end, int n) {
    do *--end = (char)('0' + n % 10);
    while (n /= 10);
    return end;
}

static char *append(char *to, const char *from) {
    while (*from) *to++ = *from++;
    return to;
}

void cshim_tell(int signal) {
    char line[128], digits[16], *end = line, *last = digits + sizeof digits - 1;
    *last = 0;
    end = append(end, "\nemu: signal ");
    end = append(end, decimal(last, signal));
    if (label.process > 0) {
        end = append(end, " in process ");
        end = append(end, decimal(last, label.process));
        end = append(end, ", ");
        end = append(end, label.name);
    }
    *end++ = '\n';
    if (write(2, line, (size_t)(end - line)) < 0) return;
}

int cshim_lock(int fd, int wait, short type, int64_t start, int64_t length) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
}

int cshim_testlock(int fd, short *type, int64_t *start, int64_t *length, int *process) {
    struct flock lock = {.l_type = *type, .l_whence = SEEK_SET, .l_start = *start, .l_len = *length};
    int result = fcntl(fd, F_OFD_GETLK, &lock);
    *type = lock.l_type, *start = lock.l_start, *length = lock.l_len, *process = lock.l_pid;
    return result;
}

int cshim_conduit(int *reading, int *writing) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return -1;
    *reading = ends[0], *writing = ends[1];
    return 0;
}

int cshim_pipesize(int fd, int wanted) {
    fcntl(fd, F_SETPIPE_SZ, wanted);
    int size = fcntl(fd, F_GETPIPE_SZ);
    return size < 0 ? 0 : size;
}

int64_t cshim_splice(int from, int64_t *offset, int to, size_t count) {
    loff_t at = offset ? *offset : 0;
    ssize_t n = splice(from, offset ? &at : NULL, to, NULL, count, SPLICE_F_NONBLOCK);
    if (offset) *offset = at;
    return n;
}
