#include "agent/transform/dbt_step.h"

#include "agent/dbt/built.h"
#include "agent/dbt/indirect.h"
#include "agent/dbt/names.h"
#include "agent/dbt/past.h"
#include "agent/transform/build_run.h"
#include "agent/transform/dbt_command.h"
#include "agent/transform/dbt_database.h"
#include "agent/transform/dbt_report.h"
#include "agent/transform/dbt_sources.h"
#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <assert.h>

struct step {
    const struct request *request;
    const struct dbt_options *options;
    struct arena *arena;
    struct dbt_project *project;
    bool *wanted;   /* nodes that are assets of the request */
    bool *selected; /* those and the tests that run */
    bool *scope;    /* nodes that the step has */
    struct dbt_report report;
    struct str project_dir;
    struct sources_found sources; /* how fresh they are */
    bool has_sources;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a project");
}

/* --- the project ------------------------------------------------------------------------------- */

static bool open_project(struct step *s, struct err *err)
{
    const struct dbt_options *o = s->options;
    struct dbt_open open = {.path = arena_cstr(s->arena, o->manifest)};
    if (o->incremental.len > 0) {
        open.incremental = arena_cstr(s->arena, o->incremental);
    }
    return open.path != NULL ? dbt_project_open(&open, &s->project, err) : no_memory(err);
}

/* The one above target/, else the manifest's own. */
static struct str project_dir_of(const struct dbt_options *o)
{
    struct str folder = STR(".");
    struct str name = STR_NONE;
    struct str above = STR_NONE;
    if (o->project_dir.len > 0) {
        return o->project_dir;
    }
    if (!str_cut_last(o->manifest, '/', &folder, &name)) {
        return STR(".");
    }
    bool is_target = str_cut_last(folder, '/', &above, &name) && str_eq(name, STR("target"));
    return is_target ? above : folder.len == 0 ? STR("/") : folder;
}

/* --- which nodes ------------------------------------------------------------------------------- */

static bool find_assets(struct step *s, struct err *err)
{
    const struct asset_stream *assets = s->request->assets.items;
    assert(s->project != NULL);
    size_t count = s->project->count;
    s->wanted = arena_array(s->arena, count, sizeof(*s->wanted));
    s->selected = arena_array(s->arena, count, sizeof(*s->selected));
    s->report.keys = arena_array(s->arena, count, sizeof(*s->report.keys));
    if (s->wanted == NULL || s->selected == NULL || s->report.keys == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < s->request->assets.count; i++) {
        uint32_t node = dbt_project_find(s->project, assets[i].node);
        if (node == DBT_NO_NODE || !dbt_is_asset(&s->project->nodes[node])) {
            err_set(err, ERR_NOT_FOUND, "there is no " STR_FMT " in it",
                    STR_ARG(str_clip(assets[i].node, 120)));
            return err_hint(err, "the project has changed: selvedge-agent reload reads it again");
        }
        s->wanted[node] = s->selected[node] = true;
        s->report.keys[node] = assets[i].asset;
    }
    return true;
}

/* Whether all that the step has is wanted: then it is a build of the whole, sources' tests too. */
static bool is_whole(const struct step *s, const bool *scope)
{
    for (size_t i = 0; i < s->project->count; i++) {
        if (scope[i] && dbt_is_asset(&s->project->nodes[i]) && !s->wanted[i]) {
            return false;
        }
    }
    return true;
}

static struct str_list one(struct str *text)
{
    return (struct str_list){.items = text, .count = text->len > 0};
}

static bool read_results(struct step *s, struct dbt_results *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return dbt_results_path(s->request->state_dir, s->request->step, path, sizeof(path), err) &&
           dbt_results_read(path, s->arena, ret, err);
}

/* Everything that the project says how fresh it must be, once for the step: for a selection by it. */
static bool find_sources(struct step *s, const bool *which, struct err *err)
{
    struct database *db = NULL;
    struct err no_database = {0};
    struct sources_asked asked = {.project = s->project,
                                  .which = which,
                                  .arena = s->arena,
                                  .no_database = &no_database,
                                  .clock = clock_system()};
    bool is_open = dbt_database_open(s->options, s->arena, &db, &no_database) &&
                   dbt_database_host(s->options, db, s->arena, &asked.host, &no_database);
    asked.db = is_open ? db : NULL;
    s->has_sources = dbt_sources_ask(&asked, &s->sources, err);
    database_close(db);
    return s->has_sources;
}

static bool sources_now(void *ctx, struct arena *arena, struct dbt_loaded *ret, struct err *err)
{
    struct step *s = ctx;
    return find_sources(s, NULL, err) && dbt_sources_loaded(&s->sources, arena, ret, err);
}

/* One bool for each node; NULL: nothing was asked in dbt's words. */
struct choice {
    bool *set;
    bool is_by_past;
};

/* What the run was asked for, in dbt's words. A selection by what was before chooses otherwise in a
 * retry, when some of it is done: what failed then is asked again whatever it chooses. */
static bool select_asked(struct step *s, enum dbt_indirect indirect, struct choice *ret,
                         struct err *err)
{
    struct dbt_asked asked = s->options->asked;
    const struct dbt_past_of of = {.given = asked.state,
                                   .state_dir = s->request->state_dir,
                                   .step = s->request->step,
                                   .project = s->project,
                                   .ask = sources_now,
                                   .ask_ctx = s};
    AUTO(dbt_past) past = dbt_past(&of, s->arena);
    struct str_list warnings = {0};
    const struct dbt_selection selection = {
        .select = one(&asked.select),
        .exclude = one(&asked.exclude),
        .selector = asked.selector,
        .indirect = indirect,
        .before = dbt_past_before(&past),
    };
    bool ok = dbt_select(s->project, &selection, s->arena, &ret->set, &warnings, err);
    ret->is_by_past = past.was_asked;
    return ok;
}

/* The wanted nodes, and all that these are made from, however far. */
static bool find_above(struct step *s, bool **ret, struct err *err)
{
    const struct dbt_project *project = s->project;
    uint32_t *stack = arena_array(s->arena, project->count, sizeof(*stack));
    bool *above = arena_array(s->arena, project->count, sizeof(*above));
    size_t depth = 0;
    if (stack == NULL || above == NULL) {
        return no_memory(err);
    }
    for (uint32_t i = 0; i < project->count; i++) {
        if (s->wanted[i]) {
            above[i] = true;
            stack[depth++] = i;
        }
    }
    while (depth > 0) {
        const struct dbt_node *node = &project->nodes[stack[--depth]];
        for (size_t i = 0; i < node->parent_count; i++) {
            if (!above[node->parents[i]]) {
                above[node->parents[i]] = true;
                stack[depth++] = node->parents[i];
            }
        }
    }
    *ret = above;
    return true;
}

static bool is_retried(const struct dbt_results *results, const struct dbt_node *node)
{
    uint32_t status = DBT_NOT_RUN;
    return strmap_get(&results->by_id, node->unique_id, &status) &&
           dbt_status_is_retried((enum dbt_status)status);
}

/* As `dbt retry` does: what failed last is asked again before what it held back is made, be it of a
 * source or of several models. */
static bool add_failed_tests(struct step *s, const bool *scope, const struct choice *asked,
                             struct err *err)
{
    struct dbt_results results;
    bool *above = NULL;
    if (!read_results(s, &results, err) || !find_above(s, &above, err) || above == NULL) {
        return false;
    }
    for (size_t i = 0; i < s->project->count; i++) {
        const struct dbt_node *node = &s->project->nodes[i];
        bool is_one = node->type == DBT_TEST && scope[i] &&
                      (asked->set == NULL || asked->is_by_past || asked->set[i]) &&
                      is_retried(&results, node);
        for (size_t k = 0; is_one && k < node->parent_count; k++) {
            s->selected[i] = s->selected[i] || above[node->parents[k]];
        }
    }
    return true;
}

static bool select_tests(struct step *s, struct err *err)
{
    const struct dbt_options *o = s->options;
    const struct dbt_selection step = {
        .select = o->select, .exclude = o->exclude, .selector = o->selector};
    struct str_list warnings = {0};
    enum dbt_indirect indirect = DBT_EAGER;
    struct choice asked = {0};
    bool is_asked = o->asked.select.len + o->asked.exclude.len + o->asked.selector.len > 0;
    if ((o->asked.indirect.len > 0 && !dbt_indirect_from(o->asked.indirect, &indirect)) ||
        !dbt_select(s->project, &step, s->arena, &s->scope, &warnings, err)) {
        return err->code == ERR_NONE
                   ? err_set(err, ERR_INVALID, "no such indirect selection: " STR_FMT,
                             STR_ARG(str_clip(o->asked.indirect, 40)))
                   : false;
    }
    if (is_asked && !select_asked(s, indirect, &asked, err)) {
        return false;
    }
    bool takes_all = !is_asked && indirect == DBT_EAGER && is_whole(s, s->scope);
    for (size_t i = 0; (is_asked || takes_all) && i < s->project->count; i++) {
        bool is_test = s->project->nodes[i].type == DBT_TEST;
        s->selected[i] = s->selected[i] || (is_test && s->scope[i] && (takes_all || asked.set[i]));
    }
    return (is_asked || takes_all ||
            dbt_add_tests(s->project, indirect, s->scope, s->selected, s->arena, err)) &&
           (!o->is_retry || indirect == DBT_EMPTY || add_failed_tests(s, s->scope, &asked, err));
}

/* --- by ourselves ------------------------------------------------------------------------------ */

/* Asked by ourselves, whoever runs the nodes then: dbt has no freshness in `build`. */
static bool ask_sources(struct step *s, struct err *err)
{
    bool *which = NULL;
    if (!s->options->asks_freshness && !s->has_sources) {
        return true;
    }
    if (!dbt_sources_read_by(s->project, s->wanted, s->arena, &which, err) ||
        (!s->has_sources && !find_sources(s, which, err))) {
        return false;
    }
    dbt_sources_tell(&s->report, &s->sources, which);
    return true;
}

static bool build(struct step *s, struct database *db, struct err *err)
{
    const struct node_listener listener = dbt_report_listener(&s->report);
    const char *dir = arena_cstr(s->arena, s->project_dir);
    struct clock clock = clock_system();
    struct dbt_host host;
    struct build_counts counts;
    if (dir == NULL || !dbt_database_host(s->options, db, s->arena, &host, err)) {
        return dir == NULL ? no_memory(err) : false;
    }
    const struct transform transform = {.db = db,
                                        .project = s->project,
                                        .project_dir = dir,
                                        .full_refresh = s->options->is_full_refresh,
                                        .now = clock_wall(&clock)};
    const struct build_run run = {.transform = &transform,
                                  .selected = s->selected,
                                  .host = host,
                                  .fail_fast = s->options->is_fail_fast,
                                  .clock = clock,
                                  .listener = &listener};
    bool ok = build_run(&run, &counts, err);
    LOG(INFO, "dbt.built", F_I("nodes", counts.total), F_I("well", counts.well),
        F_I("warned", counts.warned), F_I("failed", counts.failed), F_I("skipped", counts.skipped));
    return ok;
}

static bool run_native(struct step *s, struct err *err)
{
    struct database *db = NULL;
    bool ok = dbt_database_open(s->options, s->arena, &db, err);
    s->report.db = db;
    ok = ok && build(s, db, err);
    s->report.db = NULL;
    database_close(db);
    return ok;
}

/* --- by an installed dbt ----------------------------------------------------------------------- */

static struct dbt_drive drive_of(const struct step *s)
{
    const struct dbt_options *o = s->options;
    return (struct dbt_drive){.dbt = o->program,
                              .project_dir = s->project_dir,
                              .profiles_dir = o->profiles_dir,
                              .target = o->target,
                              .state_dir = s->request->state_dir,
                              .indirect = DBT_EMPTY,
                              .full_refresh = o->is_full_refresh,
                              .fail_fast = o->is_fail_fast};
}

static bool run_dbt(struct step *s, struct err *err)
{
    const struct node_listener listener = dbt_report_listener(&s->report);
    struct dbt_drive drive = drive_of(s);
    struct drive_counts counts;
    drive.select.items = arena_array(s->arena, s->project->count, sizeof(struct str));
    for (size_t i = 0; drive.select.items != NULL && i < s->project->count; i++) {
        if (s->selected[i]) {
            drive.select.items[drive.select.count++] =
                dbt_drive_criterion(&s->project->nodes[i], s->arena);
        }
    }
    if (s->arena->exhausted) {
        return no_memory(err);
    }
    return dbt_drive(&drive, &listener, &counts, err);
}

static bool has_dbt(struct step *s)
{
    const struct dbt_drive drive = drive_of(s);
    struct dbt_command command;
    struct err ignored = {0};
    return dbt_command_make(&drive, ".", s->arena, &command, &ignored);
}

/* The first node that we may not run ourselves; DBT_NO_NODE: there is none. */
static bool first_foreign(struct step *s, uint32_t *ret, struct dbt_verdict *ret_verdict,
                          struct err *err)
{
    AUTO(arena) scratch = arena_new((size_t)LIMIT_DBT_NODE_BYTES * 8);
    const struct dbt_host host = {.adapter = dbt_database_text(s->options, "type"),
                                  .allows_frozen = s->options->allows_frozen};
    *ret = DBT_NO_NODE;
    for (uint32_t i = 0; i < s->project->count; i++) {
        if (!s->selected[i]) {
            continue;
        }
        arena_reset(&scratch);
        if (!dbt_admit(s->project, i, &host, &scratch, ret_verdict, err)) {
            return false;
        }
        if (ret_verdict->admission != DBT_NATIVE) {
            *ret = i;
            ret_verdict->reason = arena_copy(s->arena, ret_verdict->reason);
            return true;
        }
    }
    return true;
}

/* Without a dbt each node that may not run here fails for itself, and says why. */
static bool run_auto(struct step *s, struct err *err)
{
    struct dbt_verdict verdict = {0};
    uint32_t node = DBT_NO_NODE;
    if (!has_dbt(s)) {
        return run_native(s, err);
    }
    if (s->options->database != NULL && !first_foreign(s, &node, &verdict, err)) {
        return false;
    }
    if (s->options->database != NULL && node == DBT_NO_NODE) {
        return run_native(s, err);
    }
    if (node != DBT_NO_NODE) {
        LOG(INFO, "dbt.driven", F_S("node", s->project->nodes[node].unique_id),
            F_S("reason", verdict.reason), F_T("action", "an installed dbt runs all of them"));
    }
    return run_dbt(s, err);
}

/* --- the step ---------------------------------------------------------------------------------- */

static bool keep_built(struct step *s, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    const struct dbt_built built = {
        .project = s->project, .scope = s->scope, .statuses = s->report.statuses};
    return dbt_built_path(s->request->state_dir, s->request->step, path, sizeof(path), err) &&
           dbt_built_keep(path, &built, err);
}

static bool keep_results(struct step *s, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return dbt_results_path(s->request->state_dir, s->request->step, path, sizeof(path), err) &&
           dbt_results_write(path, s->project, s->report.statuses, err);
}

static bool keep_sources(struct step *s, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct dbt_loaded now;
    const struct dbt_built built = {
        .project = s->project, .scope = s->scope, .statuses = s->report.statuses};
    return dbt_sources_loaded(&s->sources, s->arena, &now, err) &&
           dbt_loaded_path(s->request->state_dir, s->request->step, path, sizeof(path), err) &&
           dbt_loaded_keep(path, &built, &now, err);
}

static void keep_what_it_was_like(struct step *s)
{
    struct err of_built = {0};
    struct err of_sources = {0};
    if (!keep_built(s, &of_built)) {
        LOG(WARN, "dbt.state_not_kept", F_ERR(&of_built),
            F_T("action", "state: compares with what was before"));
    }
    if (s->has_sources && !keep_sources(s, &of_sources)) {
        LOG(WARN, "dbt.sources_not_kept", F_ERR(&of_sources),
            F_T("action", "source_status: compares with what was before"));
    }
}

/* For selections by what was before; a build is no worse without. */
static void keep(struct step *s)
{
    struct err err = {0};
    const char *folder = arena_cstr(s->arena, s->request->state_dir);
    bool is_there = folder != NULL && files_make_dirs(folder, 0750, &err);
    if (!is_there || !keep_results(s, &err)) {
        LOG(WARN, "dbt.results_not_kept", F_ERR(&err),
            F_T("action", "result: selects by what was before"));
    }
    if (is_there) {
        keep_what_it_was_like(s);
    }
}

static bool run_nodes(struct step *s, struct err *err)
{
    static bool (*const runners[])(struct step * s, struct err * err) = {
        [DBT_RUNNER_AUTO] = run_auto,
        [DBT_RUNNER_NATIVE] = run_native,
        [DBT_RUNNER_DBT] = run_dbt,
    };
    struct err why = {0};
    s->report.is_wanted = s->wanted;
    if (!dbt_report_begin(&s->report, err)) {
        return false;
    }
    bool ok = ask_sources(s, &why) && runners[s->options->runner](s, &why);
    keep(s);
    bool all_well = dbt_report_end(&s->report, ok ? NULL : &why, err);
    if (!ok) {
        *err = why;
    }
    return ok && all_well;
}

bool dbt_step(const struct request *request, struct arena *arena, struct report *report,
              struct err *err)
{
    struct step s = {.request = request,
                     .options = &request->dbt,
                     .arena = arena,
                     .project_dir = project_dir_of(&request->dbt)};
    bool is_open = open_project(&s, err);
    s.report = (struct dbt_report){
        .project = s.project, .request = request, .report = report, .arena = arena, .log = -1};
    if (is_open && !(find_assets(&s, err) && select_tests(&s, err))) {
        is_open = err_wrap(err, STR_FMT, STR_ARG(request->dbt.manifest));
    }
    bool ok = is_open && run_nodes(&s, err);
    dbt_project_close(s.project);
    return ok;
}

bool dbt_step_sources(const struct request *request, struct arena *arena, struct buf *out,
                      struct err *err)
{
    struct step s = {.request = request, .options = &request->dbt, .arena = arena};
    struct dbt_loaded now;
    bool ok = open_project(&s, err) && sources_now(&s, arena, &now, err);
    if (ok) {
        dbt_loaded_write(&now, out);
    }
    dbt_project_close(s.project);
    return ok;
}
