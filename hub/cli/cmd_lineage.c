/* cmd_lineage.c - the fleet's lineage as a list of edges, and why each is one. */
#include "hub/cli/look.h"

#include "hub/cli/asset_versions.h"
#include <string.h>

enum { ARENA_BYTES = 512 << 20, NAMES_SHOWN = 5, WHY_BYTES_MAX = 64 << 10 };
enum lineage_format { LINEAGE_TEXT, LINEAGE_DOT, LINEAGE_JSON };

struct listing {
    struct look look;
    enum lineage_format format;
    struct arena arena;
    struct lineage lineage;
    const bool *chosen; /* by asset; NULL = all */
    bool only_crossing;
};

/* --- one edge -------------------------------------------------------------------------------- */

static void write_reason(struct json_writer *w, const struct lineage *l,
                         const struct lineage_reason *r)
{
    static const char *const scopes[] = {
        [DATASET_EVERYWHERE] = "everywhere", [DATASET_SITE] = "site", [DATASET_DEVICE] = "device"};
    bool is_key = str_is_empty(r->dataset);
    jw_begin_object(w);
    jw_member_str(w, "by", is_key ? STR("key") : STR("dataset"));
    if (!is_key) {
        jw_member_str(w, "dataset", r->dataset);
        jw_member_str(w, "scope", str_from(scopes[r->scope]));
    }
    device_names(w, l, is_key ? "made_on" : "written_by", r->from);
    device_names(w, l, is_key ? "declared_by" : "read_by", r->to);
    jw_member_bool(w, "crosses", r->does_cross);
    jw_end_object(w);
}

static void show_json(struct listing *s, const struct lineage_edge *edge)
{
    const struct lineage *l = &s->lineage;
    const struct lineage_reason *first = edge->reasons;
    bool is_declared = first != NULL && str_is_empty(first->dataset);
    struct json_writer w = look_begin_line(&s->look);
    jw_member_str(&w, "upstream", l->assets[edge->upstream].key);
    jw_member_str(&w, "downstream", l->assets[edge->downstream].key);
    device_names(&w, l, "declared_by", is_declared ? first->to : (struct lineage_devices){NULL, 0});
    jw_member_bool(&w, "crosses", lineage_edge_crosses(edge));
    jw_key(&w, STR("reasons"));
    jw_begin_array(&w);
    for (const struct lineage_reason *r = first; r != NULL; r = r->next) {
        write_reason(&w, l, r);
    }
    jw_end_array(&w);
    look_end_line(&s->look, &w);
}

/* "brooklyn chicago", or "brooklyn chicago ... (12 devices)". */
static void add_names(struct buf *out, const struct lineage *l, struct lineage_devices devices)
{
    struct lineage_devices shown = devices;
    shown.count = devices.count > NAMES_SHOWN ? NAMES_SHOWN : devices.count;
    lineage_add_devices(out, l, shown, " ");
    if (shown.count < devices.count) {
        buf_addf(out, " ... (%zu devices)", devices.count);
    }
}

/* "said by oslo, made on berlin" where it crosses; "postgres://wh:5432 a.b.c, berlin to oslo". */
static void add_reason(struct buf *out, const struct lineage *l, const struct lineage_reason *r)
{
    bool is_key = str_is_empty(r->dataset);
    buf_add(out, out->len > 0 ? STR("; ") : STR(""));
    if (is_key) {
        buf_add(out, STR("said by "));
        add_names(out, l, r->to);
        if (r->does_cross) {
            buf_add(out, STR(", made on "));
            add_names(out, l, r->from);
        }
        return;
    }
    buf_add(out, r->dataset);
    buf_add(out, r->does_cross ? STR(", from ") : STR(", on "));
    add_names(out, l, r->from);
    if (r->does_cross) {
        buf_add(out, STR(" to "));
        add_names(out, l, r->to);
    }
}

static size_t reader_count(const struct lineage_edge *edge)
{
    size_t most = 0;
    for (const struct lineage_reason *r = edge->reasons; r != NULL; r = r->next) {
        most = r->to.count > most ? r->to.count : most;
    }
    return most;
}

static void show_text(struct listing *s, const struct lineage_edge *edge)
{
    const struct lineage *l = &s->lineage;
    struct table *t = &s->look.table;
    AUTO(buf) why = buf_growing(WHY_BYTES_MAX);
    for (const struct lineage_reason *r = edge->reasons; r != NULL; r = r->next) {
        add_reason(&why, l, r);
    }
    table_cell(t, l->assets[edge->upstream].key);
    table_cell(t, lineage_edge_crosses(edge) ? STR("=>") : STR("->"));
    table_cell(t, l->assets[edge->downstream].key);
    table_i64(t, (int64_t)reader_count(edge));
    table_cell(t, buf_str(&why));
}

static void show_dot(struct listing *s, const struct lineage_edge *edge)
{
    const struct lineage *l = &s->lineage;
    struct look *look = &s->look;
    AUTO(buf) why = buf_growing(WHY_BYTES_MAX);
    for (const struct lineage_reason *r = edge->reasons; r != NULL; r = r->next) {
        add_reason(&why, l, r);
    }
    /* A JSON string is a DOT one: keys and addresses have no control characters. */
    buf_reset(&look->line);
    struct json_writer w = json_writer(&look->line);
    buf_add(&look->line, STR("  "));
    jw_str(&w, l->assets[edge->upstream].key);
    buf_add(&look->line, STR(" -> "));
    w.needs_comma = false;
    jw_str(&w, l->assets[edge->downstream].key);
    buf_add(&look->line, STR(" [tooltip="));
    w.needs_comma = false;
    jw_str(&w, buf_str(&why));
    buf_add(&look->line, lineage_edge_crosses(edge) ? STR(", style=bold];") : STR("];"));
    cli_json(look->cli, buf_str(&look->line));
}

/* --- all ------------------------------------------------------------------------------------- */

static void show_edges(struct listing *s)
{
    const struct lineage *l = &s->lineage;
    for (size_t i = 0; i < l->edge_count; i++) {
        const struct lineage_edge *edge = &l->edges[i];
        if ((s->only_crossing && !lineage_edge_crosses(edge)) ||
            (s->chosen != NULL && (!s->chosen[edge->upstream] || !s->chosen[edge->downstream]))) {
            continue;
        }
        s->look.count++;
        if (s->format == LINEAGE_JSON) {
            show_json(s, edge);
        } else if (s->format == LINEAGE_DOT) {
            show_dot(s, edge);
        } else {
            show_text(s, edge);
        }
    }
}

/* Edges between all that the asset is made from, itself, and all that is made from it. */
static bool choose(struct listing *s, struct str key, struct err *err)
{
    struct lineage *l = &s->lineage;
    bool *chosen = arena_array(&s->arena, l->asset_count + 1, sizeof(bool));
    uint32_t asset = 0;
    if (!strmap_get(&l->by_key, key, &asset)) {
        (void)err_set(err, ERR_NOT_FOUND, "no device knows an asset " STR_FMT, STR_ARG(key));
        return err_hint(err, "see: selvedge-hub assets");
    }
    if (chosen == NULL || !lineage_reach(l, asset, true, &s->arena, chosen) ||
        !lineage_reach(l, asset, false, &s->arena, chosen)) {
        return err_set(err, ERR_NO_MEMORY, "lineage: out of memory");
    }
    chosen[asset] = true;
    s->chosen = chosen;
    return true;
}

static bool show(struct listing *s, struct err *err)
{
    struct cli *cli = s->look.cli;
    struct lineage_filter filter = {.device = str_from(cli_text(cli, "device"))};
    struct str key = str_from(cli_text(cli, "asset"));
    bool is_dot = s->format == LINEAGE_DOT;
    if (!look_time(&s->look, "at", &filter.at, err) ||
        !lineage_load(s->look.db, &filter, &s->arena, &s->lineage, err) ||
        (!str_is_empty(key) && !choose(s, key, err))) {
        return false;
    }
    if (is_dot) {
        cli_printf(cli, "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
    }
    show_edges(s);
    if (is_dot) {
        cli_printf(cli, "}\n");
    }
    return true;
}

static enum lineage_format format_of(struct cli *cli)
{
    const char *format = cli_text(cli, "format");
    if (cli_is_json(cli) || strcmp(format, "json") == 0) {
        return LINEAGE_JSON;
    }
    return strcmp(format, "dot") == 0 ? LINEAGE_DOT : LINEAGE_TEXT;
}

int command_lineage(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct listing s = {.format = format_of(cli),
                        .only_crossing = cli_bool(cli, "crossing"),
                        .arena = arena_new(ARENA_BYTES)};
    struct err err = {0};
    int code = CLI_OK;
    if (look_open(&s.look, cli,
                  TABLE_COLUMNS({.name = "UPSTREAM"}, {.name = ""}, {.name = "DOWNSTREAM"},
                                {.name = "DEVICES", .is_right = true},
                                {.name = "WHY", .is_wide = true}),
                  &code)) {
        bool ok = show(&s, &err);
        bool is_narrowed = s.chosen != NULL || s.only_crossing || cli_is_given(cli, "at");
        s.look.count += s.format != LINEAGE_TEXT; /* nothing is an answer too */
        code = look_close(&s.look, ok, &err,
                          is_narrowed ? "no such edges"
                                      : "no edges: no device has told its definitions yet");
    }
    arena_release(&s.arena);
    return code;
}
