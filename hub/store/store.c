/* store.c - see store.h. */
#include "hub/store/store.h"

#include "common/platform/files.h"
#include "hub_store_migrations.h"
#include "hub_store_sql.h"
#include <stdio.h>
#include <sys/stat.h>

enum {
    WRITER_CACHE_KIB = 32 << 10,
    READER_CACHE_KIB = 16 << 10,
};

const struct hub_store_view hub_store_views[HUB_STORE_VIEW_COUNT] = {
    {"run", 2},
    {"step", 3},
    {"materialization", 2},
    {"gap", 2},
    {"definitions_part", 1},
    {"backfill", 2},
    {"device_state", 1},
    {"definitions", 1},
    {"asset_definition", 2},
    {"edge", 3},
    {"asset_state", 2},
    {"check_result", 3},
    {"tick", 3},
    {"bundle_state", 2},
    {"definitions_history", 2},
    {"asset_history", 3},
    {"asset_text", 1},
    {"asset_freshness", 2},
    {"device_desired", 1},
    {"command_answer", 2},
    {"device_health", 1},
    {"named_text", 1},
    {"named_definition", 3},
    {"instigator", 3},
    {"asset_partition", 4},
    {"asset_observed", 2},
    {"dynamic_partition", 3},
    {"check_history", 2},
    {"tick_history", 2},
};

/* A WAL of 40 MB: pages of views that many batches touch are folded into the file once, not each
 * time, which saves a third of what is written. */
static const char fold_late[] = "PRAGMA wal_autocheckpoint=10000";

bool hub_store_open(struct db **ret, const struct hub_store_options *options, struct err *err)
{
    bool is_reader = (options->flags & DB_READ_ONLY) != 0;
    const struct db_options db = {
        .path = options->path,
        .flags = options->flags | (is_reader ? 0 : (unsigned)DB_GATHER),
        .application_id = HUB_STORE_APPLICATION_ID,
        .migrations = hub_store_migrations,
        .migrations_count = HUB_STORE_MIGRATIONS_COUNT,
        .sql = hub_store_sql,
        .sql_count = HUB_STORE_SQL_COUNT,
        .cache_kib = is_reader ? READER_CACHE_KIB : WRITER_CACHE_KIB,
        .max_bytes = options->max_bytes,
        .given_columns = HUB_STORE_GIVEN_COLUMNS,
        .vfs = options->vfs,
    };
    /* A file that it makes holds what passwords hash to, also where the folder is everybody's to read. */
    mode_t mask = is_reader ? 0 : umask(077);
    bool ok = db_open(ret, &db, err);
    if (!is_reader) {
        (void)umask(mask);
    }
    if (!ok) {
        return false;
    }
    if (!is_reader && !db_exec(*ret, fold_late, err)) {
        db_close(*ret);
        return false;
    }
    return true;
}

bool hub_store_lost(const char *path, struct err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "this hub has lost its database: there is no %s", path);
    return err_hint(err, "put it back from a backup, or begin a new one: selvedge-hub init");
}

bool hub_store_open_part(struct db **ret, const char *path, const struct db_text *sql,
                         int sql_count, struct err *err)
{
    if (!files_exist(path)) {
        return hub_store_lost(path, err);
    }
    const struct db_options db = {
        .path = path,
        .flags = DB_NO_CHECK, /* the store's connection has looked, or will */
        .application_id = HUB_STORE_APPLICATION_ID,
        .migrations = hub_store_migrations,
        .migrations_count = HUB_STORE_MIGRATIONS_COUNT,
        .sql = sql,
        .sql_count = sql_count,
    };
    return db_open(ret, &db, err);
}

bool hub_store_clear_views(struct db *db, struct err *err)
{
    for (size_t i = 0; i < HUB_STORE_VIEW_COUNT; i++) {
        char sql[64];
        (void)snprintf(sql, sizeof(sql), "DELETE FROM %s", hub_store_views[i].table);
        if (!db_exec(db, sql, err)) {
            return false;
        }
    }
    return true;
}

bool hub_store_views_are_current(struct db *db, bool *ret, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_DERIVED_GET);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    int64_t version = row ? db_col_i64(&q, 0) : 0;
    if (row) {
        db_reset(&q);
    }
    *ret = version == HUB_STORE_VIEWS_VERSION;
    /* There was nothing to derive: what came since was derived by this program. */
    if (row && version < 0) {
        *ret = true;
        return hub_store_set_views_current(db, err);
    }
    return true;
}

bool hub_store_set_views_current(struct db *db, struct err *err)
{
    struct db_query q = db_query(db, HUB_STORE_DERIVED_SET);
    db_bind_i64(&q, ":version", HUB_STORE_VIEWS_VERSION);
    return db_run(&q, err);
}
