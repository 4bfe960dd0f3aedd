/* Races that a hostile program runs: a second thread changes what an argument points to, or what a name leads to, while a call
 * reads it. `/in' may be read, `/rw' written, `/hidden' neither; `/out' is not there. Each mode says how often it got more. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int done;
static long count = 200;

/* What calls are given: a thread has it say one thing and another. */
static char shared[64];
static struct sockaddr_un shared_address = {.sun_family = AF_UNIX};
static const char *good, *bad;
static void set_path(const char *text) {
    strcpy(shared, text);
    strcpy(shared_address.sun_path, text);
}
static void *flip_path(void *x) {
    while (!done) {
        set_path(good);
        set_path(bad);
    }
    return x;
}

static void with(void *(*other)(void *), void (*body)(void)) {
    pthread_t t;
    done = 0;
    pthread_create(&t, NULL, other, NULL);
    for (long i = 0; i < count; i++) body();
    done = 1;
    pthread_join(t, NULL);
}

static long wrong;

static void note(int is_wrong, const char *what) {
    if (is_wrong && wrong++ < 5) printf("wrong: %s\n", what);
}

/* Halves of two names may be that of a directory. */
static int is_other(const struct stat *s) { return S_ISREG(s->st_mode) && s->st_size != 4; }

/* Calls that only look: the good one is a name that may be seen, the bad one of what may not. */
static void looks(void) {
    struct stat s;
    struct statx x;
    char text[128] = {0};
    note(stat(shared, &s) == 0 && is_other(&s), "stat");
    note(lstat(shared, &s) == 0 && is_other(&s), "lstat");
    note(fstatat(AT_FDCWD, shared, &s, 0) == 0 && is_other(&s), "newfstatat");
    note(syscall(SYS_statx, AT_FDCWD, shared, 0, STATX_BASIC_STATS, &x) == 0 && S_ISREG(x.stx_mode) && x.stx_size != 4, "statx");
    note(readlink(shared, text, sizeof text - 1) > 0, "readlink");
    int fd = open(shared, O_RDONLY);
    note(fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && (read(fd, text, sizeof text) != 4 || memcmp(text, "text", 4)),
         "open");
    close(fd);
    fd = openat(AT_FDCWD, shared, O_PATH);
    note(fd >= 0 && (fstat(fd, &s) || is_other(&s)), "open O_PATH");
    close(fd);
}

static void directories(void) {
    char text[128];
    if (chdir(shared) == 0) note(!getcwd(text, sizeof text) || strcmp(text, "/in"), "chdir");
    int fd = open(shared, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return;
    DIR *d = fdopendir(fd);
    for (struct dirent *e; (e = readdir(d));) note(!strcmp(e->d_name, "a"), "readdir");
    closedir(d);
    if (chdir("/")) exit(1);
}

/* Calls that change: the good name is in /rw, the bad one in /in, which stays as it was. */
static void changes(void) {
    struct timeval times[2] = {{0}};
    struct timespec more[2] = {{0}};
    note(mkdir(shared, 0755) && errno != EEXIST && errno != EACCES, "mkdir");
    rmdir(shared);
    int fd = open(shared, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd >= 0) (void)!write(fd, "x", 1);
    close(fd);
    creat(shared, 0666);
    chmod(shared, 0777);
    fchmodat(AT_FDCWD, shared, 0777, 0);
    chown(shared, 1, 1);
    lchown(shared, 1, 1);
    truncate(shared, 0);
    utimes(shared, times);
    utimensat(AT_FDCWD, shared, more, 0);
    mknod(shared, S_IFREG | 0666, 0);
    rename(shared, "/rw/other");
    rename("/rw/other", shared);
    link(shared, "/rw/link");
    link("/rw/link", shared);
    symlink("/nowhere", shared);
    unlink(shared);
    unlink("/rw/link");
    unlink("/rw/other");
    for (fd = 3; fd < 20; fd++) close(fd);
}

/* Sockets that are bound and called, and their messages. */
static void calls(void) {
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr m = {.msg_name = &shared_address, .msg_namelen = sizeof shared_address, .msg_iov = &part, .msg_iovlen = 1};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    bind(fd, (struct sockaddr *)&shared_address, sizeof shared_address);
    unlink("/rw/s");
    connect(fd, (struct sockaddr *)&shared_address, sizeof shared_address);
    sendto(fd, &byte, 1, 0, (struct sockaddr *)&shared_address, sizeof shared_address);
    sendmsg(fd, &m, 0);
    close(fd);
}

/* Programs: the good one ends with 0, the bad one is not to be found or may not be run. */
static char *arguments[3] = {"true", "x", NULL};
static void runs(void) {
    int status;
    pid_t child = vfork();
    if (child == 0) {
        execv(shared, arguments);
        _exit(0);
    }
    note(waitpid(child, &status, 0) != child || status, "execve");
}
static void *flip_arguments(void *x) {
    for (long i = 0; !done; i++) {
        arguments[0] = i & 1 ? "true" : (char *)8;
        arguments[1] = i & 2 ? NULL : (char *)-8;
        strcpy(shared, "/bin/true");
    }
    return x;
}

static void flip(const char *one, const char *other, void (*body)(void)) {
    good = one, bad = other;
    set_path(one);
    with(flip_path, body);
}

/* What a name leads to changes: a symbolic link, a directory that is renamed, and both. */
static void *flip_link(void *x) {
    while (!done) {
        symlink("/in", "/rw/new");
        rename("/rw/new", "/rw/way");
        symlink("/hidden", "/rw/new");
        rename("/rw/new", "/rw/way");
        symlink("../../../../out", "/rw/new");
        rename("/rw/new", "/rw/way");
    }
    return x;
}
static void *flip_directory(void *x) {
    while (!done) {
        rename("/rw/a/b", "/rw/b");
        rename("/rw/b", "/rw/a/b");
    }
    return x;
}
static const char *const names[] = {
    "/rw/way/secret", "/rw/way/a", "/rw/a/b/../../../out/secret", "/rw/a/b/../../../../out/secret", "/rw/a/b/../../out/secret",
    "/rw/b/../../out/secret",
};
static void follows(void) {
    char text[16] = {0};
    struct stat s;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int fd = open(names[i], O_RDONLY);
        note(fd >= 0, names[i]);
        close(fd);
        note(stat(names[i], &s) == 0, names[i]);
    }
    int fd = open("/rw/way/file", O_RDONLY);
    note(fd >= 0 && (read(fd, text, sizeof text) != 4 || memcmp(text, "text", 4)), "link");
    close(fd);
    note((fd = open("/rw/way/file", O_WRONLY)) >= 0, "written by link");
    close(fd);
    /* From a directory that moves while one is in it. */
    int there = open("/rw/a/b", O_RDONLY | O_DIRECTORY);
    if (there < 0) return;
    for (size_t i = 0; i < 3; i++) {
        static const char *const up[] = {"../../../out/secret", "../../out/secret", "../out/secret"};
        note((fd = openat(there, up[i], O_RDONLY)) >= 0, "openat ..");
        close(fd);
        note(!fchdir(there) && (fd = open(up[i], O_RDONLY)) >= 0, "fchdir ..");
        close(fd);
    }
    close(there);
    if (chdir("/")) exit(1);
}

/* Names in /proc that lead to roots, directories and descriptors. */
static void reopens(void) {
    static const char *const ways[] = {
        "/proc/self/root/out/secret", "/proc/self/root/../out/secret", "/proc/1/root/etc/shadow", "/proc/self/root/etc/shadow",
        "/proc/self/cwd/../out/secret", "/proc/self/task/1/root/etc/shadow", "/proc/thread-self/root/etc/shadow",
        "/proc/self/root/hidden/a", "/dev/fd/../../out/secret", "/proc/self/fd/../root/out/secret",
    };
    char way[64], text[64];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) note(open(ways[i], O_RDONLY) >= 0, ways[i]);
    int fd = open("/in", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 3; i++) {
        static const char *const up[] = {"/../out/secret", "/../../../../etc/shadow", "/../hidden/a"};
        snprintf(way, sizeof way, "/proc/self/fd/%d%s", fd, up[i]);
        note(open(way, O_RDONLY) >= 0, way);
    }
    snprintf(way, sizeof way, "/proc/self/fd/%d/file", fd);
    note(open(way, O_RDONLY) < 0, "through a descriptor");
    note(open(way, O_WRONLY) >= 0, "written through a descriptor");
    for (int i = 0; i < 64; i++) {
        /* A descriptor of the supervisor's, or of another process: none is there. */
        snprintf(way, sizeof way, "/proc/1/fd/%d", i);
        note(open(way, O_RDWR) >= 0, way);
    }
    note(readlink("/proc/self/root", text, sizeof text) != 1, "root");
}

/* As many and as long names as one may write: 4 GiB of them at once, in the memory of one string. */
static void paths(void) {
    enum { LONG = 100 << 10, MANY = 42000 };
    char *text = malloc(LONG + 1), **words = calloc(MANY + 1, sizeof *words), name[4096];
    memset(text, 'x', LONG);
    text[LONG] = 0;
    for (int i = 0; i < MANY; i++) words[i] = text;
    execv("/bin/true", words);
    printf("execve %s\n", strerrorname_np(errno));
    memset(name, '/', sizeof name);
    strcpy(name + sizeof name - 8, "in/file");
    struct stat s;
    for (long i = 0; i < count; i++) note(stat(name, &s) != 0, "slashes");
    for (size_t i = 0; i + 3 < sizeof name - 8; i += 2) memcpy(name + i, "./", 2);
    name[0] = '/';
    for (long i = 0; i < count; i++) note(stat(name, &s) != 0, "dots");
    char *area = mmap(NULL, 1L << 32, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) exit(1);
    for (long at = 0; at < 1L << 32; at += 1L << 26) {
        memset(area + at, 'y', 8192);
        note(open(area + at, O_RDONLY) >= 0 || errno != ENAMETOOLONG, "without an end");
    }
}

int main(int n, char **words) {
    const char *mode = n > 1 ? words[1] : "";
    if (n > 2) count = atol(words[2]);
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(mode, "pointers")) {
        flip("/in/file", "/hidden/a", looks);
        flip("/in", "/hidden", directories);
        flip("/rw/x", "/in/file", changes);
        flip("/rw/x", "/in/new", changes);
        flip("/rw/s", "/in/s", calls);
        flip("/bin/true", "/hidden/run", runs);
        with(flip_arguments, runs);
    }
    if (!strcmp(mode, "names")) {
        mkdir("/rw/a", 0755);
        mkdir("/rw/a/b", 0755);
        with(flip_link, follows);
        with(flip_directory, follows);
    }
    if (!strcmp(mode, "reopen")) reopens();
    if (!strcmp(mode, "paths")) paths();
    printf("wrong %ld\n", wrong);
    return 0;
}
