#include "agent/el/removal.h"

static const struct column version_column = SDC_INTEGER_COLUMN(VERSION_COLUMN);
static const struct column deleted_at_column = SDC_TIME_COLUMN(DELETED_AT_COLUMN);

size_t removal_columns(const struct removal *r, struct column *ret)
{
    size_t count = 0;
    if (r->kind == REMOVE_OLD_VERSIONS) {
        ret[count++] = version_column;
    }
    if (r->kind == REMOVE_MARKED || r->is_soft) {
        ret[count++] = deleted_at_column;
    }
    return count;
}

static void add_old_versions(const struct removal *r, struct buf *sql)
{
    buf_add_text(sql, " WHERE (\"" VERSION_COLUMN "\" < ");
    buf_add_i64(sql, r->version);
    buf_add_text(sql, r->keeps_unknown ? ")" : " OR \"" VERSION_COLUMN "\" IS NULL)");
}

void removal_sql(const struct removal *r, struct str table, struct buf *sql)
{
    if (r->kind == REMOVE_MARKED) {
        buf_add_text(sql, "DELETE FROM ");
        buf_add(sql, table);
        buf_add_text(sql, " WHERE \"" DELETED_AT_COLUMN "\" IS NOT NULL");
        return;
    }
    buf_add_text(sql, r->is_soft ? "UPDATE " : "DELETE FROM ");
    buf_add(sql, table);
    if (r->is_soft) {
        buf_add_text(sql, " SET \"" DELETED_AT_COLUMN "\" = '");
        buf_add(sql, r->at); /* digits, '-', ':', 'T', 'Z' */
        buf_add_char(sql, '\'');
    }
    add_old_versions(r, sql);
    buf_add_text(sql, r->is_soft ? " AND \"" DELETED_AT_COLUMN "\" IS NULL" : "");
}
