/* step_input.c - native work: the JSON object on the stdin of `selvedge-el step`. */
#include "agent/run/step_spec_internal.h"

#include "agent/run/tags.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

/* The tree with every text in it resolved. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader lets a file be */
static void add_resolved(struct resolver *r, struct json_writer *w, const struct json *node)
{
    if (node->type == JSON_STRING) {
        const char *text = step_resolved_text(r, node->as.string);
        jw_str(w, text == NULL ? STR("") : str_from(text));
    } else if (node->type == JSON_OBJECT) {
        jw_begin_object(w);
        for (const struct json *member = node->child; member != NULL; member = member->next) {
            jw_key(w, member->key);
            add_resolved(r, w, member);
        }
        jw_end_object(w);
    } else if (node->type == JSON_ARRAY) {
        jw_begin_array(w);
        for (const struct json *element = node->child; element != NULL; element = element->next) {
            add_resolved(r, w, element);
        }
        jw_end_array(w);
    } else {
        AUTO(buf) text = buf_growing(INPUT_BYTES_MAX);
        json_write(&text, node);
        jw_raw(w, buf_str(&text));
    }
}

static bool has_secret_check(const struct asset *asset)
{
    for (size_t i = 0; i < asset->check_count; i++) {
        const struct resource *resource = asset->checks[i].resource;
        if (resource != NULL && str_contains(resource->written, STR("${secret:"))) {
            return true;
        }
    }
    return false;
}

/* A buffer that grows leaves what it held behind: one that is to hold secrets has all its room from
 * the start, of which only what is used takes memory. */
static void hold_secrets(struct resolver *r, const struct asset *asset, size_t max,
                         struct buf *text)
{
    const struct resource *dbt = asset->dbt.resource;
    bool has_secret = dbt != NULL && str_contains(dbt->written, STR("${secret:"));
    const struct endpoint *ends[] = {&asset->extract, &asset->load};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        has_secret = has_secret || str_contains(ends[i]->written, STR("${secret:")) ||
                     (ends[i]->resource != NULL &&
                      str_contains(ends[i]->resource->written, STR("${secret:")));
    }
    has_secret = has_secret || has_secret_check(asset);
    for (size_t i = 0; i < r->context.asset_count; i++) {
        has_secret = has_secret || has_secret_check(r->context.assets[i]);
    }
    if (has_secret && buf_reserve(text, max - 1) == NULL) {
        r->ok = err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
}

static bool is_command(const struct connector_side *side, const struct field *field)
{
    return side->is_program && side->option != NULL && strcmp(field->key, side->option) == 0;
}

static void check_command(struct resolver *r, const char *key, const struct json *words)
{
    size_t i = 1;
    for (const struct json *word = words->child; word != NULL && r->ok; word = word->next) {
        r->ok = word->next == NULL ||
                step_is_safe_word(r, key, i++, word->as.string, word->next->as.string);
    }
}

static void add_option(struct resolver *r, struct json_writer *w, const struct connector_side *side,
                       const struct field *field, const struct json *node)
{
    if ((field->marks & OPTION_PATH) != 0 && node->type == JSON_STRING) {
        step_add_path(r, w, field->key, node->as.string);
        return;
    }
    if (is_command(side, field)) {
        check_command(r, side->key, node);
    }
    jw_key(w, str_from(field->key));
    add_resolved(r, w, node);
}

/* What was written of a connector, as the worker knows it. */
static void add_options(struct resolver *r, struct json_writer *w, const struct connector *c,
                        enum connector_use use, struct str written)
{
    struct json *node = NULL;
    if (!r->ok || !json_parse(written, INPUT_BYTES_MAX, r->arena, &node, r->err)) {
        r->ok = false;
        return;
    }
    for (const struct json *member = node->child; member != NULL && r->ok; member = member->next) {
        const struct field *field = connector_option(c, use, member->key);
        if (field != NULL && strcmp(field->key, "type") != 0) {
            add_option(r, w, &c->sides[use], field, member);
        }
    }
}

/* Of a step that makes several: those of its assets that are wanted now. */
static void add_streams(struct resolver *r, struct json_writer *w)
{
    if (r->context.asset_count == 0) {
        return;
    }
    jw_key(w, STR("streams"));
    jw_begin_array(w);
    for (size_t i = 0; i < r->context.asset_count; i++) {
        jw_str(w, r->context.assets[i]->stream);
    }
    jw_end_array(w);
}

static void add_endpoint(struct resolver *r, struct json_writer *w, enum connector_use use,
                         const struct asset *asset)
{
    const struct endpoint *end = use == USE_EXTRACT ? &asset->extract : &asset->load;
    const struct connector_side *side = &end->connector->sides[use];
    jw_key(w, use == USE_EXTRACT ? STR("tap") : STR("target"));
    jw_begin_object(w);
    jw_member_str(w, "type", str_from(end->connector->type));
    if (end->resource != NULL) {
        add_options(r, w, end->connector, use, end->resource->written);
    }
    add_options(r, w, end->connector, use, end->written);
    if (use == USE_EXTRACT) {
        add_streams(r, w);
    }
    if (use == USE_EXTRACT && side->is_program) {
        jw_member_str(w, "dir", str_from(r->context.defs->dir));
    }
    if (use == USE_LOAD && asset->extract.connector->sides[USE_EXTRACT].has_streams) {
        jw_member_bool(w, "append_without_key", true);
    }
    jw_end_object(w);
}

/* Where the states of targets are kept that have no place for them. */
static void add_state_dir(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    if (asset->load.connector->sides[USE_LOAD].is_program) {
        struct str dir = arena_printf(r->arena, "%s/states", r->context.state_dir);
        jw_member_str(w, "state_dir", dir);
    }
}

/* SQL with what stands for the partitions filled in. */
static void add_query(struct resolver *r, struct json_writer *w, struct str sql)
{
    if (r->ok && r->context.partition != NULL) {
        r->ok = step_partition_sql(r->context.partition, sql, r->arena, &sql, r->err);
    }
    jw_member_str(w, "sql", sql);
}

/* `own`: what the step writes, which the worker asks where nothing else is named. */
static void add_check(struct resolver *r, struct json_writer *w, const struct asset *asset,
                      const struct check *check, const struct resource *own)
{
    jw_begin_object(w);
    jw_member_opt(w, "asset", asset->step == NULL ? STR_NONE : asset->key);
    jw_member_str(w, "name", check->name);
    add_query(r, w, check->sql);
    if (check->resource != own) {
        const struct connector *c = check->resource->connector;
        jw_key(w, STR("database"));
        jw_begin_object(w);
        jw_member_str(w, "type", str_from(c->type));
        add_options(r, w, c, USE_LOAD, check->resource->written);
        jw_end_object(w);
    }
    jw_member_str(w, "severity", check->severity == CHECK_WARN ? STR("warn") : STR("error"));
    jw_end_object(w);
}

static void add_checks_of(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    const struct resource *own =
        asset->work == ASSET_SQL ? asset->sql.resource : asset->load.resource;
    for (size_t i = 0; i < asset->check_count; i++) {
        if (asset->checks[i].run.count == 0) { /* a program is not the worker's to start */
            add_check(r, w, asset, &asset->checks[i], own);
        }
    }
}

static void add_checks(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    if (asset->check_count == 0 && r->context.asset_count == 0) {
        return;
    }
    jw_key(w, STR("checks"));
    jw_begin_array(w);
    for (size_t i = 0; i < r->context.asset_count; i++) {
        add_checks_of(r, w, r->context.assets[i]);
    }
    if (r->context.asset_count == 0) {
        add_checks_of(r, w, asset);
    }
    jw_end_array(w);
}

/* Of a step that makes several: which stream, or node, is which asset. */
static void add_assets(struct resolver *r, struct json_writer *w)
{
    if (r->context.asset_count == 0) {
        return;
    }
    jw_key(w, STR("assets"));
    jw_begin_array(w);
    for (size_t i = 0; i < r->context.asset_count; i++) {
        jw_begin_object(w);
        jw_member_str(w, "asset", r->context.assets[i]->key);
        jw_member_opt(w, "stream", r->context.assets[i]->stream);
        jw_member_opt(w, "node", r->context.assets[i]->node);
        jw_end_object(w);
    }
    jw_end_array(w);
}

/* Which rows of the table a run replaces. */
static void add_partition(struct resolver *r, struct json_writer *w, const struct sql *sql)
{
    struct str keys = STR_NONE;
    if (!r->ok || r->context.partition == NULL) {
        return;
    }
    r->ok = step_partition_json(r->context.partition, r->arena, &keys, r->err);
    if (r->ok) {
        jw_key(w, STR("partition"));
        jw_begin_object(w);
        jw_member_str(w, "column", sql->partition_by);
        jw_member_raw(w, "keys", keys);
        jw_end_object(w);
    }
}

static void add_sql(struct resolver *r, struct json_writer *w, const struct sql *sql)
{
    const struct tap_options *database = sql->resource->options; /* of type sqlite */
    step_add_path(r, w, "path", database->path);
    jw_member_str(w, "name", sql->name);
    jw_member_str(w, "materialized", sql->materialized == SQL_TABLE ? STR("table") : STR("view"));
    add_query(r, w, sql->query);
    add_partition(r, w, sql);
}

/* The schedule whose variables count: the block's own, or the one that started the run. */
static struct str schedule_of(const struct resolver *r, const struct meltano_run *meltano)
{
    if (meltano->schedule.len > 0 || r->context.tags == NULL) {
        return meltano->schedule;
    }
    return tags_get(r->context.tags, STR("meltano/schedule"));
}

/* Of a step whose assets are streams: those that are wanted, when it is not all. */
static void add_wanted(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    if (asset->step == NULL || r->context.asset_count >= asset->step->asset_count) {
        return;
    }
    jw_key(w, STR("streams"));
    jw_begin_array(w);
    for (size_t i = 0; i < r->context.asset_count; i++) {
        jw_str(w, r->context.assets[i]->stream);
    }
    jw_end_array(w);
}

static void add_meltano(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    const struct meltano_run *meltano = &asset->meltano;
    struct str states = arena_printf(r->arena, "%s/states", r->context.state_dir);
    jw_member_str(w, "state_dir", states);
    jw_key(w, STR("meltano"));
    jw_begin_object(w);
    step_add_path(r, w, "project", meltano->project);
    jw_member_opt(w, "environment", meltano->environment);
    jw_key(w, STR("block"));
    jw_begin_array(w);
    for (size_t i = 0; i < meltano->block.count; i++) {
        jw_str(w, meltano->block.items[i]);
    }
    jw_end_array(w);
    jw_member_opt(w, "schedule", schedule_of(r, meltano));
    jw_member_bool(w, "elt", meltano->schedule.len > 0);
    add_wanted(r, w, asset);
    jw_end_object(w);
}

/* --- dbt --------------------------------------------------------------------------------------- */

static void add_list(struct json_writer *w, const char *key, const struct str_list *list)
{
    if (list->count == 0) {
        return;
    }
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < list->count; i++) {
        jw_str(w, list->items[i]);
    }
    jw_end_array(w);
}

static void add_opt_path(struct resolver *r, struct json_writer *w, const char *member,
                         struct str text)
{
    if (!str_is_empty(text)) {
        step_add_path(r, w, member, text);
    }
}

static void add_database(struct resolver *r, struct json_writer *w, const struct resource *resource)
{
    if (resource != NULL) {
        jw_key(w, STR("database"));
        jw_begin_object(w);
        jw_member_str(w, "type", str_from(resource->connector->type));
        add_options(r, w, resource->connector, USE_LOAD, resource->written);
        jw_end_object(w);
    }
}

static bool is_tagged(const struct str_map *tags, struct str name)
{
    return tags != NULL && str_eq(tags_get(tags, name), STR("true"));
}

/* What was asked of this run, in dbt's words: which tests run is by these. */
static void add_asked(struct resolver *r, struct json_writer *w, const struct dbt_run *dbt,
                      const struct str_map *tags)
{
    static const struct {
        struct str tag;
        const char *member;
    } texts[] = {{STR_INIT("dbt/select"), "select"},
                 {STR_INIT("dbt/exclude"), "exclude"},
                 {STR_INIT("dbt/selector"), "selector"},
                 {STR_INIT("dbt/indirect_selection"), "indirect_selection"}};
    jw_key(w, STR("asked"));
    jw_begin_object(w);
    for (size_t i = 0; tags != NULL && i < COUNT_OF(texts); i++) {
        jw_member_opt(w, texts[i].member, tags_get(tags, texts[i].tag));
    }
    if (tags != NULL && tags_get(tags, STR("dbt/state")).len > 0) {
        jw_member_str(w, "state", tags_get(tags, STR("dbt/state")));
    } else {
        add_opt_path(r, w, "state", dbt->state);
    }
    jw_end_object(w);
}

static void add_dbt(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    static const char *const runners[] = {
        [DBT_RUNNER_AUTO] = "auto", [DBT_RUNNER_NATIVE] = "native", [DBT_RUNNER_DBT] = "dbt"};
    const struct dbt_run *dbt = &asset->dbt;
    const struct str_map *tags = r->context.tags;
    struct str key = asset_step_key(asset);
    jw_member_str(w, "state_dir", arena_printf(r->arena, "%s/dbt", r->context.state_dir));
    jw_key(w, STR("dbt"));
    jw_begin_object(w);
    step_add_path(r, w, "manifest", dbt->manifest);
    add_opt_path(r, w, "incremental", dbt->incremental);
    add_opt_path(r, w, "project_dir", dbt->project_dir);
    add_opt_path(r, w, "profiles_dir", dbt->profiles_dir);
    jw_member_opt(w, "program", dbt->program);
    jw_member_opt(w, "target", dbt->target);
    jw_member_str(w, "runner", str_from(runners[dbt->runner]));
    jw_member_bool(w, "allow_frozen", dbt->allows_frozen);
    jw_member_bool(w, "fail_fast", dbt->is_fail_fast || is_tagged(tags, STR("dbt/fail_fast")));
    jw_member_bool(w, "retry", r->context.is_retry);
    jw_member_bool(w, "source_freshness",
                   dbt->asks_freshness || is_tagged(tags, STR("dbt/source_freshness")));
    jw_member_bool(w, "full_refresh", is_tagged(tags, STR("dbt/full_refresh")));
    if (dbt->statement_timeout_ns > 0) {
        jw_member_str(
            w, "statement_timeout",
            arena_printf(r->arena, "%lldms", (long long)(dbt->statement_timeout_ns / NS_PER_MS)));
    }
    add_list(w, "select", &dbt->select);
    add_list(w, "exclude", &dbt->exclude);
    jw_member_opt(w, "selector", dbt->selector);
    add_asked(r, w, dbt, tags);
    jw_member_str(w, "log_file",
                  arena_printf(r->arena, "%s/runs/" STR_FMT "/" STR_FMT "/%lld.nodes",
                               r->context.state_dir, STR_ARG(r->context.run), STR_ARG(key),
                               (long long)r->context.attempt));
    add_database(r, w, dbt->resource);
    jw_end_object(w);
}

static void begin_input(struct resolver *r, struct json_writer *w, const struct asset *asset)
{
    jw_begin_object(w);
    if (r->context.asset_count == 0 || !str_is_empty(r->check)) {
        jw_member_str(w, "asset", asset->key);
    }
    jw_member_str(w, "run", r->context.run);
    jw_member_str(w, "step", asset_step_key(asset));
    jw_member_i64(w, "attempt", r->context.attempt);
}

static void write_input(struct resolver *r, const struct asset *asset, struct buf *out)
{
    struct json_writer w = json_writer(out);
    begin_input(r, &w, asset);
    if (asset->work == ASSET_SQL) {
        jw_member_str(&w, "kind", STR("sql"));
        add_sql(r, &w, &asset->sql);
    } else if (asset->work == ASSET_MELTANO) {
        jw_member_str(&w, "kind", STR("meltano"));
        add_assets(r, &w);
        add_meltano(r, &w, asset);
    } else if (asset->work == ASSET_DBT) {
        jw_member_str(&w, "kind", STR("dbt"));
        add_assets(r, &w);
        add_dbt(r, &w, asset);
    } else {
        jw_member_str(&w, "kind", STR("extract_load"));
        jw_member_str(&w, "state_id", asset_step_key(asset));
        add_assets(r, &w);
        add_state_dir(r, &w, asset);
        add_endpoint(r, &w, USE_EXTRACT, asset);
        add_endpoint(r, &w, USE_LOAD, asset);
    }
    if (asset->work != ASSET_DBT) { /* whose tests the worker knows */
        add_checks(r, &w, asset);
    }
    jw_end_object(&w);
}

/* One check of an asset that a command made. */
static void write_check(struct resolver *r, const struct asset *asset, const struct check *check,
                        struct buf *out)
{
    struct json_writer w = json_writer(out);
    begin_input(r, &w, asset);
    jw_member_str(&w, "kind", STR("checks"));
    jw_key(&w, STR("checks"));
    jw_begin_array(&w);
    add_check(r, &w, asset, check, NULL);
    jw_end_array(&w);
    jw_end_object(&w);
}

bool step_make_native(struct resolver *r, const struct asset *asset, const struct check *check,
                      struct step_spec *spec)
{
    const char **argv = arena_array(r->arena, 3, sizeof(*argv));
    /* Of a dbt project each node is named: as much as the worker reads. */
    size_t max = asset->work == ASSET_DBT ? LIMIT_JSON_BYTES : INPUT_BYTES_MAX;
    AUTO(buf) input = buf_growing(max);
    hold_secrets(r, asset, max, &input);
    if (check == NULL) {
        write_input(r, asset, &input);
    } else {
        write_check(r, asset, check, &input);
    }
    if (!r->ok) {
        return false;
    }
    struct str copy = arena_copy(r->arena, buf_str(&input));
    bool is_whole = !input.overflow;
    buf_wipe(&input);
    if (argv == NULL || !is_whole || copy.ptr == NULL) {
        return err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    argv[0] = r->context.worker;
    argv[1] = "step";
    spec->argv = argv;
    spec->input = copy;
    return true;
}
