#include "agent/dbt/loaded.h"

#include "agent/dbt/results.h"
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

enum { SOURCES_BYTES_MAX = 16 << 20, SOURCES_ARENA_BYTES = 128 << 20 };

#define SCHEMA     "https://schemas.getdbt.com/dbt/sources/v"
#define NEVER_TEXT "0001-01-01T00:00:00Z"

bool dbt_loaded_path(struct str state_dir, struct str step, char *ret, size_t size, struct err *err)
{
    return dbt_step_file(state_dir, step, ".sources", ret, size, err);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for the freshness of sources");
}

/* --- reading ----------------------------------------------------------------------------------- */

static struct str text_of(const struct json *node, const char *key)
{
    const struct json *member = json_get(node, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

static bool read_time(struct str text, struct wall_time *ret)
{
    if (str_starts(text, STR("0001-"))) {
        *ret = DBT_LOADED_NEVER;
        return true;
    }
    return wall_parse(text, ret);
}

/* One without a time is one that could not be asked, whatever else is said of it. */
static bool read_source(const struct json *node, struct dbt_loaded_source *ret, struct err *err)
{
    struct str at = text_of(node, "max_loaded_at");
    *ret = (struct dbt_loaded_source){.unique_id = text_of(node, "unique_id"),
                                      .error = text_of(node, "error")};
    if (ret->unique_id.len == 0) {
        return err_set(err, ERR_INVALID, "a result without a unique_id");
    }
    if (!dbt_status_from(text_of(node, "status"), &ret->status) || at.len == 0) {
        ret->status = DBT_RUNTIME_ERROR;
    }
    if (ret->status != DBT_RUNTIME_ERROR && !read_time(at, &ret->at)) {
        return err_set(err, ERR_INVALID, STR_FMT ": max_loaded_at: \"" STR_FMT "\" is no time",
                       STR_ARG(str_clip(ret->unique_id, 120)), STR_ARG(str_clip(at, 60)));
    }
    return true;
}

static bool is_sources_json(const struct json *root, struct err *err)
{
    struct str schema = text_of(json_get(root, "metadata"), "dbt_schema_version");
    const struct json *results = json_get(root, "results");
    if (!str_starts(schema, STR(SCHEMA)) || results == NULL || results->type != JSON_ARRAY) {
        return err_set(err, ERR_INVALID, "this is no sources.json of dbt");
    }
    struct str version = str_slice(schema, sizeof(SCHEMA) - 1, schema.len);
    return str_eq(version, STR("1.json")) || str_eq(version, STR("2.json")) ||
           str_eq(version, STR("3.json")) ||
           err_set(err, ERR_INVALID, "sources.json of version " STR_FMT ": 1 to 3 are read",
                   STR_ARG(str_clip(version, 20)));
}

bool dbt_loaded_parse(struct str text, struct arena *arena, struct dbt_loaded *ret, struct err *err)
{
    struct json *root = NULL;
    size_t count = 0;
    if (!json_parse(text, SOURCES_BYTES_MAX, arena, &root, err) || !is_sources_json(root, err)) {
        return false;
    }
    const struct json *first = json_get(root, "results")->child;
    for (const struct json *r = first; r != NULL; r = r->next) {
        count++;
    }
    *ret = (struct dbt_loaded){.by_id = strmap_new(arena),
                               .items = arena_array(arena, count + 1, sizeof(*ret->items)),
                               .text = text};
    if (ret->items == NULL) {
        return no_memory(err);
    }
    for (const struct json *r = first; r != NULL; r = r->next) {
        struct dbt_loaded_source *source = &ret->items[ret->count];
        if (!read_source(r, source, err)) {
            return false;
        }
        if (!strmap_put(&ret->by_id, source->unique_id, (uint32_t)ret->count++)) {
            return no_memory(err);
        }
    }
    return true;
}

bool dbt_loaded_read(const char *path, struct arena *arena, struct dbt_loaded *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(SOURCES_BYTES_MAX);
    if (!files_read(path, &text, err)) {
        return false;
    }
    struct str copy = arena_copy(arena, buf_str(&text));
    if (copy.ptr == NULL) {
        return no_memory(err);
    }
    return dbt_loaded_parse(copy, arena, ret, err) || err_wrap(err, "%s", path);
}

/* --- writing ----------------------------------------------------------------------------------- */

/* With microseconds, as dbt compares them. */
static void add_time(struct json_writer *w, const char *name, struct wall_time t)
{
    enum { MILLISECONDS = 23 };
    char text[WALL_TEXT_SIZE];
    char all[WALL_TEXT_SIZE + 8];
    struct buf out = buf_fixed(all, sizeof(all));
    struct str whole = str_from(wall_format(t, text));
    int64_t rest = ((t.ns % NS_PER_MS) + NS_PER_MS) % NS_PER_MS / NS_PER_US;
    buf_addf(&out, STR_FMT "%03lldZ", STR_ARG(str_slice(whole, 0, MILLISECONDS)), (long long)rest);
    jw_member_str(w, name, buf_str(&out));
}

static void add_limit(struct json_writer *w, const char *name, int64_t ns)
{
    if (ns > 0) {
        jw_key(w, str_from(name));
        jw_begin_object(w);
        jw_member_i64(w, "count", ns / NS_PER_SEC / 60);
        jw_member_str(w, "period", STR("minute"));
        jw_end_object(w);
    }
}

/* What dbt insists on besides. */
static void add_criteria(struct json_writer *w, const struct dbt_loaded_source *source)
{
    jw_key(w, STR("criteria"));
    jw_begin_object(w);
    add_limit(w, "warn_after", source->warn_after_ns);
    add_limit(w, "error_after", source->error_after_ns);
    jw_end_object(w);
    jw_member_raw(w, "adapter_response", STR("{}"));
    jw_member_raw(w, "timing", STR("[]"));
    jw_member_str(w, "thread_id", STR("main"));
    jw_member_i64(w, "execution_time", 0);
}

static void write_source(const struct dbt_loaded_source *source, struct json_writer *w)
{
    jw_begin_object(w);
    jw_member_str(w, "unique_id", source->unique_id);
    jw_member_str(w, "status", str_from(dbt_status_name(source->status)));
    if (source->status == DBT_RUNTIME_ERROR) {
        jw_member_opt(w, "error", source->error);
    } else if (source->at.ns == INT64_MIN) {
        jw_member_str(w, "max_loaded_at", STR(NEVER_TEXT));
    } else {
        add_time(w, "max_loaded_at", source->at);
    }
    if (source->status != DBT_RUNTIME_ERROR && source->asked_at.ns != 0) {
        add_time(w, "snapshotted_at", source->asked_at);
        jw_member_double(w, "max_loaded_at_time_ago_in_s",
                         (double)source->age_ns / (double)NS_PER_SEC);
        add_criteria(w, source);
    }
    jw_end_object(w);
}

void dbt_loaded_write(const struct dbt_loaded *loaded, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    jw_member_str(&w, "dbt_schema_version", STR(SCHEMA "3.json"));
    jw_end_object(&w);
    jw_key(&w, STR("results"));
    jw_begin_array(&w);
    for (size_t i = 0; i < loaded->count; i++) {
        write_source(&loaded->items[i], &w);
    }
    jw_end_array(&w);
    jw_member_i64(&w, "elapsed_time", 0);
    jw_end_object(&w);
}

/* --- comparing --------------------------------------------------------------------------------- */

const struct dbt_loaded_source *dbt_loaded_find(const struct dbt_loaded *loaded,
                                                struct str unique_id)
{
    uint32_t index = 0;
    return strmap_get(&loaded->by_id, unique_id, &index) ? &loaded->items[index] : NULL;
}

static bool has_time(const struct dbt_loaded_source *source)
{
    return source != NULL && source->status != DBT_RUNTIME_ERROR;
}

bool dbt_loaded_is_fresher(const struct dbt_loaded *before, const struct dbt_loaded *now,
                           struct str unique_id)
{
    const struct dbt_loaded_source *then = dbt_loaded_find(before, unique_id);
    const struct dbt_loaded_source *is = dbt_loaded_find(now, unique_id);
    return has_time(is) && (!has_time(then) || is->at.ns > then->at.ns);
}

/* --- keeping ----------------------------------------------------------------------------------- */

static bool write_file(const char *path, const struct dbt_loaded *kept, struct err *err)
{
    AUTO(buf) text = buf_growing(SOURCES_BYTES_MAX);
    dbt_loaded_write(kept, &text);
    buf_add_char(&text, '\n');
    return text.overflow ? err_set(err, ERR_FULL, "the freshness of sources takes more than %d MiB",
                                   SOURCES_BYTES_MAX >> 20)
                         : files_write(path, buf_str(&text), 0640, err);
}

bool dbt_loaded_keep(const char *path, const struct dbt_built *built, const struct dbt_loaded *now,
                     struct err *err)
{
    AUTO(arena) arena = arena_new(SOURCES_ARENA_BYTES);
    const struct dbt_project *project = built->project;
    struct dbt_loaded before = {.by_id = strmap_new(&arena)};
    struct dbt_loaded kept = {.items =
                                  arena_array(&arena, project->count + 1, sizeof(*kept.items))};
    struct err damaged = {0};
    bool *is_taken = NULL;
    if (!dbt_built_taken(built, true, &arena, &is_taken, err)) {
        return false;
    }
    if (kept.items == NULL) {
        return no_memory(err);
    }
    if (files_exist(path) && !dbt_loaded_read(path, &arena, &before, &damaged)) {
        before = (struct dbt_loaded){.by_id = strmap_new(&arena)};
    }
    for (size_t i = 0; i < project->count; i++) {
        struct str id = project->nodes[i].unique_id;
        const struct dbt_loaded_source *source = dbt_loaded_find(now, id);
        if (!is_taken[i] || !has_time(source)) {
            source = dbt_loaded_find(&before, id);
        }
        if (source != NULL) {
            kept.items[kept.count++] = *source;
        }
    }
    return write_file(path, &kept, err);
}
