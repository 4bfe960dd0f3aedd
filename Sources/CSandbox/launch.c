/* The processes of a view, none of which ever runs Swift.
 *
 *   server    our own binary run again; forks a launcher for each view; ends with its socket
 *   launcher  owns the user name space; mounts what we ask for; ends with its socket, with the server and with init
 *   init      pid 1 of the view: reaps, tells how the first program ended, ends with the last process
 *   program   gets the filter, and becomes the first program in its first trapped call
 *
 * Each is killed when the one above it ends, so whatever ends us ends them all. */
#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
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

/* mount(2)'s flags, whose header does not go together with linux/mount.h. */
enum {
    NO_SUID = 2, NO_DEVICES = 4, NO_EXEC = 8, READ_ONLY = 1, REMOUNT = 32, BIND = 4096, RECURSIVE = 16384,
    PRIVATE = 1 << 18, SLAVE = 1 << 19, DETACH = 2,
};
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

struct request {
    struct csandbox_request head;
    struct sock_filter filter[CSANDBOX_INSTRUCTIONS];
};

int csandbox_pair(int *ends) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

int csandbox_send(int socket, const void *bytes, size_t size, int fd, int other) {
    int fds[] = {fd, other};
    size_t count = other >= 0 ? 2 : fd >= 0 ? 1 : 0;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {0};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(count * sizeof fd);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof fd);
        memcpy(CMSG_DATA(c), fds, count * sizeof fd);
    }
    ssize_t n;
    do n = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size ? 0 : -1;
}

ssize_t csandbox_receive(int socket, void *bytes, size_t size, int *fds) {
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    fds[0] = fds[1] = -1;
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
            if (count < 2) fds[count++] = fd;
            else close(fd);
        }
    }
    if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (int i = 0; i < 2; i++) {
            if (fds[i] >= 0) close(fds[i]);
            fds[i] = -1;
        }
        errno = EMSGSIZE;
        return -1;
    }
    return n;
}

static void tell(int socket, enum csandbox_news kind, int value, const char *where, int fd) {
    struct csandbox_message m = {.kind = kind, .value = value};
    strncpy(m.where, where, sizeof m.where - 1);
    /* Whoever should hear it is gone, where this fails: so are we, soon. */
    (void)csandbox_send(socket, &m, sizeof m, fd, -1);
}

static _Noreturn void give_up(int socket, const char *where) {
    tell(socket, CSANDBOX_FAILED, errno, where, -1);
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

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = write(fd, text, strlen(text)), e = errno;
    close(fd);
    errno = (int)e;
    return n < 0 ? -1 : 0;
}

/* What stands for directories is in such trees. */
#define DIRECTORIES "200000"
#define DIRECTORY_FLAGS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* A tree in memory that is mounted nowhere. */
static int memory_tree(const char *inodes, unsigned attributes) {
    int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0) return -1;
    int tree = -1;
    if (!syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "4k", 0) &&
        !syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) &&
        !syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) &&
        !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
    int e = errno;
    close(fs);
    errno = e;
    return tree;
}

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
static _Noreturn void init(const struct request *r, int socket, int tree, int parent, int terminal) {
    static const char *const places[] = {"/tmp", "/proc", "/dev", "/usr"};
    size_t i = 0;
    end_with(parent);
    if (unshare(CLONE_NEWNS)) give_up(socket, "unshare");
    while (mount("none", places[i], "tmpfs", NO_SUID | NO_DEVICES | NO_EXEC, "size=4k,nr_inodes=2,mode=555"))
        if (++i == sizeof places / sizeof *places) give_up(socket, "root");
    if (chdir(places[i]) || syscall(SYS_pivot_root, ".", ".")) give_up(socket, "pivot_root");
    if (umount2(".", DETACH) || chdir("/")) give_up(socket, "umount");
    if (mount(NULL, "/", NULL, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC, NULL))
        give_up(socket, "remount");
    setsid();
    if (terminal >= 0 && ioctl(terminal, TIOCSCTTY, 0)) terminal = -1;
    struct hand *hand = mmap(NULL, sizeof *hand, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ready[2];
    char byte;
    if (hand == MAP_FAILED || pipe2(ready, O_CLOEXEC)) give_up(socket, "pipe");
    hand->listener = -1;
    long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) give_up(socket, "clone");
    if (child == 0) program(r, hand, ready[1], terminal);
    /* The pipe has no end as long as it is in the descriptors that both of us have: a program that died says nothing. */
    int watched = pidfd((pid_t)child);
    struct pollfd either[] = {{.fd = ready[0], .events = POLLIN}, {.fd = watched, .events = POLLIN}};
    while (poll(either, 2, -1) < 0) continue;
    if (!either[0].revents || read(ready[0], &byte, 1) != 1 || hand->error) {
        errno = hand->error ? hand->error : EPROTO;
        give_up(socket, "seccomp");
    }
    /* Two messages: the descriptors come one by one. */
    tell(socket, CSANDBOX_READY, terminal >= 0, "tree", tree);
    tell(socket, CSANDBOX_READY, 0, "listener", hand->listener);
    /* Nothing of the view's may be kept open here. */
    if (socket != SOCKET) dup3(socket, SOCKET, O_CLOEXEC);
    syscall(SYS_close_range, 0, SOCKET - 1, 0);
    syscall(SYS_close_range, SOCKET + 1, ~0u, 0);
    while (1) {
        int status;
        pid_t ended = waitpid(-1, &status, terminal >= 0 ? WUNTRACED : 0);
        int stopped = ended > 0 && WIFSTOPPED(status);
        if (ended == (pid_t)child) tell(SOCKET, stopped ? CSANDBOX_STOPPED : CSANDBOX_ENDED, status, "", -1);
        if (ended < 0 && errno == ECHILD) _exit(0);
    }
}

/* A FUSE file system that is mounted nowhere, ours and no other user's: its root; *device is its connection. */
static int fuse_tree(int *device) {
    char fd[16], uid[16], gid[16];
    *device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    int fs = *device < 0 ? -1 : (int)syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC);
    if (fs < 0) return -1;
    snprintf(fd, sizeof fd, "%d", *device);
    snprintf(uid, sizeof uid, "%u", geteuid());
    snprintf(gid, sizeof gid, "%u", getegid());
    const char *const options[][2] = {
        {"source", "emu"}, {"fd", fd}, {"rootmode", "40000"}, {"user_id", uid}, {"group_id", gid}};
    long result = 0;
    for (size_t i = 0; i < sizeof options / sizeof *options && result == 0; i++)
        result = syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
    if (result == 0) result = syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (result == 0)
        result = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    int e = errno;
    close(fs);
    errno = e;
    return (int)result;
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
static _Noreturn void launcher_loop(int socket, int agent, int place, pid_t child) {
    int end = pidfd(child);
    struct pollfd watched[] = {
        {.fd = agent, .events = POLLIN}, {.fd = end, .events = POLLIN}, {.fd = socket, .events = 0}};
    struct csandbox_wish wish;
    int fds[2];
    while (end >= 0) {
        if (poll(watched, 3, -1) < 0) continue;
        if (watched[1].revents || watched[2].revents) break;
        if (!watched[0].revents) continue;
        ssize_t n = csandbox_receive(agent, &wish, sizeof wish, fds);
        if (n <= 0) break;
        int device = -1, tree = -1, bound = -1;
        errno = EINVAL;
        if (n == sizeof wish && wish.kind == CSANDBOX_FUSE) tree = fuse_tree(&device);
        if (n == sizeof wish && wish.kind == CSANDBOX_BIND && fds[0] >= 0) {
            wish.name[sizeof wish.name - 1] = 0;
            bound = bind_path(place, fds[0], wish.path, wish.name);
        }
        if (n == sizeof wish && wish.kind == CSANDBOX_TREE) tree = memory_tree(DIRECTORIES, DIRECTORY_FLAGS);
        if (tree < 0 && bound < 0) {
            tell(agent, CSANDBOX_FAILED, errno, wish.kind == CSANDBOX_BIND ? "bind" : "tree", -1);
        } else {
            if (device >= 0) tell(agent, CSANDBOX_READY, 0, "device", device);
            tell(agent, CSANDBOX_READY, 0, bound == 0 ? "bound" : "root", tree);
        }
        if (device >= 0) close(device);
        if (tree >= 0) close(tree);
        for (int i = 0; i < 2; i++)
            if (fds[i] >= 0) close(fds[i]);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    _exit(0);
}

static _Noreturn void launcher(const struct request *r, int socket, int terminal, int parent) {
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    /* As programs expect them; what is sent from here on says MSG_NOSIGNAL. */
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    umask(0);
    if (unshare(CLONE_NEWUSER)) give_up(socket, "user name space");
    end_with(parent);
    /* A host without this file lets the map be written as it is. */
    (void)write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    if (write_file("/proc/self/uid_map", map)) give_up(socket, "uid_map");
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    if (write_file("/proc/self/gid_map", map)) give_up(socket, "gid_map");
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)) give_up(socket, "unshare");
    raise_loopback();
    /* What the host mounts later comes here too; what is mounted here stays here. */
    if (mount(NULL, "/", NULL, RECURSIVE | SLAVE, NULL)) give_up(socket, "slave");
    int tree = memory_tree(DIRECTORIES, DIRECTORY_FLAGS);
    if (tree < 0) give_up(socket, "tree");
    int self = pidfd(getpid()), agent[2];
    if (csandbox_pair(agent)) give_up(socket, "agent");
    /* Before init says anything: they come in this order. */
    tell(socket, CSANDBOX_READY, 0, "agent", agent[1]);
    close(agent[1]);
    pid_t child = fork();
    if (child < 0) give_up(socket, "fork");
    if (child == 0) init(r, socket, tree, self, terminal);
    if (terminal >= 0) close(terminal);
    launcher_loop(socket, agent[0], tree, child);
}

static _Noreturn void server(void) {
    static struct request r;
    int fds[2], self = pidfd(getpid());
    prctl(PR_SET_NAME, "emu launcher");
    signal(SIGCHLD, SIG_IGN); /* launchers need nobody to wait for them */
    signal(SIGPIPE, SIG_IGN);
    while (1) {
        ssize_t n = csandbox_receive(SOCKET, &r, sizeof r, fds);
        if (n == 0 || (n < 0 && errno != EMSGSIZE)) _exit(0);
        if (n >= (ssize_t)sizeof r.head && fds[0] >= 0 && r.head.magic == CSANDBOX_MAGIC && r.head.instructions > 0 &&
            r.head.instructions <= CSANDBOX_INSTRUCTIONS &&
            (size_t)n == sizeof r.head + r.head.instructions * sizeof *r.filter) {
            pid_t child = fork();
            if (child < 0) tell(fds[0], CSANDBOX_FAILED, errno, "fork", -1);
            if (child == 0) {
                close(SOCKET);
                launcher(&r, fds[0], fds[1], self);
            }
        }
        for (int i = 0; i < 2; i++)
            if (fds[i] >= 0) close(fds[i]);
    }
}

/* Before any Swift: is this run of our binary the server's? */
__attribute__((constructor)) static void begin(int count, char **words) {
    if (count != 1 || !words || !words[0] || strcmp(words[0], SERVER_NAME)) return;
    struct sockaddr_un name;
    socklen_t size = sizeof name, kind_size = sizeof(int);
    int kind = 0;
    if (getsockopt(SOCKET, SOL_SOCKET, SO_TYPE, &kind, &kind_size) || kind != SOCK_SEQPACKET) return;
    if (getsockname(SOCKET, (struct sockaddr *)&name, &size) || name.sun_family != AF_UNIX) return;
    server();
}

int csandbox_spawn(int *socket, pid_t *child) {
    int ends[2];
    if (csandbox_pair(ends)) return errno;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int e = posix_spawn_file_actions_init(&actions);
    if (e) goto sockets;
    e = posix_spawnattr_init(&attributes);
    if (e) goto files;
    /* Numbers below the socket's go last: one of the ends may have them. */
    if (!e) e = posix_spawn_file_actions_adddup2(&actions, ends[1], SOCKET);
    for (int i = 0; i < SOCKET && !e; i++) e = posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
    if (!e) e = posix_spawn_file_actions_addclosefrom_np(&actions, SOCKET + 1);
    if (!e) e = posix_spawn_file_actions_addchdir_np(&actions, "/");
    if (!e) e = posix_spawnattr_setsigmask(&attributes, &none);
    if (!e) e = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!e) e = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    char *words[] = {SERVER_NAME, NULL}, *environment[] = {NULL};
    if (!e) e = posix_spawn(child, "/proc/self/exe", &actions, &attributes, words, environment);
    posix_spawnattr_destroy(&attributes);
files:
    posix_spawn_file_actions_destroy(&actions);
sockets:
    close(ends[1]);
    if (e) close(ends[0]);
    else *socket = ends[0];
    return e;
}
