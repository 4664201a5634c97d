#include "agent/el/meltano_step.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/meltano_tap.h"
#include "agent/el/program.h"
#include "common/base/limits.h"
#include "common/json/json_verbatim.h"
#include "common/log/log.h"
#include "common/platform/spawn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum { ENVIRON_MAX = 4096 };

struct block_run {
    const struct request *request;
    struct arena *arena;
    struct meltano_project *project;
    struct meltano_terminal terminal;
    struct meltano_context context;
    struct meltano_blocks blocks;
    struct meltano_step step;
};

/* --- the project ------------------------------------------------------------------------------- */

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    char text[LIMIT_NAME_BYTES * 4];
    (void)ctx;
    if (name.len >= sizeof(text) || name.len == 0) {
        return false;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    const char *value = getenv(text); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (value != NULL) {
        *ret_value = str_from(value);
    }
    return value != NULL;
}

static bool load(struct block_run *run, struct err *err)
{
    const struct meltano_options *o = &run->request->meltano;
    const struct meltano_files files = meltano_system_files();
    struct meltano_report report = {.errors = {.arena = run->arena},
                                    .warnings = {.arena = run->arena}};
    char root[MELTANO_ROOT_SIZE];
    const char *path = arena_cstr(run->arena, o->project);
    if (path == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    return meltano_root_of(path, root, err) &&
           meltano_load(path, str_from(root), &files, &report, &run->project, err);
}

static bool find_schedule(struct block_run *run, struct err *err)
{
    struct str wanted = run->request->meltano.schedule;
    for (size_t i = 0; i < run->project->schedule_count; i++) {
        if (str_eq(run->project->schedules[i].name, wanted)) {
            run->context.schedule = &run->project->schedules[i];
        }
    }
    if (wanted.len == 0 || run->context.schedule != NULL) {
        return true;
    }
    err_set(err, ERR_NOT_FOUND, "there is no schedule \"" STR_FMT "\" in it", STR_ARG(wanted));
    return err_hint(err, "the project has changed: the agent reads it again when it reloads");
}

static bool prepare(struct block_run *run, struct err *err)
{
    const struct meltano_options *o = &run->request->meltano;
    run->terminal = (struct meltano_terminal){.get = get_variable};
    run->context = (struct meltano_context){.project = run->project, .terminal = &run->terminal};
    if (!meltano_find_environment(run->project, o->environment, &run->context.environment, err) ||
        !find_schedule(run, err) ||
        !meltano_read_blocks(run->project, &o->block, run->arena, &run->blocks, err)) {
        return false;
    }
    if (run->blocks.count != 1) {
        return err_set(err, ERR_INVALID, "the block is %zu blocks", run->blocks.count);
    }
    if (!meltano_make_step(&run->context, &run->blocks.items[0], run->arena, &run->step, err)) {
        return false;
    }
    if (o->is_elt) {
        run->step.state_id = o->schedule;
    }
    return true;
}

/* --- a plugin's process ------------------------------------------------------------------------ */

struct environment {
    const char **items;
    size_t count;
    struct arena *arena;
};

static bool is_named(const char *entry, struct str name)
{
    return strncmp(entry, name.ptr, name.len) == 0 && entry[name.len] == '=';
}

static void set(struct environment *env, struct str name, struct str value)
{
    size_t i = 0;
    while (i < env->count && !is_named(env->items[i], name)) {
        i++;
    }
    struct str entry = arena_printf(env->arena, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value));
    if (entry.ptr != NULL && i < ENVIRON_MAX) {
        env->items[i] = entry.ptr;
        env->count += i == env->count;
    }
}

/* The folder of the plugin's virtual environment; empty when it is not installed by Meltano. */
static struct str venv_of(const struct block_run *run, const struct meltano_process *process)
{
    struct str folder = STR_NONE;
    struct str name = STR_NONE;
    struct str program = process->argv.items[0];
    if (process->setup.plugin->pip_url.ptr == NULL || !str_starts(program, run->project->root) ||
        !str_cut_last(program, '/', &folder, &name) || !str_cut_last(folder, '/', &folder, &name)) {
        return STR("");
    }
    return folder;
}

/* Our own variables (the terminal's), the plugin's over them, and its virtual environment. */
static bool make_environment(const struct block_run *run, const struct meltano_process *process,
                             const char *const **ret, struct err *err)
{
    struct environment env = {.arena = run->arena};
    struct str path = STR("/usr/local/bin:/usr/bin:/bin");
    struct str venv = venv_of(run, process);
    env.items = arena_array(run->arena, ENVIRON_MAX + 1, sizeof(*env.items));
    if (env.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the environment");
    }
    for (char **e = environ; *e != NULL && env.count < ENVIRON_MAX; e++) {
        if (!is_named(*e, STR("PYTHONPATH")) && !is_named(*e, STR("VIRTUAL_ENV"))) {
            env.items[env.count++] = *e;
        }
    }
    for (size_t i = 0; i < process->setup.env_count; i++) {
        const struct meltano_variable *v = &process->setup.env[i];
        if (!str_eq(v->name, STR("PYTHONPATH")) && !str_eq(v->name, STR("VIRTUAL_ENV"))) {
            set(&env, v->name, v->value);
        }
    }
    if (venv.len > 0) {
        for (size_t i = 0; i < env.count; i++) {
            path = is_named(env.items[i], STR("PATH")) ? str_from(env.items[i] + 5) : path;
        }
        struct str all =
            arena_printf(run->arena, STR_FMT "/bin:" STR_FMT, STR_ARG(venv), STR_ARG(path));
        set(&env, STR("VIRTUAL_ENV"), venv);
        set(&env, STR("PATH"), all.ptr == NULL ? path : all);
    }
    *ret = (const char *const *)env.items;
    return !run->arena->exhausted || err_set(err, ERR_NO_MEMORY, "no memory for the environment");
}

/* Said before anything is started. */
static bool check_installed(const struct block_run *run, struct err *err)
{
    for (size_t i = 0; i < run->step.process_count; i++) {
        const struct meltano_process *process = &run->step.processes[i];
        const struct meltano_plugin *plugin = process->setup.plugin;
        const char *program = arena_cstr(run->arena, process->argv.items[0]);
        if (program == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a path");
        }
        if (strchr(program, '/') != NULL && access(program, X_OK) != 0) {
            err_set(err, ERR_NOT_FOUND, "%s " STR_FMT " is not installed: there is no %s",
                    meltano_type_one(plugin->type), STR_ARG(plugin->name), program);
            return err_hint(err, "run `meltano install` in " STR_FMT, STR_ARG(run->project->root));
        }
    }
    return true;
}

static bool config_of(const struct block_run *run, const struct meltano_process *process,
                      struct str *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    if (!json_verbatim_write(&text, process->setup.config, err)) {
        return false;
    }
    *ret = arena_copy(run->arena, buf_str(&text));
    buf_wipe(&text);
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the configuration");
}

/* --- a tap, mappers and a target --------------------------------------------------------------- */

static bool make_mappers(const struct block_run *run, struct singer_chain *chain, struct err *err)
{
    const struct meltano_step *step = &run->step;
    size_t count = step->process_count - 2;
    struct singer_mapper *mappers = arena_array(run->arena, count, sizeof(*mappers));
    if (mappers == NULL && count > 0) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the mappers");
    }
    for (size_t i = 0; i < count; i++) {
        const struct meltano_process *process = &step->processes[1 + i];
        mappers[i].command = process->argv;
        if (!config_of(run, process, &mappers[i].config, err) ||
            !make_environment(run, process, &mappers[i].envp, err)) {
            return false;
        }
    }
    chain->mappers = mappers;
    chain->mapper_count = count;
    return true;
}

/* What is known from rules alone are ids; messages may have other names. */
static struct str message_name(const struct catalog_streams *selected, struct str stream)
{
    struct str name = stream;
    for (size_t i = 0; i < selected->count; i++) {
        if (str_eq(selected->items[i].name, stream)) {
            return stream;
        }
        name = str_eq(selected->items[i].id, stream) ? selected->items[i].name : name;
    }
    return name;
}

static bool wanted_names(const struct block_run *run, const struct catalog_streams *selected,
                         struct str_list *ret, struct err *err)
{
    const struct str_list *streams = &run->request->meltano.streams;
    ret->items = arena_array(run->arena, streams->count, sizeof(*ret->items));
    if (ret->items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for streams");
    }
    for (ret->count = 0; ret->count < streams->count; ret->count++) {
        ret->items[ret->count] = message_name(selected, streams->items[ret->count]);
    }
    return true;
}

/* Counts are looked for by the names that the request has. */
static void name_as_asked(const struct block_run *run, const struct catalog_streams *selected,
                          struct materialization *m)
{
    const struct asset_stream *assets = run->request->assets.items;
    for (size_t a = 0; a < run->request->assets.count; a++) {
        struct str name = message_name(selected, assets[a].stream);
        for (size_t i = 0; i < m->stream_count; i++) {
            if (str_eq(m->streams[i].name, name)) {
                m->streams[i].name = assets[a].stream;
            }
        }
    }
}

static bool make_chain(const struct block_run *run, struct tap_options *tap,
                       struct program_target_options *target, struct singer_chain *chain,
                       struct catalog_streams *selected, struct err *err)
{
    const struct meltano_step *step = &run->step;
    const struct meltano_process *first = &step->processes[0];
    const struct meltano_process *last = &step->processes[step->process_count - 1];
    *tap = (struct tap_options){.command = first->argv, .dir = run->project->root};
    *target = (struct program_target_options){.command = last->argv};
    chain->dir = run->project->root;
    chain->catalog_flag = step->takes_catalog ? "--catalog" : "--properties";
    if (!config_of(run, first, &tap->config, err) || !config_of(run, last, &target->config, err) ||
        !make_environment(run, first, &chain->tap_envp, err) ||
        !make_environment(run, last, &chain->target_envp, err) || !make_mappers(run, chain, err)) {
        return false;
    }
    const struct meltano_tap asked = {.project = run->project,
                                      .step = step,
                                      .envp = chain->tap_envp,
                                      .streams = run->request->meltano.streams,
                                      .arena = run->arena};
    return meltano_tap_catalog(&asked, &tap->catalog, selected, err) &&
           meltano_tap_states(&asked, chain, err);
}

/* Behind a mapper a stream may have another name: that it was not seen says nothing. */
static bool add_unseen(const struct block_run *run, struct materialization *ret, struct err *err)
{
    const struct asset_stream *assets = run->request->assets.items;
    size_t count = run->request->assets.count;
    struct stream_counts *streams =
        arena_array(run->arena, ret->stream_count + count, sizeof(*streams));
    if (streams == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for streams");
    }
    for (size_t i = 0; i < ret->stream_count; i++) {
        streams[i] = ret->streams[i];
    }
    size_t seen = ret->stream_count;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < seen && !str_eq(streams[at].name, assets[i].stream)) {
            at++;
        }
        if (at == seen) {
            streams[ret->stream_count++] = (struct stream_counts){.name = assets[i].stream,
                                                                  .rows_read = -1,
                                                                  .rows_written = -1,
                                                                  .bytes_read = -1,
                                                                  .row_count = -1};
        }
    }
    ret->streams = streams;
    return true;
}

static bool load_block(const struct block_run *run, struct report *report,
                       struct materialization *ret, struct err *err)
{
    struct tap_options tap;
    struct program_target_options target;
    struct singer_chain chain = {0};
    struct catalog_streams selected;
    if (!make_chain(run, &tap, &target, &chain, &selected, err)) {
        return false;
    }
    struct request request = *run->request;
    request.tap = &tap_singer_program;
    request.tap_options = &tap;
    request.target = &target_singer_program;
    request.load = &target.load;
    request.state_id = run->step.state_id;
    if (request.state_id.len == 0) { /* Meltano keeps no state without an environment */
        request.state_id = arena_printf(
            run->arena, "no-environment:" STR_FMT "-to-" STR_FMT,
            STR_ARG(run->step.processes[0].setup.plugin->name),
            STR_ARG(run->step.processes[run->step.process_count - 1].setup.plugin->name));
        LOG(WARN, "el.no_environment", F_S("project", run->request->meltano.project),
            F_T("action", "loading everything, as without a state"));
    }
    /* Whose bookmarks may not move when only some are loaded. */
    if (chain.mapper_count == 0 && !wanted_names(run, &selected, &tap.streams, err)) {
        return false;
    }
    bool ok = singer_pump(&request, &chain, run->arena, report, ret, err);
    name_as_asked(run, &selected, ret);
    return ok && (chain.mapper_count == 0 || add_unseen(run, ret, err));
}

/* --- any other plugin -------------------------------------------------------------------------- */

static bool run_command(const struct block_run *run, struct materialization *ret, struct err *err)
{
    const struct meltano_process *process = &run->step.processes[0];
    const char *const *envp = NULL;
    struct program program = {.pidfd = -1, .in = -1, .out = -1, .log = -1};
    const char *root = arena_cstr(run->arena, run->project->root);
    const char **argv = arena_array(run->arena, process->argv.count + 1, sizeof(*argv));
    if (root == NULL || argv == NULL || !make_environment(run, process, &envp, err)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a command");
    }
    for (size_t i = 0; i < process->argv.count; i++) {
        argv[i] = arena_cstr(run->arena, process->argv.items[i]);
    }
    const struct spawn_options options = {.argv = argv,
                                          .envp = envp,
                                          .cwd = root,
                                          .stdin_fd = -1,
                                          .stdout_fd = STDERR_FILENO,
                                          .stderr_fd = STDERR_FILENO,
                                          .message_fd = -1,
                                          .stays_in_group = true};
    *ret = (struct materialization){
        .row_count = -1, .rows_read = -1, .rows_written = -1, .bytes_read = -1};
    bool ok = !run->arena->exhausted &&
              spawn_process(&options, &program.pid, &program.pidfd, err) &&
              program_wait(&program, err);
    program_release(&program);
    return ok || (cancel_requested() ? cancel_error(err) : false);
}

static bool run_block(struct block_run *run, struct report *report, struct materialization *ret,
                      struct err *err)
{
    struct str project = run->request->meltano.project;
    if (!prepare(run, err) || !check_installed(run, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(project));
    }
    if (meltano_is_el(&run->blocks.items[0])) {
        return load_block(run, report, ret, err);
    }
    struct str words = run->request->meltano.block.items[0];
    return run_command(run, ret, err) ||
           (err->code == ERR_CANCELLED ? false : err_wrap(err, STR_FMT, STR_ARG(words)));
}

bool meltano_step(const struct request *request, struct arena *arena, struct report *report,
                  struct materialization *ret, struct err *err)
{
    struct block_run run = {.request = request, .arena = arena};
    bool ok = load(&run, err) && run_block(&run, report, ret, err);
    meltano_close(run.project);
    return ok;
}

bool meltano_step_state_id(const struct request *request, struct arena *arena, struct str *ret,
                           struct err *err)
{
    struct block_run run = {.request = request, .arena = arena};
    bool ok = load(&run, err) && prepare(&run, err);
    struct str id = ok ? arena_copy(arena, run.step.state_id) : STR_NONE;
    meltano_close(run.project);
    if (ok && id.len == 0) {
        return err_set(err, ERR_INVALID,
                       "a block without an environment, or a plugin alone, keeps "
                       "no state");
    }
    *ret = id;
    return ok;
}
