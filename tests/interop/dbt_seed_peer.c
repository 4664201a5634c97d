/* dbt_seed_peer.c - what we make of seeds: for each line of input, a CSV's path, one line of JSON with
 * the columns' names, types, whether numbers have decimal places, and the values. A path may be
 * followed by a tab and names of columns whose type is declared, with tabs between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/transform/seed_rows.h"
#include "common/base/buf.h"
#include "common/dbt/seed_types.h"
#include "common/json/json_writer.h"

struct job {
    struct seed_source source;
    struct str declared; /* names, with tabs between */
};

static bool is_declared(const struct job *job, struct str name)
{
    struct str rest = job->declared;
    while (rest.len > 0) {
        struct str head;
        str_cut(rest, '\t', &head, &rest);
        if (str_eq(head, name)) {
            return true;
        }
    }
    return false;
}

static bool infer(const struct job *job, struct arena *arena, struct seed_column *columns,
                  struct err *err)
{
    struct seed_rows *rows;
    if (!seed_rows_open(&job->source, arena, &rows, err)) {
        return false;
    }
    size_t count;
    const struct str *names = seed_rows_names(rows, &count);
    for (size_t i = 0; i < count; i++) {
        columns[i] = seed_column_new(is_declared(job, names[i]));
    }
    const struct str *fields;
    bool is_ok;
    while ((is_ok = seed_rows_next(rows, &fields, err)) && fields != NULL) {
        for (size_t i = 0; i < count; i++) {
            seed_column_see(&columns[i], fields[i]);
        }
    }
    seed_rows_close(rows);
    return is_ok;
}

static void write_columns(struct json_writer *w, const struct str *names, size_t count,
                          const struct seed_column *columns)
{
    jw_key(w, STR("columns"));
    jw_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_begin_array(w);
        jw_str(w, names[i]);
        jw_str(w, str_from(seed_type_name(seed_column_type(&columns[i]))));
        jw_bool(w, seed_column_type(&columns[i]) == SEED_NUMBER &&
                       seed_column_has_decimals(&columns[i]));
        jw_end_array(w);
    }
    jw_end_array(w);
}

static void write_field(struct json_writer *w, enum seed_type type, struct str field)
{
    struct seed_value value;
    if (!seed_value_read(type, field, &value)) {
        jw_i64(w, -1); /* no text: a difference */
    } else if (value.is_null) {
        jw_null(w);
    } else {
        jw_str(w, value.text);
    }
}

static bool write_table(const struct job *job, struct arena *arena, struct json_writer *w,
                        struct err *err)
{
    static struct seed_column columns[SEED_COLUMNS_MAX];
    struct seed_rows *rows;
    if (!infer(job, arena, columns, err) || !seed_rows_open(&job->source, arena, &rows, err)) {
        return false;
    }
    size_t count;
    const struct str *names = seed_rows_names(rows, &count);
    write_columns(w, names, count, columns);
    jw_key(w, STR("rows"));
    jw_begin_array(w);
    const struct str *fields;
    bool is_ok;
    while ((is_ok = seed_rows_next(rows, &fields, err)) && fields != NULL) {
        jw_begin_array(w);
        for (size_t i = 0; i < count; i++) {
            write_field(w, seed_column_type(&columns[i]), fields[i]);
        }
        jw_end_array(w);
    }
    jw_end_array(w);
    seed_rows_close(rows);
    return is_ok;
}

static void answer(const struct job *job, struct buf *out)
{
    AUTO(arena) arena = arena_new(16 << 20);
    struct err err = {0};
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    if (!write_table(job, &arena, &w, &err)) {
        buf_reset(out);
        w = json_writer(out);
        jw_begin_object(&w);
        jw_member_str(&w, "error", str_from(err.msg));
    }
    jw_end_object(&w);
}

int main(void)
{
    char line[8192];
    AUTO(buf) out = buf_growing(64 << 20);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        struct str path;
        struct job job = {.source = {.delimiter = ','}};
        str_cut(str_from(line), '\t', &path, &job.declared);
        line[path.len] = '\0';
        job.source.path = line;
        buf_reset(&out);
        answer(&job, &out);
        if (buf_cstr(&out) == NULL || puts(buf_cstr(&out)) == EOF || fflush(stdout) == EOF) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
