/* A definitions file: refused with at least one problem, or loaded, planned and described. */
#include "agent/plan/plan.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every file holds one query. No zone is known but UTC. */
static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    (void)ctx;
    (void)path;
    buf_add_text(into, "select 1");
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

static void use(const struct definitions *defs)
{
    AUTO(arena) arena = arena_new(4 << 20);
    AUTO(buf) out = buf_growing(1 << 20);
    const struct env_lookup env = {.get = get};
    struct err err = {0};
    for (size_t i = 0; i < defs->asset_count && i < 100; i++) {
        struct json_writer w = json_writer(&out);
        definitions_write_asset(defs, i, &w);
        for (size_t a = 0; a < defs->assets[i].run.count; a++) {
            struct str text = STR_NONE;
            if (!definitions_resolve_text(defs->assets[i].run.items[a], &env, &arena, &text,
                                          &err)) {
                assert(err.msg[0] != '\0');
            }
        }
    }
    assert(!out.overflow);
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
    const struct definitions_files files = {.read_file = read_file, .read_zone = read_zone};
    struct definitions *defs = NULL;
    struct err err = {0};
    struct str text = {(const char *)data, size};
    if (definitions_parse(text, STR("selvedge.yaml"), &files, &problems, &defs, &err)) {
        assert(problems.total == 0);
        use(defs);
    } else {
        assert(defs == NULL && err.msg[0] != '\0');
        assert(problems.total > 0 || err.code == ERR_NO_MEMORY || err.code == ERR_FULL);
    }
    definitions_close(defs);
    return 0;
}
