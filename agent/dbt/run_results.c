#include "agent/dbt/run_results.h"

#include <string.h>

enum { DEPTH_MAX = 1000, VERSION_MIN = 4, VERSION_MAX = 6 };

void run_results_init(struct run_results *r,
                      bool (*take)(void *ctx, const struct dbt_outcome *outcome, struct err *err),
                      void *ctx)
{
    *r = (struct run_results){.take = take,
                              .ctx = ctx,
                              .part = buf_growing(RUN_RESULTS_ONE_BYTES_MAX),
                              .arena = arena_new(2 * (size_t)RUN_RESULTS_ONE_BYTES_MAX)};
}

void run_results_release(struct run_results *r)
{
    buf_release(&r->part);
    arena_release(&r->arena);
}

/* "https://schemas.getdbt.com/dbt/run-results/v6.json" */
static bool take_version(struct run_results *r, struct str url, struct err *err)
{
    struct str head;
    struct str name;
    (void)str_cut_last(url, '/', &head, &name);
    if (!str_ends(head, STR("/run-results")) || !str_starts(name, STR("v")) ||
        !str_ends(name, STR(".json")) ||
        !str_to_i64(str_slice(name, 1, name.len - strlen(".json")), 1, INT32_MAX, &r->version)) {
        return err_set(err, ERR_INVALID,
                       "run_results.json: not of dbt: dbt_schema_version is "
                       "\"" STR_FMT "\"",
                       STR_ARG(str_clip(url, 100)));
    }
    if (r->version < VERSION_MIN || r->version > VERSION_MAX) {
        return err_set(err, ERR_INVALID,
                       "run_results.json: of version %lld; versions %d to %d are understood",
                       (long long)r->version, VERSION_MIN, VERSION_MAX);
    }
    return true;
}

static bool take_metadata(struct run_results *r, struct str object, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct str url = STR_NONE;
    if (!json_scan_object(&scan, object, err)) {
        return err_wrap(err, "run_results.json: metadata");
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "dbt_schema_version") && !dbt_outcome_text(value, &r->arena, &url)) {
            return err_set(err, ERR_NO_MEMORY, "no memory for run_results.json");
        }
    }
    return take_version(r, url, err);
}

static bool take_result(struct run_results *r, struct str object, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct dbt_outcome outcome;
    bool ok = json_scan_object(&scan, object, err);
    while (ok && json_scan_member(&scan, &key, &value)) {
    }
    if (!ok || !json_scan_end(&scan, err)) {
        return err_wrap(err, "run_results.json: a result");
    }
    if (!dbt_outcome_read(object, &r->arena, &outcome)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a result of %zu bytes", object.len);
    }
    return outcome.unique_id.len == 0 || !outcome.has_status || r->take(r->ctx, &outcome, err);
}

static bool end_part(struct run_results *r, struct err *err)
{
    bool ok = true;
    if (r->part.overflow) {
        r->too_long++;
    } else {
        ok = r->is_in_results ? take_result(r, buf_str(&r->part), err)
                              : take_metadata(r, buf_str(&r->part), err);
    }
    buf_reset(&r->part);
    arena_reset(&r->arena);
    r->part_depth = 0;
    return ok;
}

static bool key_is(const struct run_results *r, const char *name)
{
    return str_eq((struct str){r->key, r->key_len}, str_from(name));
}

static bool open_bracket(struct run_results *r, char c, struct err *err)
{
    if (r->is_over || (r->depth == 0 && c != '{') || r->depth == DEPTH_MAX) {
        return err_set(err, ERR_INVALID, "run_results.json: not the JSON that dbt writes");
    }
    r->depth++;
    if (r->depth == 2 && c == '[') {
        r->is_in_results = key_is(r, "results");
    }
    bool is_result = r->depth == 3 && c == '{' && r->is_in_results;
    bool is_metadata = r->depth == 2 && c == '{' && key_is(r, "metadata");
    if (r->part_depth == 0 && (is_result || is_metadata)) {
        r->part_depth = r->depth;
    }
    return true;
}

static bool close_bracket(struct run_results *r, struct err *err)
{
    if (r->depth == 0) {
        return err_set(err, ERR_INVALID, "run_results.json: a bracket too many");
    }
    bool ends_part = r->depth == r->part_depth;
    r->depth--;
    r->is_in_results = r->is_in_results && r->depth >= 2;
    r->is_over = r->depth == 0;
    return !ends_part || end_part(r, err);
}

static void take_in_string(struct run_results *r, char c)
{
    if (r->is_escaped) {
        r->is_escaped = false;
    } else if (c == '\\') {
        r->is_escaped = true;
    } else if (c == '"') {
        r->is_in_string = false;
        return;
    }
    if (r->depth == 1 && r->key_len < sizeof(r->key)) {
        r->key[r->key_len++] = c;
    }
}

static bool take_byte(struct run_results *r, char c, struct err *err)
{
    if (r->is_in_string) {
        take_in_string(r, c);
        return true;
    }
    switch (c) {
    case '"':
        r->is_in_string = true;
        r->key_len = r->depth == 1 ? 0 : r->key_len;
        return true;
    case '{':
    case '[':
        return open_bracket(r, c, err);
    case '}':
    case ']':
        return close_bracket(r, err);
    default:
        return true;
    }
}

bool run_results_read(struct run_results *r, struct str piece, struct err *err)
{
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.ptr[i];
        /* The part has its closing bracket before it ends, and its opening one when it began. */
        if (r->part_depth > 0) {
            buf_add_char(&r->part, c);
        }
        bool was_part = r->part_depth > 0;
        if (!take_byte(r, c, err)) {
            return false;
        }
        if (!was_part && r->part_depth > 0) {
            buf_add_char(&r->part, c);
        }
    }
    return true;
}

bool run_results_end(struct run_results *r, struct err *err)
{
    if (!r->is_over) {
        return err_set(err, ERR_CORRUPT, "run_results.json: it is not whole");
    }
    return r->version > 0 ||
           err_set(err, ERR_INVALID, "run_results.json: it has no metadata.dbt_schema_version");
}
