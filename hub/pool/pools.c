#include "hub/pool/pools.h"

#include "common/base/limits.h"
#include <stdlib.h>
#include <string.h>

#define POOL_UNLIMITED_NS (600 * NS_PER_SEC) /* of a pool that is not set */

struct holder {
    struct holder *next; /* in the order of asking */
    int64_t wanted, granted;
    int64_t asked_ms;
    struct mono_time since;
    struct mono_time until; /* of what it was granted, or of its word that it waits */
    char device[LIMIT_NAME_BYTES + 1];
};
struct pool {
    struct pool *next;
    char name[LIMIT_NAME_BYTES + 1];
    int64_t places;
    int64_t lease_ns;
    struct mono_time opens; /* before, only what is held is granted */
    bool is_open;
    struct holder *holders;
    bool is_set;
    bool is_paused;
    bool has_changed; /* that is to be told */
};
struct pools {
    struct pool *first;
    size_t pool_count, holder_count;
};

bool pools_new(struct pools **ret, struct err *err)
{
    struct pools *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "pools: out of memory");
    }
    *ret = p;
    return true;
}

static void drop_holder(struct pools *p, struct holder **at)
{
    struct holder *h = *at;
    *at = h->next;
    free(h);
    p->holder_count--;
}

static void drop_pool(struct pools *p, struct pool **at)
{
    struct pool *pool = *at;
    while (pool->holders != NULL) {
        drop_holder(p, &pool->holders);
    }
    *at = pool->next;
    free(pool);
    p->pool_count--;
}

void pools_free(struct pools *p)
{
    while (p != NULL && p->first != NULL) {
        drop_pool(p, &p->first);
    }
    free(p);
}

static struct pool *find(const struct pools *p, struct str name)
{
    struct pool *pool = p->first;
    while (pool != NULL && !str_eq(str_from(pool->name), name)) {
        pool = pool->next;
    }
    return pool;
}

/* --- what an operator has set ----------------------------------------------------------------- */

void pools_begin_set(struct pools *p)
{
    for (struct pool *pool = p->first; pool != NULL; pool = pool->next) {
        pool->is_set = false;
    }
}

bool pools_set(struct pools *p, const struct pool_setting *setting, struct mono_time now,
               struct err *err)
{
    struct str name = setting->name;
    struct pool *pool = find(p, name);
    if (pool == NULL) {
        pool = p->pool_count == POOLS_MAX ? NULL : calloc(1, sizeof(*pool));
        if (pool == NULL || name.len == 0 || name.len > LIMIT_NAME_BYTES) {
            free(pool);
            return err_set(err, ERR_FULL, "pools: no room for " STR_FMT,
                           STR_ARG(str_clip(name, LIMIT_NAME_BYTES)));
        }
        memcpy(pool->name, name.ptr, name.len);
        /* Of the hub's start: who was granted places by the hub before says so meanwhile. One that
         * is set later may be in use by devices that were told that they need none. */
        pool->opens.ns = now.ns + setting->lease_ns;
        pool->next = p->first;
        p->first = pool;
        p->pool_count++;
    }
    pool->places = setting->places;
    pool->lease_ns = setting->lease_ns;
    pool->has_changed = pool->has_changed || pool->is_paused != setting->is_paused;
    pool->is_paused = setting->is_paused;
    pool->is_set = true;
    return true;
}

void pools_end_set(struct pools *p)
{
    struct pool **at = &p->first;
    while (*at != NULL) {
        if ((*at)->is_set) {
            at = &(*at)->next;
        } else {
            drop_pool(p, at);
        }
    }
}

/* --- granting --------------------------------------------------------------------------------- */

static void answer(const struct pool *pool, const struct holder *h,
                   const struct pool_listener *listener)
{
    const struct pool_answer said = {.device = str_from(h->device),
                                     .pool = str_from(pool->name),
                                     .places = h->granted,
                                     .for_ns = pool->lease_ns,
                                     .asked_ms = h->asked_ms,
                                     .is_paused = pool->is_paused};
    listener->on_answer(listener->ctx, &said);
}

static int64_t places_taken(const struct pool *pool)
{
    int64_t taken = 0;
    for (const struct holder *h = pool->holders; h != NULL; h = h->next) {
        taken += h->granted;
    }
    return taken;
}

/* Gives what is free to those that wait, the first first. `asking` is answered by the caller. A grant
 * that nobody asked for just now counts from the device's last word: that is when its own count
 * began. */
static void give(struct pool *pool, const struct holder *asking, struct mono_time now,
                 const struct pool_listener *listener)
{
    int64_t free_places = pool->places - places_taken(pool);
    pool->is_open = now.ns >= pool->opens.ns;
    if (!pool->is_open || pool->is_paused) {
        return;
    }
    for (struct holder *h = pool->holders; h != NULL && free_places > 0; h = h->next) {
        int64_t more = h->wanted - h->granted;
        if (more <= 0) {
            continue;
        }
        more = more > free_places ? free_places : more;
        h->granted += more;
        free_places -= more;
        if (h != asking) {
            answer(pool, h, listener);
        }
    }
}

static struct holder *find_holder(const struct pool *pool, struct str device)
{
    struct holder *h = pool->holders;
    while (h != NULL && !str_eq(str_from(h->device), device)) {
        h = h->next;
    }
    return h;
}

static struct holder *add_holder(struct pools *p, struct pool *pool, struct str device,
                                 struct mono_time now)
{
    struct holder **end = &pool->holders;
    bool has_room = p->holder_count < POOL_HOLDERS_MAX && device.len <= LIMIT_NAME_BYTES;
    struct holder *h = has_room ? calloc(1, sizeof(*h)) : NULL;
    if (h == NULL) {
        return NULL;
    }
    memcpy(h->device, device.ptr, device.len);
    h->since = now;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = h;
    p->holder_count++;
    return h;
}

static void remove_holder(struct pools *p, struct pool *pool, const struct holder *gone)
{
    struct holder **at = &pool->holders;
    while (*at != NULL && *at != gone) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        drop_holder(p, at);
    }
}

bool pools_ask(struct pools *p, const struct pool_ask *ask, struct mono_time now,
               const struct pool_listener *listener, struct err *err)
{
    struct pool *pool = find(p, ask->pool);
    struct holder *h = pool == NULL ? NULL : find_holder(pool, ask->device);
    if (pool == NULL || (h == NULL && ask->places == 0)) {
        const struct pool_answer said = {.device = ask->device,
                                         .pool = ask->pool,
                                         .places = ask->places,
                                         .for_ns =
                                             pool == NULL ? POOL_UNLIMITED_NS : pool->lease_ns,
                                         .asked_ms = ask->asked_ms,
                                         .is_paused = pool != NULL && pool->is_paused};
        listener->on_answer(listener->ctx, &said);
        return true;
    }
    if (h == NULL) {
        h = add_holder(p, pool, ask->device, now);
        if (h == NULL) {
            return err_set(err, ERR_FULL, "more devices wait for pools than there is room for");
        }
        /* It may know of a grant that we do not: of the hub before us. */
        h->granted = now.ns < pool->opens.ns ? ask->held : 0;
    }
    if (ask->asked_ms < h->asked_ms) {
        return true; /* overtaken on the way, or of a host that was booted: its lease ends */
    }
    h->wanted = ask->places;
    h->granted = h->granted > h->wanted ? h->wanted : h->granted;
    h->asked_ms = ask->asked_ms;
    h->until.ns = now.ns + pool->lease_ns;
    give(pool, h, now, listener);
    answer(pool, h, listener);
    if (h->wanted == 0) {
        remove_holder(p, pool, h);
    }
    return true;
}

/* Whoever asks later is told then. */
static void tell_of_pause(struct pool *pool, const struct pool_listener *listener)
{
    for (const struct holder *h = pool->holders; pool->has_changed && h != NULL; h = h->next) {
        answer(pool, h, listener);
    }
    pool->has_changed = false;
}

void pools_tick(struct pools *p, struct mono_time now, const struct pool_listener *listener)
{
    for (struct pool *pool = p->first; pool != NULL; pool = pool->next) {
        struct holder **at = &pool->holders;
        while (*at != NULL) {
            if ((*at)->until.ns <= now.ns) {
                drop_holder(p, at);
            } else {
                at = &(*at)->next;
            }
        }
        tell_of_pause(pool, listener);
        give(pool, NULL, now, listener);
    }
}

struct mono_time pools_due(const struct pools *p)
{
    struct mono_time due = {0};
    for (const struct pool *pool = p->first; pool != NULL; pool = pool->next) {
        for (const struct holder *h = pool->holders; h != NULL; h = h->next) {
            struct mono_time at = h->until;
            /* Those that wait while a new hub listens get their turn when it opens. */
            if (!pool->is_open && !pool->is_paused && h->granted < h->wanted &&
                pool->opens.ns < at.ns) {
                at = pool->opens;
            }
            due = due.ns == 0 || at.ns < due.ns ? at : due;
        }
    }
    return due;
}

void pools_each(const struct pools *p,
                void (*on_holder)(void *ctx, const struct pool_holder *holder), void *ctx)
{
    for (const struct pool *pool = p->first; pool != NULL; pool = pool->next) {
        for (const struct holder *h = pool->holders; h != NULL; h = h->next) {
            const struct pool_holder said = {.pool = str_from(pool->name),
                                             .device = str_from(h->device),
                                             .wanted = h->wanted,
                                             .granted = h->granted,
                                             .since = h->since,
                                             .until = h->until};
            on_holder(ctx, &said);
        }
    }
}
