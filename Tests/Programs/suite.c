/* One file test suite for a directory that it is given: what each call says, and what is there afterwards. Of two directories
 * that are the same it says the same. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result) {
    if (result < 0) printf("%s %s\n", what, strerrorname_np(errno));
    else printf("%s %ld\n", what, result);
}
#define TRY(call) say(#call, (long)(call))
#define OPENS(call) \
    do { \
        int fd_ = (call); \
        say(#call, fd_ < 0 ? -1 : 0); \
        if (fd_ >= 0) close(fd_); \
    } while (0)

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* Names, kinds, modes, links, sizes and what links say, of all below a directory. */
static void list(const char *path, int depth) {
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char below[512], target[128] = {0};
        struct stat s, followed;
        snprintf(below, sizeof below, "%s/%s", path, name);
        int is_up = !strcmp(name, "..");
        if (!is_up && lstat(below, &s) == 0) {
            int length = S_ISLNK(s.st_mode) ? (int)readlink(below, target, sizeof target - 1) : 0;
            printf("%*s%s %o %ld %ld %d %d %.*s\n", depth, "", name, s.st_mode, S_ISDIR(s.st_mode) ? 0 : (long)s.st_nlink,
                   S_ISDIR(s.st_mode) ? 0 : (long)s.st_size, entries[i]->d_type == IFTODT(s.st_mode),
                   entries[i]->d_ino == s.st_ino || stat(below, &followed) < 0, length, target);
            if (S_ISDIR(s.st_mode) && strcmp(name, ".")) list(below, depth + 1);
        }
        free(entries[i]);
    }
    if (n >= 0) free(entries);
}

static int put(const char *name, const char *text) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0) return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return (int)n;
}

int main(int n, char **words) {
    struct stat a = {0}, b = {0};
    struct statx x = {0};
    char text[256] = {0};
    struct timespec times[2] = {{1000000000, 5}, {1000000001, 7}};
    if (n < 2 || chdir(words[1])) return 1;
    int top = open(".", O_RDONLY | O_DIRECTORY);
    umask(022);
    TRY(mkdir("d", 0777));
    TRY(mkdir("d", 0777));
    TRY(mkdir("d/e/f", 0755));
    TRY(mkdirat(top, "d/e", 0700));
    TRY(put("d/f", "one\ntwo\n"));
    TRY(put("d/e/g", "three"));
    TRY(put("none/f", ""));
    TRY(put("d/f/g", ""));
    OPENS(open("d/f", O_RDONLY | O_DIRECTORY));
    OPENS(open("d", O_WRONLY));
    OPENS(open("d/f", O_WRONLY | O_CREAT | O_EXCL, 0600));
    OPENS(open("d/new", O_RDWR | O_CREAT | O_EXCL, 0600));
    OPENS(openat(top, "d/f", O_RDONLY | O_NOFOLLOW));
    OPENS(open("d", O_RDWR | O_TMPFILE, 0600));
    TRY(symlink("f", "d/to f"));
    TRY(symlink("to nothing", "d/dangling"));
    TRY(symlink("loop", "d/loop"));
    TRY(symlink("../d", "d/up"));
    OPENS(open("d/loop", O_RDONLY));
    OPENS(open("d/dangling", O_RDONLY));
    OPENS(open("d/to f", O_RDONLY | O_NOFOLLOW));
    OPENS(open("d/up/up/up/f", O_RDONLY));
    OPENS(open("d/dangling", O_WRONLY | O_CREAT, 0644));
    TRY(readlink("d/to f", text, sizeof text));
    TRY(readlink("d/f", text, sizeof text));
    TRY(link("d/f", "d/e/linked"));
    TRY(link("d/f", "d/new"));
    TRY(link("d", "d/hard"));
    TRY(linkat(top, "d/to f", top, "d/link of a link", 0));
    TRY(stat("d/f", &a));
    TRY(stat("d/e/linked", &b));
    printf("same %d links %ld\n", a.st_ino == b.st_ino && a.st_dev == b.st_dev, (long)a.st_nlink);
    TRY(rename("d/f", "d/e/linked"));
    TRY(rename("d/e/linked", "d/moved"));
    TRY(rename("d", "d/e/d"));
    TRY(rename("d/moved", "d/e"));
    TRY(rename("d/e", "d/moved"));
    TRY(rename("d/none", "d/x"));
    TRY(syscall(SYS_renameat2, top, "d/moved", top, "d/new", 1));
    TRY(syscall(SYS_renameat2, top, "d/moved", top, "d/new", 2));
    TRY(rename("d/new", "d/moved"));
    TRY(chmod("d/moved", 04751));
    TRY(fchmodat(top, "d/e", 0711, 0));
    TRY(chmod("d/none", 0));
    TRY(truncate("d/moved", 3));
    TRY(truncate("d/moved", 100));
    TRY(truncate("d", 1));
    TRY(utimensat(top, "d/moved", times, 0));
    TRY(stat("d/moved", &a));
    printf("times %ld %ld %ld %ld\n", a.st_atim.tv_sec, a.st_atim.tv_nsec, a.st_mtim.tv_sec, a.st_mtim.tv_nsec);
    TRY(syscall(SYS_statx, top, "d/moved", 0, STATX_BASIC_STATS, &x));
    printf("statx %o %llu\n", x.stx_mode, (unsigned long long)x.stx_size);
    TRY(access("d/moved", R_OK | W_OK));
    TRY(access("d/none", F_OK));
    TRY(access("d/moved/x", F_OK));
    TRY(mkfifo("d/fifo", 0640));
    TRY(mknod("d/plain", S_IFREG | 0604, 0));
    TRY(mknod("d/device", S_IFCHR | 0600, 0x103));
    TRY(rmdir("d/e"));
    TRY(rmdir("d/moved"));
    TRY(unlink("d/e"));
    TRY(unlink("d/none"));
    TRY(unlinkat(top, "d/e/g", 0));
    TRY(mkdir("d/to go", 0755));
    int gone = open("d/to go", O_RDONLY | O_DIRECTORY);
    TRY(unlinkat(top, "d/to go", AT_REMOVEDIR));
    OPENS(openat(gone, "x", O_WRONLY | O_CREAT, 0600));
    TRY(chdir("d/e"));
    OPENS(open("../moved", O_RDONLY));
    TRY(put("here", "here"));
    TRY(fchdir(top));
    int fd = open("d/kept", O_RDWR | O_CREAT, 0600);
    TRY(write(fd, "0123456789", 10));
    TRY(pwrite(fd, "ab", 2, 4));
    TRY(lseek(fd, 2, SEEK_SET));
    TRY(read(fd, text, 5));
    printf("%.5s\n", text);
    TRY(ftruncate(fd, 4));
    TRY(unlink("d/kept"));
    TRY(fstat(fd, &a));
    printf("size %ld links %ld\n", (long)a.st_size, (long)a.st_nlink);
    TRY(fchmod(fd, 0400));
    TRY(flock(fd, LOCK_EX | LOCK_NB));
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) page[1] = 'X';
    TRY(pread(fd, text, 4, 0));
    printf("%.4s\n", text);
    close(fd);
    fd = open("d/appended", O_WRONLY | O_CREAT | O_APPEND, 0600);
    TRY(write(fd, "one", 3));
    TRY(lseek(fd, 0, SEEK_SET));
    TRY(write(fd, "two", 3));
    close(fd);
    int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {AF_UNIX, "d/socket"};
    TRY(bind(socket_fd, (struct sockaddr *)&address, sizeof address));
    TRY(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
    TRY(listen(socket_fd, 1));
    TRY(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
    memset(text, 'n', 255);
    TRY(mkdir(text, 0755));
    TRY(rmdir(text));
    DIR *d = opendir("d");
    int seen = 0, removed = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "d/many%d", i);
        put(text, "");
    }
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(text, sizeof text, "d/%.250s", e->d_name);
        if (!strncmp(e->d_name, "many", 4)) seen++, removed += unlink(text) == 0;
    }
    closedir(d);
    printf("removed all that were seen %d\n", seen == removed);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "d/many%d", i);
        unlink(text);
    }
    list(".", 0);
    return 0;
}
