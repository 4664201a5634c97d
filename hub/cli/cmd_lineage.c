/* cmd_lineage.c - the fleet's lineage as a list of edges, and why each is one. */
#include "hub/cli/screen.h"

#include <string.h>

enum { NAMES_SHOWN = 5, WHY_BYTES_MAX = 64 << 10 };

static const struct table_column columns[] = {{.name = "UPSTREAM"},
                                              {.name = ""},
                                              {.name = "DOWNSTREAM"},
                                              {.name = "DEVICES", .is_right = true},
                                              {.name = "WHY", .is_wide = true},
                                              {0}};

/* --- one edge -------------------------------------------------------------------------------- */

static size_t count_of(const struct json *item, const char *key)
{
    const struct json *names = json_get(item, key);
    return names != NULL ? names->count : 0;
}

/* "brooklyn chicago", or "brooklyn chicago ... (12 devices)". */
static void add_names(struct buf *out, const struct json *item, const char *key)
{
    size_t shown = 0;
    for (const struct json *e = item_first(item, key); e != NULL && shown < NAMES_SHOWN;
         e = e->next) {
        buf_add(out, shown++ > 0 ? STR(" ") : STR(""));
        buf_add(out, e->type == JSON_STRING ? e->as.string : STR_NONE);
    }
    if (count_of(item, key) > NAMES_SHOWN) {
        buf_addf(out, " ... (%zu devices)", count_of(item, key));
    }
}

static bool is_by_key(const struct json *reason)
{
    return str_eq(item_str(reason, "by"), STR("key"));
}

/* "said by oslo, made on berlin" where it crosses; "postgres://wh:5432 a.b.c, berlin to oslo". */
static void add_reason(struct buf *out, const struct json *r)
{
    bool does_cross = item_bool(r, "crosses");
    buf_add(out, out->len > 0 ? STR("; ") : STR(""));
    if (is_by_key(r)) {
        buf_add(out, STR("said by "));
        add_names(out, r, "declared_by");
        if (does_cross) {
            buf_add(out, STR(", made on "));
            add_names(out, r, "made_on");
        }
        return;
    }
    buf_add(out, item_str(r, "dataset"));
    buf_add(out, does_cross ? STR(", from ") : STR(", on "));
    add_names(out, r, "written_by");
    if (does_cross) {
        buf_add(out, STR(" to "));
        add_names(out, r, "read_by");
    }
}

static void add_why(struct buf *out, const struct json *edge)
{
    for (const struct json *r = item_first(edge, "reasons"); r != NULL; r = r->next) {
        add_reason(out, r);
    }
}

static size_t reader_count(const struct json *edge)
{
    size_t most = 0;
    for (const struct json *r = item_first(edge, "reasons"); r != NULL; r = r->next) {
        size_t count = count_of(r, is_by_key(r) ? "declared_by" : "read_by");
        most = count > most ? count : most;
    }
    return most;
}

static void show_text(struct screen *s, const struct json *edge)
{
    struct table *t = &s->table;
    AUTO(buf) why = buf_growing(WHY_BYTES_MAX);
    add_why(&why, edge);
    table_cell(t, item_str(edge, "upstream"));
    table_cell(t, item_bool(edge, "crosses") ? STR("=>") : STR("->"));
    table_cell(t, item_str(edge, "downstream"));
    table_i64(t, (int64_t)reader_count(edge));
    table_cell(t, buf_str(&why));
}

static void add_quoted(struct buf *out, struct str text)
{
    struct json_writer w = json_writer(out); /* a JSON string is a DOT one: keys and addresses have
                                                no control characters */
    jw_str(&w, text);
}

static void begin_picture(struct screen *s, bool is_first)
{
    if (is_first) {
        cli_printf(s->cli, "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
    }
}

static void show_dot(struct screen *s, const struct json *edge)
{
    AUTO(buf) why = buf_growing(WHY_BYTES_MAX);
    struct buf *line = &s->text;
    begin_picture(s, s->count == 1);
    add_why(&why, edge);
    buf_reset(line);
    buf_add(line, STR("  "));
    add_quoted(line, item_str(edge, "upstream"));
    buf_add(line, STR(" -> "));
    add_quoted(line, item_str(edge, "downstream"));
    buf_add(line, STR(" [tooltip="));
    add_quoted(line, buf_str(&why));
    buf_add(line, item_bool(edge, "crosses") ? STR(", style=bold];") : STR("];"));
    cli_json(s->cli, buf_str(line));
}

/* --- all ------------------------------------------------------------------------------------- */

static bool ask(struct screen *s, struct err *err)
{
    struct cli *cli = s->cli;
    struct str at = STR_NONE;
    if (!screen_time(s, "at", &at, err)) {
        return false;
    }
    target_begin(&s->target, "/api/v1/lineage");
    target_query(&s->target, "device", str_from(cli_text(cli, "device")));
    target_query(&s->target, "asset", str_from(cli_text(cli, "asset")));
    target_query(&s->target, "at", at);
    target_query(&s->target, "crossing", cli_bool(cli, "crossing") ? STR("true") : STR_NONE);
    return true;
}

static bool show_picture(struct screen *s, struct err *err)
{
    if (!screen_list(s, columns, 0, show_dot, err)) {
        return false;
    }
    begin_picture(s, s->count == 0);
    s->count++; /* nothing is an answer too */
    cli_printf(s->cli, "}\n");
    return true;
}

static bool print_line(void *ctx, struct str edge, struct err *err)
{
    struct screen *s = ctx;
    (void)err;
    cli_json(s->cli, edge);
    return true;
}

static bool show(struct screen *s, struct err *err)
{
    const char *format = cli_text(s->cli, "format");
    bool is_json = cli_is_json(s->cli) || strcmp(format, "json") == 0;
    if (!ask(s, err)) {
        return false;
    }
    if (is_json) {
        s->count++; /* nothing is an answer too */
        return hub_client_each(s->client, buf_str(&s->target), 0, print_line, s, err);
    }
    if (strcmp(format, "dot") == 0) {
        return show_picture(s, err);
    }
    return screen_list(s, columns, 0, show_text, err);
}

int command_lineage(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    bool ok = show(&s, &err);
    bool is_narrowed =
        cli_is_given(cli, "asset") || cli_bool(cli, "crossing") || cli_is_given(cli, "at");
    return screen_close(&s, ok, &err,
                        is_narrowed ? "no such edges"
                                    : "no edges: no device has told its definitions yet");
}
