#include "agent/sense/arrivals.h"

#include <string.h>

struct str arrival_name(const struct arrival *arrival)
{
    return (struct str){arrival->name, arrival->name_len};
}

static struct arrival *find(struct arrivals *a, struct str name)
{
    for (size_t i = 0; i < a->count; i++) {
        if (str_eq(arrival_name(&a->items[i]), name)) {
            return &a->items[i];
        }
    }
    return NULL;
}

static bool is_same(const struct file_facts *a, const struct file_facts *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

static void begin(struct arrivals *a, struct arrival *arrival, const struct file_facts *facts,
                  struct mono_time now)
{
    arrival->facts = *facts;
    arrival->due.ns = now.ns + a->stable_ns;
    arrival->is_stable = false;
}

void arrivals_seen(struct arrivals *a, struct str name, const struct file_facts *facts,
                   struct mono_time now)
{
    struct arrival *arrival = find(a, name);
    if (arrival != NULL) {
        if (!is_same(&arrival->facts, facts)) {
            begin(a, arrival, facts, now);
        }
        return;
    }
    if (name.len == 0 || name.len > ARRIVAL_NAME_MAX) {
        return;
    }
    if (a->count == ARRIVALS_MAX) {
        a->has_missed = true;
        return;
    }
    arrival = &a->items[a->count++];
    memcpy(arrival->name, name.ptr, name.len);
    arrival->name_len = (uint8_t)name.len;
    begin(a, arrival, facts, now);
}

void arrivals_gone(struct arrivals *a, struct str name)
{
    struct arrival *arrival = find(a, name);
    if (arrival != NULL) {
        struct arrival *last = &a->items[--a->count];
        if (arrival != last) {
            *arrival = *last;
        }
    }
}

bool arrivals_has_room(const struct arrivals *a)
{
    return a->count < ARRIVALS_MAX;
}

bool arrivals_due(const struct arrivals *a, struct mono_time now, struct str *ret_name)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!a->items[i].is_stable && a->items[i].due.ns <= now.ns) {
            *ret_name = arrival_name(&a->items[i]);
            return true;
        }
    }
    return false;
}

struct mono_time arrivals_wake(const struct arrivals *a)
{
    struct mono_time earliest = {INT64_MAX};
    for (size_t i = 0; i < a->count; i++) {
        if (!a->items[i].is_stable && a->items[i].due.ns < earliest.ns) {
            earliest = a->items[i].due;
        }
    }
    return earliest;
}

bool arrivals_looked(struct arrivals *a, struct str name, const struct file_facts *facts,
                     struct mono_time now)
{
    struct arrival *arrival = find(a, name);
    if (arrival == NULL) {
        return false;
    }
    if (facts == NULL) {
        arrivals_gone(a, name);
        return false;
    }
    if (!is_same(&arrival->facts, facts)) {
        begin(a, arrival, facts, now);
    } else if (arrival->due.ns <= now.ns) {
        arrival->is_stable = true;
    }
    return arrival->is_stable;
}

static bool comes_before(const struct arrival *a, const struct arrival *b)
{
    if (a->facts.mtime_ns != b->facts.mtime_ns) {
        return a->facts.mtime_ns < b->facts.mtime_ns;
    }
    return str_cmp(arrival_name(a), arrival_name(b)) < 0;
}

const struct arrival *arrivals_next(const struct arrivals *a)
{
    const struct arrival *first = NULL;
    for (size_t i = 0; i < a->count; i++) {
        const struct arrival *arrival = &a->items[i];
        if (arrival->is_stable && (first == NULL || comes_before(arrival, first))) {
            first = arrival;
        }
    }
    return first;
}

void arrival_run_key(struct buf *out, struct str path, const struct file_facts *facts)
{
    buf_add(out, path);
    buf_add_char(out, ':');
    buf_add_i64(out, facts->mtime_ns);
    buf_add_char(out, ':');
    buf_add_i64(out, facts->size);
}
