#ifndef EMU_CSANDBOX_H
#define EMU_CSANDBOX_H
/* The native sandbox: the processes that stand between us and a view, and the host calls by which it is watched. A
   constructor turns a run of our own binary into the launcher's server, so there is no second file to ship. */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the server is asked to do: begin a view. With it come its socket, the two name spaces of the mounter's, and the
   terminal that it is to have, if any. The filter's instructions, 8 bytes each, follow. */
struct csandbox_request {
    uint32_t magic, instructions;
    /* Limits of the first program, inherited by the others; UINT64_MAX for none. */
    uint64_t memory, seconds, written;
};
enum { CSANDBOX_MAGIC = 0x656d7531, CSANDBOX_INSTRUCTIONS = 4096 };

/* What the mounter and a view say over their sockets. The mounter begins with its user name space, its empty mount name space
   and the directory below which it mounts. */
enum csandbox_news {
    CSANDBOX_FAILED = 1,  /* value: errno; where: the step */
    CSANDBOX_READY,       /* with a descriptor; where: which; value: of "listener" whether the session has the terminal */
    CSANDBOX_ENDED,       /* value: how the first program ended, as wait(2) has it */
    CSANDBOX_STOPPED,     /* value: the same, of its stop */
};
struct csandbox_message {
    uint32_t kind;
    int32_t value;
    char where[24];
};

/* What the mounter is asked: a FUSE file system, which comes in two messages, the connection and the root; or an empty tree
   for directories. The value that comes with a root is its number, by which it is taken away again; that has no answer.
   What a launcher is asked over its agent's socket: to bind the socket that comes with the wish, and the tree after it, to a
   path, which is not ended with a zero where it is as long as it may be; its file is then `name` in the tree: the answer
   has no descriptor. */
enum { CSANDBOX_FUSE = 1, CSANDBOX_TREE, CSANDBOX_DETACH, CSANDBOX_BIND };
struct csandbox_wish {
    uint32_t kind, number;
    char path[108], name[32];
};

/* Starts the two processes; each ends when the other end of its socket is closed. 0 or an errno. */
int csandbox_spawn(int *mounter, int *launcher);
/* Forks the mounter, or else the launchers' server, from this process, which has one thread. 0 or an errno. */
int csandbox_fork(int mounter, int *socket);
/* Is the mounter, from here on. */
_Noreturn void csandbox_mounts(int socket);

/* A pair of connected sockets that keep messages apart, close-on-exec. 0 or -1. */
int csandbox_pair(int *ends);
/* Most descriptors that come with a message. */
enum { CSANDBOX_DESCRIPTORS = 4 };
/* Sends a message with descriptors. 0 or -1. */
int csandbox_send(int socket, const void *bytes, size_t size, const int *fds, size_t count);
/* Receives one with CSANDBOX_DESCRIPTORS descriptors, -1 for those that did not come. Its size, 0 at the end, or -1;
   EMSGSIZE for what is too long. */
ssize_t csandbox_receive(int socket, void *bytes, size_t size, int *fds);
/* Closes those. */
void csandbox_drop(int *fds);
/* Says something, with a descriptor or -1. */
void csandbox_tell(int socket, enum csandbox_news kind, int value, const char *where, int fd);
/* Says which step failed and why, and ends. */
_Noreturn void csandbox_give_up(int socket, const char *where);

/* A file, or a directory and all below it: `path`, or `fd` where that is NULL. */
struct csandbox_place {
    const char *path;
    int fd;
    unsigned rights;
};
enum {
    CSANDBOX_READ = 1, CSANDBOX_WRITE = 2, CSANDBOX_EXECUTE = 4,
    CSANDBOX_CONTROL = 8, /* ioctls of devices */
    CSANDBOX_SOCKET = 16, /* to make sockets */
    CSANDBOX_REMOVE = 32, /* to remove what is no directory */
};
/* From here on this process, which has one thread, opens and changes no other files, signals nobody else's processes, and calls
   no abstract sockets but with `abstract`. The version of landlock(7); 0 where the host has none that is of use, or -errno. */
int csandbox_lock_files(const struct csandbox_place *places, size_t count, int abstract);
/* From here on it makes no process, and no call that only the host's owner needs. 0 or -errno. */
int csandbox_lock_calls(void);

/* The call by which the stand-in tells of a signal, or 0, and what it is told: to wait for the next one (0), or to end with a
   status or to have a signal do its default action, which stands in the low byte. */
enum { CSANDBOX_STANDIN = 1000, CSANDBOX_EXIT = 0x100, CSANDBOX_RAISE = 0x200 };
/* Makes its file: the size, or 0 where there is no room. */
size_t csandbox_standin(void *bytes, size_t room);

/* A trapped call. */
struct csandbox_call {
    uint64_t id;
    uint32_t pid;
    int32_t number;
    uint64_t arguments[6];
};
/* Waits for the next: 1, 0 when no process is left, or -errno. */
int csandbox_next(int listener, struct csandbox_call *call);
/* Has the one that answers run on the core of the one that asks. */
void csandbox_stay(int listener);
/* Whether the call still waits. */
int csandbox_waits(int listener, uint64_t id);
/* Answers: a value, or an errno where it is not 0; the host does it itself with `native`. 0 or -errno. */
int csandbox_answer(int listener, uint64_t id, int64_t value, int error, int native);
/* Gives the caller, a thread, our descriptor: the lowest number, or `number` where that is not -1. With `answers` the number is
   the answer, and the caller may run on before this has set back where it may run: what tells of that, or passes it on, has to
   be trapped. The number or -errno. */
int csandbox_give(int listener, uint64_t id, pid_t thread, int fd, int number, int closeOnExec, int answers);

/* Keeps a thread of another process and the calling one on the processor that this one runs on: to wake one on another costs
   more than all that is done for a call. 1, or 0 where they stay as they are; `was` has what they were allowed. */
struct csandbox_masks { uint64_t ours[16], theirs[16]; };
int csandbox_join(pid_t thread, struct csandbox_masks *was);
/* Lets a thread go where the other one was allowed to be, and with `part` the calling one too. */
void csandbox_free(pid_t thread, const struct csandbox_masks *was);
void csandbox_part(pid_t thread, const struct csandbox_masks *was);

/* process_vm_readv(2) and process_vm_writev(2): bytes moved, or -errno. */
ssize_t csandbox_peek(pid_t pid, uint64_t address, void *bytes, size_t size);
ssize_t csandbox_poke(pid_t pid, uint64_t address, const void *bytes, size_t size);
/* Copies the beginnings of `count` texts, at most CSANDBOX_TEXTS, to slots of `room` bytes each: of how many. Where a page
   ends before the slot is full the rest of it is not zero. */
enum { CSANDBOX_TEXTS = 256 };
int csandbox_peek_texts(pid_t pid, const uint64_t *addresses, size_t count, void *slots, size_t room);

/* pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2): a descriptor or 0, or -errno. */
int csandbox_pidfd(pid_t pid);
int csandbox_take(int pidfd, int fd);
int csandbox_signal(int pidfd, int signal);
/* How a process ended, as wait(2) has it, after its pidfd was readable; -1 where the host does not say. */
int csandbox_status(int pidfd);

/* ptrace(2), by the thread that seized. 0 or -errno. */
int csandbox_seize(pid_t thread);
int csandbox_interrupt(pid_t thread);
int csandbox_step(pid_t thread, int signal);
int csandbox_detach(pid_t thread, int signal);
int csandbox_event(pid_t thread, unsigned long *message);
int csandbox_mask(pid_t thread, uint64_t *was, const uint64_t *now);
/* The registers, as the machine has them: `size` bytes, NT_PRSTATUS. */
int csandbox_registers(pid_t thread, void *registers, size_t size);
int csandbox_setRegisters(pid_t thread, const void *registers, size_t size);
/* Waits until a traced thread stops or ends, so many turns of the processor and then microseconds: 0 or -errno, -EAGAIN where it
   still runs. */
int csandbox_wait(pid_t thread, int *status, int turns, int patience);
/* Lets it go on with a signal or 0, and lets it stand still with its process, which was stopped. */
int csandbox_continue(pid_t thread, int signal);
int csandbox_listen(pid_t thread);
/* Waits until a traced thread of a process stops or ends: 0 or -errno. Others of it, which the same thread traces, may end
   meanwhile. */
int csandbox_await(pid_t *thread, pid_t process, const pid_t *others, size_t count, int *status);
/* Prepares a thread for the next two. 0 or -errno. */
int csandbox_kickable(void);
/* Waits until any thread that the caller traces stops or ends: 0, -ECHILD where there is none, -EINTR for a kick, which is
   never lost: it ends the next wait where there is none now. */
int csandbox_any(pid_t *thread, int *status);
void csandbox_kick(pid_t thread);
/* Whether the caller traces it, or has still to hear of its end. */
int csandbox_traces(pid_t thread);
#endif
