/* fields_read.h - what fields.c and fields_scalar.c share. Internal to common/json. */
#pragma once
#include "common/json/fields.h"

/* A place in the tree; becomes "assets[2].load" only when there is something to say about it. */
struct fields_place {
    const struct fields_place *up; /* NULL at the root */
    struct str name;               /* key, or the caller's path at the root */
    size_t index;                  /* of a list's element, when `name` has no pointer */
};
struct fields_reader {
    struct arena *arena;
    struct problems *problems;
};

/* Adds "place: text" at a location. */
PRINTF_LIKE(5, 6)
void fields_problem(struct fields_reader *r, const struct fields_place *place, struct location at,
                    struct str hint, const char *fmt, ...);
/* "expected a list, got a string", at the node. */
void fields_wrong_type(struct fields_reader *r, const struct fields_place *place,
                       const struct json *node, const char *expected);
/* Reads a value of the types from FIELD_STR to FIELD_ENUM into `slot`. */
void fields_read_scalar(struct fields_reader *r, const struct fields_place *place,
                        const struct json *node, const struct field *field, void *slot);
/* A list's element or a lone string; false when it is none. */
bool fields_read_str(struct fields_reader *r, const struct fields_place *place,
                     const struct json *node, struct str *ret);
/* A scalar as it was written; false when it is none. */
bool fields_read_text(struct fields_reader *r, const struct fields_place *place,
                      const struct json *node, struct str *ret);

/* The index of `text`, which stands at `node`, among the field's names; -1 when it is none. */
int fields_read_name(struct fields_reader *r, const struct fields_place *place,
                     const struct json *node, const struct field *field, struct str text);

/* "Did you mean": offer candidates, then look whether one is near. */
struct fields_nearest {
    struct str wanted;
    struct str best; /* empty while none is near */
    size_t distance;
};
void fields_nearest_offer(struct fields_nearest *n, struct str candidate);
