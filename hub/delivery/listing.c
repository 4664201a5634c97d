#include "hub/delivery/listing.h"

#include "hub/config/zone.h"

static bool find_next(const struct hub_report *r, struct wall_time now, struct arena *arena,
                      struct wall_time *ret, struct err *err)
{
    struct cron cron;
    const struct tz *tz = NULL;
    if (!cron_parse(r->cron, &cron, err) || !zone_load(r->timezone, arena, &tz, err)) {
        return false;
    }
    *ret = (struct wall_time){0};
    (void)cron_next(&cron, tz, now, ret); /* never: it stays 0 */
    return true;
}

bool delivery_list_one(struct db *db, const struct hub_report *settings, struct wall_time now,
                       struct arena *arena, struct delivery_listed *ret, struct err *err)
{
    struct delivery_listed listed = {.settings = settings};
    const struct delivery_key scheduled = {settings->name, DELIVERY_SCHEDULED};
    const struct delivery_key asked = {settings->name, DELIVERY_ASKED};
    if (!find_next(settings, now, arena, &listed.next, err) ||
        !delivery_rows_find(db, scheduled, arena, &listed.row, err) ||
        !delivery_rows_find(db, asked, arena, &listed.asked, err)) {
        return err_wrap(err, "report " STR_FMT, STR_ARG(settings->name));
    }
    *ret = listed;
    return true;
}
