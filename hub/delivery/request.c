#include "hub/delivery/request.h"

#include "common/platform/clock.h"
#include "hub/delivery/delivery_rows.h"
#include "hub/fleet/poke.h"
#include <poll.h>

enum { LOOK_MS = 100, ROW_BYTES_MAX = 64 << 10 };

bool request_give(const struct hub_config *config, const char *database, struct str report,
                  struct wall_time *ret_when, struct err *err)
{
    struct clock clock = clock_system();
    struct wall_time now = clock_wall(&clock);
    struct db *db = NULL;
    now.ns -= now.ns % NS_PER_MS; /* as it is kept */
    if (!poke_send(config)) {
        (void)err_set(err, ERR_OFFLINE, "the hub that delivers reports is not running");
        return err_hint(err, "start it: selvedge-hub serve");
    }
    bool ok = delivery_rows_open(&db, database, err) && delivery_rows_ask(db, report, now, err);
    db_close(db);
    *ret_when = now;
    return ok && (poke_send(config) || err_set(err, ERR_OFFLINE, "the hub has just ended"));
}

/* *ret_over: nothing is due any more; then *why says how it ended. */
static bool look(struct db *db, struct str report, struct wall_time when, bool *ret_over,
                 struct err *why, struct err *err)
{
    AUTO(arena) arena = arena_new(ROW_BYTES_MAX);
    struct delivery_row row;
    const struct delivery_key key = {report, DELIVERY_ASKED};
    if (!delivery_rows_find(db, key, &arena, &row, err)) {
        return false;
    }
    *ret_over = !row.is_there || row.delivery.due.ns != when.ns;
    if (*ret_over && row.is_there && row.failed.ns != 0) {
        (void)err_set(why, ERR_IO, "not delivered: " STR_FMT, STR_ARG(row.error));
    } else if (*ret_over && row.delivered_for.ns != when.ns) {
        (void)err_set(why, ERR_CANCELLED, "the hub has given up what was asked for");
    }
    return true;
}

bool request_wait(const char *database, struct str report, struct wall_time when,
                  int64_t timeout_ns, struct err *err)
{
    struct clock clock = clock_system();
    int64_t until = clock_mono(&clock).ns + timeout_ns;
    struct db *db = NULL;
    struct err why = {0};
    bool is_over = false;
    bool ok = delivery_rows_open(&db, database, err);
    while (ok && !is_over) {
        ok = look(db, report, when, &is_over, &why, err);
        if (ok && !is_over && clock_mono(&clock).ns > until) {
            ok = err_set(err, ERR_TIMEOUT,
                         "the report is still under way; see: selvedge-hub reports");
        }
        if (ok && !is_over) {
            (void)poll(NULL, 0, LOOK_MS);
        }
    }
    db_close(db);
    if (ok && why.msg[0] != '\0') {
        *err = why;
        return false;
    }
    return ok;
}
