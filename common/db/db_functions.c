#include "common/db/db_internal.h"

#include "common/base/md5.h"
#include <limits.h>
#include <math.h>

static struct str text_of(sqlite3_value *v)
{
    const void *text = sqlite3_value_text(v);
    return text == NULL ? STR_NONE : (struct str){text, (size_t)sqlite3_value_bytes(v)};
}

static struct str blob_of(sqlite3_value *v)
{
    const void *bytes = sqlite3_value_blob(v);
    return bytes == NULL ? STR("") : (struct str){bytes, (size_t)sqlite3_value_bytes(v)};
}

static void result_text(sqlite3_context *context, struct str text)
{
    sqlite3_result_text64(context, text.ptr == NULL ? "" : text.ptr, text.len, SQLITE_TRANSIENT,
                          SQLITE_UTF8);
}

static void md5_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    unsigned char hash[MD5_BYTES];
    int type = sqlite3_value_type(argv[0]);
    if (type == SQLITE_NULL) {
        return; /* which gives NULL */
    }
    md5(type == SQLITE_BLOB ? blob_of(argv[0]) : text_of(argv[0]), hash);
    sqlite3_result_blob(context, hash, MD5_BYTES, SQLITE_TRANSIENT);
}

/* Where the next `mark` begins in `text`, or its end. */
static size_t find(struct str text, struct str mark)
{
    for (size_t i = 0; i + mark.len <= text.len; i++) {
        if (str_eq(str_slice(text, i, i + mark.len), mark)) {
            return i;
        }
    }
    return text.len;
}

static int64_t count_parts(struct str text, struct str mark)
{
    int64_t parts = 1;
    for (size_t at = find(text, mark); at < text.len; at = find(text, mark)) {
        text = str_slice(text, at + mark.len, text.len);
        parts++;
    }
    return parts;
}

/* As PostgreSQL's: parts count from 1, negative ones from the end. */
static struct str part_of(struct str text, struct str mark, int64_t number)
{
    if (mark.len == 0) {
        return number == 1 || number == -1 ? text : STR("");
    }
    int64_t parts = count_parts(text, mark);
    int64_t wanted = number < 0 ? parts + 1 + number : number;
    if (wanted < 1 || wanted > parts) {
        return STR("");
    }
    for (int64_t i = 1; i < wanted; i++) {
        text = str_slice(text, find(text, mark) + mark.len, text.len);
    }
    return str_slice(text, 0, find(text, mark));
}

static void split_part_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    for (int i = 0; i < argc; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
            return;
        }
    }
    int64_t number = sqlite3_value_int64(argv[2]);
    if (number == 0 || number < -INT_MAX || number > INT_MAX) {
        sqlite3_result_error(context, "split_part: parts count from 1, or from the end by -1", -1);
        return;
    }
    result_text(context, part_of(text_of(argv[0]), text_of(argv[1]), number));
}

/* An integer stays one, as with SQLite's own, which a build may lack. */
static void round_function(sqlite3_context *context, sqlite3_value *v, double (*round_to)(double))
{
    switch (sqlite3_value_numeric_type(v)) {
    case SQLITE_INTEGER:
        sqlite3_result_int64(context, sqlite3_value_int64(v));
        return;
    case SQLITE_FLOAT:
        sqlite3_result_double(context, round_to(sqlite3_value_double(v)));
        return;
    default:
        return;
    }
}

static void ceil_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    round_function(context, argv[0], ceil);
}

static void floor_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    round_function(context, argv[0], floor);
}

bool db_add_functions(struct db *db, struct err *err)
{
    static const struct {
        const char *name;
        int argc;
        void (*call)(sqlite3_context *context, int argc, sqlite3_value **argv);
    } functions[] = {
        {"md5", 1, md5_function},     {"split_part", 3, split_part_function},
        {"ceil", 1, ceil_function},   {"ceiling", 1, ceil_function},
        {"floor", 1, floor_function},
    };
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        /* "Innocuous", so that views may call them although the schema is not trusted. */
        int rc = sqlite3_create_function_v2(db->handle, functions[i].name, functions[i].argc,
                                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                            NULL, functions[i].call, NULL, NULL, NULL);
        if (rc != SQLITE_OK) {
            return db_fail(db, rc, str_from(functions[i].name), err);
        }
    }
    return true;
}
