/* cmd_sources.c - how fresh the sources of dbt projects are, asked now: for people, and for selections
 * by it. */
#include "agent/cli/dbt.h"

#include "agent/cli/dbt_steps.h"
#include "agent/cli/worker_ask.h"
#include "common/base/limits.h"
#include "common/cli/table.h"
#include "common/platform/clock.h"

enum { REPLY_BYTES_MAX = 17 << 20, ANSWER_ARENA_BYTES = 160 << 20 };

static bool take_reply(struct str text, struct arena *arena, struct dbt_loaded *ret,
                       struct err *err)
{
    struct json *reply = NULL;
    struct err why = {0};
    struct str copy = arena_copy(arena, text);
    if (copy.len == 0) {
        return err_set(err, ERR_INTERNAL, "the worker ended without an answer");
    }
    if (!json_parse(copy, REPLY_BYTES_MAX, arena, &reply, err)) {
        return err_wrap(err, "the worker's answer");
    }
    if (json_get(reply, "results") == NULL) {
        return worker_refused(reply, err);
    }
    return dbt_loaded_parse(copy, arena, ret, &why) || err_set(err, why.code, "%s", why.msg);
}

/* All nodes of the step: its worker wants to know which asset is which. */
static const struct asset **assets_of(const struct definitions *defs, const struct asset *asset,
                                      struct arena *arena)
{
    const struct shared_step *step = asset->step;
    const struct asset **assets =
        arena_array(arena, step->asset_count, sizeof(const struct asset *));
    for (size_t i = 0; assets != NULL && i < step->asset_count; i++) {
        assets[i] = &defs->assets[step->assets[i]];
    }
    return assets;
}

bool dbt_ask_sources(const struct settings *settings, const struct definitions *defs,
                     const struct asset *asset, struct arena *arena, struct dbt_loaded *ret,
                     struct err *err)
{
    const struct worker_asker asker = {settings, defs, arena};
    const struct asset **assets = assets_of(defs, asset, arena);
    AUTO(buf) reply = buf_growing(REPLY_BYTES_MAX);
    struct step_spec spec;
    if (assets == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the sources of a project");
    }
    return worker_step(&asker, asset, assets, asset->step->asset_count, &spec, err) &&
           worker_ask(&spec, "sources", spec.input, &reply, err) &&
           take_reply(buf_str(&reply), arena, ret, err);
}

/* --- the command ------------------------------------------------------------------------------- */

struct showing {
    struct cli *cli;
    const struct settings *settings;
    const struct definitions *defs;
    struct table table;
    int64_t bad; /* error and runtime error */
    struct wall_time now;
};

static void add_row(struct showing *s, const struct dbt_loaded_source *source)
{
    static const enum cli_tone tones[] = {[DBT_PASS] = CLI_GOOD, [DBT_WARN] = CLI_WARN};
    bool is_bad = source->status == DBT_ERROR || source->status == DBT_RUNTIME_ERROR;
    bool has_time = source->status != DBT_RUNTIME_ERROR && source->at.ns != INT64_MIN;
    char text[WALL_TEXT_SIZE];
    s->bad += is_bad;
    table_cell(&s->table, source->unique_id);
    table_tone(&s->table, is_bad ? CLI_BAD : tones[source->status],
               str_from(dbt_status_name(source->status)));
    table_text(&s->table, has_time ? wall_format(source->at, text) : NULL);
    table_ago(&s->table, has_time ? source->at : (struct wall_time){0}, s->now);
    table_cell(&s->table, source->error);
}

static bool show(void *ctx, const struct dbt_opened *opened, struct err *err)
{
    struct showing *s = ctx;
    AUTO(arena) arena = arena_new(ANSWER_ARENA_BYTES);
    struct dbt_loaded now = {0};
    if (!dbt_ask_sources(s->settings, s->defs, opened->asset, &arena, &now, err)) {
        return false;
    }
    for (size_t i = 0; i < now.count; i++) {
        add_row(s, &now.items[i]);
    }
    if (cli_bool(s->cli, "json")) {
        cli_json(s->cli, str_trim(now.text));
    }
    return true;
}

static int sources(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct err err = {0};
    struct clock clock = clock_system();
    struct showing s = {.cli = cli, .settings = settings, .defs = defs, .now = clock_wall(&clock)};
    s.table = table_new(TABLE_COLUMNS({.name = "SOURCE"}, {.name = "STATUS"}, {.name = "LOADED"},
                                      {.name = "AGE"}, {.name = "ERROR", .is_wide = true}));
    bool ok = dbt_each_step(settings, defs, show, &s, &err);
    if (ok) {
        table_print_list(&s.table, cli, "no source of a dbt project says how fresh it must be");
    }
    table_release(&s.table);
    return ok ? s.bad > 0 ? CLI_FAILED : CLI_OK : cli_error(cli, &err);
}

int command_sources(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, sources);
}
