/* control_backfills.c - backfills and dynamic partitions, as the command line asks for them. */
#include "agent/daemon/agent_internal.h"

#include "agent/store/partitions.h"

enum { REQUEST_ARENA_BYTES = 1 << 20 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory");
}

/* A list of texts, in `arena`; empty when it is not there. */
static bool take_texts(const struct json *request, const char *key, struct arena *arena,
                       struct partition_keys *ret, struct err *err)
{
    const struct json *list = json_get(request, key);
    *ret = (struct partition_keys){0};
    if (list == NULL || list->type != JSON_ARRAY) {
        return true;
    }
    struct str *items = arena_array(arena, list->count + 1, sizeof(*items));
    if (items == NULL) {
        return out_of_memory(err);
    }
    size_t count = 0;
    for (const struct json *node = list->child; node != NULL; node = node->next) {
        if (node->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "%s: not a list of texts", key);
        }
        items[count++] = node->as.string;
    }
    *ret = (struct partition_keys){items, count};
    return true;
}

/* --- backfills -------------------------------------------------------------------------------- */

static bool has_backfills(const struct agent *agent, struct err *err)
{
    return agent->backfills != NULL ||
           err_set(err, ERR_INTERNAL, "this agent carries out no backfills");
}

static void write_started(struct json_writer *w, const struct backfill_started *started)
{
    jw_member_str(w, "backfill", str_from(started->id));
    jw_member_i64(w, "legs", (int64_t)started->legs);
    jw_member_i64(w, "partitions", started->partitions);
}

static bool take_only(struct str text, enum backfill_only *ret, struct err *err)
{
    static const struct {
        struct str name;
        enum backfill_only only;
    } names[] = {{STR_INIT(""), BACKFILL_ANY},
                 {STR_INIT("missing"), BACKFILL_MISSING},
                 {STR_INIT("failed"), BACKFILL_FAILED}};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(text, names[i].name)) {
            *ret = names[i].only;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "only \"" STR_FMT "\": missing or failed", STR_ARG(text));
}

static bool answer_backfill(struct agent *agent, const struct json *request, struct json_writer *w,
                            struct err *err)
{
    AUTO(arena) arena = arena_new(REQUEST_ARENA_BYTES);
    struct partition_keys keys;
    struct backfill_started started;
    struct backfill_request wanted = {
        .selection = control_text(request, "selection"),
        .order = {.bounds = {control_text(request, "from"), control_text(request, "to")},
                  .newest_first = control_flag(request, "newest_first")},
        .per_run = control_number(request, "per_run", BACKFILL_PER_RUN_AS_DEFINED),
        .runs_max = control_number(request, "runs_max", 0)};
    if (!has_backfills(agent, err) ||
        !take_only(control_text(request, "only"), &wanted.order.only, err) ||
        !take_texts(request, "partitions", &arena, &keys, err) ||
        !control_map(request, "tags", &arena, &wanted.tags, err)) {
        return false;
    }
    wanted.order.keys = keys.items;
    wanted.order.key_count = keys.count;
    if (!backfills_request(agent->backfills, &wanted, &started, err)) {
        return false;
    }
    write_started(w, &started);
    return true;
}

static bool answer_backfill_cancel(struct agent *agent, const struct json *request,
                                   struct json_writer *w, struct err *err)
{
    struct str id = control_text(request, "backfill");
    if (!has_backfills(agent, err) || !backfills_cancel(agent->backfills, id, err)) {
        return false;
    }
    jw_member_str(w, "backfill", id);
    return true;
}

static bool answer_backfill_retry(struct agent *agent, const struct json *request,
                                  struct json_writer *w, struct err *err)
{
    struct backfill_started started;
    if (!has_backfills(agent, err) ||
        !backfills_retry(agent->backfills, control_text(request, "backfill"), STR_NONE, &started,
                         err)) {
        return false;
    }
    write_started(w, &started);
    return true;
}

/* --- dynamic partitions ----------------------------------------------------------------------- */

static bool find_set(const struct agent *agent, struct str set, struct err *err)
{
    struct str nearest = STR_NONE;
    size_t distance = SIZE_MAX;
    for (size_t i = 0; i < agent->defs->asset_count; i++) {
        const struct partitions *p = &agent->defs->assets[i].partitions;
        if (p->kind != PARTITION_DYNAMIC) {
            continue;
        }
        if (str_eq(p->set, set)) {
            return true;
        }
        if (str_distance(p->set, set) < distance) {
            distance = str_distance(p->set, set);
            nearest = p->set;
        }
    }
    (void)err_set(err, ERR_NOT_FOUND, "no asset has the dynamic partitions \"" STR_FMT "\"",
                  STR_ARG(set));
    return str_is_empty(nearest)
               ? err_hint(err, "give one partitions: {dynamic: " STR_FMT "}", STR_ARG(set))
               : err_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(nearest));
}

static bool is_there(const struct partition_keys *keys, struct str key)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (str_eq(keys->items[i], key)) {
            return true;
        }
    }
    return false;
}

static bool change_key(struct agent *agent, struct str set, struct str key, bool is_added,
                       struct err *err)
{
    struct record record = {.type = EVENT_DYNAMIC_PARTITIONS,
                            .at = clock_wall(loop_clock(agent->loop)),
                            .set = set,
                            .partition = key,
                            .status = is_added ? STR("added") : STR("deleted")};
    return runner_record(agent->runner, &record, err);
}

/* Adds or deletes those that are not, or are, there; tells how many. */
static bool change_keys(struct agent *agent, const struct json *request, bool is_added,
                        struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(8 * (size_t)REQUEST_ARENA_BYTES);
    struct str set = control_text(request, "set");
    struct wall_time now = clock_wall(loop_clock(agent->loop));
    struct partition_keys keys;
    struct partition_keys known;
    int64_t changed = 0;
    if (!find_set(agent, set, err) || !take_texts(request, "partitions", &arena, &keys, err) ||
        !store_flush(agent->store, now, err) ||
        !store_dynamic_keys(agent->store, set, &arena, &known, err)) {
        return false;
    }
    for (size_t i = 0; i < keys.count; i++) {
        if (!partition_key_check(keys.items[i], err)) {
            return false;
        }
    }
    if (is_added && known.count + keys.count > PARTITIONS_MAX) {
        return err_set(err, ERR_FULL, "set " STR_FMT " would have more than %d partitions",
                       STR_ARG(set), PARTITIONS_MAX);
    }
    for (size_t i = 0; i < keys.count; i++) {
        if (is_there(&known, keys.items[i]) != is_added) {
            changed++;
            if (!change_key(agent, set, keys.items[i], is_added, err)) {
                return false;
            }
        }
    }
    jw_member_str(w, "set", set);
    jw_member_i64(w, is_added ? "added" : "deleted", changed);
    return store_flush(agent->store, now, err);
}

static bool answer_partitions_add(struct agent *agent, const struct json *request,
                                  struct json_writer *w, struct err *err)
{
    return change_keys(agent, request, true, w, err);
}

static bool answer_partitions_delete(struct agent *agent, const struct json *request,
                                     struct json_writer *w, struct err *err)
{
    return change_keys(agent, request, false, w, err);
}

const struct control_verb control_backfill_verbs[] = {
    {"backfill", answer_backfill},
    {"backfill_cancel", answer_backfill_cancel},
    {"backfill_retry", answer_backfill_retry},
    {"partitions_add", answer_partitions_add},
    {"partitions_delete", answer_partitions_delete},
    {0}};
