#include "agent/transform/dbt_command.h"

#include "common/base/limits.h"
#include "common/platform/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

enum { WORDS_FIXED = 48 };

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for dbt's command");
}

/* -- which dbt -- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool is_in(const char *folder, const char *name, char path[LIMIT_PATH_BYTES + 1])
{
    struct err ignored;
    return files_join(folder, str_from(name), path, LIMIT_PATH_BYTES + 1, &ignored) &&
           is_program(path);
}

static bool is_in_path(char path[LIMIT_PATH_BYTES + 1])
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here sets variables */
    struct str rest = str_from(getenv("PATH"));
    while (rest.len > 0) {
        struct str item;
        char folder[LIMIT_PATH_BYTES + 1];
        struct err ignored;
        (void)str_cut(rest, ':', &item, &rest);
        /* Only absolute folders: what runs must not depend on where we stand. */
        if (str_starts(item, STR("/")) && files_join("", item, folder, sizeof(folder), &ignored) &&
            is_in(folder, "dbt", path)) {
            return true;
        }
    }
    return false;
}

static bool find_named(const struct dbt_drive *drive, const char *project_dir,
                       char path[LIMIT_PATH_BYTES + 1], struct err *err)
{
    if (!str_contains(drive->dbt, STR("/"))) {
        err_set(err, ERR_INVALID, "dbt is to be \"" STR_FMT "\", which is no path",
                STR_ARG(drive->dbt));
        return err_hint(err, "write ./" STR_FMT " for a file of the project, or leave it out",
                        STR_ARG(drive->dbt));
    }
    if (!files_join(project_dir, drive->dbt, path, LIMIT_PATH_BYTES + 1, err)) {
        return false;
    }
    return is_program(path) ||
           err_set(err, ERR_NOT_FOUND, "there is no dbt at %s, or it is no program", path);
}

static bool find_dbt(const struct dbt_drive *drive, const char *project_dir,
                     char path[LIMIT_PATH_BYTES + 1], struct err *err)
{
    if (drive->dbt.len > 0) {
        return find_named(drive, project_dir, path, err);
    }
    if (is_in(project_dir, "venv/bin/dbt", path) || is_in(project_dir, ".venv/bin/dbt", path) ||
        is_in_path(path)) {
        return true;
    }
    err_set(err, ERR_NOT_FOUND, "there is no dbt: not in venv or .venv of %s, and not in PATH",
            project_dir);
    return err_hint(err, "install dbt-core and the adapter of the database there, name the program "
                         "with `dbt`, or run the project natively");
}

static bool check_project(const char *project_dir, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!files_join(project_dir, STR("dbt_project.yml"), path, sizeof(path), err)) {
        return false;
    }
    if (!files_exist(path)) {
        err_set(err, ERR_NOT_FOUND, "there is no %s", path);
        return err_hint(err, "dbt needs its project, a manifest is not enough");
    }
    return true;
}

/* -- its arguments -- */

struct words {
    struct arena *arena;
    const char **items;
    size_t count;
    size_t bytes; /* as the kernel counts them */
    bool is_full;
};

static void add_word(struct words *w, struct str word)
{
    const char *text = arena_cstr(w->arena, word);
    w->is_full = w->is_full || text == NULL;
    w->items[w->count++] = text;
    w->bytes += word.len + 1 + sizeof(char *);
}

static void add_option(struct words *w, const char *name, struct str value)
{
    if (value.len > 0) {
        add_word(w, str_from(name));
        add_word(w, value);
    }
}

static void add_arguments(struct words *w, const struct dbt_drive *drive, const char *target_dir)
{
    /* debug: NodeStart and NodeFinished are events of that level. */
    static const char *const fixed[] = {"--log-format",     "json",  "--log-level", "debug",
                                        "--log-level-file", "error", "build"};
    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        add_word(w, str_from(fixed[i]));
    }
    add_option(w, "--target-path", str_from(target_dir));
    add_option(w, "--log-path", str_from(target_dir));
    add_option(w, "--profiles-dir", drive->profiles_dir);
    add_option(w, "--target", drive->target);
    add_option(w, "--vars", drive->vars);
    if (drive->threads > 0) {
        add_option(w, "--threads", arena_printf(w->arena, "%lld", (long long)drive->threads));
    }
    if (drive->full_refresh) {
        add_word(w, STR("--full-refresh"));
    }
    if (drive->fail_fast) {
        add_word(w, STR("--fail-fast"));
    }
    if (drive->select.count > 0) {
        add_word(w, STR("--select"));
    }
    for (size_t i = 0; i < drive->select.count; i++) {
        add_word(w, drive->select.items[i]);
    }
}

/* -- its variables -- */

static const char *indirect_name(enum dbt_indirect indirect)
{
    static const char *const names[] = {[DBT_EAGER] = "DBT_INDIRECT_SELECTION=eager",
                                        [DBT_CAUTIOUS] = "DBT_INDIRECT_SELECTION=cautious",
                                        [DBT_BUILDABLE] = "DBT_INDIRECT_SELECTION=buildable",
                                        [DBT_EMPTY] = "DBT_INDIRECT_SELECTION=empty"};
    return names[indirect];
}

/* Variables and no arguments: what a version does not know of them it passes over. The last is
 * for indirect selection. */
static const char *const variables[] = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS=false",
    "DBT_WRITE_JSON=true",
    "DBT_PARTIAL_PARSE=true",
    "DBT_QUIET=false",
    "DBT_USE_COLORS=false",
    "DBT_INDIRECT_SELECTION=",
};

static bool is_ours(const char *entry)
{
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        size_t name = (size_t)(strchr(variables[i], '=') - variables[i]) + 1;
        if (strncmp(entry, variables[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *const *make_envp(const struct dbt_drive *drive, struct arena *arena,
                                    size_t *bytes)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    const char **envp = arena_array(arena, count + COUNT_OF(variables) + 1, sizeof(*envp));
    if (envp == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(environ[i])) {
            envp[used++] = environ[i];
        }
    }
    for (size_t i = 0; i + 1 < COUNT_OF(variables); i++) {
        envp[used++] = variables[i];
    }
    envp[used++] = indirect_name(drive->indirect);
    for (size_t i = 0; i < used; i++) {
        *bytes += strlen(envp[i]) + 1 + sizeof(char *);
    }
    return envp;
}

bool dbt_command_make(const struct dbt_drive *drive, const char *target_dir, struct arena *arena,
                      struct dbt_command *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1] = "";
    const char *project_dir = arena_cstr(arena, drive->project_dir);
    struct words words = {.arena = arena};
    words.items = arena_array(arena, drive->select.count + WORDS_FIXED, sizeof(*words.items));
    ret->envp = make_envp(drive, arena, &words.bytes);
    if (project_dir == NULL || words.items == NULL || ret->envp == NULL) {
        return no_memory(err);
    }
    if (!check_project(project_dir, err) || !find_dbt(drive, project_dir, path, err)) {
        return false;
    }
    /* dbt runs in the project's folder. */
    char *program = path[0] == '/' ? NULL : realpath(path, NULL);
    add_word(&words, str_from(program == NULL ? path : program));
    free(program);
    add_arguments(&words, drive, target_dir);
    if (words.is_full) {
        return no_memory(err);
    }
    if (words.bytes > DBT_DRIVE_COMMAND_BYTES_MAX) {
        err_set(err, ERR_FULL, "%zu nodes are more than one command takes: %zu bytes, at most %d",
                drive->select.count, words.bytes, (int)DBT_DRIVE_COMMAND_BYTES_MAX);
        return err_hint(err, "run all of the project, or select fewer nodes");
    }
    ret->argv = words.items;
    return true;
}

/* -- selecting -- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* fqn:shop.marts.[o]rders,resource_type:model. Without a wildcard dbt takes the name of a folder for
 * all that is in it, and a model may have the name of one; a test the name of a model. */
struct str dbt_drive_criterion(const struct dbt_node *node, struct arena *arena)
{
    AUTO(buf) text = buf_growing(LIMIT_PATH_BYTES);
    buf_add_text(&text, "fqn:");
    for (size_t i = 0; i < node->fqn.count; i++) {
        struct str part = node->fqn.items[i];
        bool is_plain = part.len > 0 && is_letter(part.ptr[0]);
        buf_add_text(&text, i == 0 ? "" : ".");
        if (i + 1 == node->fqn.count && is_plain) {
            buf_addf(&text, "[%c]", part.ptr[0]);
            part = str_slice(part, 1, part.len);
        }
        buf_add(&text, part);
    }
    /* A blank separates criteria, a comma joins them: a "?" of dbt's wildcards stands for either. */
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ' ' || text.ptr[i] == ',') {
            text.ptr[i] = '?';
        }
    }
    buf_addf(&text, ",resource_type:%s", dbt_type_name(node->type));
    return text.overflow ? STR_NONE : arena_copy(arena, buf_str(&text));
}
