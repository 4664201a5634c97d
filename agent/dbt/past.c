#include "agent/dbt/past.h"

#include "agent/dbt/built.h"
#include "agent/dbt/run_results.h"
#include "common/base/limits.h"
#include "common/platform/files.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 };

struct dbt_past dbt_past(const struct dbt_past_of *of, struct arena *arena)
{
    return (struct dbt_past){.of = *of, .arena = arena};
}

void dbt_past_release(struct dbt_past *past)
{
    dbt_project_close(past->old);
    past->old = NULL;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "no memory for what was before");
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The path of `name` in the folder that was given; *ret_path NULL: a file was given. */
static bool given_path(const struct dbt_past *past, const char *name, const char **ret_path,
                       struct err *err)
{
    const char *given = arena_cstr(past->arena, past->of.given);
    if (given == NULL) {
        return no_memory(err);
    }
    if (!files_exist(given)) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no %s", given);
        return err_hint(err, "a folder with an earlier manifest.json is wanted, or that file");
    }
    *ret_path = NULL;
    if (is_folder(given)) {
        struct str path = arena_printf(past->arena, "%s/%s", given, name);
        *ret_path = path.ptr;
        return path.ptr != NULL || no_memory(err);
    }
    return true;
}

/* --- state: ------------------------------------------------------------------------------------ */

static bool find_given(const struct dbt_past *past, const char **ret_path, struct err *err)
{
    if (!given_path(past, "manifest.json", ret_path, err)) {
        return false;
    }
    if (*ret_path != NULL && !files_exist(*ret_path)) {
        (void)err_set(err, ERR_NOT_FOUND, STR_FMT " has no manifest.json",
                      STR_ARG(str_clip(past->of.given, 300)));
        return err_hint(err, "it is the folder target/ of an earlier dbt compile or dbt build");
    }
    if (*ret_path == NULL) {
        *ret_path = arena_cstr(past->arena, past->of.given);
    }
    return *ret_path != NULL || no_memory(err);
}

static bool is_of_project(const struct dbt_past *past, const char *path, struct err *err)
{
    struct str name = past->of.project->name;
    if (name.len == 0 || past->old->name.len == 0 || str_eq(name, past->old->name)) {
        return true;
    }
    (void)err_set(err, ERR_INVALID,
                  "%s is of project \"" STR_FMT "\" and this one is \"" STR_FMT "\"", path,
                  STR_ARG(str_clip(past->old->name, 80)), STR_ARG(str_clip(name, 80)));
    return err_hint(err,
                    "an earlier manifest of the same project is wanted; where there are several "
                    "projects, each entry's `state` names its own");
}

static bool open_given(struct dbt_past *past, struct err *err)
{
    struct dbt_open open = {0};
    return find_given(past, &open.path, err) && dbt_project_open(&open, &past->old, err) &&
           is_of_project(past, open.path, err);
}

static bool open_built(struct dbt_past *past, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    const struct dbt_open open = {.path = path};
    if (!dbt_built_path(past->of.state_dir, past->of.step, path, sizeof(path), err)) {
        return false;
    }
    if (!files_exist(path)) {
        (void)err_set(err, ERR_NOT_FOUND,
                      "there is nothing to compare with: nothing of it was built here yet");
        return err_hint(err, "build it once, or give an earlier manifest by --dbt-state");
    }
    if (!dbt_project_open(&open, &past->old, err)) {
        return err_hint(err, "the next build makes it anew; --dbt-state gives another");
    }
    return is_of_project(past, path, err);
}

static bool open_old(void *ctx, const struct dbt_project **ret, struct err *err)
{
    struct dbt_past *past = ctx;
    past->was_asked = true;
    if (past->old == NULL &&
        !(past->of.given.len > 0 ? open_given(past, err) : open_built(past, err))) {
        return false;
    }
    *ret = past->old;
    return true;
}

/* --- result: ----------------------------------------------------------------------------------- */

static bool take_result(void *ctx, const struct dbt_outcome *outcome, struct err *err)
{
    struct dbt_past *past = ctx;
    struct str id = arena_copy(past->arena, outcome->unique_id);
    return (id.ptr != NULL && strmap_put(&past->results.by_id, id, (uint32_t)outcome->status)) ||
           no_memory(err);
}

static bool read_pieces(int fd, struct run_results *r, struct err *err)
{
    char piece[PIECE_BYTES];
    ssize_t got = 0;
    while ((got = read(fd, piece, sizeof(piece))) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, errno, "it cannot be read");
        }
        if (!run_results_read(r, (struct str){piece, (size_t)got}, err)) {
            return false;
        }
    }
    return run_results_end(r, err);
}

static bool read_run_results(struct dbt_past *past, const char *path, struct err *err)
{
    AUTO(run_results) reader = {0};
    AUTO(fd) file = {open(path, O_RDONLY | O_CLOEXEC)};
    past->results = (struct dbt_results){.by_id = strmap_new(past->arena), .arena = past->arena};
    run_results_init(&reader, take_result, past);
    if (file.n < 0) {
        (void)err_errno(err, errno, "%s", path);
        return err_hint(err, "result: goes by run_results.json of an earlier dbt build there");
    }
    return read_pieces(file.n, &reader, err) || err_wrap(err, "%s", path);
}

/* A folder has its own; beside a single file it is how nodes ended here. */
static bool read_results(struct dbt_past *past, struct err *err)
{
    const char *given = NULL;
    char path[LIMIT_PATH_BYTES + 1];
    if (past->of.given.len > 0 && !given_path(past, "run_results.json", &given, err)) {
        return false;
    }
    if (given != NULL) {
        return read_run_results(past, given, err);
    }
    return dbt_results_path(past->of.state_dir, past->of.step, path, sizeof(path), err) &&
           dbt_results_read(path, past->arena, &past->results, err);
}

static bool status_of(void *ctx, struct str unique_id, struct str *ret_status, struct err *err)
{
    struct dbt_past *past = ctx;
    past->was_asked = true;
    if (!past->has_results && !read_results(past, err)) {
        return false;
    }
    past->has_results = true;
    *ret_status = dbt_results_status(&past->results, unique_id);
    return true;
}

/* --- source_status: ---------------------------------------------------------------------------- */

static bool find_now(struct dbt_past *past, struct err *err)
{
    past->was_asked = true;
    past->has_now = past->has_now || past->of.ask(past->of.ask_ctx, past->arena, &past->now, err);
    return past->has_now;
}

static bool read_given(struct dbt_past *past, const char *path, struct err *err)
{
    if (!files_exist(path)) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no %s", path);
        return err_hint(err, "it is what dbt source freshness, or selvedge-agent sources, writes");
    }
    return dbt_loaded_read(path, past->arena, &past->then, err);
}

/* A folder has its own; beside a single file it is what was found here. */
static bool find_then(struct dbt_past *past, struct err *err)
{
    const char *given = NULL;
    char path[LIMIT_PATH_BYTES + 1];
    if (past->has_then) {
        return true;
    }
    if (past->of.given.len > 0 && !given_path(past, "sources.json", &given, err)) {
        return false;
    }
    if (given != NULL) {
        return past->has_then = read_given(past, given, err);
    }
    if (!dbt_loaded_path(past->of.state_dir, past->of.step, path, sizeof(path), err)) {
        return false;
    }
    if (!files_exist(path)) {
        (void)err_set(err, ERR_NOT_FOUND,
                      "there is nothing to compare with: no build here has asked its sources yet");
        return err_hint(err, "build it once with --source-freshness, or give a folder with an "
                             "earlier sources.json by --dbt-state");
    }
    past->has_then = dbt_loaded_read(path, past->arena, &past->then, err);
    return past->has_then || err_hint(err, "the next build with --source-freshness makes it anew");
}

static bool is_fresher(void *ctx, struct str unique_id, bool *ret, struct err *err)
{
    struct dbt_past *past = ctx;
    if (!find_then(past, err) || !find_now(past, err)) {
        return false;
    }
    *ret = dbt_loaded_is_fresher(&past->then, &past->now, unique_id);
    return true;
}

static bool freshness_of(void *ctx, struct str unique_id, struct str *ret_status, struct err *err)
{
    struct dbt_past *past = ctx;
    if (!find_now(past, err)) {
        return false;
    }
    const struct dbt_loaded_source *source = dbt_loaded_find(&past->now, unique_id);
    *ret_status = source == NULL ? STR_NONE : str_from(dbt_status_name(source->status));
    return true;
}

struct dbt_before dbt_past_before(struct dbt_past *past)
{
    struct dbt_before before = {.open = open_old, .status = status_of, .ctx = past};
    if (past->of.ask != NULL) {
        before.is_fresher = is_fresher;
        before.freshness = freshness_of;
    }
    return before;
}
