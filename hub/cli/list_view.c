#include "hub/cli/list_view.h"

/* --- a cell ----------------------------------------------------------------------------------- */

static const struct json *member_of(const struct json *item, const char *path)
{
    struct str rest = str_from(path);
    struct str name;
    bool has_more = path != NULL;
    while (has_more && item != NULL) {
        has_more = str_cut(rest, '.', &name, &rest);
        const struct json *at = item->type == JSON_OBJECT ? item->child : NULL;
        while (at != NULL && !str_eq(at->key, name)) {
            at = at->next;
        }
        item = at;
    }
    return path != NULL ? item : NULL;
}

static int64_t number_of(const struct json *node)
{
    return node != NULL && node->type == JSON_INT ? node->as.integer : HUB_UNKNOWN;
}

static struct str text_of(const struct json *node)
{
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR_NONE;
}

static struct wall_time time_of(const struct json *node)
{
    struct wall_time at = {0};
    node = node != NULL && node->type == JSON_ARRAY ? node->child : node;
    return wall_parse(text_of(node), &at) ? at : (struct wall_time){0};
}

static void of_cell(struct table *t, int64_t part, int64_t whole)
{
    if (part == HUB_UNKNOWN || whole == HUB_UNKNOWN) {
        table_cell(t, STR_NONE);
    } else {
        table_cellf(t, "%lld/%lld", (long long)part, (long long)whole);
    }
}

static void add_cell(struct screen *s, const struct list_cell *cell, const struct json *item)
{
    struct table *t = &s->table;
    const struct json *node = member_of(item, cell->member);
    const struct json *other = member_of(item, cell->other);
    bool is_true = node != NULL && node->type == JSON_BOOL && node->as.boolean;
    if (node == NULL && cell->kind != LIST_OF) {
        node = other;
    }
    switch (cell->kind) {
    case LIST_TEXT:
        table_cell(t, text_of(node));
        break;
    case LIST_STATUS:
        table_tone(t, screen_tone(text_of(node)), text_of(node));
        break;
    case LIST_PASSED:
        table_tone(t, is_true ? CLI_GOOD : CLI_BAD, is_true ? STR("passed") : STR("failed"));
        break;
    case LIST_COUNT:
        screen_count_cell(t, number_of(node));
        break;
    case LIST_TROUBLE:
        screen_trouble_cell(t, number_of(node));
        break;
    case LIST_OF:
        of_cell(t, number_of(node), number_of(other));
        break;
    case LIST_AGO:
        table_ago(t, time_of(node), s->now);
        break;
    }
}

/* --- a list ----------------------------------------------------------------------------------- */

static const struct table_column *columns_of(struct screen *s, const struct list_cell *cells)
{
    size_t count = 0;
    s->cells = cells;
    for (; cells[count].name != NULL && count < TABLE_COLUMNS_MAX; count++) {
        const struct list_cell *cell = &cells[count];
        bool is_number =
            cell->kind == LIST_COUNT || cell->kind == LIST_TROUBLE || cell->kind == LIST_OF;
        s->columns[count] = (struct table_column){
            .name = cell->name, .is_right = is_number, .is_wide = cell->is_wide};
    }
    s->columns[count] = (struct table_column){0};
    return s->columns;
}

static void add_row(struct screen *s, const struct json *item)
{
    for (const struct list_cell *cell = s->cells; cell->name != NULL; cell++) {
        add_cell(s, cell, item);
    }
}

void list_view_rows(struct screen *s, const struct list_cell *cells, const struct json *first)
{
    s->table = table_new(columns_of(s, cells));
    for (const struct json *item = first; item != NULL; item = item->next) {
        add_row(s, item);
    }
}

static void add_query(struct screen *s, const struct list_view *view)
{
    target_begin(&s->target, view->path);
    if (view->argument != NULL) {
        target_query(&s->target, view->argument, str_from(cli_arg(s->cli, 0)));
    }
    for (size_t i = 0; view->options != NULL && view->options[i] != NULL; i++) {
        target_query(&s->target, view->options[i], str_from(cli_text(s->cli, view->options[i])));
    }
    for (size_t i = 0; view->flags != NULL && view->flags[i] != NULL; i++) {
        bool is_set = cli_bool(s->cli, view->flags[i]);
        target_query(&s->target, view->flags[i], is_set ? STR("true") : STR_NONE);
    }
}

int list_view_command(struct cli *cli, const struct list_view *view)
{
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    add_query(&s, view);
    bool ok = screen_list(&s, columns_of(&s, view->cells),
                          view->is_limited ? cli_i64(cli, "limit") : 0, add_row, &err);
    return screen_close(&s, ok, &err, view->when_empty);
}
