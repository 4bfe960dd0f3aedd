/* The processes of views, none of which ever runs Swift.
 *
 *   mounter   owns the name spaces that all views share, and mounts what we ask for (mounts.c); ends with its socket
 *   server    forks a launcher for each view; ends with its socket
 *   launcher  enters the shared name spaces and makes those that are the view's alone; ends with its socket, with the server
 *             and with init
 *   init      pid 1 of the view: reaps, tells how the first program ended, ends with the last process
 *   program   gets the filter, and becomes the first program in its first trapped call
 *
 * Each is killed when the one above it ends, so whatever ends us ends them all.
 *
 * The mounter and the server are forked from us while we have one thread, or are our own binary run again. In between we may
 * have locked ourselves down (lock.c): nothing in Landlock's hold may mount, and we may only look into processes that are
 * in the same hold. So the mounter is made before, and the server after. */
#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_NAME "emu: launcher"
enum { SOCKET = 3 };

struct request {
    struct csandbox_request head;
    struct sock_filter filter[CSANDBOX_INSTRUCTIONS];
};

int csandbox_pair(int *ends) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

int csandbox_send(int socket, const void *bytes, size_t size, const int *fds, size_t count) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CSANDBOX_DESCRIPTORS * sizeof(int))];
    } control = {0};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof *fds);
        memcpy(CMSG_DATA(c), fds, count * sizeof *fds);
    }
    ssize_t n;
    do n = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size ? 0 : -1;
}

void csandbox_drop(int *fds) {
    for (int i = 0; i < CSANDBOX_DESCRIPTORS; i++) {
        if (fds[i] >= 0) close(fds[i]);
        fds[i] = -1;
    }
}

ssize_t csandbox_receive(int socket, void *bytes, size_t size, int *fds) {
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(CSANDBOX_DESCRIPTORS * sizeof(int))];
    } control;
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    for (int i = 0; i < CSANDBOX_DESCRIPTORS; i++) fds[i] = -1;
    do n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) return -1;
    int count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < got; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (count < CSANDBOX_DESCRIPTORS) fds[count++] = fd;
            else close(fd);
        }
    }
    if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        csandbox_drop(fds);
        errno = EMSGSIZE;
        return -1;
    }
    return n;
}

void csandbox_tell(int socket, enum csandbox_news kind, int value, const char *where, int fd) {
    struct csandbox_message m = {.kind = kind, .value = value};
    strncpy(m.where, where, sizeof m.where - 1);
    /* Whoever should hear it is gone, where this fails: so are we, soon. */
    (void)csandbox_send(socket, &m, sizeof m, &fd, fd >= 0);
}

_Noreturn void csandbox_give_up(int socket, const char *where) {
    csandbox_tell(socket, CSANDBOX_FAILED, errno, where, -1);
    _exit(1);
}

static int is_ready(int fd, int wait) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, wait) > 0;
}

/* The end of the process that `parent` stands for, which made us, is our end: also where it came first. */
static void end_with(int parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (parent < 0 || is_ready(parent, 0)) _exit(1);
}

static int pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static void limit(int what, uint64_t value) {
    struct rlimit was;
    if (value == UINT64_MAX || getrlimit(what, &was)) return;
    if (was.rlim_max != RLIM_INFINITY && value > was.rlim_max) value = was.rlim_max;
    struct rlimit now = {.rlim_cur = value, .rlim_max = value};
    setrlimit(what, &now);
}

/* What init and the program share until the program has its own descriptors. */
struct hand {
    volatile int listener, error;
};

/* The first program, up to its filter. Descriptors are still init's; memory is a copy, but for the hand. */
static _Noreturn void program(const struct request *r, struct hand *hand, int ready, int terminal) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_DATA, r->head.memory);
    limit(RLIMIT_CPU, r->head.seconds);
    limit(RLIMIT_FSIZE, r->head.written);
    struct sock_fprog prog = {.len = (unsigned short)r->head.instructions, .filter = (struct sock_filter *)r->filter};
    sigset_t clear;
    if (terminal >= 0) {
        /* A group of its own in the session, as of a shell that runs it: so it can be stopped. */
        sigemptyset(&clear);
        sigaddset(&clear, SIGTTOU);
        sigprocmask(SIG_BLOCK, &clear, NULL);
        setpgid(0, 0);
        tcsetpgrp(terminal, getpid());
    }
    sigemptyset(&clear);
    sigprocmask(SIG_SETMASK, &clear, NULL);
    signal(SIGPIPE, SIG_DFL); /* the server ignores it */
    if (syscall(SYS_capset, &head, none) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        (hand->listener = (int)syscall(
             SYS_seccomp, SECCOMP_SET_MODE_FILTER,
             SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog)) < 0)
        hand->error = errno;
    /* From here on only what the filter allows: one byte for init, and no descriptor is left to us. */
    if (write(ready, "", 1) != 1 || hand->error) _exit(1);
    syscall(SYS_close_range, 0, ~0u, 2 /* CLOSE_RANGE_UNSHARE */);
    char *nothing[] = {NULL};
    execve("/", nothing, nothing);
    _exit(127);
}

/* pid 1 of the view, and the leader of its session, which has `terminal` where that is one and nobody else's. */
static _Noreturn void init(const struct request *r, int socket, int parent, int terminal) {
    end_with(parent);
    setsid();
    if (terminal >= 0 && ioctl(terminal, TIOCSCTTY, 0)) terminal = -1;
    struct hand *hand = mmap(NULL, sizeof *hand, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ready[2];
    char byte;
    if (hand == MAP_FAILED || pipe2(ready, O_CLOEXEC)) csandbox_give_up(socket, "pipe");
    hand->listener = -1;
    long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) csandbox_give_up(socket, "clone");
    if (child == 0) program(r, hand, ready[1], terminal);
    /* The pipe has no end as long as it is in the descriptors that both of us have: a program that died says nothing. */
    int watched = pidfd((pid_t)child);
    struct pollfd either[] = {{.fd = ready[0], .events = POLLIN}, {.fd = watched, .events = POLLIN}};
    while (poll(either, 2, -1) < 0) continue;
    if (!either[0].revents || read(ready[0], &byte, 1) != 1 || hand->error) {
        errno = hand->error ? hand->error : EPROTO;
        csandbox_give_up(socket, "seccomp");
    }
    csandbox_tell(socket, CSANDBOX_READY, terminal >= 0, "listener", hand->listener);
    /* Nothing of the view's may be kept open here. */
    if (socket != SOCKET) dup3(socket, SOCKET, O_CLOEXEC);
    syscall(SYS_close_range, 0, SOCKET - 1, 0);
    syscall(SYS_close_range, SOCKET + 1, ~0u, 0);
    while (1) {
        int status;
        pid_t ended = waitpid(-1, &status, terminal >= 0 ? WUNTRACED : 0);
        int stopped = ended > 0 && WIFSTOPPED(status);
        if (ended == (pid_t)child) csandbox_tell(SOCKET, stopped ? CSANDBOX_STOPPED : CSANDBOX_ENDED, status, "", -1);
        if (ended < 0 && errno == ECHILD) _exit(0);
    }
}

/* Binds a program's socket to a path as the program wrote it, so that the program and its callers are told that path. It is
 * done in an empty directory of the tree as the root, where the directories of the path are made for that moment; the
 * file stands in the tree afterwards, under `name`, and is the only thing that is left. 0 or -1. */
static int bind_path(int tree, int socket, const char *path, const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char prefix[sizeof address.sun_path + 1] = {0};
    size_t length = strnlen(path, sizeof address.sun_path);
    int result = -1, failure = 0, outside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    memcpy(address.sun_path, path, length);
    if (mkdirat(tree, "bound", 0700) && errno != EEXIST) failure = errno;
    int inside = failure ? -1 : openat(tree, "bound", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!failure && (outside < 0 || inside < 0 || fchdir(inside) || chroot("."))) failure = errno;
    if (!failure) {
        for (size_t i = 1; i < length; i++)
            if (path[i] == '/') {
                memcpy(prefix, path, i);
                (void)mkdir(prefix, 0700); /* it may be there: `..' leads up */
            }
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (length < sizeof address.sun_path));
        result = bind(socket, (struct sockaddr *)&address, size);
        if (result) failure = errno;
        memcpy(prefix, path, length);
        prefix[length] = 0;
        if (!result && renameat(AT_FDCWD, prefix, tree, name)) {
            failure = errno;
            (void)unlink(prefix);
        }
        for (size_t i = length; i-- > 1;)
            if (path[i] == '/') {
                prefix[i] = 0;
                (void)rmdir(prefix); /* nor are those that were there before ours */
            }
        if (fchdir(outside) || chroot(".")) _exit(1);
    }
    if (inside >= 0) close(inside);
    if (outside >= 0) close(outside);
    errno = failure;
    return failure ? -1 : 0;
}

/* The network of the view has itself alone. */
static void raise_loopback(void) {
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    /* Without it nobody answers there. */
    if (fd >= 0) (void)ioctl(fd, SIOCSIFFLAGS, &lo);
    if (fd >= 0) close(fd);
}

/* Answers what is asked over `agent`, and watches, until init or whoever asks has gone. */
static _Noreturn void launcher_loop(int socket, int agent, pid_t child) {
    int end = pidfd(child), fds[CSANDBOX_DESCRIPTORS];
    struct pollfd watched[] = {
        {.fd = agent, .events = POLLIN}, {.fd = end, .events = POLLIN}, {.fd = socket, .events = 0}};
    struct csandbox_wish wish;
    while (end >= 0) {
        if (poll(watched, 3, -1) < 0) continue;
        if (watched[1].revents || watched[2].revents) break;
        ssize_t n = csandbox_receive(agent, &wish, sizeof wish, fds);
        if (n == 0 || (n < 0 && errno != EMSGSIZE)) break;
        int bound = -1;
        errno = EINVAL;
        if (n == sizeof wish && wish.kind == CSANDBOX_BIND && fds[1] >= 0) {
            wish.name[sizeof wish.name - 1] = 0;
            bound = bind_path(fds[1], fds[0], wish.path, wish.name);
        }
        csandbox_tell(agent, bound ? CSANDBOX_FAILED : CSANDBOX_READY, bound ? errno : 0, "bind", -1);
        csandbox_drop(fds);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    _exit(0);
}

/* The descriptors that come with a request. */
enum { TALK, USERS, EMPTY, TERMINAL };

static _Noreturn void launcher(const struct request *r, const int *fds, int parent) {
    int socket = fds[TALK], terminal = fds[TERMINAL];
    /* As programs expect them; what is sent from here on says MSG_NOSIGNAL. */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    umask(0);
    if (setns(fds[USERS], CLONE_NEWUSER)) csandbox_give_up(socket, "user name space");
    end_with(parent);
    if (setns(fds[EMPTY], CLONE_NEWNS)) csandbox_give_up(socket, "root");
    if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)) csandbox_give_up(socket, "unshare");
    close(fds[USERS]);
    close(fds[EMPTY]);
    raise_loopback();
    int self = pidfd(getpid()), agent[2];
    if (csandbox_pair(agent)) csandbox_give_up(socket, "agent");
    /* Before init says anything: they come in this order. */
    csandbox_tell(socket, CSANDBOX_READY, 0, "agent", agent[1]);
    close(agent[1]);
    pid_t child = fork();
    if (child < 0) csandbox_give_up(socket, "fork");
    if (child == 0) init(r, socket, self, terminal);
    if (terminal >= 0) close(terminal);
    launcher_loop(socket, agent[0], child);
}

static _Noreturn void server(void) {
    static struct request r;
    int fds[CSANDBOX_DESCRIPTORS], self = pidfd(getpid());
    prctl(PR_SET_NAME, "emu launcher");
    signal(SIGCHLD, SIG_IGN); /* launchers need nobody to wait for them */
    while (1) {
        ssize_t n = csandbox_receive(SOCKET, &r, sizeof r, fds);
        if (n == 0 || (n < 0 && errno != EMSGSIZE)) _exit(0);
        if (n >= (ssize_t)sizeof r.head && fds[EMPTY] >= 0 && r.head.magic == CSANDBOX_MAGIC &&
            r.head.instructions > 0 && r.head.instructions <= CSANDBOX_INSTRUCTIONS &&
            (size_t)n == sizeof r.head + r.head.instructions * sizeof *r.filter) {
            pid_t child = fork();
            if (child < 0) csandbox_tell(fds[TALK], CSANDBOX_FAILED, errno, "fork", -1);
            if (child == 0) {
                close(SOCKET);
                launcher(&r, fds, self);
            }
        }
        csandbox_drop(fds);
    }
}

/* Before any Swift: is this run of our binary to be the two of them? */
__attribute__((constructor)) static void begin(int count, char **words) {
    if (count != 1 || !words || !words[0] || strcmp(words[0], SERVER_NAME)) return;
    for (int fd = SOCKET; fd <= SOCKET + 1; fd++) {
        struct sockaddr_un name;
        socklen_t size = sizeof name, kind_size = sizeof(int);
        int kind = 0;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &kind_size) || kind != SOCK_SEQPACKET) return;
        if (getsockname(fd, (struct sockaddr *)&name, &size) || name.sun_family != AF_UNIX) return;
    }
    signal(SIGPIPE, SIG_IGN);
    pid_t child = fork();
    if (child < 0) _exit(1);
    if (child > 0) {
        close(SOCKET + 1);
        csandbox_mounts(SOCKET);
    }
    dup3(SOCKET + 1, SOCKET, O_CLOEXEC);
    close(SOCKET + 1);
    server();
}

int csandbox_spawn(int *mounter, int *launcher) {
    int first[2], second[2], e;
    pid_t child;
    if (csandbox_pair(first)) return errno;
    if (csandbox_pair(second)) {
        e = errno;
        goto one;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    /* Their numbers here may be those that they are to have there: so they are put out of the way before. */
    int ours[] = {fcntl(first[1], F_DUPFD_CLOEXEC, SOCKET + 2), fcntl(second[1], F_DUPFD_CLOEXEC, SOCKET + 2)};
    if (ours[0] < 0 || ours[1] < 0) {
        e = errno;
        goto copies;
    }
    e = posix_spawn_file_actions_init(&actions);
    if (e) goto copies;
    e = posix_spawnattr_init(&attributes);
    if (e) goto files;
    for (int i = 0; i < 2 && !e; i++) e = posix_spawn_file_actions_adddup2(&actions, ours[i], SOCKET + i);
    for (int i = 0; i < SOCKET && !e; i++) e = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
    if (!e) e = posix_spawn_file_actions_addclosefrom_np(&actions, SOCKET + 2);
    if (!e) e = posix_spawn_file_actions_addchdir_np(&actions, "/");
    if (!e) e = posix_spawnattr_setsigmask(&attributes, &none);
    if (!e) e = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!e) e = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    char *words[] = {SERVER_NAME, NULL}, *environment[] = {NULL};
    if (!e) e = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
files:
    posix_spawn_file_actions_destroy(&actions);
copies:
    for (int i = 0; i < 2; i++)
        if (ours[i] >= 0) close(ours[i]);
    close(second[1]);
    if (e) close(second[0]);
    else *launcher = second[0];
one:
    close(first[1]);
    if (e) close(first[0]);
    else *mounter = first[0];
    return e;
}

int csandbox_fork(int mounts, int *socket) {
    int ends[2];
    if (csandbox_pair(ends)) return errno;
    pid_t child = fork();
    int e = errno;
    if (child != 0) {
        close(ends[1]);
        if (child > 0) *socket = ends[0];
        else close(ends[0]);
        return child > 0 ? 0 : e;
    }
    /* Nothing of ours stays but the socket: whoever waits for the end of our output does not wait for this. */
    int end = fcntl(ends[1], F_DUPFD, SOCKET + 1), null = open("/dev/null", O_RDWR);
    if (end < 0 || null < 0) _exit(1);
    for (int i = 0; i < SOCKET; i++) dup2(null, i);
    dup3(end, SOCKET, O_CLOEXEC);
    syscall(SYS_close_range, SOCKET + 1, ~0u, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    setsid();
    if (chdir("/")) _exit(1);
    if (mounts) csandbox_mounts(SOCKET);
    server();
}
