/* explain_asset.c - an asset, explained. */
#include "agent/definitions/explain_parts.h"

static void say_check(struct explaining *x, const struct check *check)
{
    begin_item(x, check->at);
    outline_str(&x->o, STR("name"), check->name);
    outline_opt(&x->o, "description", check->description);
    outline_opt(&x->o, "sql", check->sql);
    if (check->resource != NULL) {
        outline_opt(&x->o, "resource", check->resource->name);
    }
    outline_opt(&x->o, "test", check->test);
    say_list(x, "run", &check->run);
    outline_str(&x->o, STR("severity"), check->severity == CHECK_WARN ? STR("warn") : STR("error"));
    outline_bool(&x->o, "blocking", check->is_blocking);
    outline_end_item(&x->o);
}

static void say_checks(struct explaining *x, const struct asset *asset)
{
    if (asset->check_count > 0) {
        outline_begin_list(&x->o, "checks");
        for (size_t i = 0; i < asset->check_count; i++) {
            say_check(x, &asset->checks[i]);
        }
        outline_end_list(&x->o);
    }
}

/* --- the assets of a shared step --- */

/* Those of its assets that are explained: all, or of a set. */
struct members {
    const struct shared_step *step; /* NULL: there are none */
    const bool *set;
};

static bool have_same_items(const struct str_list *a, const struct str_list *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++) {
        is_same = str_eq(a->items[i], b->items[i]);
    }
    return is_same;
}

/* What was written once for all is one text in memory. */
static bool have_own_words(struct explaining *x, const struct shared_step *step)
{
    const struct asset *first = &x->defs->assets[step->assets[0]];
    for (size_t i = 1; i < step->asset_count; i++) {
        const struct asset *asset = &x->defs->assets[step->assets[i]];
        if (asset->group.ptr != first->group.ptr || asset->tags.keys != first->tags.keys ||
            asset->owners.items != first->owners.items ||
            asset->metadata.keys != first->metadata.keys || asset->dataset.count > 0 ||
            !have_same_items(&asset->kinds, &first->kinds)) {
            return true;
        }
    }
    return first->work == ASSET_DBT || first->dataset.count > 0;
}

static void say_words(struct explaining *x, const struct asset *asset)
{
    outline_opt(&x->o, "group", asset->group);
    outline_list(&x->o, "kinds", asset->kinds.items, asset->kinds.count);
    outline_map(&x->o, "tags", &asset->tags);
    outline_list(&x->o, "owners", asset->owners.items, asset->owners.count);
    outline_map(&x->o, "metadata", &asset->metadata);
    outline_list(&x->o, "dataset", asset->dataset.items, asset->dataset.count);
}

static void say_members(struct explaining *x, const char *key, const struct members *members)
{
    const struct shared_step *step = members->step;
    bool is_worded = have_own_words(x, step);
    outline_begin_list(&x->o, key);
    for (size_t i = 0; i < step->asset_count; i++) {
        const struct asset *asset = &x->defs->assets[step->assets[i]];
        if (members->set != NULL && !members->set[step->assets[i]]) {
            continue;
        }
        begin_item(x, asset->at);
        outline_opt(&x->o, "name", asset->stream);
        outline_opt(&x->o, "node", asset->node);
        outline_str(&x->o, STR("key"), asset->key);
        outline_list(&x->o, "deps", asset->deps.items, asset->deps.count);
        outline_opt(&x->o, "description", asset->description);
        outline_opt(&x->o, "code_version", asset->code_version);
        if (is_worded) {
            say_words(x, asset);
        }
        say_checks(x, asset);
        outline_end_item(&x->o);
    }
    outline_end_list(&x->o);
}

/* --- how an asset is made --- */

static void say_endpoint(struct explaining *x, enum connector_use use,
                         const struct endpoint *endpoint, const struct members *members)
{
    outline_begin_map(&x->o, use == USE_EXTRACT ? STR("extract") : STR("load"));
    outline_opt(&x->o, "resource", endpoint->resource_name);
    say_options(x, endpoint->connector, use, endpoint->written);
    if (use == USE_EXTRACT && members->step != NULL) {
        say_members(x, "streams", members);
    }
    if (endpoint->resource == NULL) {
        say_absence(x, endpoint->connector);
    }
    outline_end_map(&x->o);
}

static void say_sql(struct explaining *x, const struct sql *sql)
{
    outline_begin_map(&x->o, STR("sql"));
    outline_opt(&x->o, "resource", sql->resource_name);
    outline_str(&x->o, STR("materialized"),
                sql->materialized == SQL_VIEW ? STR("view") : STR("table"));
    outline_opt(&x->o, "name", sql->name);
    outline_opt(&x->o, "partition_by", sql->partition_by);
    if (sql->file.len > 0) {
        outline_note(&x->o, "file", sql->file);
    }
    outline_opt(&x->o, "query", sql->query);
    outline_end_map(&x->o);
}

static void say_limits(struct explaining *x, const struct step_limits *limits)
{
    const struct step_limits none = {0};
    if (limits->memory_bytes == none.memory_bytes && limits->cpu_ns == 0 &&
        limits->file_bytes == 0 && limits->open_files == 0 && limits->processes == 0 &&
        limits->nice == 0) {
        return;
    }
    outline_begin_map(&x->o, STR("limits"));
    outline_bytes(&x->o, "memory", limits->memory_bytes);
    outline_opt_duration(&x->o, "cpu", limits->cpu_ns);
    outline_bytes(&x->o, "file_size", limits->file_bytes);
    if (limits->open_files > 0) {
        outline_i64(&x->o, "open_files", limits->open_files);
    }
    if (limits->processes > 0) {
        outline_i64(&x->o, "processes", limits->processes);
    }
    outline_i64(&x->o, "nice", limits->nice);
    outline_end_map(&x->o);
}

static void say_meltano(struct explaining *x, const struct meltano_run *run)
{
    outline_begin_map(&x->o, STR("meltano"));
    say(x, "project", run->project);
    outline_opt(&x->o, "environment", run->environment);
    outline_list(&x->o, "block", run->block.items, run->block.count);
    outline_opt(&x->o, "schedule", run->schedule);
    outline_end_map(&x->o);
}

static void say_dbt(struct explaining *x, const struct dbt_run *run)
{
    static const char *const runners[] = {
        [DBT_RUNNER_AUTO] = "auto", [DBT_RUNNER_NATIVE] = "native", [DBT_RUNNER_DBT] = "dbt"};
    outline_begin_map(&x->o, STR("dbt"));
    say(x, "manifest", run->manifest);
    say(x, "incremental", run->incremental);
    say(x, "state", run->state);
    say(x, "project_dir", run->project_dir);
    outline_opt(&x->o, "adapter", run->adapter);
    outline_opt(&x->o, "resource", run->resource_name);
    outline_str(&x->o, STR("runner"), str_from(runners[run->runner]));
    outline_opt(&x->o, "dbt", run->program);
    say(x, "profiles_dir", run->profiles_dir);
    outline_opt(&x->o, "target", run->target);
    outline_list(&x->o, "select", run->select.items, run->select.count);
    outline_list(&x->o, "exclude", run->exclude.items, run->exclude.count);
    outline_opt(&x->o, "selector", run->selector);
    outline_bool(&x->o, "allow_frozen", run->allows_frozen);
    outline_bool(&x->o, "fail_fast", run->is_fail_fast);
    if (run->statement_timeout_ns > 0) {
        outline_duration(&x->o, "statement_timeout", run->statement_timeout_ns);
    }
    outline_bool(&x->o, "source_freshness", run->asks_freshness);
    outline_end_map(&x->o);
}

static void say_work(struct explaining *x, const struct asset *asset, const struct members *members)
{
    switch (asset->work) {
    case ASSET_EXTERNAL:
        outline_bool(&x->o, "external", true);
        break;
    case ASSET_EXTRACT_LOAD:
        say_endpoint(x, USE_EXTRACT, &asset->extract, members);
        say_endpoint(x, USE_LOAD, &asset->load, members);
        break;
    case ASSET_SQL:
        say_sql(x, &asset->sql);
        break;
    case ASSET_MELTANO:
        say_meltano(x, &asset->meltano);
        if (members->step != NULL) {
            say_members(x, "assets", members);
        }
        say_map(x, "env", &asset->env);
        break;
    case ASSET_DBT:
        say_dbt(x, &asset->dbt);
        if (members->step != NULL) {
            say_members(x, "assets", members);
        }
        say_map(x, "env", &asset->env);
        break;
    case ASSET_RUN:
        say_list(x, "run", &asset->run);
        if (members->step != NULL) {
            say_members(x, "assets", members);
        }
        say_map(x, "env", &asset->env);
        say(x, "dir", asset->dir);
        outline_opt(&x->o, "user", asset->user);
        say_limits(x, &asset->limits);
        outline_raw(&x->o, "extras", asset->extras);
        break;
    }
}

/* --- when, and in which slices --- */

/* As the clock shows it in the zone. */
static struct str local_text(struct explaining *x, struct wall_time at, const struct tz *tz)
{
    int64_t seconds = at.ns / NS_PER_SEC;
    struct civil_time c = civil_from_seconds(seconds + tz_offset_at(tz, seconds));
    return arena_printf(&x->arena, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day,
                        c.hour, c.minute, c.second);
}

static void say_windows(struct explaining *x, const struct partitions *p)
{
    outline_begin_map(&x->o, STR("cron"));
    outline_opt(&x->o, "schedule", p->cron_text);
    outline_opt(&x->o, "start", local_text(x, p->start, p->tz));
    if (p->end.ns != 0) {
        outline_opt(&x->o, "end", local_text(x, p->end, p->tz));
    }
    outline_opt(&x->o, "timezone", p->timezone);
    outline_i64(&x->o, "end_offset", p->end_offset);
    outline_opt(&x->o, "format", p->format);
    outline_end_map(&x->o);
}

static void say_partitions(struct explaining *x, const struct asset *asset)
{
    const struct partitions *p = &asset->partitions;
    if (p->kind == PARTITION_NONE) {
        return;
    }
    outline_begin_map(&x->o, STR("partitions"));
    switch (p->kind) {
    case PARTITION_NONE:
        break;
    case PARTITION_STATIC:
        outline_list(&x->o, "static", p->keys, p->key_count);
        break;
    case PARTITION_DYNAMIC:
        outline_opt(&x->o, "dynamic", p->set);
        break;
    case PARTITION_TIME:
        say_windows(x, p);
        break;
    }
    outline_end_map(&x->o);
    if (asset->work == ASSET_EXTERNAL) {
        return; /* nobody makes them */
    }
    if (asset->partitions_per_run <= 1) {
        outline_str(&x->o, STR("backfill"),
                    asset->partitions_per_run == 0 ? STR("single_run") : STR("multi_run"));
        return;
    }
    outline_begin_map(&x->o, STR("backfill"));
    outline_i64(&x->o, "max_partitions_per_run", asset->partitions_per_run);
    outline_end_map(&x->o);
}

static void say_freshness(struct explaining *x, const struct freshness_policy *policy)
{
    if (policy->kind == FRESHNESS_NONE) {
        return;
    }
    outline_begin_map(&x->o, STR("freshness"));
    if (policy->kind == FRESHNESS_WINDOW) {
        outline_opt_duration(&x->o, "warn_after", policy->warn_after_ns);
        outline_duration(&x->o, "fail_after", policy->fail_after_ns);
    } else {
        outline_opt(&x->o, "cron", policy->cron_text);
        outline_opt(&x->o, "timezone", policy->timezone);
        outline_duration(&x->o, "lower_bound", policy->lower_bound_ns);
    }
    outline_end_map(&x->o);
}

static void say_automation(struct explaining *x, const struct automation *automation)
{
    switch (automation->kind) {
    case AUTOMATION_NONE:
        break;
    case AUTOMATION_EAGER:
        outline_str(&x->o, STR("automation"), STR("eager"));
        break;
    case AUTOMATION_ON_MISSING:
        outline_str(&x->o, STR("automation"), STR("on_missing"));
        break;
    case AUTOMATION_ON_CRON:
        outline_begin_map(&x->o, STR("automation"));
        outline_opt(&x->o, "on_cron", automation->cron_text);
        outline_opt(&x->o, "timezone", automation->timezone);
        outline_end_map(&x->o);
        break;
    }
}

/* --- an asset --- */

static void say_retry(struct explaining *x, const struct retry_policy *retry)
{
    static const char *const growths[] = {[BACKOFF_NONE] = "none",
                                          [BACKOFF_LINEAR] = "linear",
                                          [BACKOFF_EXPONENTIAL] = "exponential"};
    static const char *const jitters[] = {
        [JITTER_NONE] = "none", [JITTER_FULL] = "full", [JITTER_PLUS_MINUS] = "plus_minus"};
    if (retry->max == 0) {
        return;
    }
    outline_begin_map(&x->o, STR("retry"));
    outline_i64(&x->o, "max", retry->max);
    outline_duration(&x->o, "delay", retry->delay_ns);
    outline_str(&x->o, STR("backoff"), str_from(growths[retry->growth]));
    outline_str(&x->o, STR("jitter"), str_from(jitters[retry->jitter]));
    outline_end_map(&x->o);
}

/* What is equal in all assets of a step. */
static void say_common(struct explaining *x, const struct asset *asset,
                       const struct members *members)
{
    if (members->step == NULL || !have_own_words(x, members->step)) {
        say_words(x, asset);
    }
    if (members->step == NULL) {
        outline_opt(&x->o, "code_version", asset->code_version);
    }
    say_work(x, asset, members);
    say_partitions(x, asset);
    say_freshness(x, &asset->freshness);
    say_automation(x, &asset->automation);
    outline_opt(&x->o, "pool", asset->pool_name);
    say_retry(x, &asset->retry);
    outline_opt_duration(&x->o, "timeout", asset->timeout_ns);
}

void say_asset(struct explaining *x, const struct asset *asset)
{
    const struct members none = {0};
    begin_item(x, asset->at);
    outline_str(&x->o, STR("key"), asset->key);
    outline_list(&x->o, "deps", asset->deps.items, asset->deps.count);
    outline_opt(&x->o, "description", asset->description);
    say_common(x, asset, &none);
    say_checks(x, asset);
    outline_end_item(&x->o);
}

void say_step(struct explaining *x, const struct shared_step *step, const bool *set)
{
    const struct members members = {step, set};
    begin_item(x, step->at);
    outline_str(&x->o, STR("key"), step->key);
    say_common(x, &x->defs->assets[step->assets[0]], &members);
    outline_end_item(&x->o);
}
