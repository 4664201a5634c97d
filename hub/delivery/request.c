#include "hub/delivery/request.h"

#include "common/platform/clock.h"
#include "hub/delivery/delivery_rows.h"
#include "hub/fleet/poke.h"

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
