/* cron_count.h - how many firings there are in a stretch of time and which is the n-th, without
 * going through all of them. Pure.
 *
 * DESIGN: a zone's offset is constant but for a few instants. Away from those the firings are the
 * local times that the expression names, and are counted a month at a time; close to them they are
 * gone through with cron_next(), which alone says what a change of the clock does. So both always
 * agree. 100,000 hours take some microseconds. */
#pragma once
#include "common/model/cron.h"

/* Firings after `after`, up to and including `upto`. */
int64_t cron_count(const struct cron *c, const struct tz *tz, struct wall_time after,
                   struct wall_time upto);
/* The n-th firing after `after`: 1 is cron_next(). False: there is none within 500 years. */
bool cron_nth(const struct cron *c, const struct tz *tz, struct wall_time after, int64_t n,
              struct wall_time *ret);
