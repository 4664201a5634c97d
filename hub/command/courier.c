#include "hub/command/courier.h"

#include "common/base/strmap.h"
#include <assert.h>
#include <stdlib.h>

enum {
    ARENA_BYTES_MAX = 64 << 20,
    BURSTS_PER_S = 10,
    RESENDS_DOUBLED_MAX = 5,
};
#define RESEND_NS (30 * NS_PER_SEC)

struct entry {
    struct str name;
    struct wall_time born;
    struct mono_time due;
    size_t heap_at; /* 1-based; 0 = not due at all */
    bool is_online;
};
struct courier {
    struct arena arena;    /* names and the map */
    struct strmap by_name; /* to an index of entries */
    struct entry *entries;
    size_t *heap; /* indexes of entries, the earliest due first; [0] is not used */
    size_t count, cap, heap_count;
    int64_t interval_ns;      /* from one message to the next */
    int64_t burst_ns;         /* how far may be caught up */
    struct mono_time allowed; /* when the next message may go */
};

bool courier_open(struct courier **ret, int64_t per_second, struct err *err)
{
    struct courier *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "commands: out of memory");
    }
    assert(per_second >= 1);
    c->arena = arena_new(ARENA_BYTES_MAX);
    c->by_name = strmap_new(&c->arena);
    c->interval_ns = NS_PER_SEC / per_second;
    c->burst_ns = NS_PER_SEC / BURSTS_PER_S;
    *ret = c;
    return true;
}

void courier_close(struct courier *c)
{
    if (c == NULL) {
        return;
    }
    arena_release(&c->arena);
    free(c->entries);
    free(c->heap);
    free(c);
}

/* --- the heap --------------------------------------------------------------------------------- */

static bool is_before(const struct courier *c, size_t a, size_t b)
{
    return c->entries[c->heap[a]].due.ns < c->entries[c->heap[b]].due.ns;
}

static void swap(struct courier *c, size_t a, size_t b)
{
    size_t kept = c->heap[a];
    c->heap[a] = c->heap[b];
    c->heap[b] = kept;
    c->entries[c->heap[a]].heap_at = a;
    c->entries[c->heap[b]].heap_at = b;
}

static void sift(struct courier *c, size_t at)
{
    for (; at > 1 && is_before(c, at, at / 2); at /= 2) {
        swap(c, at, at / 2);
    }
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at; child <= 2 * at + 1 && child <= c->heap_count; child++) {
            least = is_before(c, child, least) ? child : least;
        }
        if (least == at) {
            return;
        }
        swap(c, at, least);
        at = least;
    }
}

static void unschedule(struct courier *c, struct entry *e)
{
    size_t at = e->heap_at;
    if (at == 0) {
        return;
    }
    if (at != c->heap_count) {
        swap(c, at, c->heap_count);
        c->heap_count--;
        sift(c, at);
    } else {
        c->heap_count--;
    }
    e->heap_at = 0;
}

static void schedule(struct courier *c, struct entry *e, struct mono_time due)
{
    e->due = due;
    if (e->heap_at == 0) {
        e->heap_at = ++c->heap_count;
        c->heap[e->heap_at] = (size_t)(e - c->entries);
    }
    sift(c, e->heap_at);
}

/* --- devices ---------------------------------------------------------------------------------- */

static struct entry *find(struct courier *c, struct str device)
{
    uint32_t at = 0;
    return strmap_get(&c->by_name, device, &at) ? &c->entries[at] : NULL;
}

static bool make_room(struct courier *c)
{
    if (c->count < c->cap) {
        return true;
    }
    size_t cap = c->cap == 0 ? 64 : c->cap * 2;
    struct entry *entries = reallocarray(c->entries, cap, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    c->entries = entries;
    size_t *heap = reallocarray(c->heap, cap + 1, sizeof(*heap));
    if (heap == NULL) {
        return false;
    }
    c->heap = heap;
    c->cap = cap;
    return true;
}

static struct entry *add(struct courier *c, struct str device)
{
    struct str name = arena_copy(&c->arena, device);
    if (c->count >= COURIER_DEVICES_MAX || name.ptr == NULL || !make_room(c) ||
        !strmap_put(&c->by_name, name, (uint32_t)c->count)) {
        return NULL;
    }
    c->entries[c->count] = (struct entry){.name = name};
    return &c->entries[c->count++];
}

bool courier_born(struct courier *c, struct str device, struct mono_time now, struct wall_time at)
{
    struct entry *e = find(c, device);
    e = e == NULL ? add(c, device) : e;
    if (e == NULL) {
        return false;
    }
    e->is_online = true;
    e->born = at;
    schedule(c, e, now);
    return true;
}

void courier_died(struct courier *c, struct str device)
{
    struct entry *e = find(c, device);
    if (e != NULL) {
        e->is_online = false;
        unschedule(c, e);
    }
}

void courier_wake(struct courier *c, struct str device, struct mono_time now)
{
    struct entry *e = find(c, device);
    if (e != NULL && e->is_online && (e->heap_at == 0 || e->due.ns > now.ns)) {
        schedule(c, e, now);
    }
}

/* --- in turn ---------------------------------------------------------------------------------- */

bool courier_next(struct courier *c, struct mono_time now, struct str *ret_device,
                  struct wall_time *ret_born)
{
    if (c->heap_count == 0 || now.ns < c->allowed.ns) {
        return false;
    }
    struct entry *e = &c->entries[c->heap[1]];
    if (e->due.ns > now.ns) {
        return false;
    }
    unschedule(c, e);
    *ret_device = e->name;
    *ret_born = e->born;
    return true;
}

void courier_looked(struct courier *c, struct str device, int64_t sent, struct mono_time now,
                    struct mono_time again)
{
    int64_t from = now.ns - c->burst_ns;
    from = c->allowed.ns > from ? c->allowed.ns : from;
    c->allowed.ns = from + sent * c->interval_ns;
    struct entry *e = find(c, device);
    bool is_waiting = e != NULL && e->is_online && again.ns != COURIER_NEVER.ns;
    again = again.ns > c->allowed.ns ? again : c->allowed; /* behind those that wait already */
    if (is_waiting && (e->heap_at == 0 || again.ns < e->due.ns)) {
        schedule(c, e, again);
    }
}

struct mono_time courier_due(const struct courier *c)
{
    if (c->heap_count == 0) {
        return COURIER_NEVER;
    }
    struct mono_time due = c->entries[c->heap[1]].due;
    return due.ns > c->allowed.ns ? due : c->allowed;
}

/* --- one command for one device --------------------------------------------------------------- */

static int64_t resend_after_ns(int64_t sent)
{
    int64_t doubled = sent - 1 > RESENDS_DOUBLED_MAX ? RESENDS_DOUBLED_MAX : sent - 1;
    return RESEND_NS << (doubled < 0 ? 0 : doubled);
}

enum courier_verdict courier_judge(const struct courier_row *row, struct wall_time born,
                                   struct wall_time now, struct wall_time *ret_due)
{
    if (row->is_answered || row->expires.ns <= now.ns) {
        return COURIER_CLOSE;
    }
    bool is_new_here = row->sent == 0 || row->last_sent.ns < born.ns;
    bool has_stepped_back = row->last_sent.ns > now.ns; /* our own clock */
    int64_t due = row->last_sent.ns + resend_after_ns(row->sent);
    if (is_new_here || has_stepped_back || due <= now.ns) {
        return COURIER_SEND;
    }
    ret_due->ns = due < row->expires.ns ? due : row->expires.ns;
    return COURIER_WAIT;
}

uint32_t courier_expiry_s(struct wall_time expires, struct wall_time now)
{
    if (expires.ns <= now.ns) {
        return 1;
    }
    int64_t left = (expires.ns - now.ns - 1) / NS_PER_SEC + 1;
    return left > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)left;
}
