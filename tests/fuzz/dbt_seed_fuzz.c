/* Seeds of any bytes: rows come to an end, every field has a value of its column's inferred type, and the
 * statements that are built of them hold no more statements than one. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "agent/transform/loaded_at.h"
#include "agent/transform/seed_rows.h"
#include "agent/transform/seed_sql.h"
#include "common/base/compiler.h"

enum { FIELDS_MAX = 100000 };

/* No quote is left open and no semicolon stands outside of them. */
static void check_statement(struct str sql)
{
    char quote = '\0';
    for (size_t i = 0; i < sql.len; i++) {
        char c = sql.ptr[i];
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else {
            assert(c != ';' && c != '\\');
            quote = c == '\'' || c == '"' ? c : '\0';
        }
    }
    assert(quote == '\0');
}

static struct seed_column inferred[SEED_COLUMNS_MAX];

static void see(const struct str *fields, void *ctx)
{
    const struct seed_table *table = ctx;
    for (size_t i = 0; i < table->count; i++) {
        struct wall_time time;
        bool ignored;
        struct str type;
        if (seed_declared_type(table->spec, table->names[i], &type)) {
            inferred[i] = seed_column_new(true);
        }
        seed_column_see(&inferred[i], fields[i]);
        if (fields[i].ptr != NULL) {
            bool is_time = loaded_at_read(fields[i], &time, &ignored);
            (void)is_time;
        }
    }
}

static void write(const struct str *fields, void *ctx)
{
    struct seed_table *table = ctx;
    AUTO(buf) sql = buf_growing(8 << 20);
    size_t column;
    seed_add_create(table, &sql);
    check_statement(buf_str(&sql));
    buf_reset(&sql);
    seed_add_insert(table, &sql);
    bool is_ok = seed_add_row(table, fields, &sql, &column);
    assert(is_ok); /* what was seen has a value */
    check_statement(buf_str(&sql));
}

/* False: the text is no seed. */
static bool each_row(const struct seed_source *source, struct arena *arena,
                     struct seed_table *table, void (*take)(const struct str *fields, void *ctx))
{
    struct seed_rows *rows;
    struct err err = {0};
    if (!seed_rows_open(source, arena, &rows, &err)) {
        assert(err.msg[0] != '\0');
        return false;
    }
    table->names = seed_rows_names(rows, &table->count);
    const struct str *fields = NULL;
    bool is_ok = true;
    for (size_t i = 0; i < FIELDS_MAX && (is_ok = seed_rows_next(rows, &fields, &err)); i++) {
        if (fields == NULL) {
            break;
        }
        take(fields, table);
    }
    seed_rows_close(rows);
    return is_ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 2) {
        return 0;
    }
    AUTO(arena) arena = arena_new(16 << 20);
    struct relation relation = {.quoted = STR("main.\"seed\"")};
    struct str text = {(const char *)input + 2, size - 2};
    /* The first byte chooses the settings, the second the delimiter; the text is a type, too. */
    struct str key = STR("a");
    struct dbt_spec spec = {.quotes_columns = (input[0] & 1) != 0,
                            .column_types = {&key, &text, (input[0] & 2) != 0}};
    struct seed_source source = {.text = text,
                                 .delimiter = input[1] < 0x80 && input[1] != '"' &&
                                                      input[1] != '\n' && input[1] != '\r'
                                                  ? (char)input[1]
                                                  : ','};
    struct seed_table table = {.relation = &relation,
                               .spec = &spec,
                               .is_postgres = (input[0] & 4) != 0,
                               .columns = inferred};
    for (size_t i = 0; i < SEED_COLUMNS_MAX; i++) {
        inferred[i] = seed_column_new(false);
    }
    struct err err = {0};
    if (each_row(&source, &arena, &table, see) && seed_check_table(&table, &err)) {
        (void)each_row(&source, &arena, &table, write);
    }
    return 0;
}
