#include "agent/el/load_key.h"

#include "agent/el/table.h"

static bool find_columns(const struct schema *rows, struct arena *arena, struct load_key *key,
                         struct err *err)
{
    key->columns = arena_array(arena, key->names.count + 1, sizeof(*key->columns));
    if (key->columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the primary key");
    }
    for (size_t i = 0; i < key->names.count; i++) {
        if (!schema_find_nocase(rows, key->names.items[i], &key->columns[i])) {
            return column_not_found(rows, STR("the source"), key->names.items[i], err) ||
                   err_wrap(err, "primary_key");
        }
    }
    return true;
}

bool load_key_choose(const struct load_options *load, const struct str_list *stream_key,
                     const struct schema *rows, struct arena *arena, struct load_key *ret,
                     struct err *err)
{
    *ret =
        (struct load_key){.names = load->primary_key.count > 0 ? load->primary_key : *stream_key};
    if (load->mode == MODE_UPSERT && ret->names.count == 0 && !load->append_without_key) {
        err_set(err, ERR_INVALID, "mode upsert needs a \"primary_key\"");
        return err_hint(err, "name the columns that identify a row, for example primary_key: [id]");
    }
    if (load->mode == MODE_APPEND) {
        ret->names = (struct str_list){0};
    }
    return find_columns(rows, arena, ret, err);
}

bool load_key_has(const struct load_key *key, size_t column)
{
    for (size_t i = 0; i < key->names.count; i++) {
        if (key->columns[i] == column) {
            return true;
        }
    }
    return false;
}

bool load_key_check(const struct load_key *key, const struct value *row, struct err *err)
{
    for (size_t i = 0; i < key->names.count; i++) {
        if (row[key->columns[i]].type != VALUE_NULL) {
            continue;
        }
        err_set(err, ERR_INVALID, "column \"" STR_FMT "\" of the primary key is NULL",
                STR_ARG(key->names.items[i]));
        return err_hint(err, "correct the row at its source, or choose another primary_key");
    }
    return true;
}
