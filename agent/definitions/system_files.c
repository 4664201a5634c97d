/* system_files.c - the files of this machine. */
#include "agent/dbt/as_definitions.h"
#include "agent/definitions/definitions.h"
#include "agent/meltano/as_definitions.h"

#include "common/base/limits.h"
#include "common/dbt/select.h"
#include "common/platform/files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    return files_read(path, into, err);
}

static bool read_zone(void *ctx, const char *name, struct buf *into, struct err *err)
{
    (void)ctx;
    char path[TZ_NAME_MAX + 64];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    if (files_read(path, into, err)) {
        return true;
    }
    if (err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "this machine does not know it");
        return err_hint(err, "check the spelling, or install the package tzdata");
    }
    return false;
}

static bool add_entries(DIR *folder, struct buf *into, struct err *err)
{
    const struct dirent *entry = NULL;
    do {
        errno = 0;
        entry = readdir(folder); /* NOLINT(concurrency-mt-unsafe): the folder is ours alone */
        if (entry != NULL) {
            buf_add_text(into, entry->d_name);
            buf_add_char(into, '\0');
        }
    } while (entry != NULL);
    if (errno != 0) {
        return err_errno(err, errno, "read the folder");
    }
    return !into->overflow || err_set(err, ERR_FULL, "it has too many files");
}

static bool list_folder(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return err_errno(err, errno, "open %s", path);
    }
    bool ok = add_entries(folder, into, err);
    (void)closedir(folder);
    return ok || err_wrap(err, "%s", path);
}

enum { MELTANO_REPORT_BYTES = 16 << 20 };

/* "meltano" and "meltano/meltano.yml" are one. */
static bool project_file(const char *path, char *ret, size_t size, struct err *err)
{
    struct stat found;
    bool is_folder = stat(path, &found) == 0 && S_ISDIR(found.st_mode);
    return is_folder ? files_join(path, STR("meltano.yml"), ret, size, err)
                     : files_join(".", str_from(path), ret, size, err);
}

static bool read_meltano(void *ctx, const char *path, struct str name,
                         const struct meltano_entry *entry, struct buf *into, struct err *err)
{
    static const enum meltano_schedules words[] = {
        [MELTANO_RUNNING] = MELTANO_SCHEDULES_RUNNING,
        [MELTANO_PAUSED] = MELTANO_SCHEDULES_PAUSED,
        [MELTANO_NO_SCHEDULES] = MELTANO_SCHEDULES_NONE,
    };
    const struct meltano_files files = meltano_system_files();
    AUTO(arena) arena = arena_new(MELTANO_REPORT_BYTES);
    struct meltano_report report = {.errors = {.arena = &arena}, .warnings = {.arena = &arena}};
    struct meltano_project *project = NULL;
    char file[LIMIT_PATH_BYTES + 1];
    char root[MELTANO_ROOT_SIZE];
    (void)ctx;
    struct meltano_import import = {.path = name,
                                    .environment = entry->environment,
                                    .env = &entry->env,
                                    .skip = entry->skip,
                                    .schedules = words[entry->schedules],
                                    .timezone = entry->timezone,
                                    .files = &files};
    if (!project_file(path, file, sizeof(file), err)) {
        return false;
    }
    if (!str_ends(name, STR(".yml")) && !str_ends(name, STR(".yaml"))) {
        import.path = arena_printf(&arena, STR_FMT "/meltano.yml", STR_ARG(name));
    }
    bool ok = meltano_root_of(file, root, err) &&
              meltano_load(file, str_from(root), &files, &report, &project, err) &&
              meltano_write_definitions(project, &import, into, err);
    meltano_close(project);
    return ok || err_wrap(err, "%s", path);
}

/* --- dbt --- */

enum { DBT_STEP_BYTES = 256 << 10, DBT_MEMORY_MAX = 64 << 20 };

/* A path of the definitions, as this process opens it. */
static const char *path_beside(struct str folder, struct str path, struct arena *arena)
{
    bool is_absolute = str_starts(path, STR("/"));
    struct str all = arena_printf(arena, STR_FMT STR_FMT, is_absolute ? 0 : (int)folder.len,
                                  folder.ptr == NULL ? "" : folder.ptr, STR_ARG(path));
    return all.ptr;
}

/* The members of an entry that say how its nodes run. */
static bool says_how(struct str key)
{
    static const struct str keys[] = {
        STR_INIT("resource"),         STR_INIT("runner"),           STR_INIT("dbt"),
        STR_INIT("target"),           STR_INIT("select"),           STR_INIT("exclude"),
        STR_INIT("selector"),         STR_INIT("allow_frozen"),     STR_INIT("fail_fast"),
        STR_INIT("source_freshness"), STR_INIT("statement_timeout")};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (str_eq(key, keys[i])) {
            return true;
        }
    }
    return false;
}

/* Those that the step gets as they are. */
static bool is_of_step(struct str key)
{
    static const struct str keys[] = {STR_INIT("retry"),     STR_INIT("timeout"),
                                      STR_INIT("freshness"), STR_INIT("automation"),
                                      STR_INIT("pool"),      STR_INIT("env")};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (str_eq(key, keys[i])) {
            return true;
        }
    }
    return false;
}

static void copy_members(const struct json *from, bool (*is_wanted)(struct str key),
                         struct json_writer *w)
{
    AUTO(buf) text = buf_growing(DBT_STEP_BYTES);
    for (const struct json *m = from->child; m != NULL; m = m->next) {
        if (is_wanted(m->key)) {
            buf_reset(&text);
            json_write(&text, m);
            jw_key(w, m->key);
            jw_raw(w, buf_str(&text));
        }
    }
}

/* What all assets of the step have in common, without the braces. */
static bool write_dbt_step(const struct dbt_entry *entry, const struct dbt_project *project,
                           struct buf *out, struct err *err)
{
    struct json_writer w = json_writer(out);
    jw_key(&w, STR("dbt"));
    jw_begin_object(&w);
    jw_member_str(&w, "manifest", entry->run.manifest);
    jw_member_opt(&w, "incremental", entry->run.incremental);
    jw_member_opt(&w, "state", entry->run.state);
    jw_member_opt(&w, "project_dir", entry->run.project_dir);
    jw_member_opt(&w, "profiles_dir", entry->run.profiles_dir);
    jw_member_str(&w, "adapter", project->adapter_type);
    copy_members(entry->node, says_how, &w);
    jw_end_object(&w);
    copy_members(entry->node, is_of_step, &w);
    return !out->overflow ||
           err_set(err, ERR_FULL, "the entry is longer than %d bytes", DBT_STEP_BYTES);
}

static bool select_nodes(const struct dbt_entry *entry, const struct dbt_project *project,
                         struct arena *arena, bool **ret, struct err *err)
{
    const struct dbt_selection selection = {.select = entry->run.select,
                                            .exclude = entry->run.exclude,
                                            .selector = entry->run.selector};
    struct str_list warnings = {0};
    if (!dbt_select(project, &selection, arena, ret, &warnings, err)) {
        return false;
    }
    return warnings.count == 0 || err_set(err, ERR_INVALID, STR_FMT, STR_ARG(warnings.items[0]));
}

static bool import_dbt(const struct dbt_entry *entry, const struct dbt_project *project,
                       struct buf *into, struct err *err)
{
    AUTO(arena) arena = arena_new(DBT_MEMORY_MAX);
    AUTO(buf) step = buf_growing(DBT_STEP_BYTES);
    bool *selected = NULL;
    struct dbt_import import = {.project = project,
                                .key = entry->name,
                                .group = entry->group.len > 0 ? entry->group : project->name,
                                .tags = &entry->tags,
                                .owners = &entry->owners,
                                .asks_freshness = entry->run.asks_freshness};
    if (import.key.len == 0) {
        import.key = arena_printf(&arena, "dbt/" STR_FMT, STR_ARG(project->name));
    }
    if (!select_nodes(entry, project, &arena, &selected, err) ||
        !write_dbt_step(entry, project, &step, err)) {
        return false;
    }
    import.selected = selected;
    import.step = buf_str(&step);
    return dbt_write_definitions(&import, into, err);
}

static bool read_dbt(void *ctx, struct str folder, const struct dbt_entry *entry, struct buf *into,
                     struct err *err)
{
    (void)ctx;
    AUTO(arena) arena = arena_new(DBT_MEMORY_MAX);
    struct dbt_project *project = NULL;
    struct dbt_open open = {.path = path_beside(folder, entry->run.manifest, &arena)};
    if (entry->run.incremental.len > 0) {
        open.incremental = path_beside(folder, entry->run.incremental, &arena);
    }
    bool ok = open.path != NULL ? dbt_project_open(&open, &project, err)
                                : err_set(err, ERR_NO_MEMORY, "no memory for a path");
    ok = ok && import_dbt(entry, project, into, err);
    dbt_project_close(project);
    return ok || err_wrap(err, STR_FMT, STR_ARG(entry->run.manifest));
}

struct definitions_files definitions_system_files(void)
{
    return (struct definitions_files){
        .read_file = read_file,
        .read_zone = read_zone,
        .list_folder = list_folder,
        .read_meltano = read_meltano,
        .read_dbt = read_dbt,
    };
}
