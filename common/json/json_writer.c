#include "common/json/json_writer.h"

#include "common/json/json_text.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){.out = out};
}

/* Before a value or key: the comma that the one before it needs. */
static void separate(struct json_writer *w)
{
    if (w->needs_comma) {
        buf_add_char(w->out, ',');
    }
    w->needs_comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
    separate(w);
    buf_add_char(w->out, bracket);
    w->needs_comma = false;
}

static void end(struct json_writer *w, char bracket)
{
    buf_add_char(w->out, bracket);
    w->needs_comma = true;
}

void jw_begin_object(struct json_writer *w)
{
    begin(w, '{');
}

void jw_end_object(struct json_writer *w)
{
    end(w, '}');
}

void jw_begin_array(struct json_writer *w)
{
    begin(w, '[');
}

void jw_end_array(struct json_writer *w)
{
    end(w, ']');
}

static void add_escape(struct buf *out, char c)
{
    static const char names[] = "\"\\bfnrt";
    static const char values[] = "\"\\\b\f\n\r\t";
    const char *found = memchr(values, c, sizeof(values) - 1);
    if (found != NULL) {
        const char escape[2] = {'\\', names[found - values]};
        buf_add(out, (struct str){escape, sizeof(escape)});
    } else {
        buf_addf(out, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

static void add_string(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    const char *p = s.ptr;
    const char *limit = s.len == 0 ? s.ptr : s.ptr + s.len;
    const char *pending = p; /* from here on nothing is written yet */
    while (p < limit) {
        p = json_plain_end(p, limit);
        if (p == limit) {
            break;
        }
        size_t length = json_utf8_length(p, limit);
        if (length > 1) {
            p += length;
            continue;
        }
        buf_add(out, (struct str){pending, (size_t)(p - pending)});
        if (length == 1) {
            add_escape(out, *p);
        } else {
            buf_add(out, STR("\xef\xbf\xbd"));
        }
        p++;
        pending = p;
    }
    if (p != pending) {
        buf_add(out, (struct str){pending, (size_t)(p - pending)});
    }
    buf_add_char(out, '"');
}

void jw_key(struct json_writer *w, struct str key)
{
    separate(w);
    add_string(w->out, key);
    buf_add_char(w->out, ':');
    w->needs_comma = false;
}

void jw_str(struct json_writer *w, struct str s)
{
    separate(w);
    add_string(w->out, s);
}

void jw_i64(struct json_writer *w, int64_t v)
{
    separate(w);
    buf_add_i64(w->out, v);
}

void jw_double(struct json_writer *w, double v)
{
    if (!isfinite(v)) {
        jw_null(w);
        return;
    }
    separate(w);
    /* 15 digits are enough for most, 17 for all; below DBL_MIN fewer digits can do, so start from
     * one. */
    char text[32];
    int digits = fabs(v) < DBL_MIN ? 1 : DBL_DIG;
    for (; digits <= DBL_DECIMAL_DIG; digits++) {
        double again = 0;
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (str_to_double(str_from(text), &again) && again == v) {
            break;
        }
    }
    buf_add_text(w->out, text);
    if (strpbrk(text, ".e") == NULL) {
        buf_add_text(w->out, ".0"); /* stays a real for the reader */
    }
}

void jw_bool(struct json_writer *w, bool v)
{
    separate(w);
    buf_add_text(w->out, v ? "true" : "false");
}

void jw_null(struct json_writer *w)
{
    separate(w);
    buf_add_text(w->out, "null");
}

void jw_wall(struct json_writer *w, struct wall_time t)
{
    separate(w);
    buf_add_char(w->out, '"');
    buf_add_wall(w->out, t);
    buf_add_char(w->out, '"');
}

void jw_raw(struct json_writer *w, struct str json)
{
    separate(w);
    buf_add(w->out, json);
}

void jw_member_str(struct json_writer *w, const char *key, struct str s)
{
    jw_key(w, str_from(key));
    jw_str(w, s);
}

void jw_member_opt(struct json_writer *w, const char *key, struct str s)
{
    if (!str_is_empty(s)) {
        jw_member_str(w, key, s);
    }
}

void jw_member_i64(struct json_writer *w, const char *key, int64_t v)
{
    jw_key(w, str_from(key));
    jw_i64(w, v);
}

void jw_member_double(struct json_writer *w, const char *key, double v)
{
    jw_key(w, str_from(key));
    jw_double(w, v);
}

void jw_member_bool(struct json_writer *w, const char *key, bool v)
{
    jw_key(w, str_from(key));
    jw_bool(w, v);
}

void jw_member_wall(struct json_writer *w, const char *key, struct wall_time t)
{
    jw_key(w, str_from(key));
    jw_wall(w, t);
}

void jw_member_opt_wall(struct json_writer *w, const char *key, struct wall_time t)
{
    if (t.ns != 0) {
        jw_member_wall(w, key, t);
    }
}

void jw_member_raw(struct json_writer *w, const char *key, struct str json)
{
    jw_key(w, str_from(key));
    jw_raw(w, json);
}
