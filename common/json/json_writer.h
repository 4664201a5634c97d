/* json_writer.h - writes compact JSON into a buf; commas and escapes are its business. Overflow
 * shows in the buf. */
#pragma once
#include "common/base/buf.h"
#include "common/base/time.h"

struct json_writer {
    struct buf *out;
    bool needs_comma;
};

struct json_writer json_writer(struct buf *out);
void jw_begin_object(struct json_writer *w);
void jw_end_object(struct json_writer *w);
void jw_begin_array(struct json_writer *w);
void jw_end_array(struct json_writer *w);
void jw_key(struct json_writer *w, struct str key);
/* Values; invalid UTF-8 in `s` is replaced by U+FFFD, so that the output is always valid JSON. */
void jw_str(struct json_writer *w, struct str s);
void jw_i64(struct json_writer *w, int64_t v);
void jw_double(struct json_writer *w,
               double v); /* shortest text that reads back the same; not finite = null */
void jw_bool(struct json_writer *w, bool v);
void jw_null(struct json_writer *w);
void jw_wall(struct json_writer *w, struct wall_time t); /* RFC 3339 string */
void jw_raw(struct json_writer *w, struct str json);     /* already valid JSON */

/* Member = key + value, for the usual case. `key` is a literal. */
void jw_member_str(struct json_writer *w, const char *key, struct str s);
void jw_member_opt(struct json_writer *w, const char *key, struct str s); /* left out when empty */
void jw_member_i64(struct json_writer *w, const char *key, int64_t v);
void jw_member_double(struct json_writer *w, const char *key, double v);
void jw_member_bool(struct json_writer *w, const char *key, bool v);
void jw_member_wall(struct json_writer *w, const char *key, struct wall_time t);
void jw_member_opt_wall(struct json_writer *w, const char *key, struct wall_time t); /* if not 0 */
void jw_member_raw(struct json_writer *w, const char *key, struct str json);
