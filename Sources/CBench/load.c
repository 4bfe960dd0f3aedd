// A client of 9P2000.L that asks as fast as it is answered, and the same bytes over a socket with nothing behind it.
#define _GNU_SOURCE
#include "cbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { Tlopen = 12, Tgetattr = 24, Tversion = 100, Tattach = 104, Twalk = 110, Tread = 116, Twrite = 118, Tclunk = 120 };
enum { most = 1 << 20, slots = 16, header = 7, ioHeader = 24, streamFid = 1, firstFid = 2 };
enum { batch = 1 << 16, small = 4096 };  // bytes that are read at once, and those of a frame that is moved without regret

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int cbench_dial(const char *address) {
    int fd, on = 1, error;
    if (strncmp(address, "unix!", 5) == 0) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        strncpy(a.sun_path, address + 5, sizeof a.sun_path - 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        error = connect(fd, (struct sockaddr *)&a, sizeof a);
    } else {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        a.sin_port = htons(atoi(strrchr(address, '!') + 1));
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        error = connect(fd, (struct sockaddr *)&a, sizeof a);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (error < 0) error = -errno, close(fd), fd = error;
    return fd;
}

/* A conversation. Requests are collected and go out together when their answers are waited for; those of a stream go out
   one by one, as their like does in cbench_pingpong. */
static struct {
    int fd;
    uint32_t msize;
    size_t have, used;  // what came, and what of that was taken
    size_t filled;      // of out
    uint8_t in[2 * most], out[slots * (most + ioHeader)];
} wire;

static int send_all(int fd, const uint8_t *bytes, size_t n) {
    while (n > 0) {
        ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);
        if (k <= 0) return -1;
        bytes += k;
        n -= k;
    }
    return 0;
}

static int send_out(void) {
    size_t n = wire.filled;
    wire.filled = 0;
    return send_all(wire.fd, wire.out, n);
}

/* The next whole reply; NULL where the server has hung up or sends what is none. */
static const uint8_t *receive(void) {
    for (;;) {
        uint32_t size;
        if (wire.have - wire.used >= header) {
            memcpy(&size, wire.in + wire.used, 4);
            if (size < header || size > wire.msize) return NULL;
            if (wire.have - wire.used >= size) {
                wire.used += size;
                return wire.in + wire.used - size;
            }
        }
        if (send_out() < 0) return NULL;
        if (wire.used > 0) memmove(wire.in, wire.in + wire.used, wire.have -= wire.used), wire.used = 0;
        // Of a long frame that has begun no more than the rest: what came after it would have to be moved, which costs the
        // bare socket nothing.
        size_t room = wire.msize > batch ? wire.msize : batch;
        if (wire.have >= header && (memcpy(&size, wire.in, 4), size > small)) room = size;
        ssize_t n = read(wire.fd, wire.in + wire.have, room - wire.have);
        if (n <= 0) return NULL;
        wire.have += n;
    }
}

static uint8_t *start;

static void put(uint64_t value, int width) {
    memcpy(wire.out + wire.filled, &value, width);
    wire.filled += width;
}

static void string(const char *s) {
    put(strlen(s), 2);
    memcpy(wire.out + wire.filled, s, strlen(s));
    wire.filled += strlen(s);
}

static void begin(int type, int tag) {
    start = wire.out + wire.filled;
    put(0, 4);
    put(type, 1);
    put(tag, 2);
}

static int end(void) {
    uint32_t size = wire.out + wire.filled - start;
    memcpy(start, &size, 4);
    return start[4];
}

static int walk(int tag, uint32_t fid, int names, const char *const *path) {
    begin(Twalk, tag);
    put(0, 4);
    put(fid, 4);
    put(names, 2);
    for (int i = 0; i < names; i++) string(path[i]);
    return end();
}

static int lopen(int tag, uint32_t fid, int flags) {
    begin(Tlopen, tag);
    put(fid, 4);
    put(flags, 4);
    return end();
}

/* Of a write, the data are whatever stands there. */
static int transfer(int type, int tag, uint32_t fid, uint64_t offset, uint32_t count) {
    begin(type, tag);
    put(fid, 4);
    put(offset, 8);
    put(count, 4);
    if (type == Twrite) wire.filled += count;
    return end();
}

/* Whether the one request that is under way is answered as it should be. */
static int agreed(int type) {
    const uint8_t *reply = receive();
    return reply && reply[4] == type + 1;
}

static int converse(const char *address, const char *aname, uint32_t msize) {
    wire.fd = cbench_dial(address);
    if (wire.fd < 0) return wire.fd;
    wire.have = wire.used = wire.filled = 0;
    wire.msize = msize;
    begin(Tversion, 0xffff);
    put(msize, 4);
    string("9P2000.L");
    end();
    const uint8_t *reply = receive();
    // What another msize would measure is another thing.
    if (!reply || reply[4] != Tversion + 1 || memcmp(reply + header, &msize, 4)) return -EPROTO;
    begin(Tattach, 0);
    put(0, 4);
    put(~0u, 4);
    string("");
    string(aname);
    put(geteuid(), 4);
    end();
    return agreed(Tattach) ? 0 : -EACCES;
}

/* Sends the step of a job that begins with `job`, in slot `slot`; the type of the request. */
static int step(char job, int slot, int isRoot, long act, uint32_t payload) {
    static const char *const deep[] = { "a", "b", "c", "d", "f" };
    uint32_t fid = isRoot ? 0 : firstFid + slot;
    uint64_t offset = act % (CBENCH_BIG / payload) * payload;
    switch (job) {
    case 'w': return walk(slot, fid, 5, deep);
    case 'o': return lopen(slot, fid, 0);
    case 'r': return transfer(Tread, slot, fid, 0, 4096);
    case 'R': return transfer(Tread, slot, streamFid, offset, payload);
    case 'W': return transfer(Twrite, slot, streamFid, offset, payload);
    case 's': begin(Tgetattr, slot), put(fid, 4), put(0x7ff, 8); return end();
    default: begin(Tclunk, slot), put(fid, 4); return end();
    }
}

static int64_t measure(const char *job, int depth, long n) {
    int at[slots] = { 0 }, want[slots], isRoot = job[0] == 's', isStream = strchr("RW", job[0]) != NULL;
    long begun = 0, done = 0;
    uint32_t payload = wire.msize - ioHeader;
    int64_t from = now();
    for (; begun < depth && begun < n; begun++) want[begun] = step(job[0], begun, isRoot, begun, payload);
    while (done < n) {
        const uint8_t *reply = receive();
        if (!reply) return -EPIPE;
        int slot = reply[5] | reply[6] << 8;
        if (slot >= depth || reply[4] != want[slot] + 1) return -EPROTO;
        if (isStream && memcmp(reply + header, &payload, 4)) return -EIO;
        if (job[++at[slot]] == '\0') {
            done++;
            at[slot] = 0;
            if (begun == n) continue;
            begun++;
        }
        want[slot] = step(job[at[slot]], slot, isRoot, begun - 1, payload);
        if (isStream && send_out() < 0) return -EPIPE;
    }
    return now() - from;
}

int64_t cbench_load(const char *address, const char *aname, const char *job, long msize, int depth, long n) {
    static const char *const big[] = { "big" };
    if (msize > most || depth > slots) return -EINVAL;
    int64_t answer = converse(address, aname, msize);
    if (answer == 0 && strchr("RW", job[0])
        && (walk(0, streamFid, 1, big), !agreed(Twalk) || (lopen(0, streamFid, job[0] == 'W'), !agreed(Tlopen))))
        answer = -ENOENT;
    if (answer == 0) answer = measure(job, depth, n);
    if (wire.fd >= 0) close(wire.fd);
    return answer;
}

/* So long after the last request a server has let go of what a quiet client does not need, microseconds. */
enum { quiet = 2500000 };

int64_t cbench_crowd(const char *address, const char *aname, long clients, long fids) {
    struct ucred server;
    struct rlimit limit;
    socklen_t size = sizeof server;
    int *fds = calloc(clients + 1, sizeof *fds);
    if (!fds || getrlimit(RLIMIT_NOFILE, &limit) < 0) return free(fds), -ENOMEM;
    rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    // The first is there before, so that the server has done once what it does for all.
    int64_t answer = 0, before = 0;
    long made = 0;
    for (; made <= clients && answer == 0; made++) {
        answer = converse(address, aname, batch);
        fds[made] = wire.fd;
        if (made > 0 || answer < 0) continue;
        if (getsockopt(wire.fd, SOL_SOCKET, SO_PEERCRED, &server, &size) < 0) answer = -errno;
        usleep(quiet);
        before = cbench_resident(server.pid);
    }
    for (long i = 0; i < fids && answer == 0; i++) {
        walk(0, firstFid + i, 0, NULL);
        if (!agreed(Twalk)) answer = -EPROTO;
    }
    if (answer == 0) {
        usleep(quiet);
        answer = cbench_resident(server.pid);
        if (answer > 0) answer -= before;
    }
    for (long i = 0; i < made; i++)
        if (fds[i] >= 0) close(fds[i]);
    free(fds);
    limit.rlim_cur = usual;
    setrlimit(RLIMIT_NOFILE, &limit);
    return answer;
}

/* Two ends of a connection. */
static int connected(int isTcp, int ends[2]) {
    if (!isTcp) return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (bind(listener, (struct sockaddr *)&a, size) < 0 || listen(listener, 1) < 0
        || getsockname(listener, (struct sockaddr *)&a, &size) < 0)
        return -errno;
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(ends[0], (struct sockaddr *)&a, size) < 0) return -errno;
    ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    close(listener);
    for (int i = 0; i < 2; i++) setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return 0;
}

/* Takes so many bytes, which `room` has room for. */
static int take(int fd, size_t bytes, uint8_t *room) {
    while (bytes > 0) {
        ssize_t k = read(fd, room, bytes);
        if (k <= 0) return -1;
        room += k;
        bytes -= k;
    }
    return 0;
}

/* The yardstick: `n` messages of `request` bytes to another process, which answers each with `reply` bytes as soon as it has
   it, `depth` of them under way. Lengths are those of 9P's frames, headers included; each process reads a message to its end
   and writes it with one call, from and into the same memory, and looks at nothing. So it has what any server must do
   with a socket, and not what lies behind: no file is read or written, and no frame is taken apart. Where there is a file,
   what is left of each request without a Twrite's header goes there, one behind the other: that is what a server on one
   processor must do at least. */
static void answer_all(int fd, int file, long request, long reply, long n) {
    enum { head = header + 16 };
    long payload = request - head, place = 0;
    for (long i = 0; i < n; i++) {
        if (take(fd, request, wire.in) < 0) break;
        if (file >= 0 && pwrite(file, wire.in + head, payload, place) != payload) break;
        place = place + 2 * payload > CBENCH_BIG ? 0 : place + payload;
        if (send_all(fd, wire.out, reply) < 0) break;
    }
}

int64_t cbench_pingpong(int isTcp, long request, long reply, int depth, long n, const char *path) {
    int ends[2], file = -1, error = connected(isTcp, ends);
    if (error) return error;
    if (path && (file = open(path, O_WRONLY | O_CLOEXEC)) < 0) return close(ends[0]), close(ends[1]), -errno;
    pid_t child = fork();
    if (child < 0) return -errno;
    if (child == 0) {
        answer_all(ends[1], file, request, reply, n);
        _exit(0);
    }
    close(ends[1]);
    if (file >= 0) close(file);
    int64_t from = now();
    for (long sent = 0, done = 0; done < n && !error; done++) {
        for (; sent < n && sent - done < depth && !error; sent++)
            if (send_all(ends[0], wire.out, request) < 0) error = -EPIPE;
        if (!error && take(ends[0], reply, wire.in) < 0) error = -EPIPE;
    }
    int64_t took = now() - from;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return error ? error : took;
}
