/* schemas.h - what answers and bodies look like, for the OpenAPI document. A member is "name", a string;
 * with a type behind a colon: i integer, b boolean, t time, o object, j anything, s[] strings, a name of a
 * schema, or that with [] behind it. '!' behind the name: it is always there. */
#pragma once
#include <stddef.h>

struct api_schema {
    const char *name;
    const char *members;
};
extern const struct api_schema api_schemas[];
extern const size_t api_schema_count;
