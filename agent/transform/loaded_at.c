#include "agent/transform/loaded_at.h"

#include "common/base/buf.h"
#include "common/dbt/seed_time.h"

enum { TEXT_MAX = 64, DATE_DIGITS = 8 };

static bool set_wall(const struct seed_time *t, struct wall_time *ret)
{
    int64_t seconds = civil_to_seconds(&(struct civil_time){.year = t->year,
                                                            .month = t->month,
                                                            .day = t->day,
                                                            .hour = t->hour,
                                                            .minute = t->minute,
                                                            .second = t->second});
    if (!wall_from_seconds(seconds - 60 * (int64_t)t->offset_minutes, ret)) {
        return false;
    }
    return !__builtin_add_overflow(ret->ns, t->microsecond * NS_PER_US, &ret->ns);
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
    }
    return s.len > 0;
}

/* From 1973 to 5138 the same number of digits is never two units. */
static bool read_number(struct str value, struct wall_time *ret)
{
    static const struct {
        int64_t min, ns;
    } units[] = {{INT64_C(100000000000000000), 1},
                 {INT64_C(100000000000000), NS_PER_US},
                 {INT64_C(100000000000), NS_PER_MS},
                 {INT64_C(100000000), NS_PER_SEC}};
    struct str whole = value;
    struct str fraction;
    int64_t number;
    bool has_fraction = str_cut(value, '.', &whole, &fraction);
    if (!is_digits(whole) || (has_fraction && !is_digits(fraction)) ||
        !str_to_i64(whole, 0, INT64_MAX, &number)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (number < units[i].min) {
            continue;
        }
        int64_t scale = units[i].ns;
        if (__builtin_mul_overflow(number, scale, &ret->ns)) {
            return false;
        }
        for (size_t k = 0; has_fraction && k < fraction.len && scale >= 10; k++) {
            scale /= 10;
            ret->ns += (fraction.ptr[k] - '0') * scale;
        }
        return true;
    }
    return false;
}

/* "2026-01-31 10:00:00 +02:00" as isodate has it: T between, nothing before the zone. */
static void add_as_iso(struct str value, struct buf *out)
{
    if (str_ends(value, STR(" UTC"))) {
        value.len -= 4;
        buf_add(out, value);
        buf_add_char(out, 'Z');
    } else {
        buf_add(out, value);
    }
    size_t kept = 0;
    for (size_t i = 0; i < out->len; i++) {
        char c = out->ptr[i];
        bool is_behind = kept > DATE_DIGITS + 2;
        if (kept >= DATE_DIGITS && !is_behind && (c == ' ' || c == 't')) {
            c = 'T';
        } else if (is_behind && c == ' ' && i + 1 < out->len &&
                   (out->ptr[i + 1] == '+' || out->ptr[i + 1] == '-')) {
            continue;
        } else if (c == 'z' && i + 1 == out->len) {
            c = 'Z';
        }
        out->ptr[kept++] = c;
    }
    out->len = kept;
}

bool loaded_at_read(struct str value, struct wall_time *ret, bool *ret_has_offset)
{
    char memory[TEXT_MAX];
    struct buf text = buf_fixed(memory, sizeof memory);
    struct seed_time t = {0};
    value = str_trim(value);
    *ret_has_offset = false;
    if (is_digits(value) && value.len == DATE_DIGITS) {
        buf_addf(&text, STR_FMT "T00", STR_ARG(value));
        return seed_iso_read(buf_str(&text), &t) && set_wall(&t, ret);
    }
    if (read_number(value, ret)) {
        return true;
    }
    if (seed_date_read(value, &t)) {
        return set_wall(&t, ret);
    }
    add_as_iso(value, &text);
    if (text.overflow || !seed_iso_read(buf_str(&text), &t)) {
        return false;
    }
    *ret_has_offset = t.offset_minutes != 0;
    return set_wall(&t, ret);
}
