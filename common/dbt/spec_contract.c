#include "common/dbt/spec_parts.h"

enum { DDL_BYTES_MAX = 64 << 10 };

struct constraint {
    struct str type, name, expression, to;
    struct str_list to_columns, columns;
};

static bool read_constraint(struct spec_reader *r, const struct json *json, struct constraint *ret,
                            struct err *err)
{
    *ret = (struct constraint){.type = STR("")};
    return spec_text(json, "type", &ret->type, err) && spec_text(json, "name", &ret->name, err) &&
           spec_text(json, "expression", &ret->expression, err) &&
           spec_text(json, "to", &ret->to, err) &&
           spec_texts(json, "to_columns", r->arena, &ret->to_columns, err) &&
           spec_texts(json, "columns", r->arena, &ret->columns, err);
}

static void add_list(struct buf *ddl, const struct str_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        buf_add_text(ddl, i == 0 ? " (" : ", ");
        buf_add(ddl, names->items[i]);
    }
    buf_add_text(ddl, names->count > 0 ? ")" : "");
}

static void add_word(struct buf *ddl, const char *word, struct str expression)
{
    buf_add_text(ddl, word);
    if (expression.len > 0) {
        buf_add_char(ddl, ' ');
        buf_add(ddl, expression);
    }
}

/* As dbt's adapters write them; nothing for what they leave out. A table's has a list of columns. */
static void add_ddl(struct buf *ddl, const struct constraint *c, bool is_table)
{
    bool has_expression = c->expression.len > 0;
    if (str_eq(c->type, STR("check")) && has_expression) {
        buf_addf(ddl, "check (" STR_FMT ")", STR_ARG(c->expression));
    } else if (str_eq(c->type, STR("not_null")) && !is_table) {
        add_word(ddl, "not null", c->expression);
    } else if (str_eq(c->type, STR("unique")) || str_eq(c->type, STR("primary_key"))) {
        add_word(ddl, str_eq(c->type, STR("unique")) ? "unique" : "primary key", c->expression);
        add_list(ddl, &c->columns);
    } else if (str_eq(c->type, STR("foreign_key"))) {
        if (is_table) {
            buf_add_text(ddl, "foreign key");
            add_list(ddl, &c->columns);
            buf_add_char(ddl, ' ');
        }
        bool has_table = c->to.len > 0 && c->to_columns.count > 0;
        add_word(ddl, "references", has_table ? c->to : c->expression);
        if (has_table) {
            add_list(ddl, &c->to_columns);
        }
    } else if (str_eq(c->type, STR("custom"))) {
        buf_add(ddl, c->expression);
    }
}

static bool render(struct spec_reader *r, const struct json *json, bool is_table, struct str *ret,
                   struct err *err)
{
    struct constraint c;
    AUTO(buf) ddl = buf_growing(DDL_BYTES_MAX);
    if (!read_constraint(r, json, &c, err)) {
        return false;
    }
    add_ddl(&ddl, &c, is_table);
    r->spec->has_foreign_key = r->spec->has_foreign_key || str_eq(c.type, STR("foreign_key"));
    if (ddl.len == 0) {
        *ret = STR("");
        return true;
    }
    *ret = is_table && c.name.len > 0 ? arena_printf(r->arena, "constraint " STR_FMT " %.*s",
                                                     STR_ARG(c.name), (int)ddl.len, ddl.ptr)
                                      : arena_copy(r->arena, buf_str(&ddl));
    return (!ddl.overflow && ret->ptr != NULL) || spec_no_memory(err);
}

static bool read_list(struct spec_reader *r, const struct json *owner, bool is_table,
                      struct str_list *ret, struct err *err)
{
    const struct json *list = spec_member(owner, "constraints");
    if (list == NULL) {
        return true;
    }
    if (list->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "constraints is %s, not a list",
                       json_type_name(list->type));
    }
    ret->items = arena_array(r->arena, list->count + 1, sizeof(*ret->items));
    if (ret->items == NULL) {
        return spec_no_memory(err);
    }
    for (const struct json *one = list->child; one != NULL; one = one->next) {
        struct str *ddl = &ret->items[ret->count];
        if (!render(r, one, is_table, ddl, err)) {
            return err_wrap(err, "constraints");
        }
        ret->count += ddl->len > 0;
    }
    return true;
}

bool spec_read_contract(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    const struct json *columns = spec_member(r->node, "columns");
    if (!spec->is_contract_enforced || spec->node->type != DBT_MODEL) {
        return true;
    }
    const struct json *one = columns == NULL ? NULL : columns->child;
    for (size_t i = 0; i < spec->column_count; i++, one = one->next) {
        if (!read_list(r, one, false, &spec->columns[i].constraints, err)) {
            return err_wrap(err, "columns." STR_FMT, STR_ARG(spec->columns[i].name));
        }
    }
    return read_list(r, r->node, true, &spec->constraints, err);
}
