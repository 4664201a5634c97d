#include "agent/transform/hooks.h"

#include "agent/transform/sql_text.h"

bool hooks_run(struct database *db, const struct dbt_hook *hooks, size_t count, bool outside,
               const char *what, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct str sql = sql_statement(hooks[i].sql);
        if (hooks[i].is_outside != outside || sql.len == 0) {
            continue;
        }
        if (!db->ops->exec(db, sql, BY_PROJECT_SCRIPT, NULL, err)) {
            return err_wrap(err, "%s %zu", what, i + 1);
        }
    }
    return true;
}
