#include "el_work.h"

#include "agent/el/extract_load.h"
#include "common/gzip/gzip.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_ROWS = 150,
    NEW_ROWS = 60,
    UPDATES = 150,
    TEXT_BYTES_MAX = 4 << 20,
    UNPACK_BYTES = 4096,
    ARENA_BYTES_MAX = 64 << 20,
    CLOCK_STEP_NS = 20 * 1000,
};

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
    static int64_t now = INT64_C(1767225600) * NS_PER_SEC;
    (void)id;
    now += CLOCK_STEP_NS;
    *ret = (struct timespec){.tv_sec = now / NS_PER_SEC, .tv_nsec = now % NS_PER_SEC};
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

void el_work_fail(const struct el_work *w, const char *what, const char *text)
{
    fail_msg("%s seed=%llu cut=%d: %s%s", w->setup->name, (unsigned long long)w->seed, w->cut, what,
             text);
}

uint64_t el_work_below(struct el_work *w, uint64_t bound)
{
    struct rng port = seeded_rng_port(&w->rng);
    return rng_below(&port, bound);
}

/* --- databases, read in peace ----------------------------------------------------------------- */

static void must(const struct el_work *w, bool ok, const struct err *err)
{
    if (!ok) {
        el_work_fail(w, "", err->msg);
    }
}

static struct db *open_db(const struct el_work *w, const char *path)
{
    struct db *db = NULL;
    struct err err = {0};
    const struct db_options options = {.path = path, .flags = DB_FOREIGN_FILE};
    must(w, db_open(&db, &options, &err), &err);
    return db;
}

static void exec(const struct el_work *w, struct db *db, const char *sql)
{
    struct err err = {0};
    must(w, db_exec(db, sql, &err), &err);
}

/* The one number that it gives; `fallback` for NULL and without a row. */
static int64_t number(const struct el_work *w, struct db *db, const char *sql, int64_t fallback)
{
    int64_t n = 0;
    bool found = false;
    struct err err = {0};
    must(w, db_scalar_i64(db, sql, &n, &found, &err), &err);
    return found ? n : fallback;
}

static void expect_none(const struct el_work *w, struct db *db, const char *what, const char *sql)
{
    if (number(w, db, sql, 0) != 0) {
        el_work_fail(w, what, "");
    }
}

/* --- the source ------------------------------------------------------------------------------- */

static void add_csv_line(struct el_work *w, int64_t v)
{
    FILE *f = fopen(w->csv_path, "ae");
    assert_non_null(f);
    if (ftell(f) == 0) {
        (void)fprintf(f, "id,at,v,t\n");
    }
    (void)fprintf(f, "%lld,%lld,%lld,t%lld\n", (long long)w->rows, (long long)w->at, (long long)v,
                  (long long)v);
    assert_int_equal(fclose(f), 0);
}

static void add_row(struct el_work *w, struct db_query *insert)
{
    char text[32];
    struct err err = {0};
    int64_t v = (int64_t)el_work_below(w, 1000);
    (void)snprintf(text, sizeof(text), "t%lld", (long long)v);
    w->rows++;
    w->at++;
    db_bind_i64(insert, ":id", w->rows);
    db_bind_i64(insert, ":at", w->at);
    db_bind_i64(insert, ":v", v);
    db_bind_str(insert, ":t", str_from(text));
    must(w, db_run(insert, &err), &err);
    if (w->setup->writes_csv) {
        add_csv_line(w, v);
    }
}

static void change_rows(struct el_work *w, struct db *db, int new_rows, int updates)
{
    struct err err = {0};
    AUTO(db_query) insert = {0};
    AUTO(db_query) update = {0};
    must(w,
         db_prepare(db, STR("INSERT INTO sales VALUES (:id, :at, :v, :t)"), &insert, &err) &&
             db_prepare(db, STR("UPDATE sales SET at = :at, v = v + 1 WHERE id = :id"), &update,
                        &err),
         &err);
    exec(w, db, "BEGIN");
    for (int i = 0; i < new_rows; i++) {
        add_row(w, &insert);
    }
    for (int i = 0; i < updates; i++) {
        w->at++;
        db_bind_i64(&update, ":at", w->at);
        db_bind_i64(&update, ":id", (int64_t)el_work_below(w, (uint64_t)w->rows) + 1);
        must(w, db_run(&update, &err), &err);
    }
    exec(w, db, "COMMIT");
}

void el_work_change(struct el_work *w)
{
    struct db *db = open_db(w, "till.db");
    change_rows(w, db, NEW_ROWS, w->setup->has_updates ? UPDATES : 0);
    db_close(db);
}

static void make_source(struct el_work *w)
{
    struct db *db = open_db(w, "till.db");
    exec(w, db,
         "CREATE TABLE sales (id INTEGER PRIMARY KEY, at INTEGER NOT NULL UNIQUE, v INTEGER, t "
         "TEXT)");
    change_rows(w, db, FIRST_ROWS, 0);
    db_close(db);
}

/* --- what may be in the target ---------------------------------------------------------------- */

/* The target with the source beside it as `till`; NULL while it has no table: then no state may
 * speak of one. */
static struct db *open_target(struct el_work *w)
{
    struct db *db = open_db(w, "shop.db");
    exec(w, db, "ATTACH 'till.db' AS till");
    if (number(w, db, "SELECT count(*) FROM sqlite_schema WHERE name = 'sales'", 0) == 1) {
        return db;
    }
    if (number(w, db, "SELECT count(*) FROM sqlite_schema WHERE name = '_selvedge_state'", 0) ==
        1) {
        expect_none(w, db, "a state without a table", "SELECT count(*) FROM _selvedge_state");
    }
    db_close(db);
    return NULL;
}

static void expect_whole(const struct el_work *w, struct db *db)
{
    expect_none(w, db, "a row is missing or old",
                "SELECT count(*) FROM (SELECT id, at, v, t FROM till.sales EXCEPT "
                "SELECT id, at, v, t FROM main.sales)");
    expect_none(w, db, "a row of nobody",
                "SELECT count(*) FROM (SELECT id, at, v, t FROM main.sales EXCEPT "
                "SELECT id, at, v, t FROM till.sales)");
}

static void check_incremental(struct el_work *w, bool is_whole)
{
    struct db *db = open_target(w);
    if (db == NULL) {
        if (is_whole) {
            el_work_fail(w, "there is no table", "");
        }
        return;
    }
    exec(w, db,
         "CREATE TEMP VIEW mark AS SELECT coalesce(max(CAST(json_extract(value, "
         "'$.bookmarks.sales.replication_key_value') AS INTEGER)), 0) AS at FROM _selvedge_state");
    expect_none(w, db, "a row that the state claims is missing or old",
                "SELECT count(*) FROM (SELECT id, at, v, t FROM till.sales WHERE at <= (SELECT at "
                "FROM mark) EXCEPT SELECT id, at, v, t FROM main.sales)");
    expect_none(w, db, "a row that no state speaks of",
                "SELECT count(*) FROM main.sales WHERE at > (SELECT at FROM mark)");
    expect_none(w, db, "a row is there twice",
                "SELECT count(*) - count(DISTINCT id) FROM main.sales");
    if (is_whole) {
        expect_whole(w, db);
    }
    db_close(db);
}

static void check_csv(struct el_work *w, bool is_whole)
{
    struct db *db = open_target(w);
    if (db == NULL) {
        assert_false(is_whole);
        return;
    }
    expect_none(w, db, "a row is there twice",
                "SELECT count(*) - count(DISTINCT id) FROM main.sales");
    expect_none(w, db, "a row was passed over",
                "SELECT count(*) - coalesce(max(id), 0) FROM main.sales");
    if (is_whole) {
        expect_whole(w, db);
    }
    db_close(db);
}

/* --- files ------------------------------------------------------------------------------------ */

/* The source's rows as lines. */
static void add_lines(const struct el_work *w, const char *order, struct buf *out)
{
    struct err err = {0};
    struct db *db = open_db(w, "till.db");
    AUTO(db_query) q = {0};
    bool has_row = false;
    char sql[120];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT json_object('id', id, 'at', at, 'v', v, 't', t) FROM sales ORDER BY %s",
                   order);
    must(w, db_prepare(db, str_from(sql), &q, &err) && db_next(&q, &has_row, &err), &err);
    while (has_row) {
        buf_add(out, db_col_str(&q, 0));
        buf_add_char(out, '\n');
        must(w, db_next(&q, &has_row, &err), &err);
    }
    db_finish(&q);
    db_close(db);
    assert_false(out->overflow);
}

/* False: it is not there. */
static bool read_file(const struct el_work *w, const char *path, struct buf *into)
{
    struct err err = {0};
    if (!files_exist(path)) {
        return false;
    }
    must(w, files_read(path, into, &err), &err);
    return true;
}

/* Bytes of the file that its state speaks of; -1 without a state. */
static int64_t committed_bytes(const struct el_work *w)
{
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct json *root = NULL;
    struct err err = {0};
    if (!read_file(w, w->state_path, &text)) {
        return -1;
    }
    must(w, json_parse(buf_str(&text), TEXT_BYTES_MAX, &arena, &root, &err), &err);
    const struct json *files = json_get(root, "files"); /* of its only stream */
    assert_non_null(files);
    if (files->child == NULL) {
        return -1;
    }
    const struct json *bytes = json_get(files->child, "bytes");
    assert_non_null(bytes);
    return bytes->as.integer;
}

/* The text of the file's first `bytes` bytes, which are whole members; how long it is. */
static int64_t unpack(const struct el_work *w, struct buf *file, int64_t bytes)
{
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    struct str packed = str_slice(buf_str(file), 0, (size_t)bytes);
    struct gunzip *g = NULL;
    struct err err = {0};
    size_t len = 1;
    must(w, gunzip_open(&g, &err), &err);
    while (packed.len > 0 || len > 0) {
        char *to = buf_reserve(&text, UNPACK_BYTES);
        assert_non_null(to);
        must(w, gunzip_take(g, &packed, to, UNPACK_BYTES, &len, &err), &err);
        text.len += len;
    }
    bool is_whole = gunzip_is_whole(g);
    gunzip_close(g);
    if (!is_whole || file->len < (size_t)bytes) {
        el_work_fail(w, "what the state speaks of is no whole gzip file", "");
    }
    buf_reset(file);
    buf_add(file, buf_str(&text));
    return (int64_t)text.len;
}

static void check_jsonl(struct el_work *w, bool is_whole)
{
    AUTO(buf) expected = buf_growing(TEXT_BYTES_MAX);
    AUTO(buf) there = buf_growing(TEXT_BYTES_MAX);
    add_lines(w, "at", &expected);
    bool is_there = read_file(w, w->out_path, &there);
    int64_t bytes = committed_bytes(w);
    if (w->setup->is_packed && is_whole && (int64_t)there.len != bytes) {
        el_work_fail(w, "something is behind the last commit", "");
    }
    if (w->setup->is_packed && bytes > 0) {
        bytes = unpack(w, &there, bytes);
    }
    if (is_whole && (bytes != (int64_t)expected.len || there.len != expected.len)) {
        el_work_fail(w, "not all lines are there, or more", "");
    }
    if (!is_there || bytes <= 0) {
        return;
    }
    struct str claimed = str_slice(buf_str(&expected), 0, (size_t)bytes);
    if ((size_t)bytes > there.len || claimed.len != (size_t)bytes ||
        !str_eq(str_slice(buf_str(&there), 0, (size_t)bytes), claimed) ||
        claimed.ptr[claimed.len - 1] != '\n') {
        el_work_fail(w, "the lines that the state speaks of are not there", "");
    }
}

/* Of an overwrite: a load that failed may have shown its rows, and a cut may still take them back. So
 * it is the source as it was at any load since the last one in peace, whole. */
static void forget_known(struct el_work *w)
{
    for (size_t i = 0; i < w->known_count; i++) {
        buf_release(&w->known[i].lines);
    }
    w->known_count = 0;
}

static const struct el_snapshot *note_source(struct el_work *w, bool is_whole)
{
    if (is_whole) {
        forget_known(w);
    }
    assert_true(w->known_count < EL_KNOWN_MAX);
    struct el_snapshot *now = &w->known[w->known_count++];
    *now = (struct el_snapshot){.at = w->at, .lines = buf_growing(TEXT_BYTES_MAX)};
    add_lines(w, "id", &now->lines);
    return now;
}

static void check_overwrite(struct el_work *w, bool is_whole)
{
    const struct el_snapshot *now = note_source(w, is_whole);
    struct db *db = open_target(w);
    int64_t last = db == NULL ? 0 : number(w, db, "SELECT max(at) FROM main.sales", 0);
    bool is_known = false;
    for (size_t i = 0; i < w->known_count; i++) {
        is_known = is_known || w->known[i].at == last;
    }
    if (!is_known && (db != NULL || is_whole)) {
        el_work_fail(w, "rows that are not the source's", "");
    }
    if (last == now->at) {
        expect_whole(w, db);
        expect_none(w, db, "a row is there twice",
                    "SELECT count(*) - count(DISTINCT id) FROM main.sales");
    }
    db_close(db);
}

static void check_jsonl_overwrite(struct el_work *w, bool is_whole)
{
    AUTO(buf) there = buf_growing(TEXT_BYTES_MAX);
    (void)note_source(w, is_whole);
    bool is_known = !read_file(w, w->out_path, &there) && !is_whole;
    for (size_t i = 0; i < w->known_count; i++) {
        is_known = is_known || str_eq(buf_str(&there), buf_str(&w->known[i].lines));
    }
    if (!is_known) {
        el_work_fail(w, "lines that are not the source's", "");
    }
}

#define FROM_TILL "\"tap\": {\"type\": \"sqlite\", \"path\": \"till.db\", \"table\": \"sales\""
#define BY_KEY    FROM_TILL ", \"replication_key\": \"at\"}"
#define INTO_SHOP                                                                                  \
    "\"target\": {\"type\": \"sqlite\", \"path\": \"shop.db\", \"table\": \"sales\", "             \
    "\"flush_every\": \"1ms\""
#define INTO_JSONL                                                                                 \
    "\"target\": {\"type\": \"jsonl\", \"path\": \"$/out.jsonl\", \"flush_every\": \"1ms\""
#define STEP(tap_, target_)                                                                        \
    "{\"kind\": \"extract_load\", \"asset\": \"shop/sales\", " tap_ ", " target_ "}}"

const struct el_setup el_setups[] = {
    {.name = "sqlite upsert",
     .step = STEP(BY_KEY, INTO_SHOP ", \"mode\": \"upsert\", \"primary_key\": [\"id\"]"),
     .has_updates = true,
     .check = check_incremental},
    {.name = "sqlite append",
     .step = STEP(BY_KEY, INTO_SHOP ", \"mode\": \"append\""),
     .check = check_incremental},
    {.name = "sqlite overwrite",
     .step = STEP(FROM_TILL "}", INTO_SHOP ", \"mode\": \"overwrite\""),
     .has_updates = true,
     .check = check_overwrite},
    {.name = "csv append",
     .step = STEP("\"tap\": {\"type\": \"csv\", \"path\": \"@/in.csv\"}",
                  INTO_SHOP ", \"mode\": \"append\""),
     .writes_csv = true,
     .check = check_csv},
    {.name = "jsonl append",
     .step = STEP(BY_KEY, INTO_JSONL ", \"mode\": \"append\""),
     .is_in_files = true,
     .check = check_jsonl},
    {.name = "jsonl append, packed",
     .step = STEP(BY_KEY, INTO_JSONL ", \"mode\": \"append\", \"compress\": \"gzip\""),
     .is_in_files = true,
     .is_packed = true,
     .check = check_jsonl},
    {.name = "jsonl overwrite",
     .step = STEP(FROM_TILL "}", INTO_JSONL ", \"mode\": \"overwrite\""),
     .is_in_files = true,
     .check = check_jsonl_overwrite},
};
const size_t el_setups_count = COUNT_OF(el_setups);

/* --- a life ----------------------------------------------------------------------------------- */

void el_work_init(struct el_work *w, const struct el_setup *setup, uint64_t seed)
{
    *w = (struct el_work){.setup = setup,
                          .seed = seed,
                          .rng = seeded_rng_new(seed),
                          .vfs = power_vfs_new("el_power", seed),
                          .dir = temp_dir_new(),
                          .source_dir = temp_dir_new(),
                          .step = buf_growing(TEXT_BYTES_MAX)};
    w->csv_path = temp_dir_path(&w->source_dir, "in.csv");
    w->out_path = temp_dir_path(&w->dir, "out.jsonl");
    w->state_path = temp_dir_path(&w->dir, "out.jsonl.state");
    power_vfs_make_default(w->vfs);
    for (const char *c = setup->step; *c != '\0'; c++) {
        if (*c == '$' || *c == '@') {
            buf_add(&w->step, str_from(*c == '$' ? w->dir.path : w->source_dir.path));
        } else {
            buf_add_char(&w->step, *c);
        }
    }
    power_files_begin(w->dir.path);
    make_source(w);
}

void el_work_release(struct el_work *w)
{
    power_files_end();
    power_vfs_free(w->vfs);
    temp_dir_release(&w->dir);
    temp_dir_release(&w->source_dir);
    forget_known(w);
    buf_release(&w->step);
}

bool el_work_load(struct el_work *w, struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES_MAX);
    struct request request = {0};
    struct materialization m = {0};
    struct report report;
    report_init_silent(&report);
    bool ok = request_parse(buf_str(&w->step), &arena, &request, err) &&
              extract_load(&request, NULL, &arena, &report, &m, err);
    report_release(&report);
    return ok;
}
