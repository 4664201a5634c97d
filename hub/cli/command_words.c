#include "hub/cli/command_words.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include "common/wire/command.h"
#include "common/wire/signed.h"
#include <string.h>

struct writing {
    struct cli *cli;
    const char *run;
    struct json_writer w;
    struct err *err;
};
struct verb {
    const char *word;  /* as it is typed */
    const char *wire;  /* as it is signed */
    const char *takes; /* names of its options, each between spaces */
    const char *synopsis;
    size_t min, max; /* words behind it */
    bool (*write)(struct writing *wr);
};

static const char *word(const struct writing *wr, size_t index)
{
    return cli_arg(wr->cli, index + 1);
}

static void member_text(struct writing *wr, const char *key, const char *text)
{
    jw_member_opt(&wr->w, key, str_from(text));
}

/* The option's value as a member, when it is given. */
static void member_option(struct writing *wr, const char *option, const char *key)
{
    if (cli_is_given(wr->cli, option)) {
        member_text(wr, key, cli_text(wr->cli, option));
    }
}

static void member_number(struct writing *wr, const char *option, const char *key)
{
    if (cli_is_given(wr->cli, option)) {
        jw_member_i64(&wr->w, key, cli_i64(wr->cli, option));
    }
}

/* --- what several verbs take ------------------------------------------------------------------ */

static bool cut_range(struct writing *wr, struct str *ret_from, struct str *ret_to)
{
    struct str text = str_from(cli_text(wr->cli, "partitions"));
    for (size_t i = 0; i + 2 <= text.len; i++) {
        if (text.ptr[i] == '.' && text.ptr[i + 1] == '.') {
            *ret_from = str_slice(text, 0, i);
            *ret_to = str_slice(text, i + 2, text.len);
            return !(str_is_empty(*ret_from) || str_is_empty(*ret_to)) ||
                   err_set(wr->err, ERR_INVALID,
                           "--partitions: the first and the last, like "
                           "2026-01-01..2026-01-31");
        }
    }
    return err_set(wr->err, ERR_INVALID,
                   "--partitions: \"" STR_FMT "\" is no range like 2026-01-01..2026-01-31; one "
                   "partition: --partition KEY",
                   STR_ARG(text));
}

static bool write_tags(struct writing *wr)
{
    if (cli_values(wr->cli, "tag", 0) == NULL) {
        return true;
    }
    jw_key(&wr->w, STR("tags"));
    jw_begin_object(&wr->w);
    for (size_t i = 0; cli_values(wr->cli, "tag", i) != NULL; i++) {
        struct str name;
        struct str value;
        if (!str_cut(str_from(cli_values(wr->cli, "tag", i)), '=', &name, &value) ||
            str_is_empty(name)) {
            return err_set(wr->err, ERR_INVALID, "--tag: \"%s\" is not NAME=VALUE",
                           cli_values(wr->cli, "tag", i));
        }
        jw_key(&wr->w, name);
        jw_str(&wr->w, value);
    }
    jw_end_object(&wr->w);
    return true;
}

/* Of a run: one partition, or a range. */
static bool write_partition(struct writing *wr)
{
    const char *key = cli_values(wr->cli, "partition", 0);
    bool has_range = cli_is_given(wr->cli, "partitions");
    struct str from;
    struct str to;
    if (key != NULL && (has_range || cli_values(wr->cli, "partition", 1) != NULL)) {
        return err_set(wr->err, ERR_INVALID,
                       "one run makes one --partition, or --partitions A..B; many runs: backfill");
    }
    if (key != NULL) {
        member_text(wr, "partition", key);
        return true;
    }
    if (!has_range) {
        return true;
    }
    if (!cut_range(wr, &from, &to)) {
        return false;
    }
    jw_member_str(&wr->w, "partition", from);
    jw_member_str(&wr->w, "partition_end", to);
    return true;
}

static bool write_of_runs(struct writing *wr)
{
    member_number(wr, "priority", "priority");
    return write_partition(wr) && write_tags(wr);
}

/* --- verbs ------------------------------------------------------------------------------------ */

static bool write_materialize(struct writing *wr)
{
    member_text(wr, "selection", word(wr, 0));
    return write_of_runs(wr);
}

static bool write_run_job(struct writing *wr)
{
    member_text(wr, "job", word(wr, 0));
    return write_of_runs(wr);
}

/* The run, or what stands in its place. */
static bool write_which_run(struct writing *wr)
{
    int given = (word(wr, 0) != NULL) + cli_is_given(wr->cli, "backfill") +
                cli_is_given(wr->cli, "of-command");
    if (given != 1) {
        return err_set(wr->err, ERR_INVALID, "give one of RUN, --backfill ID, --of-command ID");
    }
    member_text(wr, "run", wr->run != NULL ? wr->run : word(wr, 0));
    member_option(wr, "backfill", "backfill");
    member_option(wr, "of-command", "command");
    return true;
}

static bool write_retry(struct writing *wr)
{
    const char *selection = cli_text(wr->cli, "select");
    int given = cli_bool(wr->cli, "all") + cli_bool(wr->cli, "from-failure") + (selection != NULL);
    if (given > 1) {
        return err_set(wr->err, ERR_INVALID, "one of --from-failure, --all and --select");
    }
    if (!write_which_run(wr)) {
        return false;
    }
    if (cli_bool(wr->cli, "all")) {
        jw_member_str(&wr->w, "what", STR("all"));
    }
    if (selection != NULL) {
        jw_member_str(&wr->w, "what", STR("selected"));
        member_text(wr, "selection", selection);
    }
    return true;
}

static bool write_pause(struct writing *wr)
{
    const char *kind = word(wr, 0);
    bool is_all = strcmp(kind, "all") == 0;
    jw_member_str(&wr->w, "what", is_all ? STR("everything") : str_from(kind));
    if (word(wr, 1) == NULL) {
        return true;
    }
    jw_key(&wr->w, STR("names"));
    jw_begin_array(&wr->w);
    for (size_t i = 1; word(wr, i) != NULL; i++) {
        jw_str(&wr->w, str_from(word(wr, i)));
    }
    jw_end_array(&wr->w);
    return true;
}

static bool write_which_partitions(struct writing *wr)
{
    struct str from = STR_NONE;
    struct str to = STR_NONE;
    if (cli_is_given(wr->cli, "partitions")) {
        if (!cut_range(wr, &from, &to)) {
            return false;
        }
        jw_member_str(&wr->w, "from", from);
        jw_member_str(&wr->w, "to", to);
    }
    if (cli_values(wr->cli, "partition", 0) == NULL) {
        return true;
    }
    jw_key(&wr->w, STR("partitions"));
    jw_begin_array(&wr->w);
    for (size_t i = 0; cli_values(wr->cli, "partition", i) != NULL; i++) {
        jw_str(&wr->w, str_from(cli_values(wr->cli, "partition", i)));
    }
    jw_end_array(&wr->w);
    return true;
}

static bool write_backfill(struct writing *wr)
{
    bool is_missing = cli_bool(wr->cli, "missing");
    bool is_failed = cli_bool(wr->cli, "failed");
    if (is_missing && is_failed) {
        return err_set(wr->err, ERR_INVALID, "either --missing or --failed");
    }
    member_text(wr, "selection", word(wr, 0));
    if (is_missing || is_failed) {
        jw_member_str(&wr->w, "only", is_missing ? STR("missing") : STR("failed"));
    }
    if (cli_bool(wr->cli, "newest-first")) {
        jw_member_bool(&wr->w, "newest_first", true);
    }
    member_number(wr, "per-run", "per_run");
    member_number(wr, "max-runs", "runs_max");
    return write_which_partitions(wr) && write_tags(wr);
}

static bool write_logs(struct writing *wr)
{
    member_text(wr, "run", wr->run != NULL ? wr->run : word(wr, 0));
    member_option(wr, "step", "step");
    member_number(wr, "attempt", "attempt");
    member_option(wr, "stream", "stream");
    return true;
}

static bool write_describe(struct writing *wr)
{
    if (word(wr, 0) == NULL) {
        return true;
    }
    jw_key(&wr->w, STR("parts"));
    jw_begin_array(&wr->w);
    for (size_t i = 0; word(wr, i) != NULL; i++) {
        jw_str(&wr->w, str_from(word(wr, i)));
    }
    jw_end_array(&wr->w);
    return true;
}

static bool write_set(struct writing *wr)
{
    for (size_t i = 0; word(wr, i) != NULL; i++) {
        struct str name;
        struct str value;
        if (!str_cut(str_from(word(wr, i)), '=', &name, &value) || str_is_empty(name)) {
            return err_set(wr->err, ERR_INVALID, "\"%s\" is not NAME=VALUE, like log_level=debug",
                           word(wr, i));
        }
        jw_key(&wr->w, name);
        jw_str(&wr->w, value);
    }
    return true;
}

static bool write_trust(struct writing *wr)
{
    AUTO(buf) keys = buf_growing(SIGNED_KEYS_BYTES_MAX);
    if (!files_read(word(wr, 0), &keys, wr->err)) {
        return false;
    }
    jw_member_str(&wr->w, "keys", buf_str(&keys));
    return true;
}

static bool write_nothing(struct writing *wr)
{
    (void)wr;
    return true;
}

static bool refuse_words(struct writing *wr)
{
    return err_set(wr->err, ERR_INVALID, "give its arguments with --args JSON");
}

static const struct verb verbs[] = {
    {"materialize", "materialize", " partition partitions tag priority ", "SELECTION", 1, 1,
     write_materialize},
    {"run-job", "run_job", " partition partitions tag priority ", "JOB", 1, 1, write_run_job},
    {"backfill", "backfill",
     " partition partitions tag missing failed newest-first per-run max-runs ", "SELECTION", 1, 1,
     write_backfill},
    {"cancel", "cancel", " backfill of-command ", "[RUN]", 0, 1, write_which_run},
    {"retry", "retry", " from-failure all select backfill of-command ", "[RUN]", 0, 1, write_retry},
    {"pause", "pause", " ", "schedules|sensors|automation|all [NAME...]", 1, 1000, write_pause},
    {"resume", "resume", " ", "schedules|sensors|automation|all [NAME...]", 1, 1000, write_pause},
    {"logs", "logs", " step attempt stream ", "RUN", 1, 1, write_logs},
    {"describe", "describe", " ", "[PART...]", 0, 8, write_describe},
    {"set", "set", " ", "NAME=VALUE...", 1, 8, write_set},
    {"ping", "ping", " ", "", 0, 0, write_nothing},
    {"trust", "trust", " ", "FILE", 1, 1, write_trust},
    {"decommission", "decommission", " ", "", 0, 0, write_nothing},
    {"deploy", "deploy", " ", "--args JSON", 0, 0, refuse_words},
    {"rollback", "rollback", " ", "--args JSON", 0, 0, refuse_words},
    {"rotate-certificate", "rotate_certificate", " ", "--args JSON", 0, 0, write_nothing},
};
static const char *const options_of_verbs[] = {
    "partition", "partitions", "tag",        "priority", "from-failure", "all",
    "select",    "backfill",   "of-command", "missing",  "failed",       "newest-first",
    "per-run",   "max-runs",   "step",       "attempt",  "stream"};

/* --- reading ---------------------------------------------------------------------------------- */

static const struct verb *find_verb(struct str text)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (str_eq(text, str_from(verbs[i].word)) || str_eq(text, str_from(verbs[i].wire))) {
            return &verbs[i];
        }
    }
    return NULL;
}

static int unknown_verb(struct cli *cli, const char *text)
{
    const char *nearest = NULL;
    size_t distance = 4;
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        size_t d = str_distance(str_from(text), str_from(verbs[i].word));
        if (d < distance) {
            distance = d;
            nearest = verbs[i].word;
        }
    }
    return nearest != NULL ? cli_usage(cli, "unknown verb %s; did you mean %s?", text, nearest)
                           : cli_usage(cli, "unknown verb %s", text);
}

static bool has_option(const struct verb *v, const char *name)
{
    char wanted[64];
    struct buf b = buf_fixed(wanted, sizeof(wanted));
    buf_addf(&b, " %s ", name);
    return str_contains(str_from(v->takes), buf_str(&b));
}

/* Options of other verbs, and how many words there are. False: *ret_exit. */
static bool check_shape(struct cli *cli, const struct verb *v, int *ret_exit)
{
    bool has_args = cli_is_given(cli, "args");
    for (size_t i = 0; i < COUNT_OF(options_of_verbs); i++) {
        const char *name = options_of_verbs[i];
        if (cli_is_given(cli, name) && (has_args || !has_option(v, name))) {
            *ret_exit = has_args ? cli_usage(cli, "--args stands in place of --%s", name)
                                 : cli_usage(cli, "--%s does not belong to %s", name, v->word);
            return false;
        }
    }
    size_t words = cli_arg_count(cli) - 1;
    if (has_args ? words > 0 : words < v->min || words > v->max) {
        *ret_exit = cli_usage(cli, "it is: %s %s", v->word,
                              has_args ? "--args JSON, and no words" : v->synopsis);
        return false;
    }
    return true;
}

bool command_words_name_run(const struct cli *cli)
{
    const struct verb *v = find_verb(str_from(cli_arg(cli, 0)));
    bool takes_run = v != NULL && (v->write == write_which_run || v->write == write_retry ||
                                   v->write == write_logs);
    return takes_run && cli_arg(cli, 1) != NULL && !cli_is_given(cli, "args");
}

bool command_words_read(struct cli *cli, const char *run, struct command_words *ret, int *ret_exit)
{
    struct err err = {0};
    const struct verb *v = find_verb(str_from(cli_arg(cli, 0)));
    *ret = (struct command_words){.args = buf_growing(COMMAND_BYTES_MAX)};
    if (v == NULL) {
        *ret_exit = unknown_verb(cli, cli_arg(cli, 0));
        return false;
    }
    ret->verb = str_from(v->wire);
    ret->takes_run = command_words_name_run(cli);
    if (!check_shape(cli, v, ret_exit)) {
        return false;
    }
    if (cli_is_given(cli, "args")) {
        buf_add(&ret->args, str_from(cli_text(cli, "args")));
        return true;
    }
    struct writing wr = {.cli = cli, .run = run, .w = json_writer(&ret->args), .err = &err};
    jw_begin_object(&wr.w);
    if (!v->write(&wr)) {
        bool is_usage = err.code == ERR_INVALID;
        *ret_exit = is_usage ? cli_usage(cli, "%s", err.msg) : cli_error(cli, &err);
        return false;
    }
    jw_end_object(&wr.w);
    return true;
}
