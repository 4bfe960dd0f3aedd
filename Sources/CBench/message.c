#include "cbench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { Twalk = 110, Tread = 116, Tstat = 124 };

struct message {
    uint16_t tag, names;
    uint32_t fid, newfid, count;
    uint64_t offset;
    char *name[16];
};

static const uint8_t *take(void *field, const uint8_t *from, size_t n) {
    memcpy(field, from, n);
    return from + n;
}

static uint8_t *give(uint8_t *to, const void *field, size_t n) {
    memcpy(to, field, n);
    return to + n;
}

static void get(const uint8_t *frame, struct message *m) {
    uint32_t size;
    take(&size, frame, 4);
    const uint8_t *end = frame + size, *p = take(&m->tag, frame + 5, 2);
    p = take(&m->fid, p, 4);
    m->names = 0;
    if (frame[4] == Tread) take(&m->count, take(&m->offset, p, 8), 4);
    if (frame[4] != Twalk) return;
    uint16_t names, n;
    p = take(&names, take(&m->newfid, p, 4), 2);
    while (m->names < names && m->names < 16 && end - p >= 2) {
        p = take(&n, p, 2);
        if (end - p < n) return;
        m->name[m->names++] = strndup((const char *)p, n);
        p += n;
    }
}

static void put(uint8_t type, const struct message *m, uint8_t *out) {
    out[4] = type;
    uint8_t *p = give(give(out + 5, &m->tag, 2), &m->fid, 4);
    if (type == Tread) p = give(give(p, &m->offset, 8), &m->count, 4);
    if (type == Twalk) {
        p = give(give(p, &m->newfid, 4), &m->names, 2);
        for (int i = 0; i < m->names; i++) {
            uint16_t n = (uint16_t)strlen(m->name[i]);
            p = give(give(p, &n, 2), m->name[i], n);
        }
    }
    uint32_t size = (uint32_t)(p - out);
    give(out, &size, 4);
}

int64_t cbench_message(const uint8_t *frame, long n) {
    uint8_t out[512];
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < n; i++) {
        struct message m;
        get(frame, &m);
        put(frame[4], &m, out);
        for (int k = 0; k < m.names; k++) free(m.name[k]);
        __asm__ volatile("" : : "r"(out), "r"(frame) : "memory"); // so that each round is one
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - start.tv_sec) * INT64_C(1000000000) + end.tv_nsec - start.tv_nsec;
}
