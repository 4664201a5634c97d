/* cmd_desired.c - documents of desired state: set, list, compared, removed. Written to the database;
 * the running hub is told. */
#include "hub/cli/desired_layer.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "hub/desired/document.h"
#include "hub/fleet/poke.h"
#include <stdio.h>

enum { LINE_BYTES_MAX = 2 << 20, SHOWN_MAX = 5, CONFLICTS_SHOWN_BYTES = 8 << 10 };

static struct wall_time now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

/* --- set ---------------------------------------------------------------------------------------- */

struct effects {
    size_t meant, changed, in_conflict, too_much;
    struct buf conflicts; /* of the first that have some, "  device: conflict" */
    size_t conflicts_shown;
};

/* Lines of `text` with the device before each. */
static void add_conflicts(struct effects *e, struct str device, struct str text)
{
    struct str line;
    bool has_more = !str_is_empty(text);
    while (has_more && e->conflicts_shown < SHOWN_MAX) {
        has_more = str_cut(text, '\n', &line, &text);
        buf_addf(&e->conflicts, "  " STR_FMT ": " STR_FMT "\n", STR_ARG(device), STR_ARG(line));
        e->conflicts_shown++;
    }
}

static void count_effect(void *ctx, const struct document_effect *effect)
{
    struct effects *e = ctx;
    bool is_changed = !str_eq(str_from(effect->before.hash), str_from(effect->after.hash));
    e->meant += effect->is_meant;
    e->changed += is_changed;
    if (!str_is_empty(effect->after.problem)) {
        e->too_much++;
        buf_addf(&e->conflicts, "  " STR_FMT ": " STR_FMT "\n", STR_ARG(effect->device),
                 STR_ARG(effect->after.problem));
    }
    if (!str_is_empty(effect->after.conflicts)) {
        e->in_conflict++;
        add_conflicts(e, effect->device, effect->after.conflicts);
    }
}

static void say_effects(struct cli *cli, const struct document_file *f, const struct effects *e,
                        bool is_dry)
{
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "document", f->name);
        jw_member_i64(&w, "devices", (int64_t)e->meant);
        jw_member_i64(&w, "changed", (int64_t)e->changed);
        jw_member_i64(&w, "in_conflict", (int64_t)e->in_conflict);
        jw_member_bool(&w, "kept", !is_dry);
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
        return;
    }
    cli_printf(cli, "%s " STR_FMT ": means %zu device%s, %s something for %zu\n",
               is_dry ? "would set" : "set", STR_ARG(f->name), e->meant, e->meant == 1 ? "" : "s",
               is_dry ? "would change" : "changes", e->changed);
    if (e->meant == 0) {
        (void)fprintf(cli_err(cli),
                      "no device is meant by " STR_FMT " now; it counts as soon as one is\n",
                      STR_ARG(f->target));
    }
    if (e->conflicts.len > 0) {
        (void)fprintf(cli_err(cli),
                      "conflicts on %zu device%s; say which is to win with --priority:\n" STR_FMT,
                      e->in_conflict + e->too_much, e->in_conflict + e->too_much == 1 ? "" : "s",
                      STR_ARG(buf_str(&e->conflicts)));
    }
}

static int set(struct cli *cli, struct settings *settings)
{
    struct document_file f = {0};
    struct effects effects = {.conflicts = buf_growing(CONFLICTS_SHOWN_BYTES)};
    struct err err = {0};
    int code = CLI_OK;
    bool is_dry = cli_bool(cli, "dry-run");
    if (document_file_open(cli, settings, false, &f, &code)) {
        const struct document_row row = {.name = f.name,
                                         .target = f.target,
                                         .content = buf_str(&f.content),
                                         .priority = f.layer.priority,
                                         .set = now()};
        if (!document_effects(&f, count_effect, &effects, &err) ||
            (!is_dry && !document_set(f.rows, &row, &err))) {
            code = cli_error(cli, &err);
        } else {
            say_effects(cli, &f, &effects, is_dry);
        }
        if (code == CLI_OK && !is_dry) {
            poke_send(&settings->config);
        }
    }
    buf_release(&effects.conflicts);
    document_file_close(&f);
    return code;
}

static int with(struct cli *cli, int (*work)(struct cli *cli, struct settings *settings))
{
    struct settings settings;
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        code = work(cli, &settings);
    }
    settings_release(&settings);
    return code;
}

int command_desired_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, set);
}

/* --- diff --------------------------------------------------------------------------------------- */

struct diff {
    struct cli *cli;
    struct arena arena;
    size_t changed;
};

static struct str text_of(const struct composed *c, struct buf *out)
{
    buf_reset(out);
    document_write(&c->content, out);
    return buf_str(out);
}

/* One part a line, of those that are not in both. */
static void say_part(struct cli *cli, char mark, const struct json *node, const struct json *others)
{
    AUTO(buf) own = buf_growing(LINE_BYTES_MAX);
    json_write(&own, node);
    for (const struct json *other = others == NULL ? NULL : others->child; other != NULL;
         other = other->next) {
        AUTO(buf) text = buf_growing(LINE_BYTES_MAX);
        json_write(&text, other);
        if (str_eq(buf_str(&text), buf_str(&own)) && str_eq(other->key, node->key)) {
            return;
        }
    }
    if (node->key.len > 0) {
        cli_printf(cli, "  %c " STR_FMT " " STR_FMT "\n", mark, STR_ARG(node->key),
                   STR_ARG(buf_str(&own)));
    } else {
        cli_printf(cli, "  %c schedule " STR_FMT "\n", mark, STR_ARG(buf_str(&own)));
    }
}

static void say_parts(struct cli *cli, char mark, const struct json *from, const struct json *than)
{
    for (const struct json *node = from->child; node != NULL; node = node->next) {
        if (!str_eq(node->key, STR("schedules"))) {
            say_part(cli, mark, node, than);
            continue;
        }
        for (const struct json *s = node->child; s != NULL; s = s->next) {
            say_part(cli, mark, s, json_get(than, "schedules"));
        }
    }
}

static void say_diff(void *ctx, const struct document_effect *effect)
{
    struct diff *d = ctx;
    AUTO(buf) before = buf_growing(LINE_BYTES_MAX);
    AUTO(buf) after = buf_growing(LINE_BYTES_MAX);
    struct json *old = NULL;
    struct json *new = NULL;
    struct err err = {0};
    if (str_eq(str_from(effect->before.hash), str_from(effect->after.hash))) {
        return;
    }
    d->changed++;
    if (cli_is_json(d->cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "device", effect->device);
        jw_member_raw(&w, "before", text_of(&effect->before, &before));
        jw_member_raw(&w, "after", text_of(&effect->after, &after));
        jw_end_object(&w);
        cli_json(d->cli, buf_str(&out));
        return;
    }
    cli_printf(d->cli, STR_FMT "\n", STR_ARG(effect->device));
    if (json_parse(text_of(&effect->before, &before), LINE_BYTES_MAX, &d->arena, &old, &err) &&
        json_parse(text_of(&effect->after, &after), LINE_BYTES_MAX, &d->arena, &new, &err)) {
        say_parts(d->cli, '-', old, new);
        say_parts(d->cli, '+', new, old);
    }
    arena_reset(&d->arena);
}

static int diff(struct cli *cli, struct settings *settings)
{
    struct document_file f = {0};
    struct diff d = {.cli = cli, .arena = arena_new(16 << 20)};
    struct err err = {0};
    int code = CLI_OK;
    if (document_file_open(cli, settings, true, &f, &code)) {
        if (!document_effects(&f, say_diff, &d, &err)) {
            code = cli_error(cli, &err);
        } else {
            code = d.changed > 0 ? CLI_FAILED : CLI_OK;
        }
    }
    document_file_close(&f);
    arena_release(&d.arena);
    return code;
}

int command_desired_diff(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, diff);
}

/* --- list --------------------------------------------------------------------------------------- */

struct listing {
    struct cli *cli;
    struct table table;
    struct wall_time now;
};

static void list_document(void *ctx, const struct document_row *row)
{
    struct listing *l = ctx;
    if (cli_is_json(l->cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        struct json_writer w = json_writer(&out);
        jw_begin_object(&w);
        jw_member_str(&w, "document", row->name);
        jw_member_i64(&w, "priority", row->priority);
        jw_member_str(&w, "to", row->target);
        jw_member_wall(&w, "set_at", row->set);
        jw_member_raw(&w, "content", row->content);
        jw_end_object(&w);
        cli_json(l->cli, buf_str(&out));
        return;
    }
    table_cell(&l->table, row->name);
    table_cellf(&l->table, "%lld", (long long)row->priority);
    table_cell(&l->table, row->target);
    table_ago(&l->table, row->set, l->now);
    table_cell(&l->table, row->content);
}

static int list(struct cli *cli, struct settings *settings)
{
    struct desired_rows *rows = NULL;
    struct err err = {0};
    int code = CLI_OK;
    struct listing l = {.cli = cli, .now = now()};
    l.table = table_new(TABLE_COLUMNS({.name = "DOCUMENT"}, {.name = "PRIORITY"}, {.name = "TO"},
                                      {.name = "SET"}, {.name = "CONTENT", .is_wide = true}));
    if (!desired_rows_open(&rows, settings->database, &err) ||
        !document_each(rows, list_document, &l, &err)) {
        code = cli_error(cli, &err);
    } else {
        table_print_list(&l.table, cli, "no documents; make one: selvedge-hub desired set FILE");
    }
    table_release(&l.table);
    desired_rows_close(rows);
    return code;
}

int command_desired_list(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, list);
}

/* --- remove ------------------------------------------------------------------------------------- */

static int remove_document(struct cli *cli, struct settings *settings)
{
    struct desired_rows *rows = NULL;
    struct str name = str_from(cli_arg(cli, 0));
    bool found = false;
    struct err err = {0};
    int code = CLI_OK;
    bool ok = desired_rows_open(&rows, settings->database, &err) &&
              document_remove(rows, name, &found, &err);
    if (ok && !found) {
        (void)err_set(&err, ERR_NOT_FOUND, "there is no document " STR_FMT, STR_ARG(name));
        (void)err_hint(&err, "list them: selvedge-hub desired list");
        ok = false;
    }
    if (!ok) {
        code = cli_error(cli, &err);
    } else {
        poke_send(&settings->config);
        if (!cli_is_json(cli)) {
            cli_printf(cli, "removed " STR_FMT "; devices get revisions without it\n",
                       STR_ARG(name));
        }
    }
    desired_rows_close(rows);
    return code;
}

int command_desired_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with(cli, remove_document);
}
