/* cmd_assets.c - the assets of this device: how they are, as a table, as JSON, and as a graph. */
#include "agent/cli/asset_graph.h"
#include "agent/cli/asset_status.h"
#include "agent/cli/commands.h"

#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include <string.h>

enum { LINE_BYTES_MAX = 4 << 20, GRAPH_BYTES_MAX = 64 << 20, SCRATCH_BYTES = 8 << 20 };

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

/* What was asked for. */
struct listing {
    struct cli *cli;
    struct asset_statuses statuses;
    struct arena arena;
    struct arena scratch; /* of one asset */
    struct table table;
    bool *set;
    bool only_stale, only_failing;
};

static bool is_failing(const struct asset_status *status)
{
    return status->is_failed || status->has_failed_check || status->freshness == FRESHNESS_FAIL ||
           status->partitions_failed > 0;
}

static bool is_stale(const struct asset_status *status)
{
    return status->word == ASSET_IS_MISSING || status->word == ASSET_IS_PARTIAL ||
           status->staleness.status != STALE_STATUS_FRESH;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void json_causes(struct json_writer *w, const struct staleness *staleness)
{
    jw_member_str(w, "staleness", str_from(stale_status_name(staleness->status)));
    if (staleness->cause_count == 0) {
        return;
    }
    jw_key(w, STR("causes"));
    jw_begin_array(w);
    for (size_t i = 0; i < staleness->cause_count; i++) {
        const struct stale_cause *cause = &staleness->causes[i];
        jw_begin_object(w);
        jw_member_str(w, "category", str_from(stale_category_name(cause->category)));
        jw_member_opt(w, "dependency", cause->dependency);
        jw_member_str(w, "reason", cause->reason);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static bool add_check(void *ctx, const struct stored_check *check)
{
    struct json_writer *w = ctx;
    jw_begin_object(w);
    jw_member_str(w, "name", check->name);
    jw_member_bool(w, "passed", check->passed);
    jw_member_opt(w, "severity", check->severity);
    jw_member_opt(w, "run", check->run);
    jw_member_wall(w, "at", check->at);
    jw_member_raw(w, "metadata", check->metadata);
    jw_end_object(w);
    return true;
}

/* Versions, and what else is known of how it was made. */
static void json_known(struct json_writer *w, const struct stored_asset *known, struct str metadata)
{
    jw_member_opt_wall(w, "materialized_at", known->materialized_at);
    jw_member_opt(w, "run", known->run);
    jw_member_i64(w, "materializations", known->materializations);
    jw_member_opt(w, "data_version", known->data_version);
    if (known->is_version_given) {
        jw_member_bool(w, "data_version_given", true);
    }
    jw_member_opt(w, "code_version", known->code_version);
    jw_member_opt_wall(w, "observed_at", known->observed_at);
    jw_member_opt(w, "observed_version", known->observed_version);
    if (!str_is_empty(metadata)) {
        jw_member_raw(w, "metadata", metadata);
    }
    jw_member_opt_wall(w, "failed_at", known->failed_at);
    jw_member_opt(w, "error", known->error);
}

static void json_freshness(struct json_writer *w, const struct asset_status *status)
{
    if (status->freshness == FRESHNESS_NOT_APPLICABLE) {
        return;
    }
    jw_member_str(w, "freshness", str_from(freshness_state_name(status->freshness)));
    if (status->freshness_next.ns != INT64_MAX) {
        jw_member_wall(w, "freshness_changes_at", status->freshness_next);
    }
}

static void json_partitions(struct json_writer *w, const struct asset_status *status)
{
    jw_key(w, STR("partitions"));
    jw_begin_object(w);
    jw_member_i64(w, "count", status->partitions);
    jw_member_i64(w, "materialized", status->partitions_made);
    jw_member_i64(w, "failed", status->partitions_failed);
    jw_end_object(w);
}

static bool json_asset(struct listing *l, uint32_t i, const struct asset_status *status,
                       struct err *err)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    const struct asset *asset = &l->statuses.defs->assets[i];
    struct view *view = l->statuses.view;
    struct view_asset old = {0};
    bool found = false;
    if (view != NULL && !view_asset(view, asset->key, &l->scratch, &old, &found, err)) {
        return false;
    }
    jw_begin_object(&w);
    jw_key(&w, STR("definition"));
    definitions_write_asset(l->statuses.defs, i, NULL, &w);
    jw_member_str(&w, "status", str_from(asset_word_name(status->word)));
    json_causes(&w, &status->staleness);
    jw_member_bool(&w, "running", status->is_running);
    json_known(&w, &l->statuses.states.known[i], old.metadata);
    json_freshness(&w, status);
    if (asset->partitions.kind != PARTITION_NONE) {
        json_partitions(&w, status);
    }
    jw_key(&w, STR("checks"));
    jw_begin_array(&w);
    if (view != NULL && !store_asset_checks(view_store(view), asset->key, add_check, &w, err)) {
        return false;
    }
    jw_end_array(&w);
    jw_end_object(&w);
    cli_json(l->cli, buf_str(&out));
    return true;
}

/* --- the table ------------------------------------------------------------------------------ */

static void join(struct buf *out, const struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_add(out, i == 0 ? STR("") : STR(", "));
        buf_add(out, list->items[i]);
    }
}

static void add_row(struct listing *l, uint32_t i, const struct asset_status *status)
{
    const struct asset *asset = &l->statuses.defs->assets[i];
    struct table *t = &l->table;
    AUTO(buf) text = buf_growing(LIMIT_EVENT_BYTES);
    table_cell(t, asset->key);
    table_cell(t, asset->group);
    join(&text, &asset->kinds);
    table_cell(t, buf_str(&text));
    table_tone(t, asset_word_tone(status->word), str_from(asset_word_name(status->word)));
    bool has_policy = status->freshness != FRESHNESS_NOT_APPLICABLE;
    table_tone(t, freshness_tone(status->freshness),
               has_policy ? str_from(freshness_state_name(status->freshness)) : STR_NONE);
    buf_reset(&text);
    if (status->checks > 0) {
        buf_addf(&text, "%lld/%lld", (long long)status->checks_passed, (long long)status->checks);
    }
    bool all_pass = status->checks_passed == status->checks;
    table_tone(t,
               status->has_failed_check ? CLI_BAD
               : all_pass               ? CLI_PLAIN
                                        : CLI_WARN,
               buf_str(&text));
    table_ago(t, l->statuses.states.known[i].materialized_at, l->statuses.now);
    buf_reset(&text);
    asset_add_why(&text, &l->statuses, i, status);
    table_tone(t, status->word == ASSET_IS_FAILED ? CLI_BAD : CLI_PLAIN, buf_str(&text));
}

static bool show_all(struct listing *l, struct err *err)
{
    size_t shown = 0;
    for (uint32_t i = 0; i < l->statuses.defs->asset_count; i++) {
        struct asset_status status;
        arena_reset(&l->scratch);
        if (!l->set[i]) {
            continue;
        }
        if (!asset_status_of(&l->statuses, i, &l->scratch, &status, err)) {
            return false;
        }
        bool is_wanted = (!l->only_stale && !l->only_failing) ||
                         (l->only_stale && is_stale(&status)) ||
                         (l->only_failing && is_failing(&status));
        if (is_wanted && cli_is_json(l->cli)) {
            if (!json_asset(l, i, &status, err)) {
                return false;
            }
        } else if (is_wanted) {
            add_row(l, i, &status);
        }
        shown += is_wanted;
    }
    if (!cli_is_json(l->cli) && shown == 0) {
        cli_printf(l->cli, "no assets\n");
    } else if (!cli_is_json(l->cli)) {
        table_print(&l->table, l->cli);
    }
    return true;
}

/* --- the graph ------------------------------------------------------------------------------ */

static void add_note(void *ctx, uint32_t asset, struct buf *out)
{
    struct listing *l = ctx;
    struct asset_status status;
    struct err none = {0};
    arena_reset(&l->scratch);
    if (asset_status_of(&l->statuses, asset, &l->scratch, &status, &none) &&
        status.word != ASSET_IS_EXTERNAL) {
        enum cli_tone tone = asset_word_tone(status.word);
        buf_addf(out, "  %s%s%s", cli_tone_on(l->cli, tone), asset_word_name(status.word),
                 cli_tone_off(l->cli, tone));
    }
}

static bool draw(struct listing *l, struct str format, struct err *err)
{
    AUTO(buf) out = buf_growing(GRAPH_BYTES_MAX);
    struct asset_graph graph = {
        .defs = l->statuses.defs, .set = l->set, .add_note = add_note, .ctx = l};
    bool ok = str_eq(format, STR("dot"))       ? asset_graph_dot(&graph, &l->arena, &out, err)
              : str_eq(format, STR("mermaid")) ? asset_graph_mermaid(&graph, &l->arena, &out, err)
                                               : asset_graph_tree(&graph, &l->arena, &out, err);
    if (ok) {
        (void)fwrite(out.ptr, 1, out.len, cli_out(l->cli));
    }
    return ok;
}

/* --- the command ---------------------------------------------------------------------------- */

static int list_assets(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct listing l = {.cli = cli,
                        .arena = arena_new(LIMIT_DEFINITIONS_ARENA),
                        .scratch = arena_new(SCRATCH_BYTES),
                        .only_stale = cli_bool(cli, "stale"),
                        .only_failing = cli_bool(cli, "failing"),
                        .table = table_new(TABLE_COLUMNS(
                            {.name = "ASSET"}, {.name = "GROUP"}, {.name = "KIND"},
                            {.name = "STATUS"}, {.name = "FRESHNESS"}, {.name = "CHECKS"},
                            {.name = "MATERIALIZED"}, {.name = "WHY", .is_wide = true}))};
    bool is_given = cli_arg_count(cli) > 0;
    struct str selection = is_given ? str_from(cli_arg(cli, 0)) : STR("*");
    const char *format = cli_text(cli, "graph");
    struct err err = {0};
    bool ok = (is_given ? definitions_select_some(defs, selection, &l.arena, &l.set, &err)
                        : definitions_select(defs, selection, &l.arena, &l.set, &err)) &&
              asset_statuses_open(&l.statuses, settings->database, defs, now(), &l.arena, &err);
    if (ok && format != NULL) {
        ok = draw(&l, str_from(format), &err);
    } else if (ok) {
        ok = show_all(&l, &err);
    }
    table_release(&l.table);
    asset_statuses_close(&l.statuses);
    arena_release(&l.scratch);
    arena_release(&l.arena);
    return ok ? CLI_OK : cli_selection_error(cli, selection, &err);
}

int command_assets(struct cli *cli, void *ctx)
{
    (void)ctx;
    if (cli_text(cli, "graph") != NULL && cli_is_json(cli)) {
        return cli_usage(cli, "--graph and --json do not go together");
    }
    return with_definitions(cli, list_assets);
}
