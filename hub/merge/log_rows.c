/* log_rows.c - see log_rows.h. */
#include "hub/merge/log_rows.h"
#include "common/db/db_rows.h"
#include "hub_store_sql.h"
#include <assert.h>

void log_rows_add(struct log_rows *l, int64_t stream, const struct event *ev, int64_t from,
                  int64_t received_ms)
{
    assert(l->count < CHANGES_MAX);
    l->item[l->count++] = (struct log_row){.stream = stream,
                                           .seq = ev->seq,
                                           .from = ev->type == EVENT_BUFFER_GAP ? from : 0,
                                           .at_ms = wall_ms(ev->at),
                                           .received_ms = received_ms,
                                           .type = ev->type_name,
                                           .body = ev->body};
}

static bool next_row(void *ctx, bool *ret_row)
{
    struct log_rows *l = ctx;
    *ret_row = l->at++ < l->count;
    return true;
}

static struct db_value number(int64_t value)
{
    return (struct db_value){.type = DB_INTEGER, .as.integer = value};
}

/* In the order of the statement. */
static struct db_value value_of(void *ctx, int column)
{
    const struct log_rows *l = ctx;
    const struct log_row *row = &l->item[l->at - 1];
    switch (column) {
    case 0:
        return number(row->stream);
    case 1:
        return number(row->seq);
    case 2:
        return row->from > 0 ? number(row->from) : (struct db_value){.type = DB_NULL};
    case 3:
        return (struct db_value){.type = DB_TEXT, .as.text = row->type};
    case 4:
        return number(row->at_ms);
    case 5:
        return number(row->received_ms);
    default:
        return (struct db_value){.type = DB_TEXT, .as.text = row->body};
    }
}

bool log_rows_write(struct log_rows *l, struct db *db, struct err *err)
{
    if (l->count == 0) {
        return true;
    }
    const struct db_rows rows = {.next = next_row, .value = value_of, .ctx = l};
    struct db_query q = db_query(db, HUB_STORE_EVENT_INSERT);
    l->at = 0;
    if (!db_run_given(&q, &rows, err)) {
        return false;
    }
    l->count = 0;
    return true;
}
