/* The host calls by which a view is watched. */
#define _GNU_SOURCE
#include "csandbox.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* Newer than the headers of some hosts that we are built on. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND 2
#endif

static int result(long r) { return r < 0 ? -errno : (int)r; }

/* Hosts of before 6.11 never end a wait for a call that nobody is left to make: a poll does. */
static int wait_ends(void) {
    static _Atomic int known; /* 1 no, 2 yes */
    if (!known) {
        struct utsname host;
        int major = 0, minor = 0;
        known = !uname(&host) && sscanf(host.release, "%d.%d", &major, &minor) == 2 &&
                        (major > 6 || (major == 6 && minor >= 11)) ? 2 : 1;
    }
    return known == 2;
}

/* 1 when somebody calls, 0 when nobody is left, or -errno. */
static int someone(int listener, int timeout) {
    while (1) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        int n = poll(&p, 1, timeout);
        if (n < 0 && errno != EINTR) return -errno;
        if (n == 0 || p.revents & POLLIN) return 1;
        if (n > 0) return 0;
    }
}

int csandbox_next(int listener, struct csandbox_call *call) {
    struct seccomp_notif n;
    int there = wait_ends() ? 1 : someone(listener, -1);
    while (1) {
        if (there <= 0) return there;
        memset(&n, 0, sizeof n);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) == 0) break;
        /* ENOENT: whoever asked was killed meanwhile, or nobody is left. */
        if (errno != EINTR && errno != ENOENT) return -errno;
        there = someone(listener, wait_ends() ? 0 : -1);
    }
    call->id = n.id;
    call->pid = n.pid;
    call->number = n.data.nr;
    memcpy(call->arguments, n.data.args, sizeof call->arguments);
    return 1;
}

void csandbox_stay(int listener) { (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1ul /* SYNC_WAKE_UP */); }

int csandbox_waits(int listener, uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

int csandbox_answer(int listener, uint64_t id, int64_t value, int error, int native) {
    struct seccomp_notif_resp r = {.id = id, .val = error ? 0 : value, .error = -error};
    if (native) r = (struct seccomp_notif_resp){.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    return result(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r));
}

int csandbox_join(pid_t thread, struct csandbox_masks *was) {
    /* The kernel takes what it has no processors for; where it has more than these, nobody is moved. */
    const size_t size = sizeof was->ours;
    uint64_t one[sizeof was->ours / sizeof *was->ours] = {0};
    int cpu = sched_getcpu();
    memset(was, 0, sizeof *was);
    if (cpu < 0 || (size_t)cpu >= 8 * size) return 0;
    if (sched_getaffinity(0, size, (cpu_set_t *)was->ours) || CPU_COUNT_S(size, (cpu_set_t *)was->ours) < 2) return 0;
    if (sched_getaffinity(thread, size, (cpu_set_t *)was->theirs)) return 0;
    one[cpu / 64] = UINT64_C(1) << cpu % 64;
    if (!(was->theirs[cpu / 64] & one[cpu / 64]) || sched_setaffinity(0, size, (cpu_set_t *)one)) return 0;
    if (sched_setaffinity(thread, size, (cpu_set_t *)one) == 0) return 1;
    (void)sched_setaffinity(0, size, (cpu_set_t *)was->ours);
    return 0;
}

void csandbox_free(pid_t thread, const struct csandbox_masks *was) {
    (void)sched_setaffinity(thread, sizeof was->theirs, (const cpu_set_t *)was->theirs); /* else dead */
}

void csandbox_part(pid_t thread, const struct csandbox_masks *was) {
    csandbox_free(thread, was);
    (void)sched_setaffinity(0, sizeof was->ours, (const cpu_set_t *)was->ours);
}

/* The processor that a thread was last on; -1 where it has ended. */
static int processor(pid_t thread) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC), processor = -1;
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    /* The name, which may have parentheses and blanks, is the second field, and this one the thirty-ninth. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 39; field++) at = strchr(at + 1, ' ');
    if (at) (void)sscanf(at, "%d", &processor);
    return processor;
}

/* A caller that gets a descriptor is woken without a hint to stay on the processor of whoever gives it. Where it went to another,
 * which costs many times the rest, the next ones stay together; else it is looked at again after some. */
enum { TOGETHER = 100, ALONE = 32 };
static _Thread_local struct {
    int together, alone;
} next_ones;

int csandbox_give(int listener, uint64_t id, pid_t thread, int fd, int number, int closeOnExec, int answers) {
    struct seccomp_notif_addfd a = {
        .id = id, .srcfd = (uint32_t)fd, .newfd = number < 0 ? 0 : (uint32_t)number,
        .newfd_flags = closeOnExec ? O_CLOEXEC : 0,
        .flags = (answers ? SECCOMP_ADDFD_FLAG_SEND : 0) | (number < 0 ? 0 : SECCOMP_ADDFD_FLAG_SETFD),
    };
    struct csandbox_masks masks;
    int joined = answers && next_ones.together > 0 && next_ones.together-- && csandbox_join(thread, &masks);
    int r = result(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a));
    if (joined) {
        csandbox_part(thread, &masks);
    } else if (answers && r >= 0 && next_ones.alone-- <= 0) {
        int there = processor(thread);
        next_ones.alone = ALONE;
        if (there >= 0 && there != sched_getcpu()) next_ones.together = TOGETHER, next_ones.alone = 0;
    }
    return r;
}

ssize_t csandbox_peek(pid_t pid, uint64_t address, void *bytes, size_t size) {
    struct iovec ours = {bytes, size}, theirs = {(void *)(uintptr_t)address, size};
    ssize_t n = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);
    return n < 0 ? -errno : n;
}

int csandbox_peek_texts(pid_t pid, const uint64_t *addresses, size_t count, void *slots, size_t room) {
    struct iovec ours[CSANDBOX_TEXTS], theirs[CSANDBOX_TEXTS];
    if (count > CSANDBOX_TEXTS) count = CSANDBOX_TEXTS;
    if (count == 0) return 0;
    memset(slots, 0xff, count * room);
    for (size_t i = 0; i < count; i++) {
        size_t left = 4096 - addresses[i] % 4096;
        ours[i] = (struct iovec){(char *)slots + i * room, left < room ? left : room};
        theirs[i] = (struct iovec){(void *)(uintptr_t)addresses[i], ours[i].iov_len};
    }
    ssize_t n = process_vm_readv(pid, ours, count, theirs, count, 0);
    size_t whole = 0;
    for (; whole < count && n >= (ssize_t)ours[whole].iov_len; whole++) n -= (ssize_t)ours[whole].iov_len;
    return (int)whole;
}

ssize_t csandbox_poke(pid_t pid, uint64_t address, const void *bytes, size_t size) {
    struct iovec ours = {(void *)bytes, size}, theirs = {(void *)(uintptr_t)address, size};
    ssize_t n = process_vm_writev(pid, &ours, 1, &theirs, 1, 0);
    return n < 0 ? -errno : n;
}

int csandbox_pidfd(pid_t pid) { return result(syscall(SYS_pidfd_open, pid, 0)); }
int csandbox_take(int pidfd, int fd) { return result(syscall(SYS_pidfd_getfd, pidfd, fd, 0)); }
int csandbox_signal(int pidfd, int signal) { return result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0)); }

int csandbox_status(int pidfd) {
    /* pidfd_info of linux/pidfd.h (6.15), up to the exit code. */
    struct {
        uint64_t mask, cgroup;
        uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
        int32_t code;
    } info = {.mask = 1 << 3 /* PIDFD_INFO_EXIT */};
    _Static_assert(sizeof info == 64, "PIDFD_INFO_SIZE_VER0");
    if (ioctl(pidfd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, sizeof info), &info) < 0) return -1;
    return info.mask & 1 << 3 ? info.code : -1;
}

int csandbox_seize(pid_t thread) {
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    return result(ptrace(PTRACE_SEIZE, thread, NULL, (void *)options));
}
int csandbox_interrupt(pid_t thread) { return result(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL)); }
int csandbox_step(pid_t thread, int signal) {
    return result(ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(long)signal));
}
int csandbox_detach(pid_t thread, int signal) {
    return result(ptrace(PTRACE_DETACH, thread, NULL, (void *)(long)signal));
}
int csandbox_event(pid_t thread, unsigned long *message) {
    return result(ptrace(PTRACE_GETEVENTMSG, thread, NULL, message));
}
int csandbox_mask(pid_t thread, uint64_t *was, const uint64_t *now) {
    if (was && ptrace(PTRACE_GETSIGMASK, thread, (void *)sizeof *was, was) < 0) return -errno;
    if (now && ptrace(PTRACE_SETSIGMASK, thread, (void *)sizeof *now, now) < 0) return -errno;
    return 0;
}
int csandbox_registers(pid_t thread, void *registers, size_t size) {
    struct iovec part = {registers, size};
    return result(ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &part));
}
int csandbox_setRegisters(pid_t thread, const void *registers, size_t size) {
    struct iovec part = {(void *)registers, size};
    return result(ptrace(PTRACE_SETREGSET, thread, (void *)NT_PRSTATUS, &part));
}
int csandbox_wait(pid_t thread, int *status, int turns, int patience) {
    /* At first the processor is given to the thread itself, which is likely to need no more than that. */
    for (int i = 0;; i++) {
        pid_t r = waitpid(thread, status, __WALL | WNOHANG);
        if (r > 0) return 0;
        if (r < 0 && errno != EINTR) return -errno;
        if (i >= turns + patience / 50) return -EAGAIN;
        if (i < turns) sched_yield();
        else usleep(50);
    }
}
int csandbox_continue(pid_t thread, int signal) {
    return result(ptrace(PTRACE_CONT, thread, NULL, (void *)(long)signal));
}
int csandbox_listen(pid_t thread) { return result(ptrace(PTRACE_LISTEN, thread, NULL, NULL)); }

int csandbox_await(pid_t *thread, pid_t process, const pid_t *others, size_t count, int *status) {
    pid_t r;
    if (*thread == process && count == 0) {
        do r = waitpid(process, status, __WALL);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : 0;
    }
    /* A thread that becomes another program takes the number of its process, once the others have ended and whoever
     * traces them has heard of it. What else befalls the first thread is not of this one. */
    while (1) {
        siginfo_t first = {0};
        if ((r = waitpid(*thread, status, __WALL | WNOHANG)) > 0) return 0;
        int gone = r < 0, none = *thread == process;
        if (!none) none = waitid(P_PID, (id_t)process, &first, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) < 0;
        if (first.si_code == CLD_TRAPPED && first.si_status >> 8 == PTRACE_EVENT_EXEC) {
            *thread = process;
            continue;
        }
        if (gone && (none || (first.si_pid == process && first.si_code != CLD_TRAPPED))) return -ECHILD;
        for (size_t i = 0; i < count; i++)
            if (others[i] != process)
                (void)waitid(P_PID, (id_t)others[i], NULL, WEXITED | WNOHANG | __WALL);
        usleep(50);
    }
}

/* A kick is a signal that is blocked but while its thread waits. The wait takes nothing, so that it can be left in the middle:
 * else a kick just before it would be lost. */
static int kick_signal(void) { return SIGRTMIN + 7; }
static _Thread_local sigjmp_buf before_wait;
static _Thread_local volatile sig_atomic_t is_waiting;

static void kicked(int signal) {
    (void)signal;
    if (!is_waiting) return;
    is_waiting = 0;
    siglongjmp(before_wait, 1); /* the signal is blocked there, as it is here */
}

static sigset_t kick_set(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, kick_signal());
    return set;
}

int csandbox_kickable(void) {
    struct sigaction a = {.sa_handler = kicked};
    sigset_t set = kick_set();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return result(sigaction(kick_signal(), &a, NULL));
}

void csandbox_kick(pid_t thread) { (void)syscall(SYS_tgkill, getpid(), thread, kick_signal()); }

enum { OURS = __WALL | __WNOTHREAD };

static int wait_any(pid_t *thread) {
    if (sigsetjmp(before_wait, 0)) return -EINTR;
    siginfo_t who = {0};
    sigset_t set = kick_set();
    is_waiting = 1;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    int r = result(waitid(P_ALL, 0, &who, WEXITED | WSTOPPED | WNOWAIT | OURS));
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    is_waiting = 0;
    *thread = who.si_pid;
    return r;
}

int csandbox_any(pid_t *thread, int *status) {
    while (1) {
        int r = wait_any(thread);
        if (r < 0) return r;
        /* One that was killed meanwhile stands still no more. */
        if (waitpid(*thread, status, WNOHANG | OURS) > 0) return 0;
    }
}

int csandbox_traces(pid_t thread) {
    return waitid(P_PID, (id_t)thread, NULL, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | OURS) == 0;
}
