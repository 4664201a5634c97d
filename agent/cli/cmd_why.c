/* cmd_why.c - one asset: why it is as it is, and what would have to happen for it to be made. */
#include "agent/assets/automation_look.h"
#include "agent/cli/asset_status.h"
#include "agent/cli/commands.h"

#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/model/asset_key.h"
#include "common/platform/clock.h"
#include <string.h>

enum {
    OUT_BYTES_MAX = 16 << 20,
    SCRATCH_BYTES = 64 << 20,
    MISSING_MAX = 20, /* named, of those upstream */
    OPEN_MAX = 16,
};

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

/* An open run that has yet to make the asset. */
struct open_run {
    struct str run, status;
};

struct why {
    struct cli *cli;
    const struct definitions *defs;
    uint32_t number;
    const struct asset *asset;
    struct asset_statuses statuses;
    struct asset_status status;
    const struct stored_asset *known;
    struct arena arena;
    struct open_run open[OPEN_MAX];
    size_t open_count;
    uint32_t *missing; /* upstream, at any distance */
    size_t missing_count;
    bool is_paused;
    bool was_evaluated;
    struct stored_automation kept;
    struct automation_result result; /* what an evaluation would come to now */
};

/* --- finding out ---------------------------------------------------------------------------- */

static bool on_open(void *ctx, const struct stored_open *open)
{
    struct why *w = ctx;
    bool *set = NULL;
    struct err none = {0};
    bool is_it = str_eq(open->asset, w->asset->key);
    if (str_is_empty(open->asset) &&
        definitions_select(w->defs, open->selection, &w->arena, &set, &none)) {
        is_it = set[w->number];
    }
    if (is_it) {
        w->open[w->open_count++] = (struct open_run){.run = arena_copy(&w->arena, open->run),
                                                     .status = arena_copy(&w->arena, open->status)};
    }
    return w->open_count < OPEN_MAX;
}

static bool find_missing(struct why *w, struct err *err)
{
    size_t count = w->defs->asset_count + 1;
    bool *set = arena_array(&w->arena, count, sizeof(*set));
    uint32_t *scratch = arena_array(&w->arena, count, sizeof(*scratch));
    w->missing = arena_array(&w->arena, count, sizeof(*w->missing));
    if (set == NULL || scratch == NULL || w->missing == NULL) {
        return err_set(err, ERR_NO_MEMORY, "look upstream: out of memory");
    }
    set[w->number] = true;
    graph_reach(&w->defs->graph, GRAPH_UP, GRAPH_DEPTH_ALL, scratch, set);
    for (size_t i = 0; i < w->defs->asset_count; i++) {
        uint32_t n = w->defs->graph.order[i];
        if (set[n] && n != w->number && w->defs->assets[n].work != ASSET_EXTERNAL &&
            w->statuses.states.known[n].materialized_at.ns == 0) {
            w->missing[w->missing_count++] = n;
        }
    }
    return true;
}

static bool evaluate(struct why *w, struct err *err)
{
    struct store *store = view_store(w->statuses.view);
    struct automation_look *look = NULL;
    struct automation_result *results = NULL;
    if (!store_automation_is_paused(store, &w->is_paused, err) ||
        !store_find_automation(store, w->asset->key, &w->arena, &w->kept, &w->was_evaluated, err) ||
        !automation_look_open(&look, store, w->defs, w->statuses.now, &w->arena, err)) {
        return false;
    }
    automation_look_assets(look)[w->number].wants_tree = true;
    if (!automation_look_evaluate(look, &results, err)) {
        return false;
    }
    w->result = results[w->number];
    return true;
}

static bool find_out(struct why *w, struct err *err)
{
    w->known = &w->statuses.states.known[w->number];
    if (!asset_status_of(&w->statuses, w->number, &w->arena, &w->status, err) ||
        !find_missing(w, err)) {
        return false;
    }
    return w->statuses.view == NULL ||
           (store_each_open(view_store(w->statuses.view), on_open, w, err) &&
            (w->asset->automation.kind == AUTOMATION_NONE || evaluate(w, err)));
}

/* --- words ---------------------------------------------------------------------------------- */

static struct str condition_name(const struct automation *a)
{
    static const struct str names[] = {[AUTOMATION_NONE] = STR_INIT("none"),
                                       [AUTOMATION_EAGER] = STR_INIT("eager"),
                                       [AUTOMATION_ON_MISSING] = STR_INIT("on_missing"),
                                       [AUTOMATION_ON_CRON] = STR_INIT("on_cron")};
    return names[a->kind];
}

static void add_condition(struct buf *out, const struct automation *a)
{
    buf_add(out, condition_name(a));
    if (a->kind == AUTOMATION_ON_CRON) {
        buf_addf(out, " \"" STR_FMT "\" " STR_FMT, STR_ARG(a->cron_text), STR_ARG(a->timezone));
    }
}

static void add_policy(struct buf *out, const struct freshness_policy *p)
{
    if (p->kind == FRESHNESS_DEADLINE) {
        buf_add_text(out, "to be made within ");
        buf_add_exact_duration(out, p->lower_bound_ns);
        buf_addf(out, " before each \"" STR_FMT "\" " STR_FMT, STR_ARG(p->cron_text),
                 STR_ARG(p->timezone));
        return;
    }
    if (p->warn_after_ns > 0) {
        buf_add_text(out, "warns after ");
        buf_add_exact_duration(out, p->warn_after_ns);
        buf_add_text(out, ", ");
    }
    buf_add_text(out, "fails after ");
    buf_add_exact_duration(out, p->fail_after_ns);
}

/* A line under a heading of its own: "staleness     fresh". */
static void heading(struct buf *out, const char *name)
{
    buf_addf(out, "%-13s ", name);
}

static void add_made(const struct why *w, struct buf *out)
{
    heading(out, "made");
    if (w->known->materialized_at.ns == 0) {
        buf_add_text(out, "never\n");
    } else {
        buf_add_ago(out, w->known->materialized_at, w->statuses.now);
        if (str_is_empty(w->known->run)) {
            buf_add_text(out, ", as somebody reported");
        } else {
            buf_addf(out, " by run " STR_FMT, STR_ARG(w->known->run));
        }
        buf_add_char(out, '\n');
    }
    if (w->known->observed_at.ns != 0) {
        heading(out, "seen");
        buf_add_ago(out, w->known->observed_at, w->statuses.now);
        if (!str_is_empty(w->known->observed_version)) {
            buf_add_text(out, ", data version ");
            buf_add_harmless(out, w->known->observed_version);
        }
        buf_add_char(out, '\n');
    }
    if (w->asset->partitions.kind != PARTITION_NONE) {
        heading(out, "partitions");
        buf_addf(out, "%lld of %lld made, %lld failed\n", (long long)w->status.partitions_made,
                 (long long)w->status.partitions, (long long)w->status.partitions_failed);
    }
}

static void add_staleness(const struct why *w, struct buf *out)
{
    const struct staleness *s = &w->status.staleness;
    heading(out, "staleness");
    if (w->asset->work == ASSET_EXTERNAL) {
        buf_add_text(out, "made elsewhere\n");
        return;
    }
    if (w->asset->partitions.kind != PARTITION_NONE) {
        buf_add_text(out, "not known of assets with partitions\n");
        return;
    }
    buf_add_text(out, s->status == STALE_STATUS_FRESH   ? "fresh: it is what would be made now\n"
                      : s->status == STALE_STATUS_STALE ? "stale\n"
                                                        : "missing: it was never made\n");
    for (size_t i = 0; i < s->cause_count; i++) {
        heading(out, "");
        stale_cause_add(out, &s->causes[i]);
        if (s->causes[i].category == STALE_CODE) {
            buf_addf(out, ": \"" STR_FMT "\" now, made with \"", STR_ARG(w->asset->code_version));
            buf_add_harmless(out, w->known->code_version);
            buf_add_char(out, '"');
        }
        buf_add_char(out, '\n');
    }
}

static void add_upstream(const struct why *w, struct buf *out)
{
    if (w->missing_count == 0) {
        return;
    }
    heading(out, "upstream");
    buf_add_text(out, "missing: ");
    for (size_t i = 0; i < w->missing_count && i < MISSING_MAX; i++) {
        buf_addf(out, "%s" STR_FMT, i == 0 ? "" : ", ",
                 STR_ARG(w->defs->assets[w->missing[i]].key));
    }
    if (w->missing_count > MISSING_MAX) {
        buf_addf(out, " and %zu more", w->missing_count - MISSING_MAX);
    }
    buf_add_char(out, '\n');
}

static void add_freshness(const struct why *w, struct buf *out)
{
    if (w->status.freshness == FRESHNESS_NOT_APPLICABLE) {
        return;
    }
    heading(out, "freshness");
    buf_addf(out, "%s: ", freshness_state_name(w->status.freshness));
    add_policy(out, &w->asset->freshness);
    if (w->status.freshness_next.ns != INT64_MAX) {
        char at[WALL_TEXT_SIZE];
        buf_add_text(out, "; until ");
        buf_add_text(out, wall_format(w->status.freshness_next, at));
        buf_add_text(out, ", ");
        buf_add_ago(out, w->status.freshness_next, w->statuses.now);
    }
    buf_add_char(out, '\n');
}

/* --- checks --- */

struct check_lines {
    struct buf *out;
    struct wall_time now;
};

static bool add_failed_check(void *ctx, const struct stored_check *check)
{
    struct check_lines *lines = ctx;
    if (!check->passed) {
        heading(lines->out, "");
        buf_add_harmless(lines->out, check->name);
        buf_addf(lines->out, " did not pass (" STR_FMT ") ", STR_ARG(check->severity));
        buf_add_ago(lines->out, check->at, lines->now);
        buf_add_char(lines->out, '\n');
    }
    return true;
}

static bool add_checks(const struct why *w, struct buf *out, struct err *err)
{
    struct check_lines lines = {.out = out, .now = w->statuses.now};
    if (w->status.checks == 0) {
        return true;
    }
    heading(out, "checks");
    buf_addf(out, "%lld of %lld passed\n", (long long)w->status.checks_passed,
             (long long)w->status.checks);
    return w->statuses.view == NULL ||
           store_asset_checks(view_store(w->statuses.view), w->asset->key, add_failed_check, &lines,
                              err);
}

/* --- automation --- */

static bool is_named(const struct automation_node *node, const char *name)
{
    return str_eq(node->name, str_from(name));
}

static void add_name(const struct automation_node *node, const char *role, struct buf *out)
{
    buf_add_text(out, role);
    if (is_named(node, "NOT")) { /* with what it negates */
        buf_add_text(out, "not ");
        node = node->first;
    }
    buf_add_harmless(out, str_is_empty(node->label) ? node->name : node->label);
    buf_add_char(out, '\n');
}

/* What does not matter any more, because something before it was false, is one line. */
/* NOLINTNEXTLINE(misc-no-recursion): a tree is as deep as the conditions in automation_eval.c */
static void add_node(const struct why *w, const struct automation_node *node, int depth,
                     const char *role, struct buf *out)
{
    enum cli_tone tone = !node->is_candidate ? CLI_FAINT : node->is_true ? CLI_GOOD : CLI_BAD;
    bool is_since = is_named(node, "SINCE");
    heading(out, "");
    buf_addf(out, "%s%-6s%s %*s", cli_tone_on(w->cli, tone),
             !node->is_candidate ? "-"
             : node->is_true     ? "true"
                                 : "false",
             cli_tone_off(w->cli, tone), 2 * depth, "");
    add_name(node, role, out);
    const struct automation_node *below = is_named(node, "NOT") ? node->first : node;
    for (const struct automation_node *n = below->first; node->is_candidate && n != NULL;
         n = n->next) {
        add_node(w, n, depth + 1,
                 !is_since           ? ""
                 : n == below->first ? "trigger: "
                                     : "reset: ",
                 out);
    }
}

static void add_automation(const struct why *w, struct buf *out)
{
    if (w->asset->automation.kind == AUTOMATION_NONE) {
        return;
    }
    heading(out, "automation");
    add_condition(out, &w->asset->automation);
    if (w->is_paused) {
        buf_add_text(out, ": paused");
    } else if (!w->was_evaluated) {
        buf_add_text(out, ": not evaluated yet; the first evaluation asks for nothing");
    } else if (!w->result.is_evaluated) {
        buf_add_text(out, ": not evaluated; of partitions only those of time are");
    } else {
        buf_add_text(out,
                     w->result.is_requested ? ": asks for a run now" : ": asks for nothing now");
    }
    buf_add_char(out, '\n');
    if (w->result.tree != NULL) {
        add_node(w, w->result.tree, 0, "", out);
    }
    if (w->kept.requested_at.ns != 0) {
        heading(out, "");
        buf_add_text(out, "last asked for ");
        buf_add_ago(out, w->kept.requested_at, w->statuses.now);
        buf_addf(out, ": run " STR_FMT "\n", STR_ARG(w->kept.run));
    }
}

static void add_runs(const struct why *w, struct buf *out)
{
    for (size_t i = 0; i < w->open_count; i++) {
        heading(out, i == 0 ? "running" : "");
        buf_addf(out, "run " STR_FMT " is " STR_FMT "\n", STR_ARG(w->open[i].run),
                 STR_ARG(w->open[i].status));
    }
    if (w->known->failed_at.ns != 0) {
        heading(out, "failed");
        buf_add_ago(out, w->known->failed_at, w->statuses.now);
        buf_add_text(out, ": ");
        buf_add_harmless(out, w->known->error);
        buf_add_char(out, '\n');
    }
}

static bool say(const struct why *w, struct err *err)
{
    AUTO(buf) out = buf_growing(OUT_BYTES_MAX);
    enum cli_tone tone = asset_word_tone(w->status.word);
    buf_addf(&out, STR_FMT "  %s%s%s\n", STR_ARG(w->asset->key), cli_tone_on(w->cli, tone),
             asset_word_name(w->status.word), cli_tone_off(w->cli, tone));
    add_made(w, &out);
    add_staleness(w, &out);
    add_upstream(w, &out);
    add_freshness(w, &out);
    if (!add_checks(w, &out, err)) {
        return false;
    }
    add_automation(w, &out);
    add_runs(w, &out);
    (void)fwrite(out.ptr, 1, out.len, cli_out(w->cli));
    return true;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void json_freshness(const struct why *w, struct json_writer *json)
{
    const struct freshness_policy *p = &w->asset->freshness;
    if (p->kind == FRESHNESS_NONE) {
        return;
    }
    jw_key(json, STR("freshness"));
    jw_begin_object(json);
    jw_member_str(json, "state", str_from(freshness_state_name(w->status.freshness)));
    if (p->kind == FRESHNESS_WINDOW) {
        jw_member_i64(json, "fail_after_s", p->fail_after_ns / NS_PER_SEC);
        if (p->warn_after_ns > 0) {
            jw_member_i64(json, "warn_after_s", p->warn_after_ns / NS_PER_SEC);
        }
    } else {
        jw_member_str(json, "cron", p->cron_text);
        jw_member_str(json, "timezone", p->timezone);
        jw_member_i64(json, "lower_bound_s", p->lower_bound_ns / NS_PER_SEC);
    }
    if (w->status.freshness_next.ns != INT64_MAX) {
        jw_member_wall(json, "changes_at", w->status.freshness_next);
    }
    jw_end_object(json);
}

static void json_automation(const struct why *w, struct json_writer *json)
{
    AUTO(buf) condition = buf_growing(4096);
    AUTO(buf) tree = buf_growing(OUT_BYTES_MAX);
    if (w->asset->automation.kind == AUTOMATION_NONE) {
        return;
    }
    add_condition(&condition, &w->asset->automation);
    jw_key(json, STR("automation"));
    jw_begin_object(json);
    jw_member_str(json, "condition", buf_str(&condition));
    jw_member_bool(json, "paused", w->is_paused);
    jw_member_bool(json, "evaluated", w->was_evaluated);
    jw_member_bool(json, "asks_now", w->result.is_requested);
    jw_member_opt_wall(json, "evaluated_at", w->kept.evaluated_at);
    jw_member_opt_wall(json, "requested_at", w->kept.requested_at);
    jw_member_opt(json, "run", w->kept.run);
    if (w->result.tree != NULL) {
        automation_write_nodes(w->result.tree, &tree);
        jw_member_raw(json, "tree", buf_str(&tree));
    }
    jw_end_object(json);
}

static void json_lists(const struct why *w, struct json_writer *json)
{
    const struct staleness *s = &w->status.staleness;
    jw_key(json, STR("causes"));
    jw_begin_array(json);
    for (size_t i = 0; i < s->cause_count; i++) {
        jw_begin_object(json);
        jw_member_str(json, "category", str_from(stale_category_name(s->causes[i].category)));
        jw_member_opt(json, "dependency", s->causes[i].dependency);
        jw_member_str(json, "reason", s->causes[i].reason);
        jw_end_object(json);
    }
    jw_end_array(json);
    jw_key(json, STR("missing_upstream"));
    jw_begin_array(json);
    for (size_t i = 0; i < w->missing_count; i++) {
        jw_str(json, w->defs->assets[w->missing[i]].key);
    }
    jw_end_array(json);
    jw_key(json, STR("running"));
    jw_begin_array(json);
    for (size_t i = 0; i < w->open_count; i++) {
        jw_begin_object(json);
        jw_member_str(json, "run", w->open[i].run);
        jw_member_str(json, "status", w->open[i].status);
        jw_end_object(json);
    }
    jw_end_array(json);
}

static void say_json(const struct why *w)
{
    AUTO(buf) out = buf_growing(OUT_BYTES_MAX);
    struct json_writer json = json_writer(&out);
    jw_begin_object(&json);
    jw_member_str(&json, "asset", w->asset->key);
    jw_member_str(&json, "status", str_from(asset_word_name(w->status.word)));
    jw_member_str(&json, "staleness", str_from(stale_status_name(w->status.staleness.status)));
    json_lists(w, &json);
    jw_member_opt_wall(&json, "materialized_at", w->known->materialized_at);
    jw_member_opt(&json, "run", w->known->run);
    jw_member_opt(&json, "data_version", w->known->data_version);
    jw_member_opt(&json, "code_version", w->known->code_version);
    json_freshness(w, &json);
    json_automation(w, &json);
    jw_member_opt_wall(&json, "failed_at", w->known->failed_at);
    jw_member_opt(&json, "error", w->known->error);
    jw_end_object(&json);
    cli_json(w->cli, buf_str(&out));
}

/* --- the command ---------------------------------------------------------------------------- */

static bool find_asset(struct why *w, struct err *err)
{
    struct str key = STR_NONE;
    return asset_key_normalise(str_from(cli_arg(w->cli, 0)), &w->arena, &key, err) &&
           definitions_find_asset(w->defs, key, &w->number, err);
}

static int explain_asset(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct why w = {.cli = cli, .defs = defs, .arena = arena_new(SCRATCH_BYTES)};
    struct err err = {0};
    bool ok = find_asset(&w, &err);
    w.asset = &defs->assets[w.number];
    ok = ok && asset_statuses_open(&w.statuses, settings->database, defs, now(), &w.arena, &err) &&
         find_out(&w, &err);
    if (ok && cli_is_json(cli)) {
        say_json(&w);
    } else if (ok) {
        ok = say(&w, &err);
    }
    asset_statuses_close(&w.statuses);
    arena_release(&w.arena);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_why(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, explain_asset);
}
