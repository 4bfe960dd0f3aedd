/* micro COUNT DIRECTORY: what system calls take, in nanoseconds each: a line for each kind. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

#define MEASURE(name, divisor, act)                                             \
    do {                                                                        \
        long n = count / (divisor) + 1, start = now();                          \
        for (long i = 0; i < n; i++) { act; }                                   \
        printf("%s %ld\n", name, (now() - start) / n);                          \
    } while (0)

static void must(int holds, const char *what) {
    if (holds) return;
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long count = atol(argv[1]);
    char byte = 0;
    struct stat s;
    int there[2], back[2];
    must(chdir(argv[2]) == 0, argv[2]);
    int fd = open("micro.file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    must(fd >= 0 && write(fd, "x", 1) == 1, "micro.file");
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) continue;
        _exit(0);
    }
    MEASURE("getpid", 1, syscall(SYS_getpid));
    MEASURE("stat", 10, must(stat("micro.file", &s) == 0, "stat"));
    MEASURE("open+close", 10, int f = open("micro.file", O_RDONLY); must(f >= 0, "open"); close(f));
    MEASURE("no such file", 10, must(stat("micro.none", &s) < 0, "stat"));
    MEASURE("pread", 1, must(pread(fd, &byte, 1, 0) == 1, "pread"));
    MEASURE("fstat", 1, must(fstat(fd, &s) == 0, "fstat"));
    MEASURE("pipe there and back", 10,
            must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe"));
    close(there[1]);
    waitpid(child, NULL, 0);
    unlink("micro.file");
    return 0;
}
