/* Programs that use more than they may, each in its mode. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Says each millisecond how many microseconds of CPU time it has had. */
static void burn(int microseconds) {
    long last = -1000;
    while (1) {
        struct timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        long now = t.tv_sec * 1000000 + t.tv_nsec / 1000;
        if (now - last < 1000) continue;
        last = now;
        dprintf(1, "%d %ld\n", getpid(), now);
        if (microseconds && now > microseconds) _exit(0);
    }
}

int main(int n, char **words) {
    const char *mode = n > 1 ? words[1] : "";
    static char bytes[65536];
    if (!strcmp(mode, "burn"))
        for (int i = 1; i < atoi(words[2]) && fork() > 0; i++) continue;
    if (!strcmp(mode, "burn")) burn(0);
    /* Children that are waited for, and children that nobody waits for. */
    if (!strcmp(mode, "ignore")) signal(SIGCHLD, SIG_IGN);
    if (!strcmp(mode, "ignore") || !strcmp(mode, "family"))
        while (1) {
            pid_t child = fork();
            if (child == 0) burn(100000);
            waitpid(child, NULL, 0);
        }
    if (!strcmp(mode, "sleep")) sleep(30);
    if (!strcmp(mode, "file")) {
        int fd = open("/rw/big", O_WRONLY | O_CREAT, 0666);
        while (write(fd, bytes, sizeof bytes) > 0) continue;
    }
    if (!strcmp(mode, "files"))
        for (int i = 0;; i++) {
            char name[32];
            snprintf(name, sizeof name, "/ram/%d", i % 8);
            int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
            if (write(fd, bytes, sizeof bytes) < 0) return 1;
            close(fd);
            usleep(1000);
        }
    if (!strcmp(mode, "memory")) {
        for (int i = 0; i < 4 && fork() > 0; i++) continue;
        size_t size = (size_t)atol(words[2]);
        char *all = malloc(size);
        if (!all) return printf("%s\n", strerrorname_np(errno)), 0;
        for (size_t i = 0; i < size; i += 4096) all[i] = 1;
        sleep(30);
    }
    if (!strcmp(mode, "processes")) {
        int made = 0;
        while (made < 100 && fork() > 0) made++;
        if (made == 100 || errno == EAGAIN) printf("%d\n", made);
        else pause();
        kill(-1, SIGKILL);
    }
    if (!strcmp(mode, "refused")) {
        for (int i = 0; i < 3; i++) syscall(SYS_bpf, 0, 0, 0);
        syscall(999);
        if (fork() == 0) return syscall(SYS_bpf, 0, 0, 0), 0;
        wait(NULL);
        /* What it was refused is to be read by another. */
        dprintf(1, "ready\n");
        sleep(30);
    }
    return 0;
}
