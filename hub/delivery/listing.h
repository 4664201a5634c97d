/* listing.h - the reports of the settings, each with when it goes out next and what came of it last. */
#pragma once
#include "hub/config/config.h"
#include "hub/delivery/delivery_rows.h"

struct delivery_listed {
    const struct hub_report *settings;
    struct delivery_row row;   /* of its schedule */
    struct delivery_row asked; /* of what somebody asked for */
    struct wall_time next;     /* 0: never */
};
/* Texts are in `arena`. ERR_NOT_FOUND: this machine lost the time zone. */
MUST_CHECK bool delivery_list_one(struct db *db, const struct hub_report *settings,
                                  struct wall_time now, struct arena *arena,
                                  struct delivery_listed *ret, struct err *err);
