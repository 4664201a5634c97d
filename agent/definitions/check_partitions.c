/* check_partitions.c - an asset's partitions: what they are, and whether the asset can be made in
 * slices at all. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/model/partition_sql.h"
#include <stdio.h>

enum { SHOWN_BYTES_MAX = 80 };

/* --- times without a zone: "2026-01-01", "2026-01-01T06:00", "2026-01-01-06:00", with seconds if
 * need be --- */

static bool take_number(struct str *text, size_t digits, int64_t min, int64_t max, int64_t *ret)
{
    struct str number = str_slice(*text, 0, digits);
    *text = str_slice(*text, digits, text->len);
    return number.len == digits && str_to_i64(number, min, max, ret);
}

static bool take_char(struct str *text, const char *one_of)
{
    bool found = text->len > 0 && str_contains(str_from(one_of), str_slice(*text, 0, 1));
    *text = str_slice(*text, 1, text->len);
    return found;
}

/* Seconds since 1970 as if the zone were UTC. */
static bool parse_local(struct str text, int64_t *ret_seconds)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    bool ok = take_number(&text, 4, 1970, 2261, &year) && take_char(&text, "-") &&
              take_number(&text, 2, 1, 12, &month) && take_char(&text, "-") &&
              take_number(&text, 2, 1, 31, &day);
    if (ok && text.len > 0) {
        ok = take_char(&text, "T -") && take_number(&text, 2, 0, 23, &hour) &&
             take_char(&text, ":") && take_number(&text, 2, 0, 59, &minute);
    }
    if (ok && text.len > 0) {
        ok = take_char(&text, ":") && take_number(&text, 2, 0, 59, &second);
    }
    struct civil_time civil = {.year = year,
                               .month = (int)month,
                               .day = (int)day,
                               .hour = (int)hour,
                               .minute = (int)minute,
                               .second = (int)second};
    *ret_seconds = civil_to_seconds(&civil);
    return ok && text.len == 0 && civil_from_seconds(*ret_seconds).day == (int)day;
}

/* The member `key` in the zone of the partitions. False: a problem was added. */
static bool read_instant(const struct item *item, const struct json *node, const char *key,
                         struct str text, const struct tz *tz, struct wall_time *ret)
{
    int64_t local = 0;
    if (text.ptr == NULL) {
        return false; /* missing, or no text: reported before */
    }
    if (!parse_local(text, &local)) {
        item_problem(item, place_of(node, key), "such as 2026-01-01 or 2026-01-01T06:00",
                     "partitions: %s \"" STR_FMT "\" is neither a date nor a date with a time", key,
                     STR_ARG(str_slice(text, 0, SHOWN_BYTES_MAX)));
        return false;
    }
    ret->ns = tz_from_local(tz, local).first * NS_PER_SEC;
    return true;
}

/* --- kinds --- */

static const char *const window_keys[] = {"hourly", "daily", "weekly", "monthly", "cron"};

/* As Dagster writes them. */
static struct str window_cron(const struct subject *s, int kind, const struct raw_windows *raw)
{
    struct arena *arena = &s->l->defs->arena;
    long long minute = raw->minute;
    long long hour = raw->hour;
    switch (kind) {
    case WINDOWS_HOURLY:
        return arena_printf(arena, "%lld * * * *", minute);
    case WINDOWS_DAILY:
        return arena_printf(arena, "%lld %lld * * *", minute, hour);
    case WINDOWS_WEEKLY:
        return arena_printf(arena, "%lld %lld * * %lld", minute, hour, (long long)raw->day);
    case WINDOWS_MONTHLY:
        return arena_printf(arena, "%lld %lld %lld * *", minute, hour, (long long)raw->day);
    default:
        return raw->schedule;
    }
}

static void check_windows(const struct subject *s, const struct json *node, int kind,
                          struct partitions *ret)
{
    const struct raw_windows *raw = &s->raw->partitions.windows[kind];
    struct item item = item_of_asset(s);
    *ret = (struct partitions){.kind = PARTITION_TIME,
                               .cron_text = window_cron(s, kind, raw),
                               .timezone = raw->timezone,
                               .tz = tz_utc(),
                               .end_offset = raw->end_offset,
                               .format = raw->format};
    item_zone(&item, node, raw->timezone, &ret->tz);
    bool has_cron = item_cron(&item, node, "schedule", ret->cron_text, &ret->cron);
    bool has_start = read_instant(&item, node, "start", raw->start, ret->tz, &ret->start);
    bool has_end = json_get(node, "end") != NULL &&
                   read_instant(&item, node, "end", raw->end, ret->tz, &ret->end);
    if (has_start && has_end && ret->end.ns <= ret->start.ns) {
        item_problem(&item, place_of(node, "end"), NULL,
                     "partitions: end " STR_FMT " is not after start " STR_FMT, STR_ARG(raw->end),
                     STR_ARG(raw->start));
    }
    struct err err = {0};
    if (has_start && has_cron && !partition_check(ret, &err)) {
        struct location at =
            place_of(node, json_get(node, "format") != NULL ? "format" : "schedule");
        item_problem(&item, at, err.hint[0] != '\0' ? err.hint : NULL, "partitions: %s", err.msg);
    }
}

static void check_key(const struct subject *s, size_t index, struct str key, struct strmap *seen)
{
    const struct json *node = json_get(s->node, "partitions");
    uint32_t earlier = 0;
    struct err err = {0};
    bool is_key = partition_key_check(key, &err);
    bool is_wrong = !is_key || strmap_get(seen, key, &earlier);
    if (is_wrong && is_counted_only(s->l)) {
        return;
    }
    if (!is_key) {
        asset_problem(s, place_of_item(node, "static", index), err.hint, "partitions: %s", err.msg);
    } else if (is_wrong) {
        asset_problem(s, place_of_item(node, "static", index), NULL,
                      "partitions: key " STR_FMT " is named twice",
                      STR_ARG(str_slice(key, 0, SHOWN_BYTES_MAX)));
    } else if (!strmap_put(seen, key, 0)) {
        return; /* the arena remembers */
    }
}

static void check_static(const struct subject *s, struct partitions *ret)
{
    const struct str_list *keys = &s->raw->partitions.keys;
    struct strmap seen = strmap_new(&s->l->scratch);
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->items[i].ptr != NULL) {
            check_key(s, i, keys->items[i], &seen);
        }
    }
    *ret = (struct partitions){
        .kind = PARTITION_STATIC, .keys = keys->items, .key_count = keys->count};
}

/* --- what is made in slices --- */

/* Of those that a step is told its partition by: docs/reference/partitions.md. */
static bool has_partition(struct str path)
{
    return str_contains(path, STR("${SELVEDGE_PARTITION_"));
}

static void check_rows_of_partitions(const struct subject *s)
{
    const struct asset *asset = &s->raw->asset;
    const struct endpoint *load = &asset->load;
    struct location at = place_of(s->node, "partitions");
    if (asset->extract.connector == NULL || load->connector == NULL) {
        return; /* reported before */
    }
    if (!has_partition(asset->extract.written)) {
        asset_problem(s, at,
                      "extract files with ${SELVEDGE_PARTITION_KEY} in their path, or use sql",
                      "extract would read the same rows for every partition");
    }
    bool is_own_file = load->connector->sides[USE_LOAD].is_file && has_partition(load->written);
    if (load->mode == MODE_OVERWRITE && !is_own_file) {
        asset_problem(s, place_of(json_get(s->node, "load"), "mode"), "use upsert",
                      "load: mode overwrite would drop the rows of all other partitions");
    }
}

static void check_query_of_partitions(const struct subject *s)
{
    const struct sql *sql = &s->raw->asset.sql;
    const struct json *node = json_get(s->node, "sql");
    if (sql->materialized == SQL_VIEW) {
        asset_problem(s, place_of(node, "materialized"), "materialized: table",
                      "sql: a view has no partitions");
    } else if (sql->partition_by.len == 0) {
        asset_problem(s, place_of(node, "partition_by"), NULL,
                      "sql: partitions need partition_by: the column with the partition's key");
    }
}

static void check_sliced(const struct subject *s)
{
    bool is_partitioned = s->raw->asset.partitions.kind != PARTITION_NONE;
    if (s->raw->asset.work == ASSET_EXTRACT_LOAD && is_partitioned) {
        check_rows_of_partitions(s);
    } else if (s->raw->asset.work == ASSET_SQL && is_partitioned) {
        check_query_of_partitions(s);
    }
    if (is_partitioned) {
        return;
    }
    if (json_get(s->node, "backfill") != NULL) {
        asset_problem(s, place_of(s->node, "backfill"), "take it away",
                      "backfill goes with partitions only");
    }
    const struct json *sql = json_get(s->node, "sql");
    if (json_get(sql, "partition_by") != NULL) {
        asset_problem(s, place_of(sql, "partition_by"), "take it away",
                      "sql: partition_by goes with partitions only");
    }
}

void check_partitions(const struct subject *s)
{
    const struct json *node = json_get(s->node, "partitions");
    const struct raw_backfill *backfill = &s->raw->backfill;
    struct partitions *partitions = &s->raw->asset.partitions;
    s->raw->asset.partitions_per_run =
        backfill->word == BACKFILL_SINGLE_RUN ? 0 : backfill->max_per_run;
    if (node != NULL && (node->type != JSON_OBJECT || node->count != 1)) {
        return; /* reported before */
    }
    for (int kind = 0; kind < WINDOWS_KINDS; kind++) {
        const struct json *windows = json_get(node, window_keys[kind]);
        if (windows != NULL && windows->type == JSON_OBJECT) {
            check_windows(s, windows, kind, partitions);
        }
    }
    if (json_get(node, "static") != NULL) {
        check_static(s, partitions);
    }
    if (json_get(node, "dynamic") != NULL) {
        *partitions = (struct partitions){.kind = PARTITION_DYNAMIC, .set = s->raw->partitions.set};
        (void)check_name(s->l, place_of(node, "dynamic"), "partitions: set", partitions->set);
    }
    check_sliced(s);
}

/* What stands for the partitions must be known before there are any. */
static void check_words(const struct subject *s, struct location at, const char *where,
                        struct str sql)
{
    enum partition_kind kind = s->raw->asset.partitions.kind;
    struct str before = STR_NONE;
    struct str name = STR_NONE;
    while (partition_sql_next(&sql, &before, &name)) {
        enum partition_word word;
        struct err err = {0};
        bool is_meant = kind != PARTITION_NONE || str_starts(name, STR("partition_"));
        if (is_meant && !partition_word_from(name, kind, &word, &err)) {
            asset_problem(s, at, err.hint[0] == '\0' ? NULL : err.hint, "%s: %s", where, err.msg);
            return;
        }
    }
}

void check_partition_words(const struct subject *s)
{
    const struct asset *asset = &s->raw->asset;
    const struct json *sql = json_get(s->node, "sql");
    const struct json *node = first_of(s->node, "checks");
    if (asset->partitions.kind == PARTITION_NONE && json_get(s->node, "partitions") != NULL) {
        return; /* reported before */
    }
    if (asset->sql.query.ptr != NULL && sql != NULL) {
        const char *key = json_get(sql, "file") != NULL ? "file" : "query";
        check_words(s, place_of(sql, key), "sql", asset->sql.query);
    }
    for (size_t i = 0; i < asset->check_count; i++, node = next_of(node)) {
        char where[LIMIT_NAME_BYTES + 8];
        (void)snprintf(where, sizeof(where), "check " STR_FMT, STR_ARG(asset->checks[i].name));
        if (node != NULL && asset->checks[i].sql.ptr != NULL) {
            check_words(s, place_of(node, "sql"), where, asset->checks[i].sql);
        }
    }
}
