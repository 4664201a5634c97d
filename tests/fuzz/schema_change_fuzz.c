/* schema_change_fuzz.c - a stream whose columns change, into the SQLite sink: afterwards every row
 * that was given is in the table with the values that it was given, as they are or as their text or
 * JSON, or it was rejected. The first byte is the policy; then come operations of a byte and what
 * they need: a schema, or a row. */
#include "agent/el/sqlite_sink.h"
#include "common/json/json_writer.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 4, ROWS_MAX = 64, TEXT_MAX = 8, KINDS = 5 };
static const struct str names[COLUMNS] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c"),
                                          STR_INIT("d")};
static const enum column_kind kinds[KINDS] = {COLUMN_INTEGER, COLUMN_REAL, COLUMN_BOOLEAN,
                                              COLUMN_TEXT, COLUMN_JSON};

struct input {
    const uint8_t *at;
    size_t left;
};
static uint8_t next_byte(struct input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->at++;
}

/* What was given: `kind` is that of the column then; a column that was not there is NULL. */
struct given {
    struct value value;
    enum column_kind kind;
    char text[TEXT_MAX];
};
struct world {
    struct sqlite_sink *sink;
    struct rejects rejects;
    struct input *in;
    const struct schema *schema;
    size_t places[COLUMNS]; /* of the schema's columns among the names */
    struct value row[COLUMNS];
    struct given rows[ROWS_MAX][COLUMNS];
    size_t count;
    int64_t loaded, refused; /* rows of the table and rejects before the present one */
    size_t to_give;
};

static struct value make_value(struct input *in, enum column_kind kind, char text[TEXT_MAX])
{
    uint8_t byte = next_byte(in);
    if (byte % 7 == 0) {
        return (struct value){.type = VALUE_NULL};
    }
    if (kind == COLUMN_INTEGER) {
        int64_t v = byte > 240 ? INT64_MAX - byte : (int64_t)byte - 100;
        return (struct value){.type = VALUE_INTEGER, .as.integer = v};
    }
    if (kind == COLUMN_BOOLEAN) {
        return (struct value){.type = VALUE_INTEGER, .as.integer = byte & 1};
    }
    if (kind == COLUMN_REAL) {
        return (struct value){.type = VALUE_REAL, .as.real = ((double)byte - 100) / 7};
    }
    if (kind == COLUMN_JSON) {
        return (struct value){.type = VALUE_TEXT,
                              .as.text = byte & 1 ? STR("{\"x\":1}") : STR("[1,\"2\"]")};
    }
    size_t len = byte % (TEXT_MAX - 1U);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(' ' + next_byte(in) % 95);
    }
    return (struct value){.type = VALUE_TEXT, .as.text = {text, len}};
}

static bool next_row(void *ctx, const struct value **ret, struct err *err)
{
    struct world *w = ctx;
    (void)err;
    *ret = NULL;
    if (w->to_give == 0 || w->count == ROWS_MAX) {
        return true;
    }
    w->to_give--;
    struct given *given = w->rows[w->count++];
    memset(given, 0, COLUMNS * sizeof(*given));
    for (size_t i = 0; i < w->schema->count; i++) {
        struct given *g = &given[w->places[i]];
        g->kind = w->schema->columns[i].kind;
        g->value = make_value(w->in, g->kind, g->text);
        w->row[i] = g->value;
    }
    *ret = w->row;
    return true;
}

/* --- what stands there against what was given ------------------------------------------------- */

static void write_json(const struct given *g, struct buf *out)
{
    struct json_writer w = json_writer(out);
    const struct value *v = &g->value;
    if (v->type == VALUE_TEXT && g->kind == COLUMN_JSON) {
        jw_raw(&w, v->as.text);
    } else if (v->type == VALUE_TEXT) {
        jw_str(&w, v->as.text);
    } else if (v->type == VALUE_REAL) {
        jw_double(&w, v->as.real);
    } else if (g->kind == COLUMN_BOOLEAN) {
        jw_bool(&w, v->as.integer == 1);
    } else {
        jw_i64(&w, v->as.integer);
    }
}

static void check_json(const struct given *g, struct str text)
{
    AUTO(buf) want = buf_growing(4096);
    double number = 0;
    write_json(g, &want);
    /* 5.0 and 5 are the same number, and a boolean that became a number before it became JSON is one. */
    double given = g->value.type == VALUE_REAL ? g->value.as.real : (double)g->value.as.integer;
    bool is_same_number =
        g->value.type != VALUE_TEXT && str_to_double(text, &number) && number == given;
    assert(is_same_number || str_eq(text, buf_str(&want)));
}

static void check_value(const struct db_query *q, int column, enum column_kind there,
                        const struct given *g)
{
    const struct value *v = &g->value;
    struct db_value got = db_col_value(q, column);
    double number = 0;
    if (v->type == VALUE_NULL) {
        assert(got.type == DB_NULL);
    } else if (there == COLUMN_JSON) {
        assert(got.type == DB_TEXT);
        check_json(g, got.as.text);
    } else if (got.type == DB_TEXT && v->type == VALUE_TEXT) {
        assert(str_eq(got.as.text, v->as.text));
    } else if (got.type == DB_TEXT) {
        assert(str_to_double(got.as.text, &number));
        assert(number == (v->type == VALUE_REAL ? v->as.real : (double)v->as.integer));
    } else if (v->type == VALUE_TEXT) { /* text that is a number, in a column of them */
        assert(str_to_double(str_trim(v->as.text), &number));
        assert(number == (got.type == DB_REAL ? got.as.real : (double)got.as.integer));
    } else {
        double want = v->type == VALUE_REAL ? v->as.real : (double)v->as.integer;
        assert(want == (got.type == DB_REAL ? got.as.real : (double)got.as.integer));
        assert(v->type != VALUE_INTEGER || got.type != DB_INTEGER ||
               got.as.integer == v->as.integer);
    }
}

static void check_table(const struct world *w)
{
    AUTO(db_query) q = {0};
    struct err err = {0};
    bool has_row = false;
    const struct schema *there = &w->sink->there;
    assert(db_prepare(w->sink->db, STR("SELECT * FROM t ORDER BY rowid"), &q, &err));
    for (size_t i = 0; i < w->count; i++) {
        assert(db_next(&q, &has_row, &err) && has_row);
        for (size_t c = 0; c < COLUMNS; c++) {
            for (int k = 0; k < db_col_count(&q); k++) {
                size_t at = 0;
                struct str name = str_from(db_col_name(&q, k));
                if (str_eq(name, names[c]) && schema_find(there, name, &at)) {
                    check_value(&q, k, there->columns[at].kind, &w->rows[i][c]);
                }
            }
        }
    }
    assert(db_next(&q, &has_row, &err) && !has_row);
}

/* --- operations -------------------------------------------------------------------------------- */

static bool change_schema(struct world *w, struct arena *arena)
{
    struct schema *schema = arena_alloc(arena, sizeof(*schema));
    struct err err = {0};
    assert(schema != NULL);
    *schema = schema_new(arena);
    for (size_t i = 0; i < COLUMNS; i++) {
        uint8_t byte = next_byte(w->in);
        if (byte % (KINDS + 1) < KINDS) {
            w->places[schema->count] = i;
            const struct column c = {.name = names[i], .kind = kinds[byte % (KINDS + 1)]};
            assert(schema_add(schema, &c, &err));
        }
    }
    if (schema->count == 0) {
        return true;
    }
    w->schema = schema;
    bool ok = sqlite_sink_set_schema(w->sink, schema, &(struct str_list){0}, &err);
    assert(ok || (err.code == ERR_INVALID && w->sink->load->on_schema_change == SCHEMA_ERROR));
    return ok;
}

static void give_row(struct world *w)
{
    struct err err = {0};
    size_t before = w->count;
    const struct row_source source = {.next = next_row, .ctx = w};
    w->to_give = 1;
    assert(sqlite_sink_load(w->sink, &source, &err));
    if (w->rejects.count > w->refused) { /* it is not there */
        assert(w->rejects.count == w->refused + 1);
        assert(w->sink->load->on_schema_change == SCHEMA_QUARANTINE);
        w->refused = w->rejects.count;
        w->count = before;
        rejects_taken(&w->rejects);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    AUTO(arena) arena = arena_new(16 << 20);
    struct err err = {0};
    struct world *w = calloc(1, sizeof(*w));
    const struct load_options load = {.mode = MODE_APPEND, .on_schema_change = next_byte(&in) % 4};
    const struct db_options memory = {.path = "file::memory:", .flags = DB_FOREIGN_FILE | DB_URI};
    struct db *db = NULL;
    assert(w != NULL && db_open(&db, &memory, &err) &&
           rejects_init(&w->rejects, STR("100%"), &err));
    w->in = &in;
    const struct sqlite_sink_options options = {.db = db,
                                                .table = STR("t"),
                                                .path = STR("t.db"),
                                                .load = &load,
                                                .rejects = &w->rejects,
                                                .arena = &arena};
    AUTO(db_tx) tx = {0};
    assert(db_tx_begin(db, &tx, &err) && sqlite_sink_open(&w->sink, &options, &err));
    bool ok = true;
    while (ok && in.left > 0) {
        if (next_byte(&in) % 4 == 0 || w->schema == NULL) {
            ok = change_schema(w, &arena);
        } else {
            give_row(w);
        }
    }
    if (ok && w->schema != NULL) {
        check_table(w);
    }
    sqlite_sink_close(w->sink);
    db_tx_release(&tx);
    db_close(db);
    rejects_release(&w->rejects);
    free(w);
    return 0;
}
