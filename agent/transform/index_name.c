#include "agent/transform/index_name.h"

#include "common/base/md5.h"

enum { NAME_BYTES_MAX = 64 << 10 };

bool index_name(const struct dbt_index *index, const struct relation *relation, struct str when,
                struct arena *arena, struct str *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(NAME_BYTES_MAX);
    for (size_t i = 0; i < index->columns.count; i++) {
        buf_add(&text, index->columns.items[i]);
        buf_add_char(&text, '_');
    }
    buf_addf(&text, STR_FMT "_%s_" STR_FMT, STR_ARG(relation->quoted),
             index->is_unique ? "True" : "False",
             STR_ARG(index->type.len > 0 ? index->type : STR("None")));
    if (when.len > 0) {
        buf_add_char(&text, '_');
        buf_add(&text, when);
    }
    char hex[MD5_HEX_BYTES];
    md5_hex(buf_str(&text), hex);
    *ret = arena_copy(arena, (struct str){hex, sizeof(hex)});
    return (!text.overflow && ret->ptr != NULL) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the name of an index");
}
