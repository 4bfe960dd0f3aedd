/* Signals to who waits for a server that does not answer: the mount at /dead. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;
static void tick(int s) { (void)s, ticks++; }

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int ask(char what) {
    struct stat s;
    switch (what) {
    case 's': return stat("/dead/x", &s);
    case 'o': return open("/dead/x", O_RDONLY);
    default: return opendir("/dead") ? 0 : -1;
    }
}

/* The least time, of several, that it takes from a ^C to the end of who waits; how it ended. */
static void interrupt(char what, int is_handled) {
    long best = 1 << 30;
    int status = 0;
    for (int i = 0; i < 5; i++) {
        int ready[2];
        char byte;
        if (pipe(ready)) exit(1);
        pid_t child = fork();
        if (child == 0) {
            struct sigaction a = {.sa_handler = tick};
            if (is_handled) sigaction(SIGINT, &a, NULL);
            if (write(ready[1], "", 1) != 1) _exit(1);
            _exit(ask(what) == 0 ? 0 : errno);
        }
        if (read(ready[0], &byte, 1) != 1) exit(1);
        usleep(50000);
        long begun = now();
        if (kill(child, SIGINT)) exit(1);
        if (waitpid(child, &status, 0) != child) exit(1);
        if (now() - begun < best) best = now() - begun;
        close(ready[0]), close(ready[1]);
    }
    const char *end = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : strerrorname_np(WEXITSTATUS(status));
    printf("%c %s %s %s\n", what, is_handled ? "handled" : "default", end, best < 200 ? "in time" : "late");
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    for (const char *what = "sol"; *what; what++)
        for (int is_handled = 0; is_handled < 2; is_handled++) interrupt(*what, is_handled);
    return 0;
}
