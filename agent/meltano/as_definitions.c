/* DESIGN: every block that a job runs, and every schedule with extractor and loader, is a unit: one
 * step, whose assets are its streams. Units are made in the order of the jobs, so that what one is made
 * from was made before it, whichever jobs use it later: no circle can come of it. */
#include "agent/meltano/as_definitions.h"
#include "agent/meltano/reading.h"

#include "common/base/limits.h"
#include "common/json/json_verbatim.h"
#include "common/json/json_writer.h"
#include "common/model/asset_key.h"

enum { UNITS_MAX = 1000, MEMORY_MAX = 64 << 20 };

struct unit {
    struct str name; /* a group of the definitions */
    struct meltano_block block;
    const struct str_list *words;       /* of the block; of a schedule its own */
    const struct meltano_schedule *elt; /* NULL: of jobs */
    struct catalog_streams streams;     /* none: not known */
    struct str_list keys;               /* of its assets */
    const struct unit **after;          /* what it is made from */
    size_t after_count;
};

struct importing {
    const struct meltano_project *project;
    const struct meltano_import *import;
    struct meltano_context context;
    struct meltano_terminal terminal;
    struct arena *arena;
    struct unit *units;
    size_t unit_count;
    struct str_list keys;      /* of all assets */
    struct str_list externals; /* keys of the taps' streams that were told */
    struct json_writer w;
    struct err *err;
};

/* --- names ------------------------------------------------------------------------------------- */

static struct str as_name(const struct importing *m, struct str text)
{
    return name_from(text, LIMIT_NAME_BYTES, m->arena);
}

static bool is_among(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool no_memory(struct importing *m)
{
    return err_set(m->err, ERR_FULL, "the project needs more memory than is set aside");
}

/* "tap-shop-mask-to-target-files", "greet-hello", or the schedule's. */
static struct str name_of_block(const struct importing *m, const struct meltano_block *block,
                                const struct meltano_schedule *elt)
{
    AUTO(buf) out = buf_growing(LIMIT_PATH_BYTES);
    for (size_t i = 0; elt == NULL && i < block->plugin_count; i++) {
        const struct meltano_plugin *plugin = block->plugins[i];
        bool is_last = i > 0 && i + 1 == block->plugin_count;
        buf_add(&out, i == 0 ? STR("") : is_last ? STR("-to-") : STR("-"));
        buf_add(&out, plugin->mapping.len > 0 ? plugin->mapping : plugin->name);
    }
    if (block->command.len > 0) {
        buf_addf(&out, "-" STR_FMT, STR_ARG(block->command));
    }
    return as_name(m, elt == NULL ? buf_str(&out) : elt->name);
}

/* --- streams ----------------------------------------------------------------------------------- */

/* The catalog that a run of Meltano's or of ours has kept. NULL: none that can be used. */
static struct json *kept_catalog(struct importing *m, struct str tap, struct arena *arena)
{
    AUTO(buf) text = buf_growing(CATALOG_TEXT_BYTES_MAX);
    struct json *catalog = NULL;
    struct err ignored = {0};
    struct str path = arena_printf(arena, STR_FMT "/.meltano/run/" STR_FMT "/tap.properties.json",
                                   STR_ARG(m->project->root), STR_ARG(tap));
    if (path.ptr == NULL ||
        !m->import->files->read_file(m->import->files->ctx, path.ptr, &text, &ignored) ||
        !json_verbatim_read(buf_str(&text), CATALOG_TEXT_BYTES_MAX, arena, &catalog, &ignored)) {
        return NULL;
    }
    return catalog;
}

static bool copy_streams(struct importing *m, const struct catalog_streams *found,
                         struct catalog_streams *ret)
{
    ret->items = arena_array(m->arena, found->count, sizeof(*ret->items));
    for (size_t i = 0; ret->items != NULL && i < found->count; i++) {
        ret->items[i].id = arena_copy(m->arena, found->items[i].id);
        ret->items[i].name = arena_copy(m->arena, found->items[i].name);
        ret->count++;
    }
    return !m->arena->exhausted;
}

static bool find_streams(struct importing *m, const struct meltano_step *step,
                         struct catalog_streams *ret)
{
    AUTO(arena) scratch = arena_new(CATALOG_MEMORY_MAX);
    struct err ignored = {0};
    struct catalog_streams found = {0};
    bool is_handwritten = step->catalog.len > 0;
    struct json *catalog =
        is_handwritten ? NULL : kept_catalog(m, step->processes[0].setup.plugin->name, &scratch);
    const struct catalog_rules rules = {.select = step->select,
                                        .select_filter = step->select_filter,
                                        .metadata = step->metadata,
                                        .schema = step->schema};
    if (catalog != NULL && catalog_apply(catalog, &rules, &scratch, &ignored) &&
        catalog_selected(catalog, &scratch, &found, &ignored) && found.count > 0) {
        return copy_streams(m, &found, ret);
    }
    found.items = arena_array(m->arena, step->streams.count, sizeof(*found.items));
    for (size_t i = 0; found.items != NULL && i < step->streams.count; i++) {
        found.items[found.count++] = (struct catalog_stream_name){.id = step->streams.items[i],
                                                                  .name = step->streams.items[i]};
    }
    return copy_streams(m, &found, ret);
}

/* --- units ------------------------------------------------------------------------------------- */

/* A key that another block has taken is that of the block's own. */
static bool add_key(struct importing *m, struct unit *unit, struct str place, struct str stream)
{
    struct str key = meltano_asset_key(place, stream, m->arena);
    if (key.ptr != NULL && is_among(&m->keys, key)) {
        struct str own =
            arena_printf(m->arena, STR_FMT "." STR_FMT, STR_ARG(place), STR_ARG(unit->name));
        key = own.ptr == NULL ? own : meltano_asset_key(own, stream, m->arena);
    }
    if (key.ptr == NULL || is_among(&m->keys, key) || m->keys.count == LIMIT_ASSETS) {
        return m->arena->exhausted
                   ? no_memory(m)
                   : err_set(m->err, ERR_INVALID,
                             "block " STR_FMT ": stream " STR_FMT
                             ": there is no key for its asset, or there are more "
                             "than %d",
                             STR_ARG(unit->name), STR_ARG(str_clip(stream, 80)), LIMIT_ASSETS);
    }
    m->keys.items[m->keys.count++] = key;
    unit->keys.items[unit->keys.count++] = key;
    return true;
}

static bool set_keys(struct importing *m, struct unit *unit)
{
    struct meltano_step step;
    if (!meltano_is_el(&unit->block)) {
        const struct meltano_plugin *plugin = unit->block.plugins[0];
        unit->keys.items = arena_array(m->arena, 1, sizeof(struct str));
        return unit->keys.items == NULL
                   ? no_memory(m)
                   : add_key(m, unit, plugin->name,
                             unit->block.command.len > 0 ? unit->block.command : STR("run"));
    }
    if (!meltano_make_step(&m->context, &unit->block, m->arena, &step, m->err)) {
        return err_wrap(m->err, "block " STR_FMT, STR_ARG(unit->name));
    }
    if (!find_streams(m, &step, &unit->streams)) {
        return no_memory(m);
    }
    struct str place = meltano_place_of(&step.processes[step.process_count - 1].setup);
    size_t count = unit->streams.count == 0 ? 1 : unit->streams.count;
    unit->keys.items = arena_array(m->arena, count, sizeof(struct str));
    if (unit->keys.items == NULL) {
        return no_memory(m);
    }
    for (size_t i = 0; i < count; i++) {
        struct str stream =
            unit->streams.count == 0 ? unit->block.plugins[0]->name : unit->streams.items[i].name;
        if (!add_key(m, unit, place, stream)) {
            return false;
        }
    }
    return true;
}

static bool is_same_block(const struct meltano_block *a, const struct meltano_block *b)
{
    bool is_same = a->plugin_count == b->plugin_count && str_eq(a->command, b->command);
    for (size_t i = 0; is_same && i < a->plugin_count; i++) {
        is_same = a->plugins[i] == b->plugins[i];
    }
    return is_same;
}

static struct unit *find_unit(const struct importing *m, const struct meltano_block *block)
{
    for (size_t i = 0; i < m->unit_count; i++) {
        if (m->units[i].elt == NULL && is_same_block(&m->units[i].block, block)) {
            return &m->units[i];
        }
    }
    return NULL;
}

/* What `meltano run` would be given for the block. */
static const struct str_list *words_of(struct importing *m, const struct meltano_block *block)
{
    struct str_list *words = arena_alloc(m->arena, sizeof(*words));
    if (words == NULL) {
        return NULL;
    }
    words->items = arena_array(m->arena, block->plugin_count, sizeof(struct str));
    for (size_t i = 0; words->items != NULL && i < block->plugin_count; i++) {
        const struct meltano_plugin *plugin = block->plugins[i];
        struct str name = plugin->mapping.len > 0 ? plugin->mapping : plugin->name;
        if (block->command.len > 0) {
            name =
                arena_printf(m->arena, STR_FMT ":" STR_FMT, STR_ARG(name), STR_ARG(block->command));
        }
        words->items[words->count++] = name;
    }
    return words;
}

static struct unit *new_unit(struct importing *m, const struct meltano_block *block,
                             const struct meltano_schedule *elt)
{
    if (m->unit_count == UNITS_MAX) {
        err_set(m->err, ERR_FULL, "there are more than %d blocks", UNITS_MAX);
        return NULL;
    }
    struct unit *unit = &m->units[m->unit_count];
    *unit = (struct unit){.name = name_of_block(m, block, elt),
                          .block = *block,
                          .words = words_of(m, block),
                          .elt = elt};
    if (m->arena->exhausted) {
        (void)no_memory(m);
        return NULL;
    }
    m->context.schedule = elt;
    bool ok = set_keys(m, unit);
    m->context.schedule = NULL;
    m->unit_count += ok;
    return ok ? unit : NULL;
}

/* A command is made from all that its job did before it, a load from the commands before it. */
static bool set_after(struct importing *m, struct unit *unit, struct unit *const *before,
                      size_t count)
{
    bool is_load = meltano_is_el(&unit->block);
    unit->after = arena_array(m->arena, count, sizeof(struct unit *));
    for (size_t i = 0; unit->after != NULL && i < count; i++) {
        if (!is_load || !meltano_is_el(&before[i]->block)) {
            unit->after[unit->after_count++] = before[i];
        }
    }
    return unit->after != NULL || no_memory(m);
}

/* --- writing assets ---------------------------------------------------------------------------- */

static void write_run(struct importing *m, const struct unit *unit)
{
    struct json_writer *w = &m->w;
    jw_key(w, STR("meltano"));
    jw_begin_object(w);
    jw_member_str(w, "project", m->import->path);
    jw_member_opt(w, "environment", m->import->environment);
    jw_key(w, STR("block"));
    jw_begin_array(w);
    for (size_t i = 0; i < unit->words->count; i++) {
        jw_str(w, unit->words->items[i]);
    }
    jw_end_array(w);
    if (unit->elt != NULL) {
        jw_member_str(w, "schedule", unit->elt->name);
    }
    jw_end_object(w);
    if (m->import->env != NULL && m->import->env->count > 0) {
        jw_key(w, STR("env"));
        jw_begin_object(w);
        for (size_t i = 0; i < m->import->env->count; i++) {
            jw_key(w, m->import->env->keys[i]);
            jw_str(w, m->import->env->values[i]);
        }
        jw_end_object(w);
    }
}

static void write_after(struct importing *m, const struct unit *unit, struct str external)
{
    jw_key(&m->w, STR("deps"));
    jw_begin_array(&m->w);
    if (external.len > 0) {
        jw_str(&m->w, external);
    }
    for (size_t i = 0; i < unit->after_count; i++) {
        for (size_t k = 0; k < unit->after[i]->keys.count; k++) {
            jw_str(&m->w, unit->after[i]->keys.items[k]);
        }
    }
    jw_end_array(&m->w);
}

/* The tap's stream, once. */
static struct str write_external(struct importing *m, const struct unit *unit, struct str stream)
{
    struct str tap = unit->block.plugins[0]->name;
    struct str key = meltano_asset_key(tap, stream, m->arena);
    if (key.ptr == NULL || is_among(&m->keys, key)) {
        return STR("");
    }
    if (!is_among(&m->externals, key) && m->externals.count < LIMIT_ASSETS) {
        m->externals.items[m->externals.count++] = key;
        jw_begin_object(&m->w);
        jw_member_str(&m->w, "key", key);
        jw_member_bool(&m->w, "external", true);
        jw_member_str(&m->w, "group", as_name(m, tap));
        jw_end_object(&m->w);
    }
    return key;
}

static void write_unit(struct importing *m, const struct unit *unit)
{
    struct json_writer *w = &m->w;
    size_t count = unit->streams.count;
    struct str *externals = arena_array(m->arena, count, sizeof(*externals));
    for (size_t i = 0; externals != NULL && i < count; i++) {
        externals[i] = write_external(m, unit, unit->streams.items[i].name);
    }
    jw_begin_object(w);
    if (count == 0) {
        jw_member_str(w, "key", unit->keys.items[0]);
    } else {
        struct str key = meltano_asset_key(STR("meltano"), unit->name, m->arena);
        jw_member_str(w, "key", key);
    }
    jw_member_str(w, "group", unit->name);
    write_after(m, unit, STR_NONE);
    write_run(m, unit);
    if (count > 0 && externals != NULL) {
        jw_key(w, STR("assets"));
        jw_begin_array(w);
        for (size_t i = 0; i < count; i++) {
            jw_begin_object(w);
            jw_member_str(w, "key", unit->keys.items[i]);
            jw_member_str(w, "stream", unit->streams.items[i].name);
            if (externals[i].len > 0) {
                jw_key(w, STR("deps"));
                jw_begin_array(w);
                jw_str(w, externals[i]);
                jw_end_array(w);
            }
            jw_end_object(w);
        }
        jw_end_array(w);
    }
    jw_end_object(w);
}

/* --- jobs and schedules ------------------------------------------------------------------------ */

static bool is_skipped(const struct importing *m, struct str name)
{
    return is_among(&m->import->skip, name);
}

static bool hint_skip(struct importing *m, const char *what, struct str name)
{
    err_wrap(m->err, "%s " STR_FMT, what, STR_ARG(name));
    return err_hint(m->err, "mend it, or leave it out with skip: [" STR_FMT "]", STR_ARG(name));
}

static bool import_job(struct importing *m, const struct meltano_job *job, struct buf *select)
{
    struct meltano_blocks blocks;
    struct unit *before[UNITS_MAX];
    if (!meltano_read_blocks(m->project, &job->words, m->arena, &blocks, m->err)) {
        return false;
    }
    if (blocks.count > UNITS_MAX) {
        return err_set(m->err, ERR_FULL, "there are more than %d blocks", UNITS_MAX);
    }
    for (size_t i = 0; i < blocks.count; i++) {
        struct unit *unit = find_unit(m, &blocks.items[i]);
        if (unit == NULL) {
            unit = new_unit(m, &blocks.items[i], NULL);
            if (unit == NULL || !set_after(m, unit, before, i)) {
                return false;
            }
            write_unit(m, unit);
        }
        before[i] = unit;
        buf_addf(select, "%sgroup:" STR_FMT, i == 0 ? "" : " or ", STR_ARG(unit->name));
    }
    return !select->overflow ||
           err_set(m->err, ERR_FULL, "it has too many blocks for a selection of %d bytes",
                   LIMIT_SELECTION_BYTES);
}

/* Blocks run one after the other in Meltano, and a device has little memory. */
static void write_job(struct json_writer *w, struct str name, struct str select)
{
    jw_begin_object(w);
    jw_member_str(w, "name", name);
    jw_member_str(w, "select", select);
    jw_member_i64(w, "max_parallel", 1);
    jw_end_object(w);
}

/* `jobs` takes what is written beside the assets. */
static bool import_jobs(struct importing *m, struct json_writer *jobs)
{
    for (size_t i = 0; i < m->project->job_count; i++) {
        const struct meltano_job *job = &m->project->jobs[i];
        AUTO(buf) select = buf_growing(LIMIT_SELECTION_BYTES);
        if (is_skipped(m, job->name)) {
            continue;
        }
        if (!import_job(m, job, &select)) {
            return hint_skip(m, "job", job->name);
        }
        if (select.len > 0) {
            write_job(jobs, job->name, buf_str(&select));
        }
    }
    return true;
}

static bool import_elt(struct importing *m, const struct meltano_schedule *schedule)
{
    struct str words[] = {schedule->extractor, schedule->loader};
    const struct str_list list = {.items = words, .count = COUNT_OF(words)};
    struct meltano_blocks blocks;
    if (!meltano_read_blocks(m->project, &list, m->arena, &blocks, m->err)) {
        return false;
    }
    const struct unit *unit = new_unit(m, &blocks.items[0], schedule);
    if (unit != NULL) {
        write_unit(m, unit);
    }
    return unit != NULL;
}

static bool import_elts(struct importing *m)
{
    for (size_t i = 0; i < m->project->schedule_count; i++) {
        const struct meltano_schedule *schedule = &m->project->schedules[i];
        if (schedule->job.len == 0 && !is_skipped(m, schedule->name) && !import_elt(m, schedule)) {
            return hint_skip(m, "schedule", schedule->name);
        }
    }
    return true;
}

static bool write_schedule(struct importing *m, const struct meltano_schedule *schedule)
{
    struct json_writer *w = &m->w;
    if (schedule->job.len > 0 &&
        (is_skipped(m, schedule->job) || meltano_find_job(m->project, schedule->job) == NULL)) {
        return err_set(m->err, ERR_NOT_FOUND, "there is no job " STR_FMT, STR_ARG(schedule->job));
    }
    jw_begin_object(w);
    jw_member_str(w, "name", schedule->name);
    if (schedule->job.len > 0) {
        jw_member_str(w, "job", schedule->job);
        jw_key(w, STR("tags"));
        jw_begin_object(w);
        jw_member_str(w, "meltano/schedule", schedule->name);
        jw_end_object(w);
    } else {
        struct str select =
            arena_printf(m->arena, "group:" STR_FMT, STR_ARG(as_name(m, schedule->name)));
        jw_member_str(w, "select", select);
    }
    jw_member_str(w, "cron", schedule->cron);
    jw_member_opt(w, "timezone", m->import->timezone);
    if (m->import->schedules == MELTANO_SCHEDULES_PAUSED) {
        jw_member_bool(w, "paused", true);
    }
    jw_end_object(w);
    return true;
}

static bool write_schedules(struct importing *m)
{
    for (size_t i = 0; i < m->project->schedule_count; i++) {
        const struct meltano_schedule *schedule = &m->project->schedules[i];
        bool is_timed = schedule->cron.len > 0 && !is_skipped(m, schedule->name);
        if (m->import->schedules != MELTANO_SCHEDULES_NONE && is_timed &&
            !write_schedule(m, schedule)) {
            return hint_skip(m, "schedule", schedule->name);
        }
    }
    return true;
}

/* --- all of it --------------------------------------------------------------------------------- */

/* Of the variables that the definitions give, those whose value stands there: keys must not depend on
 * what is filled in when a step starts. */
static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    const struct str_map *env = ((const struct importing *)ctx)->import->env;
    for (size_t i = 0; env != NULL && i < env->count; i++) {
        if (str_eq(env->keys[i], name) && !str_contains(env->values[i], STR("${"))) {
            *ret_value = env->values[i];
            return true;
        }
    }
    return false;
}

static bool write_all(struct importing *m, struct buf *out)
{
    AUTO(buf) jobs = buf_growing(LIMIT_DEFINITIONS_BYTES);
    buf_add_char(&jobs, '[');
    struct json_writer job_writer = json_writer(&jobs);
    m->w = json_writer(out);
    jw_begin_object(&m->w);
    jw_key(&m->w, STR("assets"));
    jw_begin_array(&m->w);
    if (!import_jobs(m, &job_writer) || !import_elts(m)) {
        return false;
    }
    jw_end_array(&m->w);
    buf_add_char(&jobs, ']');
    jw_key(&m->w, STR("jobs"));
    jw_raw(&m->w, buf_str(&jobs));
    jw_key(&m->w, STR("schedules"));
    jw_begin_array(&m->w);
    if (!write_schedules(m)) {
        return false;
    }
    jw_end_array(&m->w);
    jw_end_object(&m->w);
    if (jobs.overflow || out->overflow) {
        return err_set(m->err, ERR_FULL, "it becomes more than %d MiB of definitions",
                       LIMIT_DEFINITIONS_BYTES >> 20);
    }
    return !m->arena->exhausted || no_memory(m);
}

bool meltano_write_definitions(const struct meltano_project *project,
                               const struct meltano_import *import, struct buf *out,
                               struct err *err)
{
    AUTO(arena) arena = arena_new(MEMORY_MAX);
    struct importing m = {.project = project, .import = import, .arena = &arena, .err = err};
    m.terminal = (struct meltano_terminal){.get = get_variable, .ctx = &m};
    m.context = (struct meltano_context){.project = project, .terminal = &m.terminal};
    m.units = arena_array(&arena, UNITS_MAX, sizeof(*m.units));
    m.keys.items = arena_array(&arena, LIMIT_ASSETS, sizeof(struct str));
    m.externals.items = arena_array(&arena, LIMIT_ASSETS, sizeof(struct str));
    if (arena.exhausted) {
        return no_memory(&m);
    }
    return meltano_find_environment(project, import->environment, &m.context.environment, err) &&
           write_all(&m, out);
}
