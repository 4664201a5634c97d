#include "agent/el/http_query.h"

#include "common/json/json_path.h"
#include "common/json/json_writer.h"

enum { DATE_BYTES = 10 };

static bool write_as_is(const struct value *v, struct buf *out, bool *ret_is_number)
{
    *ret_is_number = v->type == VALUE_INTEGER || v->type == VALUE_REAL;
    struct json_writer w = json_writer(out);
    if (v->type == VALUE_INTEGER) {
        jw_i64(&w, v->as.integer);
    } else if (v->type == VALUE_REAL) {
        jw_double(&w, v->as.real);
    } else {
        buf_add(out, v->as.text);
    }
    return true;
}

bool since_write(const struct since_options *o, const struct value *value, struct buf *out,
                 bool *ret_is_number, struct err *err)
{
    struct wall_time at;
    char text[WALL_TEXT_SIZE];
    if (o->format == SINCE_AS_IS || value->type != VALUE_TEXT) {
        return write_as_is(value, out, ret_is_number);
    }
    if (!wall_parse(value->as.text, &at)) {
        err_set(err, ERR_INVALID, "the replication key's last value is no time: " STR_FMT,
                STR_ARG(str_clip(value->as.text, 60)));
        return err_hint(err, "choose \"format\": as_is under \"since\"");
    }
    *ret_is_number = o->format != SINCE_DATE;
    if (o->format == SINCE_DATE) {
        buf_add(out, str_slice(str_from(wall_format(at, text)), 0, DATE_BYTES));
    } else {
        buf_add_i64(out, at.ns / (o->format == SINCE_UNIX ? NS_PER_SEC : NS_PER_MS));
    }
    return true;
}

/* --- bodies ---------------------------------------------------------------------------------- */

static struct json *find(struct json *object, struct str name)
{
    struct json *m = object->child;
    while (m != NULL && !str_eq(m->key, name)) {
        m = m->next;
    }
    return m;
}

static struct json *add_member(struct json *object, struct str name, struct arena *arena)
{
    struct json *m = arena_alloc(arena, sizeof(*m));
    struct str key = arena_copy(arena, name);
    if (m == NULL || key.ptr == NULL) {
        return NULL;
    }
    m->key = key;
    m->type = JSON_OBJECT;
    struct json **end = &object->child;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = m;
    object->count++;
    return m;
}

static bool set_value(struct json *member, const struct page_param *param, struct arena *arena)
{
    struct str text = arena_copy(arena, param->value);
    int64_t integer = 0;
    double real = 0;
    member->child = NULL;
    member->count = 0;
    member->written = STR("");
    if (param->is_number && str_to_i64(text, INT64_MIN, INT64_MAX, &integer)) {
        member->type = JSON_INT;
        member->as.integer = integer;
    } else if (param->is_number && str_to_double(text, &real)) {
        member->type = JSON_REAL;
        member->as.real = real;
    } else {
        member->type = JSON_STRING;
        member->as.string = text;
    }
    return text.ptr != NULL;
}

bool body_set(struct json *body, const struct page_param *param, struct arena *arena,
              struct err *err)
{
    struct json *at = body;
    struct str path = param->name;
    struct path_step step;
    struct err problem = {0};
    while (json_path_step(&path, &step, &problem)) {
        if (step.is_index || at->type != JSON_OBJECT) {
            err_set(err, ERR_INVALID, "the body has no place for \"" STR_FMT "\"",
                    STR_ARG(param->name));
            return err_hint(err, "a parameter in a body is a path of names, in objects");
        }
        struct json *member = find(at, step.name);
        at = member != NULL ? member : add_member(at, step.name, arena);
        if (at == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a body");
        }
    }
    if (problem.code != ERR_NONE) {
        *err = problem;
        return false;
    }
    if (at == body) {
        return err_set(err, ERR_INVALID, "a parameter in the body has no name");
    }
    return set_value(at, param, arena) || err_set(err, ERR_NO_MEMORY, "no memory for a body");
}
