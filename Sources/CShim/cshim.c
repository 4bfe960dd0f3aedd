#define _GNU_SOURCE
#include "cshim.h"

#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

void **cshim_current(void) {
    static _Thread_local void *current;
    return &current;
}

size_t cshim_stackleft(void) {
    static _Thread_local char *end;
    if (end == NULL) {
        pthread_attr_t attr;
        void *low = NULL;
        size_t size;
        if (pthread_getattr_np(pthread_self(), &attr) != 0) return SIZE_MAX;
        pthread_attr_getstack(&attr, &low, &size);
        pthread_attr_destroy(&attr);
        end = low;
    }
    return (size_t)((char *)__builtin_frame_address(0) - end);
}

int cshim_openat2(int dir, const char *name, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(unsigned)flags, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
}

int cshim_ppoll(struct pollfd *fds, unsigned long n, int64_t nanoseconds) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigdelset(&mask, cshim_wakesignal());
    struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int r = ppoll(fds, n, nanoseconds < 0 ? NULL : &limit, &mask);
    return r < 0 ? -errno : r;
}

int cshim_landlock_version(void) {
#ifdef SYS_landlock_create_ruleset
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    return v > 0 ? (int)v : 0;
#else
    return 0;
#endif
}

int cshim_try_user_namespace(void) {
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

int cshim_has_seccomp_notify(void) {
    struct seccomp_notif_sizes sizes;
    return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0;
}

int cshim_has_executable_memory(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 0;
    munmap(p, 4096);
    return 1;
}
