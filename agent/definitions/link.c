/* link.c - what refers to something else: deps to assets, jobs to assets, schedules to jobs and
 * zones. */
#include "agent/definitions/loader.h"

#include "agent/definitions/attributes.h"
#include "common/base/limits.h"
#include "common/model/asset_key.h"
#include <stdio.h>
#include <string.h>

/* --- the graph --- */

/* While there are problems some assets have no good key, so nodes are mapped back to assets. */
struct graph_link {
    struct loader *l;
    struct graph_input *input;
    uint32_t *assets; /* of nodes */
    size_t count;
};

static const struct json *nth_child(const struct json *list, size_t index)
{
    const struct json *node = list == NULL ? NULL : list->child;
    for (; node != NULL && index > 0; index--) {
        node = node->next;
    }
    return node;
}

static void on_fault(void *ctx, const struct graph_fault *fault)
{
    struct graph_link *link = ctx;
    if (link->l->problems->count == PROBLEMS_MAX) {
        link->l->problems->total++; /* counted only: finding a place reads the whole list */
        return;
    }
    const struct json *assets = json_get(link->l->root, "assets");
    const struct json *node = nth_child(assets, link->assets[fault->node]);
    struct location at = {0};
    switch (fault->kind) {
    case GRAPH_DUPLICATE_KEY: {
        at = place_of(node, "key");
        uint32_t earlier = link->assets[fault->dep];
        problems_add(link->l->problems, at, STR_NONE, STR_FMT " (first in line %u)",
                     STR_ARG(fault->text), link->l->defs->assets[earlier].at.line);
        return;
    }
    case GRAPH_MISSING_DEP:
        at = place_of_item(node, "deps", fault->dep);
        break;
    case GRAPH_CYCLE:
        at = place_of(node, "deps");
        break;
    }
    problems_add(link->l->problems, at, fault->hint, STR_FMT, STR_ARG(fault->text));
}

static bool are_good_keys(const struct asset *asset)
{
    struct err ignored = {0};
    bool ok = asset_key_check(asset->key, &ignored);
    for (size_t i = 0; ok && i < asset->deps.count; i++) {
        ok = asset_key_check(asset->deps.items[i], &ignored);
    }
    return ok;
}

void link_graph(struct loader *l)
{
    struct definitions *defs = l->defs;
    struct graph_link link = {.l = l};
    link.input = arena_array(&l->scratch, defs->asset_count, sizeof(*link.input));
    link.assets = arena_array(&l->scratch, defs->asset_count, sizeof(*link.assets));
    if (link.input == NULL || link.assets == NULL) {
        return; /* the arena remembers */
    }
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        const struct asset *asset = &defs->assets[i];
        if (are_good_keys(asset)) {
            link.assets[link.count] = i;
            link.input[link.count++] =
                (struct graph_input){asset->key, asset->deps.items, asset->deps.count};
        }
    }
    bool is_whole = link.count == defs->asset_count;
    const struct graph_listener listener = {on_fault, &link};
    struct graph graph;
    struct err err = {0};
    if (graph_build(&defs->arena, link.input, link.count, &listener, &graph, &err) && is_whole) {
        defs->graph = graph;
        l->has_graph = true;
    }
}

/* --- selections --- */

/* A selection and who makes it. */
struct selecting {
    struct location at;
    const char *what; /* "job" */
    struct str name;
    struct str text;
};

/* One bool for each asset, in `work`. False: a problem was added, or there is no graph (which
 * has a problem of its own). */
static bool evaluate(struct loader *l, const struct selecting *s, struct arena *work,
                     bool **ret_set)
{
    const struct definitions *defs = l->defs;
    const struct selection_attributes attributes = definitions_attributes(defs);
    struct selection *selection = NULL;
    struct err err = {0};
    bool ok = selection_parse(s->text, work, &selection, &err);
    if (ok && !l->has_graph) {
        return false;
    }
    if (!ok || !selection_evaluate(selection, &defs->graph, &attributes, work, ret_set, &err)) {
        problems_add(l->problems, s->at, str_from(err.hint), "%s " STR_FMT ": %s", s->what,
                     STR_ARG(s->name), err.msg);
        return false;
    }
    return true;
}

/* What a selection names, ascending, in the arena of the definitions. Nothing when a problem was
 * added or the arena is exhausted. */
static void select_assets(struct loader *l, const struct selecting *s, const uint32_t **ret,
                          size_t *ret_count)
{
    struct definitions *defs = l->defs;
    AUTO(arena) work = arena_new(LIMIT_DEFINITIONS_ARENA);
    bool *set = NULL;
    if (!evaluate(l, s, &work, &set)) {
        return;
    }
    size_t count = 0;
    size_t steps = 0;
    for (size_t i = 0; i < defs->asset_count; i++) {
        count += set[i];
        steps += set[i] && defs->assets[i].work != ASSET_EXTERNAL;
    }
    if (steps == 0) {
        problems_add(l->problems, s->at, STR("* selects all assets"),
                     "%s " STR_FMT ": \"" STR_FMT "\" selects %s", s->what, STR_ARG(s->name),
                     STR_ARG(s->text), count == 0 ? "no asset" : "external assets only");
        return;
    }
    uint32_t *assets = arena_array(&defs->arena, count, sizeof(*assets));
    if (assets == NULL) {
        return; /* the arena remembers */
    }
    *ret = assets;
    *ret_count = count;
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        if (set[i]) {
            *assets++ = i;
        }
    }
}

/* --- jobs --- */

static void link_job(struct loader *l, const struct json *node, size_t index)
{
    struct job *jobs = l->defs->jobs;
    struct job *job = &jobs[index];
    (void)check_name(l, place_of(node, "name"), "job", job->name);
    for (size_t i = 0; i < index; i++) {
        if (job->name.len > 0 && str_eq(jobs[i].name, job->name)) {
            problems_add(l->problems, place_of(node, "name"), STR_NONE,
                         "job " STR_FMT " is defined twice (first in line %u)", STR_ARG(job->name),
                         jobs[i].at.line);
            break;
        }
    }
    if (job->select.ptr != NULL) {
        select_assets(l,
                      &(struct selecting){place_of(node, "select"), "job", job->name, job->select},
                      &job->assets, &job->asset_count);
    }
}

void link_jobs(struct loader *l)
{
    const struct json *node = first_of(l->root, "jobs");
    for (size_t i = 0; i < l->defs->job_count; i++, node = next_of(node)) {
        link_job(l, node, i);
    }
}

/* --- schedules --- */

struct schedule_link {
    struct loader *l;
    const struct json *node;
    struct raw_schedule *raw;
};

PRINTF_LIKE(4, 5)
static void schedule_problem(const struct schedule_link *s, struct location at, const char *hint,
                             const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct str name = str_slice(s->raw->schedule.name, 0, 80);
    problems_add(s->l->problems, at, str_from(hint), "schedule%s" STR_FMT ": %s",
                 name.len == 0 ? "" : " ", STR_ARG(name), text);
}

static void link_schedule_job(const struct schedule_link *s)
{
    struct definitions *defs = s->l->defs;
    struct schedule *schedule = &s->raw->schedule;
    struct nearest nearest = {.wanted = schedule->job_name};
    for (size_t i = 0; i < defs->job_count; i++) {
        const struct job *job = &defs->jobs[i];
        if (str_eq(job->name, schedule->job_name)) {
            schedule->job = job;
            schedule->assets = job->assets;
            schedule->asset_count = job->asset_count;
            return;
        }
        nearest_offer(&nearest, job->name);
    }
    char hint[128] = "define it under jobs";
    if (nearest.best.len > 0) {
        (void)snprintf(hint, sizeof(hint), "did you mean %.*s?",
                       (int)(nearest.best.len < 80 ? nearest.best.len : 80), nearest.best.ptr);
    }
    schedule_problem(s, place_of(s->node, "job"), hint, "there is no job \"%.*s\"",
                     (int)(schedule->job_name.len < 80 ? schedule->job_name.len : 80),
                     schedule->job_name.ptr);
}

static void link_schedule_work(const struct schedule_link *s)
{
    struct schedule *schedule = &s->raw->schedule;
    if (s->raw->has_job == s->raw->has_select) {
        schedule_problem(s, schedule->at, NULL, "it needs one of job and select, and not both");
    } else if (s->raw->has_select && schedule->select.ptr != NULL) {
        const struct selecting selecting = {place_of(s->node, "select"), "schedule", schedule->name,
                                            schedule->select};
        select_assets(s->l, &selecting, &schedule->assets, &schedule->asset_count);
    } else if (schedule->job_name.ptr != NULL) {
        link_schedule_job(s);
    }
}

/* A zone that an earlier schedule has loaded, or NULL. */
static const struct tz *known_zone(const struct schedule_link *s)
{
    const struct raw_schedule *all = s->l->raw.schedules.items;
    for (const struct raw_schedule *other = all; other < s->raw; other++) {
        if (str_eq(other->schedule.timezone, s->raw->schedule.timezone)) {
            return other->schedule.tz;
        }
    }
    return NULL;
}

static bool load_zone(const struct schedule_link *s, struct err *err)
{
    struct schedule *schedule = &s->raw->schedule;
    if (!tz_name_is_valid(schedule->timezone)) {
        (void)err_set(err, ERR_INVALID, "it is not a zone's name");
        return err_hint(err, "a name such as Europe/Berlin or UTC");
    }
    char name[TZ_NAME_MAX + 1];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(schedule->timezone));
    AUTO(buf) bytes = buf_growing(TZ_BYTES_MAX);
    struct tz *tz = NULL;
    if (!s->l->files->read_zone(s->l->files->ctx, name, &bytes, err) ||
        !tz_parse(buf_str(&bytes), &s->l->defs->arena, &tz, err)) {
        return false;
    }
    schedule->tz = tz;
    return true;
}

static void link_schedule_zone(const struct schedule_link *s)
{
    struct schedule *schedule = &s->raw->schedule;
    schedule->tz = tz_utc();
    if (s->raw->has_timezone && s->raw->has_every) {
        schedule_problem(s, place_of(s->node, "timezone"), "take it away",
                         "timezone goes with cron only");
        return;
    }
    if (schedule->timezone.ptr == NULL || str_eq(schedule->timezone, STR("UTC"))) {
        return;
    }
    const struct tz *known = known_zone(s);
    struct err err = {0};
    if (known != NULL) {
        schedule->tz = known;
    } else if (!load_zone(s, &err)) {
        schedule_problem(s, place_of(s->node, "timezone"), err.hint, "timezone %.*s: %s",
                         (int)(schedule->timezone.len < 80 ? schedule->timezone.len : 80),
                         schedule->timezone.ptr, err.msg);
    }
}

static void link_schedule_time(const struct schedule_link *s)
{
    struct schedule *schedule = &s->raw->schedule;
    if (s->raw->has_cron == s->raw->has_every) {
        schedule_problem(s, schedule->at, NULL, "it needs one of cron and every, and not both");
        return;
    }
    if (!s->raw->has_cron || schedule->cron_text.ptr == NULL) {
        return;
    }
    struct location at = place_of(s->node, "cron");
    struct err err = {0};
    struct wall_time next;
    if (!cron_parse(schedule->cron_text, &schedule->cron, &err)) {
        schedule_problem(s, at, err.hint, "cron: %s", err.msg);
    } else if (!cron_next(&schedule->cron, tz_utc(), (struct wall_time){0}, &next)) {
        schedule_problem(s, at, NULL, "cron: \"" STR_FMT "\" never happens",
                         STR_ARG(schedule->cron_text));
    }
}

static void link_schedule(const struct schedule_link *s, size_t index)
{
    const struct raw_schedule *all = s->l->raw.schedules.items;
    struct str name = s->raw->schedule.name;
    (void)check_name(s->l, place_of(s->node, "name"), "schedule", name);
    for (size_t i = 0; i < index; i++) {
        if (name.len > 0 && str_eq(all[i].schedule.name, name)) {
            schedule_problem(s, place_of(s->node, "name"), NULL,
                             "it is defined twice (first in line %u)", all[i].schedule.at.line);
            break;
        }
    }
    link_schedule_work(s);
    link_schedule_zone(s);
    link_schedule_time(s);
    s->l->defs->schedules[index] = s->raw->schedule;
}

void link_schedules(struct loader *l)
{
    struct raw_schedule *raw = l->raw.schedules.items;
    const struct json *node = first_of(l->root, "schedules");
    for (size_t i = 0; i < l->defs->schedule_count; i++, node = next_of(node)) {
        struct schedule_link link = {l, node, &raw[i]};
        link_schedule(&link, i);
    }
}
