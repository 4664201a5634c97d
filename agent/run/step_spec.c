#include "agent/run/step_spec.h"

#include "agent/run/orphans.h"
#include "agent/run/tags.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <string.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

/* --- variables -------------------------------------------------------------------------------- */

struct resolver {
    struct step_context context;
    struct step_variable partition[STEP_PARTITION_VARIABLES];
    size_t partition_count;
    struct env_lookup env;
    struct arena *arena;
    struct err *err;
    struct str check; /* that is asked; empty: the step itself */
    bool ok;          /* sticky, so that a builder checks once */
};

static bool lookup(void *ctx, struct str name, struct str *ret_value)
{
    const struct resolver *r = ctx;
    if (str_eq(name, STR("STATE_DIR"))) {
        *ret_value = str_from(r->context.state_dir);
        return true;
    }
    for (size_t i = 0; i < r->partition_count; i++) {
        if (str_eq(name, r->partition[i].name)) {
            *ret_value = r->partition[i].value;
            return true;
        }
    }
    if (r->context.tags != NULL && tags_get_variable(r->context.tags, name, ret_value)) {
        return true;
    }
    return r->context.env->get(r->context.env->ctx, name, ret_value);
}

/* In the caller's memory, which must not move: lookup() points to it. */
static void resolver_init(struct resolver *r)
{
    r->ok = true;
    r->env = (struct env_lookup){.get = lookup, .ctx = r, .secrets = r->context.env->secrets};
    if (r->context.partition != NULL) {
        r->partition_count = step_partition_variables(r->context.partition, r->arena, r->partition);
    }
}

static void add_path(struct resolver *r, struct json_writer *w, const char *member, struct str text)
{
    const char *path = NULL;
    if (r->ok &&
        !definitions_resolve_path(r->context.defs, text, &r->env, r->arena, &path, r->err)) {
        r->ok = false;
    }
    if (r->ok) {
        jw_member_str(w, member, str_from(path));
    }
}

static const char *resolved_text(struct resolver *r, struct str text)
{
    struct str value = STR_NONE;
    if (r->ok && !definitions_resolve_text(text, &r->env, r->arena, &value, r->err)) {
        r->ok = false;
    }
    const char *copy = r->ok ? arena_cstr(r->arena, value) : NULL;
    if (r->ok && copy == NULL) {
        r->ok = err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    return copy;
}

/* --- words of a command ----------------------------------------------------------------------- */

/* "-c", "-lc" (shells, Python), "-e" (Perl, Ruby, Node): what follows is code. */
static bool introduces_code(struct str argument)
{
    return str_eq(argument, STR("-e")) ||
           (str_starts(argument, STR("-")) && str_ends(argument, STR("c")) && argument.len <= 4 &&
            !str_starts(argument, STR("--")));
}

/* The name of a file or what somebody published must not become a part of somebody's code. */
static bool is_safe(struct resolver *r, const char *key, size_t i, struct str before,
                    struct str word)
{
    if (!introduces_code(before) || !str_contains(word, STR("${SELVEDGE_TAG_"))) {
        return true;
    }
    (void)err_set(r->err, ERR_INVALID, "%s[%zu]: a tag of the run would become code", key, i);
    return err_hint(r->err, "the program finds it in its environment: write $$SELVEDGE_TAG_...");
}

/* --- native work ------------------------------------------------------------------------------ */

/* The tree with every text in it resolved. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader lets a file be */
static void add_resolved(struct resolver *r, struct json_writer *w, const struct json *node)
{
    if (node->type == JSON_STRING) {
        const char *text = resolved_text(r, node->as.string);
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
static void hold_secrets(struct resolver *r, const struct asset *asset, struct buf *text)
{
    bool has_secret = false;
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
    if (has_secret && buf_reserve(text, INPUT_BYTES_MAX - 1) == NULL) {
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
        r->ok = word->next == NULL || is_safe(r, key, i++, word->as.string, word->next->as.string);
    }
}

static void add_option(struct resolver *r, struct json_writer *w, const struct connector_side *side,
                       const struct field *field, const struct json *node)
{
    if ((field->marks & OPTION_PATH) != 0 && node->type == JSON_STRING) {
        add_path(r, w, field->key, node->as.string);
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

/* Of a step that makes several: which stream is which asset. */
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
        jw_member_str(w, "stream", r->context.assets[i]->stream);
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
    add_path(r, w, "path", database->path);
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
    add_path(r, w, "project", meltano->project);
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
    } else {
        jw_member_str(&w, "kind", STR("extract_load"));
        jw_member_str(&w, "state_id", asset_step_key(asset));
        add_assets(r, &w);
        add_state_dir(r, &w, asset);
        add_endpoint(r, &w, USE_EXTRACT, asset);
        add_endpoint(r, &w, USE_LOAD, asset);
    }
    add_checks(r, &w, asset);
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

/* `check` NULL: the step itself. */
static bool make_native(struct resolver *r, const struct asset *asset, const struct check *check,
                        struct step_spec *spec)
{
    const char **argv = arena_array(r->arena, 3, sizeof(*argv));
    AUTO(buf) input = buf_growing(INPUT_BYTES_MAX);
    hold_secrets(r, asset, &input);
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

/* --- commands --------------------------------------------------------------------------------- */

static bool set_user(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    if (str_is_empty(asset->user)) {
        return true;
    }
    spec->confine.user = arena_cstr(r->arena, asset->user);
    return spec->confine.user != NULL ||
           err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
}

static bool hold_to_limits(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    const struct step_limits *limits = &asset->limits;
    spec->confine = (struct confine){.memory_bytes = limits->memory_bytes,
                                     .cpu_ns = limits->cpu_ns,
                                     .file_bytes = limits->file_bytes,
                                     .open_files = limits->open_files,
                                     .processes = limits->processes,
                                     .nice = limits->nice};
    return set_user(r, asset, spec);
}

static bool make_argv(struct resolver *r, const struct str_list *run, struct step_spec *spec)
{
    const char **argv = arena_array(r->arena, run->count + 1, sizeof(*argv));
    if (argv == NULL) {
        return err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    for (size_t i = 0; i < run->count && r->ok; i++) {
        r->ok = i == 0 || is_safe(r, "run", i, run->items[i - 1], run->items[i]);
        argv[i] = resolved_text(r, run->items[i]);
    }
    spec->argv = argv;
    spec->cwd = r->context.defs->dir;
    return r->ok;
}

static bool make_command(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    if (!make_argv(r, &asset->run, spec)) {
        return false;
    }
    if (!str_is_empty(asset->dir)) {
        r->ok = definitions_resolve_path(r->context.defs, asset->dir, &r->env, r->arena, &spec->cwd,
                                         r->err);
    }
    return r->ok && hold_to_limits(r, asset, spec);
}

/* --- environment ------------------------------------------------------------------------------ */

struct environment {
    const char **items;
    size_t count;
};

static void set_env(struct resolver *r, struct environment *env, const char *name, struct str value)
{
    struct str entry = arena_printf(r->arena, "%s=" STR_FMT, name, STR_ARG(value));
    if (entry.ptr == NULL) {
        r->ok = err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
        return;
    }
    env->items[env->count++] = entry.ptr;
}

/* "<store>/<run>/<step>/<attempt>": every process of the step is known again by it. */
static void set_token(struct resolver *r, struct environment *env, const struct asset *asset,
                      struct step_spec *spec)
{
    if (str_is_empty(r->context.store_id)) {
        return;
    }
    spec->token = arena_printf(r->arena, STR_FMT "/" STR_FMT "/" STR_FMT "/%lld",
                               STR_ARG(r->context.store_id), STR_ARG(r->context.run),
                               STR_ARG(asset_step_key(asset)), (long long)r->context.attempt);
    set_env(r, env, ORPHANS_VARIABLE, spec->token);
}

/* Ours each as a variable, and all of them as a JSON object. */
static void set_tags(struct resolver *r, struct environment *env)
{
    const struct str_map *tags = r->context.tags;
    struct str all = STR_NONE;
    if (tags == NULL || tags->count == 0) {
        return;
    }
    r->ok = r->ok && tags_write(tags, r->arena, &all, r->err);
    set_env(r, env, "SELVEDGE_TAGS", all);
    for (size_t i = 0; i < tags->count; i++) {
        char text[TAG_VARIABLE_BYTES_MAX];
        struct buf name = buf_fixed(text, sizeof(text));
        if (tag_write_variable(tags->keys[i], &name) && !name.overflow) {
            set_env(r, env, buf_cstr(&name), tags->values[i]);
        }
    }
}

/* What it makes; of a step that makes several all that it makes now, which one is a check's. */
static void set_assets(struct resolver *r, struct environment *env, const struct asset *asset)
{
    AUTO(buf) keys = buf_growing(INPUT_BYTES_MAX);
    if (asset->step == NULL || !str_is_empty(r->check)) {
        set_env(r, env, "SELVEDGE_ASSET", asset->key);
        return;
    }
    for (size_t i = 0; i < r->context.asset_count; i++) {
        buf_add_text(&keys, i == 0 ? "" : " ");
        buf_add(&keys, r->context.assets[i]->key);
    }
    set_env(r, env, "SELVEDGE_STEP", asset->step->key);
    set_env(r, env, "SELVEDGE_ASSETS", buf_str(&keys));
}

/* A child sees a few variables of ours that every program expects, who it is, and what the asset
 * gives it: nothing else of the agent's environment, where secrets may stand. */
static bool make_environment(struct resolver *r, const struct asset *asset, struct step_spec *spec)
{
    static const char *const passed[] = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"};
    size_t tag_count = r->context.tags == NULL ? 0 : r->context.tags->count;
    size_t room = COUNT_OF(passed) + 10 + STEP_PARTITION_VARIABLES + asset->env.count + tag_count;
    for (const char *const *v = r->context.variables; v != NULL && *v != NULL; v++) {
        room++;
    }
    struct environment env = {.items = arena_array(r->arena, room, sizeof(*env.items))};
    if (env.items == NULL) {
        return err_set(r->err, ERR_NO_MEMORY, "prepare the step: out of memory");
    }
    set_token(r, &env, asset, spec);
    for (size_t i = 0; i < COUNT_OF(passed); i++) {
        struct str value = STR_NONE;
        if (!str_is_empty(asset->user) && str_eq(str_from(passed[i]), STR("HOME"))) {
            continue; /* another's home is of no use: selvedge-exec sets the user's own */
        }
        if (r->context.env->get(r->context.env->ctx, str_from(passed[i]), &value)) {
            set_env(r, &env, passed[i], value);
        }
    }
    char attempt[24];
    struct buf number = buf_fixed(attempt, sizeof(attempt));
    buf_add_i64(&number, r->context.attempt);
    set_env(r, &env, "STATE_DIR", str_from(r->context.state_dir));
    set_env(r, &env, "SELVEDGE_RUN", r->context.run);
    set_assets(r, &env, asset);
    set_env(r, &env, "SELVEDGE_ATTEMPT", buf_str(&number));
    if (!str_is_empty(r->check)) {
        set_env(r, &env, "SELVEDGE_CHECK", r->check);
    }
    set_tags(r, &env);
    for (size_t i = 0; i < r->partition_count; i++) {
        set_env(r, &env, r->partition[i].name.ptr, r->partition[i].value);
    }
    for (size_t i = 0; i < asset->env.count && r->ok; i++) {
        const char *name = arena_cstr(r->arena, asset->env.keys[i]);
        const char *value = resolved_text(r, asset->env.values[i]);
        if (name != NULL && value != NULL) {
            set_env(r, &env, name, str_from(value));
        }
    }
    for (const char *const *v = r->context.variables; v != NULL && *v != NULL; v++) {
        env.items[env.count++] = *v;
    }
    spec->envp = env.items;
    return r->ok;
}

bool step_spec_make(const struct step_context *context, const struct asset *asset,
                    struct arena *arena, struct step_spec *ret, struct err *err)
{
    struct resolver r = {.context = *context, .arena = arena, .err = err};
    struct step_spec spec = {0};
    resolver_init(&r);
    bool made = asset->work == ASSET_RUN ? make_command(&r, asset, &spec)
                                         : make_native(&r, asset, NULL, &spec);
    if (!made || !make_environment(&r, asset, &spec)) {
        return err_wrap(err, "%s " STR_FMT, asset->step == NULL ? "asset" : "step",
                        STR_ARG(asset_step_key(asset)));
    }
    *ret = spec;
    return true;
}

/* Limits are for programs: the worker of a native step has none either. What the asset's user may
 * not read its check does not get to see. */
static bool make_query(struct resolver *r, const struct asset *asset, const struct check *check,
                       struct step_spec *spec)
{
    return make_native(r, asset, check, spec) && set_user(r, asset, spec);
}

static bool make_check_command(struct resolver *r, const struct asset *asset,
                               const struct check *check, struct step_spec *spec)
{
    return make_argv(r, &check->run, spec) && hold_to_limits(r, asset, spec);
}

bool step_spec_make_check(const struct step_context *context, const struct asset *asset,
                          const struct check *check, struct arena *arena, struct step_spec *ret,
                          struct err *err)
{
    struct resolver r = {.context = *context, .arena = arena, .err = err, .check = check->name};
    struct step_spec spec = {0};
    resolver_init(&r);
    bool made = check->run.count > 0 ? make_check_command(&r, asset, check, &spec)
                                     : make_query(&r, asset, check, &spec);
    if (!made || !make_environment(&r, asset, &spec)) {
        return err_wrap(err, "check " STR_FMT, STR_ARG(check->name));
    }
    *ret = spec;
    return true;
}
