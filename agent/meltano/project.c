/* project.c - one load, and finding what was loaded. */
#include "agent/meltano/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const root_keys[] = {
    "version",
    "default_environment",
    "project_id",
    "send_anonymous_usage_stats",
    "snowplow",
    "requires_meltano",
    "database_uri",
    "database_max_retries",
    "plugins",
    "database_retry_timeout",
    "python",
    "venv",
    "elt",
    "cli",
    "state_backend",
    "environments",
    "include_paths",
    "schedules",
    "jobs",
    "env",
    "annotations",
    "ff",
    "hub_api_root",
    "hub_url",
    "hub_url_auth",
    "project_readonly",
    "experimental",
    "auto_install",
    "disable_tracking",
};

static bool read_project(struct reading *r)
{
    struct meltano_project *p = r->project;
    if (!read_project_files(r)) {
        return false;
    }
    const struct json *env = json_get(p->tree, "env");
    if (env != NULL && env->type != JSON_OBJECT && env->type != JSON_NULL) {
        problems_add(&r->report->errors, at_node(env), STR_NONE, "env: expected names and values");
    }
    warn_unknown(r, p->tree, "meltano.yml", root_keys, COUNT_OF(root_keys));
    p->default_environment = tree_get_str(p->tree, "default_environment");
    return read_plugins(r) && read_environments(r) && read_jobs(r) && read_schedules(r);
}

/* "a/b/meltano.yml" -> "a/b"; "meltano.yml" -> "."; "/meltano.yml" -> "/". */
static struct str folder_of_path(struct str path)
{
    struct str dir = STR_NONE;
    struct str name = STR_NONE;
    if (!str_cut_last(path, '/', &dir, &name)) {
        return STR(".");
    }
    return dir.len == 0 ? STR("/") : dir;
}

static bool failed(const struct reading *r, struct err *err)
{
    if (r->arena->exhausted) {
        return err_set(err, ERR_FULL, STR_FMT ": needs more than %d MiB of memory",
                       STR_ARG(r->project->path), PROJECT_ARENA_MAX >> 20);
    }
    return problems_to_err(&r->report->errors, err);
}

bool meltano_load(const char *path, struct str root, const struct meltano_files *files,
                  struct meltano_report *report, struct meltano_project **ret, struct err *err)
{
    struct meltano_project *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s: out of memory", path);
    }
    p->arena = arena_new(PROJECT_ARENA_MAX);
    p->path = arena_copy(&p->arena, str_from(path));
    p->dir = arena_copy(&p->arena, folder_of_path(p->path));
    p->root = arena_copy(&p->arena, root);
    struct reading r = {.project = p, .files = files, .report = report, .arena = &p->arena};
    bool ok = !p->arena.exhausted && read_project(&r);
    if (!ok || p->arena.exhausted || report->errors.total > 0) {
        (void)failed(&r, err);
        report->errors.files =
            NULL; /* each problem has its file's name, which goes with the arena */
        report->errors.file_count = 0;
        for (size_t i = 0; i < report->errors.count; i++) {
            struct problem *problem = &report->errors.items[i];
            problem->file = arena_copy(report->errors.arena, problem->file);
        }
        report->warnings = (struct problems){.arena = report->warnings.arena};
        meltano_close(p);
        return false;
    }
    *ret = p;
    return true;
}

void meltano_close(struct meltano_project *project)
{
    if (project != NULL) {
        struct arena arena = project->arena;
        free(project);
        arena_release(&arena);
    }
}

/* --- finding --- */

const struct meltano_plugin *meltano_find_plugin_of(const struct meltano_project *project,
                                                    enum meltano_type type, struct str name)
{
    for (size_t i = 0; i < project->plugin_count; i++) {
        const struct meltano_plugin *plugin = &project->plugins[i];
        if (plugin->type == type && plugin->mapping.len == 0 && str_eq(plugin->name, name)) {
            return plugin;
        }
    }
    return NULL;
}

const struct meltano_plugin *meltano_find_plugin(const struct meltano_project *project,
                                                 struct str name)
{
    for (size_t i = 0; i < project->plugin_count; i++) {
        const struct meltano_plugin *plugin = &project->plugins[i];
        if (str_eq(plugin->mapping.len > 0 ? plugin->mapping : plugin->name, name)) {
            return plugin;
        }
    }
    return NULL;
}

const struct meltano_job *meltano_find_job(const struct meltano_project *project, struct str name)
{
    for (size_t i = 0; i < project->job_count; i++) {
        if (str_eq(project->jobs[i].name, name)) {
            return &project->jobs[i];
        }
    }
    return NULL;
}

bool meltano_find_environment(const struct meltano_project *project, struct str name,
                              const struct meltano_environment **ret, struct err *err)
{
    char names[160] = "";
    struct buf list = buf_fixed(names, sizeof(names) - 1);
    struct str wanted = name.len > 0 ? name : project->default_environment;
    for (size_t i = 0; i < project->environment_count; i++) {
        if (str_eq(project->environments[i].name, wanted)) {
            *ret = &project->environments[i];
            return true;
        }
        buf_addf(&list, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(project->environments[i].name));
    }
    if (wanted.len == 0) {
        *ret = NULL;
        return true;
    }
    (void)err_set(err, ERR_NOT_FOUND, STR_FMT ": there is no environment " STR_FMT,
                  STR_ARG(project->path), STR_ARG(str_clip(wanted, 80)));
    return list.overflow || list.len == 0 ? false : err_hint(err, "there are: %s", names);
}
