/* cmd_backfill.c - many partitions asked for, listed, watched, canceled and tried again. */
#include "agent/cli/ask.h"

#include "agent/store/backfills.h"
#include "common/base/uuid.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include <string.h>

enum {
    REQUEST_BYTES_MAX = 16 << 10,
    LINE_BYTES_MAX = 64 << 10,
    BAR_COLUMNS = 40,
    PARTS_SHOWN_MAX = 20,
};

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* False: said what is wrong with the options. */
static bool check_choice(struct cli *cli)
{
    bool has_bounds = cli_is_given(cli, "from") || cli_is_given(cli, "to");
    bool has_keys = cli_is_given(cli, "partition");
    bool has_only = cli_bool(cli, "missing") || cli_bool(cli, "failed");
    if (has_keys && (has_bounds || has_only || cli_bool(cli, "all"))) {
        (void)cli_usage(cli, "--partition names them one by one: it goes with none of --from, "
                             "--to, --all, --missing, --failed");
        return false;
    }
    if (cli_bool(cli, "missing") && cli_bool(cli, "failed")) {
        (void)cli_usage(cli, "give --missing or --failed");
        return false;
    }
    if (cli_bool(cli, "all") && (has_bounds || has_only)) {
        (void)cli_usage(cli, "--all is all: leave out --from, --to, --missing and --failed");
        return false;
    }
    if (!has_keys && !has_bounds && !has_only && !cli_bool(cli, "all")) {
        (void)cli_usage(cli, "say which partitions: --from and --to, --partition, --missing, "
                             "--failed or --all");
        return false;
    }
    return true;
}

static void add_keys(struct cli *cli, struct json_writer *w)
{
    if (!cli_is_given(cli, "partition")) {
        return;
    }
    jw_key(w, STR("partitions"));
    jw_begin_array(w);
    for (size_t i = 0; cli_values(cli, "partition", i) != NULL; i++) {
        jw_str(w, str_from(cli_values(cli, "partition", i)));
    }
    jw_end_array(w);
}

/* False: one is not NAME=VALUE. */
static bool add_tags(struct cli *cli, struct json_writer *w)
{
    jw_key(w, STR("tags"));
    jw_begin_object(w);
    for (size_t i = 0; cli_values(cli, "tag", i) != NULL; i++) {
        struct str name;
        struct str value;
        if (!str_cut(str_from(cli_values(cli, "tag", i)), '=', &name, &value) ||
            str_is_empty(name)) {
            return false;
        }
        jw_key(w, name);
        jw_str(w, value);
    }
    jw_end_object(w);
    return true;
}

static bool write_request(struct cli *cli, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("backfill"));
    jw_member_str(&w, "selection", str_from(cli_arg(cli, 0)));
    jw_member_opt(&w, "from", str_from(cli_text(cli, "from")));
    jw_member_opt(&w, "to", str_from(cli_text(cli, "to")));
    if (cli_bool(cli, "missing") || cli_bool(cli, "failed")) {
        jw_member_str(&w, "only", cli_bool(cli, "missing") ? STR("missing") : STR("failed"));
    }
    if (cli_is_given(cli, "per-run")) {
        jw_member_i64(&w, "per_run", cli_i64(cli, "per-run"));
    }
    jw_member_i64(&w, "runs_max", cli_i64(cli, "max-runs"));
    jw_member_bool(&w, "newest_first", cli_bool(cli, "newest-first"));
    add_keys(cli, &w);
    bool ok = add_tags(cli, &w);
    jw_end_object(&w);
    return ok;
}

static int64_t number_of(const struct json *reply, const char *key)
{
    const struct json *node = json_get(reply, key);
    return node != NULL && node->type == JSON_INT ? node->as.integer : 0;
}

static int say_started(struct cli *cli, const struct json *reply)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    const struct json *id = json_get(reply, "backfill");
    if (cli_is_json(cli)) {
        json_write(&out, reply);
        cli_json(cli, buf_str(&out));
        return CLI_OK;
    }
    long long legs = (long long)number_of(reply, "legs");
    cli_printf(cli, "requested  backfill " STR_FMT "  %lld partitions",
               STR_ARG(id != NULL && id->type == JSON_STRING ? id->as.string : STR("")),
               (long long)number_of(reply, "partitions"));
    if (legs > 1) {
        cli_printf(cli, " in %lld legs, one after the other", legs);
    }
    cli_printf(cli, "\n");
    return CLI_OK;
}

static int ask(struct cli *cli, struct settings *settings, struct str request, struct str selection)
{
    struct json *reply = NULL;
    struct err err = {0};
    if (!control_call(settings->state_dir, request, &settings->arena, &reply, &err)) {
        return cli_selection_error(cli, selection, &err);
    }
    return say_started(cli, reply);
}

static int begin(struct cli *cli, struct settings *settings)
{
    AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
    if (!check_choice(cli)) {
        return CLI_USAGE;
    }
    if (!write_request(cli, &request)) {
        return cli_usage(cli, "--tag takes NAME=VALUE");
    }
    if (request.overflow) {
        return cli_usage(cli, "that is more than a request can hold: name a range with --from and "
                              "--to");
    }
    return ask(cli, settings, buf_str(&request), str_from(cli_arg(cli, 0)));
}

int command_backfill(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, begin);
}

/* --- looking ---------------------------------------------------------------------------------- */

static enum cli_tone tone_of(struct str status)
{
    if (str_eq(status, STR("completed_success"))) {
        return CLI_GOOD;
    }
    return str_eq(status, STR("completed_failed")) ? CLI_BAD : CLI_PLAIN;
}

static int64_t done(const struct view_backfill *b)
{
    return b->succeeded + b->failed + b->canceled;
}

static void add_members(struct json_writer *w, const struct view_backfill *b)
{
    const struct stored_backfill *f = &b->facts;
    jw_member_str(w, "backfill", f->id);
    jw_member_str(w, "selection", f->selection);
    jw_member_i64(w, "leg", f->leg);
    jw_member_str(w, "status", f->status);
    jw_member_opt(w, "reason", f->reason);
    jw_member_opt(w, "after", f->after);
    jw_member_i64(w, "partitions", f->total);
    jw_member_i64(w, "succeeded", b->succeeded);
    jw_member_i64(w, "failed", b->failed);
    jw_member_i64(w, "canceled", b->canceled);
    jw_member_i64(w, "requested", b->requested);
    jw_member_i64(w, "waiting", b->waiting);
    jw_member_i64(w, "partitions_per_run", f->per_run);
    jw_member_i64(w, "runs_max", f->runs_max);
    jw_member_bool(w, "newest_first", f->newest_first);
    jw_member_wall(w, "created_at", f->created_at);
    jw_member_opt_wall(w, "ended_at", f->ended_at);
    jw_member_raw(w, "tags", f->tags);
}

struct backfill_list {
    struct cli *cli;
    struct table table;
};

static bool list_backfill(void *ctx, const struct view_backfill *b)
{
    struct backfill_list *list = ctx;
    if (cli_is_json(list->cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        add_members(&w, b);
        jw_end_object(&w);
        cli_json(list->cli, buf_str(&out));
        return true;
    }
    table_cell(&list->table, b->facts.id);
    table_tone(&list->table, tone_of(b->facts.status), b->facts.status);
    table_cell(&list->table, b->facts.selection);
    table_cellf(&list->table, "%lld/%lld", (long long)done(b), (long long)b->facts.total);
    table_i64(&list->table, b->failed);
    table_ago(&list->table, b->facts.created_at, now());
    table_cell(&list->table, b->facts.reason);
    return true;
}

static int list_all(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    struct backfill_list list = {.cli = cli};
    list.table = table_new(TABLE_COLUMNS(
        {.name = "BACKFILL"}, {.name = "STATUS"}, {.name = "SELECTION", .is_wide = true},
        {.name = "ENDED", .is_right = true}, {.name = "FAILED", .is_right = true},
        {.name = "REQUESTED"}, {.name = "REASON"}));
    bool ok = view_open(&view, settings->database, &err) &&
              view_backfills(view, STR_NONE, cli_i64(cli, "limit"), list_backfill, &list, &err);
    if (ok) {
        table_print_list(&list.table, cli, "no backfills");
    }
    table_release(&list.table);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_backfill_list(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, list_all);
}

/* "[#######!...    ]": ended well, ended otherwise, asked for, waiting. */
static void add_bar(struct buf *out, const struct view_backfill *b)
{
    const int64_t ends[] = {b->succeeded, b->succeeded + b->failed + b->canceled,
                            b->succeeded + b->failed + b->canceled + b->requested};
    static const struct str marks = STR_INIT("#!. ");
    int64_t total = b->facts.total > 0 ? b->facts.total : 1;
    buf_add_char(out, '[');
    for (int64_t column = 0; column < BAR_COLUMNS; column++) {
        size_t mark = 0;
        while (mark < COUNT_OF(ends) && ends[mark] * BAR_COLUMNS <= column * total) {
            mark++;
        }
        buf_add(out, str_slice(marks, mark, mark + 1));
    }
    buf_addf(out, "] %lld of %lld", (long long)done(b), (long long)b->facts.total);
}

static void say_line(struct cli *cli, const char *what, struct str text)
{
    if (!str_is_empty(text)) {
        cli_printf(cli, "%-11s " STR_FMT "\n", what, STR_ARG(text));
    }
}

static bool show_one(void *ctx, const struct view_backfill *b)
{
    struct cli *cli = ctx;
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    if (cli_is_json(cli)) {
        return list_backfill(&(struct backfill_list){.cli = cli}, b);
    }
    enum cli_tone tone = tone_of(b->facts.status);
    say_line(cli, "backfill", b->facts.id);
    cli_printf(cli, "%-11s %s" STR_FMT "%s\n", "status", cli_tone_on(cli, tone),
               STR_ARG(b->facts.status), cli_tone_off(cli, tone));
    say_line(cli, "reason", b->facts.reason);
    say_line(cli, "selection", b->facts.selection);
    say_line(cli, "after", b->facts.after);
    add_bar(&out, b);
    cli_printf(cli, "%-11s " STR_FMT "\n", "partitions", STR_ARG(buf_str(&out)));
    cli_printf(cli,
               "%-11s %lld succeeded, %lld failed, %lld canceled, %lld requested, %lld "
               "waiting\n",
               "", (long long)b->succeeded, (long long)b->failed, (long long)b->canceled,
               (long long)b->requested, (long long)b->waiting);
    buf_reset(&out);
    buf_add_ago(&out, b->facts.created_at, now());
    say_line(cli, "requested", buf_str(&out));
    if (b->facts.ended_at.ns != 0) {
        buf_reset(&out);
        buf_add_duration(&out, b->facts.ended_at.ns - b->facts.created_at.ns);
        say_line(cli, "took", buf_str(&out));
    }
    return true;
}

struct failed_list {
    struct cli *cli;
    int64_t count;
};

static bool show_failed(void *ctx, const struct stored_part *part)
{
    struct failed_list *list = ctx;
    if (cli_is_json(list->cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "partition", part->partition);
        jw_member_str(&w, "status", part->status);
        jw_member_opt(&w, "run", part->run);
        jw_end_object(&w);
        cli_json(list->cli, buf_str(&out));
        return true;
    }
    if (list->count == 0) {
        cli_printf(list->cli, "failed:\n");
    }
    if (list->count++ == PARTS_SHOWN_MAX) {
        cli_printf(list->cli, "  ... (all of them: --json)\n");
        return false;
    }
    cli_printf(list->cli, "  " STR_FMT "  run " STR_FMT "\n", STR_ARG(part->partition),
               STR_ARG(part->run));
    return true;
}

static int show(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    char memory[UUID_TEXT_SIZE];
    struct buf id = buf_fixed(memory, sizeof(memory));
    struct failed_list failed = {.cli = cli};
    bool ok = view_open(&view, settings->database, &err) &&
              view_find_backfill(view, str_from(cli_arg(cli, 0)), &id, &err) &&
              view_backfills(view, buf_str(&id), 1, show_one, cli, &err) &&
              view_backfill_parts(view, buf_str(&id), STR("failure"), show_failed, &failed, &err);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_backfill_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, show);
}

/* --- cancel and retry ------------------------------------------------------------------------- */

/* {"verb":verb,"backfill":the whole id} */
static bool request_about(struct cli *cli, const struct settings *settings, const char *verb,
                          struct buf *out, struct err *err)
{
    struct view *view = NULL;
    char memory[UUID_TEXT_SIZE];
    struct buf id = buf_fixed(memory, sizeof(memory));
    bool ok = view_open(&view, settings->database, err) &&
              view_find_backfill(view, str_from(cli_arg(cli, 0)), &id, err);
    view_close(view);
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", str_from(verb));
    jw_member_str(&w, "backfill", buf_str(&id));
    jw_end_object(&w);
    return ok;
}

static int cancel(struct cli *cli, struct settings *settings)
{
    AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json *reply = NULL;
    struct err err = {0};
    if (!request_about(cli, settings, "backfill_cancel", &request, &err) ||
        !control_call(settings->state_dir, buf_str(&request), &settings->arena, &reply, &err)) {
        return cli_error(cli, &err);
    }
    if (cli_is_json(cli)) {
        json_write(&out, reply);
        cli_json(cli, buf_str(&out));
    } else {
        const struct json *id = json_get(reply, "backfill");
        cli_printf(cli, "canceling  backfill " STR_FMT "\n",
                   STR_ARG(id != NULL && id->type == JSON_STRING ? id->as.string : STR("")));
    }
    return CLI_OK;
}

int command_backfill_cancel(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, cancel);
}

static int retry(struct cli *cli, struct settings *settings)
{
    AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
    struct err err = {0};
    return request_about(cli, settings, "backfill_retry", &request, &err)
               ? ask(cli, settings, buf_str(&request), STR_NONE)
               : cli_error(cli, &err);
}

int command_backfill_retry(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, retry);
}
