/* cmd_partitions.c - the partitions of an asset, and keys of dynamic sets. */
#include "agent/cli/commands.h"

#include "agent/daemon/control.h"
#include "agent/store/partitions.h"
#include "common/base/strmap.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

enum {
    STATES_ARENA_BYTES = 64 << 20,
    JSON_BYTES_MAX = 64 << 20,
    REQUEST_BYTES_MAX = 16 << 10,
    KEYS_BYTES_MAX = 8 << 10, /* of one request; more are sent in several */
};

/* --- the partitions of an asset --------------------------------------------------------------- */

enum state { STATE_MADE, STATE_FAILED, STATE_MISSING, STATE_COUNT };
static const char *const state_names[] = {"materialized", "failed", "missing"};

struct row {
    struct str key;
    enum state state;
    struct wall_time materialized_at, failed_at;
    struct str run, error;
};

struct listing {
    struct cli *cli;
    const struct asset *asset;
    struct arena arena;
    struct row *rows; /* in the order of the partitions */
    size_t count;
    int64_t counts[STATE_COUNT];
    struct strmap by_key;
    bool is_full;
};

static bool take_state(void *ctx, const struct stored_partition *p)
{
    struct listing *l = ctx;
    uint32_t at = 0;
    if (!strmap_get(&l->by_key, p->key, &at)) {
        return true; /* made once, and no longer one of them */
    }
    struct row *row = &l->rows[at];
    row->state = p->failed_at.ns != 0 ? STATE_FAILED : STATE_MADE;
    row->materialized_at = p->materialized_at;
    row->failed_at = p->failed_at;
    row->run = arena_copy(&l->arena, p->run);
    row->error = arena_copy(&l->arena, p->error);
    l->is_full = row->run.ptr == NULL || row->error.ptr == NULL;
    return !l->is_full;
}

/* Of very many the newest. */
static bool list_keys(struct listing *l, const struct partition_view *view,
                      struct partition_keys *ret, struct err *err)
{
    char memory[PARTITION_KEY_BYTES_MAX + 1];
    struct buf first = buf_fixed(memory, sizeof(memory));
    size_t count = partition_count(view);
    if (count > PARTITIONS_MAX && !partition_key_at(view, count - PARTITIONS_MAX, &first)) {
        return err_set(err, ERR_INTERNAL, "list partitions: one is missing");
    }
    return partition_range(view, (struct partition_bounds){buf_str(&first), STR_NONE}, &l->arena,
                           ret, err);
}

static bool add_rows(struct listing *l, const struct partition_keys *keys, struct err *err)
{
    l->by_key = strmap_new(&l->arena);
    l->rows = arena_array(&l->arena, keys->count + 1, sizeof(*l->rows));
    bool ok = l->rows != NULL;
    for (size_t i = 0; ok && i < keys->count; i++) {
        l->rows[i] = (struct row){.key = keys->items[i], .state = STATE_MISSING};
        ok = strmap_put(&l->by_key, keys->items[i], (uint32_t)i);
    }
    l->count = keys->count;
    return ok || err_set(err, ERR_NO_MEMORY, "list partitions: out of memory");
}

static bool gather(struct listing *l, struct view *view, struct err *err)
{
    struct clock clock = clock_system();
    const struct partitions *of = &l->asset->partitions;
    struct partition_keys dynamic = {0};
    struct partition_keys keys = {0};
    struct partition_view there = {.of = of, .dynamic = &dynamic, .now = clock_wall(&clock)};
    if (of->kind == PARTITION_NONE) {
        return err_set(err, ERR_INVALID, STR_FMT " has no partitions", STR_ARG(l->asset->key));
    }
    bool ok = view == NULL || of->kind != PARTITION_DYNAMIC ||
              view_dynamic_keys(view, of->set, &l->arena, &dynamic, err);
    ok = ok && list_keys(l, &there, &keys, err) && add_rows(l, &keys, err) &&
         (view == NULL || view_partitions(view, l->asset->key, take_state, l, err));
    if (ok && l->is_full) {
        return err_set(err, ERR_NO_MEMORY, "list partitions: out of memory");
    }
    for (size_t i = 0; ok && i < l->count; i++) {
        l->counts[l->rows[i].state]++;
    }
    return ok;
}

static bool is_shown(const struct listing *l, const struct row *row)
{
    const char *wanted = cli_text(l->cli, "status");
    return wanted == NULL || str_eq(str_from(wanted), str_from(state_names[row->state]));
}

static void json_row(struct json_writer *w, const struct row *row)
{
    jw_begin_object(w);
    jw_member_str(w, "partition", row->key);
    jw_member_str(w, "status", str_from(state_names[row->state]));
    jw_member_opt_wall(w, "materialized_at", row->materialized_at);
    jw_member_opt(w, "run", row->run);
    jw_member_opt_wall(w, "failed_at", row->failed_at);
    jw_member_opt(w, "error", row->error);
    jw_end_object(w);
}

static void print_json(const struct listing *l)
{
    AUTO(buf) out = buf_growing(JSON_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "asset", l->asset->key);
    for (size_t i = 0; i < STATE_COUNT; i++) {
        jw_member_i64(&w, state_names[i], l->counts[i]);
    }
    jw_key(&w, STR("partitions"));
    jw_begin_array(&w);
    for (size_t i = 0; i < l->count; i++) {
        if (is_shown(l, &l->rows[i])) {
            json_row(&w, &l->rows[i]);
        }
    }
    jw_end_array(&w);
    jw_end_object(&w);
    cli_json(l->cli, buf_str(&out));
}

static void add_table_row(struct table *table, const struct row *row)
{
    static const enum cli_tone tones[] = {CLI_GOOD, CLI_BAD, CLI_PLAIN};
    struct clock clock = clock_system();
    table_cell(table, row->key);
    table_tone(table, tones[row->state], str_from(state_names[row->state]));
    table_ago(table, row->materialized_at, clock_wall(&clock));
    table_cell(table, row->run);
    table_cell(table, row->error);
}

/* The newest, as far as the limit goes, in their order. */
static void print_table(struct listing *l)
{
    struct table table =
        table_new(TABLE_COLUMNS({.name = "PARTITION"}, {.name = "STATUS"}, {.name = "MATERIALIZED"},
                                {.name = "RUN"}, {.name = "LAST ERROR", .is_wide = true}));
    size_t first = l->count;
    int64_t left = cli_i64(l->cli, "limit");
    while (first > 0 && left > 0) {
        left -= is_shown(l, &l->rows[--first]) ? 1 : 0;
    }
    for (size_t i = first; i < l->count; i++) {
        if (is_shown(l, &l->rows[i])) {
            add_table_row(&table, &l->rows[i]);
        }
    }
    table_print(&table, l->cli);
    table_release(&table);
    cli_printf(l->cli, "%zu partitions: %lld materialized, %lld failed, %lld missing\n", l->count,
               (long long)l->counts[STATE_MADE], (long long)l->counts[STATE_FAILED],
               (long long)l->counts[STATE_MISSING]);
}

static int print(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    struct view *view = NULL;
    struct err err = {0};
    uint32_t asset = 0;
    struct listing l = {.cli = cli, .arena = arena_new(STATES_ARENA_BYTES)};
    /* A device on which nothing ran yet has definitions all the same. */
    bool ok = definitions_find_asset(defs, str_from(cli_arg(cli, 0)), &asset, &err) &&
              (view_open(&view, settings->database, &err) || err.code == ERR_NOT_FOUND);
    l.asset = ok ? &defs->assets[asset] : NULL;
    ok = ok && gather(&l, view, &err);
    if (ok && cli_is_json(cli)) {
        print_json(&l);
    } else if (ok) {
        print_table(&l);
    }
    view_close(view);
    arena_release(&l.arena);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_partitions(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_definitions(cli, print);
}

/* --- dynamic sets ----------------------------------------------------------------------------- */

/* As many keys from argument `first` on as go into one request; returns the one after them. */
static size_t write_request(struct cli *cli, const char *verb, size_t first, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", str_from(verb));
    jw_member_str(&w, "set", str_from(cli_arg(cli, 0)));
    jw_key(&w, STR("partitions"));
    jw_begin_array(&w);
    size_t i = first;
    while (i < cli_arg_count(cli) && (i == first || out->len < KEYS_BYTES_MAX)) {
        jw_str(&w, str_from(cli_arg(cli, i++)));
    }
    jw_end_array(&w);
    jw_end_object(&w);
    return i;
}

static int change(struct cli *cli, const char *verb, const char *done)
{
    struct settings settings;
    struct err err = {0};
    int64_t changed = 0;
    int code = CLI_OK;
    bool ok = settings_load(cli, &settings, &code);
    for (size_t i = 1; ok && i < cli_arg_count(cli);) {
        AUTO(buf) request = buf_growing(REQUEST_BYTES_MAX);
        struct json *reply = NULL;
        i = write_request(cli, verb, i, &request);
        ok = control_call(settings.state_dir, buf_str(&request), &settings.arena, &reply, &err);
        const struct json *count = ok ? json_get(reply, done) : NULL;
        changed += count != NULL && count->type == JSON_INT ? count->as.integer : 0;
        code = ok ? CLI_OK : cli_error(cli, &err);
    }
    if (ok) {
        cli_printf(cli, cli_is_json(cli) ? "{\"%s\":%lld}\n" : "%s %lld\n", done,
                   (long long)changed);
    }
    settings_release(&settings);
    return code;
}

int command_partitions_add(struct cli *cli, void *ctx)
{
    (void)ctx;
    return change(cli, "partitions_add", "added");
}

int command_partitions_delete(struct cli *cli, void *ctx)
{
    (void)ctx;
    return change(cli, "partitions_delete", "deleted");
}
