#include "agent/meltano/timestamp.h"

struct cursor {
    struct str text;
    size_t at;
    bool is_bad;
};

static bool is_digit_at(const struct cursor *c, size_t at)
{
    return at < c->text.len && c->text.ptr[at] >= '0' && c->text.ptr[at] <= '9';
}

/* `min` to `max` digits. */
static int64_t number(struct cursor *c, size_t min, size_t max)
{
    int64_t value = 0;
    size_t start = c->at;
    while (c->at - start < max && is_digit_at(c, c->at)) {
        value = 10 * value + (c->text.ptr[c->at++] - '0');
    }
    c->is_bad = c->is_bad || c->at - start < min;
    return value;
}

static bool accept(struct cursor *c, const char *any)
{
    for (; c->at < c->text.len && *any != '\0'; any++) {
        if (c->text.ptr[c->at] == *any) {
            c->at++;
            return true;
        }
    }
    return false;
}

static void expect(struct cursor *c, char wanted)
{
    char any[2] = {wanted, '\0'};
    c->is_bad = !accept(c, any) || c->is_bad;
}

static bool is_end(const struct cursor *c)
{
    return c->at == c->text.len;
}

/* Six digits of a second, rounded as Python's reader does. */
static int64_t fraction(struct cursor *c)
{
    int64_t value = 0;
    size_t start = c->at;
    bool is_up = false;
    for (; is_digit_at(c, c->at); c->at++) {
        int digit = c->text.ptr[c->at] - '0';
        if (c->at - start < 6) {
            value = 10 * value + digit;
        } else if (c->at - start == 6) {
            is_up = digit > 4;
        }
    }
    for (size_t i = c->at - start; i < 6; i++) {
        value *= 10;
    }
    return value + is_up;
}

/* "Z", "+2", "+02:00" or nothing, in minutes. */
static int64_t zone(struct cursor *c, bool *ret_has)
{
    while (accept(c, " \t")) {
    }
    *ret_has = !is_end(c);
    if (accept(c, "Z") || !*ret_has) {
        return 0;
    }
    bool is_negative = c->text.ptr[c->at] == '-';
    c->is_bad = !accept(c, "+-") || c->is_bad;
    int64_t minutes = 60 * number(c, 1, 2);
    if (accept(c, ":")) {
        minutes += number(c, 2, 2);
    }
    return is_negative ? -minutes : minutes;
}

bool timestamp_iso(struct arena *a, struct str text, struct str *ret)
{
    struct cursor c = {.text = text};
    int64_t date[3] = {0};
    date[0] = number(&c, 4, 4);
    expect(&c, '-');
    date[1] = number(&c, 1, 2);
    expect(&c, '-');
    date[2] = number(&c, 1, 2);
    bool is_valid = date[1] >= 1 && date[1] <= 12 && date[2] >= 1 && date[2] <= 31;
    if (c.is_bad || !is_valid || (!accept(&c, "Tt") && !accept(&c, " \t"))) {
        return false; /* a plain date is written as Python writes it, but for "2020-1-2": a text */
    }
    while (accept(&c, " \t")) {
    }
    int64_t hour = number(&c, 1, 2);
    expect(&c, ':');
    int64_t minute = number(&c, 2, 2);
    expect(&c, ':');
    int64_t second = number(&c, 2, 2);
    int64_t micros = accept(&c, ".") ? fraction(&c) : 0;
    bool has_zone = false;
    int64_t offset = zone(&c, &has_zone);
    if (c.is_bad || !is_end(&c) || hour > 23 || minute > 59 || second > 59 || micros > 999999) {
        return false;
    }
    char tail[48];
    struct buf out = buf_fixed(tail, sizeof(tail));
    if (micros > 0) {
        buf_addf(&out, ".%06d", (int)micros);
    }
    if (has_zone) {
        int64_t size = offset < 0 ? -offset : offset;
        buf_addf(&out, "%c%02d:%02d", offset < 0 ? '-' : '+', (int)(size / 60), (int)(size % 60));
    }
    struct str iso =
        arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d" STR_FMT, (int)date[0], (int)date[1],
                     (int)date[2], (int)hour, (int)minute, (int)second, STR_ARG(buf_str(&out)));
    if (iso.ptr == NULL) {
        return false;
    }
    *ret = iso;
    return true;
}
