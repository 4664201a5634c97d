/* cmd_runs.c - the list of runs, one of them as a timeline, and what a person does with them. */
#include "agent/cli/ask.h"

#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include "common/cli/text.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1 << 20, BAR_COLUMNS = 40 };

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

static enum cli_tone tone_of(struct str status)
{
    if (str_eq(status, STR("success"))) {
        return CLI_GOOD;
    }
    return str_eq(status, STR("failure")) ? CLI_BAD : CLI_PLAIN;
}

struct run_list {
    struct cli *cli;
    struct table table;
    struct wall_time now;
};

static void add_run(struct json_writer *w, const struct view_run *run)
{
    jw_member_str(w, "run", run->id);
    jw_member_opt(w, "job", run->job);
    jw_member_str(w, "cause", run->cause);
    jw_member_opt(w, "cause_name", run->cause_name);
    jw_member_opt(w, "selection", run->selection);
    jw_member_str(w, "status", run->status);
    jw_member_i64(w, "steps", run->steps);
    jw_member_i64(w, "succeeded", run->succeeded);
    jw_member_i64(w, "failed", run->failed);
    jw_member_opt_wall(w, "created_at", run->created_at);
    jw_member_opt_wall(w, "started_at", run->started_at);
    jw_member_opt_wall(w, "ended_at", run->ended_at);
    jw_member_opt_wall(w, "not_before", run->not_before);
    jw_member_opt(w, "error", run->error);
    jw_member_opt(w, "error_code", run->error_code);
    jw_member_opt(w, "parent", run->parent);
    jw_member_opt(w, "root", run->root);
    jw_member_opt(w, "partition", run->partition);
    jw_member_opt(w, "partition_end", run->partition_end);
    jw_member_opt(w, "backfill", run->backfill);
    if (run->retry_number > 0) {
        jw_member_i64(w, "retry_number", run->retry_number);
    }
    if (run->priority != 0) {
        jw_member_i64(w, "priority", run->priority);
    }
    jw_member_raw(w, "tags", run->tags);
}

static void json_run(struct cli *cli, const struct view_run *run)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    add_run(&w, run);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static bool list_run(void *ctx, const struct view_run *run)
{
    struct run_list *list = ctx;
    if (cli_is_json(list->cli)) {
        json_run(list->cli, run);
        return true;
    }
    table_cell(&list->table, run->id);
    table_tone(&list->table, tone_of(run->status), run->status);
    table_cell(&list->table, str_is_empty(run->job) ? run->selection : run->job);
    bool has_name = !str_is_empty(run->cause_name) && !str_eq(run->cause, STR("retry"));
    table_cell(&list->table, has_name ? run->cause_name : run->cause);
    table_cellf(&list->table, "%lld/%lld", (long long)run->succeeded, (long long)run->steps);
    bool is_over = run->ended_at.ns != 0 && run->started_at.ns != 0;
    table_duration(&list->table, is_over ? run->ended_at.ns - run->started_at.ns : -1);
    table_ago(&list->table, run->created_at, list->now);
    table_cell(&list->table, run->error);
    return true;
}

static int list_runs(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    struct run_list list = {.cli = cli, .now = now()};
    list.table = table_new(TABLE_COLUMNS(
        {.name = "RUN"}, {.name = "STATUS"}, {.name = "JOB OR SELECTION", .is_wide = true},
        {.name = "CAUSE"}, {.name = "STEPS", .is_right = true}, {.name = "TOOK", .is_right = true},
        {.name = "QUEUED"}, {.name = "ERROR"}));
    struct view_run_filter filter = {.status = str_from(cli_text(cli, "status")),
                                     .asset = str_from(cli_text(cli, "asset")),
                                     .job = str_from(cli_text(cli, "job")),
                                     .limit = cli_i64(cli, "limit")};
    bool ok = view_open(&view, settings->database, &err) &&
              view_runs(view, &filter, list_run, &list, &err);
    if (ok) {
        table_print_list(&list.table, cli, "no runs");
    }
    table_release(&list.table);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_runs(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, list_runs);
}

/* --- one run --- */

struct timeline {
    struct cli *cli;
    struct table table;
    struct json_writer *json; /* NULL = for people */
    struct wall_time from, to;
    char waits_for_job[LIMIT_NAME_BYTES + 1]; /* of a queued run; else empty */
};

/* A bar that stands where the step's time lies in the run's. */
static void add_bar(struct table *table, const struct timeline *t, const struct view_step *step)
{
    char bar[BAR_COLUMNS + 1];
    int64_t span = t->to.ns - t->from.ns;
    int64_t end = step->ended_at.ns != 0 ? step->ended_at.ns : t->to.ns;
    memset(bar, ' ', BAR_COLUMNS);
    bar[BAR_COLUMNS] = '\0';
    if (span > 0 && step->started_at.ns != 0) {
        int64_t first = (step->started_at.ns - t->from.ns) * BAR_COLUMNS / span;
        int64_t last = (end - t->from.ns) * BAR_COLUMNS / span;
        for (int64_t i = first < 0 ? 0 : first; i <= last && i < BAR_COLUMNS; i++) {
            bar[i] = '=';
        }
    }
    table_tone(table, tone_of(step->status), str_trim_end(str_from(bar), ' '));
}

static void json_step(struct json_writer *w, const struct view_step *step)
{
    jw_begin_object(w);
    jw_member_str(w, "step", step->step);
    jw_member_str(w, "status", step->status);
    jw_member_i64(w, "attempt", step->attempt);
    jw_member_opt_wall(w, "started_at", step->started_at);
    jw_member_opt_wall(w, "ended_at", step->ended_at);
    jw_member_opt_wall(w, "retry_at", step->retry_at);
    jw_member_opt(w, "error", step->error);
    jw_end_object(w);
}

static bool add_step(void *ctx, const struct view_step *step)
{
    struct timeline *t = ctx;
    if (t->json != NULL) {
        json_step(t->json, step);
        return true;
    }
    bool is_over = step->started_at.ns != 0 && step->ended_at.ns != 0;
    table_cell(&t->table, step->step);
    table_tone(&t->table, tone_of(step->status), step->status);
    table_i64(&t->table, step->attempt);
    table_duration(&t->table, is_over ? step->ended_at.ns - step->started_at.ns : -1);
    add_bar(&t->table, t, step);
    table_cell(&t->table, step->error);
    return true;
}

static void say_line(struct cli *cli, const char *name, struct str text)
{
    if (!str_is_empty(text)) {
        cli_printf(cli, "%-10s " STR_FMT "\n", name, STR_ARG(text));
    }
}

/* A tag a line; values may be anything. */
static void say_tags(struct cli *cli, struct str tags)
{
    AUTO(arena) arena = arena_new(LINE_BYTES_MAX);
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json *object = NULL;
    struct err ignored = {0};
    if (!json_parse(tags, LINE_BYTES_MAX, &arena, &object, &ignored)) {
        return;
    }
    for (const struct json *tag = object->child; tag != NULL; tag = tag->next) {
        buf_reset(&line);
        buf_add_harmless(&line, tag->key);
        buf_add_char(&line, '=');
        buf_add_harmless(&line, tag->type == JSON_STRING ? tag->as.string : STR("?"));
        say_line(cli, tag == object->child ? "tags" : "", buf_str(&line));
    }
}

/* Why a run is still queued, as far as it is written down. */
static void say_wait(struct timeline *t, const struct view_run *run, struct buf *line)
{
    if (!str_eq(run->status, STR("queued"))) {
        return;
    }
    (void)snprintf(t->waits_for_job, sizeof(t->waits_for_job), STR_FMT, STR_ARG(run->job));
    if (run->not_before.ns > now().ns) {
        buf_reset(line);
        buf_add_wall(line, run->not_before);
        say_line(t->cli, "waits till", buf_str(line));
    }
}

static bool say_one_it_waits_for(void *ctx, const struct view_run *run)
{
    const struct timeline *t = ctx;
    cli_printf(t->cli, "%-10s run " STR_FMT " of the same job\n", "waits for", STR_ARG(run->id));
    return true;
}

static bool say_what_goes(struct timeline *t, struct view *view, struct err *err)
{
    static const char *const going[] = {"started", "canceling"};
    bool ok = true;
    for (size_t i = 0; ok && t->waits_for_job[0] != '\0' && i < COUNT_OF(going); i++) {
        const struct view_run_filter filter = {
            .job = str_from(t->waits_for_job), .status = str_from(going[i]), .limit = 1};
        ok = view_runs(view, &filter, say_one_it_waits_for, t, err);
    }
    return ok;
}

/* The head of the page, and the time that the bars stand for. */
static bool say_run(void *ctx, const struct view_run *run)
{
    struct timeline *t = ctx;
    t->from = run->started_at;
    t->to = run->ended_at.ns != 0 ? run->ended_at : now();
    if (t->json != NULL) {
        add_run(t->json, run);
        return true;
    }
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    buf_addf(&line, STR_FMT, STR_ARG(run->status));
    if (run->started_at.ns != 0) {
        buf_add(&line, run->ended_at.ns != 0 ? STR(", took ") : STR(", for "));
        buf_add_duration(&line, t->to.ns - t->from.ns);
    }
    say_line(t->cli, "run", run->id);
    say_line(t->cli, "status", buf_str(&line));
    say_line(t->cli, "error", run->error);
    say_line(t->cli, str_is_empty(run->job) ? "selection" : "job",
             str_is_empty(run->job) ? run->selection : run->job);
    buf_reset(&line);
    buf_addf(&line, STR_FMT " " STR_FMT, STR_ARG(run->cause), STR_ARG(run->cause_name));
    say_line(t->cli, "cause", str_trim(buf_str(&line)));
    say_line(t->cli, "partition", run->partition);
    say_line(t->cli, "up to", run->partition_end);
    say_line(t->cli, "backfill", run->backfill);
    say_line(t->cli, "root", run->root);
    say_tags(t->cli, run->tags);
    if (run->priority != 0) {
        buf_reset(&line);
        buf_add_i64(&line, run->priority);
        say_line(t->cli, "priority", buf_str(&line));
    }
    buf_reset(&line);
    buf_add_wall(&line, run->created_at);
    say_line(t->cli, "queued", buf_str(&line));
    say_wait(t, run, &line);
    return true;
}

static bool show_run(struct cli *cli, struct view *view, struct err *err)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    struct view_run_span span;
    struct timeline t = {.cli = cli, .json = cli_is_json(cli) ? &w : NULL};
    if (!view_find_run(view, str_from(cli_arg(cli, 0)), &span, err)) {
        return false;
    }
    struct view_run_filter filter = {.run = str_from(span.id), .limit = 1};
    t.table = table_new(TABLE_COLUMNS(
        {.name = "STEP"}, {.name = "STATUS"}, {.name = "TRIES", .is_right = true},
        {.name = "TOOK", .is_right = true}, {.name = "WHEN"}, {.name = "ERROR", .is_wide = true}));
    jw_begin_object(&w);
    bool ok = view_runs(view, &filter, say_run, &t, err);
    ok = ok && say_what_goes(&t, view, err);
    jw_key(&w, STR("timeline"));
    jw_begin_array(&w);
    ok = ok && view_steps(view, filter.run, add_step, &t, err);
    jw_end_array(&w);
    jw_end_object(&w);
    if (ok && cli_is_json(cli)) {
        cli_json(cli, buf_str(&out));
    } else if (ok) {
        cli_printf(cli, "\n");
        table_print(&t.table, cli);
    }
    table_release(&t.table);
    return ok;
}

static int show(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    bool ok = view_open(&view, settings->database, &err) && show_run(cli, view, &err);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_run(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, show);
}

/* --- retry, cancel, reload: only the running agent can --- */

static bool whole_id(const struct settings *settings, const char *prefix, struct view_run_span *ret,
                     struct err *err)
{
    struct view *view = NULL;
    bool ok = view_open(&view, settings->database, err) &&
              view_find_run(view, str_from(prefix), ret, err);
    view_close(view);
    return ok;
}

/* What is to be done again; NULL when the options contradict each other. */
static const char *retry_what(struct cli *cli)
{
    const struct {
        const char *option;
        const char *what;
    } ways[] = {{"from-failure", "from_failure"},
                {"from-asset-failure", "from_asset_failure"},
                {"all", "all"},
                {"select", "selected"}};
    const char *what = NULL;
    int given = 0;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (cli_is_given(cli, ways[i].option)) {
            what = ways[i].what;
            given++;
        }
    }
    return given > 1 ? NULL : given == 0 ? "from_failure" : what;
}

static int retry(struct cli *cli, struct settings *settings)
{
    const char *what = retry_what(cli);
    AUTO(buf) request = buf_growing(16 << 10);
    struct view_run_span span;
    struct err err = {0};
    bool asked = false;
    if (what == NULL) {
        return cli_usage(cli, "give one of --from-failure, --from-asset-failure, --all, --select");
    }
    if (!whole_id(settings, cli_arg(cli, 0), &span, &err)) {
        return cli_error(cli, &err);
    }
    struct json_writer w = json_writer(&request);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("retry"));
    jw_member_str(&w, "run", str_from(span.id));
    jw_member_str(&w, "what", str_from(what));
    jw_member_opt(&w, "selection", str_from(cli_text(cli, "select")));
    jw_end_object(&w);
    int code =
        ask_for_run(cli, settings, buf_str(&request), cli_bool(cli, "no-wait"), &err, &asked);
    return err.code == ERR_NONE ? code
                                : cli_selection_error(cli, str_from(cli_text(cli, "select")), &err);
}

int command_retry(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, retry);
}

static bool cancel(struct cli *cli, struct settings *settings, const char *prefix, struct err *err)
{
    AUTO(buf) request = buf_growing(4096);
    struct view_run_span span;
    struct json *reply = NULL;
    if (!whole_id(settings, prefix, &span, err)) {
        return false;
    }
    struct json_writer w = json_writer(&request);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("cancel"));
    jw_member_str(&w, "run", str_from(span.id));
    jw_end_object(&w);
    if (!control_call(settings->state_dir, buf_str(&request), &settings->arena, &reply, err)) {
        return false;
    }
    cli_printf(cli, cli_is_json(cli) ? "{\"run\":\"%s\"}\n" : "canceling  run %s\n", span.id);
    return true;
}

static int cancel_all(struct cli *cli, struct settings *settings)
{
    struct err err = {0};
    int code = CLI_OK;
    for (size_t i = 0; i < cli_arg_count(cli); i++) {
        if (!cancel(cli, settings, cli_arg(cli, i), &err)) {
            code = cli_error(cli, &err);
        }
    }
    return code;
}

int command_cancel(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, cancel_all);
}

static int reload(struct cli *cli, struct settings *settings)
{
    AUTO(buf) out = buf_growing(4096);
    struct json *reply = NULL;
    struct err err = {0};
    if (!control_call(settings->state_dir, STR("{\"verb\":\"reload\"}"), &settings->arena, &reply,
                      &err)) {
        return cli_error(cli, &err);
    }
    if (cli_is_json(cli)) {
        json_write(&out, reply);
        cli_json(cli, buf_str(&out));
        return CLI_OK;
    }
    const struct json *assets = json_get(reply, "assets");
    const struct json *changed = json_get(reply, "changed");
    cli_printf(cli, "reloaded: %lld assets\nchanged: " STR_FMT "\n",
               assets == NULL ? 0LL : (long long)assets->as.integer,
               STR_ARG(changed == NULL ? STR("?") : changed->as.string));
    return CLI_OK;
}

int command_reload(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, reload);
}
