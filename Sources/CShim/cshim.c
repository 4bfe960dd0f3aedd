#define _GNU_SOURCE
#include "cshim.h"

#include <linux/openat2.h>
#include <sys/syscall.h>

void **cshim_current(void) {
    static _Thread_local void *current;
    return &current;
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
