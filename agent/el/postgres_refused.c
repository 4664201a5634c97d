#include "agent/el/postgres_refused.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"

static bool reject(struct postgres_sink *t, int64_t row, struct err *why, struct err *err)
{
    struct bad_record bad;
    bad_record_set(&bad, STR(""), row, buf_str(&t->record), why);
    bad.reject.stream = t->table.name;
    return rejects_make_room(t->link->rejects, err) &&
           rejects_add(t->link->rejects, &bad.reject, err);
}

/* A line that was sent, as one JSON object. */
static bool write_line(struct postgres_sink *t, struct str line, struct err *err)
{
    AUTO(buf) copy = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 4);
    buf_add(&copy, line);
    buf_reset(&t->record);
    if (copy.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row");
    }
    struct copy_reader reader = copy_reader(copy.ptr, copy.len);
    struct copy_field field;
    struct json_writer w = json_writer(&t->record);
    jw_begin_object(&w);
    for (size_t i = 0; i < t->count && copy_reader_next(&reader, &field); i++) {
        struct str text = {field.ptr, field.len};
        int64_t number = 0;
        jw_key(&w, t->names[i]);
        if (field.is_null) {
            jw_null(&w);
        } else if (str_to_i64(text, INT64_MIN, INT64_MAX, &number) &&
                   column_kind_is_number(t->kinds[i])) {
            jw_i64(&w, number);
        } else {
            jw_str(&w, text);
        }
    }
    jw_end_object(&w);
    return true;
}

bool postgres_refused_line(void *ctx, struct str line, size_t index, struct err *why,
                           struct err *err)
{
    struct postgres_sink *t = ctx;
    return write_line(t, line, err) && reject(t, t->first_row + t->line_rows[index], why, err);
}

bool postgres_refused_row(struct postgres_sink *t, const struct value *row, struct err *err)
{
    struct err why = *err;
    if (!rejects_are_on(t->link->rejects) || err->code != ERR_INVALID) {
        return err_wrap(err, "target postgres: row %lld", (long long)t->row);
    }
    *err = (struct err){0};
    buf_reset(&t->record);
    reject_write_row(t->schema, row, &t->record);
    return reject(t, t->row, &why, err);
}
