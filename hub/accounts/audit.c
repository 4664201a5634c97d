/* audit.c - who did what. */
#include "hub/accounts/accounts_internal.h"

bool accounts_audit(struct accounts *accounts, const struct account_audit *row, struct err *err)
{
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_AUDIT_ADD);
    db_bind_i64(&q, ":now", accounts_ms(row->at));
    db_bind_opt(&q, ":account", row->account);
    db_bind_str(&q, ":peer", row->peer);
    db_bind_str(&q, ":action", row->action);
    db_bind_opt(&q, ":subject", row->subject);
    db_bind_str(&q, ":result", row->result);
    db_bind_opt(&q, ":detail", row->detail);
    return db_run(&q, err);
}

bool accounts_each_audit(struct accounts *accounts, const struct account_audit_filter *filter,
                         void (*on_row)(void *ctx, const struct account_audit *row), void *ctx,
                         struct err *err)
{
    struct db_query q = db_query(accounts->db, HUB_ACCOUNTS_AUDIT_LIST);
    bool row = false;
    if (filter->before > 0) {
        db_bind_i64(&q, ":before", filter->before);
    }
    db_bind_opt(&q, ":account", filter->account);
    db_bind_opt(&q, ":action", filter->action);
    db_bind_i64(&q, ":limit", filter->limit);
    while (db_next(&q, &row, err)) {
        if (!row) {
            return true;
        }
        struct account_audit audit = {.id = db_col_i64(&q, 0),
                                      .at = accounts_time(db_col_i64(&q, 1)),
                                      .account = db_col_str(&q, 2),
                                      .peer = db_col_str(&q, 3),
                                      .action = db_col_str(&q, 4),
                                      .subject = db_col_str(&q, 5),
                                      .result = db_col_str(&q, 6),
                                      .detail = db_col_str(&q, 7)};
        on_row(ctx, &audit);
    }
    return false;
}
