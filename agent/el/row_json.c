#include "agent/el/row_json.h"

/* JSON has no bytes: two hexadecimal digits each. */
static void write_blob(struct json_writer *w, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    buf_add_char(w->out, '"');
    char *to = buf_reserve(w->out, bytes.len * 2);
    for (size_t i = 0; to != NULL && i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    w->out->len += to == NULL ? 0 : bytes.len * 2;
    buf_add_char(w->out, '"');
    w->needs_comma = true;
}

void row_json_write(struct json_writer *w, const struct column *c, const struct value *v)
{
    switch (v->type) {
    case VALUE_INTEGER:
        if (c->kind == COLUMN_BOOLEAN && (v->as.integer == 0 || v->as.integer == 1)) {
            jw_bool(w, v->as.integer == 1);
        } else {
            jw_i64(w, v->as.integer);
        }
        break;
    case VALUE_REAL:
        jw_double(w, v->as.real);
        break;
    case VALUE_TEXT:
        if (c->kind == COLUMN_JSON || c->is_exact) {
            jw_raw(w, v->as.text);
        } else {
            jw_str(w, v->as.text);
        }
        break;
    case VALUE_BLOB:
        write_blob(w, v->as.text);
        break;
    case VALUE_NULL:
    default:
        jw_null(w);
        break;
    }
}

void row_json_write_row(struct json_writer *w, const struct schema *schema, const struct value *row)
{
    jw_begin_object(w);
    for (size_t i = 0; i < schema->count; i++) {
        jw_key(w, schema->columns[i].name);
        row_json_write(w, &schema->columns[i], &row[i]);
    }
    jw_end_object(w);
}

bool row_json_fits(const struct column *column, const struct value *value)
{
    switch (value->type) {
    case VALUE_INTEGER:
        return column->kind == COLUMN_INTEGER || column->kind == COLUMN_REAL ||
               column->kind == COLUMN_ANY ||
               (column->kind == COLUMN_BOOLEAN && (uint64_t)value->as.integer <= 1);
    case VALUE_REAL:
        return column->kind == COLUMN_REAL || column->kind == COLUMN_ANY;
    case VALUE_TEXT:
        return column->kind == COLUMN_TEXT || column->kind == COLUMN_JSON ||
               column->kind == COLUMN_ANY || column->is_exact;
    case VALUE_BLOB: /* where any value may be, it could not be told from text */
        return column->kind == COLUMN_BLOB;
    case VALUE_NULL:
    default:
        return true;
    }
}

/* ANY: that there is a number is said last, so that a reader who takes one type takes text. */
static const char *const type_names[][3] = {
    [COLUMN_ANY] = {"string", "number"}, [COLUMN_INTEGER] = {"integer"},
    [COLUMN_REAL] = {"number"},          [COLUMN_BOOLEAN] = {"boolean"},
    [COLUMN_TEXT] = {"string"},          [COLUMN_JSON] = {"object", "array"},
    [COLUMN_BLOB] = {"string"},
};

void row_json_write_schema(struct json_writer *w, const struct column *column)
{
    jw_begin_object(w);
    jw_key(w, STR("type"));
    jw_begin_array(w);
    if (!column->is_required) {
        jw_str(w, STR("null"));
    }
    for (size_t i = 0; type_names[column->kind][i] != NULL; i++) {
        jw_str(w, str_from(type_names[column->kind][i]));
    }
    jw_end_array(w);
    if (column->kind == COLUMN_BLOB) {
        jw_member_str(w, "contentEncoding", STR("base16"));
    }
    if (column->type.len > 0 || column->kind == COLUMN_ANY) {
        jw_member_str(w, "x-sql-datatype", column->type);
    }
    jw_end_object(w);
}
