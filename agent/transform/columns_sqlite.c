#include "agent/transform/columns_sqlite.h"

#include "agent/transform/merge_sqlite.h"
#include "agent/transform/relation.h"
#include "common/db/db.h"

#include <strings.h>

/* --- types ----------------------------------------------------------------------------------- */

static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (strncasecmp(text.ptr + i, part.ptr, part.len) == 0) {
            return true;
        }
    }
    return false;
}

enum affinity { AFFINITY_INTEGER, AFFINITY_TEXT, AFFINITY_BLOB, AFFINITY_REAL, AFFINITY_NUMERIC };

static enum affinity affinity_of(struct str type)
{
    static const struct {
        struct str part;
        enum affinity affinity;
    } rules[] = {
        {STR_INIT("INT"), AFFINITY_INTEGER}, {STR_INIT("CHAR"), AFFINITY_TEXT},
        {STR_INIT("CLOB"), AFFINITY_TEXT},   {STR_INIT("TEXT"), AFFINITY_TEXT},
        {STR_INIT("BLOB"), AFFINITY_BLOB},   {STR_INIT("REAL"), AFFINITY_REAL},
        {STR_INIT("FLOA"), AFFINITY_REAL},   {STR_INIT("DOUB"), AFFINITY_REAL},
    };
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        if (contains(type, rules[i].part)) {
            return rules[i].affinity;
        }
    }
    return AFFINITY_NUMERIC;
}

bool columns_sqlite_is_same_type(struct str source, struct str target)
{
    return source.len == 0 || target.len == 0 || affinity_of(source) == affinity_of(target);
}

/* --- adding ---------------------------------------------------------------------------------- */

static void add_definition(struct buf *sql, const struct relation_column *column)
{
    db_add_identifier(sql, column->name);
    buf_add_char(sql, ' ');
    buf_add(sql, column->type);
}

static bool add_all(struct database *db, const struct relation *table,
                    const struct relation_columns *added, struct err *err)
{
    for (size_t i = 0; i < added->count; i++) {
        AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
        buf_addf(&sql, "alter table " STR_FMT " add column ", STR_ARG(table->quoted));
        add_definition(&sql, &added->items[i]);
        /* A type is whatever text somebody once declared. */
        if (!database_exec(db, &sql, BY_PROJECT, NULL, err)) {
            return false;
        }
    }
    return true;
}

/* --- making it again ------------------------------------------------------------------------- */

static const struct relation_column *find(const struct relation_columns *columns, struct str name)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (names_are_same(columns->items[i].name, name)) {
            return &columns->items[i];
        }
    }
    return NULL;
}

/* The old columns that stay, with their new types. */
static bool find_kept(struct database *db, const struct relation *table,
                      const struct columns_change *change, struct arena *arena,
                      struct relation_columns *ret, struct err *err)
{
    if (!db->ops->columns(db, table, arena, ret, err)) {
        return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < ret->count; i++) {
        const struct relation_column *retyped = find(&change->retyped, ret->items[i].name);
        if (find(&change->removed, ret->items[i].name) == NULL) {
            ret->items[kept++] = retyped == NULL ? ret->items[i] : *retyped;
        }
    }
    ret->count = kept;
    return true;
}

static void add_definitions(struct buf *sql, const struct relation_columns *columns, bool is_first)
{
    for (size_t i = 0; i < columns->count; i++) {
        buf_add_text(sql, is_first && i == 0 ? "" : ", ");
        add_definition(sql, &columns->items[i]);
    }
}

static bool create(struct database *db, const struct relation *table,
                   const struct relation_columns *kept, const struct relation_columns *added,
                   struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_addf(&sql, "create table " STR_FMT " (", STR_ARG(table->quoted));
    add_definitions(&sql, kept, true);
    add_definitions(&sql, added, kept->count == 0);
    buf_add_char(&sql, ')');
    return database_exec(db, &sql, BY_PROJECT, NULL, err);
}

static void add_kept_names(struct buf *sql, const struct relation_columns *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        db_add_identifier(sql, kept->items[i].name);
    }
}

static bool copy(struct database *db, const struct relation *from, const struct relation *to,
                 const struct relation_columns *kept, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    if (kept->count == 0) {
        return err_set(err, ERR_INVALID, "the query has no column that the table has");
    }
    buf_addf(&sql, "insert into " STR_FMT " (", STR_ARG(to->quoted));
    add_kept_names(&sql, kept);
    buf_add_text(&sql, ") select ");
    add_kept_names(&sql, kept);
    buf_addf(&sql, " from " STR_FMT, STR_ARG(from->quoted));
    return database_exec(db, &sql, BY_US, NULL, err);
}

/* Old style renaming leaves views that name the table alone, where the new style refuses to rename
 * because for a moment they name nothing. */
static bool swap(struct database *db, const struct relation *from, const struct relation *to,
                 struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    struct err second = {0};
    buf_addf(&sql, "drop table " STR_FMT "; pragma legacy_alter_table = on; alter table " STR_FMT,
             STR_ARG(to->quoted), STR_ARG(from->quoted));
    buf_add_text(&sql, " rename to ");
    db_add_identifier(&sql, to->name);
    bool ok = database_exec(db, &sql, BY_US, NULL, err);
    return db->ops->exec(db, STR("pragma legacy_alter_table = off"), BY_US, NULL,
                         ok ? err : &second) &&
           ok;
}

static bool find_dependents(struct database *db, const struct relation *table, struct arena *arena,
                            struct query_rows *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    buf_add_text(&sql, "select sql from main.sqlite_schema where type in ('index', 'trigger') and "
                       "sql is not null and tbl_name = ");
    db_add_literal(&sql, table->name);
    buf_add_text(&sql, " collate nocase");
    return database_query(db, &sql, BY_US, arena, ret, err);
}

static bool create_dependents(struct database *db, const struct query_rows *dependents,
                              struct err *err)
{
    for (size_t i = 0; i < dependents->rows; i++) {
        if (!db->ops->exec(db, dependents->values[i], BY_PROJECT, NULL, err)) {
            err_wrap(err, "make the table's indexes again");
            return err_hint(err, "one is on a column that is gone: run it with full refresh");
        }
    }
    return true;
}

static bool make_again(struct database *db, const struct relation *table,
                       const struct columns_change *change, struct arena *arena, struct err *err)
{
    struct relation_columns kept;
    struct relation beside;
    struct query_rows dependents;
    struct str name = arena_printf(arena, STR_FMT "__dbt_alter", STR_ARG(table->name));
    if (name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    return relation_make(STR("main"), name, arena, &beside, err) &&
           find_kept(db, table, change, arena, &kept, err) &&
           find_dependents(db, table, arena, &dependents, err) &&
           create(db, &beside, &kept, &change->added, err) &&
           copy(db, table, &beside, &kept, err) && swap(db, &beside, table, err) &&
           create_dependents(db, &dependents, err);
}

bool columns_sqlite_change(struct database *db, const struct relation *table,
                           const struct columns_change *change, struct arena *arena,
                           struct err *err)
{
    return change->removed.count + change->retyped.count == 0
               ? add_all(db, table, &change->added, err)
               : make_again(db, table, change, arena, err);
}
