// A 9P2000 server whose answers are ready beforehand, and a client that takes them: what a conversation costs at least.
#define _GNU_SOURCE
#include "cbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { Tversion = 100, Tattach = 104, Twalk = 110, Topen = 112, Tread = 116, Twrite = 118, Tstat = 124 };
enum { msize = 1 << 20, header = 7 };

// The one file is as long as this.
static const uint64_t length = UINT64_C(1) << 40;

static void put(char **at, uint64_t value, int width) {
    for (int i = 0; i < width; i++) *(*at)++ = (char)(value >> (8 * i));
}

static uint64_t get(const char *at, int width) {
    uint64_t value = 0;
    for (int i = 0; i < width; i++) value |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return value;
}

// Paths: the one file, and directories by their depth, since each has to be another.
enum { theFile = 1000 };

static void put_qid(char **at, unsigned path) {
    put(at, path == theFile ? 0 : 0x80, 1);
    put(at, 1, 4);
    put(at, path, 8);
}

/* The reply to the request at `in`, put at `out`; its size. */
static size_t reply(const char *in, char *out) {
    int type = (unsigned char)in[4];
    char *at = out + 4;
    put(&at, (uint64_t)type + 1, 1);
    put(&at, get(in + 5, 2), 2);
    switch (type) {
    case Tversion:
        put(&at, msize, 4);
        put(&at, 6, 2);
        memcpy(at, "9P2000", 6);
        at += 6;
        break;
    case Tattach: put_qid(&at, 0); break;
    case Twalk: {
        unsigned n = (unsigned)get(in + 15, 2);
        put(&at, n, 2);
        for (unsigned i = 0; i < n; i++) put_qid(&at, i + 1 < n ? i + 1 : theFile);
        break;
    }
    case Topen:
        put_qid(&at, theFile);
        put(&at, 0, 4);
        break;
    case Tread: {
        uint64_t count = get(in + 19, 4);
        if (count > msize - 24) count = msize - 24;
        put(&at, count, 4);
        at += count;
        break;
    }
    case Twrite: put(&at, get(in + 19, 4), 4); break;
    case Tstat: {
        int size = 2 + 4 + 13 + 4 + 4 + 4 + 8 + (2 + 1) + 3 * 2;
        put(&at, (uint64_t)size + 2, 2);
        put(&at, (uint64_t)size, 2);
        put(&at, 0, 2 + 4);
        put_qid(&at, theFile);
        put(&at, 0644, 4);
        put(&at, 1, 4);
        put(&at, 1, 4);
        put(&at, length, 8);
        put(&at, 1, 2);
        *at++ = 'x';
        put(&at, 0, 3 * 2);
        break;
    }
    default: break;
    }
    size_t size = (size_t)(at - out);
    char *start = out;
    put(&start, size, 4);
    return size;
}

static int send_all(int s, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t k = send(s, bytes, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        bytes += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Serves one client to its end: takes all that has come, and answers that in one write. */
static void serve(int s) {
    static char in[2 * msize], out[4 * msize];
    size_t n = 0;
    for (;;) {
        ssize_t k = recv(s, in + n, sizeof in - n, 0);
        if (k <= 0) return;
        n += (size_t)k;
        size_t at = 0, filled = 0;
        while (n - at >= header && n - at >= get(in + at, 4)) {
            filled += reply(in + at, out + filled);
            at += get(in + at, 4);
            if (filled > 2 * msize) {
                if (send_all(s, out, filled) < 0) return;
                filled = 0;
            }
        }
        memmove(in, in + at, n - at);
        n -= at;
        if (send_all(s, out, filled) < 0) return;
    }
}

int cbench_serve(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (l < 0 || bind(l, (struct sockaddr *)&a, sizeof a) < 0 || listen(l, 8) < 0
        || getsockname(l, (struct sockaddr *)&a, &size) < 0)
        return -errno;
    pid_t parent = getpid(), child = fork();
    if (child < 0) return -errno;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(0);
        signal(SIGCHLD, SIG_IGN);
        for (;;) {
            int s = accept(l, NULL, NULL);
            if (s < 0) _exit(1);
            setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            // A process for each client, which ends with him.
            if (fork() == 0) {
                serve(s);
                _exit(0);
            }
            close(s);
        }
    }
    close(l);
    return ntohs(a.sin_port);
}

static int receive_all(int s, char *bytes, size_t n) {
    while (n > 0) {
        ssize_t k = recv(s, bytes, n, 0);
        if (k <= 0) return -1;
        bytes += k;
        n -= (size_t)k;
    }
    return 0;
}

int64_t cbench_ask(int port, int type, long count, long depth, long n) {
    static char request[2 * msize], answer[2 * msize];
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (s < 0) return -errno;
    if (connect(s, (struct sockaddr *)&a, sizeof a) < 0) return close(s), -ECONNREFUSED;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    char *at = request + 4;
    put(&at, (uint64_t)type, 1);
    put(&at, 1, 2);
    put(&at, 1, 4);
    if (type != Tstat) {
        put(&at, 0, 8);
        put(&at, (uint64_t)count, 4);
    }
    if (type == Twrite) at += count;
    size_t size = (size_t)(at - request);
    at = request;
    put(&at, size, 4);
    size_t back = type == Tread ? header + 4 + (size_t)count : type == Twrite ? header + 4 : reply(request, answer);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int bad = 0;
    for (long sent = 0, got = 0; got < n && !bad; got++) {
        while (sent < n && sent - got < depth && !bad) {
            bad = send_all(s, request, size) < 0;
            sent++;
        }
        bad = bad || receive_all(s, answer, back) < 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    close(s);
    if (bad) return -EIO;
    return (end.tv_sec - start.tv_sec) * INT64_C(1000000000) + end.tv_nsec - start.tv_nsec;
}
