/* outline.h - writes one tree either as YAML for people or as JSON for programs. What is not part
 * of definitions (a place, a list that follows from a selection) is a note: a comment in YAML, a
 * member in JSON. Overflow shows in the buf. Internal to agent/definitions. */
#pragma once
#include "common/json/fields.h"
#include "common/json/json_writer.h"

struct outline {
    struct buf *out;
    bool is_json;
    struct json_writer json;
    size_t depth;
    bool is_item; /* the next line begins a list's element */
};

struct outline
outline_json(struct buf *out); /* begins the outermost object; outline_end() ends it */
struct outline outline_yaml(struct buf *out);
void outline_end(struct outline *o);

/* A mapping under a key, or as the next element of a list. */
void outline_begin_map(struct outline *o, struct str key);
void outline_end_map(struct outline *o);
void outline_begin_list(struct outline *o, const char *key);
void outline_end_list(struct outline *o);
void outline_begin_item(struct outline *o);
void outline_end_item(struct outline *o);

void outline_str(struct outline *o, struct str key, struct str value);
void outline_opt(struct outline *o, const char *key, struct str value); /* not when empty */
void outline_i64(struct outline *o, const char *key, int64_t value);
void outline_bool(struct outline *o, const char *key, bool value);
void outline_duration(struct outline *o, const char *key, int64_t ns);     /* "1h30m" */
void outline_opt_duration(struct outline *o, const char *key, int64_t ns); /* not when 0 */
void outline_bytes(struct outline *o, const char *key, int64_t bytes);     /* "64MiB"; not when 0 */
/* On one line; not when empty. */
void outline_list(struct outline *o, const char *key, const struct str *items, size_t count);
void outline_map(struct outline *o, const char *key, const struct str_map *map);
void outline_raw(struct outline *o, const char *key, struct str json); /* not when empty */

void outline_note(struct outline *o, const char *key, struct str value);
/* The place of what follows: before it in YAML, in JSON a member of what is open. */
void outline_place(struct outline *o, struct str place);
