#include "hub/clones/clones.h"

#include "common/base/strmap.h"
#include <stdlib.h>
#include <string.h>

#define DAY_NS  (INT64_C(86400) * NS_PER_SEC)
#define TURN_NS (CLONE_TURN_S * NS_PER_SEC)

struct host {
    char epoch[EPOCH_TEXT_SIZE];
    uint64_t boot;               /* of its boot id; 0 = none was told */
    struct wall_time epoch_seen; /* first, on whatever host */
    struct wall_time spoke;      /* last became the present one */
};
struct record {
    struct host hosts[CLONE_HOSTS];
    size_t count;
    size_t present;
    int turns;
    struct wall_time first_turn, last_turn;
};
struct clones {
    struct arena arena;
    struct strmap by_device;
    struct record **records;
    size_t count, cap;
};

struct clones *clones_new(size_t max_bytes)
{
    struct clones *c = calloc(1, sizeof(*c));
    if (c != NULL) {
        c->arena = arena_new(max_bytes);
        c->by_device = strmap_new(&c->arena);
    }
    return c;
}

void clones_free(struct clones *c)
{
    if (c != NULL) {
        arena_release(&c->arena);
        free(c->records);
        free(c);
    }
}

static void forget(struct clones *c)
{
    arena_reset(&c->arena);
    c->by_device = strmap_new(&c->arena);
    c->count = 0;
}

static struct record *add_record(struct clones *c, struct str device)
{
    if (c->count == c->cap) {
        size_t cap = c->cap == 0 ? 256 : c->cap * 2;
        struct record **grown = reallocarray(c->records, cap, sizeof(struct record *));
        if (grown == NULL) {
            return NULL;
        }
        c->records = grown;
        c->cap = cap;
    }
    struct record *r = arena_alloc(&c->arena, sizeof(*r));
    struct str copy = arena_copy(&c->arena, device);
    if (r == NULL || copy.ptr == NULL || !strmap_put(&c->by_device, copy, (uint32_t)c->count)) {
        return NULL;
    }
    c->records[c->count++] = r;
    return r;
}

/* NULL: no memory; nothing is known of it then. */
static struct record *record_of(struct clones *c, struct str device)
{
    uint32_t number = 0;
    if (strmap_get(&c->by_device, device, &number)) {
        return c->records[number];
    }
    struct record *r = add_record(c, device);
    if (r == NULL) {
        forget(c);
        r = add_record(c, device);
    }
    return r;
}

static uint64_t hash(struct str text)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < text.len; i++) {
        h = (h ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return text.len == 0 ? 0 : h | 1;
}

static bool is_epoch(const struct host *host, const char *epoch)
{
    return memcmp(host->epoch, epoch, EPOCH_TEXT_SIZE) == 0;
}

/* The place of a host; `count` when it is not known. `boot` 0: any. The one that spoke last, when
 * several are of that epoch. */
static size_t find_host(const struct record *r, const char *epoch, uint64_t boot)
{
    size_t found = r->count;
    for (size_t i = 0; i < r->count; i++) {
        const struct host *host = &r->hosts[i];
        if (is_epoch(host, epoch) && (boot == 0 || host->boot == 0 || host->boot == boot) &&
            (found == r->count || host->spoke.ns > r->hosts[found].spoke.ns)) {
            found = i;
        }
    }
    return found;
}

static size_t place_for_new(const struct record *r)
{
    size_t oldest = r->present == 0 ? 1 : 0;
    if (r->count < CLONE_HOSTS) {
        return r->count;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (i != r->present && r->hosts[i].spoke.ns < r->hosts[oldest].spoke.ns) {
            oldest = i;
        }
    }
    return oldest;
}

static void add_host(struct record *r, const char *epoch, uint64_t boot, struct wall_time now)
{
    size_t same_epoch = find_host(r, epoch, 0);
    struct host host = {.boot = boot,
                        .epoch_seen = same_epoch < r->count ? r->hosts[same_epoch].epoch_seen : now,
                        .spoke = now};
    memcpy(host.epoch, epoch, EPOCH_TEXT_SIZE);
    size_t place = place_for_new(r);
    r->hosts[place] = host;
    r->present = place;
    r->count += place == r->count ? 1 : 0;
}

static void tell(const struct host *a, const struct host *b, struct clone_pair *ret)
{
    const struct host *older = a->epoch_seen.ns <= b->epoch_seen.ns ? a : b;
    const struct host *newer = older == a ? b : a;
    memcpy(ret->older, older->epoch, EPOCH_TEXT_SIZE);
    memcpy(ret->newer, newer->epoch, EPOCH_TEXT_SIZE);
    ret->older_seen = older->epoch_seen;
    ret->newer_seen = newer->epoch_seen;
}

/* A host that had been replaced speaks again. */
static bool turn(struct record *r, size_t to, struct wall_time now, struct clone_pair *ret)
{
    size_t from = r->present;
    r->present = to;
    r->hosts[to].spoke = now;
    if (r->turns > 0 && now.ns - r->last_turn.ns < TURN_NS) {
        return false;
    }
    if (r->turns == 0 || now.ns - r->first_turn.ns > DAY_NS) {
        r->turns = 0;
        r->first_turn = now;
    }
    r->last_turn = now;
    if (++r->turns < CLONE_TURNS) {
        return false;
    }
    r->turns = 0;
    tell(&r->hosts[from], &r->hosts[to], ret);
    return true;
}

bool clones_born(struct clones *c, struct str device, const struct message_birth *birth,
                 struct wall_time now, struct clone_pair *ret)
{
    struct record *r = record_of(c, device);
    uint64_t boot = hash(birth->boot_id);
    if (r == NULL) {
        return false;
    }
    size_t host = find_host(r, birth->epoch, boot);
    if (host == r->count) {
        add_host(r, birth->epoch, boot, now);
        return false;
    }
    return host != r->present && turn(r, host, now, ret);
}

bool clones_heard(struct clones *c, struct str device, const char *epoch, struct wall_time now,
                  struct clone_pair *ret)
{
    struct record *r = record_of(c, device);
    if (r == NULL || r->count == 0 || is_epoch(&r->hosts[r->present], epoch)) {
        return false;
    }
    size_t host = find_host(r, epoch, 0);
    return host < r->count && turn(r, host, now, ret);
}
