/* fields.h - one table per kind of object: from it come the parser, the "unknown key" errors with
 * the nearest valid one, the JSON Schema and the reference page. Used for definitions (YAML) and
 * for messages (JSON). */
#pragma once
#include "common/json/json.h"

enum field_type {
    FIELD_STR,         /* struct str */
    FIELD_BOOL,        /* bool */
    FIELD_I64,         /* int64_t in [min, max] */
    FIELD_REAL,        /* double */
    FIELD_DURATION,    /* int64_t nanoseconds, from "10s" */
    FIELD_BYTES,       /* int64_t, from "64MiB" or a number */
    FIELD_ENUM,        /* int: index into `names` */
    FIELD_STR_LIST,    /* struct str_list; a single string counts as a list of one; with `names`
                          each is one of them */
    FIELD_OBJECT,      /* the struct of `object`, placed at the offset */
    FIELD_OBJECT_LIST, /* struct object_list of `object->size` elements */
    FIELD_STR_MAP,     /* struct str_map: any keys, scalar values as the text they were written */
    FIELD_JSON,        /* const struct json *: taken as it is */
    FIELD_JSON_OBJECT, /* the same, and it is an object */
    FIELD_JSON_TEXT,   /* struct str: an object as its text; a text that holds one is taken too */
    FIELD_OBJECT_MAP,  /* struct object_list: name -> object; the name goes to `name_offset` */
};

struct str_list {
    struct str *items;
    size_t count;
};
struct str_map {
    struct str *keys;
    struct str *values;
    size_t count;
};
struct object_list {
    void *items; /* array of the object's struct */
    size_t count;
};

struct field_table;
struct field {
    const char *key;
    enum field_type type;
    bool required;
    bool is_unsupported; /* a later version's key: refused, and not in schema and page. With a
                            `help` it is refused for that reason */
    size_t offset;
    /* FIELD_I64, FIELD_DURATION, FIELD_BYTES: of the value; lists and maps: of the count, and no
     * more than `max` are handed out even so. Both 0 = no limit; `max` below `min` = no upper
     * limit. */
    int64_t min;
    int64_t max;
    const char *const *names;       /* FIELD_ENUM, FIELD_STR_LIST; NULL-terminated */
    const char *const *later_names; /* FIELD_ENUM: refused as a later version's; may be NULL */
    const struct field_table *object;
    size_t present_offset; /* of a bool, set when the key is there; 0 = not wanted */
    const char *fallback;  /* default as text, for help and schema; the caller pre-fills */
    const char *help;      /* one sentence for reference page and schema */
    unsigned marks;        /* what they mean is the table's users' business; the reader passes over
                              them */
};
struct field_table {
    const char *name; /* "asset": for errors and the schema's $defs */
    size_t size;      /* of the struct */
    const struct field *fields;
    size_t count;
    size_t location_offset; /* of a struct location to fill in; 0 = none */
    size_t name_offset;     /* FIELD_OBJECT_MAP: of the struct str that takes the member's key */
    const void *defaults;   /* a struct to start from; NULL = zero */
    bool ignore_unknown;    /* messages: keys of a newer version are ignored, null = absent */
    bool is_choice;         /* exactly one of the keys must be there */
    /* The object is of one of several kinds, and only who reads the tree can tell which: it is kept
     * as it is (const struct json * at node_offset) and the table has no fields. `variant` gives
     * the table of each kind for schema and page, in `arena`; NULL = no more, or no memory. */
    const struct field_table *(*variant)(struct arena *arena, size_t index);
    size_t node_offset;
    const char *help; /* one sentence above the table on the page; may be NULL */
    /* A lone scalar in place of the object is read as this field; NULL = there must be an object.
     * It has a place of its own in the struct, or that of one of the fields. */
    const struct field *shorthand;
};
struct location {
    uint32_t line, column; /* 1-based; 0 = unknown */
    uint32_t file;         /* see struct json */
};

/* All errors are collected: "assets[2].load.mode: ...", each with line and column. */
enum { PROBLEMS_MAX = 50 };
struct problem {
    struct location at;
    struct str file; /* may be empty */
    struct str text;
    struct str hint; /* may be empty */
};
struct problems {
    struct arena *arena; /* holds the texts */
    struct str file;     /* given to each problem as it is added, unless its place has another: */
    const struct str *files; /* the names of locations' files, `file_count` of them; may be NULL */
    size_t file_count;
    struct problem items[PROBLEMS_MAX];
    size_t count; /* kept */
    size_t total; /* seen */
};
PRINTF_LIKE(4, 5)
void problems_add(struct problems *p, struct location at, struct str hint, const char *fmt, ...);

/* Reads `node` (must be an object) into `out` (of table->size bytes). `path` prefixes the texts
 * ("assets[2]"). Text is borrowed from the tree's arena; lists are allocated in `arena`. True when
 * nothing was added to `problems`; else `out` holds what could be read and is not to be used.
 * Tables may refer to themselves: the tree's depth bounds the recursion. */
MUST_CHECK bool fields_read(const struct json *node, const struct field_table *table,
                            struct str path, struct arena *arena, struct problems *problems,
                            void *out);
/* By their places, as a person goes through the files. */
void problems_sort(struct problems *p);
/* The first problem as an err, "file:line:column: text" with what is known of the place (for
 * messages, where one is enough). Always false. */
bool problems_to_err(const struct problems *p, struct err *err);

/* JSON Schema (2020-12) of the table and all that it refers to (at most FIELD_TABLES_MAX). */
enum { FIELD_TABLES_MAX = 128 };
void fields_write_schema(struct buf *out, const struct field_table *root, const char *title);
/* Reference page section in Markdown: one table per object. */
void fields_write_markdown(struct buf *out, const struct field_table *root);
