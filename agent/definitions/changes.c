/* changes.c - what a reload changed, in words. */
#include "agent/definitions/loader.h"

#include <string.h>

enum { NAMES_SHOWN = 5 };

/* One thing that has a name and a digest, of either definitions. */
struct thing {
    struct str name;
    uint64_t digest;
};

struct kind {
    const char *word; /* "assets" */
    size_t (*count)(const struct definitions *defs);
    struct thing (*at)(const struct definitions *defs, size_t i);
};

static size_t asset_count(const struct definitions *defs)
{
    return defs->asset_count;
}

static struct thing asset_at(const struct definitions *defs, size_t i)
{
    return (struct thing){defs->assets[i].key, defs->assets[i].digest};
}

static size_t job_count(const struct definitions *defs)
{
    return defs->job_count;
}

static struct thing job_at(const struct definitions *defs, size_t i)
{
    return (struct thing){defs->jobs[i].name, defs->jobs[i].digest};
}

static size_t schedule_count(const struct definitions *defs)
{
    return defs->schedule_count;
}

static struct thing schedule_at(const struct definitions *defs, size_t i)
{
    return (struct thing){defs->schedules[i].name, defs->schedules[i].digest};
}

static size_t sensor_count(const struct definitions *defs)
{
    return defs->sensor_count;
}

static struct thing sensor_at(const struct definitions *defs, size_t i)
{
    return (struct thing){defs->sensors[i].name, defs->sensors[i].digest};
}

static const struct kind kinds[] = {
    {"assets", asset_count, asset_at},
    {"jobs", job_count, job_at},
    {"schedules", schedule_count, schedule_at},
    {"sensors", sensor_count, sensor_at},
};

/* --- finding --- */

static bool find(const struct definitions *defs, const struct kind *kind, struct str name,
                 size_t *ret)
{
    if (kind->at == asset_at) { /* of which there may be many */
        uint32_t asset = 0;
        bool found = strmap_get(&defs->graph.by_key, name, &asset);
        *ret = asset;
        return found;
    }
    for (size_t i = 0; i < kind->count(defs); i++) {
        if (str_eq(kind->at(defs, i).name, name)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* --- telling --- */

/* "3 added (a, b, c)": names are collected while they are counted. */
struct tally {
    const char *word; /* "added" */
    size_t count;
    struct str names[NAMES_SHOWN];
};

static void count(struct tally *tally, struct str name)
{
    if (tally->count < NAMES_SHOWN) {
        tally->names[tally->count] = name;
    }
    tally->count++;
}

struct telling {
    struct buf *out;
    bool has_kind; /* something was told of another kind */
    bool has_word; /* something was told of this kind */
};

static void tell(struct telling *t, const struct kind *kind, const struct tally *tally)
{
    if (tally->count == 0) {
        return;
    }
    if (!t->has_word) {
        buf_addf(t->out, "%s%s: ", t->has_kind ? "; " : "", kind->word);
    } else {
        buf_add(t->out, STR(", "));
    }
    t->has_word = true;
    buf_addf(t->out, "%zu %s (", tally->count, tally->word);
    for (size_t i = 0; i < tally->count && i < NAMES_SHOWN; i++) {
        buf_addf(t->out, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(tally->names[i]));
    }
    buf_add(t->out, tally->count > NAMES_SHOWN ? STR(", ...)") : STR(")"));
}

static void compare(const struct definitions *before, const struct definitions *after,
                    const struct kind *kind, struct telling *t)
{
    struct tally added = {.word = "added"};
    struct tally removed = {.word = "removed"};
    struct tally changed = {.word = "changed"};
    struct tally versions = {.word = "with another code version"};
    size_t other = 0;
    for (size_t i = 0; i < kind->count(after); i++) {
        struct thing thing = kind->at(after, i);
        if (!find(before, kind, thing.name, &other)) {
            count(&added, thing.name);
        } else if (kind->at(before, other).digest != thing.digest) {
            count(&changed, thing.name);
            if (kind->at == asset_at &&
                !str_eq(before->assets[other].code_version, after->assets[i].code_version)) {
                count(&versions, thing.name);
            }
        }
    }
    for (size_t i = 0; i < kind->count(before); i++) {
        struct thing thing = kind->at(before, i);
        if (!find(after, kind, thing.name, &other)) {
            count(&removed, thing.name);
        }
    }
    t->has_kind = t->has_kind || t->has_word;
    t->has_word = false;
    tell(t, kind, &added);
    tell(t, kind, &removed);
    tell(t, kind, &changed);
    tell(t, kind, &versions);
}

bool definitions_write_changes(const struct definitions *before, const struct definitions *after,
                               struct buf *out)
{
    struct telling t = {.out = out};
    size_t start = out->len;
    if (strcmp(before->hash, after->hash) == 0) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        compare(before, after, &kinds[i], &t);
    }
    if (out->len == start) {
        buf_add(out, STR("resources, pools or the project's name"));
    }
    return true;
}
