/* cmd_state.c - how far the loads have come: their states, shown, set, taken back, carried to and
 * from Meltano. */
#include "agent/cli/kept_states.h"

#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <string.h>

enum {
    ARENA_BYTES = 512 << 20, /* of what is read; used as far as states are large */
    JSON_BYTES_MAX = 64 << 20,
    SHOWN_VALUE = 60,
};

/* What Meltano puts around a tap's state. */
#define WRAPPER "singer_state"

struct work {
    struct cli *cli;
    const struct settings *settings;
    const struct definitions *defs;
    struct arena arena;
};

/* Calls back with the work that a command does; returns its exit code. */
static int do_work(struct cli *cli, struct settings *settings, const struct definitions *defs,
                   bool (*act)(struct work *w, struct err *err))
{
    struct work w = {
        .cli = cli, .settings = settings, .defs = defs, .arena = arena_new(ARENA_BYTES)};
    struct err err = {0};
    int code = act(&w, &err) ? CLI_OK : cli_error(cli, &err);
    arena_release(&w.arena);
    return code;
}

static bool find_asset(struct work *w, const char *key, const struct asset **ret, struct err *err)
{
    uint32_t index = 0;
    if (!definitions_find_asset(w->defs, str_from(key), &index, err)) {
        return false;
    }
    *ret = &w->defs->assets[index];
    if (!kept_states_has(*ret)) {
        err_set(err, ERR_INVALID, "%s has no state", key);
        return err_hint(err, "only assets with `extract` and `load` have one");
    }
    return true;
}

static bool ask(struct work *w, const struct asset *asset, struct str change,
                struct kept_states *ret, struct err *err)
{
    const struct worker_asker asker = {w->settings, w->defs, &w->arena};
    return kept_states_ask(&asker, asset, change, ret, err);
}

static struct str as_text(struct work *w, const struct json *node)
{
    AUTO(buf) text = buf_growing(JSON_BYTES_MAX);
    json_write(&text, node);
    return text.overflow ? STR_NONE : arena_copy(&w->arena, buf_str(&text));
}

static struct wall_time time_of(const struct json *at)
{
    struct wall_time time = {0};
    bool ok = at != NULL && at->type == JSON_STRING && wall_parse(at->as.string, &time);
    return ok ? time : (struct wall_time){0};
}

/* --- list ------------------------------------------------------------------------------------- */

static void json_state(struct work *w, const struct asset *asset, const struct kept_states *kept,
                       const struct err *err)
{
    AUTO(buf) out = buf_growing(JSON_BYTES_MAX);
    struct json_writer j = json_writer(&out);
    jw_begin_object(&j);
    jw_member_str(&j, "asset", asset->key);
    jw_member_opt(&j, "state_id", kept->state_id);
    if (err->code != ERR_NONE) {
        jw_member_str(&j, "error", str_from(err->msg));
    }
    if (kept->present != NULL) {
        jw_member_str(&j, "updated_at", json_get(kept->states, "at")->as.string);
        jw_member_raw(&j, "value", as_text(w, kept->present));
    }
    jw_member_i64(&j, "kept", (int64_t)kept->count);
    jw_end_object(&j);
    cli_json(w->cli, buf_str(&out));
}

static void row_of(struct work *w, struct table *t, const struct asset *asset,
                   const struct kept_states *kept, const struct err *err)
{
    struct clock clock = clock_system();
    struct str value = kept->present == NULL ? STR_NONE : as_text(w, kept->present);
    table_cell(t, asset->key);
    table_ago(t,
              kept->present == NULL ? (struct wall_time){0} : time_of(json_get(kept->states, "at")),
              clock_wall(&clock));
    table_i64(t, (int64_t)kept->count);
    if (err->code != ERR_NONE) {
        table_tone(t, CLI_BAD, str_from(err->msg));
    } else {
        table_cellf(t, STR_FMT "%s", (int)(value.len < SHOWN_VALUE ? value.len : SHOWN_VALUE),
                    value.ptr == NULL ? "" : value.ptr, value.len > SHOWN_VALUE ? "..." : "");
    }
}

/* A target that cannot be reached is one line of the list. */
static bool list(struct work *w, struct err *err)
{
    AUTO(table)
    t = table_new(TABLE_COLUMNS({.name = "ASSET"}, {.name = "UPDATED"},
                                {.name = "KEPT", .is_right = true},
                                {.name = "STATE", .is_wide = true}));
    (void)err;
    for (size_t i = 0; i < w->defs->asset_count; i++) {
        const struct asset *asset = &w->defs->assets[i];
        struct kept_states kept = {0};
        struct err why = {0};
        if (!kept_states_has(asset)) {
            continue;
        }
        if (!ask(w, asset, STR_NONE, &kept, &why)) {
            kept = (struct kept_states){0};
        }
        if (cli_is_json(w->cli)) {
            json_state(w, asset, &kept, &why);
        } else {
            row_of(w, &t, asset, &kept, &why);
        }
    }
    table_print_list(&t, w->cli, "no asset has a state: none has `extract` and `load`");
    return true;
}

/* --- show ------------------------------------------------------------------------------------- */

static bool show_history(struct work *w, const struct kept_states *kept)
{
    AUTO(table)
    t = table_new(TABLE_COLUMNS({.name = "BACK", .is_right = true}, {.name = "AT"},
                                {.name = "STATE", .is_wide = true}));
    int64_t back = kept->present == NULL ? 1 : 0;
    for (const struct json *s = kept->states; s != NULL; s = s->next, back++) {
        AUTO(buf) line = buf_growing(JSON_BYTES_MAX);
        struct str value = as_text(w, json_get(s, "value"));
        struct str at = json_get(s, "at")->as.string;
        struct json_writer j = json_writer(&line);
        if (!cli_is_json(w->cli)) {
            table_i64(&t, back);
            table_cell(&t, at);
            table_cell(&t, value);
            continue;
        }
        jw_begin_object(&j);
        jw_member_i64(&j, "back", back);
        jw_member_str(&j, "at", at);
        jw_member_raw(&j, "value", value);
        jw_end_object(&j);
        cli_json(w->cli, buf_str(&line));
    }
    table_print_list(&t, w->cli, "no state was kept yet");
    return true;
}

static bool show(struct work *w, struct err *err)
{
    const struct asset *asset = NULL;
    const struct json *at = NULL;
    const struct json *value = NULL;
    struct kept_states kept;
    if (!find_asset(w, cli_arg(w->cli, 0), &asset, err) || !ask(w, asset, STR_NONE, &kept, err)) {
        return false;
    }
    if (cli_bool(w->cli, "history")) {
        return show_history(w, &kept);
    }
    if (!kept_states_find(&kept, cli_i64(w->cli, "back"), &at, &value, err)) {
        return false;
    }
    cli_json(w->cli, as_text(w, value));
    return true;
}

/* --- set, reset ------------------------------------------------------------------------------- */

static bool change(struct work *w, const struct asset *asset, struct str value, struct err *err)
{
    struct kept_states kept;
    if (!ask(w, asset, value, &kept, err)) {
        return false;
    }
    if (!cli_is_json(w->cli)) {
        cli_printf(w->cli, STR_FMT ": %s; the former state is kept: --back 1\n",
                   STR_ARG(asset->key),
                   str_eq(value, STR("null")) ? "the next load begins from the start"
                                              : "the next load goes on from the new state");
    } else {
        json_state(w, asset, &kept, &(struct err){0});
    }
    return true;
}

/* "-" is standard input. An object; without what Meltano puts around it. */
static bool read_state(struct work *w, const char *file, struct str *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json *node = NULL;
    if (!files_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, &text, err)) {
        return false;
    }
    if (!json_parse(buf_str(&text), LIMIT_JSON_BYTES, &w->arena, &node, err)) {
        return err_wrap(err, "%s", file);
    }
    const struct json *inner = json_get(node, WRAPPER);
    const struct json *state = inner == NULL ? node : inner;
    if (state->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "%s: a state is a JSON object", file);
    }
    *ret = as_text(w, state);
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static bool set(struct work *w, struct err *err)
{
    const struct asset *asset = NULL;
    const char *file = cli_arg(w->cli, 1);
    struct str value = STR_NONE;
    struct kept_states kept;
    const struct json *at = NULL;
    const struct json *former = NULL;
    if (!find_asset(w, cli_arg(w->cli, 0), &asset, err)) {
        return false;
    }
    if (file != NULL) {
        return read_state(w, file, &value, err) && change(w, asset, value, err);
    }
    if (!ask(w, asset, STR_NONE, &kept, err) ||
        !kept_states_find(&kept, cli_i64(w->cli, "back"), &at, &former, err)) {
        return false;
    }
    return change(w, asset, as_text(w, former), err);
}

static const struct json *member_of(const struct json *object, struct str key)
{
    for (const struct json *m = object->child; m != NULL; m = m->next) {
        if (str_eq(m->key, key)) {
            return m;
        }
    }
    return NULL;
}

static void add_members(struct json_writer *j, const struct json *object, struct str left_out)
{
    for (const struct json *m = object->child; m != NULL; m = m->next) {
        if (!str_eq(m->key, left_out)) {
            AUTO(buf) text = buf_growing(JSON_BYTES_MAX);
            json_write(&text, m);
            jw_key(j, m->key);
            jw_raw(j, buf_str(&text));
        }
    }
}

/* The state without one stream's bookmark. */
static bool forget_stream(struct work *w, const struct kept_states *kept, struct str stream,
                          struct str *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(JSON_BYTES_MAX);
    struct json_writer j = json_writer(&text);
    const struct json *bookmarks =
        kept->present == NULL ? NULL : json_get(kept->present, "bookmarks");
    if (bookmarks == NULL || member_of(bookmarks, stream) == NULL) {
        err_set(err, ERR_NOT_FOUND, "the state has no bookmark of a stream \"" STR_FMT "\"",
                STR_ARG(stream));
        return err_hint(err,
                        "look at it: selvedge-agent state show; without --stream all is reset");
    }
    jw_begin_object(&j);
    add_members(&j, kept->present, STR("bookmarks"));
    jw_key(&j, STR("bookmarks"));
    jw_begin_object(&j);
    add_members(&j, bookmarks, stream);
    jw_end_object(&j);
    jw_end_object(&j);
    *ret = arena_copy(&w->arena, buf_str(&text));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static bool reset(struct work *w, struct err *err)
{
    const struct asset *asset = NULL;
    const char *stream = cli_text(w->cli, "stream");
    struct str value = STR("null");
    struct kept_states kept;
    return find_asset(w, cli_arg(w->cli, 0), &asset, err) &&
           (stream == NULL || (ask(w, asset, STR_NONE, &kept, err) &&
                               forget_stream(w, &kept, str_from(stream), &value, err))) &&
           change(w, asset, value, err);
}

/* --- export, import --------------------------------------------------------------------------- */

static bool is_wanted(const struct work *w, const struct asset *asset)
{
    const char *key = NULL;
    for (size_t i = 0; (key = cli_arg(w->cli, i)) != NULL; i++) {
        if (str_eq(str_from(key), asset->key)) {
            return true;
        }
    }
    return cli_arg_count(w->cli) == 0;
}

static bool check_arguments(struct work *w, struct err *err)
{
    const struct asset *asset = NULL;
    const char *key = NULL;
    for (size_t i = 0; (key = cli_arg(w->cli, i)) != NULL; i++) {
        if (!find_asset(w, key, &asset, err)) {
            return false;
        }
    }
    return true;
}

/* Those of a shared step have one state between them. */
static bool is_told_before(const struct work *w, size_t i)
{
    const struct shared_step *step = w->defs->assets[i].step;
    return step != NULL && step->assets[0] != i;
}

/* Blocks of a Meltano project that differ in their mappings alone have one too. */
static bool is_new_id(struct str_list *ids, struct str id)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (str_eq(ids->items[i], id)) {
            return false;
        }
    }
    ids->items[ids->count++] = id;
    return true;
}

/* {"id": {"completed": {"singer_state": {...}}, "partial": {}}}, as Meltano's own. */
static bool export_states(struct work *w, struct err *err)
{
    AUTO(buf) out = buf_growing(JSON_BYTES_MAX);
    struct json_writer j = json_writer(&out);
    struct str_list ids = {.items =
                               arena_array(&w->arena, w->defs->asset_count, sizeof(struct str))};
    if (ids.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the states");
    }
    if (!check_arguments(w, err)) {
        return false;
    }
    jw_begin_object(&j);
    for (size_t i = 0; i < w->defs->asset_count; i++) {
        const struct asset *asset = &w->defs->assets[i];
        struct kept_states kept;
        if (!kept_states_has(asset) || !is_wanted(w, asset) ||
            (cli_arg_count(w->cli) == 0 && is_told_before(w, i))) {
            continue;
        }
        if (!ask(w, asset, STR_NONE, &kept, err)) {
            return false; /* an export that leaves something out is worse than none */
        }
        if (kept.present != NULL && is_new_id(&ids, kept.state_id)) {
            jw_key(&j, kept.state_id);
            jw_begin_object(&j);
            jw_key(&j, STR("completed"));
            jw_begin_object(&j);
            jw_member_raw(&j, WRAPPER, as_text(w, kept.present));
            jw_end_object(&j);
            jw_key(&j, STR("partial"));
            jw_begin_object(&j);
            jw_end_object(&j);
            jw_end_object(&j);
        }
    }
    jw_end_object(&j);
    if (out.overflow) {
        return err_set(err, ERR_FULL, "the states are larger than %d bytes", JSON_BYTES_MAX);
    }
    cli_json(w->cli, buf_str(&out));
    return true;
}

/* A block of a Meltano project has Meltano's id, which its worker knows. False: there is none. */
static bool find_meltano(struct work *w, struct str id, const struct asset **ret)
{
    for (size_t i = 0; i < w->defs->asset_count; i++) {
        const struct asset *asset = &w->defs->assets[i];
        struct kept_states kept;
        struct err ignored = {0};
        if (asset->work == ASSET_MELTANO && kept_states_has(asset) && !is_told_before(w, i) &&
            ask(w, asset, STR_NONE, &kept, &ignored) && str_eq(kept.state_id, id)) {
            *ret = asset;
            return true;
        }
    }
    return false;
}

/* The asset that has the state id; --map ID=ASSET goes before. */
static bool find_by_id(struct work *w, struct str id, const struct asset **ret, struct err *err)
{
    const char *pair = NULL;
    for (size_t i = 0; (pair = cli_values(w->cli, "map", i)) != NULL; i++) {
        struct str from = STR_NONE;
        struct str to = STR_NONE;
        /* An id of Meltano's holds no '=', and neither does a key. */
        if (str_cut(str_from(pair), '=', &from, &to) && str_eq(from, id)) {
            return find_asset(w, arena_cstr(&w->arena, to), ret, err);
        }
    }
    if (find_meltano(w, id, ret) || find_asset(w, arena_cstr(&w->arena, id), ret, err)) {
        return true;
    }
    return err_hint(err, "say which asset goes on from it: --map '" STR_FMT "=ASSET'", STR_ARG(id));
}

/* What Meltano gives the tap: the partial state over the completed one, objects member by member. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader lets a file be */
static void merge(struct json_writer *j, const struct json *completed, const struct json *partial)
{
    if (partial == NULL || completed == NULL || partial->type != JSON_OBJECT ||
        completed->type != JSON_OBJECT) {
        AUTO(buf) text = buf_growing(JSON_BYTES_MAX);
        json_write(&text, partial != NULL ? partial : completed);
        jw_raw(j, buf_str(&text));
        return;
    }
    jw_begin_object(j);
    for (const struct json *m = completed->child; m != NULL; m = m->next) {
        jw_key(j, m->key);
        merge(j, m, member_of(partial, m->key));
    }
    for (const struct json *m = partial->child; m != NULL; m = m->next) {
        if (member_of(completed, m->key) == NULL) {
            jw_key(j, m->key);
            merge(j, NULL, m);
        }
    }
    jw_end_object(j);
}

static const struct json *state_in(const struct json *entry, const char *slot)
{
    const struct json *node = json_get(entry, slot);
    const struct json *state = node == NULL ? NULL : json_get(node, WRAPPER);
    return state != NULL && state->type == JSON_OBJECT ? state : NULL;
}

struct entry {
    const struct asset *asset;
    struct str value;
};

static bool read_entry(struct work *w, const struct json *node, struct entry *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(JSON_BYTES_MAX);
    struct json_writer j = json_writer(&text);
    const struct json *completed = state_in(node, "completed");
    const struct json *partial = state_in(node, "partial");
    if (completed == NULL && partial == NULL) {
        err_set(err, ERR_INVALID, "\"" STR_FMT "\" holds no state", STR_ARG(node->key));
        return err_hint(err, "expected {\"ID\": {\"completed\": {\"" WRAPPER "\": {...}}}}, as "
                             "`state export` writes it; one state alone: state set");
    }
    merge(&j, completed, partial);
    ret->value = arena_copy(&w->arena, buf_str(&text));
    return find_by_id(w, node->key, &ret->asset, err);
}

/* All is read and found before the first is written. */
static bool import_states(struct work *w, struct err *err)
{
    AUTO(buf) text = buf_growing(JSON_BYTES_MAX);
    const char *file = cli_arg(w->cli, 0);
    struct json *root = NULL;
    size_t count = 0;
    if (!files_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, &text, err)) {
        return false;
    }
    if (!json_parse(buf_str(&text), JSON_BYTES_MAX, &w->arena, &root, err)) {
        return err_wrap(err, "%s", file);
    }
    struct entry *entries = arena_array(&w->arena, w->defs->asset_count + 1, sizeof(*entries));
    for (const struct json *m = root->child; m != NULL; m = m->next) {
        if (entries == NULL || count == w->defs->asset_count) {
            return err_set(err, ERR_FULL, "%s: more states than there are assets", file);
        }
        if (!read_entry(w, m, &entries[count++], err)) {
            return err_wrap(err, "%s", file);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!change(w, entries[i].asset, entries[i].value, err)) {
            return false;
        }
    }
    return true;
}

/* --- the commands ----------------------------------------------------------------------------- */

#define COMMAND(name_, act_)                                                                       \
    static int name_##_work(struct cli *cli, struct settings *settings,                            \
                            const struct definitions *defs)                                        \
    {                                                                                              \
        return do_work(cli, settings, defs, act_);                                                 \
    }                                                                                              \
    int name_(struct cli *cli, void *ctx)                                                          \
    {                                                                                              \
        (void)ctx;                                                                                 \
        return with_definitions(cli, name_##_work);                                                \
    }

COMMAND(command_state_list, list)
COMMAND(command_state_show, show)
COMMAND(command_state_reset, reset)
COMMAND(command_state_export, export_states)
COMMAND(command_state_import, import_states)

static int set_work(struct cli *cli, struct settings *settings, const struct definitions *defs)
{
    return do_work(cli, settings, defs, set);
}

int command_state_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    if ((cli_arg(cli, 1) != NULL) == (cli_i64(cli, "back") > 0)) {
        return cli_usage(cli, "give a file with the state or --back N, and not both");
    }
    return with_definitions(cli, set_work);
}
