/* explain_options.c - a connector's options, explained. */
#include "agent/definitions/explain_parts.h"

#include "common/base/limits.h"

struct said {
    struct explaining *x;
    const struct field *field; /* NULL: nothing is known of it */
    bool is_private;
};

static struct str shown(const struct said *s, struct str text)
{
    if (!s->is_private) {
        return filled(s->x, text);
    }
    s->x->masks_variables = true;
    struct str masked = filled(s->x, text);
    s->x->masks_variables = false;
    bool is_plain = text.len > 0 && !str_contains(text, STR("${"));
    return is_plain ? STR("***") : masked;
}

static bool is_private(const struct field *field)
{
    return field != NULL && (field->marks & OPTION_PRIVATE) != 0;
}

/* Of the member of an object that `field` describes; NULL when its table says nothing of it. */
static const struct field *member_field(const struct field *field, struct str key)
{
    const struct field_table *table = field == NULL ? NULL : field->object;
    for (size_t i = 0; table != NULL && i < table->count; i++) {
        if (str_eq(key, str_from(table->fields[i].key))) {
            return &table->fields[i];
        }
    }
    return NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader lets a file be */
static void add_filled(const struct said *s, struct json_writer *w, const struct json *node)
{
    if (node->type == JSON_STRING) {
        jw_str(w, shown(s, node->as.string));
    } else if (node->type == JSON_OBJECT) {
        jw_begin_object(w);
        for (const struct json *member = node->child; member != NULL; member = member->next) {
            const struct field *field = member_field(s->field, member->key);
            const struct said inner = {
                .x = s->x, .field = field, .is_private = s->is_private || is_private(field)};
            jw_key(w, member->key);
            add_filled(&inner, w, member);
        }
        jw_end_object(w);
    } else if (node->type == JSON_ARRAY) {
        jw_begin_array(w);
        for (const struct json *element = node->child; element != NULL; element = element->next) {
            add_filled(s, w, element);
        }
        jw_end_array(w);
    } else {
        json_write(w->out, node);
        w->needs_comma = true;
    }
}

static bool is_list_of_texts(const struct json *node)
{
    const struct json *item = node->type == JSON_ARRAY ? node->child : NULL;
    while (item != NULL && item->type == JSON_STRING) {
        item = item->next;
    }
    return node->type == JSON_ARRAY && node->count > 0 && item == NULL;
}

static void say_member(const struct said *s, const struct json *member)
{
    struct outline *o = &s->x->o;
    const char *key = arena_cstr(&s->x->arena, member->key);
    if (key == NULL) {
        return; /* the arena remembers */
    }
    if (member->type == JSON_STRING) {
        outline_str(o, member->key, shown(s, member->as.string));
    } else if (is_list_of_texts(member)) {
        struct str *items = arena_array(&s->x->arena, member->count, sizeof(*items));
        size_t count = 0;
        for (const struct json *i = member->child; items != NULL && i != NULL; i = i->next) {
            items[count++] = shown(s, i->as.string);
        }
        outline_list(o, key, items, count);
    } else {
        AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
        struct json_writer w = json_writer(&text);
        add_filled(s, &w, member);
        o->out->overflow = o->out->overflow || text.overflow;
        outline_raw(o, key, buf_str(&text));
    }
}

void say_options(struct explaining *x, const struct connector *c, enum connector_use use,
                 struct str written)
{
    struct json *node = NULL;
    struct err ignored = {0};
    if (!json_parse(written, LIMIT_JSON_BYTES, &x->arena, &node, &ignored)) {
        x->o.out->overflow = true; /* it was written by us: there is no memory */
        return;
    }
    for (const struct json *member = node->child; member != NULL; member = member->next) {
        const struct field *field = connector_option(c, use, member->key);
        const struct said said = {.x = x, .field = field, .is_private = is_private(field)};
        say_member(&said, member);
    }
}

void say_absence(struct explaining *x, const struct connector *c)
{
    if (c->is_absent) {
        outline_note(&x->o, "not in this build, which was made without",
                     str_from(c->package != NULL ? c->package : c->build_option));
    }
}
