#define _GNU_SOURCE
#include "cbench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t cbench_write_null(long n) {
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    char byte = 'x';
    int64_t start = now();
    for (long i = 0; i < n; i++)
        if (write(fd, &byte, 1) != 1) break;
    int64_t took = now() - start;
    close(fd);
    return took;
}

int64_t cbench_read_zero(long n) {
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    char byte;
    int64_t start = now();
    for (long i = 0; i < n; i++)
        if (read(fd, &byte, 1) != 1) break;
    int64_t took = now() - start;
    close(fd);
    return took;
}

int64_t cbench_open_close(const char *path, long n) {
    int64_t start = now();
    for (long i = 0; i < n; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return -errno;
        close(fd);
    }
    return now() - start;
}

int64_t cbench_open_read_close(const char *path, long n) {
    char bytes[4096];
    int64_t start = now();
    for (long i = 0; i < n; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return -errno;
        if (read(fd, bytes, sizeof bytes) < 0) return -errno;
        close(fd);
    }
    return now() - start;
}

int64_t cbench_stat(const char *path, long n) {
    struct stat st;
    int64_t start = now();
    for (long i = 0; i < n; i++)
        if (stat(path, &st) < 0) return -errno;
    return now() - start;
}

/* Runs f(n) in a child that is root of its own user and mount name space, and brings its answer back. */
static int64_t in_namespace(int64_t (*f)(long), long n) {
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0) return -errno;
    pid_t child = fork();
    if (child < 0) return -errno;
    if (child == 0) {
        int64_t answer;
        if (unshare((geteuid() == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNS) < 0
            || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
            || mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
            answer = -errno;
        else
            answer = f(n);
        _exit(write(p[1], &answer, sizeof answer) != sizeof answer);
    }
    close(p[1]);
    int64_t answer = -EPERM;
    if (read(p[0], &answer, sizeof answer) != sizeof answer) answer = -EPERM;
    close(p[0]);
    waitpid(child, NULL, 0);
    return answer;
}

static int64_t bind_unmount(long n) {
    if (mkdir("/tmp/a", 0700) < 0 || mkdir("/tmp/b", 0700) < 0) return -errno;
    int64_t start = now();
    for (long i = 0; i < n; i++)
        if (mount("/tmp/a", "/tmp/b", NULL, MS_BIND, NULL) < 0 || umount2("/tmp/b", 0) < 0) return -errno;
    return now() - start;
}

static int64_t fork_mounts(long n) {
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "/tmp/%d", i);
        if (mkdir(name, 0700) < 0 || mount("/tmp", name, NULL, MS_BIND, NULL) < 0) return -errno;
    }
    int64_t start = now();
    for (long i = 0; i < n; i++)
        if (unshare(CLONE_NEWNS) < 0) return -errno;
    return now() - start;
}

int64_t cbench_bind_unmount(long n) { return in_namespace(bind_unmount, n); }
int64_t cbench_fork_mounts(long n) { return in_namespace(fork_mounts, n); }

struct stream {
    int fd;
    long block, n;
};

static void *pour(void *argument) {
    struct stream *s = argument;
    char *bytes = calloc(1, s->block);
    for (long left = s->n * s->block; bytes && left > 0;) {
        ssize_t k = write(s->fd, bytes, left < s->block ? left : s->block);
        if (k <= 0) break;
        left -= k;
    }
    free(bytes);
    return NULL;
}

int64_t cbench_pipe(long block, long n) {
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0) return -errno;
    struct stream s = { p[1], block, n };
    pthread_t writer;
    char *bytes = malloc(block);
    int64_t start = now();
    if (!bytes || pthread_create(&writer, NULL, pour, &s) != 0) return -ENOMEM;
    for (long left = n * block; left > 0;) {
        ssize_t k = read(p[0], bytes, block);
        if (k <= 0) break;
        left -= k;
    }
    pthread_join(writer, NULL);
    int64_t took = now() - start;
    free(bytes);
    close(p[0]);
    close(p[1]);
    return took;
}

struct echo {
    int in, out;
    long n;
};

static void *echo(void *argument) {
    struct echo *e = argument;
    char byte;
    for (long i = 0; i < e->n; i++)
        if (read(e->in, &byte, 1) != 1 || write(e->out, &byte, 1) != 1) break;
    return NULL;
}

int64_t cbench_ping(long n) {
    int there[2], back[2];
    if (pipe2(there, O_CLOEXEC) < 0 || pipe2(back, O_CLOEXEC) < 0) return -errno;
    struct echo e = { there[0], back[1], n };
    pthread_t peer;
    if (pthread_create(&peer, NULL, echo, &e) != 0) return -ENOMEM;
    char byte = 'x';
    int64_t start = now();
    for (long i = 0; i < n; i++)
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) break;
    int64_t took = now() - start;
    pthread_join(peer, NULL);
    for (int i = 0; i < 2; i++) close(there[i]), close(back[i]);
    return took;
}

int64_t cbench_fork_wait(long n) {
    int64_t start = now();
    for (long i = 0; i < n; i++) {
        pid_t child = fork();
        if (child < 0) return -errno;
        if (child == 0) _exit(0);
        if (waitpid(child, NULL, 0) < 0) return -errno;
    }
    return now() - start;
}

/* Starts a command with descriptor `in` as its standard input and a scratch file as its output, which is *kept where that is
   asked for; an errno. */
static int start(const char *words, int in, int *kept, pid_t *child) {
    char *text = strdup(words), *rest = text, *argv[16];
    int n = 0, out = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (!text || out < 0) return free(text), EIO;
    while (rest && n < 15) argv[n++] = strsep(&rest, "\n");
    argv[n] = NULL;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    int error = posix_spawn(child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    free(text);
    if (kept && !error) *kept = out;
    else close(out);
    return error;
}

int64_t cbench_command(const char *words, long n) {
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in < 0) return -errno;
    int64_t begin = now();
    for (long i = 0; i < n; i++) {
        pid_t child;
        int status, error = start(words, in, NULL, &child);
        if (error) return close(in), -error;
        if (waitpid(child, &status, 0) < 0 || status != 0) return close(in), -ECHILD;
    }
    int64_t took = now() - begin;
    close(in);
    return took;
}

int64_t cbench_answer(const char *words) {
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC), out = -1, status;
    if (in < 0) return -errno;
    char text[32] = {0};
    pid_t child;
    int error = start(words, in, &out, &child);
    close(in);
    if (error) return -error;
    if (waitpid(child, &status, 0) < 0 || status != 0 || pread(out, text, sizeof text - 1, 0) <= 0) status = -1;
    close(out);
    return status ? -ECHILD : atoll(text);
}

int64_t cbench_resident(int process) {
    char name[64];
    long pages = 0, size;
    snprintf(name, sizeof name, "/proc/%d/statm", process);
    FILE *f = fopen(name, "r");
    int fields = f ? fscanf(f, "%ld %ld", &size, &pages) : 0;
    if (f) fclose(f);
    return fields == 2 && pages > 0 ? pages * sysconf(_SC_PAGESIZE) : -ECHILD;
}

int64_t cbench_idle(const char *words) {
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0) return -errno;
    pid_t child;
    int error = start(words, p[0], NULL, &child);
    close(p[0]);
    if (error) return close(p[1]), -error;
    usleep(400000);
    int64_t bytes = cbench_resident(child);
    close(p[1]);
    int status;
    waitpid(child, &status, 0);
    return bytes;
}

static int64_t text(const char *path, int64_t bytes) {
    FILE *f = fopen(path, "we");
    if (!f) return -errno;
    uint64_t seed = 1;
    for (int64_t written = 0; written < bytes;) {
        char line[128];
        int length = 0, words = 0;
        for (seed = seed * 6364136223846793005u + 1442695040888963407u; words < 5 + (int)(seed >> 60); words++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            unsigned rank = (unsigned)((seed >> 40) % ((seed >> 34) % 4096 + 1));
            for (rank += 26; rank; rank /= 26) line[length++] = 'a' + rank % 26;
            line[length++] = ' ';
        }
        line[length - 1] = '\n';
        if (fwrite(line, 1, length, f) != (size_t)length) break;
        written += length;
    }
    int failed = ferror(f);
    return fclose(f) != 0 || failed ? -EIO : 0;
}

static char directory[] = "/tmp/emu-bench.XXXXXX";

int64_t cbench_enter(int64_t bytes) {
    if (!mkdtemp(directory)) return -errno;
    if (chdir(directory) < 0 || setenv("LC_ALL", "C", 1) < 0 || setenv("XDG_DATA_HOME", directory, 1) < 0)
        return -errno;
    char path[] = CBENCH_DEEP;
    for (char *slash = path; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (mkdir(path, 0755) < 0) return -errno;
    }
    int64_t error = text(CBENCH_DEEP, 64);
    return error ? error : text(CBENCH_TEXT, bytes);
}

void cbench_leave(int status) {
    cbench_stop();
    if (chdir("/") == 0) cbench_remove(directory);
    exit(status);
}
