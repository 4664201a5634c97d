/* tell.c - the project as text, for people. */
#include "agent/meltano/telling.h"

#include "common/json/json_writer.h"
#include <string.h>

enum { TELL_ARENA_MAX = 128 << 20 };

struct telling tell_begin(const struct meltano_telling *what)
{
    return (struct telling){
        .what = what, .warnings = &what->report->warnings, .arena = arena_new(TELL_ARENA_MAX)};
}

void tell_next(struct telling *t)
{
    t->is_failed = t->is_failed || t->arena.exhausted;
    arena_reset(&t->arena);
}

bool tell_end(struct telling *t, const struct buf *out, struct err *err)
{
    tell_next(t);
    arena_release(&t->arena);
    return (!t->is_failed && !out->overflow) ||
           err_set(err, ERR_FULL, STR_FMT ": too large to be told",
                   STR_ARG(t->what->context->project->path));
}

bool tell_set_up(struct telling *t, const struct meltano_plugin *plugin,
                 const struct meltano_setup *before, struct problems *problems,
                 struct meltano_setup *ret)
{
    struct err err = {0};
    struct meltano_context context = *t->what->context;
    context.problems = problems;
    if (!meltano_set_up(&context, plugin, before, &t->arena, ret, &err)) {
        t->is_failed = true;
    }
    return !t->is_failed;
}

struct str tell_place(const struct telling *t, struct location at, char text[PLACE_SIZE])
{
    const struct meltano_project *p = t->what->context->project;
    struct buf out = buf_fixed(text, PLACE_SIZE);
    if (at.line > 0 && at.file < p->file_count) {
        buf_addf(&out, STR_FMT ":%u", STR_ARG(p->files[at.file]), at.line);
    }
    return out.overflow ? STR("") : buf_str(&out);
}

void tell_check_job(struct telling *t, const struct meltano_job *job)
{
    struct meltano_blocks blocks = {0};
    struct err err = {0};
    if (!meltano_read_blocks(t->what->context->project, &job->words, &t->arena, &blocks, &err) &&
        err.code != ERR_FULL) {
        problems_add(t->warnings, job->at, str_from(err.hint),
                     "job " STR_FMT ": Meltano would not run it: %s", STR_ARG(job->name), err.msg);
    }
}

/* --- blocks --- */

static void add_block(struct telling *t, const struct meltano_block *block, struct buf *out)
{
    struct meltano_step step;
    struct err err = {0};
    for (size_t i = 0; i < block->plugin_count; i++) {
        const struct meltano_plugin *plugin = block->plugins[i];
        buf_addf(out, "%s" STR_FMT, i == 0 ? "" : " > ",
                 STR_ARG(plugin->mapping.len > 0 ? plugin->mapping : plugin->name));
    }
    if (block->command.len > 0) {
        buf_addf(out, ":" STR_FMT, STR_ARG(block->command));
    }
    if (!meltano_make_step(t->what->context, block, &t->arena, &step, &err)) {
        buf_addf(out, "  (cannot be started: %s)", err.msg);
        return;
    }
    if (step.state_id.len > 0) {
        buf_addf(out, "  (state " STR_FMT ")", STR_ARG(step.state_id));
    }
    for (size_t i = 0; i < step.assets.count; i++) {
        buf_addf(out, "%s" STR_FMT, i == 0 ? "  makes " : ", ", STR_ARG(step.assets.items[i]));
    }
}

static void add_job(struct telling *t, const struct meltano_job *job, const char *indent,
                    struct buf *out)
{
    struct meltano_blocks blocks = {0};
    struct err err = {0};
    tell_check_job(t, job);
    if (!meltano_read_blocks(t->what->context->project, &job->words, &t->arena, &blocks, &err)) {
        buf_addf(out, "%scannot run: %s\n", indent, err.msg);
        return;
    }
    for (size_t i = 0; i < blocks.count; i++) {
        buf_add_text(out, indent);
        add_block(t, &blocks.items[i], out);
        buf_add_char(out, '\n');
    }
    if (blocks.count == 0) {
        buf_addf(out, "%snothing\n", indent);
    }
}

static void add_schedule(const struct meltano_schedule *s, struct buf *out)
{
    if (s->job.len > 0) {
        buf_addf(out, "job " STR_FMT, STR_ARG(s->job));
    } else {
        buf_addf(out, STR_FMT " > " STR_FMT "  (state " STR_FMT ")", STR_ARG(s->extractor),
                 STR_ARG(s->loader), STR_ARG(s->name));
    }
    if (s->cron.len > 0) {
        buf_addf(out, ", at " STR_FMT "\n", STR_ARG(s->cron));
    } else {
        buf_add(out, STR(", by hand only\n"));
    }
}

static void add_plugin(const struct meltano_plugin *plugin, struct buf *out)
{
    buf_addf(out, "%s " STR_FMT, meltano_type_one(plugin->type), STR_ARG(plugin->name));
    if (plugin->mapping.len > 0) {
        buf_addf(out, ", mapping " STR_FMT, STR_ARG(plugin->mapping));
    }
    buf_addf(out, ": %s", meltano_origin_name(plugin->origin));
    if (plugin->inherit_from.len > 0) {
        buf_addf(out, " from " STR_FMT, STR_ARG(plugin->inherit_from));
    }
    if (plugin->variant.len > 0) {
        buf_addf(out, ", variant " STR_FMT, STR_ARG(plugin->variant));
    }
}

static void check_values(struct telling *t, const struct meltano_plugin *plugin)
{
    struct meltano_setup setup;
    (void)tell_set_up(t, plugin, NULL, t->warnings, &setup);
    tell_next(t);
}

static void add_count(struct buf *out, size_t count, const char *what)
{
    buf_addf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void add_head(struct telling *t, struct buf *out)
{
    const struct meltano_project *p = t->what->context->project;
    const struct meltano_environment *environment = t->what->context->environment;
    buf_addf(out, STR_FMT ": ", STR_ARG(p->path));
    add_count(out, p->plugin_count, "plugin");
    buf_add(out, STR(", "));
    add_count(out, p->job_count, "job");
    buf_add(out, STR(", "));
    add_count(out, p->schedule_count, "schedule");
    if (environment != NULL) {
        buf_addf(out, ", environment " STR_FMT, STR_ARG(environment->name));
    } else {
        buf_add(out, STR(", no environment"));
    }
    buf_add_char(out, '\n');
}

bool meltano_write_summary(const struct meltano_telling *telling, struct buf *out, struct err *err)
{
    struct telling t = tell_begin(telling);
    const struct meltano_project *p = telling->context->project;
    add_head(&t, out);
    for (size_t i = 0; i < p->plugin_count && !t.is_failed; i++) {
        add_plugin(&p->plugins[i], out);
        buf_add_char(out, '\n');
        check_values(&t, &p->plugins[i]);
    }
    for (size_t i = 0; i < p->job_count && !t.is_failed; i++) {
        buf_addf(out, "job " STR_FMT ":\n", STR_ARG(p->jobs[i].name));
        add_job(&t, &p->jobs[i], "  ", out);
        tell_next(&t);
    }
    for (size_t i = 0; i < p->schedule_count; i++) {
        buf_addf(out, "schedule " STR_FMT ": ", STR_ARG(p->schedules[i].name));
        add_schedule(&p->schedules[i], out);
    }
    return tell_end(&t, out, err);
}

/* --- explained --- */

static void add_source(struct telling *t, const struct meltano_value *v, struct buf *out)
{
    char place[PLACE_SIZE];
    struct str at = tell_place(t, v->at, place);
    buf_addf(out, "  # %s", meltano_source_name(v->source));
    if (v->env_var.len > 0) {
        buf_addf(out, " " STR_FMT, STR_ARG(v->env_var));
    } else if (at.len > 0) {
        buf_addf(out, ", " STR_FMT, STR_ARG(at));
    }
    if (v->is_custom && !v->is_extra) {
        buf_add(out, STR(", not declared"));
    }
    buf_add_char(out, '\n');
}

/* An object whose parts are values of their own, each with its place. */
static bool is_gathered(const struct meltano_setup *setup, const struct meltano_value *v)
{
    for (size_t i = 0; v->shown->type == JSON_OBJECT && i < setup->value_count; i++) {
        struct str name = setup->values[i].name;
        if (name.len > v->name.len && str_starts(name, v->name) && name.ptr[v->name.len] == '.') {
            return true;
        }
    }
    return false;
}

static void explain_values(struct telling *t, const struct meltano_setup *setup, struct buf *out)
{
    for (size_t i = 0; i < setup->value_count; i++) {
        const struct meltano_value *v = &setup->values[i];
        if (v->shown == NULL || is_gathered(setup, v)) {
            continue;
        }
        buf_addf(out, "    " STR_FMT ": ", STR_ARG(v->name));
        json_write(out, v->shown);
        add_source(t, v, out);
    }
}

static void explain_plugin(struct telling *t, const struct meltano_plugin *plugin, struct buf *out)
{
    struct meltano_setup setup;
    char place[PLACE_SIZE];
    struct str_list argv = {0};
    struct err err = {0};
    if (!tell_set_up(t, plugin, NULL, t->warnings, &setup)) {
        return;
    }
    add_plugin(plugin, out);
    buf_addf(out, "  # " STR_FMT "\n", STR_ARG(tell_place(t, plugin->at, place)));
    if (meltano_program(t->what->context, &setup, STR(""), &t->arena, &argv, &err)) {
        buf_addf(out, "  program: " STR_FMT "\n", STR_ARG(argv.items[0]));
    }
    if (plugin->lock.len > 0) {
        buf_addf(out, "  lock: " STR_FMT "\n", STR_ARG(plugin->lock));
    }
    struct meltano_commands commands = meltano_commands_of(plugin, &t->arena);
    for (size_t i = 0; i < commands.count; i++) {
        buf_addf(out, "  command " STR_FMT ": " STR_FMT "\n", STR_ARG(commands.items[i].name),
                 STR_ARG(commands.items[i].args));
    }
    buf_add(out, STR("  settings:\n"));
    explain_values(t, &setup, out);
}

static void explain_job(struct telling *t, const struct meltano_job *job, struct buf *out)
{
    char place[PLACE_SIZE];
    buf_addf(out, "job " STR_FMT ":  # " STR_FMT "\n", STR_ARG(job->name),
             STR_ARG(tell_place(t, job->at, place)));
    add_job(t, job, "  ", out);
}

static void explain_schedule(struct telling *t, const struct meltano_schedule *s, struct buf *out)
{
    char place[PLACE_SIZE];
    buf_addf(out, "schedule " STR_FMT ":  # " STR_FMT "\n  ", STR_ARG(s->name),
             STR_ARG(tell_place(t, s->at, place)));
    add_schedule(s, out);
}

bool meltano_write_explained(const struct meltano_telling *telling, struct str name,
                             struct buf *out, struct err *err)
{
    struct telling t = tell_begin(telling);
    const struct meltano_project *p = telling->context->project;
    size_t before = out->len;
    for (size_t i = 0; i < p->plugin_count && !t.is_failed; i++) {
        const struct meltano_plugin *plugin = &p->plugins[i];
        if (name.len == 0 || str_eq(plugin->name, name) || str_eq(plugin->mapping, name)) {
            explain_plugin(&t, plugin, out);
            tell_next(&t);
        }
    }
    for (size_t i = 0; i < p->job_count && !t.is_failed; i++) {
        if (name.len == 0 || str_eq(p->jobs[i].name, name)) {
            explain_job(&t, &p->jobs[i], out);
            tell_next(&t);
        }
    }
    for (size_t i = 0; i < p->schedule_count; i++) {
        if (name.len == 0 || str_eq(p->schedules[i].name, name)) {
            explain_schedule(&t, &p->schedules[i], out);
        }
    }
    if (name.len > 0 && out->len == before) {
        tell_next(&t);
        arena_release(&t.arena);
        return err_set(err, ERR_NOT_FOUND,
                       STR_FMT ": there is no plugin, mapping, job or schedule " STR_FMT,
                       STR_ARG(p->path), STR_ARG(str_clip(name, 120)));
    }
    return tell_end(&t, out, err);
}
