#ifndef EMU_CSHIM_H
#define EMU_CSHIM_H
/* What Swift cannot say: variadic calls, macros, thread-local variables. No state but the thread's own pointer. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* Two slots of each host thread, for the kernel: the Thread that it runs, and the Chan that this calls. */
void **cshim_current(void);

/* What the calling thread runs, for cshim_tell. The name is cut to what fits. */
void cshim_label(int process, const char *name);

/* Writes to descriptor 2 that `signal` ended the system, and what the calling thread ran. For signal handlers. */
void cshim_tell(int signal);

/* Bytes of stack that the calling thread has left. */
size_t cshim_stackleft(void);

/* gettid(2). */
int cshim_thread(void);

/* The signal that ends a ppoll(2) early; blocked everywhere else. */
static inline int cshim_wakesignal(void) { return SIGURG; }

static inline int cshim_fcntl(int fd, int cmd, long arg) { return fcntl(fd, cmd, arg); }
/* pipe2(2), close-on-exec, neither end of which blocks. 0 or -1. */
int cshim_conduit(int *reading, int *writing);
/* F_SETPIPE_SZ; how many bytes of whole pages the pipe holds then, which may be fewer. */
int cshim_pipesize(int fd, int wanted);
/* splice(2) of up to so many bytes, without waiting; of a file at `*offset`, which moves on. */
int64_t cshim_splice(int from, int64_t *offset, int to, size_t count);

/* fcntl(2) with F_OFD_SETLK, or F_OFD_SETLKW to wait; a length of 0 has no end. */
int cshim_lock(int fd, int wait, short type, int64_t start, int64_t length);
/* F_OFD_GETLK: what is in the way, F_UNLCK for nothing; the process is -1 where the lock is an open file's. */
int cshim_testlock(int fd, short *type, int64_t *start, int64_t *length, int *process);
static inline int cshim_ioctl(int fd, unsigned long request, void *arg) { return ioctl(fd, request, arg); }
static inline int cshim_openat(int dir, const char *name, int flags, unsigned mode) {
    return openat(dir, name, flags, mode);
}
/* openat2(2): RESOLVE_BENEATH and friends; -1 and ENOSYS where the host has none. */
int cshim_openat2(int dir, const char *name, int flags, unsigned mode, uint64_t resolve);

/* ppoll(2) with the wake-up signal unmasked for the call; a negative timeout waits for ever. Result or -errno. */
int cshim_ppoll(struct pollfd *fds, unsigned long n, int64_t nanoseconds);

/* futex(2): sleeps while *word is value, until woken or the monotonic time; -ETIMEDOUT then. Wakes one sleeper. */
int cshim_futex_wait(void *word, uint32_t value, int64_t nanoseconds);
void cshim_futex_wake(void *word);
/* The calling thread's number, and a signal to a thread of this process; one that has gone is left alone. */
int cshim_gettid(void);
void cshim_tgkill(int thread, int signal);
/* Tells the processor that this is a loop of waiting. */
static inline void cshim_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* What the host can do, for --doctor. A version, 0 or an errno, 1 or 0. */
int cshim_landlock_version(void);
int cshim_try_user_namespace(void);
int cshim_has_seccomp_notify(void);
int cshim_has_executable_memory(void);

/* Watches fd for events once; one that is known gets new events. 0 or -1. */
static inline int cshim_watch(int epoll, int fd, uint32_t events) {
    struct epoll_event e = {.events = events | EPOLLONESHOT, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e) == 0 ? 0 : epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}
/* A descriptor that is readable while fd or the new eventfd *event is; -1 for both where the host has none. */
int cshim_either(int fd, int *event);
/* Has such a descriptor look at another one in place of fd. 0 or -1. */
int cshim_turn(int either, int fd, int other);
/* An eventfd(2) that keeps nobody waiting; -1 on failure. */
int cshim_event(void);
/* The master of a new pty, close-on-exec, that keeps nobody waiting; -1 on failure. */
int cshim_pty(void);
/* The other end of a pty, by its master: a description of its own. -1 on failure. */
static inline int cshim_slave(int master, int flags) { return ioctl(master, 0x5441 /* TIOCGPTPEER */, flags); }
static inline int cshim_unwatch(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }

/* Linux's own names, which the headers give to GNU sources only. */
enum { CSHIM_O_PATH = 010000000, CSHIM_AT_EMPTY_PATH = 0x1000 };

/* statx(2): what a file is; times in nanoseconds since 1970, made 0 where the file system does not know. */
struct cshim_stat {
    uint32_t mode, uid, gid, links, portion;
    uint64_t inode, device, rdev, size, blocks;
    int64_t accessed, modified, changed, made;
};
/* name "" with AT_EMPTY_PATH is fd itself. 0 or -1. */
int cshim_statx(int fd, const char *name, int flags, struct cshim_stat *out);
/* getdents64(2). */
long cshim_getdents(int fd, void *buffer, unsigned long size);
/* renameat2(2). */
int cshim_rename(int from, const char *name, int to, const char *as, unsigned flags);
/* chmod and faccessat of an O_PATH descriptor. */
int cshim_chmod(int fd, unsigned mode);
int cshim_access(int fd, int mode);

/* memfd_create(2): a file that has no name, mode 0777 and no byte; whether seals may be put on it. -1 on failure. */
int cshim_memfd(const char *name, int sealable);
/* Seals of fcntl(2): no write, no change of length, no further seal. 0 or -1. */
int cshim_seal(int fd);
/* Whether nobody has the memfd open, or mapped what he had open, but as `fd`, which is open for reading alone, and as what
   memfd_create gave. A moment's lease says so. */
int cshim_is_alone(int fd);
/* The bytes that wait in a pipe; the size of a pipe set to at least so many. -1 on failure. */
int cshim_waiting(int fd);
int cshim_pipe_room(int fd, int size);

/* Mounts a FUSE connection nowhere, no programs nor devices in it; the root's descriptor or -1. */
int cshim_fuse_mount(int device);

/* pipe2(2), close-on-exec; the end with index ours does not block. 0 or -1. */
int cshim_pipe(int *ends, int ours);
/* Starts a program found by our PATH, in a directory and a session of its own, with three descriptors (/dev/null for -1) and no
   other, no signal blocked or ignored. 0 or errno. */
int cshim_spawn(char *const *args, char *const *environment, const char *directory, const int *fds, pid_t *child);
/* Waits until a child has ended, tells how, and leaves it to be reaped. 0 or -1. */
int cshim_await(pid_t child, int *status, struct rusage *usage);

/* Where a socket is: 4 or 16 bytes of an internet address, or those of a path without the NUL. */
struct cshim_address {
    uint16_t family, port, length;
    uint8_t bytes[107];
};
/* socket(2), close-on-exec and non-blocking; bind(2), connect(2), sendto(2) to an address. */
int cshim_socket(int family, int type);
int cshim_bind(int fd, const struct cshim_address *address);
int cshim_connect(int fd, const struct cshim_address *address);
ssize_t cshim_sendto(int fd, const void *bytes, size_t size, const struct cshim_address *address);
/* accept(2), recvfrom(2), getsockname(2) and getpeername(2): whose address it is. */
int cshim_accept(int fd, struct cshim_address *from);
ssize_t cshim_recvfrom(int fd, void *bytes, size_t size, struct cshim_address *from);
int cshim_local(int fd, struct cshim_address *address);
int cshim_remote(int fd, struct cshim_address *address);
/* setsockopt(2) of an int; the error that a connect left. */
int cshim_option(int fd, int level, int name, int value);
int cshim_failure(int fd);
/* getaddrinfo(3): how many addresses were found, or a negative EAI code with its text. */
int cshim_resolve(const char *name, struct cshim_address *found, int limit, const char **text);

static inline int cshim_exited(int s) { return WIFEXITED(s); }
static inline int cshim_exitstatus(int s) { return WEXITSTATUS(s); }
static inline int cshim_termsig(int s) { return WIFSIGNALED(s) ? WTERMSIG(s) : 0; }

#endif
