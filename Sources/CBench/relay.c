// A relay that makes a connection as long as one likes: what comes is sent on so much later, however much there is.
#define _GNU_SOURCE
#include "cbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What came together, and when it is to be sent on. */
struct chunk {
    struct chunk *next;
    int64_t due;
    size_t size, sent;
    char bytes[];
};

/* The frames of one direction, as they are cut from its bytes: what of a header has come, and what is left behind it. */
struct frames {
    unsigned char header[7];
    size_t known, left;
};

/* One direction. */
struct way {
    struct chunk *first, **last;
    size_t held;
    int from, to, isClients, ended;
    struct frames frames;
};

enum { piece = 1 << 18, holds = 64 << 20 };

static struct { _Atomic long requests, rounds; } *told;

/* In which round a request of that tag was sent: the one after the last of which the client had an answer. */
static long rounds[1 << 16];

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Counts the frames that begin in `bytes`, which follow those of the calls before: requests that came from the client, or
   answers that went to him. */
static void count(struct frames *f, const char *bytes, size_t n, int isRequest) {
    while (n > 0) {
        if (f->left > 0) {
            size_t skipped = n < f->left ? n : f->left;
            bytes += skipped, n -= skipped, f->left -= skipped;
            continue;
        }
        unsigned char *h = f->header;
        h[f->known++] = *bytes++, n--;
        if (f->known < sizeof f->header) continue;
        f->known = 0;
        f->left = (h[0] | h[1] << 8 | h[2] << 16 | (size_t)h[3] << 24) - sizeof f->header;
        long *round = &rounds[h[5] | h[6] << 8];
        if (isRequest) *round = told->rounds + 1, told->requests++;
        else if (*round > told->rounds) told->rounds = *round;
    }
}

static void take(struct way *w, int64_t delay) {
    struct chunk *c = malloc(sizeof *c + piece);
    ssize_t n = c ? recv(w->from, c->bytes, piece, MSG_DONTWAIT) : 0;
    if (n < 0 && errno == EAGAIN) return free(c);
    if (n <= 0) {
        w->ended = 1;
        return free(c);
    }
    if (w->isClients) count(&w->frames, c->bytes, n, 1);
    struct chunk *kept = realloc(c, sizeof *c + n);
    c = kept ? kept : c;
    c->next = NULL, c->due = now() + delay, c->size = n, c->sent = 0;
    *w->last = c, w->last = &c->next, w->held += n;
}

/* Sends on what is due; what the other end does not take now stays. */
static void give(struct way *w) {
    for (struct chunk *c; (c = w->first) && c->due <= now();) {
        ssize_t n = send(w->to, c->bytes + c->sent, c->size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) _exit(0);
        if (!w->isClients) count(&w->frames, c->bytes + c->sent, n, 0);
        if ((c->sent += n) < c->size) continue;
        w->held -= c->size;
        if (!(w->first = c->next)) w->last = &w->first;
        free(c);
    }
    if (w->ended && !w->first) _exit(0);
}

static void pass(int client, int server, int64_t delay) {
    struct way ways[] = { { .from = client, .to = server, .isClients = 1 }, { .from = server, .to = client } };
    for (int i = 0; i < 2; i++) ways[i].last = &ways[i].first;
    for (;;) {
        struct pollfd polls[] = { { .fd = client }, { .fd = server } };
        int64_t wake = INT64_MAX, at = now();
        for (int i = 0; i < 2; i++) {
            struct way *w = &ways[i];
            if (!w->ended && w->held < holds) polls[i].events |= POLLIN;
            if (!w->first) continue;
            if (w->first->due <= at) polls[1 - i].events |= POLLOUT;
            else if (w->first->due < wake) wake = w->first->due;
        }
        struct timespec rest = { (wake - at) / 1000000000, (wake - at) % 1000000000 };
        if (ppoll(polls, 2, wake < INT64_MAX ? &rest : NULL, NULL) < 0) _exit(1);
        for (int i = 0; i < 2; i++)
            if (polls[i].revents & (POLLIN | POLLHUP | POLLERR) && !ways[i].ended) take(&ways[i], delay);
        for (int i = 0; i < 2; i++) give(&ways[i]);
    }
}

int cbench_relay(int port, int64_t delay) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, there = a;
    socklen_t size = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, size) < 0 || listen(listener, 8) < 0
        || getsockname(listener, (struct sockaddr *)&a, &size) < 0)
        return -errno;
    there.sin_port = htons(port);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED) return -errno;
    pid_t parent = getpid(), child = fork();
    if (child < 0) return -errno;
    if (child > 0) return close(listener), ntohs(a.sin_port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1000);
    if (getppid() != parent) _exit(0);
    signal(SIGCHLD, SIG_IGN);
    for (int client; (client = accept(listener, NULL, NULL)) >= 0; close(client)) {
        if (fork() > 0) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(server, (struct sockaddr *)&there, sizeof there) < 0) _exit(1);
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pass(client, server, delay);
    }
    _exit(1);
}

long cbench_relayed(void) { return told ? told->requests : 0; }

long cbench_rounds(void) { return told ? told->rounds : 0; }
