/* catalog_streams.c - which streams a catalog gives, and under which key it may be kept. */
#include "agent/meltano/catalog.h"
#include "agent/meltano/tree.h"
#include "common/base/sha1.h"

#include "common/base/limits.h"
#include "common/base/sha1.h"

/* The metadata of the stream itself, or NULL. */
static struct json *own_metadata(struct json *stream)
{
    struct json *list = tree_member(stream, STR("metadata"));
    struct json *entry = list == NULL || list->type != JSON_ARRAY ? NULL : list->child;
    for (; entry != NULL; entry = entry->next) {
        const struct json *crumbs = json_get(entry, "breadcrumb");
        if (crumbs != NULL && crumbs->type == JSON_ARRAY && crumbs->count == 0) {
            return tree_member(entry, STR("metadata"));
        }
    }
    return NULL;
}

static bool is_true(const struct json *object, const char *key)
{
    const struct json *flag = tree_get_typed(object, key, JSON_BOOL);
    return flag != NULL && flag->as.boolean;
}

/* As meltano.core.plugin.singer.catalog.ListSelectedExecutor. */
static bool is_selected(struct json *stream)
{
    const struct json *own = own_metadata(stream);
    struct str inclusion = tree_get_str(own, "inclusion");
    const struct json *selected = json_get(own, "selected");
    if (str_eq(inclusion, STR("automatic")) || str_eq(inclusion, STR("unsupported"))) {
        return str_eq(inclusion, STR("automatic"));
    }
    bool is_said = selected != NULL && selected->type != JSON_NULL;
    return is_said ? is_true(own, "selected") : is_true(own, "selected-by-default");
}

static const struct json *streams_of(const struct json *catalog, struct err *err)
{
    const struct json *streams = tree_get_typed(catalog, "streams", JSON_ARRAY);
    if (streams == NULL) {
        err_set(err, ERR_INVALID, "catalog: there is no list \"streams\"");
        err_hint(err, "look at what the tap says with --discover");
    }
    return streams;
}

static struct catalog_stream_name name_of(const struct json *stream)
{
    struct str id = tree_get_str(stream, "tap_stream_id");
    struct str name = tree_get_str(stream, "stream");
    return (struct catalog_stream_name){.id = id.len > 0 ? id : name,
                                        .name = name.len > 0 ? name : id};
}

bool catalog_selected(const struct json *catalog, struct arena *arena, struct catalog_streams *ret,
                      struct err *err)
{
    const struct json *streams = streams_of(catalog, err);
    if (streams == NULL) {
        return false;
    }
    *ret = (struct catalog_streams){
        .items = arena_array(arena, streams->count + 1, sizeof(*ret->items))};
    if (ret->items == NULL) {
        return err_set(err, ERR_FULL, "catalog: it needs more memory than is set aside");
    }
    for (struct json *s = streams->child; s != NULL; s = s->next) {
        struct catalog_stream_name name = name_of(s);
        if (name.id.len > 0 && is_selected(s)) {
            ret->items[ret->count++] = name;
        }
    }
    return true;
}

static bool is_among(const struct str_list *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_eq(names->items[i], name)) {
            return true;
        }
    }
    return false;
}

/* In each of the places where taps look: metadata, the stream (older ones), its schema (the oldest). */
static void deselect(struct json *stream, struct arena *arena)
{
    static const struct json no = {.type = JSON_BOOL};
    struct json *own = own_metadata(stream);
    struct json *list = tree_member(stream, STR("metadata"));
    struct json *schema = tree_member(stream, STR("schema"));
    if (own == NULL && (list == NULL || list->type == JSON_ARRAY)) {
        struct json *entry = tree_new(arena, JSON_OBJECT);
        own = tree_new(arena, JSON_OBJECT);
        tree_set(entry, STR("breadcrumb"), tree_new(arena, JSON_ARRAY));
        tree_set(entry, STR("metadata"), own);
        if (list == NULL) {
            list = tree_new(arena, JSON_ARRAY);
            tree_set(stream, STR("metadata"), list);
        }
        tree_append(list, entry);
    }
    if (own != NULL && own->type == JSON_OBJECT) {
        tree_set(own, STR("selected"), tree_shallow(arena, &no));
        if (str_eq(tree_get_str(own, "inclusion"), STR("automatic"))) {
            tree_set(own, STR("inclusion"), tree_str(arena, STR("available")));
        }
    }
    if (schema != NULL && schema->type == JSON_OBJECT) {
        tree_set(schema, STR("selected"), tree_shallow(arena, &no));
    }
    tree_set(stream, STR("selected"), tree_shallow(arena, &no));
}

bool catalog_narrow(struct json *catalog, const struct str_list *names, struct arena *arena,
                    struct err *err)
{
    const struct json *streams = streams_of(catalog, err);
    for (struct json *s = streams == NULL ? NULL : streams->child; s != NULL; s = s->next) {
        struct catalog_stream_name name = name_of(s);
        if (s->type == JSON_OBJECT && !is_among(names, name.name) && !is_among(names, name.id)) {
            deselect(s, arena);
        }
    }
    if (streams != NULL && arena->exhausted) {
        return err_set(err, ERR_FULL, "catalog: it needs more memory than is set aside");
    }
    return streams != NULL;
}

bool catalog_cache_key(const struct meltano_setup *tap, struct arena *arena,
                       char ret[CATALOG_KEY_SIZE], struct err *err)
{
    static const char *const extras[] = {"_schema", "_metadata"};
    const struct meltano_value *handwritten = meltano_find_value(tap, STR("_catalog"));
    struct str pip_url = tap->plugin->pip_url;
    ret[0] = '\0';
    if (pip_url.ptr == NULL || str_starts(pip_url, STR("-e")) ||
        (handwritten != NULL && handwritten->value != NULL)) {
        return true;
    }
    struct json *all = tree_new(arena, JSON_OBJECT);
    for (size_t i = 0; i < tap->value_count; i++) {
        const struct meltano_value *v = &tap->values[i];
        struct json *null = tree_new(arena, JSON_NULL);
        if (!v->is_extra) {
            tree_set(all, v->name, v->value == NULL ? null : tree_shallow(arena, v->value));
        }
    }
    for (size_t i = 0; i < COUNT_OF(extras); i++) {
        const struct meltano_value *v = meltano_find_value(tap, str_from(extras[i]));
        struct json *none = tree_new(arena, JSON_NULL);
        tree_set(all, str_from(extras[i]),
                 v == NULL || v->value == NULL ? none : tree_shallow(arena, v->value));
    }
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    uint8_t digest[SHA1_BYTES];
    if (!arena->exhausted) {
        tree_write_dumps(&text, all);
    }
    if (arena->exhausted || text.overflow) {
        return err_set(err, ERR_FULL, "the settings of the tap are too large");
    }
    sha1(buf_str(&text), digest);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        ret[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret[CATALOG_KEY_SIZE - 1] = '\0';
    return true;
}
