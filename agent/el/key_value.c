#include "agent/el/key_value.h"

#include <math.h>
#include <string.h>

static bool set_text(struct key_value *k, struct str text, struct err *err)
{
    if (text.len > sizeof(k->text)) {
        return err_set(err, ERR_INVALID, "a replication key of %zu bytes (at most %d)", text.len,
                       KEY_VALUE_BYTES_MAX);
    }
    if (text.len > 0) {
        memcpy(k->text, text.ptr, text.len);
    }
    k->len = text.len;
    return true;
}

bool key_value_set(struct key_value *k, const struct value *v, struct err *err)
{
    bool ok = true;
    switch (v->type) {
    case VALUE_INTEGER:
        k->integer = v->as.integer;
        break;
    case VALUE_REAL:
        k->real = v->as.real;
        ok = isfinite(k->real) || err_set(err, ERR_INVALID, "a replication key that is infinite");
        break;
    case VALUE_TEXT:
        ok = set_text(k, v->as.text, err);
        break;
    case VALUE_BLOB:
        err_set(err, ERR_INVALID, "a replication key cannot be a blob");
        ok = err_hint(err, "choose a column of numbers or text, such as a time of change");
        break;
    case VALUE_NULL:
    default:
        ok = err_set(err, ERR_INTERNAL, "a replication key is NULL");
        break;
    }
    k->type = ok ? v->type : VALUE_NULL;
    return ok;
}

bool key_value_equals(const struct key_value *k, const struct value *v)
{
    if (k->type != v->type) {
        /* 5 and 5.0 are one value to SQLite. */
        double a = k->type == VALUE_INTEGER ? (double)k->integer : k->real;
        double b = v->type == VALUE_INTEGER ? (double)v->as.integer : v->as.real;
        bool are_numbers = (k->type == VALUE_INTEGER || k->type == VALUE_REAL) &&
                           (v->type == VALUE_INTEGER || v->type == VALUE_REAL);
        return are_numbers && a >= b && a <= b;
    }
    switch (k->type) {
    case VALUE_INTEGER:
        return k->integer == v->as.integer;
    case VALUE_REAL:
        return k->real >= v->as.real && k->real <= v->as.real;
    case VALUE_TEXT:
        return str_eq((struct str){k->text, k->len}, v->as.text);
    case VALUE_NULL:
    case VALUE_BLOB:
    default:
        return false;
    }
}

static int rank(enum value_type type)
{
    bool is_number = type == VALUE_INTEGER || type == VALUE_REAL;
    return type == VALUE_NULL ? 0 : is_number ? 1 : 2;
}

static double as_double(const struct value *v)
{
    return v->type == VALUE_INTEGER ? (double)v->as.integer : v->as.real;
}

int key_value_compare(const struct key_value *k, const struct value *v)
{
    struct value own = key_value_get(k);
    if (rank(own.type) != rank(v->type) || own.type == VALUE_NULL) {
        return rank(own.type) - rank(v->type);
    }
    if (rank(own.type) == 2) {
        return str_cmp(own.as.text, v->as.text);
    }
    if (own.type == VALUE_INTEGER && v->type == VALUE_INTEGER) {
        return (own.as.integer > v->as.integer) - (own.as.integer < v->as.integer);
    }
    double a = as_double(&own);
    double b = as_double(v);
    return (a > b) - (a < b);
}

struct value key_value_get(const struct key_value *k)
{
    struct value v = {.type = k->type};
    if (k->type == VALUE_INTEGER) {
        v.as.integer = k->integer;
    } else if (k->type == VALUE_REAL) {
        v.as.real = k->real;
    } else if (k->type == VALUE_TEXT) {
        v.as.text = (struct str){k->text, k->len};
    }
    return v;
}

bool key_value_check(const struct key_value *k, struct err *err)
{
    struct str text = {k->text, k->len};
    if (k->type != VALUE_TEXT || (str_is_utf8(text) && memchr(text.ptr, '\0', text.len) == NULL)) {
        return true;
    }
    err_set(err, ERR_INVALID, "the replication key holds text that is not UTF-8");
    return err_hint(err, "choose a column of numbers or plain text, such as a time of change");
}

void key_value_write(const struct key_value *k, struct json_writer *w)
{
    if (k->type == VALUE_INTEGER) {
        jw_i64(w, k->integer);
    } else if (k->type == VALUE_REAL) {
        jw_double(w, k->real);
    } else if (k->type == VALUE_TEXT) {
        jw_str(w, (struct str){k->text, k->len});
    } else {
        jw_null(w);
    }
}

bool key_value_read(struct key_value *k, const struct json *node, struct err *err)
{
    struct value v = {.type = VALUE_NULL};
    if (node == NULL || node->type == JSON_NULL) {
        k->type = VALUE_NULL;
        return true;
    }
    if (node->type == JSON_INT) {
        v = (struct value){.type = VALUE_INTEGER, .as.integer = node->as.integer};
    } else if (node->type == JSON_REAL) {
        v = (struct value){.type = VALUE_REAL, .as.real = node->as.real};
    } else if (node->type == JSON_STRING) {
        v = (struct value){.type = VALUE_TEXT, .as.text = node->as.string};
    } else {
        return err_set(err, ERR_CORRUPT, "the stored bookmark is %s", json_type_name(node->type));
    }
    return key_value_set(k, &v, err);
}

void key_value_print(const struct key_value *k, struct buf *out)
{
    if (k->type == VALUE_TEXT) {
        buf_add(out, (struct str){k->text, k->len});
    } else if (k->type != VALUE_NULL) {
        struct json_writer w = json_writer(out);
        key_value_write(k, &w);
    }
}

/* Numbers before text, as SQLite orders them. */
static int compare(const struct key_value *k, const struct value *v)
{
    bool is_text = k->type == VALUE_TEXT;
    if (is_text != (v->type == VALUE_TEXT)) {
        return is_text ? 1 : -1;
    }
    if (is_text) {
        size_t len = k->len < v->as.text.len ? k->len : v->as.text.len;
        int order = len == 0 ? 0 : memcmp(k->text, v->as.text.ptr, len);
        return order != 0 ? order : (k->len > v->as.text.len) - (k->len < v->as.text.len);
    }
    if (k->type == VALUE_INTEGER && v->type == VALUE_INTEGER) {
        return (k->integer > v->as.integer) - (k->integer < v->as.integer);
    }
    double a = k->type == VALUE_INTEGER ? (double)k->integer : k->real;
    double b = v->type == VALUE_INTEGER ? (double)v->as.integer : v->as.real;
    return (a > b) - (a < b);
}

void key_range_add(struct key_range *r, const struct value *v)
{
    struct err ignored;
    bool is_key = v->type == VALUE_INTEGER || v->type == VALUE_REAL ||
                  (v->type == VALUE_TEXT && v->as.text.len <= KEY_VALUE_BYTES_MAX);
    if (is_key && (r->min.type == VALUE_NULL || compare(&r->min, v) > 0)) {
        (void)!key_value_set(&r->min, v, &ignored);
    }
    if (is_key && (r->max.type == VALUE_NULL || compare(&r->max, v) < 0)) {
        (void)!key_value_set(&r->max, v, &ignored);
    }
}
