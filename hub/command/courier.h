/* courier.h - which device is looked at next, and what becomes of a command that waits for it. Pure:
 * times are arguments. What waits is in the database; here is one entry for each device that was
 * online since the hub started.
 *
 * A command is sent when its device is there, once more after each birth, and while nothing is heard
 * of it after 30 s, 1 min, 2 min ... 16 min: brokers lose what they confirmed. Devices pass over
 * what they have. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/base/time.h"

enum { COURIER_DEVICES_MAX = 200000 };
#define COURIER_NEVER ((struct mono_time){INT64_MAX})

struct courier;
/* Lets `per_second` messages pass, and a tenth of that at once. */
MUST_CHECK bool courier_open(struct courier **ret, int64_t per_second, struct err *err);
void courier_close(struct courier *c); /* NULL is allowed */

/* A session begins: the device is due now. False: too many devices, or no memory. */
MUST_CHECK bool courier_born(struct courier *c, struct str device, struct mono_time now,
                             struct wall_time at);
void courier_died(struct courier *c, struct str device);
/* There is something new for it. Nothing happens when it is not online: its birth will do. */
void courier_wake(struct courier *c, struct str device, struct mono_time now);

/* The next device to look at, and when its session began; the text stays. False: none is due now.
 * courier_looked() follows, which says how much was sent and when to look again. */
bool courier_next(struct courier *c, struct mono_time now, struct str *ret_device,
                  struct wall_time *ret_born);
void courier_looked(struct courier *c, struct str device, int64_t sent, struct mono_time now,
                    struct mono_time again);
/* When courier_next() may have one; COURIER_NEVER when nothing waits. */
struct mono_time courier_due(const struct courier *c);

/* One command for one device. Times are the hub's wall clock, since they outlive it. */
struct courier_row {
    int64_t sent; /* how often */
    struct wall_time last_sent;
    struct wall_time expires;
    bool is_answered;
};
enum courier_verdict { COURIER_SEND, COURIER_WAIT, COURIER_CLOSE };
/* WAIT: until *ret_due. CLOSE: it is never sent again. */
enum courier_verdict courier_judge(const struct courier_row *row, struct wall_time born,
                                   struct wall_time now, struct wall_time *ret_due);
/* What is left of its life, in seconds from 1: the broker forgets it then. */
uint32_t courier_expiry_s(struct wall_time expires, struct wall_time now);
