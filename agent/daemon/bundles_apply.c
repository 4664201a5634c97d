/* bundles_apply.c - a bundle comes into force, is on trial, is found healthy or taken back. What is
 * in force stands in agent.db and changes with the event that tells it, in one transaction: a power
 * cut leaves the old one or the new one. */
#include "agent/daemon/bundles_internal.h"

#include "common/log/log.h"
#include <stdio.h>
#include <string.h>

enum { PROBLEMS_ARENA_BYTES = 256 << 10 };

bool bundles_definitions_path(const struct agent *agent, struct str hash, char *ret_path,
                              struct err *err)
{
    if (!str_is_empty(hash)) {
        return folder_path(agent->state_dir, hash, BUNDLE_ENTRY, ret_path, LIMIT_PATH_BYTES + 1,
                           err);
    }
    (void)snprintf(ret_path, LIMIT_PATH_BYTES + 1, STR_FMT,
                   STR_ARG(agent->options.config->definitions));
    return true;
}

/* --- events ----------------------------------------------------------------------------------- */

/* With the place that holds once it is recorded. */
static struct record record_of(const struct agent *agent, const struct bundle_place *place,
                               struct str hash, const char *status, struct str reason)
{
    return (struct record){.type = EVENT_BUNDLE,
                           .at = clock_wall(loop_clock(agent->loop)),
                           .bundle = hash,
                           .status = str_from(status),
                           .reason = reason,
                           .current = str_from(place->current),
                           .previous = str_from(place->previous)};
}

bool bundles_record(struct agent *agent, struct str hash, const char *status, struct str reason,
                    struct err *err)
{
    struct record r = record_of(agent, &agent->bundle_place, hash, status, reason);
    bool ok = runner_record(agent->runner, &r, err) && runner_flush(agent->runner);
    if (agent->link != NULL) {
        link_recorded(agent->link, store_last_seq(agent->store));
    }
    return ok || err->code != ERR_NONE || err_set(err, ERR_FULL, "the event could not be written");
}

/* --- coming into force ------------------------------------------------------------------------ */

static void say_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        LOG(ERROR, "bundle.problem", F_S("file", problems->items[i].file),
            F_I("line", problems->items[i].at.line), F_S("problem", problems->items[i].text));
    }
}

/* The definitions of `place`, which the event about `hash` makes the one that holds. */
static bool switch_to(struct agent *agent, const struct bundle_place *place, struct str hash,
                      const char *status, struct str reason, struct err *err)
{
    AUTO(arena) arena = arena_new(PROBLEMS_ARENA_BYTES);
    AUTO(buf) changes = buf_growing(AGENT_CHANGES_BYTES_MAX);
    struct problems problems = {.arena = &arena};
    char path[LIMIT_PATH_BYTES + 1];
    struct record r = record_of(agent, place, hash, status, reason);
    if (!bundles_definitions_path(agent, str_from(place->current), path, err)) {
        return false;
    }
    if (!agent_switch_definitions(agent, path, &r, &problems, &changes, err)) {
        say_problems(&problems);
        return false;
    }
    agent->bundle_place = *place;
    return true;
}

static struct bundle_place place_of(struct str current, struct str previous)
{
    struct bundle_place place = {0};
    (void)snprintf(place.current, sizeof(place.current), STR_FMT, STR_ARG(current));
    (void)snprintf(place.previous, sizeof(place.previous), STR_FMT, STR_ARG(previous));
    return place;
}

static bool note_failing(void *ctx, struct str key)
{
    struct bundles *b = ctx;
    struct str copy = arena_copy(&b->failing_arena, key);
    return copy.ptr != NULL && strmap_put(&b->failing, copy, 1);
}

static void list_failing(struct bundles *b)
{
    struct err err = {0};
    arena_reset(&b->failing_arena);
    b->failing = strmap_new(&b->failing_arena);
    if (!store_each_failing(b->agent->store, note_failing, b, &err)) {
        LOG(WARN, "bundle.failing_unknown", F_ERR(&err),
            F_T("action", "assets that failed before may speak against the bundle"));
    }
}

static void put_on_trial(struct bundles *b, int64_t starts)
{
    struct agent *agent = b->agent;
    bool is_online = agent->link != NULL && link_is_online(agent->link);
    list_failing(b);
    trial_begin(&b->trial, loop_now(agent->loop), agent->options.config->bundle_trial_ns, is_online,
                starts);
    loop_timer_arm_in(agent->loop, &b->trial_timer, 0);
}

bool bundles_apply(struct bundles *b, struct str hash, struct err *err)
{
    struct agent *agent = b->agent;
    char copy[BUNDLE_HASH_SIZE];
    (void)snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(hash));
    struct bundle_place place = place_of(str_from(copy), str_from(agent->bundle_place.current));
    if (!switch_to(agent, &place, str_from(copy), "applied", STR(""), err)) {
        return false;
    }
    LOG(INFO, "bundle.applied", F_T("bundle", copy), F_T("before", place.previous));
    put_on_trial(b, 0);
    bundles_tidy(b);
    return true;
}

/* --- going back ------------------------------------------------------------------------------- */

/* To the bundle before it, when that is asked for and can be loaded, else to the local file. */
static bool go_back(struct bundles *b, bool to_local_file, const char *status, struct str reason,
                    struct err *err)
{
    struct agent *agent = b->agent;
    struct bundle_place before = agent->bundle_place;
    struct str previous = to_local_file ? STR("") : str_from(before.previous);
    struct bundle_place places[] = {place_of(previous, STR("")), place_of(STR(""), STR(""))};
    b->trial.is_on = false;
    loop_timer_disarm(agent->loop, &b->trial_timer);
    for (size_t i = str_is_empty(previous) ? 1 : 0; i < COUNT_OF(places); i++) {
        if (switch_to(agent, &places[i], str_from(before.current), status, reason, err)) {
            LOG(WARN, "bundle.rolled_back", F_T("bundle", before.current), F_S("reason", reason),
                F_T("current",
                    places[i].current[0] != '\0' ? places[i].current : "the local file"));
            bundles_tidy(b);
            return true;
        }
        LOG(ERROR, "bundle.not_rolled_back", F_T("to", places[i].current), F_ERR(err));
    }
    return false;
}

bool bundles_roll_back(struct bundles *b, bool to_local_file, struct str reason, struct err *err)
{
    if (b->agent->bundle_place.current[0] == '\0') {
        (void)err_set(err, ERR_NOT_FOUND, "no bundle is in force: the local file is");
        return err_hint(err, "what there was: selvedge-agent bundles");
    }
    return go_back(b, to_local_file, "rolled_back", reason, err);
}

bool bundles_leave(struct bundles *b, struct err *err)
{
    return go_back(b, true, "left", STR("the hub wants none"), err);
}

/* --- on trial --------------------------------------------------------------------------------- */

static void find_healthy(struct bundles *b)
{
    struct err err = {0};
    struct str hash = str_from(b->agent->bundle_place.current);
    LOG(INFO, "bundle.healthy", F_S("bundle", hash));
    if (!bundles_record(b->agent, hash, "healthy", STR(""), &err)) {
        LOG(ERROR, "bundle.not_recorded", F_S("bundle", hash), F_ERR(&err));
    }
}

void bundles_on_trial_due(void *ctx)
{
    struct bundles *b = ctx;
    struct agent *agent = b->agent;
    struct err err = {0};
    int64_t wait_ns = 0;
    bool is_online = agent->link != NULL && link_is_online(agent->link);
    if (!b->trial.is_on || agent->is_stopping) {
        return;
    }
    switch (trial_look(&b->trial, loop_now(agent->loop), is_online, &wait_ns)) {
    case TRIAL_GOES_ON:
        loop_timer_arm_in(agent->loop, &b->trial_timer, wait_ns);
        break;
    case TRIAL_IS_HEALTHY:
        find_healthy(b);
        break;
    case TRIAL_IS_BAD:
        if (!go_back(b, false, "rolled_back", str_from(b->trial.why), &err)) {
            LOG(ERROR, "bundle.stuck", F_ERR(&err), F_T("action", "the bundle stays in force"));
        }
        break;
    }
}

/* After a start: what was on trial is so again. */
void bundles_begin_trial(struct bundles *b)
{
    AUTO(arena) arena = arena_new(16 << 10);
    struct agent *agent = b->agent;
    struct bundle_row row;
    struct err err = {0};
    bool found = false;
    struct str hash = str_from(agent->bundle_place.current);
    if (str_is_empty(hash) || !store_bundle_find(agent->store, hash, &arena, &row, &found, &err) ||
        !found || !str_eq(row.status, STR("applied"))) {
        return;
    }
    if (!store_bundle_started(agent->store, &err)) {
        LOG(ERROR, "bundle.not_recorded", F_S("bundle", hash), F_ERR(&err));
    }
    put_on_trial(b, agent->bundle_place.starts + 1);
}

static bool speaks_against_it(const struct bundles *b, const struct asset *asset)
{
    uint32_t ignored = 0;
    return !strmap_get(&b->failing, asset->key, &ignored);
}

void bundles_run_ended(struct bundles *b, const struct run_end *end)
{
    bool counts = b != NULL && b->trial.is_on && end->state == RUN_FAILURE && end->steps != NULL &&
                  strcmp(end->steps->defs->dir, b->agent->defs->dir) == 0;
    for (uint32_t i = 0; counts && i < end->steps->plan->count; i++) {
        const struct asset *asset = run_asset(end->steps, i);
        if (end->steps->steps[i].state == STEP_FAILURE && speaks_against_it(b, asset)) {
            trial_run_failed(&b->trial, end->run, asset->key);
            loop_timer_arm_in(b->agent->loop, &b->trial_timer, 0);
        }
    }
    if (b != NULL) {
        bundles_tidy(b);
    }
}

void bundles_tidy(struct bundles *b)
{
    struct err err = {0};
    const struct agent *agent = b->agent;
    if (runner_active_runs(agent->runner) == 0 &&
        !folder_clear(agent->state_dir, str_from(agent->bundle_place.current),
                      str_from(agent->bundle_place.previous), str_from(b->wanted), &err)) {
        LOG(WARN, "bundle.not_deleted", F_ERR(&err));
    }
}

/* --- at start --------------------------------------------------------------------------------- */

static bool load(struct agent *agent, struct str hash, struct err *err)
{
    struct definitions_files files = definitions_system_files();
    char path[LIMIT_PATH_BYTES + 1];
    return bundles_definitions_path(agent, hash, path, err) &&
           definitions_load(path, &files, agent->options.problems, &agent->defs, err);
}

/* What is in force cannot be read any more: its folder was damaged. */
static bool load_another(struct agent *agent, const struct err *why, struct err *err)
{
    struct bundle_place before = agent->bundle_place;
    struct bundle_place place = place_of(str_from(before.previous), STR(""));
    LOG(ERROR, "bundle.unreadable", F_T("bundle", before.current), F_ERR(why),
        F_T("action", "going back to the one before it"));
    if (place.current[0] == '\0' || !load(agent, str_from(place.current), err)) {
        place = place_of(STR(""), STR(""));
        if (!load(agent, STR(""), err)) {
            return false;
        }
    }
    struct record r =
        record_of(agent, &place, str_from(before.current), "rolled_back", str_from(why->msg));
    agent->bundle_place = place;
    return store_record(agent->store, &r, err) &&
           store_flush(agent->store, clock_wall(loop_clock(agent->loop)), err);
}

bool bundles_open_definitions(struct agent *agent, struct err *err)
{
    struct err why = {0};
    if (!store_bundle_place(agent->store, &agent->bundle_place, err)) {
        return false;
    }
    struct str current = str_from(agent->bundle_place.current);
    if (str_is_empty(current)) {
        return load(agent, current, err);
    }
    return load(agent, current, &why) || load_another(agent, &why, err);
}
