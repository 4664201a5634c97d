#include "agent/definitions/loader.h"

static bool own_text(struct arena *arena, struct str *text)
{
    if (text->len == 0) {
        *text = text->ptr == NULL ? STR_NONE : STR("");
        return true;
    }
    *text = arena_copy(arena, *text);
    return text->ptr != NULL;
}

static bool own_array(struct arena *arena, struct str **items, size_t count)
{
    struct str *copy = arena_array(arena, count, sizeof(*copy));
    if (copy == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*items)[i];
        if (!own_text(arena, &copy[i])) {
            return false;
        }
    }
    *items = copy;
    return true;
}

static bool own_list(struct arena *arena, struct str_list *list)
{
    return list->count == 0 || own_array(arena, &list->items, list->count);
}

static bool own_map(struct arena *arena, struct str_map *map)
{
    return map->count == 0 ||
           (own_array(arena, &map->keys, map->count) && own_array(arena, &map->values, map->count));
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as our own tables are nested */
static bool own_objects(struct arena *arena, const struct field *field,
                        const struct object_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        char *object = (char *)list->items + i * field->object->size;
        bool has_name = field->type == FIELD_OBJECT_MAP;
        if ((has_name && !own_text(arena, (struct str *)(object + field->object->name_offset))) ||
            !own_texts(arena, field->object, object)) {
            return false;
        }
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as our own tables are nested */
static bool own_field(struct arena *arena, const struct field *field, void *slot)
{
    switch (field->type) {
    case FIELD_STR:
    case FIELD_JSON_TEXT:
        return own_text(arena, slot);
    case FIELD_STR_LIST:
        return own_list(arena, slot);
    case FIELD_STR_MAP:
        return own_map(arena, slot);
    case FIELD_OBJECT:
        return own_texts(arena, field->object, slot);
    case FIELD_OBJECT_LIST:
    case FIELD_OBJECT_MAP:
        return own_objects(arena, field, slot);
    case FIELD_BOOL:
    case FIELD_I64:
    case FIELD_REAL:
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_ENUM:
    case FIELD_JSON:
    case FIELD_JSON_OBJECT:
        break;
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as our own tables are nested */
bool own_texts(struct arena *arena, const struct field_table *table, void *object)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        if (!field->is_unsupported && !own_field(arena, field, (char *)object + field->offset)) {
            return false;
        }
    }
    return true;
}
