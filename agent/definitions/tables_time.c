/* tables_time.c - the keys of an asset that have to do with time: partitions, freshness,
 * automation. */
#include "agent/definitions/field_macros.h"
#include "agent/definitions/tables.h"

/* Long enough for any policy, and short enough for sums of instants. */
#define LONGEST_NS (3660 * DAY_NS)

/* --- partitions --- */

/* What all windows of time have. */
#define WINDOW_FIELDS                                                                              \
    FIELD(STR, "start", raw_windows, start,                                                        \
          "The first window is the first that begins at or after it: `2026-01-01` or "             \
          "`2026-01-01T06:00`, in the time zone.",                                                 \
          .required = true),                                                                       \
        FIELD(STR, "end", raw_windows, end, "No window ends after it; open when not given."),      \
        FIELD(STR, "timezone", raw_windows, timezone,                                              \
              "The zone that the windows follow, such as `Europe/Berlin`.", .fallback = "UTC"),    \
        FIELD(I64, "end_offset", raw_windows, end_offset,                                          \
              "How many windows there are beyond the last one that is over; may be negative.",     \
              .min = -100000, .max = 100000, .fallback = "0")
#define FORMAT_FIELD(otherwise)                                                                    \
    FIELD(STR, "format", raw_windows, format,                                                      \
          "How a key is written, from the window's start: `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, "    \
          "`%z`. Each window needs a key of its own.",                                             \
          .fallback = (otherwise))
#define MINUTE_FIELD                                                                               \
    FIELD(I64, "minute_offset", raw_windows, minute, "The minute at which a window begins.",       \
          .min = 0, .max = 59, .fallback = "0")
#define HOUR_FIELD                                                                                 \
    FIELD(I64, "hour_offset", raw_windows, hour, "The hour at which a window begins.", .min = 0,   \
          .max = 23, .fallback = "0")
#define WINDOW_TABLE(title, list, first)                                                           \
    {                                                                                              \
        .name = (title), .size = sizeof(struct raw_windows), TABLE(list), .defaults = &(first)     \
    }

static const char by_day[] = "%Y-%m-%d";
static const char by_minute[] = "%Y-%m-%d-%H:%M";

static const struct raw_windows windows_by_day = {.timezone = STR_INIT("UTC"),
                                                  .format = {by_day, sizeof(by_day) - 1}};
static const struct raw_windows windows_by_month = {
    .timezone = STR_INIT("UTC"), .format = {by_day, sizeof(by_day) - 1}, .day = 1};
static const struct raw_windows windows_by_minute = {.timezone = STR_INIT("UTC"),
                                                     .format = {by_minute, sizeof(by_minute) - 1}};

static const struct field hourly_fields[] = {WINDOW_FIELDS, MINUTE_FIELD, FORMAT_FIELD(by_minute)};
static const struct field daily_fields[] = {WINDOW_FIELDS, MINUTE_FIELD, HOUR_FIELD,
                                            FORMAT_FIELD(by_day)};
static const struct field weekly_fields[] = {WINDOW_FIELDS, MINUTE_FIELD, HOUR_FIELD,
                                             FIELD(I64, "day_offset", raw_windows, day,
                                                   "The day on which a window begins: 0 is Sunday.",
                                                   .min = 0, .max = 6, .fallback = "0"),
                                             FORMAT_FIELD(by_day)};
static const struct field monthly_fields[] = {
    WINDOW_FIELDS, MINUTE_FIELD, HOUR_FIELD,
    FIELD(I64, "day_offset", raw_windows, day, "The day of the month on which a window begins.",
          .min = 1, .max = 28, .fallback = "1"),
    FORMAT_FIELD(by_day)};
static const struct field cron_fields[] = {
    FIELD(STR, "schedule", raw_windows, schedule,
          "A cron expression: a window begins at each tick and ends at the next.",
          .required = true),
    WINDOW_FIELDS, FORMAT_FIELD(by_minute)};

static const struct field_table window_tables[] = {
    [WINDOWS_HOURLY] = WINDOW_TABLE("hourly_partitions", hourly_fields, windows_by_minute),
    [WINDOWS_DAILY] = WINDOW_TABLE("daily_partitions", daily_fields, windows_by_day),
    [WINDOWS_WEEKLY] = WINDOW_TABLE("weekly_partitions", weekly_fields, windows_by_day),
    [WINDOWS_MONTHLY] = WINDOW_TABLE("monthly_partitions", monthly_fields, windows_by_month),
    [WINDOWS_CRON] = WINDOW_TABLE("cron_partitions", cron_fields, windows_by_minute),
};

static const struct field partitions_fields[] = {
    FIELD(OBJECT, "hourly", raw_partitions, windows[WINDOWS_HOURLY], "A window for each hour.",
          .object = &window_tables[WINDOWS_HOURLY]),
    FIELD(OBJECT, "daily", raw_partitions, windows[WINDOWS_DAILY], "A window for each day.",
          .object = &window_tables[WINDOWS_DAILY]),
    FIELD(OBJECT, "weekly", raw_partitions, windows[WINDOWS_WEEKLY], "A window for each week.",
          .object = &window_tables[WINDOWS_WEEKLY]),
    FIELD(OBJECT, "monthly", raw_partitions, windows[WINDOWS_MONTHLY], "A window for each month.",
          .object = &window_tables[WINDOWS_MONTHLY]),
    FIELD(OBJECT, "cron", raw_partitions, windows[WINDOWS_CRON],
          "Windows of time from one tick of a cron expression to the next.",
          .object = &window_tables[WINDOWS_CRON]),
    FIELD(STR_LIST, "static", raw_partitions, keys, "The keys themselves, in order.", .min = 1,
          .max = PARTITIONS_MAX),
    FIELD(STR, "dynamic", raw_partitions, set,
          "The name of a set of keys that are added and deleted while the agent runs."),
};
const struct field_table partitions_table = {
    .name = "partitions",
    .size = sizeof(struct raw_partitions),
    TABLE(partitions_fields),
    .is_choice = true,
};

static const char *const backfill_words[] = {"multi_run", "single_run", NULL};
static const struct field backfill_word =
    FIELD(ENUM, "", raw_backfill, word, "`multi_run` or `single_run`.", .names = backfill_words);
static const struct field backfill_fields[] = {
    FIELD(I64, "max_partitions_per_run", raw_backfill, max_per_run,
          "At most this many neighbouring partitions are made by one run.", .required = true,
          .min = 1, .max = PARTITIONS_MAX),
};
static const struct raw_backfill backfill_defaults = {.max_per_run = 1};
const struct field_table backfill_table = {
    .name = "backfill",
    .size = sizeof(struct raw_backfill),
    TABLE(backfill_fields),
    .defaults = &backfill_defaults,
    .shorthand = &backfill_word,
};

/* --- freshness and automation --- */

static const struct field freshness_fields[] = {
    FIELD(DURATION, "fail_after", raw_freshness, policy.fail_after_ns,
          "It fails when it was last made longer ago than this. One of `fail_after` and `cron` is "
          "needed.",
          .min = MINUTE_NS, .max = LONGEST_NS),
    FIELD(DURATION, "warn_after", raw_freshness, policy.warn_after_ns,
          "It warns when it was last made longer ago than this. With `fail_after`, and shorter.",
          .min = NS_PER_SEC, .max = LONGEST_NS),
    FIELD(STR, "cron", raw_freshness, policy.cron_text,
          "Deadlines: at each tick it must have been made lately."),
    FIELD(DURATION, "lower_bound", raw_freshness, policy.lower_bound_ns,
          "How long before a deadline is lately. With `cron`, where it is needed.",
          .min = MINUTE_NS, .max = LONGEST_NS),
    FIELD(STR, "timezone", raw_freshness, policy.timezone,
          "The zone of the times in `cron`, such as `Europe/Berlin`.", .fallback = "UTC"),
};
static const struct raw_freshness freshness_defaults = {.policy = {.timezone = STR_INIT("UTC")}};
const struct field_table freshness_table = {
    .name = "freshness",
    .size = sizeof(struct raw_freshness),
    TABLE(freshness_fields),
    .defaults = &freshness_defaults,
};

static const char *const automation_words[] = {"eager", "on_missing", NULL};
static const struct field automation_word =
    FIELD(ENUM, "", raw_automation, word, "`eager` or `on_missing`.",
          SEEN(raw_automation, has_word), .names = automation_words);
static const struct field automation_fields[] = {
    FIELD(STR, "on_cron", raw_automation, cron,
          "Made after each tick, once all that it is made from was made since that tick.",
          .required = true),
    FIELD(STR, "timezone", raw_automation, timezone,
          "The zone of the times in `on_cron`, such as `Europe/Berlin`.", .fallback = "UTC"),
};
static const struct raw_automation automation_defaults = {.timezone = STR_INIT("UTC")};
const struct field_table automation_table = {
    .name = "automation",
    .size = sizeof(struct raw_automation),
    TABLE(automation_fields),
    .defaults = &automation_defaults,
    .shorthand = &automation_word,
};
