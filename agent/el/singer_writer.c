#include "agent/el/singer_writer.h"

#include "agent/el/row_json.h"
#include "common/base/limits.h"

enum { OUT_BYTES_MAX = 2 * LIMIT_SINGER_LINE_BYTES };

static bool check_room(const struct buf *b, struct err *err)
{
    return !b->overflow ||
           err_set(err, ERR_FULL, "a message is larger than %d bytes", LIMIT_SINGER_LINE_BYTES);
}

bool singer_writer_init(struct singer_writer *w, struct arena *arena, struct err *err)
{
    *w = (struct singer_writer){
        .arena = arena,
        .out = buf_growing(OUT_BYTES_MAX),
        .members = arena_array(arena, LIMIT_COLUMNS, sizeof(*w->members)),
    };
    return w->members != NULL || err_set(err, ERR_NO_MEMORY, "no memory for columns");
}

void singer_writer_release(struct singer_writer *w)
{
    buf_release(&w->out);
}

static bool contains(const struct str_list *list, struct str name)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (names_equal_nocase(list->items[i], name)) {
            return true;
        }
    }
    return false;
}

/* `text` as JSON, behind `lead`, in the arena. */
static struct str quote(struct singer_writer *w, const char *lead, struct str text,
                        const char *tail)
{
    AUTO(buf) quoted = buf_growing(LIMIT_JSON_BYTES);
    struct json_writer jw = json_writer(&quoted);
    buf_add_text(&quoted, lead);
    jw_str(&jw, text);
    buf_add_text(&quoted, tail);
    return quoted.overflow ? (struct str){0} : arena_copy(w->arena, buf_str(&quoted));
}

/* What nobody can leave out: the key, and the key that the state is made of. */
static bool is_written(const struct singer_stream_text *t, struct str column)
{
    return contains(t->key, column) || names_equal_nocase(column, t->replication_key) ||
           !contains(t->left_out, column);
}

static bool prepare(struct singer_writer *w, const struct singer_stream_text *t, struct err *err)
{
    const char *lead = "";
    w->schema = t->schema;
    w->stream = quote(w, "", t->stream, "");
    bool ok = w->stream.ptr != NULL;
    for (size_t i = 0; ok && i < t->schema->count; i++) {
        w->members[i] = STR("");
        if (is_written(t, t->schema->columns[i].name)) {
            w->members[i] = quote(w, lead, t->schema->columns[i].name, ":");
            ok = w->members[i].ptr != NULL;
            lead = ",";
        }
    }
    return ok || err_set(err, ERR_NO_MEMORY, "no memory for the columns' names");
}

static bool write_key(const struct singer_stream_text *t, struct json_writer *jw, struct err *err)
{
    jw_key(jw, STR("key_properties"));
    jw_begin_array(jw);
    for (size_t i = 0; i < t->key->count; i++) {
        size_t at = 0;
        if (!schema_find_nocase(t->schema, t->key->items[i], &at)) {
            err_set(err, ERR_INVALID,
                    "stream \"" STR_FMT "\": there is no column \"" STR_FMT "\" for the key",
                    STR_ARG(t->stream), STR_ARG(t->key->items[i]));
            return err_hint(err, "correct \"table-key-properties\" in the catalog");
        }
        jw_str(jw, t->schema->columns[at].name);
    }
    jw_end_array(jw);
    return true;
}

bool singer_writer_schema(struct singer_writer *w, const struct singer_stream_text *t,
                          struct err *err)
{
    struct json_writer jw = json_writer(&w->out);
    if (!prepare(w, t, err)) {
        return false;
    }
    jw_begin_object(&jw);
    jw_member_str(&jw, "type", STR("SCHEMA"));
    jw_member_str(&jw, "stream", t->stream);
    jw_key(&jw, STR("schema"));
    jw_begin_object(&jw);
    jw_member_str(&jw, "type", STR("object"));
    jw_key(&jw, STR("properties"));
    jw_begin_object(&jw);
    for (size_t i = 0; i < t->schema->count; i++) {
        if (w->members[i].len > 0) {
            jw_key(&jw, t->schema->columns[i].name);
            row_json_write_schema(&jw, &t->schema->columns[i]);
        }
    }
    jw_end_object(&jw);
    jw_end_object(&jw);
    if (!write_key(t, &jw, err)) {
        return false;
    }
    if (t->replication_key.len > 0) {
        jw_key(&jw, STR("bookmark_properties"));
        jw_begin_array(&jw);
        jw_str(&jw, t->replication_key);
        jw_end_array(&jw);
    }
    jw_end_object(&jw);
    buf_add_char(&w->out, '\n');
    return check_room(&w->out, err);
}

static bool refuse_value(const struct singer_writer *w, const struct column *c,
                         const struct value *v, struct err *err)
{
    static const char *const names[] = {
        [VALUE_NULL] = "NULL", [VALUE_INTEGER] = "an integer", [VALUE_REAL] = "a real number",
        [VALUE_TEXT] = "text", [VALUE_BLOB] = "bytes",
    };
    struct str type = column_sql_type(c);
    err_set(err, ERR_INVALID,
            "stream " STR_FMT ", column \"" STR_FMT "\" of type " STR_FMT " holds %s",
            STR_ARG(w->stream), STR_ARG(c->name), STR_ARG(type.len > 0 ? type : STR("any")),
            names[v->type]);
    return err_hint(err, "correct the value, deselect the column, or read a view that casts it");
}

bool singer_writer_record(struct singer_writer *w, const struct value *row, struct err *err)
{
    struct json_writer jw = json_writer(&w->out);
    buf_add_char(&w->out, '{');
    for (size_t i = 0; i < w->schema->count; i++) {
        if (w->members[i].len == 0) {
            continue;
        }
        if (!row_json_fits(&w->schema->columns[i], &row[i])) {
            return refuse_value(w, &w->schema->columns[i], &row[i], err);
        }
        buf_add(&w->out, w->members[i]);
        jw.needs_comma = false;
        row_json_write(&jw, &w->schema->columns[i], &row[i]);
    }
    buf_add_char(&w->out, '}');
    return check_room(&w->out, err);
}

bool singer_writer_row(struct singer_writer *w, const struct value *row, struct err *err)
{
    size_t start = w->out.len;
    buf_add_text(&w->out, "{\"type\":\"RECORD\",\"stream\":");
    buf_add(&w->out, w->stream);
    buf_add_text(&w->out, ",\"record\":");
    if (!singer_writer_record(w, row, err)) {
        w->out.len = start;
        return false;
    }
    buf_add_text(&w->out, "}\n");
    return check_room(&w->out, err);
}

bool singer_writer_batch(struct singer_writer *w, struct str compression, struct str uri,
                         struct err *err)
{
    struct json_writer jw = json_writer(&w->out);
    buf_add_text(&w->out, "{\"type\":\"BATCH\",\"stream\":");
    buf_add(&w->out, w->stream);
    buf_add_text(&w->out, ",\"encoding\":{\"format\":\"jsonl\",\"compression\":");
    jw_str(&jw, compression);
    buf_add_text(&w->out, "},\"manifest\":[");
    jw.needs_comma = false;
    jw_str(&jw, uri);
    buf_add_text(&w->out, "]}\n");
    return check_room(&w->out, err);
}

bool singer_writer_state(struct singer_writer *w, struct str state, struct err *err)
{
    buf_add_text(&w->out, "{\"type\":\"STATE\",\"value\":");
    buf_add(&w->out, state);
    buf_add_text(&w->out, "}\n");
    return check_room(&w->out, err);
}
