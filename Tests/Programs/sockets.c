/* What programs do with sockets: each mode says what came of it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}
#define TRY(call) say(#call, (long)(call))

static struct sockaddr_un path(const char *text) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, text, sizeof a.sun_path);
    return a;
}
static int bind_path(int fd, const char *text) {
    struct sockaddr_un a = path(text);
    return bind(fd, (struct sockaddr *)&a, sizeof a);
}
static int connect_path(int fd, const char *text) {
    struct sockaddr_un a = path(text);
    return connect(fd, (struct sockaddr *)&a, sizeof a);
}
static int local(int kind) { return socket(AF_UNIX, kind | SOCK_CLOEXEC, 0); }

static struct sockaddr_in inet(const char *host, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}
static int with_inet(int (*call)(int, const struct sockaddr *, socklen_t), int fd, const char *host, int port) {
    struct sockaddr_in a = inet(host, port);
    return call(fd, (struct sockaddr *)&a, sizeof a);
}
static const char *local_host(int fd, int *port) {
    static char text[64];
    struct sockaddr_in a = {0};
    socklen_t size = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &size);
    *port = ntohs(a.sin_port);
    return inet_ntop(AF_INET, &a.sin_addr, text, sizeof text);
}

/* Two sockets talk by a path of ours, which both are told. */
static void paths(const char *directory) {
    struct stat s;
    struct sockaddr_un a;
    socklen_t size = sizeof a;
    char long_name[120], byte;
    if (chdir(directory)) return say("chdir", -1);
    umask(0);
    mkdir("deep", 0777);
    int server = local(SOCK_STREAM), client = local(SOCK_STREAM), other = local(SOCK_STREAM);
    umask(020);
    TRY(bind_path(server, "deep/../deep/./s"));
    printf("mode %o\n", lstat("deep/s", &s) ? 0 : s.st_mode);
    TRY(connect_path(client, "deep/s"));
    TRY(listen(server, 3));
    TRY(connect_path(client, "deep/s"));
    int got = accept(server, (struct sockaddr *)&a, &size);
    printf("unnamed %d\n", got >= 0 && size == 2);
    TRY(write(client, "x", 1));
    printf("read %ld\n", (long)read(got, &byte, 1));
    size = sizeof a;
    getpeername(client, (struct sockaddr *)&a, &size);
    printf("peer %s\n", a.sun_path);
    TRY(bind_path(other, "deep/s"));
    TRY(bind_path(server, "twice"));
    TRY(bind_path(other, "missing/s"));
    TRY(open("deep/s", O_RDONLY));
    rename("deep/s", "moved");
    TRY(connect_path(other, "moved"));
    TRY(unlink("moved"));
    TRY(connect_path(local(SOCK_STREAM), "moved"));
    int first = local(SOCK_DGRAM), second = local(SOCK_DGRAM);
    TRY(bind_path(first, "d1"));
    TRY(bind_path(second, "d2"));
    a = path("d2");
    TRY(sendto(first, "gram", 4, 0, (struct sockaddr *)&a, sizeof a));
    size = sizeof a;
    memset(&a, 0, sizeof a);
    printf("datagram %ld from ", (long)recvfrom(second, long_name, sizeof long_name, 0, (struct sockaddr *)&a, &size));
    printf("%s\n", a.sun_path);
    TRY(connect_path(local(SOCK_STREAM), "d2"));
    memset(long_name, 'n', sizeof long_name);
    long_name[107] = 0;
    TRY(bind_path(local(SOCK_SEQPACKET), long_name));
    TRY(connect_path(local(SOCK_STREAM), "/in/file"));
    TRY(bind_path(local(SOCK_STREAM), "/in/new"));
    TRY(bind_path(local(SOCK_STREAM), "/attack/new"));
    TRY(mknod("made", S_IFSOCK | 0777, 0));
    TRY(connect_path(local(SOCK_STREAM), "made"));
}

/* What a program of the host's has bound is not there. `name` is one in its abstract name space, too. */
static void outside(const char *name) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    TRY(connect_path(local(SOCK_STREAM), "/rw/host"));
    size_t n = strlen(name);
    memcpy(a.sun_path + 1, name, n);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + n;
    int fd = local(SOCK_STREAM);
    TRY(connect(local(SOCK_STREAM), (struct sockaddr *)&a, size));
    TRY(bind(fd, (struct sockaddr *)&a, size));
    TRY(listen(fd, 1));
    TRY(connect(local(SOCK_STREAM), (struct sockaddr *)&a, size));
}

static void internet(void) {
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), port;
    say("socket", server);
    if (server < 0) return;
    printf("flags %d %d\n", fcntl(server, F_GETFD), (fcntl(server, F_GETFL) & O_NONBLOCK) != 0);
    TRY(with_inet(bind, server, "192.0.2.1", 0));
    TRY(with_inet(bind, server, "0.0.0.0", 0));
    printf("at %s\n", local_host(server, &port));
    TRY(listen(server, 3));
    fcntl(server, F_SETFL, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    TRY(with_inet(connect, client, "127.0.0.1", port));
    int got = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    TRY(send(client, "x", 1, 0));
    char byte;
    printf("read %ld\n", (long)recv(got, &byte, 1, 0));
    TRY(with_inet(connect, socket(AF_INET, SOCK_STREAM, 0), "0.0.0.0", port));
    TRY(with_inet(connect, socket(AF_INET, SOCK_STREAM, 0), "192.0.2.1", 80));
    struct sockaddr_in away = inet("192.0.2.1", 80);
    TRY(sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&away, sizeof away));
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
    TRY(connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped, sizeof mapped));
    int nowhere = socket(AF_INET, SOCK_STREAM, 0);
    TRY(listen(nowhere, 1));
    printf("at %s\n", local_host(nowhere, &port));
    TRY(with_inet(connect, socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1", port));
    int vain = socket(AF_INET, SOCK_STREAM, 0);
    TRY(with_inet(connect, vain, "127.0.0.1", 9));
    TRY(listen(vain, 1));
    printf("at %s\n", local_host(vain, &port));
    unsigned char route[] = {131, 7, 4, 192, 0, 2, 1, 0};
    int fresh = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    TRY(setsockopt(fresh, IPPROTO_IP, IP_OPTIONS, route, sizeof route));
    TRY(setsockopt(fresh, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    TRY(setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    TRY(setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    int near = socket(AF_INET, SOCK_DGRAM, 0), far = socket(AF_INET, SOCK_DGRAM, 0);
    TRY(with_inet(bind, near, "127.0.0.1", 0));
    struct sockaddr_in to = inet(local_host(near, &port), 0);
    to.sin_port = htons(port);
    TRY(sendto(far, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
    TRY(recv(near, &byte, 1, 0));
    TRY(sendto(far, "x", 1, 0, (struct sockaddr *)&away, sizeof away));
    TRY(socket(AF_INET, SOCK_RAW, 1));
    TRY(socket(AF_NETLINK, SOCK_RAW, 0));
    TRY(connect(far, (struct sockaddr *)8, sizeof to));
    TRY(connect(far, (struct sockaddr *)&to, 4096));
    TRY(connect(0, (struct sockaddr *)&to, sizeof to));
    TRY(connect(99, (struct sockaddr *)&to, sizeof to));
}

/* A second thread changes address and descriptor all the time: nobody but loopback is ever called. */
static struct sockaddr_in shared;
static volatile int stop, swapped;
static void *change(void *unused) {
    struct sockaddr_in near = inet("127.0.0.1", 9), far = inet("224.0.0.1", 9);
    int spare = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    (void)unused;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    while (!stop) {
        shared = near;
        dup2(pair[0], swapped);
        shared = far;
        dup2(spare, swapped);
    }
    return NULL;
}
static void race(void) {
    pthread_t thread;
    int beyond = 0;
    swapped = socket(AF_INET, SOCK_STREAM, 0);
    pthread_create(&thread, NULL, change, NULL);
    for (int i = 0; i < 3000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        /* Refused by us, or by the peer. Unreachable is what the host says of many at once. */
        if (connect(fd, (struct sockaddr *)&shared, sizeof shared) && errno == ENETUNREACH) beyond++;
        if (connect(swapped, (struct sockaddr *)&shared, sizeof shared) && errno == ENETUNREACH) beyond++;
        listen(swapped, 1);
        /* One that has called in vain may tell of a port that it has no more. */
        int port, listens = 0;
        socklen_t size = sizeof listens;
        getsockopt(swapped, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
        if (listens && !strcmp(local_host(swapped, &port), "0.0.0.0") && port) beyond++;
        close(fd);
    }
    stop = 1;
    pthread_join(thread, NULL);
    printf("beyond %d\n", beyond);
}

/* A call that has to wait keeps nobody else waiting, and ends with its process. */
static void *call(void *unused) {
    (void)unused;
    TRY(connect_path(local(SOCK_STREAM), "/rw/full"));
    return NULL;
}
static void waiting(void) {
    pthread_t thread;
    struct stat s;
    int server = local(SOCK_STREAM), status;
    umask(0);
    bind_path(server, "/rw/full");
    listen(server, 0);
    while (connect_path(local(SOCK_STREAM | SOCK_NONBLOCK), "/rw/full") == 0) continue;
    say("full", -1);
    pid_t child = fork();
    if (child == 0) {
        call(NULL);
        _exit(0);
    }
    pthread_create(&thread, NULL, call, NULL);
    for (int i = 0; i < 2000; i++)
        if (stat("/in/file", &s)) say("stat", -1);
    kill(child, SIGKILL);
    TRY(waitpid(child, &status, 0) == child && WIFSIGNALED(status) ? 0 : -1);
    for (int i = 0; i < 2; i++) accept(server, NULL, NULL);
    pthread_join(thread, NULL);
}

int main(int n, char **words) {
    const char *mode = n > 1 ? words[1] : "";
    if (!strcmp(mode, "paths")) paths(words[2]);
    if (!strcmp(mode, "outside")) outside(words[2]);
    if (!strcmp(mode, "internet")) internet();
    if (!strcmp(mode, "race")) race();
    if (!strcmp(mode, "waiting")) waiting();
    return 0;
}
