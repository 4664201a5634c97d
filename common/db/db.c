#include "common/db/db_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEFAULT_CACHE_KIB = 256,
    DEFAULT_BUSY_TIMEOUT_MS = 5000,
    /* Twice what the automatic checkpoint lets the WAL grow to: only a WAL that ran away is cut. */
    JOURNAL_SIZE_LIMIT = 8 << 20,
    PRAGMA_BYTES = 320,
    WAL_AGAIN_MS = 5,
};

static bool has_flag(const struct db_options *o, enum db_flags flag)
{
    return (o->flags & (unsigned)flag) != 0;
}

static bool scalar(struct db *db, const char *sql, int64_t *ret, struct err *err)
{
    bool found = false;
    *ret = 0;
    return db_scalar_i64(db, sql, ret, &found, err);
}

/* --- opening the file ----------------------------------------------------------------------- */

static bool exists_nonempty(sqlite3_vfs *vfs, const char *path)
{
    /* To SQLite an empty file does not "exist", which is what we want: a clean close leaves no WAL
     * or an empty one. */
    int exists = 0;
    return vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists != 0;
}

static bool was_unclean(struct db *db)
{
    sqlite3_vfs *vfs = NULL;
    const char *file = sqlite3_db_filename(db->handle, "main");
    if (file == NULL || file[0] == '\0' ||
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) != SQLITE_OK ||
        vfs == NULL) {
        return false; /* in memory */
    }
    return exists_nonempty(vfs, sqlite3_filename_wal(file)) ||
           exists_nonempty(vfs, sqlite3_filename_journal(file));
}

static bool open_handle(struct db *db, const struct db_options *o, struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= has_flag(o, DB_READ_ONLY) ? SQLITE_OPEN_READONLY
                                       : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (has_flag(o, DB_URI)) {
        flags |= SQLITE_OPEN_URI;
    } else if (strncmp(o->path, "file:", 5) == 0) {
        /* Some builds of SQLite read this as a URI whether asked to or not. */
        return err_set(err, ERR_INVALID, "%s: a database path must not begin with \"file:\"",
                       o->path);
    }
    bool does_gather = has_flag(o, DB_GATHER) && !has_flag(o, DB_NORMAL_SYNC);
    const char *vfs = does_gather ? db_gather_over(o->vfs) : o->vfs;
    int rc = sqlite3_open_v2(o->path, &db->handle, flags, vfs);
    if (rc != SQLITE_OK) {
        return db_fail(db, rc, STR("open"), err);
    }
    if (!has_flag(o, DB_READ_ONLY) && sqlite3_db_readonly(db->handle, "main") == 1) {
        return err_set(err, ERR_DENIED, "%s: open: the file may not be written", db->path);
    }
    sqlite3_busy_timeout(db->handle, db->busy_timeout_ms);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!has_flag(o, DB_FOREIGN_FILE)) {
        /* "text" in double quotes is a column or an error, never a string. */
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    }
    return true;
}

static bool apply_settings(struct db *db, const struct db_options *o, struct err *err)
{
    char sql[PRAGMA_BYTES];
    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA cache_size=-%d; PRAGMA mmap_size=0; PRAGMA synchronous=%s;",
                   o->cache_kib > 0 ? o->cache_kib : DEFAULT_CACHE_KIB,
                   has_flag(o, DB_NORMAL_SYNC) ? "NORMAL" : "FULL");
    if (!db_exec(db, sql, err)) {
        return false;
    }
    if (has_flag(o, DB_FOREIGN_FILE)) {
        return true;
    }
    /* Overwriting deleted rows with zeros, some builds' default, doubles the bytes that a deletion
     * writes. */
    (void)snprintf(
        sql, sizeof(sql),
        "PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF; PRAGMA journal_size_limit=%d;",
        JOURNAL_SIZE_LIMIT);
    return db_exec(db, sql, err);
}

/* --- whose file it is ----------------------------------------------------------------------- */

static bool is_blank_file(struct db *db, int64_t application_id, int64_t version, bool *ret,
                          struct err *err)
{
    int64_t objects = 0;
    if (!scalar(db, "SELECT count(*) FROM sqlite_schema", &objects, err)) {
        return false;
    }
    *ret = application_id == 0 && version == 0 && objects == 0;
    return true;
}

static bool check_version(const struct db *db, const struct db_options *o, int64_t version,
                          struct err *err)
{
    if (o->migrations == NULL || version == o->migrations_count) {
        return true;
    }
    if (version > o->migrations_count) {
        err_set(err, ERR_INVALID,
                "%s: written by a newer version of this program (schema %lld, we know %d)",
                db->path, (long long)version, o->migrations_count);
        return err_hint(err, "upgrade this program, or restore the file from before");
    }
    if (has_flag(o, DB_READ_ONLY)) {
        err_set(err, ERR_INVALID,
                "%s: written by an older version of this program (schema %lld of %d)", db->path,
                (long long)version, o->migrations_count);
        return err_hint(err, "start the program that owns the file once, which upgrades it");
    }
    return true;
}

static bool check_identity(struct db *db, const struct db_options *o, struct err *err)
{
    int64_t application_id = 0;
    int64_t version = 0;
    bool is_blank = false;
    if (!scalar(db, "PRAGMA application_id", &application_id, err) ||
        !scalar(db, "PRAGMA user_version", &version, err) ||
        !is_blank_file(db, application_id, version, &is_blank, err)) {
        return false;
    }
    if (!is_blank && o->application_id != 0 && application_id != o->application_id) {
        err_set(err, ERR_INVALID,
                "%s: belongs to another program (application id %lld, expected %lld)", db->path,
                (long long)application_id, (long long)o->application_id);
        return err_hint(err, "name another file, or move this one away");
    }
    return check_version(db, o, version, err);
}

static bool quick_check(struct db *db, struct err *err)
{
    struct db_query q;
    if (!db_prepare(db, STR("PRAGMA quick_check(1)"), &q, err)) {
        return false;
    }
    bool has_row = false;
    bool ok = db_next(&q, &has_row, err);
    if (ok && has_row && !str_eq(db_col_str(&q, 0), STR("ok"))) {
        struct str finding = db_col_str(&q, 0);
        ok = err_set(err, ERR_CORRUPT, "%s: damaged: " STR_FMT, db->path, STR_ARG(finding));
    }
    db_finish(&q);
    return ok;
}

/* --- making it ours ------------------------------------------------------------------------- */

static bool ask_for_wal(struct db *db, struct db_query *q, bool *ret_has_row, struct err *err)
{
    return db_prepare(db, STR("PRAGMA journal_mode=WAL"), q, err) && db_next(q, ret_has_row, err);
}

/* While another connection changes the mode too, SQLite says "busy" at once, whatever the time-out:
 * two that make a file together are no rare thing. */
static bool use_wal(struct db *db, const struct db_options *o, struct err *err)
{
    struct db_query q = {0};
    bool has_row = false;
    bool ok = ask_for_wal(db, &q, &has_row, err);
    for (int waited_ms = 0; !ok && err->code == ERR_BUSY && waited_ms < db->busy_timeout_ms;
         waited_ms += WAL_AGAIN_MS) {
        db_finish(&q);
        (void)poll(NULL, 0, WAL_AGAIN_MS);
        *err = (struct err){0};
        ok = ask_for_wal(db, &q, &has_row, err);
    }
    const char *file = sqlite3_db_filename(db->handle, "main");
    bool in_memory = file == NULL || file[0] == '\0';
    if (ok && !in_memory && !has_flag(o, DB_FOREIGN_FILE) &&
        !(has_row && str_eq(db_col_str(&q, 0), STR("wal")))) {
        ok = err_set(err, ERR_IO, "%s: the file system does not allow a write-ahead log", db->path);
        err_hint(err, "keep the file on a local disk");
    }
    db_finish(&q);
    return ok;
}

static bool limit_size(struct db *db, const struct db_options *o, struct err *err)
{
    int64_t page_size = 0;
    if (o->max_bytes <= 0) {
        return true;
    }
    if (!scalar(db, "PRAGMA page_size", &page_size, err)) {
        return false;
    }
    char sql[PRAGMA_BYTES];
    int64_t pages = page_size > 0 ? o->max_bytes / page_size : 0;
    (void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%lld",
                   (long long)(pages > 0 ? pages : 1));
    return db_exec(db, sql, err);
}

static bool apply_migrations(struct db *db, const struct db_options *o, int64_t from,
                             struct err *err)
{
    for (int64_t i = from; i < o->migrations_count; i++) {
        if (!db_exec(db, o->migrations[i].sql, err)) {
            return err_wrap(err, "migration %s", o->migrations[i].name);
        }
    }
    char sql[PRAGMA_BYTES];
    (void)snprintf(sql, sizeof(sql), "PRAGMA application_id=%lld; PRAGMA user_version=%d",
                   (long long)o->application_id, o->migrations_count);
    return db_exec(db, sql, err);
}

static bool migrate(struct db *db, const struct db_options *o, struct err *err)
{
    int64_t version = 0;
    if (!scalar(db, "PRAGMA user_version", &version, err)) {
        return false;
    }
    if (o->migrations == NULL || version == o->migrations_count) {
        return true; /* nothing is written when there is nothing to do */
    }
    AUTO(db_tx) tx = {0};
    /* Read again inside: another process may have been faster. */
    if (!db_tx_begin(db, &tx, err) || !scalar(db, "PRAGMA user_version", &version, err) ||
        !check_version(db, o, version, err)) {
        return false;
    }
    return apply_migrations(db, o, version, err) && db_tx_commit(&tx, err);
}

static bool prepare_statements(struct db *db, const struct db_options *o, struct err *err)
{
    for (int i = 0; i < o->sql_count && (o->flags & DB_LATE) == 0; i++) {
        if (!db_compile(db, str_from(o->sql[i].sql), str_from(o->sql[i].name),
                        SQLITE_PREPARE_PERSISTENT, &db->statements[i], err)) {
            return false;
        }
    }
    return true;
}

static bool prepare_tx(struct db *db, struct err *err)
{
    static const char *const texts[DB_TX_COUNT] = {
        [DB_TX_BEGIN] = "BEGIN IMMEDIATE",
        [DB_TX_BEGIN_READ] = "BEGIN",
        [DB_TX_COMMIT] = "COMMIT",
        [DB_TX_ROLLBACK] = "ROLLBACK",
    };
    for (int i = 0; i < DB_TX_COUNT; i++) {
        struct str sql = str_from(texts[i]);
        if (!db_compile(db, sql, sql, SQLITE_PREPARE_PERSISTENT, &db->tx[i], err)) {
            return false;
        }
    }
    return true;
}

static bool set_up(struct db *db, const struct db_options *o, struct err *err)
{
    if (!open_handle(db, o, err)) {
        return false;
    }
    bool is_foreign = has_flag(o, DB_FOREIGN_FILE);
    bool may_write = !has_flag(o, DB_READ_ONLY);
    bool is_unclean = may_write && !is_foreign && !has_flag(o, DB_NO_CHECK) && was_unclean(db);
    if (!apply_settings(db, o, err) || !prepare_tx(db, err)) {
        return false;
    }
    if (!is_foreign && !check_identity(db, o, err)) {
        return false;
    }
    if (is_unclean && !quick_check(db, err)) {
        return false;
    }
    if (may_write && (!use_wal(db, o, err) || !limit_size(db, o, err))) {
        return false;
    }
    if (may_write && !is_foreign && !migrate(db, o, err)) {
        return false;
    }
    return (o->given_columns == 0 || db_add_given(db, o->given_columns, err)) &&
           prepare_statements(db, o, err);
}

static struct db *allocate(const struct db_options *o)
{
    struct db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        return NULL;
    }
    db->path = strdup(o->path);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is meant. */
    db->statements = calloc((size_t)o->sql_count + 1, sizeof(db->statements[0]));
    if (db->path == NULL || db->statements == NULL) {
        db_close(db);
        return NULL;
    }
    db->sql = o->sql;
    db->sql_count = o->sql_count;
    db->max_bytes = o->max_bytes;
    db->busy_timeout_ms = o->busy_timeout_ms > 0 ? o->busy_timeout_ms : DEFAULT_BUSY_TIMEOUT_MS;
    return db;
}

bool db_open(struct db **ret, const struct db_options *options, struct err *err)
{
    struct db *db = allocate(options);
    if (db == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s: open: out of memory", options->path);
    }
    if (!set_up(db, options, err)) {
        db_close(db);
        return false;
    }
    *ret = db;
    return true;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    struct db_tx tx = {.db = db->tx[DB_TX_ROLLBACK] == NULL ? NULL : db};
    db_tx_release(&tx);
    for (int i = 0; i < db->sql_count; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    for (int i = 0; i < DB_TX_COUNT; i++) {
        sqlite3_finalize(db->tx[i]);
    }
    /* v2: a query that its owner finishes later keeps the connection until then, instead of
     * dangling. */
    sqlite3_close_v2(db->handle);
    free(db->statements);
    free(db->path);
    free(db);
}
