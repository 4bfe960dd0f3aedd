/* The mounter: it owns the user name space that all views are in and two mount name spaces. One is empty for ever: an empty
 * directory that cannot be written to. It is the root of all programs. In the other stands what is mounted for us, all of it
 * below one directory, `base`, that nobody but the mounter may search: so what Landlock lets us do below that directory
 * holds for all of it, and `..' leads out of none of it to anything. */
#define _GNU_SOURCE
#include "csandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* mount(2)'s flags, whose header does not go together with linux/mount.h. */
enum {
    NO_SUID = 2, NO_DEVICES = 4, NO_EXEC = 8, READ_ONLY = 1, REMOUNT = 32, BIND = 4096, RECURSIVE = 16384,
    SLAVE = 1 << 19, DETACH = 2,
};
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = write(fd, text, strlen(text)), e = errno;
    close(fd);
    errno = (int)e;
    return n < 0 ? -1 : 0;
}

/* What stands for directories is in such trees. */
#define DIRECTORIES "200000"
#define DIRECTORY_FLAGS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* A tree in memory that is mounted nowhere yet. */
static int memory_tree(const char *inodes, unsigned attributes) {
    int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0) return -1;
    int tree = -1;
    if (!syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "4k", 0) &&
        !syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) &&
        !syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0755", 0) &&
        !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
    int e = errno;
    close(fs);
    errno = e;
    return tree;
}

/* A FUSE file system that is mounted nowhere yet, ours and no other user's: its root; *device is its connection. */
static int fuse_tree(int devices, int *device) {
    char fd[16], uid[16], gid[16];
    *device = openat(devices, "fuse", O_RDWR | O_CLOEXEC);
    int fs = *device < 0 ? -1 : (int)syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC);
    if (fs < 0) return -1;
    snprintf(fd, sizeof fd, "%d", *device);
    snprintf(uid, sizeof uid, "%u", geteuid());
    snprintf(gid, sizeof gid, "%u", getegid());
    const char *const options[][2] = {
        {"source", "emu"}, {"fd", fd}, {"rootmode", "40000"}, {"user_id", uid}, {"group_id", gid}};
    long result = 0;
    for (size_t i = 0; i < sizeof options / sizeof *options && result == 0; i++)
        result = syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
    if (result == 0) result = syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (result == 0)
        result = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    int e = errno;
    close(fs);
    errno = e;
    return (int)result;
}

/* The user name space, in which we are ourselves and nobody else is anybody. */
static const char *make_users(void) {
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER)) return "user name space";
    /* A host without this file lets the map be written as it is. */
    (void)write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    if (write_file("/proc/self/uid_map", map)) return "uid_map";
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    return write_file("/proc/self/gid_map", map) ? "gid_map" : NULL;
}

/* Makes the empty name space, and stays in it. */
static const char *make_empty(void) {
    static const char *const places[] = {"/tmp", "/proc", "/dev", "/usr"};
    size_t i = 0;
    /* What is mounted here stays here. */
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, RECURSIVE | SLAVE, NULL)) return "mount name space";
    while (mount("none", places[i], "tmpfs", NO_SUID | NO_DEVICES | NO_EXEC, "size=4k,nr_inodes=2,mode=555"))
        if (++i == sizeof places / sizeof *places) return "root";
    if (chdir(places[i]) || syscall(SYS_pivot_root, ".", ".")) return "pivot_root";
    if (umount2(".", DETACH) || chdir("/")) return "umount";
    return mount(NULL, "/", NULL, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC, NULL) ? "remount" : NULL;
}

/* Makes the other one, whose root is `base`. */
static const char *make_base(int *base) {
    if (unshare(CLONE_NEWNS)) return "mount name space";
    *base = memory_tree("100000", DIRECTORY_FLAGS);
    if (*base < 0 || syscall(SYS_move_mount, *base, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH)) return "base";
    return fchdir(*base) || chroot(".") || chmod("/", 0) ? "base" : NULL;
}

/* Mounts a tree below base: its number, or -1. */
static int attach(int tree) {
    static unsigned count;
    char name[16];
    snprintf(name, sizeof name, "/%u", ++count);
    if (tree < 0 || mkdir(name, 0)) return -1;
    if (!syscall(SYS_move_mount, tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH)) return (int)count;
    int e = errno;
    rmdir(name);
    errno = e;
    return -1;
}

static void detach(unsigned number) {
    char name[16];
    snprintf(name, sizeof name, "/%u", number);
    umount2(name, DETACH);
    rmdir(name);
}

_Noreturn void csandbox_mounts(int socket) {
    struct csandbox_wish wish;
    int fds[CSANDBOX_DESCRIPTORS], users = -1, empty = -1, base = -1;
    prctl(PR_SET_NAME, "emu mounter");
    umask(0);
    int devices = open("/dev", O_PATH | O_CLOEXEC), processes = open("/proc", O_PATH | O_CLOEXEC);
    const char *failed = make_users();
    if (!failed) {
        users = openat(processes, "self/ns/user", O_RDONLY | O_CLOEXEC);
        failed = make_empty();
    }
    if (!failed) {
        empty = openat(processes, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
        failed = users < 0 || empty < 0 ? "name spaces" : make_base(&base);
    }
    if (failed) csandbox_give_up(socket, failed);
    csandbox_tell(socket, CSANDBOX_READY, 0, "users", users);
    csandbox_tell(socket, CSANDBOX_READY, 0, "empty", empty);
    csandbox_tell(socket, CSANDBOX_READY, 0, "base", base);
    close(users);
    close(empty);
    close(base);
    close(processes);
    while (1) {
        ssize_t n = csandbox_receive(socket, &wish, sizeof wish, fds);
        if (n == 0 || (n < 0 && errno != EMSGSIZE)) _exit(0);
        csandbox_drop(fds);
        if (n == sizeof wish && wish.kind == CSANDBOX_DETACH) {
            detach(wish.number);
            continue;
        }
        int device = -1, tree = -1;
        errno = EINVAL;
        if (n == sizeof wish && wish.kind == CSANDBOX_FUSE) tree = fuse_tree(devices, &device);
        if (n == sizeof wish && wish.kind == CSANDBOX_TREE) tree = memory_tree(DIRECTORIES, DIRECTORY_FLAGS);
        int number = attach(tree);
        if (number < 0) {
            csandbox_tell(socket, CSANDBOX_FAILED, errno, "tree", -1);
        } else {
            if (device >= 0) csandbox_tell(socket, CSANDBOX_READY, 0, "device", device);
            csandbox_tell(socket, CSANDBOX_READY, number, "root", tree);
        }
        if (device >= 0) close(device);
        if (tree >= 0) close(tree);
    }
}
