#include "hub/alert/alerts.h"

#include "common/base/strmap.h"
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[ALERT_KIND_COUNT] = {
    [ALERT_AWAY] = "away",   [ALERT_FAILING] = "failing",
    [ALERT_LATE] = "late",   [ALERT_BUFFER] = "buffer",
    [ALERT_DISK] = "disk",   [ALERT_CERTIFICATE] = "certificate",
    [ALERT_LOST] = "lost",   [ALERT_DEFINITIONS] = "definitions",
    [ALERT_CLOCK] = "clock",
};

const char *alert_kind_name(enum alert_kind kind)
{
    return kind_names[kind];
}

bool alert_kind_from(struct str name, enum alert_kind *ret)
{
    for (unsigned i = 0; i < ALERT_KIND_COUNT; i++) {
        if (str_eq(name, str_from(kind_names[i]))) {
            *ret = (enum alert_kind)i;
            return true;
        }
    }
    return false;
}

struct step {
    const struct alert_rules *rules;
    const struct alert_group *groups;
    const struct alert_row *open;
    size_t open_count;
    struct wall_time now;
    struct arena *arena;
    struct strmap open_by_key;   /* into `open` */
    struct strmap group_by_name; /* into `groups` */
    struct strmap troubled;      /* kinds and devices that have a trouble now */
    bool *seen;                  /* of the open ones */
    struct alert_change *changes;
    size_t count;
};

/* Kind and subject as one text, for the maps; STR_NONE when memory ends. */
static struct str key_of(struct arena *arena, enum alert_kind kind, bool is_group,
                         struct str subject)
{
    char *text = arena_alloc(arena, subject.len + 2);
    if (text == NULL) {
        return STR_NONE;
    }
    text[0] = (char)('a' + (int)kind);
    text[1] = is_group ? 'g' : 'd';
    memcpy(text + 2, subject.ptr, subject.len);
    return (struct str){text, subject.len + 2};
}

static bool put(struct step *s, struct strmap *map, enum alert_kind kind, bool is_group,
                struct str subject, size_t at)
{
    struct str key = key_of(s->arena, kind, is_group, subject);
    return key.ptr != NULL && strmap_put(map, key, (uint32_t)at);
}

static bool get(const struct step *s, const struct strmap *map, enum alert_kind kind, bool is_group,
                struct str subject, uint32_t *ret)
{
    struct str key = key_of(s->arena, kind, is_group, subject);
    return key.ptr != NULL && strmap_get(map, key, ret);
}

static int compare(const void *a, const void *b)
{
    const struct alert_condition *x = a;
    const struct alert_condition *y = b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    int by_group = str_cmp(x->group, y->group);
    int by_device = by_group != 0 ? by_group : str_cmp(x->device, y->device);
    return by_device != 0 ? by_device : str_cmp(x->detail, y->detail);
}

static const struct alert_row *find_open(const struct step *s, enum alert_kind kind, bool is_group,
                                         struct str subject)
{
    uint32_t at = 0;
    if (!get(s, &s->open_by_key, kind, is_group, subject, &at)) {
        return NULL;
    }
    s->seen[at] = true;
    return &s->open[at];
}

static int64_t group_size(const struct step *s, struct str name)
{
    uint32_t at = 0;
    return strmap_get(&s->group_by_name, name, &at) ? s->groups[at].devices : 0;
}

static bool is_due(const struct step *s, const struct alert_row *row)
{
    bool has_waited = s->now.ns - row->opened.ns >= s->rules->wait_ns;
    if (row->told.ns == 0) {
        return has_waited;
    }
    return s->rules->repeat_ns > 0 && s->now.ns - row->told.ns >= s->rules->repeat_ns;
}

static void add(struct step *s, struct alert_row now_is, const struct alert_row *was,
                struct str detail)
{
    struct alert_change *c = &s->changes[s->count++];
    *c = (struct alert_change){
        .type = was == NULL ? ALERT_OPEN : ALERT_KEEP, .row = now_is, .detail = detail};
    c->row.opened = s->now;
    if (was != NULL) {
        c->row.id = was->id;
        c->row.opened = was->opened;
        c->row.told = was->told;
        if (is_due(s, was)) {
            c->type = ALERT_FIRE;
            c->row.told = s->now;
        }
    }
}

/* The troubles of one kind in one group, sorted by device. Once a group has an alert it keeps it
 * until the last of its devices is well: numbers around the threshold would ring all day. */
static void take_group(struct step *s, const struct alert_condition *c, size_t count)
{
    int64_t devices = 0;
    for (size_t i = 0; i < count; i++) {
        devices += i == 0 || !str_eq(c[i].device, c[i - 1].device);
    }
    const struct alert_row *was =
        str_is_empty(c->group) ? NULL : find_open(s, c->kind, true, c->group);
    bool is_many = !str_is_empty(c->group) && devices >= s->rules->group_devices &&
                   2 * devices >= group_size(s, c->group);
    if (was != NULL || is_many) {
        add(s,
            (struct alert_row){.kind = c->kind,
                               .is_group = true,
                               .subject = c->group,
                               .devices = devices,
                               .troubles = (int64_t)count},
            was, c->detail);
        return;
    }
    for (size_t from = 0, to = 0; from < count; from = to) {
        while (to < count && str_eq(c[to].device, c[from].device)) {
            to++;
        }
        add(s,
            (struct alert_row){.kind = c->kind,
                               .subject = c[from].device,
                               .devices = 1,
                               .troubles = (int64_t)(to - from)},
            find_open(s, c->kind, false, c[from].device), c[from].detail);
    }
}

/* What is open and was not seen again is over, for itself: its group may have it now. */
static void end_others(struct step *s)
{
    for (size_t i = 0; i < s->open_count; i++) {
        const struct alert_row *row = &s->open[i];
        uint32_t at = 0;
        if (s->seen[i]) {
            continue;
        }
        struct alert_change *c = &s->changes[s->count++];
        *c = (struct alert_change){.type = row->told.ns == 0 ? ALERT_DROP : ALERT_RESOLVE,
                                   .row = *row};
        if (!row->is_group && get(s, &s->troubled, row->kind, false, row->subject, &at)) {
            c->detail = STR("now part of its group's alert");
        }
    }
}

/* Of a device that is away nothing else is said that its absence explains. */
static size_t without_explained(const struct step *s, struct alert_condition *c, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = 0;
        if (c[i].kind != ALERT_LATE || !get(s, &s->troubled, ALERT_AWAY, false, c[i].device, &at)) {
            c[kept++] = c[i];
        }
    }
    return kept;
}

static bool make_maps(struct step *s, const struct alert_look *look)
{
    bool ok = true;
    for (size_t i = 0; ok && i < look->open_count; i++) {
        const struct alert_row *row = &look->open[i];
        ok = put(s, &s->open_by_key, row->kind, row->is_group, row->subject, i);
    }
    for (size_t i = 0; ok && i < look->group_count; i++) {
        ok = strmap_put(&s->group_by_name, look->groups[i].name, (uint32_t)i);
    }
    for (size_t i = 0; ok && i < look->condition_count; i++) {
        ok = put(s, &s->troubled, look->conditions[i].kind, false, look->conditions[i].device, i);
    }
    return ok;
}

bool alerts_step(const struct alert_rules *rules, const struct alert_look *look,
                 struct arena *arena, struct alert_change **ret, size_t *ret_count, struct err *err)
{
    size_t count = look->condition_count;
    struct alert_condition *sorted = arena_array(arena, count + 1, sizeof(*sorted));
    struct step s = {
        .rules = rules,
        .groups = look->groups,
        .open = look->open,
        .open_count = look->open_count,
        .now = look->now,
        .arena = arena,
        .open_by_key = strmap_new(arena),
        .group_by_name = strmap_new(arena),
        .troubled = strmap_new(arena),
        .seen = arena_array(arena, look->open_count + 1, sizeof(bool)),
        .changes = arena_array(arena, count + look->open_count + 1, sizeof(struct alert_change))};
    if (sorted == NULL || s.seen == NULL || s.changes == NULL || !make_maps(&s, look)) {
        return err_set(err, ERR_NO_MEMORY, "alerts: out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = look->conditions[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare);
    count = without_explained(&s, sorted, count);
    for (size_t from = 0, to = 0; from < count; from = to) {
        while (to < count && sorted[to].kind == sorted[from].kind &&
               str_eq(sorted[to].group, sorted[from].group)) {
            to++;
        }
        take_group(&s, &sorted[from], to - from);
    }
    end_others(&s);
    if (arena->exhausted) {
        return err_set(err, ERR_NO_MEMORY, "alerts: out of memory");
    }
    *ret = s.changes;
    *ret_count = s.count;
    return true;
}
