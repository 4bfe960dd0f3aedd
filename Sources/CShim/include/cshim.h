#ifndef EMU_CSHIM_H
#define EMU_CSHIM_H
/* What Swift cannot say: variadic calls, macros, thread-local variables. No state but the thread's own pointer. */

static inline void **cshim_tls(void) {
    static _Thread_local void *current;
    return &current;
}

#endif
