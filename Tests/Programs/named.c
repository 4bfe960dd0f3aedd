/* O_PATH of a file, and calls that rearrange the name space: each mode says what came of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}
#define TRY(call) say(#call, (long)(call))

static void path(void) {
    struct stat by_name, by_number;
    char text[64] = {0}, link[32];
    int fd = open("/in/file", O_PATH | O_CLOEXEC);
    stat("/in/file", &by_name);
    TRY(fstat(fd, &by_number));
    printf("same %d\n", by_name.st_ino == by_number.st_ino && by_name.st_dev == by_number.st_dev);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    TRY(readlink(link, text, sizeof text));
    printf("%s\n", text);
    TRY(open(link, O_RDONLY));
    TRY(open(link, O_WRONLY));
    TRY(openat(fd, "x", O_RDONLY));
    TRY(write(fd, "x", 1));
    TRY(fchmod(fd, 0777));
    TRY(fchdir(fd));
    TRY(open("/hidden/a", O_PATH));
    TRY(open("/in/none", O_PATH));
    TRY(open("/in/file", O_PATH | O_DIRECTORY));
    symlink("/in/file", "/ram/link");
    TRY(open("/ram/link", O_PATH | O_NOFOLLOW));
    TRY(open("/ram/link", O_PATH));
    int self = open("/attack", O_PATH);
    char *words[] = {"attack", "again", NULL};
    fflush(stdout);
    if (fork() == 0) {
        syscall(SYS_execveat, self, "", words, NULL, AT_EMPTY_PATH);
        _exit(9);
    }
    int status;
    wait(&status);
    printf("status %d\n", status);
}

/* Directories of one file system have one number, and those of others have others. */
static void numbers(void) {
    const char *names[] = {"/ram", "/ram/a", "/rw", "/rw/a", "/in", "/proc", "/proc/self"};
    struct stat s[7], opened;
    mkdir("/ram/a", 0755);
    mkdir("/rw/a", 0755);
    for (int i = 0; i < 7; i++) {
        stat(names[i], &s[i]);
        int fd = open(names[i], O_RDONLY | O_DIRECTORY);
        fstat(fd, &opened);
        if (opened.st_dev != s[i].st_dev || opened.st_ino != s[i].st_ino) printf("%s is two\n", names[i]);
        for (int j = 0; j < i; j++)
            if (s[i].st_dev == s[j].st_dev) printf("%s %s\n", names[j], names[i]);
    }
}

static void space(void) {
    int status;
    mkdir("/ram/a", 0755);
    mkdir("/ram/b", 0755);
    close(open("/ram/a/f", O_CREAT | O_WRONLY, 0644));
    fflush(stdout);
    if (fork() == 0) {
        TRY(unshare(CLONE_NEWNS));
        TRY(mount("/ram/a", "/ram/b", NULL, MS_BIND, NULL));
        TRY(access("/ram/b/f", F_OK));
        _exit(0);
    }
    wait(&status);
    TRY(access("/ram/b/f", F_OK));
    if (fork() == 0) {
        TRY(prctl(0x656d75, 8));
        TRY(mount("any", "/ram/b", "#Rview", 0, NULL));
        TRY(open("/ram/b/new", O_CREAT | O_WRONLY, 0644));
        TRY(mount("any", "/ram/b", "#none", 0, NULL));
        TRY(mount("any", "/ram/b", "#c", MS_RDONLY, NULL));
        TRY(access("/ram/b/null", F_OK));
        TRY(umount("/ram/b"));
        _exit(0);
    }
    wait(&status);
    TRY(access("/ram/b/new", F_OK));
    if (fork() == 0) {
        TRY(prctl(0x656d75, 8 | 32));
        TRY(mount("any", "/ram/b", "#Rview", 0, NULL));
        _exit(0);
    }
    wait(&status);
    TRY(prctl(0x656d75, 1));
    TRY(prctl(0x656d75, 1L << 40));
    TRY(prctl(0x656d76, 8));
}

int main(int n, char **words) {
    const char *mode = n > 1 ? words[1] : "";
    if (!strcmp(mode, "path")) path();
    if (!strcmp(mode, "numbers")) numbers();
    if (!strcmp(mode, "space")) space();
    if (!strcmp(mode, "again")) printf("again\n");
    return 0;
}
