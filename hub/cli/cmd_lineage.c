#include "hub/cli/look.h"

#include <string.h>

enum lineage_format { LINEAGE_TEXT, LINEAGE_DOT, LINEAGE_JSON };

struct lineage {
    struct look look;
    enum lineage_format format;
};

static void show_edge(void *ctx, const struct hub_edge *edge)
{
    struct lineage *lineage = ctx;
    struct look *look = &lineage->look;
    look->count++;
    if (lineage->format == LINEAGE_JSON) {
        struct json_writer w = look_begin_line(look);
        jw_member_str(&w, "upstream", edge->upstream);
        jw_member_str(&w, "downstream", edge->downstream);
        jw_key(&w, STR("declared_by"));
        look_names(&w, edge->declared_by);
        look_end_line(look, &w);
    } else if (lineage->format == LINEAGE_DOT) {
        /* A JSON string is a DOT one: keys have no control characters. */
        buf_reset(&look->line);
        struct json_writer w = json_writer(&look->line);
        buf_add(&look->line, STR("  "));
        jw_str(&w, edge->upstream);
        buf_add(&look->line, STR(" -> "));
        w.needs_comma = false;
        jw_str(&w, edge->downstream);
        buf_addf(&look->line, " [tooltip=\"%lld devices\"];", (long long)edge->devices);
        cli_json(look->cli, buf_str(&look->line));
    } else {
        table_cell(&look->table, edge->upstream);
        table_cell(&look->table, STR("->"));
        table_cell(&look->table, edge->downstream);
        table_i64(&look->table, edge->devices);
        table_cell(&look->table, edge->declared_by);
    }
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
    struct lineage lineage = {.format = format_of(cli)};
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&lineage.look, cli,
                   TABLE_COLUMNS({.name = "UPSTREAM"}, {.name = ""}, {.name = "DOWNSTREAM"},
                                 {.name = "DEVICES", .is_right = true},
                                 {.name = "DECLARED BY", .is_wide = true}),
                   &code)) {
        return code;
    }
    struct hub_filter filter = {.device = str_from(cli_text(cli, "device"))};
    bool is_dot = lineage.format == LINEAGE_DOT;
    if (is_dot) {
        cli_printf(cli, "digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
    }
    bool ok = hub_each_edge(lineage.look.db, &filter, show_edge, &lineage, &err);
    if (is_dot) {
        cli_printf(cli, "}\n");
    }
    lineage.look.count += lineage.format != LINEAGE_TEXT; /* nothing is an answer too */
    return look_close(&lineage.look, ok, &err, "no edges: no device has told its definitions yet");
}
