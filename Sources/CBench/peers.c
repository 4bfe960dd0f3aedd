// Servers of 9P, ours and others', and the tree that they serve.
#define _GNU_SOURCE
#include "cbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int fill(const char *path, long bytes) {
    static char block[1 << 16];
    FILE *f = fopen(path, "we");
    if (!f) return -errno;
    while (bytes > 0) {
        size_t n = bytes < (long)sizeof block ? bytes : (long)sizeof block;
        if (fwrite(block, 1, n, f) != n) break;
        bytes -= n;
    }
    return fclose(f) != 0 || bytes > 0 ? -EIO : 0;
}

static int grow(const char *directory, long files) {
    char path[256];
    for (long i = 0; i < files; i++) {
        long branch = i / 2000, twig = i / 20;
        if (i % 2000 == 0) {
            snprintf(path, sizeof path, "%s/%ld", directory, branch);
            if (mkdir(path, 0755) < 0) return -errno;
        }
        if (i % 20 == 0) {
            snprintf(path, sizeof path, "%s/%ld/%ld", directory, branch, twig);
            if (mkdir(path, 0755) < 0) return -errno;
        }
        snprintf(path, sizeof path, "%s/%ld/%ld/file%ld", directory, branch, twig, i);
        if (mknod(path, S_IFREG | 0644, 0) < 0) return -errno;
    }
    return 0;
}

static char directory[] = "/dev/shm/emu-bench.XXXXXX";
static int isMade;

const char *cbench_shared(void) {
    static const char *const names[] = { "/share", "/share/a", "/share/a/b", "/share/a/b/c", "/share/a/b/c/d" };
    char path[256];
    if (isMade) return directory;
    if (!mkdtemp(directory)) return NULL;
    isMade = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s%s", directory, names[i]);
        if (mkdir(path, 0755) < 0) return NULL;
    }
    snprintf(path, sizeof path, "%s/share/a/b/c/d/f", directory);
    if (fill(path, 4096) < 0) return NULL;
    snprintf(path, sizeof path, "%s/share/big", directory);
    return fill(path, CBENCH_BIG) < 0 ? NULL : directory;
}

int cbench_tree(const char *path, long files) { return mkdir(path, 0755) < 0 ? -errno : grow(path, files); }

static pid_t servers[8];
static int serverCount;

int cbench_port(void) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&a, size) < 0 || getsockname(s, (struct sockaddr *)&a, &size) < 0)
        return -errno;
    close(s);
    return ntohs(a.sin_port);
}

int cbench_start(const char *words, const char *where, const char *address) {
    char *argv[16], *rest = strdup(words);
    int n = 0;
    if (!rest || serverCount == sizeof servers / sizeof *servers) return free(rest), -ENOMEM;
    while (rest && n < 15) argv[n++] = strsep(&rest, "\n");
    argv[n] = NULL;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || chdir(where) < 0) _exit(127);
        for (int i = 0; i < 3; i++) dup2(null, i);
        execvp(argv[0], argv);
        _exit(127);
    }
    free(argv[0]);
    if (child < 0) return -errno;
    servers[serverCount++] = child;
    for (int i = 0; i < 1000; i++) {
        int s = cbench_dial(address);
        if (s >= 0) return close(s), 0;
        if (waitpid(child, NULL, WNOHANG) != 0) {
            serverCount--;
            return -ECONNREFUSED;
        }
        usleep(10000);
    }
    return -ETIMEDOUT;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *place) {
    (void)st, (void)type, (void)place;
    return remove(path);
}

void cbench_remove(const char *path) { nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS); }

void cbench_stop(void) {
    for (int i = 0; i < serverCount; i++) kill(servers[i], SIGKILL), waitpid(servers[i], NULL, 0);
    if (isMade) cbench_remove(directory);
}
