#include "common/dbt/seed_types.h"

#include "common/dbt/seed_number.h"
#include "common/dbt/seed_time.h"
#include "common/dbt/unicode_scan.h"

enum { ALL_TYPES = (1U << (SEED_TEXT + 1)) - 1 };

const char *seed_type_name(enum seed_type type)
{
    static const char *const names[] = {[SEED_INTEGER] = "Integer",
                                        [SEED_NUMBER] = "Number",
                                        [SEED_DATE] = "Date",
                                        [SEED_DATETIME] = "DateTime",
                                        [SEED_ISO_DATETIME] = "ISODateTime",
                                        [SEED_BOOLEAN] = "Boolean",
                                        [SEED_TEXT] = "Text"};
    return names[type];
}

/* In any case, as one of the two words: no other letter becomes one of theirs in lower case. */
static bool is_word(struct str s, struct str lower)
{
    if (s.len != lower.len) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != lower.ptr[i]) {
            return false;
        }
    }
    return true;
}

static bool is_null(struct str stripped)
{
    return stripped.len == 0 || is_word(stripped, STR("null"));
}

/* agate takes all commas out of what may be a boolean, also of an empty one. False: too long. */
static bool without_commas(struct str field, struct buf *out)
{
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] != ',') {
            buf_add_char(out, field.ptr[i]);
        }
    }
    return !out->overflow;
}

static bool read_boolean(struct str stripped, struct seed_value *v)
{
    char memory[16];
    struct buf text = buf_fixed(memory, sizeof memory);
    /* White space may be behind a comma at either end. */
    for (size_t before = SIZE_MAX; stripped.len < before;) {
        before = stripped.len;
        stripped = unicode_strip(unicode_strip_char(stripped, STR(",")));
    }
    if (!without_commas(stripped, &text)) {
        return false;
    }
    v->is_null = is_null(buf_str(&text));
    v->text = is_word(buf_str(&text), STR("true")) ? STR("true") : STR("false");
    return v->is_null || v->text.len == 4 || is_word(buf_str(&text), STR("false"));
}

static bool read_number(struct str stripped, struct seed_value *v, struct seed_number *ret)
{
    if (!seed_number_read(stripped, ret)) {
        return false;
    }
    struct buf out = buf_fixed(v->memory, sizeof v->memory);
    seed_number_write(ret, &out);
    v->text = buf_str(&out);
    v->is_finite = ret->kind == SEED_FINITE;
    return true;
}

static bool read_time(enum seed_type type, struct str stripped, struct seed_value *v)
{
    struct seed_time t;
    struct buf out = buf_fixed(v->memory, sizeof v->memory);
    if (type == SEED_DATE) {
        if (!seed_date_read(stripped, &t)) {
            return false;
        }
        seed_date_write(&t, &out);
    } else {
        if (!(type == SEED_DATETIME ? seed_datetime_read : seed_iso_read)(stripped, &t)) {
            return false;
        }
        seed_datetime_write(&t, &out);
    }
    v->text = buf_str(&out);
    v->has_offset = t.has_offset;
    return true;
}

bool seed_value_read(enum seed_type type, struct str field, struct seed_value *ret)
{
    ret->is_null = field.ptr == NULL;
    ret->is_finite = false;
    ret->has_offset = false;
    ret->text = field;
    if (ret->is_null) {
        return true;
    }
    struct str stripped = unicode_strip(field);
    if (type != SEED_INTEGER && type != SEED_BOOLEAN && is_null(stripped)) {
        ret->is_null = true;
        return true;
    }
    struct seed_number number;
    switch (type) {
    case SEED_INTEGER: /* a field is text, which is none */
        return false;
    case SEED_NUMBER:
        return read_number(stripped, ret, &number);
    case SEED_DATE:
    case SEED_DATETIME:
    case SEED_ISO_DATETIME:
        return read_time(type, stripped, ret);
    case SEED_BOOLEAN:
        return read_boolean(stripped, ret);
    case SEED_TEXT:
        return true;
    }
    return false;
}

struct seed_column seed_column_new(bool is_text)
{
    return (struct seed_column){.possible = is_text ? 1U << SEED_TEXT : ALL_TYPES,
                                .whole_places = 1};
}

/* Numbers are kept account of as they are tested. */
static bool see_number(struct seed_column *column, struct str field)
{
    struct str stripped = unicode_strip(field);
    struct seed_number number;
    if (is_null(stripped)) {
        return true;
    }
    if (!seed_number_read(stripped, &number)) {
        return false;
    }
    /* agate leaves out what it takes for infinite, which it asks of a double. */
    if (number.kind == SEED_FINITE && !seed_number_is_beyond_double(&number)) {
        int64_t whole;
        int64_t decimal;
        seed_number_places(&number, &whole, &decimal);
        column->whole_places = whole > column->whole_places ? whole : column->whole_places;
        column->decimal_places =
            decimal > column->decimal_places ? decimal : column->decimal_places;
    }
    return true;
}

void seed_column_see(struct seed_column *column, struct str field)
{
    if (field.ptr == NULL) { /* all types have missing values */
        return;
    }
    for (enum seed_type type = SEED_INTEGER; type < SEED_TEXT; type++) {
        struct seed_value value;
        if ((column->possible & (1U << type)) == 0) {
            continue;
        }
        bool is_it =
            type == SEED_NUMBER ? see_number(column, field) : seed_value_read(type, field, &value);
        if (!is_it) {
            column->possible &= ~(1U << type);
        }
    }
}

enum seed_type seed_column_type(const struct seed_column *column)
{
    enum seed_type type = SEED_INTEGER;
    while ((column->possible & (1U << type)) == 0) {
        type++;
    }
    return type;
}

bool seed_column_has_decimals(const struct seed_column *column)
{
    int64_t decimal = column->decimal_places;
    if (column->whole_places + decimal > SEED_DIGITS) {
        decimal = SEED_DIGITS - column->whole_places;
    }
    return decimal != 0;
}

static bool is_taken(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(names[i], name)) {
            return true;
        }
    }
    return false;
}

/* "a" to "z", "aa", "bb", ... */
static struct str letter_name(size_t index, struct arena *arena)
{
    size_t count = index / 26 + 1;
    char *text = arena_array(arena, count, 1);
    for (size_t i = 0; text != NULL && i < count; i++) {
        text[i] = (char)('a' + index % 26);
    }
    return (struct str){text, text != NULL ? count : 0};
}

bool seed_names(struct str *names, size_t count, struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        struct str base = names[i].len > 0 ? names[i] : letter_name(i, arena);
        struct str name = base;
        for (size_t n = 2; name.ptr != NULL && is_taken(names, i, name); n++) {
            name = arena_printf(arena, STR_FMT "_%zu", STR_ARG(base), n);
        }
        if (name.ptr == NULL) {
            return false;
        }
        names[i] = name;
    }
    return true;
}
