/* jobs.c - environments, jobs and schedules out of the tree. */
#include "agent/meltano/reading.h"

#include "common/model/cron.h"
#include <string.h>

enum { WORDS_MAX = 4096 };

/* Meltano takes the first of a name. */
static void warn_twice(struct reading *r, const struct json *entry, const char *what)
{
    problems_add(&r->report->warnings, at_node(entry), STR("take one of the two away"),
                 "%s " STR_FMT " is defined twice; the first counts", what,
                 STR_ARG(tree_get_str(entry, "name")));
}

/* --- environments --- */

static void check_environment_plugins(struct reading *r, const struct json *entry)
{
    const struct json *config = tree_get_typed(entry, "config", JSON_OBJECT);
    const struct json *plugins = tree_get_typed(config, "plugins", JSON_OBJECT);
    for (int t = 0; t < MELTANO_TYPES; t++) {
        enum meltano_type type = (enum meltano_type)t;
        const struct json *item = list_of_objects(r, plugins, meltano_type_name(type));
        for (; item != NULL; item = item->next) {
            struct str name = tree_get_str(item, "name");
            if (meltano_find_plugin_of(r->project, type, name) == NULL) {
                problems_add(&r->report->warnings, at_node(item), STR_NONE,
                             "environment " STR_FMT ": there is no %s " STR_FMT,
                             STR_ARG(tree_get_str(entry, "name")), meltano_type_one(type),
                             STR_ARG(name));
            }
        }
    }
}

bool read_environments(struct reading *r)
{
    static const char *const known[] = {"name", "config", "env", "annotations", "state_id_suffix"};
    struct meltano_project *p = r->project;
    const struct json *list = json_get(p->tree, "environments");
    const struct json *entry = list_of_objects(r, p->tree, "environments");
    p->environments =
        arena_array(r->arena, list == NULL ? 0 : list->count, sizeof(*p->environments));
    if (p->environments == NULL) {
        return false;
    }
    for (; entry != NULL; entry = entry->next) {
        struct str name = name_of(r, entry, "environment");
        bool is_known = false;
        for (size_t i = 0; i < p->environment_count && !is_known; i++) {
            is_known = str_eq(p->environments[i].name, name);
        }
        if (is_known) {
            warn_twice(r, entry, "environment");
        }
        if (name.len == 0 || is_known) {
            continue;
        }
        warn_unknown(r, entry, "environment", known, COUNT_OF(known));
        check_environment_plugins(r, entry);
        p->environments[p->environment_count++] =
            (struct meltano_environment){.name = name, .entry = entry, .at = at_node(entry)};
    }
    if (p->default_environment.len > 0) {
        const struct meltano_environment *found = NULL;
        struct err err = {0};
        if (!meltano_find_environment(p, STR(""), &found, &err)) {
            problems_add(&r->report->warnings, at_member(p->tree, "default_environment"),
                         str_from(err.hint),
                         "default_environment: there is no environment " STR_FMT,
                         STR_ARG(p->default_environment));
        }
    }
    return true;
}

/* --- jobs --- */

static void add_words(struct reading *r, struct str text, struct str_list *words)
{
    size_t at = 0;
    while (at < text.len) {
        while (at < text.len && strchr(" \t\r\n", text.ptr[at]) != NULL) {
            at++;
        }
        size_t start = at;
        while (at < text.len && strchr(" \t\r\n", text.ptr[at]) == NULL) {
            at++;
        }
        if (at > start && words->count < WORDS_MAX) {
            words->items[words->count++] = str_slice(text, start, at);
        } else if (at > start) {
            r->arena->exhausted = true;
        }
    }
}

/* Lists in lists mean nothing to a run: all is one row of words. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
static void flatten_tasks(struct reading *r, const struct json *tasks, struct str name,
                          struct str_list *words)
{
    if (tasks->type == JSON_STRING) {
        add_words(r, tasks->as.string, words);
    } else if (tasks->type == JSON_ARRAY) {
        for (const struct json *item = tasks->child; item != NULL; item = item->next) {
            flatten_tasks(r, item, name, words);
        }
    } else if (tasks->type != JSON_NULL) {
        problems_add(&r->report->errors, at_node(tasks), STR("write \"tap-x target-y\""),
                     "job " STR_FMT ": a task is a text, not %s", STR_ARG(name),
                     json_type_name(tasks->type));
    }
}

static bool keep_words(struct reading *r, const struct str_list *words, struct str_list *ret)
{
    *ret = (struct str_list){.items = arena_array(r->arena, words->count, sizeof(struct str)),
                             .count = words->count};
    if (ret->items != NULL && words->count > 0) {
        memcpy(ret->items, words->items, words->count * sizeof(struct str));
    }
    return ret->items != NULL;
}

bool read_jobs(struct reading *r)
{
    static const char *const known[] = {"name", "tasks", "annotations"};
    struct meltano_project *p = r->project;
    const struct json *list = json_get(p->tree, "jobs");
    const struct json *entry = list_of_objects(r, p->tree, "jobs");
    p->jobs = arena_array(r->arena, list == NULL ? 0 : list->count, sizeof(*p->jobs));
    struct str_list words = {.items = arena_array(r->arena, WORDS_MAX, sizeof(struct str))};
    if (p->jobs == NULL || words.items == NULL) {
        return false;
    }
    for (; entry != NULL; entry = entry->next) {
        struct str name = tree_get_str(entry, "name");
        if (name.len == 0) {
            problems_add(&r->report->errors, at_node(entry), STR("give it a name"),
                         "a job has no name");
            continue;
        }
        if (meltano_find_job(p, name) != NULL) {
            warn_twice(r, entry, "job");
            continue;
        }
        warn_unknown(r, entry, "job", known, COUNT_OF(known));
        struct meltano_job *job = &p->jobs[p->job_count++];
        *job = (struct meltano_job){
            .name = name, .tasks = json_get(entry, "tasks"), .at = at_node(entry)};
        words.count = 0;
        if (job->tasks == NULL) {
            problems_add(&r->report->warnings, job->at, STR_NONE, "job " STR_FMT " has no tasks",
                         STR_ARG(name));
        } else {
            flatten_tasks(r, job->tasks, name, &words);
        }
        if (!keep_words(r, &words, &job->words)) {
            return false;
        }
    }
    return true;
}

/* --- schedules --- */

bool meltano_cron_of(struct str interval, struct str *ret)
{
    static const struct {
        const char *alias;
        const char *cron;
    } aliases[] = {
        {"@once", ""},
        {"@manual", ""},
        {"@none", ""},
        {"@hourly", "0 * * * *"},
        {"@daily", "0 0 * * *"},
        {"@midnight", "0 0 * * *"},
        {"@weekly", "0 0 * * 0"},
        {"@monthly", "0 0 1 * *"},
        {"@yearly", "0 0 1 1 *"},
        {"@annually", "0 0 1 1 *"},
    };
    for (size_t i = 0; i < COUNT_OF(aliases); i++) {
        if (str_eq(interval, str_from(aliases[i].alias))) {
            *ret = str_from(aliases[i].cron);
            return true;
        }
    }
    struct cron cron;
    struct err err = {0};
    if (str_starts(interval, STR("@")) || !cron_parse(interval, &cron, &err)) {
        return false;
    }
    *ret = interval;
    return true;
}

static void warn_missing(struct reading *r, const struct json *entry, const char *key,
                         enum meltano_type type, struct str name)
{
    if (name.len == 0) {
        problems_add(&r->report->errors, at_node(entry), STR("or give it a job"),
                     "schedule " STR_FMT " has no %s", STR_ARG(tree_get_str(entry, "name")), key);
    } else if (meltano_find_plugin_of(r->project, type, name) == NULL) {
        problems_add(&r->report->warnings, at_member(entry, key), STR("declare it below plugins:"),
                     "schedule " STR_FMT ": there is no %s " STR_FMT,
                     STR_ARG(tree_get_str(entry, "name")), key, STR_ARG(name));
    }
}

static void check_schedule(struct reading *r, const struct json *entry,
                           const struct meltano_schedule *s)
{
    static const char *const known[] = {"name",      "job",        "interval",
                                        "env",       "extractor",  "loader",
                                        "transform", "start_date", "annotations"};
    warn_unknown(r, entry, "schedule", known, COUNT_OF(known));
    if (s->job.len == 0) {
        warn_missing(r, entry, "extractor", MELTANO_EXTRACTORS, s->extractor);
        warn_missing(r, entry, "loader", MELTANO_LOADERS, s->loader);
    } else if (meltano_find_job(r->project, s->job) == NULL) {
        problems_add(&r->report->warnings, at_member(entry, "job"), STR("declare it below jobs:"),
                     "schedule " STR_FMT ": there is no job " STR_FMT, STR_ARG(s->name),
                     STR_ARG(s->job));
    }
    if (s->env != NULL && s->env->type != JSON_OBJECT) {
        problems_add(&r->report->errors, at_node(s->env), STR_NONE,
                     "schedule " STR_FMT ": env: expected names and values", STR_ARG(s->name));
    }
}

static void read_schedule(struct reading *r, const struct json *entry, struct str name)
{
    struct meltano_project *p = r->project;
    struct meltano_schedule *s = &p->schedules[p->schedule_count++];
    *s = (struct meltano_schedule){.name = name,
                                   .job = tree_get_str(entry, "job"),
                                   .extractor = tree_get_str(entry, "extractor"),
                                   .loader = tree_get_str(entry, "loader"),
                                   .transform = tree_get_str(entry, "transform"),
                                   .interval = tree_get_str(entry, "interval"),
                                   .env = json_get(entry, "env"),
                                   .entry = entry,
                                   .at = at_node(entry)};
    check_schedule(r, entry, s);
    if (s->interval.len > 0 && !meltano_cron_of(s->interval, &s->cron)) {
        problems_add(
            &r->report->warnings, at_member(entry, "interval"),
            STR("five fields of cron, or @hourly, @daily, @weekly, @monthly, @yearly, @once"),
            "schedule " STR_FMT ": interval \"" STR_FMT "\" is none; it runs by hand only",
            STR_ARG(name), STR_ARG(str_clip(s->interval, 80)));
    }
}

bool read_schedules(struct reading *r)
{
    struct meltano_project *p = r->project;
    const struct json *list = json_get(p->tree, "schedules");
    const struct json *entry = list_of_objects(r, p->tree, "schedules");
    p->schedules = arena_array(r->arena, list == NULL ? 0 : list->count, sizeof(*p->schedules));
    if (p->schedules == NULL) {
        return false;
    }
    for (; entry != NULL; entry = entry->next) {
        struct str name = tree_get_str(entry, "name");
        bool is_known = false;
        for (size_t i = 0; i < p->schedule_count && !is_known; i++) {
            is_known = str_eq(p->schedules[i].name, name);
        }
        if (name.len == 0) {
            problems_add(&r->report->errors, at_node(entry), STR("give it a name"),
                         "a schedule has no name");
        } else if (is_known) {
            warn_twice(r, entry, "schedule");
        } else {
            read_schedule(r, entry, name);
        }
    }
    return true;
}
