#include "agent/el/singer_streams.h"

#include "agent/el/hash.h"
#include "common/base/limits.h"

enum { MEMBERS_KEPT = 256 }; /* of a record; a wider one is scanned twice */

bool singer_streams_init(struct singer_streams *s, const struct tap_options *options,
                         struct arena *arena, struct err *err)
{
    *s = (struct singer_streams){
        .arena = arena,
        .some = &options->streams,
        .only = options->stream,
        .flatten = &options->flatten,
        .items = arena_array(arena, LIMIT_STREAMS, sizeof(struct singer_stream *)),
        .by_name = strmap_new(arena),
        .names = buf_growing(LIMIT_JSON_BYTES),
        .state = buf_growing(LIMIT_JSON_BYTES),
        .members = {.items = arena_array(arena, MEMBERS_KEPT, sizeof(struct json_member)),
                    .room = MEMBERS_KEPT},
    };
    bool has_memory = s->items != NULL && s->members.items != NULL;
    return flatten_check(s->flatten, err) &&
           (has_memory || err_set(err, ERR_NO_MEMORY, "no memory for streams"));
}

void singer_streams_release(struct singer_streams *s)
{
    for (size_t i = 0; i < s->count; i++) {
        json_row_release(&s->items[i]->row);
    }
    s->count = 0;
    buf_release(&s->names);
    buf_release(&s->state);
}

static struct singer_stream *find(const struct singer_streams *s, struct str name)
{
    uint32_t index = 0;
    if (s->present != NULL && str_eq(s->present->base.name, name)) {
        return s->present; /* nearly always */
    }
    return strmap_get(&s->by_name, name, &index) ? s->items[index] : NULL;
}

static struct singer_stream *add(struct singer_streams *s, struct str name, struct err *err)
{
    if (s->count == LIMIT_STREAMS) {
        err_set(err, ERR_FULL, "there are more than %d streams", LIMIT_STREAMS);
        return NULL;
    }
    struct singer_stream *stream = arena_alloc(s->arena, sizeof(*stream));
    struct str copy = arena_copy(s->arena, name);
    if (stream == NULL || copy.ptr == NULL || !strmap_put(&s->by_name, copy, (uint32_t)s->count)) {
        err_set(err, ERR_NO_MEMORY, "no memory for a stream");
        return NULL;
    }
    stream->base.name = copy;
    stream->row.flatten = s->flatten;
    s->items[s->count++] = stream;
    return stream;
}

static struct str find_object(struct str object, struct str name)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    if (object.len == 0 || !json_scan_object(&scan, object, &ignored)) {
        return STR("");
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (!key.has_escape && str_eq(key.text, name) &&
            (value.type == JSON_OBJECT || (value.type == JSON_STRING && !value.has_escape))) {
            return value.text;
        }
    }
    return STR("");
}

/* {"bookmarks": {stream: {"replication_key": name}}}, as taps of the SDK and of singer-python keep
 * it; a tap that says it in its SCHEMA, too, has been heard already. */
static void find_replication_key(const struct singer_streams *s, struct stream *stream)
{
    struct str bookmark = find_object(find_object(s->start_state, STR("bookmarks")), stream->name);
    struct str name = find_object(bookmark, STR("replication_key"));
    size_t column = 0;
    if (stream->replication_key.len == 0 && schema_find(&stream->schema, name, &column)) {
        stream->replication_key = stream->schema.columns[column].name;
    }
}

static bool take_schema(struct singer_streams *s, const struct singer_message *m, struct str line,
                        enum singer_news *ret, struct err *err)
{
    uint64_t hash = hash64_of(line);
    struct singer_stream *stream = find(s, m->stream);
    if (stream != NULL && stream->schema_hash == hash) {
        s->present = stream;
        return true; /* taps repeat it */
    }
    struct singer_layout layout = {.columns = schema_new(s->arena)};
    if (!singer_read_schema(m, s->flatten, &layout, err)) {
        return false;
    }
    if (layout.columns.count == 0) {
        return err_set(err, ERR_INVALID, "stream \"" STR_FMT "\" has no columns",
                       STR_ARG(m->stream));
    }
    if (stream == NULL && (stream = add(s, m->stream, err)) == NULL) {
        return false;
    }
    stream->base.schema = layout.columns;
    stream->base.key = layout.key;
    stream->base.replication_key = layout.replication_key;
    find_replication_key(s, &stream->base);
    stream->schema_hash = hash;
    stream->row.validates = s->validates;
    s->present = stream;
    *ret = SINGER_NEW_SCHEMA;
    return json_row_init(&stream->row, &stream->base.schema, s->arena, err);
}

/* The stream of a message that must come behind its SCHEMA. */
static bool need_stream(struct singer_streams *s, const struct singer_message *m, const char *type,
                        struct err *err)
{
    struct singer_stream *stream = find(s, m->stream);
    if (stream == NULL) {
        err_set(err, ERR_INVALID, "a %s of stream \"" STR_FMT "\" comes before its SCHEMA", type,
                STR_ARG(m->stream));
        return err_hint(err, "the tap must write a SCHEMA message first");
    }
    s->present = stream;
    s->origin = (struct row_origin){
        .time_extracted = m->time_extracted, .version = m->version, .has_version = m->has_version};
    return true;
}

/* A record that was read, or was not. */
static bool told_record(struct singer_streams *s, bool is_read, const struct err *err)
{
    s->is_bad_record = !is_read && err->code == ERR_INVALID;
    s->bad_stream = s->present->base.name;
    return is_read;
}

bool singer_streams_take_record(struct singer_streams *s, struct str record, struct err *err)
{
    return told_record(s, json_row_read(&s->present->row, record, err), err);
}

static bool take_record(struct singer_streams *s, const struct singer_message *m,
                        enum singer_news *ret, struct err *err)
{
    *ret = SINGER_NEW_ROW;
    return need_stream(s, m, "RECORD", err) &&
           told_record(s, json_row_take(&s->present->row, m->record.text, &s->members, err), err);
}

static bool take_batch(struct singer_streams *s, const struct singer_message *m,
                       enum singer_news *ret, struct err *err)
{
    *ret = SINGER_NEW_BATCH;
    s->encoding = m->encoding;
    s->manifest = m->manifest;
    return need_stream(s, m, "BATCH", err);
}

/* Of a stream that had no SCHEMA there is nothing that could be old. */
static void take_version(struct singer_streams *s, const struct singer_message *m,
                         enum singer_news *ret)
{
    struct err ignored;
    *ret = need_stream(s, m, "version", &ignored) ? SINGER_NEW_VERSION : SINGER_NO_NEWS;
}

static bool take_state(struct singer_streams *s, struct json_raw value, enum singer_news *ret,
                       struct err *err)
{
    bool is_string = value.type == JSON_STRING;
    buf_reset(&s->state);
    buf_add(&s->state,
            is_string ? (struct str){value.text.ptr - 1, value.text.len + 2} : value.text);
    *ret = SINGER_NEW_STATE;
    return !s->state.overflow ||
           err_set(err, ERR_FULL, "a STATE is larger than %d bytes", LIMIT_JSON_BYTES);
}

static bool is_one_of(struct str only, const struct str_list *some, struct str stream)
{
    bool is_wanted = some->count == 0;
    for (size_t i = 0; !is_wanted && i < some->count; i++) {
        is_wanted = str_eq(some->items[i], stream);
    }
    return is_wanted && (only.len == 0 || str_eq(stream, only));
}

bool singer_streams_want(const struct tap_options *options, struct str stream)
{
    return is_one_of(options->stream, &options->streams, stream);
}

bool singer_streams_take(struct singer_streams *s, struct str line, bool is_loaded,
                         enum singer_news *ret, struct err *err)
{
    struct singer_message m;
    *ret = SINGER_NO_NEWS;
    s->is_bad_record = false;
    if (!singer_parse(line, &s->names, &s->members, &m, err)) {
        s->is_bad_record =
            err->code == ERR_INVALID && (m.type == SINGER_RECORD || m.type == SINGER_OTHER);
        s->bad_stream = STR("");
        return false;
    }
    bool is_wanted = is_one_of(s->only, s->some, m.stream);
    s->passed_over += m.type == SINGER_RECORD && !is_wanted;
    switch (m.type) {
    case SINGER_STATE:
        return take_state(s, m.value, ret, err);
    case SINGER_SCHEMA:
        return !is_wanted || take_schema(s, &m, line, ret, err);
    case SINGER_RECORD:
        return !is_wanted || is_loaded || take_record(s, &m, ret, err);
    case SINGER_BATCH:
        return !is_wanted || is_loaded || take_batch(s, &m, ret, err);
    case SINGER_ACTIVATE_VERSION:
        if (is_wanted && !is_loaded) {
            take_version(s, &m, ret);
        }
        return true;
    case SINGER_OTHER:
    default:
        return true;
    }
}

enum tap_result singer_streams_tell(const struct singer_streams *s, enum singer_news news,
                                    struct tap *tap)
{
    if (news == SINGER_NEW_STATE) {
        return TAP_STATE;
    }
    tap->stream = &s->present->base;
    tap->row = s->present->row.row;
    tap->origin = s->origin;
    tap->rows_read += news == SINGER_NEW_ROW;
    return news == SINGER_NEW_ROW ? TAP_ROW : news == SINGER_NEW_VERSION ? TAP_VERSION : TAP_SCHEMA;
}
