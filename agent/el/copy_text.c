#include "agent/el/copy_text.h"

#include "agent/el/row_json.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"

#include <math.h>
#include <string.h>

#define EXACT_IN_DOUBLE 9007199254740992.0 /* 2^53 */
#define REPLACEMENT     "\xef\xbf\xbd"     /* U+FFFD */

/* --- writing --------------------------------------------------------------------------------- */

static bool refuse_nul(struct err *err)
{
    err_set(err, ERR_INVALID, "a NUL character, which PostgreSQL cannot hold");
    return err_hint(err, "correct it at the source, or set nul_characters to \"replace\" (by "
                         "U+FFFD) or \"remove\"");
}

static bool add_special(char c, enum nul_rule rule, struct buf *out, struct err *err)
{
    switch (c) {
    case '\\':
        buf_add(out, STR("\\\\"));
        return true;
    case '\n':
        buf_add(out, STR("\\n"));
        return true;
    case '\r':
        buf_add(out, STR("\\r"));
        return true;
    case '\t':
        buf_add(out, STR("\\t"));
        return true;
    case '\0':
    default:
        if (rule == NUL_ERROR) {
            return refuse_nul(err);
        }
        buf_add(out, rule == NUL_REPLACE ? STR(REPLACEMENT) : STR(""));
        return true;
    }
}

static bool is_special(char c)
{
    return c == '\\' || (c >= 0 && c < ' ' && (c == '\n' || c == '\r' || c == '\t' || c == '\0'));
}

static bool add_text(struct str text, enum nul_rule rule, struct buf *out, struct err *err)
{
    size_t start = 0;
    bool is_ascii = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        is_ascii = is_ascii && (signed char)c >= 0;
        if (is_special(c)) {
            buf_add(out, str_slice(text, start, i));
            if (!add_special(c, rule, out, err)) {
                return false;
            }
            start = i + 1;
        }
    }
    buf_add(out, str_slice(text, start, text.len));
    if (is_ascii || str_is_utf8(text)) {
        return true;
    }
    err_set(err, ERR_INVALID, "text that is not UTF-8");
    return err_hint(err, "correct it at the source, or store it as a blob there");
}

/* jsonb takes no \u0000; the json type would, but has no equality and no index. */
static bool add_json(struct str text, enum nul_rule rule, struct buf *out, struct err *err)
{
    const struct str escape = STR("\\u0000");
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\') {
            continue;
        }
        if (str_eq(str_slice(text, i, i + escape.len), escape)) {
            if (rule == NUL_ERROR) {
                return refuse_nul(err);
            }
            if (!add_text(str_slice(text, start, i), rule, out, err)) {
                return false;
            }
            buf_add(out, rule == NUL_REPLACE ? STR(REPLACEMENT) : STR(""));
            start = i + escape.len;
            i = start - 1;
        } else {
            i++; /* what is escaped is no escape */
        }
    }
    return add_text(str_slice(text, start, text.len), rule, out, err);
}

static void add_bytes(struct str bytes, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    buf_add(out, STR("\\\\x"));
    char *to = buf_reserve(out, bytes.len * 2);
    for (size_t i = 0; to != NULL && i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        to[2 * i] = digits[c >> 4];
        to[2 * i + 1] = digits[c & 15];
    }
    out->len += to == NULL ? 0 : bytes.len * 2;
}

/* Most real numbers that people store have a few digits behind the point, and printing them by
 * "%.17g" is what a row costs. n / 10^k with both exact in a double is rounded once, as the text of
 * it is when it is read (Clinger's fast path): the same number again, in its fewest digits. */
static bool add_decimal(double v, struct buf *out)
{
    static const double powers[] = {1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    int64_t power = 1;
    for (size_t k = 0; k < COUNT_OF(powers); k++) {
        double scaled = nearbyint(fabs(v) * powers[k]);
        power *= 10;
        if (scaled > EXACT_IN_DOUBLE) {
            return false;
        }
        if (scaled / powers[k] == fabs(v)) {
            int64_t n = (int64_t)scaled;
            char digits[sizeof(power) * 3];
            int64_t rest = n % power;
            for (size_t i = k + 1; i > 0; i--) {
                digits[i - 1] = (char)('0' + rest % 10);
                rest /= 10;
            }
            buf_add(out, v < 0 ? STR("-") : STR(""));
            buf_add_i64(out, n / power);
            buf_add_char(out, '.');
            buf_add(out, (struct str){digits, k + 1});
            return true;
        }
    }
    return false;
}

/* A whole number goes into a column of integers too. */
static void add_real(double v, enum copy_form form, struct buf *out)
{
    bool is_whole = v == floor(v) && fabs(v) <= EXACT_IN_DOUBLE && !(v == 0 && signbit(v));
    if (isnan(v)) {
        buf_add(out, STR("NaN"));
    } else if (isinf(v)) {
        buf_add(out, v < 0 ? STR("-Infinity") : STR("Infinity"));
    } else if (is_whole) {
        buf_add_i64(out, (int64_t)v);
    } else if (v != 0 && add_decimal(v, out)) {
        return;
    } else if (form == COPY_FORM_DOUBLE) {
        buf_addf(out, "%.17g", v);
    } else {
        struct json_writer w = json_writer(out);
        jw_double(&w, v); /* the fewest digits that give it back */
    }
}

static bool refuse_rounding(struct str number, struct err *err)
{
    struct str shown = str_slice(number, 0, 60);
    err_set(err, ERR_INVALID, STR_FMT " does not fit into double precision without loss",
            STR_ARG(shown));
    return err_hint(err, "give the table's column the type numeric");
}

static bool add_integer(int64_t v, enum copy_form form, struct buf *out, struct err *err)
{
    if (form == COPY_FORM_DOUBLE && fabs((double)v) >= EXACT_IN_DOUBLE) {
        char digits[24];
        struct buf text = buf_fixed(digits, sizeof(digits));
        buf_add_i64(&text, v);
        return refuse_rounding(buf_str(&text), err);
    }
    buf_add_i64(out, v);
    return true;
}

static bool add_as_json(const struct column *column, const struct value *v, enum nul_rule rule,
                        struct buf *out, struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 6);
    struct json_writer w = json_writer(&text);
    row_json_write(&w, column, v);
    return text.overflow ? err_set(err, ERR_NO_MEMORY, "no memory for a value")
                         : add_json(buf_str(&text), rule, out, err);
}

/* `is_exact`: text is a number's digits. */
static bool add_value(const struct value *v, bool is_exact, enum copy_form form, enum nul_rule rule,
                      struct buf *out, struct err *err)
{
    switch (v->type) {
    case VALUE_INTEGER:
        return add_integer(v->as.integer, form, out, err);
    case VALUE_REAL:
        add_real(v->as.real, form, out);
        return true;
    case VALUE_TEXT:
        if (is_exact && form == COPY_FORM_DOUBLE) {
            return refuse_rounding(v->as.text, err);
        }
        if (form == COPY_FORM_JSON) {
            return add_json(v->as.text, rule, out, err);
        }
        if (form != COPY_FORM_BYTES) {
            return add_text(v->as.text, rule, out, err);
        }
        add_bytes(v->as.text, out);
        return true;
    case VALUE_BLOB:
        if (form != COPY_FORM_BYTES) {
            err_set(err, ERR_INVALID, "a blob, but the table's column is not of type bytea");
            return err_hint(err, "give the table's column the type bytea");
        }
        add_bytes(v->as.text, out);
        return true;
    case VALUE_NULL:
    default:
        buf_add(out, STR("\\N"));
        return true;
    }
}

bool copy_text_add(const struct copy_columns *columns, const struct value *row, struct buf *out,
                   struct err *err)
{
    size_t before = out->len;
    for (size_t i = 0; i < columns->schema->count; i++) {
        if (i > 0) {
            buf_add_char(out, '\t');
        }
        const struct column *column = &columns->schema->columns[i];
        bool is_to_be_json = columns->forms[i] == COPY_FORM_AS_JSON && row[i].type != VALUE_NULL;
        bool ok = is_to_be_json ? add_as_json(column, &row[i], columns->nul_rule, out, err)
                                : add_value(&row[i], column->is_exact, columns->forms[i],
                                            columns->nul_rule, out, err);
        if (!ok) {
            out->len = before;
            return err_wrap(err, "column \"" STR_FMT "\"", STR_ARG(column->name));
        }
    }
    buf_add_char(out, '\n');
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for a row");
}

/* --- reading --------------------------------------------------------------------------------- */

struct copy_reader copy_reader(char *line, size_t len)
{
    bool has_end = len > 0 && line[len - 1] == '\n';
    return (struct copy_reader){.at = line, .end = line + len - has_end};
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'v':
        return '\v';
    default:
        return c; /* a backslash */
    }
}

bool copy_reader_next(struct copy_reader *r, struct copy_field *ret)
{
    if (r->end == NULL) {
        return false;
    }
    char *start = r->at;
    char *tab = memchr(start, '\t', (size_t)(r->end - start));
    char *end = tab == NULL ? r->end : tab;
    r->at = end + 1;
    if (tab == NULL) {
        r->end = NULL;
    }
    bool is_null = end - start == 2 && start[0] == '\\' && start[1] == 'N';
    *ret = (struct copy_field){start, (size_t)(end - start), is_null};
    char *to = memchr(start, '\\', (size_t)(end - start));
    if (to == NULL || is_null) {
        return true;
    }
    for (const char *from = to; from < end; from++) {
        if (*from == '\\' && from + 1 < end) {
            from++;
            *to++ = unescape(*from);
        } else {
            *to++ = *from;
        }
    }
    ret->len = (size_t)(to - start);
    return true;
}
