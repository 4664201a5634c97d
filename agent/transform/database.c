#include "agent/transform/database.h"

void database_close(struct database *db)
{
    if (db != NULL) {
        db->ops->close(db);
    }
}

bool database_make_schema(struct database *db, const struct relation *relation, struct err *err)
{
    return db->ops->make_schema == NULL || db->ops->make_schema(db, relation, err);
}

static bool check_size(const struct buf *sql, struct err *err)
{
    return !sql->overflow || err_set(err, ERR_NO_MEMORY,
                                     "no memory for a statement of more than %zu bytes", sql->len);
}

bool database_exec(struct database *db, const struct buf *sql, enum statement_by by,
                   int64_t *ret_rows, struct err *err)
{
    return check_size(sql, err) && db->ops->exec(db, buf_str(sql), by, ret_rows, err);
}

bool database_query(struct database *db, const struct buf *sql, enum statement_by by,
                    struct arena *arena, struct query_rows *ret, struct err *err)
{
    return check_size(sql, err) && db->ops->query(db, buf_str(sql), by, arena, ret, err);
}
