/* flatten_options.h - nested objects as columns of their own: "address": {"city": ...} is the column
 * "address__city". Settings, names and depth are those of the Singer SDK
 * (singer_sdk/helpers/_flattening.py). Pure. */
#pragma once
#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/json/fields.h"

/* How deep JSON may nest bounds how many parts a name has. */
enum { FLATTEN_PARTS_MAX = LIMIT_JSON_DEPTH + 1, FLATTEN_KEY_LENGTH_DEFAULT = 255 };
struct flatten {
    bool is_enabled;
    bool has_max_depth;
    int64_t max_depth;      /* objects nested deeper are JSON text; 0: nothing is flattened */
    int64_t max_key_length; /* characters; a longer name is abbreviated, part by part */
    struct str separator;
};
/* Members of a struct's defaults. */
#define FLATTEN_DEFAULTS                                                                           \
    {                                                                                              \
        .max_key_length = FLATTEN_KEY_LENGTH_DEFAULT, .separator = STR_INIT("__")                  \
    }
/* NOLINTBEGIN(bugprone-macro-parentheses): names of a type and a member */
#define FLATTEN_FIELDS(struct_, member_)                                                           \
    {.key = "flattening_enabled",                                                                  \
     .type = FIELD_BOOL,                                                                           \
     .offset = offsetof(struct struct_, member_.is_enabled),                                       \
     .help = "Whether nested objects become columns of their own."},                               \
        {.key = "flattening_max_depth",                                                            \
         .type = FIELD_I64,                                                                        \
         .offset = offsetof(struct struct_, member_.max_depth),                                    \
         .max = FLATTEN_PARTS_MAX - 1,                                                             \
         .present_offset = offsetof(struct struct_, member_.has_max_depth),                        \
         .help = "How deep: objects that nest deeper stay JSON text. Needed with "                 \
                 "`flattening_enabled`."},                                                         \
        {.key = "flattening_separator",                                                            \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct struct_, member_.separator),                                    \
         .fallback = "__",                                                                         \
         .help = "What joins the names."},                                                         \
    {                                                                                              \
        .key = "flattening_max_key_length", .type = FIELD_I64,                                     \
        .offset = offsetof(struct struct_, member_.max_key_length), .min = 1, .max = INT32_MAX,    \
        .fallback = "255",                                                                         \
        .help = "From how many characters on a name is abbreviated, part by part."                 \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

MUST_CHECK bool flatten_check(const struct flatten *f, struct err *err);
