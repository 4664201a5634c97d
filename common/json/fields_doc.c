/* fields_doc.c - what people and editors read about the tables: JSON Schema and Markdown. */
#include "common/json/fields.h"
#include "common/json/json_writer.h"
#include <assert.h>
#include <string.h>

enum { VARIANTS_BYTES_MAX = 1 << 20 };

/* Every table that can be reached, the root first. */
struct table_set {
    const struct field_table *items[FIELD_TABLES_MAX];
    const struct field_table *variant_of[FIELD_TABLES_MAX]; /* NULL: of none */
    size_t count;
    struct arena arena; /* of variants */
};

static void table_set_add(struct table_set *set, const struct field_table *table,
                          const struct field_table *variant_of)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i] == table) {
            return;
        }
    }
    assert(set->count < FIELD_TABLES_MAX);
    set->variant_of[set->count] = variant_of;
    set->items[set->count++] = table;
}

static void add_variants(struct table_set *set, const struct field_table *table)
{
    const struct field_table *variant = NULL;
    for (size_t i = 0; table->variant != NULL; i++) {
        variant = table->variant(&set->arena, i);
        if (variant == NULL) {
            return;
        }
        table_set_add(set, variant, table);
    }
}

/* Its arena is the caller's to release. */
static struct table_set tables_of(const struct field_table *root)
{
    struct table_set set = {.items = {root}, .count = 1, .arena = arena_new(VARIANTS_BYTES_MAX)};
    for (size_t i = 0; i < set.count; i++) {
        const struct field_table *table = set.items[i];
        add_variants(&set, table);
        for (size_t f = 0; f < table->count; f++) {
            if (table->fields[f].object != NULL && !table->fields[f].is_unsupported) {
                table_set_add(&set, table->fields[f].object, NULL);
            }
        }
    }
    return set;
}

static void write_types(struct json_writer *w, const char *const *types, size_t count)
{
    jw_key(w, STR("type"));
    if (count == 1) {
        jw_str(w, str_from(types[0]));
        return;
    }
    jw_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_str(w, str_from(types[i]));
    }
    jw_end_array(w);
}

static void write_type(struct json_writer *w, const char *type)
{
    write_types(w, &type, 1);
}

static void write_limits(struct json_writer *w, const struct field *field, const char *min,
                         const char *max)
{
    if (field->min != 0 || field->max != 0) {
        jw_member_i64(w, min, field->min);
        if (field->max >= field->min) {
            jw_member_i64(w, max, field->max);
        }
    }
}

static void write_ref(struct json_writer *w, const struct field_table *table)
{
    static const char prefix[] = "#/$defs/";
    char ref[128];
    struct buf text = buf_fixed(ref, sizeof(ref));
    buf_add_text(&text, prefix);
    buf_add_text(&text, table->name);
    jw_member_str(w, "$ref", buf_str(&text));
}

static void write_ref_object(struct json_writer *w, const char *key,
                             const struct field_table *table)
{
    jw_key(w, str_from(key));
    jw_begin_object(w);
    write_ref(w, table);
    jw_end_object(w);
}

static void write_names(struct json_writer *w, const char *const *names)
{
    jw_key(w, STR("enum"));
    jw_begin_array(w);
    for (size_t i = 0; names[i] != NULL; i++) {
        jw_str(w, str_from(names[i]));
    }
    jw_end_array(w);
}

static void write_scalar_type(struct json_writer *w, const struct field *field)
{
    static const char *const size_types[] = {"integer", "string"};
    switch (field->type) {
    case FIELD_BOOL:
        write_type(w, "boolean");
        break;
    case FIELD_I64:
        write_type(w, "integer");
        write_limits(w, field, "minimum", "maximum");
        break;
    case FIELD_REAL:
        write_type(w, "number");
        break;
    case FIELD_DURATION:
        write_type(w, "string");
        jw_member_str(w, "pattern", STR("^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"));
        jw_member_i64(w, "minLength", 2);
        break;
    case FIELD_BYTES:
        write_types(w, size_types, COUNT_OF(size_types));
        jw_member_str(w, "pattern", STR("^[0-9]+(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$"));
        write_limits(w, field, "minimum", "maximum");
        break;
    case FIELD_ENUM:
        write_names(w, field->names);
        break;
    case FIELD_STR:
    case FIELD_STR_LIST:
    case FIELD_OBJECT:
    case FIELD_OBJECT_LIST:
    case FIELD_STR_MAP:
    case FIELD_JSON:
    case FIELD_JSON_OBJECT:
    case FIELD_JSON_TEXT:
    case FIELD_OBJECT_MAP:
        write_type(w, "string");
        break;
    }
}

/* A list of texts, or one of them alone. */
static void write_list(struct json_writer *w, const struct field *field)
{
    static const char *const list_types[] = {"array", "string"};
    if (field->names == NULL) {
        write_types(w, list_types, COUNT_OF(list_types));
        jw_member_raw(w, "items", STR("{\"type\":\"string\"}"));
        write_limits(w, field, "minItems", "maxItems");
        return;
    }
    jw_key(w, STR("anyOf"));
    jw_begin_array(w);
    jw_begin_object(w);
    write_names(w, field->names);
    jw_end_object(w);
    jw_begin_object(w);
    write_type(w, "array");
    jw_key(w, STR("items"));
    jw_begin_object(w);
    write_names(w, field->names);
    jw_end_object(w);
    write_limits(w, field, "minItems", "maxItems");
    jw_end_object(w);
    jw_end_array(w);
}

static void write_field_type(struct json_writer *w, const struct field *field)
{
    static const char *const map_types[] = {"string", "number", "boolean", "null"};
    static const char *const text_types[] = {"object", "string"};
    switch (field->type) {
    case FIELD_STR_LIST:
        write_list(w, field);
        break;
    case FIELD_OBJECT:
        write_ref(w, field->object);
        break;
    case FIELD_OBJECT_LIST:
        write_type(w, "array");
        write_ref_object(w, "items", field->object);
        write_limits(w, field, "minItems", "maxItems");
        break;
    case FIELD_STR_MAP:
        write_type(w, "object");
        jw_key(w, STR("additionalProperties"));
        jw_begin_object(w);
        write_types(w, map_types, COUNT_OF(map_types));
        jw_end_object(w);
        write_limits(w, field, "minProperties", "maxProperties");
        break;
    case FIELD_OBJECT_MAP:
        write_type(w, "object");
        write_ref_object(w, "additionalProperties", field->object);
        write_limits(w, field, "minProperties", "maxProperties");
        break;
    case FIELD_JSON_OBJECT:
        write_type(w, "object");
        break;
    case FIELD_JSON_TEXT:
        write_types(w, text_types, COUNT_OF(text_types));
        break;
    case FIELD_JSON:
        break; /* anything */
    case FIELD_STR:
    case FIELD_BOOL:
    case FIELD_I64:
    case FIELD_REAL:
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_ENUM:
        write_scalar_type(w, field);
        break;
    }
}

/* Of scalars only: a list's or object's default is told in its help. */
static void write_default(struct json_writer *w, const struct field *field)
{
    struct str fallback = str_from(field->fallback);
    if (field->type == FIELD_BOOL || field->type == FIELD_I64 || field->type == FIELD_REAL) {
        jw_member_raw(w, "default", fallback);
    } else if (field->type < FIELD_STR_LIST) {
        jw_member_str(w, "default", fallback);
    }
}

static void write_property(struct json_writer *w, const struct field *field)
{
    jw_key(w, str_from(field->key));
    jw_begin_object(w);
    jw_member_opt(w, "description", str_from(field->help));
    write_field_type(w, field);
    if (field->fallback != NULL) {
        write_default(w, field);
    }
    jw_end_object(w);
}

static void write_object(struct json_writer *w, const struct field_table *table)
{
    write_type(w, "object");
    jw_key(w, STR("properties"));
    jw_begin_object(w);
    for (size_t i = 0; i < table->count; i++) {
        if (!table->fields[i].is_unsupported) {
            write_property(w, &table->fields[i]);
        }
    }
    jw_end_object(w);
    jw_key(w, STR("required"));
    jw_begin_array(w);
    for (size_t i = 0; i < table->count; i++) {
        if (table->fields[i].required) {
            jw_str(w, str_from(table->fields[i].key));
        }
    }
    jw_end_array(w);
    if (table->is_choice) {
        jw_member_i64(w, "minProperties", 1);
        jw_member_i64(w, "maxProperties", 1);
    }
    jw_member_bool(w, "additionalProperties", table->ignore_unknown);
}

static void write_variants(struct json_writer *w, const struct table_set *set,
                           const struct field_table *table)
{
    jw_key(w, STR("anyOf"));
    jw_begin_array(w);
    for (size_t i = 0; i < set->count; i++) {
        if (set->variant_of[i] == table) {
            jw_begin_object(w);
            write_ref(w, set->items[i]);
            jw_end_object(w);
        }
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void write_table(struct json_writer *w, const struct table_set *set,
                        const struct field_table *table)
{
    jw_key(w, str_from(table->name));
    jw_begin_object(w);
    if (table->variant != NULL) {
        write_variants(w, set, table);
        return;
    }
    if (table->shorthand == NULL) {
        write_object(w, table);
        jw_end_object(w);
        return;
    }
    jw_key(w, STR("anyOf"));
    jw_begin_array(w);
    jw_begin_object(w);
    write_field_type(w, table->shorthand);
    jw_end_object(w);
    jw_begin_object(w);
    write_object(w, table);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
}

void fields_write_schema(struct buf *out, const struct field_table *root, const char *title)
{
    struct table_set tables = tables_of(root);
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "$schema", STR("https://json-schema.org/draft/2020-12/schema"));
    jw_member_str(&w, "title", str_from(title));
    write_ref(&w, root);
    jw_key(&w, STR("$defs"));
    jw_begin_object(&w);
    for (size_t i = 0; i < tables.count; i++) {
        write_table(&w, &tables, tables.items[i]);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    arena_release(&tables.arena);
}

static void add_words(struct buf *out, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        buf_addf(out, "%s`%s`", i == 0 ? "" : ", ", names[i]);
    }
}

/* The type as a reader of the page knows it, but for what is in an object. */
static void add_plain_type(struct buf *out, const struct field *field)
{
    static const char *const words[] = {
        [FIELD_STR] = "text",
        [FIELD_BOOL] = "true or false",
        [FIELD_I64] = "integer",
        [FIELD_REAL] = "number",
        [FIELD_DURATION] = "duration",
        [FIELD_BYTES] = "size",
        [FIELD_ENUM] = "one of ",
        [FIELD_STR_LIST] = "list of text",
        [FIELD_OBJECT] = "",
        [FIELD_OBJECT_LIST] = "list of ",
        [FIELD_STR_MAP] = "text by name",
        [FIELD_JSON] = "anything",
        [FIELD_JSON_OBJECT] = "an object of any content",
        [FIELD_JSON_TEXT] = "an object of any content",
        [FIELD_OBJECT_MAP] = "by name: ",
    };
    bool is_list_of_words = field->type == FIELD_STR_LIST && field->names != NULL;
    buf_add_text(out, is_list_of_words ? "list of " : words[field->type]);
    if (field->names != NULL) {
        add_words(out, field->names);
    }
}

static void add_type(struct buf *out, const struct field *field)
{
    add_plain_type(out, field);
    if (field->object == NULL) {
        return;
    }
    if (field->object->shorthand != NULL) {
        add_plain_type(out, field->object->shorthand);
        buf_add_text(out, " or ");
    }
    buf_addf(out, "[%s](#%s)", field->object->name, field->object->name);
}

/* A sentence inside of a table: a '|' would end the cell. */
static void add_cell(struct buf *out, const char *text)
{
    for (const char *p = text == NULL ? "" : text; *p != '\0'; p++) {
        if (*p == '|') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, *p);
    }
}

static void add_row(struct buf *out, const struct field *field)
{
    buf_addf(out, "| `%s` | ", field->key);
    add_type(out, field);
    buf_add_text(out, " | ");
    if (field->required) {
        buf_add_text(out, "required");
    } else if (field->fallback != NULL) {
        buf_addf(out, "`%s`", field->fallback);
    }
    buf_add_text(out, " | ");
    add_cell(out, field->help);
    buf_add_text(out, " |\n");
}

static void add_list_of_variants(struct buf *out, const struct table_set *set,
                                 const struct field_table *table)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct field_table *variant = set->items[i];
        if (set->variant_of[i] == table) {
            buf_addf(out, "- [%s](#%s): %s\n", variant->name, variant->name, variant->help);
        }
    }
}

void fields_write_markdown(struct buf *out, const struct field_table *root)
{
    struct table_set tables = tables_of(root);
    for (size_t t = 0; t < tables.count; t++) {
        const struct field_table *table = tables.items[t];
        buf_addf(out, "%s### %s\n\n", t == 0 ? "" : "\n", table->name);
        if (table->help != NULL) {
            buf_addf(out, "%s\n\n", table->help);
        }
        if (table->variant != NULL) {
            add_list_of_variants(out, &tables, table);
            continue;
        }
        buf_addf(out, "%s| key | type | default | meaning |\n|---|---|---|---|\n",
                 table->is_choice ? "Exactly one of:\n\n" : "");
        for (size_t i = 0; i < table->count; i++) {
            if (!table->fields[i].is_unsupported) {
                add_row(out, &table->fields[i]);
            }
        }
    }
    arena_release(&tables.arena);
}
