#include "agent/el/singer_catalog.h"

#include "agent/el/row_json.h"
#include "common/base/limits.h"

const char *const replication_names[] = {"", "FULL_TABLE", "INCREMENTAL", "LOG_BASED", NULL};

/* --- writing --------------------------------------------------------------------------------- */

static void write_names(struct json_writer *w, const char *key, const struct str_list *names)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < names->count; i++) {
        jw_str(w, names->items[i]);
    }
    jw_end_array(w);
}

static bool is_key(const struct found_stream *found, struct str column)
{
    for (size_t i = 0; i < found->key.count; i++) {
        if (str_eq(found->key.items[i], column)) {
            return true;
        }
    }
    return false;
}

static void write_stream_metadata(struct json_writer *w, const struct found_stream *found)
{
    jw_begin_object(w);
    jw_key(w, STR("breadcrumb"));
    jw_begin_array(w);
    jw_end_array(w);
    jw_key(w, STR("metadata"));
    jw_begin_object(w);
    jw_member_str(w, "inclusion", STR("available"));
    jw_member_bool(w, "selected-by-default", true);
    write_names(w, "table-key-properties", &found->key);
    if (found->replication_keys.count > 0) {
        write_names(w, "valid-replication-keys", &found->replication_keys);
    }
    if (found->is_database) {
        jw_member_bool(w, "is-view", found->is_view);
    }
    if (found->row_count >= 0) {
        jw_member_i64(w, "row-count", found->row_count);
    }
    jw_end_object(w);
    jw_end_object(w);
}

static void write_property_metadata(struct json_writer *w, const struct found_stream *found,
                                    const struct column *column)
{
    jw_begin_object(w);
    jw_key(w, STR("breadcrumb"));
    jw_begin_array(w);
    jw_str(w, STR("properties"));
    jw_str(w, column->name);
    jw_end_array(w);
    jw_key(w, STR("metadata"));
    jw_begin_object(w);
    jw_member_str(w, "inclusion",
                  is_key(found, column->name) ? STR("automatic") : STR("available"));
    jw_member_bool(w, "selected-by-default", true);
    jw_member_opt(w, "sql-datatype", column->type);
    jw_end_object(w);
    jw_end_object(w);
}

void singer_catalog_write(struct json_writer *w, const struct found_stream *found)
{
    const struct schema *schema = &found->schema;
    jw_begin_object(w);
    jw_member_str(w, "tap_stream_id", found->name);
    jw_member_str(w, "stream", found->name);
    if (found->is_database) {
        jw_member_str(w, "table_name", found->name);
    }
    write_names(w, "key_properties", &found->key);
    jw_key(w, STR("schema"));
    jw_begin_object(w);
    jw_member_str(w, "type", STR("object"));
    jw_key(w, STR("properties"));
    jw_begin_object(w);
    for (size_t i = 0; i < schema->count; i++) {
        jw_key(w, schema->columns[i].name);
        row_json_write_schema(w, &schema->columns[i]);
    }
    jw_end_object(w);
    jw_end_object(w);
    jw_key(w, STR("metadata"));
    jw_begin_array(w);
    write_stream_metadata(w, found);
    for (size_t i = 0; i < schema->count; i++) {
        write_property_metadata(w, found, &schema->columns[i]);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* --- reading --------------------------------------------------------------------------------- */

/* true, false, and the strings that old tools write. */
static bool read_flag(const struct json *node, const char *key, bool *ret)
{
    const struct json *flag = json_get(node, key);
    if (flag != NULL && flag->type == JSON_BOOL) {
        *ret = flag->as.boolean;
        return true;
    }
    if (flag != NULL && flag->type == JSON_STRING) {
        *ret = names_equal_nocase(flag->as.string, STR("true"));
        return *ret || names_equal_nocase(flag->as.string, STR("false"));
    }
    return false;
}

static struct str read_text(const struct json *node, const char *key)
{
    const struct json *text = json_get(node, key);
    return text != NULL && text->type == JSON_STRING ? text->as.string : STR("");
}

/* The metadata of the stream itself (`property` empty) or of one of its properties, or NULL. */
static const struct json *find_metadata(const struct json *list, struct str property)
{
    for (const struct json *m = list == NULL ? NULL : list->child; m != NULL; m = m->next) {
        const struct json *crumbs = json_get(m, "breadcrumb");
        if (crumbs == NULL || crumbs->type != JSON_ARRAY) {
            continue;
        }
        if (property.len == 0 ? crumbs->count == 0
                              : crumbs->count == 2 && crumbs->child->next->type == JSON_STRING &&
                                    str_eq(crumbs->child->next->as.string, property)) {
            return json_get(m, "metadata");
        }
    }
    return NULL;
}

/* What is said of a stream or property, else `inherited`. */
static bool resolve(const struct json *metadata, const struct json *schema, bool inherited)
{
    bool selected = inherited;
    struct str inclusion = read_text(metadata, "inclusion");
    if (str_eq(inclusion, STR("unsupported"))) {
        return false;
    }
    if (str_eq(inclusion, STR("automatic")) || read_flag(metadata, "selected", &selected) ||
        read_flag(schema, "selected", &selected)) {
        return str_eq(inclusion, STR("automatic")) || selected;
    }
    (void)read_flag(metadata, "selected-by-default", &selected);
    return selected;
}

bool singer_catalog_has_property(const struct catalog_stream *stream, struct str name)
{
    const struct json *properties = json_get(stream->schema, "properties");
    const struct json *schema = properties == NULL ? NULL : properties->child;
    while (schema != NULL && !str_eq(schema->key, name)) {
        schema = schema->next;
    }
    return resolve(find_metadata(stream->metadata, name), schema, true);
}

static bool read_key(const struct json *list, struct arena *arena, struct catalog_stream *ret,
                     struct err *err)
{
    if (list == NULL || list->type != JSON_ARRAY || ret->has_key) {
        return true;
    }
    ret->has_key = true;
    ret->key.items = arena_array(arena, list->count + 1, sizeof(*ret->key.items));
    if (ret->key.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the catalog");
    }
    for (const struct json *name = list->child; name != NULL; name = name->next) {
        if (name->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "a key property is %s", json_type_name(name->type));
        }
        ret->key.items[ret->key.count++] = name->as.string;
    }
    return true;
}

static bool read_replication(struct str method, struct catalog_stream *ret, struct err *err)
{
    for (int i = 0; replication_names[i] != NULL; i++) {
        if (str_eq(method, str_from(replication_names[i]))) {
            ret->replication = i;
            return true;
        }
    }
    err_set(err, ERR_INVALID, "replication method \"" STR_FMT "\" is not known", STR_ARG(method));
    return err_hint(err, "write FULL_TABLE or INCREMENTAL");
}

static bool read_stream(const struct json *node, struct arena *arena, struct catalog_stream *ret,
                        struct err *err)
{
    ret->id = read_text(node, "tap_stream_id");
    ret->stream = read_text(node, "stream");
    if (ret->id.len == 0) {
        ret->id = ret->stream;
    }
    if (ret->stream.len == 0) {
        ret->stream = ret->id;
    }
    if (ret->id.len == 0) {
        return err_set(err, ERR_INVALID, "\"tap_stream_id\" is missing");
    }
    ret->metadata = json_get(node, "metadata");
    ret->schema = json_get(node, "schema");
    const struct json *own = find_metadata(ret->metadata, STR(""));
    bool has_none = ret->metadata == NULL || ret->metadata->count == 0;
    bool is_legacy = false;
    has_none = has_none && !read_flag(ret->schema, "selected", &is_legacy);
    ret->is_selected = resolve(own, ret->schema, has_none);
    struct str method = read_text(own, "replication-method");
    ret->replication_key = read_text(own, "replication-key");
    if (ret->replication_key.len == 0) {
        ret->replication_key = read_text(node, "replication_key");
    }
    return read_key(json_get(own, "view-key-properties"), arena, ret, err) &&
           read_key(json_get(own, "table-key-properties"), arena, ret, err) &&
           read_key(json_get(node, "key_properties"), arena, ret, err) &&
           read_replication(method.len > 0 ? method : read_text(node, "replication_method"), ret,
                            err);
}

bool singer_catalog_read(struct str text, struct arena *arena, struct catalog *ret, struct err *err)
{
    struct json *root = NULL;
    if (!json_parse(text, CATALOG_BYTES_MAX, arena, &root, err)) {
        return false;
    }
    const struct json *streams = json_get(root, "streams");
    if (streams == NULL || streams->type != JSON_ARRAY) {
        err_set(err, ERR_INVALID, "there is no list \"streams\"");
        return err_hint(err, "make a catalog with --discover");
    }
    if (streams->count > LIMIT_STREAMS) {
        return err_set(err, ERR_FULL, "there are more than %d streams", LIMIT_STREAMS);
    }
    *ret = (struct catalog){
        .streams = arena_array(arena, streams->count + 1, sizeof(*ret->streams)),
    };
    if (ret->streams == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the catalog");
    }
    for (const struct json *s = streams->child; s != NULL; s = s->next) {
        if (!read_stream(s, arena, &ret->streams[ret->count], err)) {
            return err_wrap(err, "streams[%zu]", ret->count);
        }
        ret->count++;
    }
    return true;
}
