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

/* Removes what cbench_enter made, and ends the program. */
_Noreturn void cbench_leave(int status);

#endif
