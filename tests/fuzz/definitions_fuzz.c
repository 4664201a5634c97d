/* A definitions file, and what it includes: refused with at least one problem, or loaded, planned
 * and described. The input is one file after another, parted by the byte 0x1e: each *.yaml that is
 * read is the next of them. */
#include "agent/definitions/explain.h"
#include "agent/plan/plan.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_SEPARATOR = 0x1e };

/* Every other file holds one query. No zone is known but UTC. */
static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    struct str *rest = ctx;
    struct str file = STR("select 1");
    if (str_ends(str_from(path), STR(".yaml"))) {
        if (rest->ptr == NULL) {
            return err_set(err, ERR_NOT_FOUND, "there are no more files");
        }
        (void)str_cut(*rest, FILE_SEPARATOR, &file, rest);
    }
    buf_add(into, file);
    return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
}

static bool list_folder(void *ctx, const char *path, struct buf *into, struct err *err)
{
    static const char names[] = "b.yaml\0a.yaml\0.hidden.yaml\0readme\0";
    (void)ctx;
    (void)path;
    buf_add(into, (struct str){names, sizeof(names) - 1});
    return !into->overflow || err_set(err, ERR_NO_MEMORY, "no memory");
}

static bool read_zone(void *ctx, const char *name, struct buf *into, struct err *err)
{
    (void)ctx;
    (void)into;
    return err_set(err, ERR_NOT_FOUND, "there is no zone %s", name);
}

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = name;
    return name.len % 2 == 0;
}

static bool read_secret(void *ctx, struct str name, struct buf *into, struct err *err)
{
    (void)ctx;
    buf_add(into, name);
    return name.len % 2 == 0 ||
           err_set(err, ERR_NOT_FOUND, "there is no secret " STR_FMT, STR_ARG(name));
}

/* Texts that are resolved when a step starts: whatever they hold, there is a text or an error. */
static void resolve(struct str text, const struct env_lookup *env, struct arena *arena)
{
    struct str result = STR_NONE;
    struct err err = {0};
    if (!definitions_resolve_text(text, env, arena, &result, &err)) {
        assert(err.msg[0] != '\0');
    }
}

/* What is explained can be loaded again, and defines the same. With variables anything may have come
 * of a text. */
static void explain(const struct definitions *defs, const struct env_lookup *env, bool is_plain)
{
    static const struct secret_folders folders = {.secrets = "/nowhere"};
    AUTO(buf) once = buf_growing(4 << 20);
    AUTO(arena) report = arena_new(1 << 20);
    struct explain what = {.defs = defs, .env = env, .folders = &folders};
    struct err err = {0};
    if (!explain_assets(&what, NULL, &once, &err)) {
        assert(err.code == ERR_NO_MEMORY);
        return;
    }
    struct str none = STR_NONE;
    const struct definitions_files files = {
        .read_file = read_file, .read_zone = read_zone, .list_folder = list_folder, .ctx = &none};
    struct problems problems = {.arena = &report};
    struct definitions *again = NULL;
    bool ok = definitions_parse(buf_str(&once), STR("again.yaml"), &files, &problems, &again, &err);
    assert(ok || !is_plain || err.code != ERR_INVALID);
    if (ok && is_plain) {
        AUTO(buf) changes = buf_growing(1 << 20);
        (void)definitions_write_changes(defs, again, &changes);
        assert(again->asset_count == defs->asset_count && again->job_count == defs->job_count);
        assert(!str_contains(buf_str(&changes), STR("added")));
        assert(!str_contains(buf_str(&changes), STR("removed")));
        assert(!str_contains(buf_str(&changes), STR("code version (")));
    }
    definitions_close(again);
}

static void use(const struct definitions *defs, bool is_plain)
{
    AUTO(arena) arena = arena_new(4 << 20);
    AUTO(buf) out = buf_growing(1 << 20);
    const struct secret_lookup secrets = {.read = read_secret};
    const struct env_lookup env = {.get = get, .secrets = &secrets};
    struct err err = {0};
    for (size_t i = 0; i < defs->asset_count && i < 100; i++) {
        struct json_writer w = json_writer(&out);
        definitions_write_asset(defs, i, &env, &w);
        for (size_t a = 0; a < defs->assets[i].run.count; a++) {
            resolve(defs->assets[i].run.items[a], &env, &arena);
        }
        for (size_t a = 0; a < defs->assets[i].env.count; a++) {
            resolve(defs->assets[i].env.values[a], &env, &arena);
        }
    }
    assert(!out.overflow);
    explain(defs, &env, is_plain);
    struct plan plan;
    if (plan_make(defs, STR("*"), &arena, &plan, &err)) {
        assert(plan.count <= defs->asset_count);
    }
    for (size_t i = 0; i < defs->job_count; i++) {
        const struct job *job = &defs->jobs[i];
        bool ok = plan_make_for(defs, job->assets, job->asset_count, &arena, &plan, &err);
        assert(ok || err.code == ERR_NO_MEMORY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) report = arena_new(1 << 20);
    struct problems problems = {.arena = &report};
    struct definitions *defs = NULL;
    struct err err = {0};
    struct str text = STR_NONE;
    struct str rest = STR_NONE;
    (void)str_cut((struct str){(const char *)data, size}, FILE_SEPARATOR, &text, &rest);
    const struct definitions_files files = {
        .read_file = read_file, .read_zone = read_zone, .list_folder = list_folder, .ctx = &rest};
    if (definitions_parse(text, STR("selvedge.yaml"), &files, &problems, &defs, &err)) {
        assert(problems.total == 0);
        use(defs, memchr(data, '$', size) == NULL);
    } else {
        assert(defs == NULL && err.msg[0] != '\0');
        assert(problems.total > 0 || err.code == ERR_NO_MEMORY || err.code == ERR_FULL);
    }
    definitions_close(defs);
    return 0;
}
