#include "common/model/automation_cursor.h"

static const struct str kind_names[] = {
    [AUTOMATION_NONE] = STR_INIT("none"),
    [AUTOMATION_EAGER] = STR_INIT("eager"),
    [AUTOMATION_ON_MISSING] = STR_INIT("on_missing"),
    [AUTOMATION_ON_CRON] = STR_INIT("on_cron"),
};

static struct str take(struct str *rest, char separator)
{
    struct str head = STR_NONE;
    (void)str_cut(*rest, separator, &head, rest);
    return head;
}

static bool take_i64(struct str *rest, int64_t *ret)
{
    return str_to_i64(take(rest, ' '), INT64_MIN, INT64_MAX, ret);
}

static bool take_flag(struct str *rest, struct str name, bool *ret)
{
    struct str word = take(rest, ' ');
    int64_t value = 0;
    if (!str_starts(word, name) || !str_to_i64(str_slice(word, name.len, word.len), 0, 1, &value)) {
        return false;
    }
    *ret = value == 1;
    return true;
}

static bool take_kind(struct str *rest, enum automation_kind *ret)
{
    struct str word = take(rest, ' ');
    for (size_t i = 0; i < COUNT_OF(kind_names); i++) {
        if (str_eq(word, kind_names[i])) {
            *ret = (enum automation_kind)i;
            return true;
        }
    }
    return false;
}

bool automation_cursor_read(struct str text, struct arena *arena, struct automation_cursor *ret)
{
    struct automation_cursor c = {.deps = strmap_new(arena)};
    *ret = c;
    struct str rest = text;
    struct str line = take(&rest, '\n');
    if (!str_eq(take(&line, ' '), STR("v1")) || !take_i64(&line, &c.seq) ||
        !take_i64(&line, &c.at.ns) || !take_kind(&line, &c.kind) ||
        !take_flag(&line, STR("requested="), &c.was_requested) ||
        !take_flag(&line, STR("missing="), &c.was_missing) ||
        !take_flag(&line, STR("since="), &c.is_since) ||
        !take_flag(&line, STR("partitioned="), &c.is_partitioned)) {
        return true;
    }
    c.exists = true;
    c.partition = take(&rest, '\n');
    c.schedule = take(&rest, '\n');
    bool ok = true;
    while (ok && rest.len > 0) {
        struct str key = take(&rest, '\n');
        ok = key.len == 0 || strmap_put(&c.deps, key, 1);
    }
    *ret = c;
    return ok;
}

void automation_cursor_write(const struct automation_cursor *c, struct buf *out)
{
    buf_addf(out, "v1 %lld %lld " STR_FMT " requested=%d missing=%d since=%d partitioned=%d\n",
             (long long)c->seq, (long long)c->at.ns, STR_ARG(kind_names[c->kind]), c->was_requested,
             c->was_missing, c->is_since, c->is_partitioned);
    buf_addf(out, STR_FMT "\n", STR_ARG(c->partition));
    if (c->kind == AUTOMATION_ON_CRON) {
        buf_addf(out, STR_FMT "\n", STR_ARG(c->schedule));
    }
}
