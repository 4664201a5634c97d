/* dbt_options.c - --dbt-select and its fellows: dbt's selection as a choice of assets. */
#include "agent/cli/dbt.h"

#include "agent/cli/dbt_steps.h"
#include "agent/dbt/past.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
    KEYS_BYTES_MAX = 200 << 10,
    RESULTS_ARENA_BYTES = 256 << 20,
    PROBLEMS_ARENA_BYTES = 1 << 20
};

enum kind { A_LIST, A_TEXT, A_FLAG, A_PATH /* no selection by itself */ };
static const struct {
    const char *option;
    struct str tag;
    enum kind kind;
} options[] = {
    {"dbt-select", STR_INIT("dbt/select"), A_LIST},
    {"exclude", STR_INIT("dbt/exclude"), A_LIST},
    {"selector", STR_INIT("dbt/selector"), A_TEXT},
    {"indirect-selection", STR_INIT("dbt/indirect_selection"), A_TEXT},
    {"full-refresh", STR_INIT("dbt/full_refresh"), A_FLAG},
    {"fail-fast", STR_INIT("dbt/fail_fast"), A_FLAG},
    {"source-freshness", STR_INIT("dbt/source_freshness"), A_FLAG},
    {"dbt-state", STR_INIT("dbt/state"), A_PATH},
};

static bool is_given(struct cli *cli, size_t i)
{
    const char *name = options[i].option;
    return options[i].kind == A_FLAG   ? cli_bool(cli, name)
           : options[i].kind == A_LIST ? cli_values(cli, name, 0) != NULL
                                       : cli_text(cli, name) != NULL;
}

bool dbt_has_selection(struct cli *cli)
{
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (options[i].kind != A_FLAG && options[i].kind != A_PATH && is_given(cli, i)) {
            return true;
        }
    }
    return false;
}

bool dbt_has_options(struct cli *cli)
{
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (is_given(cli, i)) {
            return true;
        }
    }
    return false;
}

/* All that an option was given, with blanks between: a union, as dbt has it. */
static struct str text_of(struct cli *cli, const char *option, struct arena *arena)
{
    AUTO(buf) text = buf_growing(LIMIT_DBT_SELECTION_BYTES);
    const char *value = NULL;
    for (size_t i = 0; (value = cli_values(cli, option, i)) != NULL; i++) {
        buf_add_text(&text, i == 0 ? "" : " ");
        buf_add_text(&text, value);
    }
    return arena_copy(arena, buf_str(&text));
}

/* --- which assets ------------------------------------------------------------------------------ */

struct choosing {
    struct cli *cli;
    const struct settings *settings;
    const struct definitions *defs;
    struct dbt_selection selection; /* but for what was before */
    struct str state;               /* --dbt-state; empty: not given */
    const bool *among;              /* of the request's own selection; NULL = all */
    bool *chosen;                   /* one for each asset */
    size_t count;
    struct str_list warnings; /* of the last project */
    struct arena *arena;
};

static bool choose(struct choosing *c, const struct dbt_opened *opened, const bool *set)
{
    const struct shared_step *step = opened->asset->step;
    for (size_t i = 0; i < step->asset_count; i++) {
        uint32_t asset = step->assets[i];
        uint32_t node = dbt_project_find(opened->project, c->defs->assets[asset].node);
        bool is_in = node != DBT_NO_NODE && set[node] && (c->among == NULL || c->among[asset]);
        c->count += is_in && !c->chosen[asset];
        c->chosen[asset] = c->chosen[asset] || is_in;
    }
    return true;
}

/* Of one project: what asks how fresh its sources are. */
struct asking {
    const struct choosing *choosing;
    const struct asset *asset;
};

static bool ask_sources(void *ctx, struct arena *arena, struct dbt_loaded *ret, struct err *err)
{
    const struct asking *asking = ctx;
    const struct choosing *c = asking->choosing;
    return dbt_ask_sources(c->settings, c->defs, asking->asset, arena, ret, err);
}

static bool look(void *ctx, const struct dbt_opened *opened, struct err *err)
{
    struct choosing *c = ctx;
    struct asking asking = {c, opened->asset};
    AUTO(arena) scratch = arena_new(RESULTS_ARENA_BYTES);
    const struct dbt_past_of of = {.given = c->state.len > 0 ? c->state : str_from(opened->state),
                                   .state_dir =
                                       arena_printf(&scratch, "%s/dbt", c->settings->state_dir),
                                   .step = opened->asset->step->key,
                                   .project = opened->project,
                                   .ask = ask_sources,
                                   .ask_ctx = &asking};
    AUTO(dbt_past) past = dbt_past(&of, &scratch);
    struct str_list warnings = {0};
    bool *set = NULL;
    struct dbt_selection selection = c->selection;
    selection.before = dbt_past_before(&past);
    if (!dbt_select(opened->project, &selection, &scratch, &set, &warnings, err)) {
        return false;
    }
    for (size_t i = 0; i < warnings.count; i++) {
        (void)fprintf(cli_err(c->cli), "warning: " STR_FMT ": " STR_FMT "\n",
                      STR_ARG(opened->asset->step->key), STR_ARG(warnings.items[i]));
    }
    return choose(c, opened, set);
}

static bool write_keys(const struct choosing *c, struct agent_request *request, struct err *err)
{
    AUTO(buf) keys = buf_growing(KEYS_BYTES_MAX);
    struct json_writer w = json_writer(&keys);
    jw_begin_array(&w);
    for (size_t i = 0; i < c->defs->asset_count; i++) {
        if (c->chosen[i]) {
            jw_str(&w, c->defs->assets[i].key);
        }
    }
    jw_end_array(&w);
    if (keys.overflow) {
        (void)err_set(err, ERR_FULL, "%zu assets are more than one run can be asked for by name",
                      c->count);
        return err_hint(err, "select them in the selection language, such as group:NAME");
    }
    request->keys = arena_copy(c->arena, buf_str(&keys));
    return request->keys.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a selection");
}

static bool choose_assets(struct choosing *c, struct settings *settings,
                          struct agent_request *request, struct err *err)
{
    bool *among = NULL;
    c->chosen = arena_array(c->arena, c->defs->asset_count, sizeof(*c->chosen));
    if (c->chosen == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a selection");
    }
    if (!str_is_empty(request->selection) &&
        !definitions_select_some(c->defs, request->selection, c->arena, &among, err)) {
        return false;
    }
    c->among = among;
    if (!dbt_each_step(settings, c->defs, look, c, err)) {
        return false;
    }
    if (c->count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "it selects no model, seed or snapshot");
        return err_hint(err, "tests run with their assets: 1+ before a test selects those");
    }
    return write_keys(c, request, err);
}

static bool choose_among(struct choosing *c, struct settings *settings,
                         struct agent_request *request, struct err *err)
{
    struct definitions_files files = definitions_system_files();
    struct definitions *defs = NULL;
    bool ok = definitions_load(settings->definitions, &files, &settings->problems, &defs, err);
    c->defs = defs;
    ok = ok && choose_assets(c, settings, request, err);
    c->defs = NULL;
    definitions_close(defs);
    return ok;
}

static void add_tags(struct cli *cli, struct agent_request *request, struct str state,
                     struct arena *arena)
{
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (is_given(cli, i)) {
            request->tags.keys[request->tags.count] = options[i].tag;
            request->tags.values[request->tags.count++] =
                options[i].kind == A_FLAG   ? STR("true")
                : options[i].kind == A_PATH ? state
                : options[i].kind == A_TEXT ? str_from(cli_text(cli, options[i].option))
                                            : text_of(cli, options[i].option, arena);
        }
    }
}

/* The daemon and the worker are elsewhere. */
static bool absolute_state(struct cli *cli, struct arena *arena, struct str *ret, struct err *err)
{
    char cwd[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    const char *given = cli_text(cli, "dbt-state");
    if (given == NULL) {
        return true;
    }
    if (given[0] == '\0') {
        return err_set(err, ERR_INVALID, "--dbt-state is empty");
    }
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        return err_errno(err, errno, "the folder that --dbt-state begins in");
    }
    if (!files_join(cwd, str_from(given), path, sizeof(path), err)) {
        return err_wrap(err, "--dbt-state");
    }
    *ret = arena_copy(arena, str_from(path));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a path");
}

bool dbt_apply_options(struct cli *cli, struct settings *settings, struct agent_request *request,
                       struct arena *arena, struct err *err)
{
    struct str select = text_of(cli, "dbt-select", arena);
    struct str exclude = text_of(cli, "exclude", arena);
    struct dbt_selection selection = {
        .select = {.items = &select, .count = select.len > 0},
        .exclude = {.items = &exclude, .count = exclude.len > 0},
        .selector = str_from(cli_text(cli, "selector")),
    };
    const char *indirect = cli_text(cli, "indirect-selection");
    struct str state = STR_NONE;
    bool is_chosen = select.len + exclude.len + selection.selector.len > 0;
    if (indirect != NULL && !dbt_indirect_from(str_from(indirect), &selection.indirect)) {
        return err_set(err, ERR_INVALID, "\"%s\" is no indirect selection", indirect);
    }
    if (is_chosen && !str_is_empty(request->job)) {
        return err_set(err, ERR_INVALID, "a job has its own selection: dbt's does not go with it");
    }
    if (!absolute_state(cli, arena, &state, err)) {
        return false;
    }
    add_tags(cli, request, state, arena);
    if (!is_chosen) {
        return true;
    }
    struct choosing c = {
        .cli = cli, .settings = settings, .selection = selection, .state = state, .arena = arena};
    if (!choose_among(&c, settings, request, err)) {
        return false;
    }
    request->selection = arena_printf(arena, "dbt:%s" STR_FMT, select.len > 0 ? "" : "exclude ",
                                      STR_ARG(select.len > 0    ? select
                                              : exclude.len > 0 ? exclude
                                                                : selection.selector));
    return request->selection.ptr != NULL ||
           err_set(err, ERR_NO_MEMORY, "no memory for a selection");
}
