/* partition_fixture.h - partitions made from a few words, and what a test asks of them. */
#pragma once
#include "common/base/arena.h"
#include "common/model/partition.h"

struct wall_time partition_instant(const char *text);
/* Windows of a cron expression in a zone of the corpus, from a local time on; the format of the key
 * is that of days when NULL. */
struct partitions partition_windows_of(struct arena *arena, const char *cron, const char *zone,
                                       const char *start, const char *format);
/* Fails the test unless these are the last keys at `now`; ends with a NULL. */
void assert_last_keys(const struct partitions *p, const char *now, const char *const *expected);
/* Fails the test unless the key's window is this ("2024-10-27T01:00Z"). */
void assert_window(const struct partitions *p, const char *key, const char *start, const char *end);
