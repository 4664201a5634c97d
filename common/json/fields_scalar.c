#include "common/base/time.h"
#include "common/json/fields_read.h"
#include <stdio.h>

static struct location location_of(const struct json *node)
{
    return (struct location){node->line, node->column, node->file};
}

/* A scalar as it stood in the text; a null or bool of a message has no such text. */
static struct str written_text(const struct json *node)
{
    if (node->type == JSON_STRING) {
        return node->as.string;
    }
    if (node->type == JSON_BOOL && node->written.ptr == NULL) {
        return node->as.boolean ? STR("true") : STR("false");
    }
    return node->written;
}

bool fields_read_str(struct fields_reader *r, const struct fields_place *place,
                     const struct json *node, struct str *ret)
{
    if (node->type == JSON_STRING) {
        *ret = node->as.string;
        return true;
    }
    if (node->type == JSON_ARRAY || node->type == JSON_OBJECT || node->type == JSON_NULL) {
        fields_wrong_type(r, place, node, "a string");
        return false;
    }
    struct str text = written_text(node);
    char hint[128];
    (void)snprintf(hint, sizeof(hint), "put it in quotes: \"" STR_FMT "\"", STR_ARG(text));
    fields_problem(r, place, location_of(node), str_from(hint), "expected a string, got %s",
                   json_type_name(node->type));
    return false;
}

bool fields_read_text(struct fields_reader *r, const struct fields_place *place,
                      const struct json *node, struct str *ret)
{
    if (node->type == JSON_ARRAY || node->type == JSON_OBJECT) {
        fields_wrong_type(r, place, node, "a string");
        return false;
    }
    *ret = node->type == JSON_NULL ? STR("") : written_text(node);
    return true;
}

/* A limit as a person would write it. */
static void add_limit(struct buf *out, enum field_type type, int64_t value)
{
    if (type == FIELD_DURATION) {
        buf_add_exact_duration(out, value);
    } else if (type == FIELD_BYTES) {
        buf_add_exact_bytes(out, value);
    } else {
        buf_add_i64(out, value);
    }
}

static bool check_range(struct fields_reader *r, const struct fields_place *place,
                        const struct json *node, const struct field *field, int64_t value)
{
    bool has_limits = field->min != 0 || field->max != 0;
    bool is_low = has_limits && value < field->min;
    bool is_high = has_limits && field->max >= field->min && value > field->max;
    if (!is_low && !is_high) {
        return true;
    }
    char memory[64];
    struct buf limit = buf_fixed(memory, sizeof(memory));
    add_limit(&limit, field->type, is_low ? field->min : field->max);
    struct str text = written_text(node);
    fields_problem(r, place, location_of(node), STR_NONE, STR_FMT " is %s " STR_FMT, STR_ARG(text),
                   is_low ? "below the minimum of" : "above the maximum of",
                   STR_ARG(buf_str(&limit)));
    return false;
}

static void read_i64(struct fields_reader *r, const struct fields_place *place,
                     const struct json *node, const struct field *field, int64_t *slot)
{
    if (node->type != JSON_INT) {
        fields_wrong_type(r, place, node, "an integer");
    } else if (check_range(r, place, node, field, node->as.integer)) {
        *slot = node->as.integer;
    }
}

static void read_duration(struct fields_reader *r, const struct fields_place *place,
                          const struct json *node, const struct field *field, int64_t *slot)
{
    int64_t ns = 0;
    if (node->type == JSON_INT) {
        fields_problem(r, place, location_of(node), STR("add a unit: ms, s, m, h or d"),
                       "expected a duration like \"10s\", got an integer");
    } else if (node->type != JSON_STRING) {
        fields_wrong_type(r, place, node, "a duration like \"10s\"");
    } else if (!str_to_duration(node->as.string, &ns)) {
        fields_problem(r, place, location_of(node),
                       STR("write it like 250ms, 10s, 5m, 1h30m or 2d"),
                       "\"" STR_FMT "\" is not a duration", STR_ARG(node->as.string));
    } else if (check_range(r, place, node, field, ns)) {
        *slot = ns;
    }
}

static void read_bytes(struct fields_reader *r, const struct fields_place *place,
                       const struct json *node, const struct field *field, int64_t *slot)
{
    int64_t bytes = 0;
    if (node->type == JSON_INT) {
        bytes = node->as.integer;
    } else if (node->type != JSON_STRING) {
        fields_wrong_type(r, place, node, "a size like \"64MiB\"");
        return;
    }
    bool is_size = node->type == JSON_INT ? bytes >= 0 : str_to_bytes(node->as.string, &bytes);
    if (!is_size) {
        struct str text = written_text(node);
        fields_problem(r, place, location_of(node), STR("write it like 1024, 500kB or 64MiB"),
                       "\"" STR_FMT "\" is not a size", STR_ARG(text));
    } else if (check_range(r, place, node, field, bytes)) {
        *slot = bytes;
    }
}

static void add_names(struct buf *out, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        buf_addf(out, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
}

int fields_read_name(struct fields_reader *r, const struct fields_place *place,
                     const struct json *node, const struct field *field, struct str text)
{
    struct fields_nearest nearest = {.wanted = text};
    for (int i = 0; field->names[i] != NULL; i++) {
        struct str name = str_from(field->names[i]);
        if (str_eq(name, text)) {
            return i;
        }
        fields_nearest_offer(&nearest, name);
    }
    for (size_t i = 0; field->later_names != NULL && field->later_names[i] != NULL; i++) {
        if (str_eq(str_from(field->later_names[i]), text)) {
            fields_problem(r, place, location_of(node), STR_NONE,
                           "\"" STR_FMT "\" is not supported by this version", STR_ARG(text));
            return -1;
        }
    }
    char memory[300];
    struct buf names = buf_fixed(memory, sizeof(memory));
    add_names(&names, field->names);
    char hint[128] = "";
    if (!str_is_empty(nearest.best)) {
        (void)snprintf(hint, sizeof(hint), "did you mean \"" STR_FMT "\"?", STR_ARG(nearest.best));
    }
    fields_problem(r, place, location_of(node), str_from(hint),
                   "\"" STR_FMT "\" is not one of " STR_FMT, STR_ARG(text),
                   STR_ARG(buf_str(&names)));
    return -1;
}

static void read_enum(struct fields_reader *r, const struct fields_place *place,
                      const struct json *node, const struct field *field, int *slot)
{
    struct str text;
    int value = fields_read_text(r, place, node, &text)
                    ? fields_read_name(r, place, node, field, text)
                    : -1;
    if (value >= 0) {
        *slot = value;
    }
}

static void read_bool(struct fields_reader *r, const struct fields_place *place,
                      const struct json *node, bool *slot)
{
    if (node->type == JSON_BOOL) {
        *slot = node->as.boolean;
    } else {
        fields_problem(r, place, location_of(node),
                       node->type == JSON_STRING ? STR("write true or false, without quotes")
                                                 : STR_NONE,
                       "expected true or false, got %s", json_type_name(node->type));
    }
}

static void read_real(struct fields_reader *r, const struct fields_place *place,
                      const struct json *node, double *slot)
{
    if (node->type == JSON_REAL) {
        *slot = node->as.real;
    } else if (node->type == JSON_INT) {
        *slot = (double)node->as.integer;
    } else {
        fields_wrong_type(r, place, node, "a number");
    }
}

void fields_read_scalar(struct fields_reader *r, const struct fields_place *place,
                        const struct json *node, const struct field *field, void *slot)
{
    struct str text;
    switch (field->type) {
    case FIELD_STR:
        if (fields_read_str(r, place, node, &text)) {
            *(struct str *)slot = text;
        }
        break;
    case FIELD_BOOL:
        read_bool(r, place, node, slot);
        break;
    case FIELD_I64:
        read_i64(r, place, node, field, slot);
        break;
    case FIELD_REAL:
        read_real(r, place, node, slot);
        break;
    case FIELD_DURATION:
        read_duration(r, place, node, field, slot);
        break;
    case FIELD_BYTES:
        read_bytes(r, place, node, field, slot);
        break;
    case FIELD_ENUM:
        read_enum(r, place, node, field, slot);
        break;
    case FIELD_STR_LIST:
    case FIELD_OBJECT:
    case FIELD_OBJECT_LIST:
    case FIELD_STR_MAP:
    case FIELD_JSON:
    case FIELD_JSON_OBJECT:
    case FIELD_JSON_TEXT:
    case FIELD_OBJECT_MAP:
        break; /* read by fields.c */
    }
}
