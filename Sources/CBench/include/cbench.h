#ifndef EMU_CBENCH_H
#define EMU_CBENCH_H
/* The native side of the benchmarks: the same acts, asked of the host in plain C.
   Each returns the nanoseconds that n of them took, set-up left out, or -errno where the host refuses. */
#include <stdint.h>

int64_t cbench_write_null(long n);
int64_t cbench_read_zero(long n);
int64_t cbench_open_close(const char *path, long n);
int64_t cbench_open_read_close(const char *path, long n);
int64_t cbench_stat(const char *path, long n);

/* A bind mount made and undone; a name space of fifty bind mounts copied. Both in a user name space of a child. */
int64_t cbench_bind_unmount(long n);
int64_t cbench_fork_mounts(long n);

/* n blocks through a pipe, one thread writing and one reading; one byte there and one back through two pipes. */
int64_t cbench_pipe(long block, long n);
int64_t cbench_ping(long n);

/* Reads a Tstat, Tread or Twalk of 9P2000 into its fields, its names copied, and writes it again. */
int64_t cbench_message(const uint8_t *frame, long n);

/* A child that ends at once, waited for: fork, _exit, waitpid. */
int64_t cbench_fork_wait(long n);

/* Runs a command n times, its words on a line each: no standard input, standard output to a scratch file, since some
   tools do less for /dev/null. -ECHILD where its status is not 0. */
int64_t cbench_command(const char *words, long n);

/* The number that a command prints. */
int64_t cbench_answer(const char *words);

/* Resident bytes of a command that waits for its standard input. */
int64_t cbench_idle(const char *words);

/* Makes a directory and goes there: with CBENCH_DEEP (a file at depth 8) and CBENCH_TEXT (that many bytes: lines of
   words, common ones often, the same on every machine) in it. Commands have it for their data and sort by bytes.
   0 or -errno. */
#define CBENCH_DEEP "a/b/c/d/e/f/g/file"
#define CBENCH_TEXT "text"
int64_t cbench_enter(int64_t bytes);

/* Starts a 9P2000 server whose answers are ready beforehand, which ends with this program; its port on the loopback. */
int cbench_serve(void);
/* Asks it n times the same, Tstat, or Tread or Twrite of so many bytes, with `depth` requests under way. */
int64_t cbench_ask(int port, int type, long count, long depth, long n);

/* Does a job of 9P2000.L n times with `depth` at once, by itself, over a connection to `address` (unix!path or
   tcp!host!port), whose server has the tree of cbench_shared. A letter of the job is a request, and each waits for the one
   before: s(tatus), w(alk of 5), o(pen), r(ead of 4 K), c(lunk); or it is one R or W: so much of a file as msize allows,
   in order. -EPROTO where the server gives another msize. */
int64_t cbench_load(const char *address, const char *aname, const char *job, long msize, int depth, long n);
/* Bytes of memory that the server at unix!path has more, where so many clients have attached and are quiet, of which the
   last has made so many fids. */
int64_t cbench_crowd(const char *address, const char *aname, long clients, long fids);
/* Bytes of a process that are in memory. */
int64_t cbench_resident(int process);
/* As many bytes there and back, with nothing behind the socket but who counts them; where a path is given, with a file of
   CBENCH_BIG bytes, into which the data of each request are written. */
int64_t cbench_pingpong(int isTcp, long request, long reply, int depth, long n, const char *path);

/* A directory in memory, made at the first call, with `share` in it: what cbench_load asks for. Its big file has so many
   bytes. NULL where there is no room. */
#define CBENCH_BIG (32L << 20)
const char *cbench_shared(void);
/* Makes a directory with so many empty files, 20 to each of the directories below it. 0 or -errno. */
int cbench_tree(const char *path, long files);
/* Starts a server, its words on a line each, in a directory, and waits until it takes calls. It ends with this program. 0
   or -errno. */
int cbench_start(const char *words, const char *directory, const char *address);
/* A port of the loopback that is free. */
int cbench_port(void);
/* A connection, or -errno. */
int cbench_dial(const char *address);

/* Starts a relay to a port of the loopback, which passes on what comes `delay` nanoseconds later; its own port. */
int cbench_relay(int port, int64_t delay);
/* Requests of 9P that it has passed on; and rounds, one after the other, in which they were sent: a request that went out
   after an answer was there is of the round after that one's. */
long cbench_relayed(void);
long cbench_rounds(void);

/* Removes a directory and all that is in it. */
void cbench_remove(const char *path);
/* Ends all servers and removes the directory in memory. */
void cbench_stop(void);
/* Removes what cbench_enter made, ends the servers, and ends the program. */
_Noreturn void cbench_leave(int status);

#endif
