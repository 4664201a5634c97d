/* cmd_look.c - assets, buffer, status: what this device knows. */
#include "agent/cli/commands.h"

#include "agent/daemon/control.h"
#include "agent/definitions/definitions.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = 4 << 20 };

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

static void opt_time(struct json_writer *w, const char *key, struct wall_time t)
{
    if (t.ns != 0) {
        jw_member_wall(w, key, t);
    }
}

/* --- assets
 * ---------------------------------------------------------------------------------------------------------------------
 */

static void join(struct buf *out, const struct str_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buf_add(out, i == 0 ? STR("") : STR(", "));
        buf_add(out, list->items[i]);
    }
}

static void json_asset(struct cli *cli, const struct definitions *defs, size_t i,
                       const struct view_asset *state)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_key(&w, STR("definition"));
    definitions_write_asset(defs, i, &w);
    opt_time(&w, "materialized_at", state->materialized_at);
    jw_member_opt(&w, "run", state->run);
    jw_member_i64(&w, "materializations", state->materializations);
    if (!str_is_empty(state->metadata)) {
        jw_member_raw(&w, "metadata", state->metadata);
    }
    opt_time(&w, "failed_at", state->failed_at);
    jw_member_opt(&w, "error", state->error);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

static void add_asset_row(struct table *table, const struct asset *asset,
                          const struct view_asset *state, struct wall_time at)
{
    AUTO(buf) kinds = buf_growing(4096);
    AUTO(buf) deps = buf_growing(LIMIT_EVENT_BYTES);
    join(&kinds, &asset->kinds);
    join(&deps, &asset->deps);
    table_cell(table, asset->key);
    table_cell(table, asset->group);
    table_cell(table, buf_str(&kinds));
    table_cell(table, buf_str(&deps));
    table_ago(table, state->materialized_at, at);
    bool failed = state->failed_at.ns != 0;
    table_tone(table, failed ? CLI_BAD : CLI_PLAIN, failed ? state->error : STR(""));
}

static int list_assets(struct cli *cli, struct settings *settings, const struct definitions *defs,
                       struct err *err)
{
    struct arena arena = arena_new(LIMIT_DEFINITIONS_ARENA);
    struct view *view = NULL;
    bool *set = NULL;
    struct str selection = cli_arg_count(cli) > 0 ? str_from(cli_arg(cli, 0)) : STR("*");
    struct table table = table_new(TABLE_COLUMNS(
        {.name = "ASSET"}, {.name = "GROUP"}, {.name = "KIND"},
        {.name = "UPSTREAM", .is_wide = true}, {.name = "MATERIALIZED"}, {.name = "LAST ERROR"}));
    bool ok = definitions_select(defs, selection, &arena, &set, err);
    /* A device on which nothing ran yet has definitions all the same. */
    ok = ok && (view_open(&view, settings->database, err) || err->code == ERR_NOT_FOUND);
    for (size_t i = 0; ok && i < defs->asset_count; i++) {
        struct view_asset state = {0};
        bool found = false;
        if (!set[i]) {
            continue;
        }
        ok = view == NULL || view_asset(view, defs->assets[i].key, &arena, &state, &found, err);
        if (ok && cli_is_json(cli)) {
            json_asset(cli, defs, i, &state);
        } else if (ok) {
            add_asset_row(&table, &defs->assets[i], &state, now());
        }
    }
    if (ok && !cli_is_json(cli)) {
        table_print(&table, cli);
    }
    table_release(&table);
    view_close(view);
    arena_release(&arena);
    return ok ? CLI_OK : cli_selection_error(cli, selection, err);
}

int command_assets(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct definitions *defs = NULL;
    struct definitions_files files = definitions_system_files();
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (definitions_load(settings.definitions, &files, &settings.problems, &defs, &err)) {
            code = list_assets(cli, &settings, defs, &err);
        } else {
            code = cli_problems(cli, &settings.problems, &err);
        }
        definitions_close(defs);
    }
    settings_release(&settings);
    return code;
}

/* --- buffer
 * ---------------------------------------------------------------------------------------------------------------------
 */

static bool print_waiting(void *ctx, struct str line)
{
    cli_event(ctx, line);
    return true;
}

static void say_position(struct cli *cli, const struct store_position *p)
{
    AUTO(buf) out = buf_growing(4096);
    if (cli_is_json(cli)) {
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "epoch", str_from(p->epoch));
        jw_member_i64(&w, "last_seq", p->last_seq);
        jw_member_i64(&w, "acked_seq", p->acked_seq);
        jw_member_i64(&w, "waiting_events", p->waiting_events);
        jw_member_i64(&w, "waiting_bytes", p->waiting_bytes);
        jw_member_i64(&w, "history_bytes", p->history_bytes);
        jw_member_i64(&w, "dropped_events", p->dropped);
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
        return;
    }
    buf_addf(&out, "waiting       %lld events, ", (long long)p->waiting_events);
    buf_add_bytes(&out, p->waiting_bytes);
    buf_addf(&out, "\nrecorded      up to %lld\nacknowledged  up to %lld\nhistory       ",
             (long long)p->last_seq, (long long)p->acked_seq);
    buf_add_bytes(&out, p->history_bytes);
    buf_addf(&out, " of acknowledged events\nepoch         %s\n", p->epoch);
    if (p->dropped > 0) {
        buf_addf(&out, "given up      %lld events for the quota\n", (long long)p->dropped);
    }
    cli_printf(cli, STR_FMT, STR_ARG(buf_str(&out)));
}

int command_buffer(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct view *view = NULL;
    struct store_position position;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (!view_open(&view, settings.database, &err) || !view_position(view, &position, &err)) {
            code = cli_error(cli, &err);
        } else if (!cli_bool(cli, "events")) {
            say_position(cli, &position);
        } else if (!view_waiting(view, cli_i64(cli, "limit"), print_waiting, cli, &err)) {
            code = cli_error(cli, &err);
        }
        view_close(view);
    }
    settings_release(&settings);
    return code;
}

/* --- status
 * ---------------------------------------------------------------------------------------------------------------------
 */

static void say_member(struct cli *cli, const struct json *node)
{
    AUTO(buf) value = buf_growing(4096);
    if (node->type == JSON_STRING) {
        buf_add(&value, node->as.string);
    } else {
        json_write(&value, node);
    }
    char name[64];
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(str_slice(node->key, 0, 60)));
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    cli_printf(cli, "%-18s " STR_FMT "\n", name, STR_ARG(buf_str(&value)));
}

int command_status(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct json *reply = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (!control_call(settings.state_dir, STR("{\"verb\":\"status\"}"), &settings.arena, &reply,
                          &err)) {
            code = cli_error(cli, &err);
        } else if (cli_is_json(cli)) {
            AUTO(buf) out = buf_growing(1 << 20);
            json_write(&out, reply);
            cli_json(cli, buf_str(&out));
        } else {
            for (const struct json *node = reply->child; node != NULL; node = node->next) {
                say_member(cli, node);
            }
        }
    }
    settings_release(&settings);
    return code;
}
