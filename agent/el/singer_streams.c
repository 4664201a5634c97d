#include "agent/el/singer_streams.h"

#include "agent/el/hash.h"
#include "common/base/limits.h"

bool singer_streams_init(struct singer_streams *s, struct str only, struct arena *arena,
                         struct err *err)
{
    *s = (struct singer_streams){
        .arena = arena,
        .only = only,
        .items = arena_array(arena, LIMIT_STREAMS, sizeof(struct singer_stream *)),
        .by_name = strmap_new(arena),
        .names = buf_growing(LIMIT_JSON_BYTES),
        .state = buf_growing(LIMIT_JSON_BYTES),
    };
    return s->items != NULL || err_set(err, ERR_NO_MEMORY, "no memory for streams");
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
    s->items[s->count++] = stream;
    return stream;
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
    struct schema schema = schema_new(s->arena);
    struct str_list key;
    if (!singer_read_schema(m, &schema, &key, err)) {
        return false;
    }
    if (schema.count == 0) {
        return err_set(err, ERR_INVALID, "stream \"" STR_FMT "\" has no columns",
                       STR_ARG(m->stream));
    }
    if (stream == NULL && (stream = add(s, m->stream, err)) == NULL) {
        return false;
    }
    stream->base.schema = schema;
    stream->base.key = key;
    stream->schema_hash = hash;
    stream->row.validates = s->validates;
    s->present = stream;
    *ret = SINGER_NEW_SCHEMA;
    return json_row_init(&stream->row, &stream->base.schema, s->arena, err);
}

static bool take_record(struct singer_streams *s, const struct singer_message *m,
                        enum singer_news *ret, struct err *err)
{
    struct singer_stream *stream = find(s, m->stream);
    if (stream == NULL) {
        err_set(err, ERR_INVALID, "a RECORD of stream \"" STR_FMT "\" comes before its SCHEMA",
                STR_ARG(m->stream));
        return err_hint(err, "the tap must write a SCHEMA message first");
    }
    s->present = stream;
    *ret = SINGER_NEW_ROW;
    if (json_row_read(&stream->row, m->record.text, err)) {
        return true;
    }
    s->is_bad_record = err->code == ERR_INVALID;
    s->bad_stream = stream->base.name;
    return false;
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

bool singer_streams_take(struct singer_streams *s, struct str line, bool is_loaded,
                         enum singer_news *ret, struct err *err)
{
    struct singer_message m;
    *ret = SINGER_NO_NEWS;
    s->is_bad_record = false;
    if (!singer_parse(line, &s->names, &m, err)) {
        s->is_bad_record =
            err->code == ERR_INVALID && (m.type == SINGER_RECORD || m.type == SINGER_OTHER);
        s->bad_stream = STR("");
        return false;
    }
    bool is_wanted = s->only.len == 0 || str_eq(m.stream, s->only);
    switch (m.type) {
    case SINGER_STATE:
        return take_state(s, m.value, ret, err);
    case SINGER_SCHEMA:
        return !is_wanted || take_schema(s, &m, line, ret, err);
    case SINGER_RECORD:
        return !is_wanted || is_loaded || take_record(s, &m, ret, err);
    case SINGER_BATCH:
        if (!is_wanted) {
            return true;
        }
        err_set(err, ERR_INVALID, "BATCH messages are not supported");
        return err_hint(err, "remove \"batch_config\" from the tap's configuration");
    case SINGER_ACTIVATE_VERSION:
    case SINGER_OTHER:
    default:
        return true;
    }
}
