/* A selection by dbt's syntax: the first line is what is selected, the second what is excluded, the rest the
 * object of selectors.yml as JSON. Over a small project that stands in memory as a manifest, compared with
 * itself. Whatever is accepted selects nothing when the same is excluded, and never a hook. */
#include "common/base/limits.h"
#include "common/dbt/select.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NODE(type, name, more)                                                                     \
    "\"" type ".m." name "\":{\"unique_id\":\"" type ".m." name "\",\"resource_type\":\"" type     \
    "\",\"name\":\"" name "\",\"package_name\":\"m\",\"original_file_path\":\"models/a/" name      \
    ".sql\",\"fqn\":[\"m\",\"a\",\"" name "\"],\"raw_code\":\"x\",\"config\":{\"tags\":[\"t\"],"   \
    "\"materialized\":\"view\",\"meta\":{\"k\":1,\"b\":true}},\"depends_on\":{\"macros\":"         \
    "[\"macro.m.f\"],\"nodes\":[" more "]}}"

static const char manifest[] =
    "{\"metadata\":{\"dbt_schema_version\":\"https://schemas.getdbt.com/dbt/manifest/v12.json\","
    "\"project_name\":\"m\"},\"nodes\":{" NODE("model", "a", "\"source.m.s\"") "," NODE("model", "b", "\"model.m.a\"") "," NODE(
        "test", "ta",
        "\"model.m.a\",\"model.m.b\"") "," NODE("operation", "h",
                                                "\"model.m.b\"") "},"
                                                                 "\"sources\":{" NODE(
                                                                     "source", "s",
                                                                     "") "},\"exposures\":"
                                                                         "{" NODE("exposure", "e",
                                                                                  "\"model.m."
                                                                                  "b\"") "},"
                                                                                         "\"ma"
                                                                                         "cros"
                                                                                         "\":{"
                                                                                         "\"ma"
                                                                                         "cro."
                                                                                         "m."
                                                                                         "f\":"
                                                                                         "{\"m"
                                                                                         "acro"
                                                                                         "_sql"
                                                                                         "\":"
                                                                                         "\"1"
                                                                                         "\","
                                                                                         "\"de"
                                                                                         "pend"
                                                                                         "s_"
                                                                                         "on\""
                                                                                         ":{"
                                                                                         "\"ma"
                                                                                         "cros"
                                                                                         "\":["
                                                                                         "]}}}"
                                                                                         ","
                                                                                         "\"di"
                                                                                         "sabl"
                                                                                         "ed\""
                                                                                         ":{}"
                                                                                         "}";

static struct dbt_project *open_project(void)
{
    static struct dbt_project *project;
    if (project != NULL) {
        return project;
    }
    char path[64];
    struct err err = {0};
    int fd = memfd_create("manifest", 0);
    ssize_t written = write(fd, manifest, sizeof(manifest) - 1);
    assert(written == (ssize_t)sizeof(manifest) - 1);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const struct dbt_open open = {.path = path};
    bool ok = dbt_project_open(&open, &project, &err);
    assert(ok);
    (void)close(fd);
    return project;
}

static bool open_before(void *ctx, const struct dbt_project **ret, struct err *err)
{
    (void)err;
    *ret = ctx;
    return true;
}

static bool status(void *ctx, struct str unique_id, struct str *ret_status, struct err *err)
{
    (void)ctx;
    (void)err;
    *ret_status = str_contains(unique_id, STR("b")) ? STR("error") : STR("");
    return true;
}

static bool is_fresher(void *ctx, struct str unique_id, bool *ret, struct err *err)
{
    (void)ctx;
    (void)err;
    *ret = str_contains(unique_id, STR("s"));
    return true;
}

static bool is_known(enum err_code code)
{
    return code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_FULL;
}

static void check_difference(struct dbt_project *project, struct dbt_selection selection,
                             struct arena *arena)
{
    bool *set = NULL;
    struct str_list warnings;
    struct err err = {0};
    selection.exclude = selection.select;
    if (selection.select.count > 0 && selection.selector.len == 0 &&
        dbt_select(project, &selection, arena, &set, &warnings, &err)) {
        assert(memchr(set, 1, project->count) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dbt_project *project = open_project();
    AUTO(arena) arena = arena_new(16 << 20);
    struct err err = {0};
    struct str rest = {(const char *)data, size};
    struct str select = STR_NONE;
    struct str exclude = STR_NONE;
    struct json *selectors = NULL;
    (void)str_cut(rest, '\n', &select, &rest);
    (void)str_cut(rest, '\n', &exclude, &rest);
    if (rest.len > 0 && !json_parse(rest, LIMIT_JSON_BYTES, &arena, &selectors, &err)) {
        return 0;
    }
    struct dbt_selection selection = {
        .select = {&select, select.len > 0},
        .exclude = {&exclude, exclude.len > 0},
        .selector = select.len == 0 && exclude.len == 0 && selectors != NULL ? STR("it") : STR_NONE,
        .selectors = selectors,
        .indirect = (enum dbt_indirect)(size % 4),
        .before = {
            .open = open_before, .status = status, .is_fresher = is_fresher, .ctx = project}};
    bool *set = NULL;
    struct str_list warnings = {0};
    if (!dbt_select(project, &selection, &arena, &set, &warnings, &err)) {
        assert(is_known(err.code) && err.msg[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < project->count; i++) {
        assert(!set[i] || project->nodes[i].type != DBT_OPERATION);
    }
    check_difference(project, selection, &arena);
    return 0;
}
