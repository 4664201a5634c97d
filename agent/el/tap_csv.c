/* Tap csv. DESIGN: columns that the target's table has keep its types. For others a first pass over
 * what is to be read finds the narrowest type that keeps every field's text: INTEGER, REAL, else
 * TEXT ("007" stays text). Empty fields are NULL, empty quoted fields ("") are empty text, as
 * PostgreSQL's COPY has it; in a number column both are NULL. */
#include "agent/el/connectors.h"
#include "agent/el/csv.h"
#include "agent/el/file_tap.h"
#include "agent/el/number.h"
#include "common/base/limits.h"

#include <stdlib.h>
#include <string.h>

struct guess {
    bool is_fixed; /* by the target's table */
    bool is_text;
    bool is_real;
    bool is_number;
};
struct tap_csv {
    struct file_tap file;
    const struct tap_context *context;
    const struct tap_options *options;
    char delimiter;
    struct csv_field *fields;
    struct csv_record record;
    size_t *column_of; /* by field of the present file */
    size_t fields_count;
    struct guess *guesses; /* by column */
    struct str text;       /* of the record */
    bool is_bad_record;    /* of the last error: the next record may be well */
};

static struct tap_csv *csv_of(struct tap *tap)
{
    return (struct tap_csv *)(void *)tap;
}

static bool check_options(struct tap_csv *t, const struct tap_options *o, struct err *err)
{
    if (!csv_check(o, t->context->mode, err)) {
        return err_wrap(err, "tap csv");
    }
    t->delimiter = o->delimiter.ptr[0];
    return true;
}

/* The error is of this record alone. Always false. */
static bool bad_record(struct tap_csv *t, struct err *err)
{
    t->is_bad_record = true;
    return file_tap_wrap(&t->file, err);
}

static bool check_text(struct tap_csv *t, struct err *err)
{
    struct str text = t->text;
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        err_set(err, ERR_INVALID, "a zero byte is not text");
        err_hint(err, "a file in UTF-16? convert it: iconv -f utf-16 -t utf-8");
        return bad_record(t, err);
    }
    if (!str_is_utf8(text)) {
        err_set(err, ERR_INVALID, "not UTF-8");
        err_hint(err, "convert the file, for example: iconv -f latin1 -t utf-8");
        return bad_record(t, err);
    }
    return true;
}

static void skip_byte_order_mark(struct file_reader *r)
{
    if (r->offset == 0 && r->end - r->start >= 3 &&
        memcmp(r->memory + r->start, "\xef\xbb\xbf", 3) == 0) {
        file_reader_consume(r, 3);
    }
}

/* The next record of the open file into t->record; the reader stands behind it and reader.line is
 * its first line until the next call. */
static bool read_record(struct tap_csv *t, bool *ret_found, struct err *err)
{
    struct file_reader *r = &t->file.reader;
    t->is_bad_record = false;
    r->line += (int64_t)t->record.lines - (int64_t)t->record.lines_before;
    t->record.lines = 0;
    t->record.lines_before = 0;
    for (;;) {
        char *input = r->memory + r->start;
        bool is_at_end = file_reader_at_end(r);
        bool is_last = is_at_end && !file_tap_is_growing(&t->file);
        enum csv_result result =
            csv_next(input, r->end - r->start, is_last, t->delimiter, &t->record, err);
        if (result == CSV_BAD) {
            r->line += (int64_t)t->record.lines;
            return file_tap_wrap(&t->file, err);
        }
        if (result == CSV_MORE && is_at_end) {
            *ret_found = false; /* its end is not written yet */
            return true;
        }
        if (result == CSV_MORE) {
            if (!file_reader_fill(r, LIMIT_SINGER_LINE_BYTES, err)) {
                return false;
            }
            skip_byte_order_mark(r);
            continue;
        }
        file_reader_consume(r, t->record.bytes);
        r->line += (int64_t)t->record.lines_before;
        *ret_found = result == CSV_RECORD;
        t->text = (struct str){input, t->record.bytes};
        return result == CSV_END || check_text(t, err);
    }
}

static struct str field_text(struct csv_field *f)
{
    if (f->has_escape) {
        csv_unescape(f);
    }
    return (struct str){f->ptr, f->len};
}

/* The column with this name, added when it is new. */
static bool column_for(struct tap_csv *t, struct str name, size_t *ret, struct err *err)
{
    struct schema *schema = &t->file.stream.schema;
    if (schema_find(schema, name, ret)) {
        return true;
    }
    struct column column = {.name = name, .kind = COLUMN_TEXT};
    const struct schema *existing = t->context->existing;
    size_t there = 0;
    bool is_fixed =
        t->context->mode != MODE_OVERWRITE && schema_find_nocase(existing, name, &there);
    if (is_fixed) {
        column.kind = existing->columns[there].kind;
        column.type = existing->columns[there].type;
    }
    if (!schema_add(schema, &column, err)) {
        return false;
    }
    *ret = schema->count - 1;
    t->guesses[*ret].is_fixed = is_fixed;
    return true;
}

static bool map_field(struct tap_csv *t, size_t field, struct str name, struct err *err)
{
    size_t column = 0;
    if (name.len == 0) {
        err_set(err, ERR_INVALID, "field %zu of the header is empty", field + 1);
        return err_hint(err, "give every column a name, or set \"header: false\"");
    }
    if (!column_for(t, name, &column, err)) {
        return false;
    }
    for (size_t i = 0; i < field; i++) {
        if (t->column_of[i] == column) {
            err_set(err, ERR_INVALID, "the header names \"" STR_FMT "\" twice", STR_ARG(name));
            return err_hint(err, "give every column a name of its own");
        }
    }
    t->column_of[field] = column;
    return true;
}

static bool read_header(struct tap_csv *t, struct err *err)
{
    bool found = false;
    t->fields_count = 0;
    if (!read_record(t, &found, err)) {
        return false;
    }
    for (size_t i = 0; found && i < t->record.count; i++) {
        if (!map_field(t, i, field_text(&t->fields[i]), err)) {
            return file_tap_wrap(&t->file, err);
        }
    }
    t->fields_count = found ? t->record.count : 0;
    return true;
}

/* Names from the options, else "c1", "c2", ... as many as the first record has. */
static bool name_fields(struct tap_csv *t, size_t count, struct err *err)
{
    const struct str_list *names = &t->options->columns;
    if (names->count > 0 && names->count != count) {
        err_set(err, ERR_INVALID, "%zu fields, but \"columns\" names %zu", count, names->count);
        return err_hint(err, "name every field; check \"delimiter\"");
    }
    for (size_t i = 0; i < count; i++) {
        struct str name =
            names->count > 0 ? names->items[i] : arena_printf(t->context->arena, "c%zu", i + 1);
        if (!map_field(t, i, name, err)) {
            return false;
        }
    }
    t->fields_count = count;
    return true;
}

static bool check_width(struct tap_csv *t, struct err *err)
{
    if (t->fields_count == 0 && !t->options->header) {
        return name_fields(t, t->record.count, err) || file_tap_wrap(&t->file, err);
    }
    if (t->record.count == t->fields_count) {
        return true;
    }
    err_set(err, ERR_INVALID, "%zu fields, but %s has %zu", t->record.count,
            t->options->header ? "the header" : "the first record", t->fields_count);
    err_hint(err, "check \"delimiter\", and quote fields that contain it");
    return bad_record(t, err);
}

static bool open_one(struct tap_csv *t, bool *ret_found, struct err *err)
{
    t->record.lines = 0;
    t->record.lines_before = 0;
    t->fields_count = 0;
    if (!file_tap_open_next(&t->file, ret_found, err)) {
        return false;
    }
    if (!*ret_found) {
        return true;
    }
    if (t->options->header && !read_header(t, err)) {
        return false;
    }
    if (t->file.files.entries[t->file.current].offset > t->file.reader.offset) {
        t->record.lines = 0;
        t->record.lines_before = 0;
    }
    return file_tap_seek(&t->file, err);
}

static bool open_next(struct tap_csv *t, bool *ret_found, struct err *err)
{
    do {
        if (open_one(t, ret_found, err)) {
            return true;
        }
    } while (file_tap_forgive(&t->file, err));
    return false;
}

/* The file's next record; *ret_found false too at its end, and where it breaks off. */
static bool next_of_file(struct tap_csv *t, bool *ret_found, struct err *err)
{
    *ret_found = false;
    if (!read_record(t, ret_found, err)) {
        return file_tap_forgive(&t->file, err);
    }
    return !*ret_found || check_width(t, err);
}

static void look_at_field(struct guess *g, struct str text)
{
    if (g->is_fixed || g->is_text || text.len == 0) {
        return;
    }
    enum column_kind kind = number_kind(text);
    g->is_number = true;
    g->is_text = kind == COLUMN_TEXT;
    g->is_real = g->is_real || kind == COLUMN_REAL;
}

static bool is_open_question(const struct tap_csv *t)
{
    for (size_t i = 0; i < t->fields_count; i++) {
        const struct guess *g = &t->guesses[t->column_of[i]];
        if (!g->is_fixed && !g->is_text) {
            return true;
        }
    }
    return false;
}

static bool look_at_file(struct tap_csv *t, struct err *err)
{
    bool found = true;
    for (int64_t n = 0; found; n++) {
        /* Without a header the first record tells how many columns there are. */
        if (n % 1024 == (t->options->header ? 0 : 1) && !is_open_question(t)) {
            return true;
        }
        if (!next_of_file(t, &found, err)) {
            if (!t->is_bad_record || !t->context->takes_rejects) {
                return false;
            }
            *err = (struct err){0}; /* the second pass rejects it */
            continue;
        }
        for (size_t i = 0; found && i < t->record.count; i++) {
            look_at_field(&t->guesses[t->column_of[i]], field_text(&t->fields[i]));
        }
    }
    return true;
}

/* First pass: the headers of all files and, as long as a type is open, the records. */
static bool look(struct tap_csv *t, struct err *err)
{
    bool found = true;
    t->file.is_looking = true;
    for (;;) {
        if (!open_next(t, &found, err)) {
            return false;
        }
        if (!found) {
            break;
        }
        if (!look_at_file(t, err)) {
            return false;
        }
    }
    struct schema *schema = &t->file.stream.schema;
    for (size_t i = 0; i < schema->count; i++) {
        struct guess *g = &t->guesses[i];
        if (!g->is_fixed && g->is_number && !g->is_text) {
            schema->columns[i].kind = g->is_real ? COLUMN_REAL : COLUMN_INTEGER;
        }
        g->is_fixed = true; /* for what is read later */
    }
    file_tap_rewind(&t->file);
    return true;
}

static bool not_a_number(struct tap_csv *t, const struct column *c, struct str text,
                         struct err *err)
{
    struct str type = column_sql_type(c);
    struct str shown = str_slice(text, 0, 60);
    err_set(err, ERR_INVALID,
            "column \"" STR_FMT "\": \"" STR_FMT
            "\" is no number that fits the table's type " STR_FMT,
            STR_ARG(c->name), STR_ARG(shown), STR_ARG(type));
    err_hint(err, "correct the file, or load with mode overwrite, which chooses the types anew");
    return bad_record(t, err);
}

static bool convert(struct tap_csv *t, const struct column *c, struct csv_field *f,
                    struct value *ret, struct err *err)
{
    /* A declared BOOLEAN, like any type that is neither number nor text, is SQLite's affair. */
    bool is_number = c->kind == COLUMN_INTEGER || c->kind == COLUMN_REAL;
    if (f->len == 0) {
        *ret = (struct value){.type = VALUE_NULL};
        if (f->is_quoted && !is_number) {
            *ret = (struct value){.type = VALUE_TEXT, .as.text = STR("")};
        }
        return true;
    }
    struct str text = field_text(f);
    if (is_number) {
        return number_parse(text, ret) || not_a_number(t, c, text, err);
    }
    *ret = (struct value){.type = VALUE_TEXT, .as.text = text};
    return true;
}

static bool fill_row(struct tap_csv *t, struct err *err)
{
    struct tap *base = &t->file.base;
    const struct schema *schema = &t->file.stream.schema;
    if (t->fields_count < schema->count) {
        for (size_t i = 0; i < schema->count; i++) {
            base->row[i].type = VALUE_NULL; /* columns that only other files have */
        }
    }
    for (size_t i = 0; i < t->record.count; i++) {
        size_t column = t->column_of[i];
        if (!convert(t, &schema->columns[column], &t->fields[i], &base->row[column], err)) {
            return false;
        }
    }
    base->rows_read++;
    base->bytes_read += (int64_t)t->record.bytes;
    return true;
}

static bool reject(struct tap_csv *t, enum tap_result *ret, struct err *err)
{
    if (!t->is_bad_record || !t->context->takes_rejects) {
        return false;
    }
    t->file.base.bytes_read += (int64_t)t->record.bytes;
    file_tap_reject(&t->file, t->file.stream.name, str_trim(t->text), err);
    *ret = TAP_REJECT;
    return true;
}

static bool make_row(struct tap_csv *t, struct err *err)
{
    size_t count = t->file.stream.schema.count;
    t->file.base.row = arena_array(t->context->arena, count + 1, sizeof(*t->file.base.row));
    return t->file.base.row != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a row");
}

/* What came is looked through; new columns are told first. */
static bool take_more(struct tap_csv *t, enum tap_result *ret, struct err *err)
{
    size_t known = t->file.stream.schema.count;
    bool is_first = t->file.base.stream == NULL;
    if (!look(t, err)) {
        return false;
    }
    t->file.base.stream = &t->file.stream;
    bool is_new = is_first || t->file.stream.schema.count > known;
    *ret = is_new ? TAP_SCHEMA : TAP_IDLE;
    return !is_new || make_row(t, err);
}

static bool wait_for_more(struct tap_csv *t, enum tap_result *ret, struct err *err)
{
    enum file_tap_wait wait = FILE_TAP_OVER;
    if (!file_tap_wait(&t->file, &wait, err)) {
        return false;
    }
    *ret = wait == FILE_TAP_OVER ? TAP_END : TAP_IDLE;
    return wait != FILE_TAP_MORE || take_more(t, ret, err);
}

static bool csv_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_csv *t = csv_of(tap);
    for (;;) {
        bool found = false;
        if (t->file.is_open && !next_of_file(t, &found, err)) {
            return reject(t, ret, err);
        }
        if (found) {
            *ret = TAP_ROW;
            return fill_row(t, err) || reject(t, ret, err);
        }
        if (!open_next(t, &found, err)) {
            return false;
        }
        if (!found) {
            return wait_for_more(t, ret, err);
        }
    }
}

static bool csv_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    return file_tap_state(&csv_of(tap)->file, "", STR(""), out, err);
}

static void csv_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        file_tap_fini(&csv_of(tap)->file);
    }
}

static bool csv_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct arena *arena = context->arena;
    struct tap_csv *t = arena_alloc(arena, sizeof(*t));
    if (t != NULL) {
        t->fields = arena_array(arena, LIMIT_COLUMNS, sizeof(*t->fields));
        t->column_of = arena_array(arena, LIMIT_COLUMNS, sizeof(*t->column_of));
        t->guesses = arena_array(arena, LIMIT_COLUMNS, sizeof(*t->guesses));
    }
    if (t == NULL || t->fields == NULL || t->column_of == NULL || t->guesses == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = context->options;
    t->file.base.ops = &tap_csv;
    t->file.base.stream = &t->file.stream;
    t->file.stream.schema = schema_new(arena);
    t->record = (struct csv_record){.fields = t->fields, .cap = LIMIT_COLUMNS};
    bool ok = check_options(t, t->options, err) && file_tap_init(&t->file, context, err) &&
              (t->file.base.is_unchanged || look(t, err));
    if (!ok || !make_row(t, err)) {
        csv_tap_close(&t->file.base);
        return false;
    }
    if (t->file.stream.schema.count == 0 && context->mode != MODE_OVERWRITE) {
        t->file.base.stream = NULL; /* nothing is there yet */
    }
    *ret = &t->file.base;
    return true;
}

static bool csv_tap_discover(const struct tap_context *context, const struct found_taker *taker,
                             struct err *err)
{
    return file_tap_discover(&tap_csv, context, taker, err);
}

const struct tap_ops tap_csv = {
    .type = "csv",
    .options = &tap_csv_options,
    .open = csv_tap_open,
    .next = csv_tap_next,
    .state = csv_tap_state,
    .close = csv_tap_close,
    .discover = csv_tap_discover,
    .choose = file_tap_choose,
};
