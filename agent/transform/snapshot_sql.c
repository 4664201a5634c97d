#include "agent/transform/snapshot_sql.h"

#include "agent/transform/relation.h"
#include "agent/transform/sql_text.h"
#include "common/db/db.h"

#include <strings.h>

/* --- pieces ---------------------------------------------------------------------------------- */

static void add_now(const struct snapshot *s, struct buf *sql)
{
    if (s->is_postgres) {
        buf_add_text(sql, "now()::timestamp without time zone");
    } else {
        db_add_literal(sql, s->now);
    }
}

/* When a row of the query became what it is. */
static void add_updated_at(const struct snapshot *s, struct buf *sql)
{
    if (s->spec->updated_at.len > 0) {
        buf_add(sql, s->spec->updated_at);
    } else {
        add_now(s, sql);
    }
}

static void add_named(struct buf *sql, struct str name)
{
    buf_addf(sql, " as " STR_FMT, STR_ARG(name));
}

/* The key of each row, "dbt_unique_key" or "dbt_unique_key_1", ... */
static void add_key_name(const struct snapshot *s, size_t i, struct buf *sql)
{
    buf_add_text(sql, "dbt_unique_key");
    if (s->spec->unique_key.count > 1) {
        buf_addf(sql, "_%zu", i + 1);
    }
}

static void add_keys(const struct snapshot *s, struct buf *sql)
{
    for (size_t i = 0; i < s->spec->unique_key.count; i++) {
        buf_addf(sql, ", " STR_FMT " as ", STR_ARG(s->spec->unique_key.items[i]));
        add_key_name(s, i, sql);
    }
}

static void add_keys_equal(const struct snapshot *s, struct buf *sql)
{
    for (size_t i = 0; i < s->spec->unique_key.count; i++) {
        buf_add_text(sql, i == 0 ? " on snapshotted_data." : " and snapshotted_data.");
        add_key_name(s, i, sql);
        buf_add_text(sql, " = source_data.");
        add_key_name(s, i, sql);
    }
}

/* `side` has no row there. */
static void add_is_missing(const struct snapshot *s, const char *side, struct buf *sql)
{
    buf_addf(sql, "%s.", side);
    add_key_name(s, 0, sql);
    buf_add_text(sql, " is null");
}

static void begin_hash(const struct snapshot *s, struct buf *sql)
{
    buf_add_text(sql, s->is_postgres ? "md5(" : "hex(md5(");
}

static void add_hashed(struct buf *sql, bool is_first)
{
    buf_add_text(sql, is_first ? "coalesce(cast(" : " || '|' || coalesce(cast(");
}

static void end_hash(const struct snapshot *s, struct buf *sql)
{
    buf_add_text(sql, s->is_postgres ? ")" : "))");
}

/* The identity of a version: of its key and time. */
static void add_scd_id(const struct snapshot *s, struct buf *sql)
{
    begin_hash(s, sql);
    for (size_t i = 0; i < s->spec->unique_key.count; i++) {
        add_hashed(sql, i == 0);
        buf_add(sql, s->spec->unique_key.items[i]);
        buf_add_text(sql, " as varchar), '')");
    }
    add_hashed(sql, s->spec->unique_key.count == 0);
    add_updated_at(s, sql);
    buf_add_text(sql, " as varchar), '')");
    end_hash(s, sql);
}

/* The record of a deletion: of the version that it ends, and now. */
static void add_deletion_scd_id(const struct snapshot *s, struct buf *sql)
{
    begin_hash(s, sql);
    add_hashed(sql, true);
    buf_addf(sql, "snapshotted_data." STR_FMT " as varchar), '')", STR_ARG(s->spec->scd_id_column));
    add_hashed(sql, false);
    add_now(s, sql);
    buf_add_text(sql, " as varchar), '')");
    end_hash(s, sql);
}

/* NULL, or the value that stands for it, of the type that updated_at has. */
static void add_valid_to(const struct snapshot *s, struct buf *sql)
{
    buf_add_text(sql, "coalesce(nullif(");
    add_updated_at(s, sql);
    buf_add_text(sql, ", ");
    add_updated_at(s, sql);
    buf_add_text(sql, "), ");
    buf_add(sql, s->spec->valid_to_current.len > 0 ? s->spec->valid_to_current : STR("null"));
    buf_add_char(sql, ')');
}

/* `side`'s version is the current one. */
static void add_is_current(const struct snapshot *s, const char *side, struct buf *sql)
{
    struct str valid_to = s->spec->valid_to_column;
    if (s->spec->valid_to_current.len > 0) {
        buf_addf(sql, "(%s" STR_FMT " = " STR_FMT " or ", side, STR_ARG(valid_to),
                 STR_ARG(s->spec->valid_to_current));
    }
    buf_addf(sql, "%s" STR_FMT " is null", side, STR_ARG(valid_to));
    if (s->spec->valid_to_current.len > 0) {
        buf_add_char(sql, ')');
    }
}

static bool keeps_deletions(const struct snapshot *s)
{
    return s->spec->hard_deletes == DBT_DELETES_NEW_RECORD;
}

/* --- the first time -------------------------------------------------------------------------- */

void snapshot_create(const struct snapshot *s, struct buf *sql)
{
    const struct dbt_spec *spec = s->spec;
    buf_addf(sql, "create %stable " STR_FMT " as\nselect *, ",
             s->is_postgres && spec->is_unlogged ? "unlogged " : "", STR_ARG(s->target->quoted));
    add_scd_id(s, sql);
    add_named(sql, spec->scd_id_column);
    buf_add_text(sql, ", ");
    add_updated_at(s, sql);
    add_named(sql, spec->updated_at_column);
    buf_add_text(sql, ", ");
    add_updated_at(s, sql);
    add_named(sql, spec->valid_from_column);
    buf_add_text(sql, ", ");
    add_valid_to(s, sql);
    add_named(sql, spec->valid_to_column);
    if (keeps_deletions(s)) {
        buf_add_text(sql, ", 'False'");
        add_named(sql, spec->is_deleted_column);
    }
    buf_add_text(sql, "\nfrom (\n");
    buf_add(sql, sql_statement(spec->sql));
    buf_add_text(sql, "\n) sbq");
}

/* --- columns --------------------------------------------------------------------------------- */

/* Names of two sides: SQLite's are the same in any case. */
static bool is_same_name(const struct snapshot *s, struct str a, struct str b)
{
    return s->is_postgres ? str_eq(a, b) : a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static const struct relation_column *find_column(const struct snapshot *s,
                                                 const struct relation_columns *in, struct str name)
{
    for (size_t i = 0; i < in->count; i++) {
        if (is_same_name(s, in->items[i].name, name)) {
            return &in->items[i];
        }
    }
    return NULL;
}

/* As written in the settings: quoted, or in any case. */
static bool is_written_as(struct str written, struct str name)
{
    if (written.len == name.len + 2 && written.ptr[0] == '"') {
        return str_eq(str_slice(written, 1, written.len - 1), name);
    }
    return written.len == name.len && strncasecmp(written.ptr, name.ptr, name.len) == 0;
}

static bool is_in_target(const struct snapshot *s, struct str written)
{
    for (size_t i = 0; i < s->there.count; i++) {
        if (is_written_as(written, s->there.items[i].name)) {
            return true;
        }
    }
    return false;
}

bool snapshot_check_target(const struct snapshot *s, struct err *err)
{
    const struct str needed[] = {s->spec->scd_id_column, s->spec->valid_from_column,
                                 s->spec->valid_to_column,
                                 keeps_deletions(s) ? s->spec->is_deleted_column : STR_NONE};
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (needed[i].len > 0 && !is_in_target(s, needed[i])) {
            err_set(err, ERR_INVALID, STR_FMT " has no column " STR_FMT, STR_ARG(s->target->quoted),
                    STR_ARG(needed[i]));
            return err_hint(err, i < 3 ? "it is no snapshot: drop it, or change the alias"
                                       : "hard_deletes: new_record needs it: alter table ... add "
                                         "column, and set it to 'False'");
        }
    }
    return true;
}

static bool compare_column(struct snapshot *s, struct str written, struct err *err)
{
    for (size_t i = 0; i < s->columns.count; i++) {
        struct str name = s->columns.items[i];
        if (!is_written_as(written, name)) {
            continue;
        }
        if (find_column(s, &s->there, name) != NULL) {
            s->compared.items[s->compared.count++] = name;
        } else {
            s->is_column_new = true;
        }
        return true;
    }
    err_set(err, ERR_INVALID, "check_cols: the query has no column " STR_FMT,
            STR_ARG(str_clip(written, 100)));
    return err_hint(err, "name columns, not expressions: a version of each row would be made by "
                         "every run");
}

bool snapshot_choose_columns(struct snapshot *s, struct arena *arena, struct err *err)
{
    const struct str_list *written = &s->spec->check_columns;
    if (!s->spec->is_check_strategy) {
        return true;
    }
    s->compared = (struct str_list){
        .items = arena_array(arena, written->count + s->columns.count, sizeof(struct str))};
    if (s->compared.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a snapshot's columns");
    }
    for (size_t i = 0; s->spec->checks_all_columns && i < s->columns.count; i++) {
        if (find_column(s, &s->there, s->columns.items[i]) == NULL) {
            s->is_column_new = true;
        } else {
            s->compared.items[s->compared.count++] = s->columns.items[i];
        }
    }
    for (size_t i = 0; !s->spec->checks_all_columns && i < written->count; i++) {
        if (!compare_column(s, written->items[i], err)) {
            return false;
        }
    }
    return s->is_column_new || s->compared.count > 0 ||
           err_set(err, ERR_INVALID, "check_cols names no column");
}

static bool check_name(const struct snapshot *s, const char *what, struct str written,
                       struct err *err)
{
    struct str inner = str_slice(written, 1, written.len > 0 ? written.len - 1 : 0);
    if (!str_starts(written, STR("\"")) || !str_ends(written, STR("\"")) ||
        str_contains(inner, STR("\""))) {
        return true; /* an expression, or SQLite finds out */
    }
    for (size_t i = 0; i < s->columns.count; i++) {
        if (is_same_name(s, s->columns.items[i], inner)) {
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "%s: the query has no column " STR_FMT, what,
                   STR_ARG(str_clip(written, 100)));
}

bool snapshot_check_names(const struct snapshot *s, struct err *err)
{
    for (size_t i = 0; i < s->spec->unique_key.count; i++) {
        if (!check_name(s, "unique_key", s->spec->unique_key.items[i], err)) {
            return false;
        }
    }
    return check_name(s, "updated_at", s->spec->updated_at, err);
}

/* --- later ----------------------------------------------------------------------------------- */

void snapshot_read_rows(const struct snapshot *s, struct buf *sql)
{
    buf_addf(sql, "create temporary table " STR_FMT "%s as\n", STR_ARG(s->rows->quoted),
             s->is_postgres ? " on commit drop" : "");
    buf_add(sql, sql_statement(s->spec->sql));
}

static void add_is_changed(const struct snapshot *s, struct buf *sql)
{
    if (!s->spec->is_check_strategy) {
        buf_addf(sql, "(snapshotted_data." STR_FMT " < source_data." STR_FMT ")",
                 STR_ARG(s->spec->valid_from_column), STR_ARG(s->spec->updated_at));
    } else if (s->is_column_new) {
        buf_add_text(sql, s->is_postgres ? "true" : "1");
    } else {
        for (size_t i = 0; i < s->compared.count; i++) {
            buf_add_text(sql, i == 0 ? "(snapshotted_data." : " or snapshotted_data.");
            db_add_identifier(sql, s->compared.items[i]);
            buf_add_text(sql, s->is_postgres ? " is distinct from source_data."
                                             : " is not source_data.");
            db_add_identifier(sql, s->compared.items[i]);
        }
        buf_add_char(sql, ')');
    }
    if (keeps_deletions(s)) { /* it is there again */
        buf_addf(sql, " or snapshotted_data." STR_FMT " = 'True'",
                 STR_ARG(s->spec->is_deleted_column));
    }
}

/* What a version was until now, and what the query says. */
static void add_sides(const struct snapshot *s, struct buf *sql)
{
    buf_add_text(sql, "with snapshotted_data as (\nselect *");
    add_keys(s, sql);
    buf_addf(sql, " from " STR_FMT " where ", STR_ARG(s->target->quoted));
    add_is_current(s, "", sql);
    buf_add_text(sql, "\n), source_data as (\nselect *");
    add_keys(s, sql);
    buf_add_text(sql, ", ");
    add_updated_at(s, sql);
    add_named(sql, STR("dbt_internal_time"));
    buf_add_text(sql, ", ");
    add_valid_to(s, sql);
    add_named(sql, STR("dbt_internal_valid_to"));
    buf_add_text(sql, ", ");
    add_scd_id(s, sql);
    add_named(sql, STR("dbt_internal_scd_id"));
    buf_addf(sql, " from " STR_FMT "\n)\n", STR_ARG(s->rows->quoted));
}

/* The start of one kind of change, with the query's columns of one side or the other. */
static void add_change(const struct snapshot *s, const char *type, bool from_target,
                       struct buf *sql)
{
    buf_addf(sql, "select '%s' as dbt_change_type", type);
    for (size_t i = 0; i < s->columns.count; i++) {
        bool is_there = from_target && find_column(s, &s->there, s->columns.items[i]) != NULL;
        buf_add_text(sql, is_there ? ", snapshotted_data." : ", source_data.");
        db_add_identifier(sql, s->columns.items[i]);
        buf_add_text(sql, " as ");
        db_add_identifier(sql, s->columns.items[i]);
    }
}

static void add_insertions(const struct snapshot *s, struct buf *sql)
{
    const struct dbt_spec *spec = s->spec;
    add_change(s, "insert", false, sql);
    buf_add_text(sql, ", source_data.dbt_internal_time");
    add_named(sql, spec->updated_at_column);
    buf_add_text(sql, ", source_data.dbt_internal_time");
    add_named(sql, spec->valid_from_column);
    buf_add_text(sql, ", source_data.dbt_internal_valid_to");
    add_named(sql, spec->valid_to_column);
    buf_add_text(sql, ", source_data.dbt_internal_scd_id");
    add_named(sql, spec->scd_id_column);
    if (keeps_deletions(s)) {
        buf_add_text(sql, ", 'False'");
        add_named(sql, spec->is_deleted_column);
    }
    buf_add_text(sql, "\nfrom source_data left join snapshotted_data");
    add_keys_equal(s, sql);
    buf_add_text(sql, "\nwhere ");
    add_is_missing(s, "snapshotted_data", sql);
    buf_add_text(sql, " or ");
    add_is_changed(s, sql);
}

static void add_updates(const struct snapshot *s, struct buf *sql)
{
    add_change(s, "update", false, sql);
    buf_addf(sql,
             ", source_data.dbt_internal_time, source_data.dbt_internal_time, "
             "source_data.dbt_internal_time, snapshotted_data." STR_FMT,
             STR_ARG(s->spec->scd_id_column));
    if (keeps_deletions(s)) {
        buf_addf(sql, ", snapshotted_data." STR_FMT, STR_ARG(s->spec->is_deleted_column));
    }
    buf_add_text(sql, "\nfrom source_data join snapshotted_data");
    add_keys_equal(s, sql);
    buf_add_text(sql, "\nwhere ");
    add_is_changed(s, sql);
}

/* Current rows that the query does not give; not those whose deletion is recorded. */
static void add_gone(const struct snapshot *s, struct buf *sql)
{
    const struct dbt_spec *spec = s->spec;
    buf_add_text(sql, "\nfrom snapshotted_data left join source_data");
    add_keys_equal(s, sql);
    buf_add_text(sql, "\nwhere ");
    add_is_missing(s, "source_data", sql);
    if (keeps_deletions(s)) {
        buf_addf(sql,
                 " and not (snapshotted_data." STR_FMT " = 'True' and snapshotted_data." STR_FMT,
                 STR_ARG(spec->is_deleted_column), STR_ARG(spec->valid_to_column));
        if (spec->valid_to_current.len > 0) {
            buf_addf(sql, " = " STR_FMT ")", STR_ARG(spec->valid_to_current));
        } else {
            buf_add_text(sql, " is null)");
        }
    }
}

static void add_times_now(const struct snapshot *s, size_t count, struct buf *sql)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_text(sql, ", ");
        add_now(s, sql);
    }
}

static void add_deletes(const struct snapshot *s, struct buf *sql)
{
    add_change(s, "delete", false, sql);
    add_times_now(s, 3, sql);
    buf_addf(sql, ", snapshotted_data." STR_FMT, STR_ARG(s->spec->scd_id_column));
    if (keeps_deletions(s)) {
        buf_addf(sql, ", snapshotted_data." STR_FMT, STR_ARG(s->spec->is_deleted_column));
    }
    add_gone(s, sql);
}

static void add_deletion_records(const struct snapshot *s, struct buf *sql)
{
    add_change(s, "insert", true, sql);
    add_times_now(s, 2, sql);
    buf_addf(sql, ", snapshotted_data." STR_FMT ", ", STR_ARG(s->spec->valid_to_column));
    add_deletion_scd_id(s, sql);
    buf_add_text(sql, ", 'True'");
    add_gone(s, sql);
}

void snapshot_find_changes(const struct snapshot *s, struct buf *sql)
{
    buf_addf(sql, "create temporary table " STR_FMT "%s as\n", STR_ARG(s->changes->quoted),
             s->is_postgres ? " on commit drop" : "");
    add_sides(s, sql);
    add_insertions(s, sql);
    buf_add_text(sql, "\nunion all\n");
    add_updates(s, sql);
    if (s->spec->hard_deletes != DBT_DELETES_IGNORED) {
        buf_add_text(sql, "\nunion all\n");
        add_deletes(s, sql);
    }
    if (keeps_deletions(s)) {
        buf_add_text(sql, "\nunion all\n");
        add_deletion_records(s, sql);
    }
}

void snapshot_close_rows(const struct snapshot *s, struct buf *sql)
{
    const struct dbt_spec *spec = s->spec;
    const char *as_text = s->is_postgres ? "::text" : "";
    buf_addf(sql,
             "update " STR_FMT " as dbt_internal_dest set " STR_FMT
             " = dbt_internal_source." STR_FMT "\nfrom " STR_FMT
             " as dbt_internal_source where dbt_internal_source." STR_FMT
             "%s = dbt_internal_dest." STR_FMT "%s and dbt_internal_source.dbt_change_type in "
             "('update', 'delete') and ",
             STR_ARG(s->target->quoted), STR_ARG(spec->valid_to_column),
             STR_ARG(spec->valid_to_column), STR_ARG(s->changes->quoted),
             STR_ARG(spec->scd_id_column), as_text, STR_ARG(spec->scd_id_column), as_text);
    add_is_current(s, "dbt_internal_dest.", sql);
}

static void add_inserted_columns(const struct snapshot *s, struct buf *sql)
{
    const struct dbt_spec *spec = s->spec;
    add_columns(sql, &s->columns, "");
    buf_addf(sql, ", " STR_FMT ", " STR_FMT ", " STR_FMT ", " STR_FMT,
             STR_ARG(spec->updated_at_column), STR_ARG(spec->valid_from_column),
             STR_ARG(spec->valid_to_column), STR_ARG(spec->scd_id_column));
    if (keeps_deletions(s)) {
        buf_addf(sql, ", " STR_FMT, STR_ARG(spec->is_deleted_column));
    }
}

void snapshot_insert_rows(const struct snapshot *s, struct buf *sql)
{
    buf_addf(sql, "insert into " STR_FMT " (", STR_ARG(s->target->quoted));
    add_inserted_columns(s, sql);
    buf_add_text(sql, ")\nselect ");
    add_inserted_columns(s, sql);
    buf_addf(sql, " from " STR_FMT " where dbt_change_type = 'insert'",
             STR_ARG(s->changes->quoted));
}

/* The n of "character varying(n)"; INT64_MAX for texts without a limit, 0 for what is none. */
static int64_t text_length(struct str type)
{
    static const struct str prefix = STR_INIT("character varying(");
    int64_t length;
    if (str_eq(type, STR("text")) || str_eq(type, STR("character varying"))) {
        return INT64_MAX;
    }
    return str_starts(type, prefix) &&
                   str_to_i64(str_slice(type, prefix.len, type.len - 1), 1, INT32_MAX, &length)
               ? length
               : 0;
}

void snapshot_fit_columns(const struct snapshot *s, const struct relation_columns *changes,
                          struct buf *sql)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct relation_column *column = &changes->items[i];
        const struct relation_column *there = find_column(s, &s->there, column->name);
        if (str_eq(column->name, STR("dbt_change_type"))) {
            continue;
        }
        if (there != NULL && (!s->is_postgres || text_length(there->type) == 0 ||
                              text_length(column->type) <= text_length(there->type))) {
            continue;
        }
        buf_addf(sql, "alter table " STR_FMT " %s column ", STR_ARG(s->target->quoted),
                 there == NULL ? "add" : "alter");
        db_add_identifier(sql, column->name);
        buf_addf(sql, "%s " STR_FMT "; ", there == NULL ? "" : " type", STR_ARG(column->type));
    }
}
