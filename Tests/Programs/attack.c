/* What a hostile program tries: each mode says what came of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

static void say(const char *what, long result) {
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}
#define TRY(call) say(#call, (long)(call))

static void refused(void) {
    int pid = getpid();
    say("openat2", syscall(437, -100, "/in/file", "", 24));
    say("io_uring_setup", syscall(425, 8, 0));
    say("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0));
    say("process_vm_readv", syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0));
    say("pidfd_getfd", syscall(438, 0, 0, 0));
    say("bpf", syscall(SYS_bpf, 0, 0, 0));
    say("perf_event_open", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
    say("userfaultfd", syscall(SYS_userfaultfd, 0));
    say("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    say("setns", syscall(SYS_setns, 0, 0));
    say("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
    say("seccomp", syscall(SYS_seccomp, 1, 0, 0));
    say("x32", syscall(0x40000000 | SYS_getpid));
    say("socket", socket(AF_INET, SOCK_STREAM, 0));
    say("clone of a user name space", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    say("unshare of a user name space", unshare(CLONE_NEWUSER));
    say("TIOCSTI", ioctl(0, TIOCSTI, "x"));
    say("process still itself", getpid() == pid ? 0 : -1);
}

/* A descriptor of a directory leads nowhere but where its names lead. */
static void directories(void) {
    int in = open("/in", O_RDONLY | O_DIRECTORY), root = open("/", O_RDONLY | O_DIRECTORY);
    struct stat s;
    char *args[] = {"true", NULL};
    const char *up[] = {"../out/secret", "../../out/secret", "../../../../../../etc/shadow"};
    printf("open %d\n", in >= 0 && root >= 0);
    for (int i = 0; i < 3; i++) {
        int bad = syscall(SYS_newfstatat, in, up[i], &s, AT_EMPTY_PATH) == 0;
        bad += syscall(SYS_newfstatat, root, up[i], &s, AT_EMPTY_PATH) == 0;
        bad += syscall(SYS_newfstatat, AT_FDCWD, up[i], &s, AT_EMPTY_PATH) == 0;
        syscall(SYS_execveat, in, up[i], args, environ, AT_EMPTY_PATH);
        syscall(SYS_execveat, root, up[i], args, environ, AT_EMPTY_PATH);
        bad += openat(in, up[i], O_RDONLY) >= 0;
        bad += openat(root, up[i], O_RDONLY) >= 0;
        printf("%s %d\n", up[i], bad);
        fflush(stdout);
    }
    TRY(openat(in, "file", O_RDONLY));
    TRY(openat(in, "file", O_WRONLY));
    TRY(mkdirat(in, "made", 0755));
    TRY(fchmod(in, 0777));
}

/* A descriptor that was opened for reading stays so. */
static void readonly(void) {
    int fd = open("/in/file", O_RDONLY);
    char name[64];
    int flags = 0;
    struct timespec now[2] = {{0}};
    TRY(fchmod(fd, 0777));
    TRY(fchown(fd, 1, 1));
    TRY(futimens(fd, now));
    TRY(ftruncate(fd, 0));
    TRY(write(fd, "x", 1));
    TRY(fallocate(fd, 0, 0, 10));
    TRY(ioctl(fd, 0x40086602, &flags));
    TRY(fcntl(fd, F_SETLEASE, F_WRLCK));
    TRY(fsetxattr(fd, "user.x", "", 0, 0));
    say("mmap", mmap(0, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    fcntl(fd, F_SETFL, O_RDWR);
    TRY(write(fd, "x", 1));
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    say("reopen", open(name, O_RDWR));
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    say("reopen", open(name, O_RDWR));
    TRY(open("/in/file", O_RDWR));
    TRY(open("/in/file", O_RDONLY | O_TRUNC));
    TRY(chmod("/in/file", 0777));
    TRY(unlink("/in/file"));
    TRY(rename("/in/file", "/rw/file"));
    TRY(link("/in/file", "/rw/file"));
    TRY(truncate("/in/file", 0));
}

static volatile int done;
static char shared[64];
static void *flip(void *x) {
    for (long i = 0; !done; i++) strcpy(shared, i & 1 ? "/in/file" : "/hidden/a");
    return x;
}

/* A path that another thread changes is one or the other, and never read twice. */
static void race(void) {
    pthread_t t;
    int leaks = 0, opened = 0;
    char text[16];
    strcpy(shared, "/in/file");
    pthread_create(&t, 0, flip, 0);
    for (int i = 0; i < 3000; i++) {
        int fd = open(shared, O_RDONLY);
        if (fd < 0) continue;
        opened++;
        ssize_t n = read(fd, text, sizeof text);
        if (n < 4 || memcmp(text, "text", 4)) leaks++;
        close(fd);
    }
    done = 1;
    pthread_join(t, 0);
    printf("opened %d leaks %d\n", opened > 0, leaks);
}

static void tick(int s) { (void)s; }

/* A signal interrupts no call that has been carried out. */
static void storm(void) {
    struct sigaction a = {.sa_handler = tick, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    int wrong = 0;
    sigaction(SIGALRM, &a, 0);
    setitimer(ITIMER_REAL, &often, 0);
    for (int i = 0; i < 2000; i++) {
        if (mkdir("/rw/d", 0755)) wrong++;
        if (rmdir("/rw/d")) wrong++;
    }
    setitimer(ITIMER_REAL, &never, 0);
    printf("wrong %d\n", wrong);
}

/* A child has the directory that its parent had when it was made, whatever that does afterwards. */
static void family(void) {
    int wrong = 0;
    for (int i = 0; i < 200; i++) {
        if (chdir("/in")) wrong++;
        pid_t child = fork();
        if (child == 0) {
            char text[64];
            _exit(getcwd(text, sizeof text) && !strcmp(text, "/in") && open("file", O_RDONLY) >= 0 ? 0 : 1);
        }
        if (chdir("/")) wrong++;
        int status;
        if (waitpid(child, &status, 0) != child || status) wrong++;
    }
    for (int i = 0; i < 100; i++) {
        int ends[2], status;
        char byte = 'x';
        if (pipe(ends) || chdir("/in")) wrong++;
        pid_t middle = fork();
        if (middle == 0) {
            if (fork() == 0) {
                byte = open("file", O_RDONLY) >= 0 ? 'y' : 'n';
                if (write(ends[1], &byte, 1) != 1) _exit(1);
            }
            _exit(0);
        }
        close(ends[1]);
        waitpid(middle, &status, 0);
        if (read(ends[0], &byte, 1) != 1 || byte != 'y') wrong++;
        close(ends[0]);
        if (chdir("/")) wrong++;
    }
    printf("wrong %d\n", wrong);
}

static void *reader(void *x) {
    long wrong = 0;
    for (int i = 0; i < 300; i++) {
        int fd = open("/in/file", O_RDONLY);
        if (fd < 0) wrong++;
        else close(fd);
    }
    (void)x;
    return (void *)wrong;
}

static void *become(void *x) {
    char *args[] = {"echo", "from a thread", NULL};
    execve("/bin/echo", args, environ);
    return x;
}

static void threads(void) {
    pthread_t t[8];
    long wrong = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, reader, 0);
        for (int i = 0; i < 8; i++) {
            void *w;
            pthread_join(t[i], &w);
            wrong += (long)w;
        }
    }
    for (int i = 0; i < 50; i++) {
        pid_t child;
        int status;
        char *args[] = {"true", NULL};
        if (posix_spawn(&child, "/bin/true", 0, 0, args, environ) || waitpid(child, &status, 0) != child || status) wrong++;
    }
    char *none[] = {"x", NULL};
    pid_t child;
    if (posix_spawn(&child, "/nosuch", 0, 0, none, environ) != ENOENT) wrong++;
    printf("wrong %ld\n", wrong);
    fflush(stdout);
    pthread_create(&t[0], 0, become, 0);
    pthread_join(t[0], 0);
}

/* Arguments that lead nowhere. */
static void pointers(void) {
    static char endless[1 << 16];
    memset(endless, 'x', sizeof endless);
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    strcpy(page + 4096 - 9, "/in/file");
    TRY(open((char *)8, O_RDONLY));
    TRY(open(endless, O_RDONLY));
    TRY(open(page + 4096 - 9, O_RDONLY));
    page[4095] = 'x';
    TRY(open(page + 4096 - 9, O_RDONLY));
    say("stat into nothing", syscall(SYS_stat, "/in/file", 8));
    say("execve of nothing", syscall(SYS_execve, 8, 8, 8));
    say("execve with bad arguments", syscall(SYS_execve, "/bin/true", 8, 0));
    struct rlimit few = {64, 64};
    setrlimit(RLIMIT_NOFILE, &few);
    int fd, last = -1;
    while ((fd = open("/in/file", O_RDONLY)) >= 0) last = fd;
    int failure = errno;
    close(last);
    errno = failure;
    say("one descriptor more", -1);
    TRY(open("/in/file", O_RDONLY));
}

int main(int count, char **words) {
    const char *mode = words[1];
    (void)count;
    if (!strcmp(mode, "refused")) refused();
    if (!strcmp(mode, "directories")) directories();
    if (!strcmp(mode, "readonly")) readonly();
    if (!strcmp(mode, "race")) race();
    if (!strcmp(mode, "storm")) storm();
    if (!strcmp(mode, "family")) family();
    if (!strcmp(mode, "threads")) threads();
    if (!strcmp(mode, "pointers")) pointers();
    if (!strcmp(mode, "int80")) {
        int r;
        __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
        printf("%d\n", r);
    }
    if (!strcmp(mode, "kill")) {
        pid_t outside = atoi(words[2]);
        TRY(kill(outside, 0));
        TRY(kill(-outside, 0));
        say("init", kill(1, SIGKILL));
        printf("parent %d\n", getppid());
    }
    return 0;
}
