/* details.h - what the hub knows of one device beyond what stands in a list of devices (queries.h, whose
 * rules hold here too). */
#pragma once
#include "hub/store/queries.h"

struct hub_device_detail {
    struct str key_fingerprint;
    struct wall_time status_since;
    struct str epoch, boot_id;
    int64_t clock_trusted; /* 0, 1 */
    struct wall_time refusal_at;
    struct str definitions_told; /* the hash that it said when it connected last */
    int64_t starts, clock_steps;
    struct wall_time health_at;
    struct str health; /* the event */
    struct str certificate_cause;
    struct wall_time certificate_issued;
    int64_t epochs;
    struct str bundle_wanted; /* empty: its own file; STR_NONE: the hub has no wish */
    bool has_wish;
    struct str deployment; /* that it is in and that is not over; may be empty */
    struct str bundle_told, bundle_status, bundle_current, bundle_reason;
    struct wall_time bundle_at;
    int64_t cut_off, quarantined;
};
/* What `name` is the name of, or what people call so: its id, in `ret`. ERR_NOT_FOUND. */
MUST_CHECK bool hub_find_device(struct db *db, struct str name, struct buf *ret, struct err *err);
MUST_CHECK bool hub_read_device_detail(struct db *db, struct str device,
                                       void (*on_row)(void *ctx,
                                                      const struct hub_device_detail *row),
                                       void *ctx, struct err *err);

struct hub_device_command { /* that it has not done yet */
    struct str id, verb, status;
    struct wall_time given, expires;
    int64_t sent; /* how often */
};
/* Newest first, at most 100. */
MUST_CHECK bool hub_each_device_command(struct db *db, struct str device,
                                        void (*on_row)(void *ctx,
                                                       const struct hub_device_command *row),
                                        void *ctx, struct err *err);
struct hub_device_alert { /* open, and of this device alone */
    struct str kind, detail;
    struct wall_time opened;
};
MUST_CHECK bool hub_each_device_alert(struct db *db, struct str device,
                                      void (*on_row)(void *ctx, const struct hub_device_alert *row),
                                      void *ctx, struct err *err);
struct hub_device_pool {
    struct str pool;
    int64_t wanted, granted;
};
MUST_CHECK bool hub_each_device_pool(struct db *db, struct str device,
                                     void (*on_row)(void *ctx, const struct hub_device_pool *row),
                                     void *ctx, struct err *err);
