/* What programs do with processes and descriptors, and what they find: `family.c mode [count]` prints it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether the caller has directory /in and umask 027. */
static int is_there(void) {
    char text[64];
    mode_t mask = umask(027);
    int fd = open("file", O_RDONLY);
    if (fd >= 0) close(fd);
    return getcwd(text, sizeof text) && !strcmp(text, "/in") && mask == 027 && fd >= 0;
}

/* A child has what its parent had when it was made, whatever that does afterwards. */
static void parent(long count) {
    long wrong = 0;
    for (long i = 0; i < count; i++) {
        if (chdir("/in")) wrong++;
        umask(027);
        pid_t child = fork();
        if (child == 0) _exit(is_there() ? 0 : 1);
        umask(077);
        if (chdir("/")) wrong++;
        int status;
        if (waitpid(child, &status, 0) != child || status) wrong++;
    }
    printf("wrong %ld\n", wrong);
}

/* The same for a grandchild whose parent ends at once. */
static void middle(long count) {
    long wrong = 0;
    for (long i = 0; i < count; i++) {
        int ends[2], status;
        char byte = 0;
        if (pipe(ends) || chdir("/in")) wrong++;
        umask(027);
        pid_t middle = fork();
        if (middle == 0) {
            if (fork() == 0) {
                byte = is_there() ? 'y' : 'n';
                _exit(write(ends[1], &byte, 1) != 1);
            }
            _exit(0);
        }
        umask(077);
        if (chdir("/")) wrong++;
        close(ends[1]);
        if (waitpid(middle, &status, 0) != middle || status) wrong++;
        if (read(ends[0], &byte, 1) != 1 || byte != 'y') wrong++;
        close(ends[0]);
    }
    printf("wrong %ld\n", wrong);
}

static volatile sig_atomic_t ticks;
static void tick(int signal) { (void)signal, ticks++; }

/* Signals of a handler that asks for no restarts, during calls that name something and while processes are made: each call is
 * carried out once, and none ends for a signal, as none does elsewhere. */
static void storm(long count) {
    struct sigaction a = {.sa_handler = tick};
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    struct stat s;
    long wrong = 0;
    int fd, status;
    sigaction(SIGALRM, &a, 0);
    setitimer(ITIMER_REAL, &often, 0);
    for (long i = 0; ticks < count || i < count / 100; i++) {
        if (mkdir("/rw/d", 0755)) wrong++;
        if (rename("/rw/d", "/rw/e")) wrong++;
        if (stat("/rw/e", &s)) wrong++;
        if (rmdir("/rw/e")) wrong++;
        if ((fd = open("/in/file", O_RDONLY)) < 0 || close(fd)) wrong++;
        if (i % 10) continue;
        pid_t child = fork();
        if (child == 0) {
            /* Timers are not inherited, handlers and masks are. */
            sigset_t set;
            sigprocmask(SIG_BLOCK, NULL, &set);
            if (sigismember(&set, SIGUSR1) || sigismember(&set, SIGALRM)) _exit(2);
            if (i % 100) _exit(0);
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        if (child < 0) wrong++;
        while (child > 0 && waitpid(child, &status, 0) != child)
            if (errno != EINTR) exit(1);
        if (child > 0 && status) wrong++;
    }
    setitimer(ITIMER_REAL, &never, 0);
    printf("wrong %ld\n", wrong);
}

static void *opener(void *wrong) {
    for (int i = 0; i < 200; i++) {
        int fd = open("/in/file", O_RDONLY), status;
        if (fd < 0 || close(fd)) __atomic_fetch_add((long *)wrong, 1, __ATOMIC_RELAXED);
        if (i % 20) continue;
        pid_t child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        if (child < 0) __atomic_fetch_add((long *)wrong, 1, __ATOMIC_RELAXED);
        while (child > 0 && waitpid(child, &status, 0) != child)
            if (errno != EINTR) exit(1);
    }
    return NULL;
}

static void *sleeper(void *x) {
    while (1) pause();
    return x;
}

static void *changer(void *wrong) {
    char text[32];
    snprintf(text, sizeof text, "wrong %ld", *(long *)wrong);
    execl("/bin/echo", "echo", text, NULL);
    return NULL;
}

/* The same with threads; one that is not the first becomes another program at last, while others sleep. */
static void crowd(void) {
    static long wrong;
    struct sigaction a = {.sa_handler = tick};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    pthread_t t[4];
    pthread_create(t, NULL, sleeper, NULL);
    sigaction(SIGALRM, &a, 0);
    setitimer(ITIMER_REAL, &often, 0);
    for (int i = 1; i < 4; i++) pthread_create(t + i, NULL, opener, &wrong);
    for (int i = 1; i < 4; i++) pthread_join(t[i], NULL);
    setitimer(ITIMER_REAL, &never, 0);
    pthread_create(t + 1, NULL, changer, &wrong);
    sleeper(NULL);
}

/* What a signal ends elsewhere, it ends: reading what does not come, waiting, sleeping; once each. */
static void ended(void) {
    struct sigaction a = {.sa_handler = tick};
    struct itimerval once = {{0, 0}, {0, 20000}};
    int ends[2], status;
    char byte;
    struct timespec long_time = {100, 0};
    sigaction(SIGALRM, &a, 0);
    if (pipe(ends)) exit(1);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        _exit((int)read(ends[0], &byte, 1));
    }
    setitimer(ITIMER_REAL, &once, 0);
    printf("read %s\n", read(ends[0], &byte, 1) < 0 ? strerrorname_np(errno) : "ok");
    setitimer(ITIMER_REAL, &once, 0);
    printf("wait %s\n", waitpid(child, &status, 0) < 0 ? strerrorname_np(errno) : "ok");
    setitimer(ITIMER_REAL, &once, 0);
    printf("sleep %s\n", nanosleep(&long_time, NULL) < 0 ? strerrorname_np(errno) : "ok");
    close(ends[1]);
    printf("wait %s %d\n", waitpid(child, &status, 0) == child ? "ok" : strerrorname_np(errno), status);
}

/* Forks until it may not any more, 100 times at most; then all children end, and there is room again. */
static void bomb(void) {
    int hold[2], made = 0, again = -1;
    char byte;
    if (pipe(hold)) exit(1);
    while (made < 100) {
        pid_t child = fork();
        if (child < 0) break;
        if (child == 0) {
            close(hold[1]);
            _exit((int)read(hold[0], &byte, 1));
        }
        made++;
    }
    printf("fork %s after %d\n", made < 100 ? strerrorname_np(errno) : "ok", made);
    close(hold[1]);
    while (wait(NULL) > 0) continue;
    for (int i = 0; i < 5000 && again < 0; i++) {
        if ((again = fork()) == 0) _exit(0);
        usleep(1000);
    }
    printf("again %s\n", again > 0 ? "ok" : strerrorname_np(errno));
}

static void descriptors(void) {
    int fd, last = -1, count = 0;
    while ((fd = open("/in/file", O_RDONLY)) >= 0) last = fd, count++;
    printf("open %s\n", strerrorname_np(errno));
    if (pipe((int[2]){0, 0}) < 0) printf("pipe %s\n", strerrorname_np(errno));
    for (; count > 0; count--) close(last--);
    printf("open %s\n", open("/in/file", O_RDONLY) >= 0 ? "ok" : strerrorname_np(errno));
}

/* A descriptor that another process has opened: it can be read, and no more than that. */
static void passing(void) {
    int ends[2], fd = -1;
    char byte = 'x', text[16] = {0};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {0};
    struct iovec part = {&byte, 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    if (fork() == 0) {
        fd = open("/in/file", O_RDONLY);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        _exit(sendmsg(ends[0], &m, 0) != 1);
    }
    if (recvmsg(ends[1], &m, 0) == 1 && CMSG_FIRSTHDR(&m)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    wait(NULL);
    printf("read %s\n", read(fd, text, sizeof text - 1) > 0 ? text : strerrorname_np(errno));
    printf("write %s\n", write(fd, "x", 1) == 1 ? "ok" : strerrorname_np(errno));
    printf("fchmod %s\n", fchmod(fd, 0777) == 0 ? "ok" : strerrorname_np(errno));
    snprintf(text, sizeof text, "/dev/fd/%d", fd);
    printf("again %s\n", open(text, O_RDWR) >= 0 ? "ok" : "refused");
}

int main(int words, char **word) {
    const char *mode = words > 1 ? word[1] : "";
    long count = words > 2 ? atol(word[2]) : 1;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!strcmp(mode, "parent")) parent(count);
    if (!strcmp(mode, "middle")) middle(count);
    if (!strcmp(mode, "storm")) storm(count);
    if (!strcmp(mode, "crowd")) crowd();
    if (!strcmp(mode, "ended")) ended();
    if (!strcmp(mode, "bomb")) bomb();
    if (!strcmp(mode, "descriptors")) descriptors();
    if (!strcmp(mode, "passing")) passing();
    return 0;
}
