/* cron_parse.c - the text of a cron expression. What croniter, and with it Dagster, reads in a way
 * of its own ("5-5" is every value there, "59/5" too) is refused rather than read differently:
 * docs/reference/schedules.md. */
#include "common/model/cron.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 255, WEEKDAYS_MAX = 6, ALL_WEEKDAYS = 0x7F };

enum { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELD_COUNT };
static const struct cron_field {
    const char *name;
    int min;
    int max;           /* of a value that is written */
    int last;          /* where "*" and an open step end: 7 is another name of 0 */
    const char *names; /* three letters each, the first one standing for `min` */
} fields[FIELD_COUNT] = {
    {"minute", 0, 59, 59, ""},
    {"hour", 0, 23, 23, ""},
    {"day of month", 1, 31, 31, ""},
    {"month", 1, 12, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, WEEKDAYS_MAX, "sunmontuewedthufrisat"},
};

struct cursor {
    struct str text;
    size_t at;
    const struct cron_field *field;
    struct err *err;
};

/* One field as it was read. */
struct field_set {
    uint64_t values;
    bool is_star;  /* "*" alone */
    bool has_star; /* somewhere in its text */
};

PRINTF_LIKE(3, 4)
static bool fail(struct cursor *c, size_t at, const char *fmt, ...)
{
    char text[sizeof(c->err->msg)];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return err_set(c->err, ERR_INVALID, "%s (column %zu): %s", c->field->name, at + 1,
                   len < 0 ? "" : text);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static char peek(const struct cursor *c)
{
    if (c->at >= c->text.len) {
        return '\0';
    }
    return c->text.ptr[c->at];
}

static bool take_char(struct cursor *c, char wanted)
{
    if (peek(c) != wanted) {
        return false;
    }
    c->at++;
    return true;
}

/* Letters and digits from here on; not consumed. */
static struct str peek_word(const struct cursor *c)
{
    size_t end = c->at;
    while (end < c->text.len && strchr(" \t,-/*", c->text.ptr[end]) == NULL) {
        end++;
    }
    return str_slice(c->text, c->at, end);
}

static bool find_name(struct str word, const struct cron_field *field, int *ret)
{
    for (size_t i = 0; word.len == 3 && field->names[3 * i] != '\0'; i++) {
        if (strncasecmp(word.ptr, field->names + 3 * i, 3) == 0) {
            *ret = field->min + (int)i;
            return true;
        }
    }
    return false;
}

/* What other crons know and this one does not; NULL for a mere mistake. */
static const char *foreign_syntax(struct str word)
{
    if (memchr(word.ptr, '#', word.len) != NULL) {
        return "'#' (the n-th weekday of a month) is not supported";
    }
    if (memchr(word.ptr, '?', word.len) != NULL) {
        return "'?' is not supported: write *";
    }
    bool has_digits_only_behind = true;
    for (size_t i = 1; i < word.len; i++) {
        has_digits_only_behind = has_digits_only_behind && word.ptr[i] >= '0' && word.ptr[i] <= '9';
    }
    if ((word.ptr[0] == 'L' || word.ptr[0] == 'l') && has_digits_only_behind) {
        return "'L' (the last day) is not supported";
    }
    bool is_hash = word.ptr[0] == 'H' || word.ptr[0] == 'h' || word.ptr[0] == 'R';
    if (is_hash && (word.len == 1 || word.ptr[1] == '(')) {
        return "'H' and 'R' (a time by hash or by chance) are not supported: use splay";
    }
    return NULL;
}

static bool refuse_word(struct cursor *c, struct str word)
{
    const char *foreign = foreign_syntax(word);
    if (foreign != NULL) {
        (void)fail(c, c->at, "%s", foreign);
        return err_hint(c->err, "numbers, names, lists, ranges and steps are");
    }
    return fail(c, c->at, "\"" STR_FMT "\" is not a number%s", STR_ARG(word),
                c->field->names[0] == '\0' ? "" : " or a name of three letters");
}

static bool take_value(struct cursor *c, int *ret)
{
    struct str word = peek_word(c);
    if (word.len == 0) {
        return fail(c, c->at, "a value is missing");
    }
    int64_t value = 0;
    if (find_name(word, c->field, ret)) {
        c->at += word.len;
        return true;
    }
    if (word.len > 9 || !str_to_i64(word, 0, INT64_MAX, &value)) {
        return refuse_word(c, word);
    }
    if (value < c->field->min) {
        return fail(c, c->at, "%d is below %d", (int)value, c->field->min);
    }
    if (value > c->field->max) {
        return fail(c, c->at, "%d is above %d", (int)value, c->field->max);
    }
    c->at += word.len;
    *ret = (int)value;
    return true;
}

static bool take_step(struct cursor *c, int *ret)
{
    struct str word = peek_word(c);
    int64_t step = 0;
    if (!str_to_i64(word, 1, c->field->max, &step)) {
        return fail(c, c->at, "a step is a number from 1 to %d", c->field->max);
    }
    c->at += word.len;
    *ret = (int)step;
    return true;
}

static uint64_t every_nth(int first, int last, int step)
{
    uint64_t set = 0;
    for (int value = first; value <= last; value += step) {
        set |= UINT64_C(1) << value;
    }
    return set;
}

/* "22-2" goes on behind the end of the field. */
static bool add_range(struct cursor *c, size_t start, const int bounds[2], int step, uint64_t *set)
{
    const struct cron_field *field = c->field;
    int first = bounds[0];
    int last = bounds[1];
    bool is_weekday = field->last != field->max;
    if (is_weekday && first == field->max) {
        first = field->min;
    }
    bool is_whole = is_weekday && bounds[0] == field->min && last == field->max;
    if (first == last || (first == last % field->max && is_weekday && !is_whole)) {
        (void)fail(c, start, "the range is a single value");
        return err_hint(c->err, "write the value alone; some crons take such a range for \"*\"");
    }
    if (first < last) {
        *set |= every_nth(first, last, step);
        return true;
    }
    if (step != 1) {
        (void)fail(c, start, "a range that runs over the end takes no step");
        return err_hint(c->err, "write it as two ranges with a comma between");
    }
    *set |= every_nth(first, field->last, 1) | every_nth(field->min, last, 1);
    return true;
}

/* "5/10": from the value to the end of the field. */
static bool add_open_step(struct cursor *c, size_t start, int first, int step, uint64_t *set)
{
    if (first > c->field->last) {
        first = c->field->min;
    }
    if (first == c->field->last) {
        return fail(c, start, "no step leads on from the last value, %d", first);
    }
    *set |= every_nth(first, c->field->last, step);
    return true;
}

/* One element of a list: "*", "5", "1-5", each perhaps with "/2". */
static bool take_element(struct cursor *c, struct field_set *ret)
{
    size_t start = c->at;
    int bounds[2] = {c->field->min, c->field->last};
    int step = 1;
    bool is_star = take_char(c, '*');
    bool is_range = false;
    if (!is_star) {
        if (!take_value(c, &bounds[0])) {
            return false;
        }
        is_range = take_char(c, '-');
        if (is_range && !take_value(c, &bounds[1])) {
            return false;
        }
    }
    bool has_step = take_char(c, '/');
    if (has_step && !take_step(c, &step)) {
        return false;
    }
    ret->has_star = ret->has_star || is_star;
    if (is_star) {
        ret->is_star = ret->is_star || !has_step;
        ret->values |= every_nth(bounds[0], bounds[1], step);
        return true;
    }
    if (is_range) {
        return add_range(c, start, bounds, step, &ret->values);
    }
    if (has_step) {
        return add_open_step(c, start, bounds[0], step, &ret->values);
    }
    ret->values |= UINT64_C(1) << bounds[0];
    return true;
}

static bool take_field(struct cursor *c, struct field_set *ret)
{
    while (is_space(peek(c))) {
        c->at++;
    }
    if (c->at == c->text.len) {
        (void)fail(c, c->at, "the field is missing");
        return err_hint(c->err, "five fields: minute hour day-of-month month day-of-week");
    }
    size_t start = c->at;
    size_t count = 0;
    do {
        if (!take_element(c, ret)) {
            return false;
        }
        count++;
    } while (take_char(c, ','));
    if (c->at < c->text.len && !is_space(peek(c))) {
        return fail(c, c->at, "'%c' is not expected here", peek(c) >= ' ' ? peek(c) : '?');
    }
    if (ret->is_star && count > 1) {
        return fail(c, start, "beside \"*\" the other values say nothing");
    }
    return true;
}

static const struct {
    struct str name;
    struct str expression;
} nicknames[] = {
    {STR_INIT("@hourly"), STR_INIT("0 * * * *")},   {STR_INIT("@daily"), STR_INIT("0 0 * * *")},
    {STR_INIT("@midnight"), STR_INIT("0 0 * * *")}, {STR_INIT("@weekly"), STR_INIT("0 0 * * 0")},
    {STR_INIT("@monthly"), STR_INIT("0 0 1 * *")},  {STR_INIT("@yearly"), STR_INIT("0 0 1 1 *")},
    {STR_INIT("@annually"), STR_INIT("0 0 1 1 *")},
};

static bool is_same_word(struct str a, struct str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* What a nickname stands for; anything else as it is, without white space at the end, so that
 * columns count from where the text began. */
static bool expand(struct str text, struct str *ret, struct err *err)
{
    struct str name = str_trim(text);
    if (name.len == 0 || name.ptr[0] != '@') {
        *ret = name.len == 0 ? name : str_slice(text, 0, (size_t)(name.ptr - text.ptr) + name.len);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(nicknames); i++) {
        if (is_same_word(name, nicknames[i].name)) {
            *ret = nicknames[i].expression;
            return true;
        }
    }
    if (is_same_word(name, STR("@reboot"))) {
        (void)err_set(err, ERR_INVALID, "@reboot is not a time, and not supported");
        return err_hint(err, "a service of the system's init can run selvedge-agent materialize");
    }
    (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a cron nickname", STR_ARG(name));
    return err_hint(err, "@hourly, @daily, @weekly, @monthly or @yearly");
}

/* First of all: where seconds come first, every other complaint would be about the wrong field. */
static bool check_count(struct str text, struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool begins = !is_space(text.ptr[i]) && (i == 0 || is_space(text.ptr[i - 1]));
        count += begins;
        if (begins && count > FIELD_COUNT) {
            (void)err_set(err, ERR_INVALID, "column %zu: five fields are expected, not more",
                          i + 1);
            return err_hint(err, "there is none for seconds or years; `every: 10s` counts seconds");
        }
    }
    return true;
}

/* As croniter has it, and so Dagster: a day field restricts nothing when it is "*", or when it
 * names every day and the other one has a star in it. */
static bool is_any(const struct field_set *field, uint64_t all, const struct field_set *other)
{
    return field->is_star || (field->values == all && other->has_star);
}

bool cron_parse(struct str text, struct cron *ret, struct err *err)
{
    if (text.len > TEXT_MAX) {
        return err_set(err, ERR_INVALID, "the cron expression is longer than %d bytes", TEXT_MAX);
    }
    struct cursor c = {.err = err};
    if (!expand(text, &c.text, err) || !check_count(c.text, err)) {
        return false;
    }
    struct field_set sets[FIELD_COUNT] = {0};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        c.field = &fields[i];
        if (!take_field(&c, &sets[i])) {
            return false;
        }
    }
    struct field_set *weekday = &sets[FIELD_WEEKDAY];
    weekday->values = (weekday->values | weekday->values >> 7) & ALL_WEEKDAYS;
    const struct field_set *day = &sets[FIELD_DAY];
    *ret = (struct cron){
        .minutes = sets[FIELD_MINUTE].values,
        .hours = (uint32_t)sets[FIELD_HOUR].values,
        .days = (uint32_t)day->values,
        .months = (uint32_t)sets[FIELD_MONTH].values,
        .weekdays = (uint32_t)weekday->values,
        .any_day = is_any(day, every_nth(1, 31, 1), weekday),
        .any_weekday = is_any(weekday, ALL_WEEKDAYS, day),
    };
    return true;
}
