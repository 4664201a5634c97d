#include "agent/cli/dbt_steps.h"

#include "common/base/limits.h"

enum { SCOPE_ARENA_BYTES = 64 << 20 };

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    const struct settings *settings = ctx;
    if (str_eq(name, STR("STATE_DIR"))) {
        *ret_value = str_from(settings->state_dir);
        return true;
    }
    return settings->env.get(settings->env.ctx, name, ret_value);
}

static bool open_step(struct settings *settings, const struct definitions *defs,
                      struct dbt_opened *opened, struct arena *arena, struct err *err)
{
    const struct dbt_run *run = &opened->asset->dbt;
    const struct env_lookup env = {.get = get_variable, .ctx = settings};
    const struct dbt_selection selection = {
        .select = run->select, .exclude = run->exclude, .selector = run->selector};
    struct str_list warnings = {0};
    struct dbt_open open = {0};
    return definitions_resolve_path(defs, run->manifest, &env, arena, &open.path, err) &&
           (run->incremental.len == 0 || definitions_resolve_path(defs, run->incremental, &env,
                                                                  arena, &open.incremental, err)) &&
           (run->state.len == 0 ||
            definitions_resolve_path(defs, run->state, &env, arena, &opened->state, err)) &&
           dbt_project_open(&open, &opened->project, err) &&
           dbt_select(opened->project, &selection, arena, &opened->scope, &warnings, err);
}

bool dbt_each_step(struct settings *settings, const struct definitions *defs,
                   bool (*look)(void *ctx, const struct dbt_opened *opened, struct err *err),
                   void *ctx, struct err *err)
{
    const struct shared_step *last = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < defs->asset_count; i++) {
        const struct asset *asset = &defs->assets[i];
        if (asset->work != ASSET_DBT || asset->step == last) {
            continue;
        }
        AUTO(arena) arena = arena_new(SCOPE_ARENA_BYTES);
        struct dbt_opened opened = {.asset = asset};
        last = asset->step;
        ok = open_step(settings, defs, &opened, &arena, err) && look(ctx, &opened, err);
        dbt_project_close(opened.project);
        if (!ok) {
            (void)err_wrap(err, STR_FMT, STR_ARG(asset->step->key));
        }
    }
    return ok;
}
