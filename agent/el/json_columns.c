#include "agent/el/json_columns.h"

#include "common/base/limits.h"
#include "common/json/json_scan.h"

bool json_columns_init(struct json_columns *c, struct schema *schema, struct arena *arena,
                       struct err *err)
{
    *c = (struct json_columns){
        .schema = schema,
        .evidence = arena_array(arena, LIMIT_COLUMNS, sizeof(*c->evidence)),
        .name = buf_growing(LIMIT_JSON_BYTES),
    };
    return c->evidence != NULL || err_set(err, ERR_NO_MEMORY, "no memory for columns");
}

void json_columns_release(struct json_columns *c)
{
    buf_release(&c->name);
}

static void note(struct json_evidence *e, struct json_raw value)
{
    int64_t integer = 0;
    switch (value.type) {
    case JSON_INT: /* too large for 64 bits: kept as text */
        e->has_string = e->has_string || !json_raw_i64(value, &integer);
        e->has_integer = true;
        break;
    case JSON_REAL:
        e->has_real = true;
        break;
    case JSON_BOOL:
        e->has_boolean = true;
        break;
    case JSON_STRING:
        e->has_string = true;
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        e->has_nested = true;
        break;
    case JSON_NULL:
    default:
        break;
    }
}

static enum column_kind kind_of(const struct json_evidence *e)
{
    bool has_number = e->has_integer || e->has_real;
    int sorts = has_number + e->has_boolean + e->has_string + e->has_nested;
    if (sorts == 0) {
        return COLUMN_ANY; /* only nulls so far */
    }
    if (sorts > 1 || e->has_string) {
        return COLUMN_TEXT; /* numbers and the like as their JSON text */
    }
    if (has_number) {
        return e->has_real ? COLUMN_REAL : COLUMN_INTEGER;
    }
    return e->has_boolean ? COLUMN_BOOLEAN : COLUMN_JSON;
}

static bool look_at_member(struct json_columns *c, struct json_raw key, struct json_raw value,
                           struct err *err)
{
    struct str name;
    size_t column = 0;
    buf_reset(&c->name);
    if (!json_unescape(key, true, &c->name, &name)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    if (!schema_find(c->schema, name, &column)) {
        if (c->passes_over_nulls && value.type == JSON_NULL) {
            return true;
        }
        column = c->schema->count;
        if (!schema_add(c->schema, &(struct column){.name = name}, err)) {
            return false;
        }
    }
    note(&c->evidence[column], value);
    return true;
}

bool json_columns_look(struct json_columns *c, struct str object, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    if (!json_scan_object(&scan, object, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (!look_at_member(c, key, value, err)) {
            return false;
        }
    }
    return json_scan_end(&scan, err);
}

bool json_columns_settle(struct json_columns *c)
{
    bool has_changed = c->schema->count != c->settled;
    for (size_t i = 0; i < c->schema->count; i++) {
        enum column_kind kind = kind_of(&c->evidence[i]);
        has_changed = has_changed || c->schema->columns[i].kind != kind;
        c->schema->columns[i].kind = kind;
    }
    c->settled = c->schema->count;
    return has_changed;
}
