/* manifest_pairs.c - the two compilations of incremental models: is_incremental() false and true. */
#include "common/base/limits.h"
#include "common/dbt/dbt_files.h"
#include "common/dbt/manifest.h"

#include <string.h>

struct parts {
    struct json_raw unique_id, raw_code, compiled_code;
};

static bool read_parts(struct str text, struct parts *ret, struct err *err)
{
    struct json_scan s;
    struct json_raw name;
    struct json_raw value;
    *ret = (struct parts){0};
    if (!json_scan_object(&s, text, err)) {
        return false;
    }
    while (json_scan_member(&s, &name, &value)) {
        if (json_raw_is(name, "unique_id")) {
            ret->unique_id = value;
        } else if (json_raw_is(name, "raw_code")) {
            ret->raw_code = value;
        } else if (json_raw_is(name, "compiled_code")) {
            ret->compiled_code = value;
        }
    }
    return json_scan_end(&s, err);
}

static bool unescaped(struct manifest *m, struct json_raw value, struct str *ret, struct err *err)
{
    buf_reset(&m->text);
    return json_unescape(value, true, &m->text, ret) || manifest_no_memory(m, err);
}

/* The incremental model that the text is of, as the first compilation has it; else NULL. */
static bool find_node(struct manifest *m, const struct parts *second, struct dbt_node **ret,
                      struct err *err)
{
    struct str id;
    *ret = NULL;
    if (second->unique_id.type != JSON_STRING || second->compiled_code.type != JSON_STRING) {
        return true;
    }
    if (!unescaped(m, second->unique_id, &id, err)) {
        return false;
    }
    uint32_t i = dbt_project_find(m->first, id);
    struct dbt_node *node = i == DBT_NO_NODE ? NULL : &m->first->nodes[i];
    if (node != NULL && node->type == DBT_MODEL && node->is_compiled &&
        str_eq(node->materialized, STR("incremental"))) {
        *ret = node;
    }
    return true;
}

/* Does the first text read the table that it makes, and the second does not? Then they were given the
 * wrong way round. */
static bool are_swapped(struct manifest *m, const struct dbt_node *node, const struct parts *first,
                        const struct parts *second, bool *ret, struct err *err)
{
    struct str text;
    *ret = false;
    if (node->relation_name.len == 0) {
        return true;
    }
    if (!unescaped(m, first->compiled_code, &text, err)) {
        return false;
    }
    bool first_does = str_contains(text, node->relation_name);
    if (!unescaped(m, second->compiled_code, &text, err)) {
        return false;
    }
    *ret = first_does && !str_contains(text, node->relation_name);
    return true;
}

bool manifest_pair_node(struct manifest *m, struct str text, struct dbt_place place,
                        struct err *err)
{
    struct parts second;
    struct parts first;
    struct dbt_node *node = NULL;
    bool is_swapped = false;
    if (!read_parts(text, &second, err) || !find_node(m, &second, &node, err)) {
        return false;
    }
    if (node == NULL) {
        return true;
    }
    buf_reset(&m->first_text);
    if (!dbt_file_read(&m->first->files->file[DBT_FULL], node->places[DBT_FULL], &m->first_text,
                       err) ||
        !read_parts(buf_str(&m->first_text), &first, err)) {
        return false;
    }
    if (!str_eq(first.raw_code.text, second.raw_code.text)) {
        (void)err_set(err, ERR_INVALID, "the two compilations have different texts of this model");
        return err_hint(err, "compile both from the same files of the project");
    }
    bool is_same = str_eq(first.compiled_code.text, second.compiled_code.text);
    if (!is_same && !are_swapped(m, node, &first, &second, &is_swapped, err)) {
        return false;
    }
    if (is_swapped) {
        (void)err_set(err, ERR_INVALID,
                      "the first compilation reads the model's own table, the second does not");
        return err_hint(err, "the first is to be compiled against an empty database, the second "
                             "against one that has the tables of incremental models");
    }
    if (!is_same) {
        node->places[DBT_INCREMENTAL] = place;
    }
    node->is_paired = !is_same || (node->uses & DBT_USES_IS_INCREMENTAL) == 0;
    return true;
}

bool manifest_check_pair(const struct manifest *m, struct err *err)
{
    const struct dbt_project *first = m->first;
    const struct dbt_project *second = m->project;
    if (second->schema_version == 0) {
        return err_set(err, ERR_INVALID, "not a manifest of dbt");
    }
    return (str_eq(first->name, second->name) &&
            str_eq(first->adapter_type, second->adapter_type)) ||
           err_set(err, ERR_INVALID,
                   "of project \"" STR_FMT "\" for \"" STR_FMT "\", not of \"" STR_FMT
                   "\" for \"" STR_FMT "\" as the first",
                   STR_ARG(str_clip(second->name, 40)), STR_ARG(str_clip(second->adapter_type, 20)),
                   STR_ARG(str_clip(first->name, 40)), STR_ARG(str_clip(first->adapter_type, 20)));
}
