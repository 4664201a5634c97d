/* command_args.c - what each verb takes: one table a verb, into one struct. */
#include "common/wire/command.h"

#include "common/base/limits.h"
#include <stddef.h>

enum {
    NAMES_MAX = 1000, /* in one pause or resume */
    TAGS_MAX = 64,
    PARTITIONS_IN_COMMAND_MAX = 1000,
    PRIORITY_MAX = 1000000,
    RUNS_OF_BACKFILL_MAX = 1000,
    LOG_BYTES_MAX = 16 << 20, /* that one command brings */
    LOG_BYTES_DEFAULT = 1 << 20,
    ATTEMPTS_MAX = 1000000,
};
#define FOLLOW_MAX_NS   (300 * NS_PER_SEC)
#define INTERVAL_MIN_NS (100 * NS_PER_MS)
#define INTERVAL_MAX_NS (3600 * NS_PER_SEC)

#define ARG(key_, type_, member_, ...)                                                             \
    {                                                                                              \
        .key = (key_), .type = (type_), .offset = offsetof(struct command_args, member_),          \
        __VA_ARGS__                                                                                \
    }
#define ARG_OF_RUNS                                                                                \
    ARG("tags", FIELD_STR_MAP, tags, .min = 0, .max = TAGS_MAX,                                    \
        .help = "tags of the runs that it starts"),                                                \
        ARG("priority", FIELD_I64, priority, .min = -PRIORITY_MAX, .max = PRIORITY_MAX,            \
            .fallback = "0", .help = "added to the job's")
#define ARG_OF_PARTITION                                                                           \
    ARG("partition", FIELD_STR, partition,                                                         \
        .help = "key of the partition to make, or the first of a range"),                          \
        ARG("partition_end", FIELD_STR, partition_end, .help = "last partition of a range")

static const struct field materialize_fields[] = {
    ARG("selection", FIELD_STR, selection, .required = true,
        .help = "which assets, as on the command line: `shop/orders`, `group:raw`, `+shop/report`"),
    ARG_OF_PARTITION,
    ARG_OF_RUNS,
};
static const struct field run_job_fields[] = {
    ARG("job", FIELD_STR, job, .required = true, .help = "its name in the device's definitions"),
    ARG_OF_PARTITION,
    ARG_OF_RUNS,
};
static const struct field cancel_fields[] = {
    ARG("run", FIELD_STR, run, .help = "a queued or running run"),
    ARG("backfill", FIELD_STR, backfill, .help = "a backfill, with its open runs"),
    ARG("command", FIELD_STR, command, .help = "the run that this command started"),
};

static const char *const retry_names[] = {"from_failure", "all", "selected", NULL};
static const struct field retry_fields[] = {
    ARG("run", FIELD_STR, run, .help = "a run that has ended"),
    ARG("backfill", FIELD_STR, backfill,
        .help = "a backfill that has ended: those of its partitions that did not succeed"),
    ARG("command", FIELD_STR, command, .help = "the run that this command started"),
    ARG("what", FIELD_ENUM, retry, .names = retry_names, .fallback = "from_failure",
        .help = "of a run: all steps that did not succeed, all, or what `selection` selects"),
    ARG("selection", FIELD_STR, selection,
        .help = "with `selected`: an asset (`shop/orders`), or it and what is downstream "
                "(`shop/orders+`)"),
};

static const char *const pausable_names[] = {"schedules", "sensors", "automation", "everything",
                                             NULL};
static const struct field pause_fields[] = {
    ARG("what", FIELD_ENUM, what, .required = true, .names = pausable_names,
        .help = "of which kind"),
    ARG("names", FIELD_STR_LIST, names, .min = 0, .max = NAMES_MAX,
        .help = "which schedules or sensors; left out: all that are defined"),
};

static const char *const only_names[] = {"any", "missing", "failed", NULL};
static const struct field backfill_fields[] = {
    ARG("selection", FIELD_STR, selection, .required = true, .help = "which assets"),
    ARG("from", FIELD_STR, from, .help = "first partition"),
    ARG("to", FIELD_STR, to, .help = "last partition"),
    ARG("partitions", FIELD_STR_LIST, partitions, .min = 0, .max = PARTITIONS_IN_COMMAND_MAX,
        .help = "keys, instead of `from` and `to`"),
    ARG("only", FIELD_ENUM, only, .names = only_names, .fallback = "any",
        .help = "those that were never made, or that failed since"),
    ARG("newest_first", FIELD_BOOL, newest_first, .fallback = "false", .help = "in which order"),
    ARG("per_run", FIELD_I64, per_run, .min = 0, .max = LIMIT_RUN_PARTITIONS,
        .help = "partitions in one run; 0: all; left out: as the assets define it"),
    ARG("runs_max", FIELD_I64, runs_max, .min = 0, .max = RUNS_OF_BACKFILL_MAX, .fallback = "0",
        .help = "runs at the same time; 0: as the device sees fit"),
    ARG("tags", FIELD_STR_MAP, tags, .min = 0, .max = TAGS_MAX,
        .help = "tags of the runs that it starts"),
};

static const char *const stream_names[] = {"stdout", "stderr", NULL};
static const struct field logs_fields[] = {
    ARG("run", FIELD_STR, run, .required = true, .help = "which run's"),
    ARG("step", FIELD_STR, step, .required = true, .help = "key of the step"),
    ARG("attempt", FIELD_I64, attempt, .min = 0, .max = ATTEMPTS_MAX, .fallback = "0",
        .help = "of the step; 0: the last"),
    ARG("stream", FIELD_ENUM, stream, .names = stream_names, .fallback = "stdout",
        .help = "which of the two"),
    ARG("offset", FIELD_I64, offset, .min = 0, .max = INT64_MAX, .fallback = "0",
        .help = "where to go on, in bytes"),
    ARG("bytes", FIELD_I64, bytes, .min = 1, .max = LOG_BYTES_MAX, .fallback = "1048576",
        .help = "how much at most"),
    ARG("follow", FIELD_DURATION, follow_ns, .min = 0, .max = FOLLOW_MAX_NS, .fallback = "0s",
        .help = "for so long also what is written meanwhile, as it is written"),
};

const char *const command_parts[] = {"device", "assets", "schedules", "definitions", NULL};
static const struct field describe_fields[] = {
    ARG("parts", FIELD_STR_LIST, parts, .min = 0, .max = 8, .names = command_parts,
        .help = "of what; left out: all of it"),
};

static const char *const level_names[] = {"error", "warn", "info", "debug", NULL};
static const struct field set_fields[] = {
    ARG("log_level", FIELD_ENUM, log_level, .names = level_names,
        .present_offset = offsetof(struct command_args, has_log_level),
        .help = "what the agent logs, until it is started again"),
    ARG("sync_interval", FIELD_DURATION, sync_interval_ns, .min = INTERVAL_MIN_NS,
        .max = INTERVAL_MAX_NS, .present_offset = offsetof(struct command_args, has_sync_interval),
        .help = "how long events may wait for others before they are sent, until it is started "
                "again"),
    ARG("labels", FIELD_JSON, labels, .present_offset = offsetof(struct command_args, has_labels),
        .help = "refused: the hub keeps a device's labels"),
};

static const struct field trust_fields[] = {
    ARG("keys", FIELD_STR, keys, .required = true,
        .help = "public keys (PEM, one after the other): the device obeys these, and no others"),
};

static const struct command_args args_defaults = {.per_run = -1, .bytes = LOG_BYTES_DEFAULT};
#define VERB_TABLE(verb_, fields_)                                                                 \
    static const struct field_table verb_##_table = {.name = #verb_,                               \
                                                     .size = sizeof(struct command_args),          \
                                                     .fields = (fields_),                          \
                                                     .count = COUNT_OF(fields_),                   \
                                                     .defaults = &args_defaults}
VERB_TABLE(materialize, materialize_fields);
VERB_TABLE(run_job, run_job_fields);
VERB_TABLE(cancel, cancel_fields);
VERB_TABLE(retry, retry_fields);
VERB_TABLE(pause, pause_fields);
VERB_TABLE(resume, pause_fields);
VERB_TABLE(backfill, backfill_fields);
VERB_TABLE(logs, logs_fields);
VERB_TABLE(describe, describe_fields);
VERB_TABLE(set, set_fields);
VERB_TABLE(trust, trust_fields);
static const struct field_table ping_table = {.name = "ping", .size = sizeof(struct command_args)};
static const struct field_table rotate_certificate_table = {.name = "rotate_certificate",
                                                            .size = sizeof(struct command_args)};
static const struct field_table decommission_table = {.name = "decommission",
                                                      .size = sizeof(struct command_args)};

const char *const command_verbs[] = {"materialize",
                                     "run_job",
                                     "cancel",
                                     "retry",
                                     "pause",
                                     "resume",
                                     "backfill",
                                     "logs",
                                     "describe",
                                     "set",
                                     "ping",
                                     "trust",
                                     "decommission",
                                     "deploy",
                                     "rollback",
                                     "rotate_certificate",
                                     NULL};
static const struct field_table *const tables[] = {&materialize_table,  &run_job_table,
                                                   &cancel_table,       &retry_table,
                                                   &pause_table,        &resume_table,
                                                   &backfill_table,     &logs_table,
                                                   &describe_table,     &set_table,
                                                   &ping_table,         &trust_table,
                                                   &decommission_table, &rotate_certificate_table};

const struct field_table *command_args_table(struct str verb)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        if (str_eq(verb, str_from(tables[i]->name))) {
            return tables[i];
        }
    }
    return NULL;
}

/* --- what a table cannot say ------------------------------------------------------------------ */

static bool check_selection(struct str verb, struct str selection, struct err *err)
{
    return selection.len <= LIMIT_SELECTION_BYTES ||
           err_set(err, ERR_INVALID, STR_FMT ".selection: longer than %d bytes", STR_ARG(verb),
                   LIMIT_SELECTION_BYTES);
}

static bool check_one_target(struct str verb, const struct command_args *a, struct err *err)
{
    int given = !str_is_empty(a->run) + !str_is_empty(a->backfill) + !str_is_empty(a->command);
    return given == 1 ||
           err_set(err, ERR_INVALID, STR_FMT ": give one of `run`, `backfill` and `command`",
                   STR_ARG(verb));
}

static bool check_retry(struct str verb, const struct command_args *a, struct err *err)
{
    bool is_selected = a->retry == COMMAND_RETRY_SELECTED;
    if (!check_one_target(verb, a, err)) {
        return false;
    }
    if (!str_is_empty(a->backfill) && a->retry != COMMAND_RETRY_FROM_FAILURE) {
        return err_set(err, ERR_INVALID, "retry.what: of a backfill only from_failure");
    }
    return is_selected == !str_is_empty(a->selection) ||
           err_set(err, ERR_INVALID, "retry.selection: goes with what \"selected\", and only so");
}

static bool check_pause(struct str verb, const struct command_args *a, struct err *err)
{
    bool has_names = a->what == COMMAND_SCHEDULES || a->what == COMMAND_SENSORS;
    return has_names || a->names.count == 0 ||
           err_set(err, ERR_INVALID, STR_FMT ".names: only schedules and sensors have names",
                   STR_ARG(verb));
}

static bool check_backfill(const struct command_args *a, struct err *err)
{
    bool has_bounds = !str_is_empty(a->from) || !str_is_empty(a->to);
    return !has_bounds || a->partitions.count == 0 ||
           err_set(err, ERR_INVALID, "backfill: `partitions`, or `from` and `to`, not both");
}

static bool check_set(const struct command_args *a, struct err *err)
{
    if (a->has_labels) {
        (void)err_set(err, ERR_INVALID, "set.labels: the hub keeps a device's labels");
        return err_hint(err, "selvedge-hub device label");
    }
    return a->has_log_level || a->has_sync_interval ||
           err_set(err, ERR_INVALID, "set: give log_level or sync_interval");
}

/* It must be meant: no device is decommissioned by a command to all of them. */
static bool check_decommission(const struct command *c, struct err *err)
{
    return !(c->to_count == 1 && str_eq(c->to[0], STR("*"))) ||
           err_set(err, ERR_INVALID, "decommission: name each device in `to`; \"*\" is refused");
}

static bool check(const struct command *c, const struct command_args *a, struct err *err)
{
    if (!check_selection(c->verb, a->selection, err)) {
        return false;
    }
    if (str_eq(c->verb, STR("cancel"))) {
        return check_one_target(c->verb, a, err);
    }
    if (str_eq(c->verb, STR("retry"))) {
        return check_retry(c->verb, a, err);
    }
    if (str_eq(c->verb, STR("pause")) || str_eq(c->verb, STR("resume"))) {
        return check_pause(c->verb, a, err);
    }
    if (str_eq(c->verb, STR("backfill"))) {
        return check_backfill(a, err);
    }
    if (str_eq(c->verb, STR("set"))) {
        return check_set(a, err);
    }
    return !str_eq(c->verb, STR("decommission")) || check_decommission(c, err);
}

static bool is_verb(struct str verb)
{
    for (size_t i = 0; command_verbs[i] != NULL; i++) {
        if (str_eq(verb, str_from(command_verbs[i]))) {
            return true;
        }
    }
    return false;
}

bool command_read_args(const struct command *c, struct arena *arena, struct command_args *ret,
                       struct err *err)
{
    const struct field_table *table = command_args_table(c->verb);
    struct json *root = NULL;
    struct command_args a = args_defaults;
    if (!is_verb(c->verb)) {
        return err_set(err, ERR_NOT_FOUND, "the verb \"" STR_FMT "\" is not known",
                       STR_ARG(str_clip(c->verb, COMMAND_VERB_BYTES_MAX)));
    }
    struct problems *problems = arena_alloc(arena, sizeof(*problems));
    if (problems == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory to read a command's arguments");
    }
    problems->arena = arena;
    if (!json_parse(str_is_empty(c->args) ? STR("{}") : c->args, COMMAND_BYTES_MAX, arena, &root,
                    err)) {
        return err_wrap(err, "args");
    }
    if (table != NULL && !fields_read(root, table, c->verb, arena, problems, &a)) {
        return problems_to_err(problems, err);
    }
    if (!check(c, &a, err)) {
        return false;
    }
    *ret = a;
    return true;
}
