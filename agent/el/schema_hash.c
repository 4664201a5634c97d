#include "agent/el/schema_hash.h"

#include "agent/el/hash.h"
#include "common/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct str schema_type_name(const struct column *column)
{
    struct str type = column->type.len > 0 ? column->type : column_sql_type(column);
    return type.len > 0 ? type : STR("ANY");
}

struct entry {
    const struct column *column;
};

static int by_name(const void *a, const void *b)
{
    struct str x = ((const struct entry *)a)->column->name;
    struct str y = ((const struct entry *)b)->column->name;
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

struct str schema_hash(const struct schema *schema, char text[SCHEMA_HASH_SIZE])
{
    struct entry sorted[LIMIT_COLUMNS];
    struct hash64 hash = hash64_new();
    for (size_t i = 0; i < schema->count; i++) {
        sorted[i].column = &schema->columns[i];
    }
    qsort(sorted, schema->count, sizeof(sorted[0]), by_name);
    for (size_t i = 0; i < schema->count; i++) {
        hash64_add(&hash, sorted[i].column->name);
        hash64_add(&hash, STR("\t"));
        hash64_add(&hash, schema_type_name(sorted[i].column));
        hash64_add(&hash, STR("\n"));
    }
    (void)snprintf(text, SCHEMA_HASH_SIZE, "%016" PRIx64, hash64_value(&hash));
    return str_from(text);
}
