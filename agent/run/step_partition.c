#include "agent/run/step_partition.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/model/partition_sql.h"

enum { SQL_BYTES_MAX = 2 << 20, TIME_BYTES = 40 };

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "prepare the step's partition: out of memory");
}

/* --- which ------------------------------------------------------------------------------------ */

static bool find_window(struct step_partition *p, struct partition_bounds bounds, struct err *err)
{
    struct partition_window last = {0};
    if (p->of->kind != PARTITION_TIME) {
        return true;
    }
    if (!partition_window(p->of, bounds.first, &p->window, err) ||
        !partition_window(p->of, bounds.last, &last, err)) {
        return false;
    }
    p->window.end = last.end;
    return true;
}

/* As if it were over, and no offset held it back: the run was asked for, whatever the clock says. */
static bool list_keys(struct step_partition *p, struct partition_bounds bounds,
                      const struct partition_keys *dynamic, struct arena *arena, struct err *err)
{
    struct partitions of = *p->of;
    struct partition_view view = {.of = &of, .dynamic = dynamic, .now = p->window.end};
    of.end_offset = 0;
    return partition_range(&view, bounds, arena, &p->keys, err);
}

static bool check_size(const struct step_partition *p, struct err *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < p->keys.count; i++) {
        bytes += p->keys.items[i].len;
    }
    if (p->keys.count > LIMIT_RUN_PARTITIONS || bytes > LIMIT_RUN_PARTITION_BYTES) {
        (void)err_set(err, ERR_FULL,
                      "%zu partitions are more than one run can make (%d, or %d KiB of keys)",
                      p->keys.count, LIMIT_RUN_PARTITIONS, LIMIT_RUN_PARTITION_BYTES >> 10);
        return err_hint(err, "selvedge-agent backfill makes several runs of them");
    }
    return true;
}

bool step_partition_make(const struct partitions *of, struct partition_bounds bounds,
                         const struct partition_keys *dynamic, struct arena *arena,
                         struct step_partition *ret, struct err *err)
{
    struct step_partition p = {.of = of};
    if (bounds.last.len == 0) {
        bounds.last = bounds.first;
    }
    if (!find_window(&p, bounds, err) || !list_keys(&p, bounds, dynamic, arena, err) ||
        !check_size(&p, err)) {
        return false;
    }
    *ret = p;
    return true;
}

/* --- variables -------------------------------------------------------------------------------- */

static struct civil_time local_time(const struct partitions *of, struct wall_time at,
                                    int32_t *ret_offset)
{
    int64_t seconds = at.ns / NS_PER_SEC - (at.ns % NS_PER_SEC < 0 ? 1 : 0);
    *ret_offset = tz_offset_at(of->tz, seconds);
    return civil_from_seconds(seconds + *ret_offset);
}

/* "2026-01-01T00:00:00+01:00" */
static struct str iso_time(const struct partitions *of, struct wall_time at, struct arena *arena)
{
    int32_t offset = 0;
    struct civil_time t = local_time(of, at, &offset);
    int32_t size = offset < 0 ? -offset : offset;
    return arena_printf(arena, "%04lld-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", (long long)t.year,
                        t.month, t.day, t.hour, t.minute, t.second, offset < 0 ? '-' : '+',
                        (int)(size / 3600), (int)(size / 60 % 60));
}

size_t step_partition_variables(const struct step_partition *p, struct arena *arena,
                                struct step_variable ret[STEP_PARTITION_VARIABLES])
{
    size_t count = 0;
    struct str first = p->keys.items[0];
    struct str last = p->keys.items[p->keys.count - 1];
    if (p->keys.count == 1) {
        ret[count++] = (struct step_variable){STR("SELVEDGE_PARTITION_KEY"), first};
    }
    ret[count++] = (struct step_variable){STR("SELVEDGE_PARTITION_START_KEY"), first};
    ret[count++] = (struct step_variable){STR("SELVEDGE_PARTITION_END_KEY"), last};
    if (p->of->kind == PARTITION_TIME) {
        ret[count++] = (struct step_variable){STR("SELVEDGE_PARTITION_WINDOW_START"),
                                              iso_time(p->of, p->window.start, arena)};
        ret[count++] = (struct step_variable){STR("SELVEDGE_PARTITION_WINDOW_END"),
                                              iso_time(p->of, p->window.end, arena)};
    }
    return count;
}

/* --- SQL -------------------------------------------------------------------------------------- */

/* Single quotes doubled: the one way that every SQL reads alike. */
static void add_literal(struct buf *out, struct str text)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') {
            buf_add_char(out, '\'');
        }
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, '\'');
}

/* As SQLite's datetime() writes it: "2026-01-01 00:00:00". */
static void add_time(struct buf *out, const struct partitions *of, struct wall_time at)
{
    int32_t offset = 0;
    struct civil_time t = local_time(of, at, &offset);
    buf_addf(out, "'%04lld-%02d-%02d %02d:%02d:%02d'", (long long)t.year, t.month, t.day, t.hour,
             t.minute, t.second);
}

static bool add_key(const struct step_partition *p, struct buf *out, struct err *err)
{
    if (p->keys.count != 1) {
        (void)err_set(err, ERR_INVALID,
                      "{{ partition_key }} in SQL: the run makes %zu partitions, from " STR_FMT
                      " to " STR_FMT,
                      p->keys.count, STR_ARG(p->keys.items[0]),
                      STR_ARG(p->keys.items[p->keys.count - 1]));
        return err_hint(err, "write: in {{ partition_keys }}; or make one partition a run");
    }
    add_literal(out, p->keys.items[0]);
    return true;
}

static void add_keys(const struct step_partition *p, struct buf *out)
{
    buf_add_char(out, '(');
    for (size_t i = 0; i < p->keys.count; i++) {
        buf_add_text(out, i > 0 ? ", " : "");
        add_literal(out, p->keys.items[i]);
    }
    buf_add_char(out, ')');
}

static void add_window(const struct step_partition *p, enum partition_word word, struct buf *out)
{
    static const struct partitions in_utc = {0};
    struct partitions utc = in_utc;
    utc.tz = tz_utc();
    bool is_start = word == PARTITION_WORD_START || word == PARTITION_WORD_START_UTC;
    bool is_utc = word == PARTITION_WORD_START_UTC || word == PARTITION_WORD_END_UTC;
    add_time(out, is_utc ? &utc : p->of, is_start ? p->window.start : p->window.end);
}

static bool add_value(const struct step_partition *p, struct str name, struct buf *out,
                      struct err *err)
{
    enum partition_word word = PARTITION_WORD_KEY;
    if (!partition_word_from(name, p->of->kind, &word, err)) {
        return false;
    }
    if (word == PARTITION_WORD_KEY) {
        return add_key(p, out, err);
    }
    if (word == PARTITION_WORD_KEYS) {
        add_keys(p, out);
    } else {
        add_window(p, word, out);
    }
    return true;
}

bool step_partition_sql(const struct step_partition *p, struct str sql, struct arena *arena,
                        struct str *ret, struct err *err)
{
    AUTO(buf) out = buf_growing(SQL_BYTES_MAX);
    struct str before = STR_NONE;
    struct str name = STR_NONE;
    while (partition_sql_next(&sql, &before, &name)) {
        buf_add(&out, before);
        if (!add_value(p, name, &out, err)) {
            return false;
        }
    }
    buf_add(&out, before);
    if (out.overflow) {
        return err_set(err, ERR_FULL, "the SQL with its partitions takes more than %d KiB",
                       SQL_BYTES_MAX >> 10);
    }
    *ret = arena_copy(arena, buf_str(&out));
    return ret->ptr != NULL || out_of_memory(err);
}

bool step_partition_json(const struct step_partition *p, struct arena *arena, struct str *ret,
                         struct err *err)
{
    AUTO(buf) out = buf_growing(SQL_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_array(&w);
    for (size_t i = 0; i < p->keys.count; i++) {
        jw_str(&w, p->keys.items[i]);
    }
    jw_end_array(&w);
    *ret = out.overflow ? STR_NONE : arena_copy(arena, buf_str(&out));
    return ret->ptr != NULL || out_of_memory(err);
}
