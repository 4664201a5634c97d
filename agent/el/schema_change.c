#include "agent/el/schema_change.h"

#include "agent/el/schema_hash.h"

#include <math.h>

static const char *kind_name(enum column_kind kind)
{
    static const char *const names[] = {
        [COLUMN_ANY] = "any value",     [COLUMN_INTEGER] = "integers",
        [COLUMN_REAL] = "real numbers", [COLUMN_BOOLEAN] = "booleans",
        [COLUMN_TEXT] = "text",         [COLUMN_JSON] = "JSON",
        [COLUMN_BLOB] = "blobs",
    };
    return names[kind];
}

/* Whether values of the one kind go into a column of the other as they are. Only columns of numbers
 * are particular; what ANY brings is seen row by row. */
static bool fits(enum column_kind there, enum column_kind now)
{
    if (there == now || now == COLUMN_ANY) {
        return true;
    }
    switch (there) {
    case COLUMN_INTEGER:
        return now == COLUMN_BOOLEAN;
    case COLUMN_REAL:
        return column_kind_is_number(now);
    case COLUMN_BOOLEAN:
        return false;
    case COLUMN_JSON:
        return now != COLUMN_BLOB;
    case COLUMN_ANY:
    case COLUMN_TEXT:
    case COLUMN_BLOB:
    default:
        return true;
    }
}

static bool refuse(const struct column *there, const struct column *now, struct err *err)
{
    struct str type = there->type.len > 0 ? there->type : column_sql_type(there);
    err_set(err, ERR_INVALID,
            "column \"" STR_FMT "\" holds %s now, but the table has it as " STR_FMT,
            STR_ARG(now->name), kind_name(now->kind), STR_ARG(type));
    return err_hint(err,
                    "load once with mode overwrite, or choose \"on_schema_change\": widen, json "
                    "or quarantine");
}

/* Types that we give to new columns of integers and booleans. Another one, as "smallint", was chosen
 * by somebody, and what does not fit it is the table's to refuse. */
static bool is_our_type(struct str type)
{
    static const char *const types[] = {"", "INTEGER", "BOOLEAN", "bigint", "boolean"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_eq(type, str_from(types[i]))) {
            return true;
        }
    }
    return false;
}

/* Of any number of digits, which flow as text: PostgreSQL's, and how SQLite declares what comes from
 * one, a column of text (pg_type.h). */
static bool is_decimal(const struct column *c)
{
    return c->kind == COLUMN_TEXT && str_starts(c->type, STR("numeric"));
}

static bool holds_decimals_alone(const struct column *there)
{
    return is_decimal(there) && !str_eq(there->type, STR("numeric text"));
}

static bool is_number(const struct column *c)
{
    return column_kind_is_number(c->kind) || is_decimal(c);
}

bool schema_change_choose(const struct column *there, const struct column *now,
                          enum schema_policy policy, enum schema_change *ret, struct err *err)
{
    bool both_are_numbers = is_number(there) && is_number(now);
    if (holds_decimals_alone(there) ? both_are_numbers || now->kind == COLUMN_ANY
                                    : fits(there->kind, now->kind)) {
        *ret = CHANGE_NONE;
        return true;
    }
    if (both_are_numbers) {
        *ret = !is_our_type(there->type)     ? CHANGE_NONE
               : now->kind == COLUMN_INTEGER ? CHANGE_TO_INTEGER
                                             : CHANGE_TO_NUMBER;
        return true;
    }
    bool is_blob = now->kind == COLUMN_BLOB; /* nothing holds both, and tells them apart */
    switch (policy) {
    case SCHEMA_WIDEN:
        *ret = CHANGE_TO_TEXT;
        return !is_blob || refuse(there, now, err);
    case SCHEMA_JSON:
        *ret = CHANGE_TO_JSON;
        return !is_blob || refuse(there, now, err);
    case SCHEMA_QUARANTINE:
        *ret = CHANGE_HELD;
        return true;
    case SCHEMA_ERROR:
    default:
        return refuse(there, now, err);
    }
}

static bool value_fits(const struct column *there, const struct value *v)
{
    enum column_kind kind = holds_decimals_alone(there) ? COLUMN_REAL : there->kind;
    int64_t integer = 0;
    double real = 0;
    switch (v->type) {
    case VALUE_NULL:
        return true;
    case VALUE_INTEGER:
        return kind != COLUMN_BOOLEAN || (v->as.integer >= 0 && v->as.integer <= 1);
    case VALUE_REAL:
        return kind == COLUMN_REAL ||
               (kind == COLUMN_INTEGER && v->as.real == nearbyint(v->as.real));
    case VALUE_TEXT: /* as databases read it */
        return str_to_i64(v->as.text, INT64_MIN, INT64_MAX, &integer)
                   ? kind != COLUMN_BOOLEAN || (integer >= 0 && integer <= 1)
                   : kind == COLUMN_REAL && str_to_double(v->as.text, &real);
    case VALUE_BLOB:
    default:
        return false;
    }
}

struct column schema_changed_column(const struct column *column, enum schema_change change,
                                    const struct str types[SCHEMA_CHANGES])
{
    static const enum column_kind kinds[SCHEMA_CHANGES] = {
        [CHANGE_TO_INTEGER] = COLUMN_INTEGER,
        [CHANGE_TO_NUMBER] = COLUMN_REAL,
        [CHANGE_TO_TEXT] = COLUMN_TEXT,
        [CHANGE_TO_JSON] = COLUMN_JSON,
    };
    struct column c = *column;
    if (change != CHANGE_NONE && change != CHANGE_HELD) {
        c.kind = kinds[change];
        c.type = types[change];
    }
    return c;
}

bool schema_change_check(const struct column *there, const struct value *value, struct err *err)
{
    return value_fits(there, value) ||
           err_set(err, ERR_INVALID, "column \"" STR_FMT "\": a value that is none of its %s",
                   STR_ARG(there->name), kind_name(there->kind));
}

bool held_columns_init(struct held_columns *ret, size_t count, struct arena *arena, struct err *err)
{
    *ret = (struct held_columns){
        .items = arena_array(arena, count + 1, sizeof(const struct column *)), .count = count};
    return ret->items != NULL || err_set(err, ERR_NO_MEMORY, "no memory for columns");
}

bool held_columns_check(const struct held_columns *held, const struct value *row, struct err *err)
{
    for (size_t i = 0; held->items != NULL && i < held->count; i++) {
        if (held->items[i] != NULL && !schema_change_check(held->items[i], &row[i], err)) {
            return false;
        }
    }
    return true;
}

/* --- what is told ---------------------------------------------------------------------------- */

static void write_change(struct json_writer *w, const struct column *before,
                         const struct column *after)
{
    const char *change = before == NULL ? "added" : after == NULL ? "gone" : "type";
    jw_begin_object(w);
    jw_member_str(w, "column", before == NULL ? after->name : before->name);
    jw_member_str(w, "change", str_from(change));
    if (before != NULL) {
        jw_member_str(w, "from", schema_type_name(before));
    }
    if (after != NULL) {
        jw_member_str(w, "to", schema_type_name(after));
    }
    jw_end_object(w);
}

bool schema_write_changes(const struct schema *before, const struct schema *after, struct buf *out)
{
    struct json_writer w = json_writer(out);
    size_t count = 0;
    size_t start = out->len;
    jw_begin_array(&w);
    for (size_t i = 0; i < before->count && count < SCHEMA_CHANGES_MAX; i++) {
        const struct column *b = &before->columns[i];
        size_t at = 0;
        bool is_there = schema_find_nocase(after, b->name, &at);
        if (!is_there || !str_eq(schema_type_name(&after->columns[at]), schema_type_name(b))) {
            write_change(&w, b, is_there ? &after->columns[at] : NULL);
            count++;
        }
    }
    for (size_t i = 0; i < after->count && count < SCHEMA_CHANGES_MAX; i++) {
        size_t at = 0;
        if (!schema_find_nocase(before, after->columns[i].name, &at)) {
            write_change(&w, NULL, &after->columns[i]);
            count++;
        }
    }
    jw_end_array(&w);
    out->len = count > 0 ? out->len : start;
    return count > 0;
}
