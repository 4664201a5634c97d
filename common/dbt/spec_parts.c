#include "common/dbt/spec_parts.h"

#include "common/dbt/spec_hook.h"
#include <string.h>

#define NS_PER_SECOND INT64_C(1000000000)

/* ---- hooks ---- */

static bool read_hook(const struct hook_names *names, const struct json *item, struct arena *arena,
                      struct dbt_hook *ret, struct err *err)
{
    struct str sql = STR_NONE;
    bool is_inside = true;
    if (item->type == JSON_STRING) {
        sql = item->as.string;
    } else if (item->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "a hook is %s", json_type_name(item->type));
    } else if (!spec_text(item, "sql", &sql, err) ||
               !spec_bool(item, "transaction", &is_inside, err)) {
        return false;
    }
    ret->is_outside = !is_inside;
    return hook_fill(names, sql, arena, &ret->sql, err);
}

/* One text, one object, or a list of these. Those without a statement are passed over. */
static bool read_hook_list(const struct hook_names *names, const struct json *hooks,
                           struct arena *arena, struct dbt_hook **ret, size_t *ret_count,
                           struct err *err)
{
    if (hooks == NULL) {
        return true;
    }
    const bool is_list = hooks->type == JSON_ARRAY;
    struct dbt_hook *items = arena_array(arena, (is_list ? hooks->count : 1) + 1, sizeof *items);
    if (items == NULL) {
        return spec_no_memory(err);
    }
    size_t count = 0;
    for (const struct json *item = is_list ? hooks->child : hooks; item != NULL;
         item = is_list ? item->next : NULL) {
        if (!read_hook(names, item, arena, &items[count], err)) {
            return err_wrap(err, STR_FMT, STR_ARG(hooks->key));
        }
        count += items[count].sql.len > 0 ? 1 : 0;
    }
    *ret = items;
    *ret_count = count;
    return true;
}

bool spec_read_hooks(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    struct str custom_schema = STR_NONE;
    if (!spec_text(r->config, "schema", &custom_schema, err)) {
        return false;
    }
    const struct hook_names names = hook_names(r->project, spec->node, custom_schema);
    const struct json *pre = spec_member(r->config, "pre-hook");
    const struct json *post = spec_member(r->config, "post-hook");
    pre = pre == NULL ? spec_member(r->config, "pre_hook") : pre;
    post = post == NULL ? spec_member(r->config, "post_hook") : post;
    return read_hook_list(&names, pre, r->arena, &spec->pre_hooks, &spec->pre_hook_count, err) &&
           read_hook_list(&names, post, r->arena, &spec->post_hooks, &spec->post_hook_count, err);
}

/* ---- columns, indexes, grants ---- */

bool spec_read_columns(struct spec_reader *r, struct err *err)
{
    const struct json *columns = NULL;
    if (!spec_object(r->node, "columns", &columns, err)) {
        return false;
    }
    if (columns == NULL) {
        return true;
    }
    struct dbt_column *items = arena_array(r->arena, columns->count + 1, sizeof *items);
    if (items == NULL) {
        return spec_no_memory(err);
    }
    size_t count = 0;
    for (const struct json *one = columns->child; one != NULL; one = one->next, count++) {
        items[count].name = one->key;
        if (!spec_text(one, "name", &items[count].name, err) ||
            !spec_text(one, "data_type", &items[count].data_type, err) ||
            !spec_text(one, "description", &items[count].description, err) ||
            !spec_bool(one, "quote", &items[count].is_quoted, err)) {
            return err_wrap(err, "columns." STR_FMT, STR_ARG(one->key));
        }
    }
    r->spec->columns = items;
    r->spec->column_count = count;
    return true;
}

bool spec_read_indexes(struct spec_reader *r, struct err *err)
{
    const struct json *indexes = spec_member(r->config, "indexes");
    if (indexes == NULL) {
        return true;
    }
    if (indexes->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "indexes is %s, not a list",
                       json_type_name(indexes->type));
    }
    struct dbt_index *items = arena_array(r->arena, indexes->count + 1, sizeof *items);
    if (items == NULL) {
        return spec_no_memory(err);
    }
    size_t count = 0;
    for (const struct json *one = indexes->child; one != NULL; one = one->next, count++) {
        if (!spec_texts(one, "columns", r->arena, &items[count].columns, err) ||
            !spec_text(one, "type", &items[count].type, err) ||
            !spec_bool(one, "unique", &items[count].is_unique, err)) {
            return err_wrap(err, "indexes[%zu]", count);
        }
        if (items[count].columns.count == 0) {
            return err_set(err, ERR_INVALID, "indexes[%zu] has no columns", count);
        }
    }
    r->spec->indexes = items;
    r->spec->index_count = count;
    return true;
}

bool spec_read_grants(struct spec_reader *r, struct err *err)
{
    const struct json *grants = NULL;
    if (!spec_object(r->config, "grants", &grants, err)) {
        return false;
    }
    if (grants == NULL) {
        return true;
    }
    struct dbt_grant *items = arena_array(r->arena, grants->count + 1, sizeof *items);
    const char *key = NULL;
    if (items == NULL) {
        return spec_no_memory(err);
    }
    size_t count = 0;
    for (const struct json *one = grants->child; one != NULL; one = one->next, count++) {
        items[count].privilege = one->key;
        key = arena_cstr(r->arena, one->key);
        if (key == NULL) {
            return spec_no_memory(err);
        }
        if (!spec_texts(grants, key, r->arena, &items[count].grantees, err)) {
            return err_wrap(err, "grants");
        }
    }
    r->spec->grants = items;
    r->spec->grant_count = count;
    return true;
}

/* ---- snapshots ---- */

static bool read_meta_columns(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    const struct json *names = NULL;
    spec->valid_from_column = STR("dbt_valid_from");
    spec->valid_to_column = STR("dbt_valid_to");
    spec->scd_id_column = STR("dbt_scd_id");
    spec->updated_at_column = STR("dbt_updated_at");
    spec->is_deleted_column = STR("dbt_is_deleted");
    return spec_object(r->config, "snapshot_meta_column_names", &names, err) &&
           spec_text(names, "dbt_valid_from", &spec->valid_from_column, err) &&
           spec_text(names, "dbt_valid_to", &spec->valid_to_column, err) &&
           spec_text(names, "dbt_scd_id", &spec->scd_id_column, err) &&
           spec_text(names, "dbt_updated_at", &spec->updated_at_column, err) &&
           spec_text(names, "dbt_is_deleted", &spec->is_deleted_column, err);
}

/* `invalidate_hard_deletes: true` is the older way to say it. */
static bool read_hard_deletes(struct spec_reader *r, struct err *err)
{
    struct str text = STR_NONE;
    bool invalidates = false;
    if (!spec_text(r->config, "hard_deletes", &text, err) ||
        !spec_bool(r->config, "invalidate_hard_deletes", &invalidates, err)) {
        return false;
    }
    if (text.len == 0) {
        r->spec->hard_deletes = invalidates ? DBT_DELETES_INVALIDATE : DBT_DELETES_IGNORED;
    } else if (str_eq(text, STR("ignore"))) {
        r->spec->hard_deletes = DBT_DELETES_IGNORED;
    } else if (str_eq(text, STR("invalidate"))) {
        r->spec->hard_deletes = DBT_DELETES_INVALIDATE;
    } else if (str_eq(text, STR("new_record"))) {
        r->spec->hard_deletes = DBT_DELETES_NEW_RECORD;
    } else {
        return err_set(err, ERR_INVALID, "hard_deletes: " STR_FMT " is not known",
                       STR_ARG(str_clip(text, 60)));
    }
    return true;
}

static bool read_check_columns(struct spec_reader *r, struct err *err)
{
    const struct json *columns = spec_member(r->config, "check_cols");
    if (columns != NULL && columns->type == JSON_STRING) {
        r->spec->checks_all_columns = str_eq(columns->as.string, STR("all"));
        return r->spec->checks_all_columns ||
               err_set(err, ERR_INVALID, "check_cols is neither all nor a list of columns");
    }
    return spec_texts(r->config, "check_cols", r->arena, &r->spec->check_columns, err);
}

static bool check_snapshot(const struct dbt_spec *spec, struct err *err)
{
    if (spec->unique_key.count == 0) {
        return err_set(err, ERR_INVALID, "a snapshot without unique_key");
    }
    if (spec->is_check_strategy && !spec->checks_all_columns && spec->check_columns.count == 0) {
        return err_set(err, ERR_INVALID, "a snapshot by check without check_cols");
    }
    if (str_eq(spec->strategy_name, STR("timestamp")) && spec->updated_at.len == 0) {
        return err_set(err, ERR_INVALID, "a snapshot by timestamp without updated_at");
    }
    return true;
}

bool spec_read_snapshot(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    if (!spec_texts(r->config, "unique_key", r->arena, &spec->unique_key, err) ||
        !spec_text(r->config, "strategy", &spec->strategy_name, err) ||
        !spec_text(r->config, "updated_at", &spec->updated_at, err) ||
        !spec_text(r->config, "dbt_valid_to_current", &spec->valid_to_current, err) ||
        !read_check_columns(r, err) || !read_hard_deletes(r, err) || !read_meta_columns(r, err)) {
        return false;
    }
    spec->is_check_strategy = str_eq(spec->strategy_name, STR("check"));
    return check_snapshot(spec, err);
}

/* ---- seeds ---- */

static bool read_column_types(struct spec_reader *r, struct err *err)
{
    const struct json *types = NULL;
    struct str_map *map = &r->spec->column_types;
    if (!spec_object(r->config, "column_types", &types, err)) {
        return false;
    }
    if (types == NULL) {
        return true;
    }
    map->keys = arena_array(r->arena, types->count + 1, sizeof *map->keys);
    map->values = arena_array(r->arena, types->count + 1, sizeof *map->values);
    if (map->keys == NULL || map->values == NULL) {
        return spec_no_memory(err);
    }
    for (const struct json *one = types->child; one != NULL; one = one->next, map->count++) {
        if (one->type != JSON_STRING) {
            return err_set(err, ERR_INVALID, "column_types." STR_FMT " is %s, not a text",
                           STR_ARG(one->key), json_type_name(one->type));
        }
        map->keys[map->count] = one->key;
        map->values[map->count] = one->as.string;
    }
    return true;
}

bool spec_read_seed(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    spec->delimiter = STR(",");
    spec->quotes_columns = true;
    spec->seed_path = spec->node->file_path;
    if (!spec_text(r->config, "delimiter", &spec->delimiter, err) ||
        !spec_bool(r->config, "quote_columns", &spec->quotes_columns, err) ||
        !spec_text(r->node, "root_path", &spec->seed_root, err) ||
        !spec_text(r->node, "seed_text", &spec->seed_text, err) || !read_column_types(r, err)) {
        return false;
    }
    return spec->delimiter.len == 1 ||
           err_set(err, ERR_INVALID, "delimiter is " STR_FMT ", not one character",
                   STR_ARG(str_clip(spec->delimiter, 20)));
}

/* ---- tests ---- */

/* `store_failures_as` has the last word; without one, `store_failures: true` asks for a table. */
static bool read_store(struct spec_reader *r, struct err *err)
{
    struct str as = STR_NONE;
    bool stores = false;
    if (!spec_text(r->config, "store_failures_as", &as, err) ||
        !spec_bool(r->config, "store_failures", &stores, err)) {
        return false;
    }
    if (as.len == 0) {
        r->spec->store_as = stores ? DBT_STORE_TABLE : DBT_STORE_NOT;
    } else if (spec_eq_nocase(as, "table")) {
        r->spec->store_as = DBT_STORE_TABLE;
    } else if (spec_eq_nocase(as, "view")) {
        r->spec->store_as = DBT_STORE_VIEW;
    } else if (spec_eq_nocase(as, "ephemeral")) {
        r->spec->store_as = DBT_STORE_NOT;
    } else {
        return err_set(err, ERR_INVALID, "store_failures_as: " STR_FMT " is not known",
                       STR_ARG(str_clip(as, 60)));
    }
    return true;
}

static bool read_severity(struct spec_reader *r, struct err *err)
{
    struct str severity = STR("ERROR");
    if (!spec_text(r->config, "severity", &severity, err)) {
        return false;
    }
    r->spec->is_warning = spec_eq_nocase(severity, "warn");
    return r->spec->is_warning || spec_eq_nocase(severity, "error") ||
           err_set(err, ERR_INVALID, "severity: " STR_FMT " is not known",
                   STR_ARG(str_clip(severity, 60)));
}

bool spec_read_test(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    struct str limit = STR_NONE;
    spec->error_if = STR("!= 0");
    spec->warn_if = STR("!= 0");
    spec->fail_calc = STR("count(*)");
    if (!read_severity(r, err) || !spec_text(r->config, "error_if", &spec->error_if, err) ||
        !spec_text(r->config, "warn_if", &spec->warn_if, err) ||
        !spec_text(r->config, "fail_calc", &spec->fail_calc, err) ||
        !spec_text(r->config, "limit", &limit, err) || !read_store(r, err)) {
        return false;
    }
    return limit.len == 0 || str_to_i64(limit, 1, INT64_MAX, &spec->limit) ||
           err_set(err, ERR_INVALID, "limit: " STR_FMT " is not a number from 1 on",
                   STR_ARG(str_clip(limit, 40)));
}

/* ---- sources ---- */

static bool read_after(const struct json *freshness, const char *key, int64_t *ret_ns,
                       struct err *err)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } periods[] = {{"minute", 60}, {"hour", 3600}, {"day", 86400}};
    const struct json *after = NULL;
    struct str count_text = STR_NONE;
    struct str period = STR_NONE;
    int64_t count = 0;
    if (!spec_object(freshness, key, &after, err) || !spec_text(after, "count", &count_text, err) ||
        !spec_text(after, "period", &period, err)) {
        return false;
    }
    if (count_text.len == 0 || period.len == 0) {
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(periods); i++) {
        const int64_t unit_ns = periods[i].seconds * NS_PER_SECOND;
        if (str_eq(period, str_from(periods[i].name)) &&
            str_to_i64(count_text, 0, INT64_MAX / unit_ns, &count)) {
            *ret_ns = count * unit_ns;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "%s: " STR_FMT " " STR_FMT " is no time", key,
                   STR_ARG(str_clip(count_text, 30)), STR_ARG(str_clip(period, 30)));
}

/* From dbt 1.10 on these stand in config as well, and `freshness: null` there turns it off. */
bool spec_read_source(struct spec_reader *r, struct err *err)
{
    struct dbt_spec *spec = r->spec;
    const bool is_in_config = json_get(r->config, "freshness") != NULL;
    const struct json *from = is_in_config ? r->config : r->node;
    const struct json *freshness = NULL;
    return spec_text(r->node, "loaded_at_field", &spec->loaded_at_field, err) &&
           spec_text(r->config, "loaded_at_field", &spec->loaded_at_field, err) &&
           spec_text(r->node, "loaded_at_query", &spec->loaded_at_query, err) &&
           spec_text(r->config, "loaded_at_query", &spec->loaded_at_query, err) &&
           spec_object(from, "freshness", &freshness, err) &&
           spec_text(freshness, "filter", &spec->freshness_filter, err) &&
           read_after(freshness, "warn_after", &spec->warn_after_ns, err) &&
           read_after(freshness, "error_after", &spec->error_after_ns, err);
}
