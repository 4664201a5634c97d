/* tell_json.c - the project as JSON, for programs. */
#include "agent/meltano/telling.h"

#include "common/json/json_writer.h"

static void write_list(struct json_writer *w, const char *key, const struct str_list *list)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
    for (size_t i = 0; i < list->count; i++) {
        jw_str(w, list->items[i]);
    }
    jw_end_array(w);
}

static void write_tree(struct telling *t, struct json_writer *w, const char *key,
                       const struct json *node)
{
    AUTO(buf) text = buf_growing(TELL_BYTES_MAX);
    if (node == NULL) {
        jw_member_raw(w, key, STR("null"));
        return;
    }
    json_write(&text, node);
    t->arena.exhausted = t->arena.exhausted || text.overflow;
    jw_member_raw(w, key, text.overflow ? STR("null") : buf_str(&text));
}

static void write_place(struct telling *t, struct json_writer *w, struct location at)
{
    char text[PLACE_SIZE];
    jw_member_opt(w, "at", tell_place(t, at, text));
}

/* --- plugins --- */

static void write_settings(struct telling *t, struct json_writer *w,
                           const struct meltano_setup *setup)
{
    jw_key(w, STR("settings"));
    jw_begin_object(w);
    for (size_t i = 0; i < setup->value_count; i++) {
        const struct meltano_value *v = &setup->values[i];
        jw_key(w, v->name);
        jw_begin_object(w);
        write_tree(t, w, "value", t->what->is_open ? v->value : v->shown);
        jw_member_str(w, "source", str_from(meltano_source_name(v->source)));
        jw_member_opt(w, "variable", v->env_var);
        jw_member_bool(w, "sensitive", v->is_sensitive);
        jw_member_bool(w, "declared", !v->is_custom);
        write_place(t, w, v->at);
        jw_end_object(w);
    }
    jw_end_object(w);
}

static void write_env(struct telling *t, struct json_writer *w, const struct meltano_setup *setup)
{
    if (!t->what->is_open) {
        return; /* whatever a child is given may be secret */
    }
    jw_key(w, STR("env"));
    jw_begin_object(w);
    for (size_t i = 0; i < setup->env_count; i++) {
        jw_key(w, setup->env[i].name);
        jw_str(w, setup->env[i].value);
    }
    jw_end_object(w);
}

static void write_commands(struct telling *t, struct json_writer *w,
                           const struct meltano_plugin *plugin, const struct meltano_setup *setup)
{
    struct meltano_commands commands = meltano_commands_of(plugin, &t->arena);
    jw_key(w, STR("commands"));
    jw_begin_object(w);
    for (size_t i = 0; i < commands.count; i++) {
        const struct meltano_command *c = &commands.items[i];
        jw_key(w, c->name);
        jw_begin_object(w);
        jw_member_str(w, "args", c->args);
        jw_member_opt(w, "executable", c->executable);
        struct str_list argv = {0};
        struct err err = {0};
        if (t->what->is_open &&
            meltano_program(t->what->context, setup, c->name, &t->arena, &argv, &err)) {
            write_list(w, "argv", &argv);
        }
        jw_end_object(w);
    }
    jw_end_object(w);
}

static void write_program(struct telling *t, struct json_writer *w,
                          const struct meltano_setup *setup)
{
    struct str_list argv = {0};
    struct err err = {0};
    if (meltano_program(t->what->context, setup, STR(""), &t->arena, &argv, &err)) {
        jw_member_str(w, "program", argv.items[0]);
    }
}

static void write_plugin(struct telling *t, struct json_writer *w,
                         const struct meltano_plugin *plugin)
{
    struct meltano_setup setup;
    if (!tell_set_up(t, plugin, NULL, t->warnings, &setup)) {
        return;
    }
    jw_begin_object(w);
    jw_member_str(w, "type", str_from(meltano_type_name(plugin->type)));
    jw_member_str(w, "name", plugin->name);
    jw_member_opt(w, "mapping", plugin->mapping);
    jw_member_str(w, "definition", str_from(meltano_origin_name(plugin->origin)));
    jw_member_opt(w, "inherit_from", plugin->inherit_from);
    jw_member_str(w, "namespace", plugin->namespace);
    jw_member_opt(w, "variant", plugin->variant);
    jw_member_opt(w, "pip_url", plugin->pip_url);
    jw_member_str(w, "executable", plugin->executable);
    jw_member_opt(w, "lock", plugin->lock);
    write_program(t, w, &setup);
    struct str_list capabilities = meltano_capabilities_of(plugin, &t->arena);
    write_list(w, "capabilities", &capabilities);
    write_commands(t, w, plugin, &setup);
    write_settings(t, w, &setup);
    write_tree(t, w, "config", t->what->is_open ? setup.config : setup.shown);
    write_env(t, w, &setup);
    write_place(t, w, plugin->at);
    jw_end_object(w);
}

/* --- blocks --- */

static void write_el(struct telling *t, struct json_writer *w, const struct meltano_step *step)
{
    jw_member_opt(w, "state_id", step->state_id);
    jw_key(w, STR("configs"));
    jw_begin_array(w);
    for (size_t i = 0; i < step->process_count; i++) {
        const struct meltano_setup *setup = &step->processes[i].setup;
        AUTO(buf) text = buf_growing(TELL_BYTES_MAX);
        json_write(&text, t->what->is_open ? setup->config : setup->shown);
        jw_raw(w, text.overflow ? STR("null") : buf_str(&text));
    }
    jw_end_array(w);
    write_list(w, "streams", &step->streams);
    write_list(w, "assets", &step->assets);
}

static void write_block(struct telling *t, struct json_writer *w, const struct meltano_block *block)
{
    jw_begin_object(w);
    jw_key(w, STR("plugins"));
    jw_begin_array(w);
    for (size_t i = 0; i < block->plugin_count; i++) {
        const struct meltano_plugin *plugin = block->plugins[i];
        jw_str(w, plugin->mapping.len > 0 ? plugin->mapping : plugin->name);
    }
    jw_end_array(w);
    jw_member_opt(w, "command", block->command);
    struct meltano_step step;
    struct err err = {0};
    if (!meltano_make_step(t->what->context, block, &t->arena, &step, &err)) {
        jw_member_str(w, "problem", str_from(err.msg));
    } else if (meltano_is_el(block)) {
        write_el(t, w, &step);
    }
    jw_end_object(w);
}

static void write_blocks(struct telling *t, struct json_writer *w, const struct str_list *words)
{
    struct meltano_blocks blocks = {0};
    struct err err = {0};
    if (!meltano_read_blocks(t->what->context->project, words, &t->arena, &blocks, &err)) {
        jw_member_str(w, "problem", str_from(err.msg));
    }
    jw_key(w, STR("blocks"));
    jw_begin_array(w);
    for (size_t i = 0; i < blocks.count; i++) {
        write_block(t, w, &blocks.items[i]);
    }
    jw_end_array(w);
}

static void write_job(struct telling *t, struct json_writer *w, const struct meltano_job *job)
{
    jw_begin_object(w);
    jw_member_str(w, "name", job->name);
    write_tree(t, w, "tasks", job->tasks);
    write_list(w, "words", &job->words);
    tell_check_job(t, job);
    write_blocks(t, w, &job->words);
    write_place(t, w, job->at);
    jw_end_object(w);
}

static void write_schedule(struct telling *t, struct json_writer *w,
                           const struct meltano_schedule *s)
{
    jw_begin_object(w);
    jw_member_str(w, "name", s->name);
    jw_member_opt(w, "job", s->job);
    jw_member_opt(w, "extractor", s->extractor);
    jw_member_opt(w, "loader", s->loader);
    jw_member_opt(w, "transform", s->transform);
    if (s->job.len == 0) {
        jw_member_str(w, "state_id", s->name);
    }
    jw_member_str(w, "interval", s->interval);
    jw_member_opt(w, "cron", s->cron);
    if (s->env != NULL && t->what->is_open) {
        write_tree(t, w, "env", s->env);
    }
    write_place(t, w, s->at);
    jw_end_object(w);
}

static void write_problems(struct telling *t, struct json_writer *w)
{
    const struct problems *p = t->warnings;
    jw_key(w, STR("warnings"));
    jw_begin_array(w);
    for (size_t i = 0; i < p->count; i++) {
        char place[PLACE_SIZE];
        jw_begin_object(w);
        jw_member_opt(w, "at", tell_place(t, p->items[i].at, place));
        jw_member_str(w, "text", p->items[i].text);
        jw_member_opt(w, "hint", p->items[i].hint);
        jw_end_object(w);
    }
    jw_end_array(w);
}

bool meltano_write_json(const struct meltano_telling *telling, struct buf *out, struct err *err)
{
    struct telling t = tell_begin(telling);
    const struct meltano_project *p = telling->context->project;
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "path", p->path);
    jw_member_str(&w, "root", p->root);
    if (telling->context->environment != NULL) {
        jw_member_str(&w, "environment", telling->context->environment->name);
    }
    jw_key(&w, STR("environments"));
    jw_begin_array(&w);
    for (size_t i = 0; i < p->environment_count; i++) {
        jw_str(&w, p->environments[i].name);
    }
    jw_end_array(&w);
    jw_key(&w, STR("plugins"));
    jw_begin_array(&w);
    for (size_t i = 0; i < p->plugin_count && !t.is_failed; i++) {
        write_plugin(&t, &w, &p->plugins[i]);
        tell_next(&t);
    }
    jw_end_array(&w);
    jw_key(&w, STR("jobs"));
    jw_begin_array(&w);
    for (size_t i = 0; i < p->job_count && !t.is_failed; i++) {
        write_job(&t, &w, &p->jobs[i]);
        tell_next(&t);
    }
    jw_end_array(&w);
    jw_key(&w, STR("schedules"));
    jw_begin_array(&w);
    for (size_t i = 0; i < p->schedule_count; i++) {
        write_schedule(&t, &w, &p->schedules[i]);
    }
    jw_end_array(&w);
    write_problems(&t, &w);
    jw_end_object(&w);
    return tell_end(&t, out, err);
}
