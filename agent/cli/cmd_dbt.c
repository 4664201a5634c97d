/* cmd_dbt.c - which nodes of a dbt project run without dbt, and what to change about the others. */
#include "agent/cli/dbt.h"

#include "agent/cli/dbt_steps.h"
#include "agent/dbt/names.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/cli/table.h"
#include <stdio.h>
#include <string.h>

enum { NODE_ARENA_BYTES = 8 * LIMIT_DBT_NODE_BYTES, TEXT_BYTES_MAX = 64 << 20 };

bool is_dbt_manifest(const char *argument)
{
    struct str name = str_from(argument == NULL ? "" : argument);
    return str_ends(name, STR(".json")) || str_ends(name, STR(".gz"));
}

/* One project under look. */
struct admitting {
    struct cli *cli;
    const struct dbt_project *project;
    struct dbt_host host;
    const bool *scope;     /* NULL: all nodes */
    bool is_whole;         /* nodes that run without remark are shown too */
    struct json_writer *w; /* NULL: for people */
    struct table table;
    int64_t counts[3]; /* by enum dbt_admission */
};

static bool is_run(const struct admitting *a, uint32_t node)
{
    const struct dbt_node *n = &a->project->nodes[node];
    bool is_hook = n->type == DBT_OPERATION; /* of the project, whatever is selected */
    bool is_one = n->type == DBT_MODEL || n->type == DBT_SEED || n->type == DBT_SNAPSHOT ||
                  n->type == DBT_TEST || n->type == DBT_UNIT_TEST;
    return is_hook || (is_one && (a->scope == NULL || a->scope[node]));
}

static void say_verdict(struct admitting *a, uint32_t node, const struct dbt_verdict *verdict)
{
    static const enum cli_tone tones[] = {
        [DBT_NATIVE] = CLI_GOOD, [DBT_NEEDS_DBT] = CLI_WARN, [DBT_REFUSED] = CLI_BAD};
    const struct dbt_node *n = &a->project->nodes[node];
    struct str name = str_from(dbt_admission_name(verdict->admission));
    if (a->w != NULL) {
        jw_begin_object(a->w);
        jw_member_str(a->w, "node", n->unique_id);
        jw_member_str(a->w, "admission", name);
        jw_member_opt(a->w, "reason", verdict->reason);
        jw_member_opt(a->w, "change", verdict->change);
        jw_member_opt(a->w, "file", n->file_path);
        jw_end_object(a->w);
        return;
    }
    table_cell(&a->table, n->unique_id);
    table_tone(&a->table, tones[verdict->admission], name);
    table_cell(&a->table, verdict->reason);
    table_cell(&a->table, verdict->change);
}

static bool admit_all(struct admitting *a, struct err *err)
{
    AUTO(arena) arena = arena_new(NODE_ARENA_BYTES);
    for (uint32_t i = 0; i < a->project->count; i++) {
        struct dbt_verdict verdict;
        if (!is_run(a, i)) {
            continue;
        }
        arena_reset(&arena);
        if (!dbt_admit(a->project, i, &a->host, &arena, &verdict, err)) {
            return err_wrap(err, STR_FMT, STR_ARG(str_clip(a->project->nodes[i].unique_id, 120)));
        }
        a->counts[verdict.admission]++;
        if (a->is_whole || verdict.admission != DBT_NATIVE || verdict.reason.len > 0) {
            say_verdict(a, i, &verdict);
        }
    }
    return true;
}

static void say_counts(struct admitting *a, struct str name)
{
    const int64_t *n = a->counts;
    if (a->w != NULL) {
        jw_member_i64(a->w, "native", n[DBT_NATIVE]);
        jw_member_i64(a->w, "needs_dbt", n[DBT_NEEDS_DBT]);
        jw_member_i64(a->w, "refused", n[DBT_REFUSED]);
        return;
    }
    int64_t total = n[DBT_NATIVE] + n[DBT_NEEDS_DBT] + n[DBT_REFUSED];
    cli_printf(a->cli,
               "dbt project " STR_FMT ": %lld of %lld nodes run without dbt; %lld need it, %lld "
               "are refused\n",
               STR_ARG(name), (long long)n[DBT_NATIVE], (long long)total,
               (long long)n[DBT_NEEDS_DBT], (long long)n[DBT_REFUSED]);
}

/* Counts come first for people, and last in JSON: rows go out as they are found. */
static bool show(struct admitting *a, struct str name, struct err *err)
{
    a->table = table_new(TABLE_COLUMNS({.name = "NODE"}, {.name = "RUNS"},
                                       {.name = "REASON", .is_wide = true},
                                       {.name = "CHANGE", .is_wide = true}));
    if (a->w != NULL) {
        jw_key(a->w, STR("nodes"));
        jw_begin_array(a->w);
    }
    bool ok = admit_all(a, err);
    if (a->w != NULL) {
        jw_end_array(a->w);
    }
    say_counts(a, name);
    if (ok && a->w == NULL && a->table.cell_count > 0) {
        table_print(&a->table, a->cli);
    }
    table_release(&a->table);
    return ok;
}

/* --- a manifest -------------------------------------------------------------------------------- */

static bool show_manifest(struct cli *cli, const struct dbt_project *project, int *ret_exit,
                          struct err *err)
{
    AUTO(buf) out = buf_growing(TEXT_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    struct admitting a = {
        .cli = cli,
        .project = project,
        .host = {.adapter = project->adapter_type, .allows_frozen = cli_bool(cli, "allow-frozen")},
        .is_whole = true,
        .w = cli_is_json(cli) ? &w : NULL};
    if (cli_is_json(cli)) {
        jw_begin_object(&w);
        jw_member_str(&w, "project", project->name);
        jw_member_str(&w, "dbt_version", project->dbt_version);
        jw_member_str(&w, "adapter", project->adapter_type);
    }
    bool ok = show(&a, project->name, err);
    if (ok && cli_is_json(cli)) {
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
    }
    *ret_exit = a.counts[DBT_REFUSED] > 0 ? CLI_FAILED : CLI_OK;
    return ok;
}

int dbt_check_command(struct cli *cli, const char *argument)
{
    const struct dbt_open open = {.path = argument, .incremental = cli_text(cli, "incremental")};
    struct dbt_project *project = NULL;
    struct err err = {0};
    int code = CLI_OK;
    bool ok = dbt_project_open(&open, &project, &err) && show_manifest(cli, project, &code, &err);
    dbt_project_close(project);
    return ok ? code : cli_error(cli, &err);
}

/* --- the projects of definitions --------------------------------------------------------------- */

struct projects {
    struct cli *cli;
    struct json_writer *w;
};

static bool check_step(void *ctx, const struct dbt_opened *opened, struct err *err)
{
    const struct projects *projects = ctx;
    const struct dbt_run *run = &opened->asset->dbt;
    struct admitting a = {.cli = projects->cli,
                          .project = opened->project,
                          .host = {.adapter = run->resource == NULL
                                                  ? run->adapter
                                                  : str_from(run->resource->connector->type),
                                   .allows_frozen = run->allows_frozen},
                          .scope = opened->scope,
                          .w = projects->w};
    if (a.w != NULL) {
        jw_begin_object(a.w);
        jw_member_str(a.w, "step", opened->asset->step->key);
    }
    bool ok = show(&a, opened->asset->step->key, err);
    if (a.w != NULL) {
        jw_end_object(a.w);
    }
    return ok;
}

bool dbt_check_projects(struct cli *cli, struct settings *settings, const struct definitions *defs,
                        struct json_writer *w, struct err *err)
{
    struct projects projects = {.cli = cli, .w = w};
    if (w != NULL) {
        jw_key(w, STR("dbt"));
        jw_begin_array(w);
    }
    bool ok = dbt_each_step(settings, defs, check_step, &projects, err);
    if (w != NULL) {
        jw_end_array(w);
    }
    return ok;
}
