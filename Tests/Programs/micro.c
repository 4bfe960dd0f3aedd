/* micro COUNT DIRECTORY ACT: does an act so often there, and prints the nanoseconds that it took in all. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int file, there[2], back[2];
static char byte;
static struct stat s;

static int get_pid(void) { return syscall(SYS_getpid) > 0; }
static int stat_file(void) { return stat("micro.file", &s) == 0; }
static int stat_none(void) { return stat("micro.none", &s) < 0; }
static int read_byte(void) { return pread(file, &byte, 1, 0) == 1; }
static int stat_open(void) { return fstat(file, &s) == 0; }
static int go_and_return(void) { return write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1; }
static int open_file(void) {
    int fd = open("micro.file", O_RDONLY);
    return fd >= 0 && close(fd) == 0;
}

static const struct {
    const char *name;
    int (*act)(void);
} acts[] = {
    {"getpid", get_pid}, {"stat", stat_file}, {"nothing", stat_none}, {"open", open_file}, {"pread", read_byte},
    {"fstat", stat_open}, {"pipe", go_and_return},
};

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void must(int holds, const char *what) {
    if (holds) return;
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    long count = atol(argv[1]);
    must(chdir(argv[2]) == 0, argv[2]);
    file = open("micro.file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    must(file >= 0 && write(file, "x", 1) == 1, "micro.file");
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) continue;
        _exit(0);
    }
    int status = 2;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(acts[i].name, argv[3])) continue;
        int64_t begin = now();
        for (long n = 0; n < count; n++) must(acts[i].act(), argv[3]);
        printf("%lld\n", (long long)(now() - begin));
        status = 0;
    }
    close(there[1]);
    waitpid(child, NULL, 0);
    unlink("micro.file");
    return status;
}
