/* dbt_manifest_fuzz.c - a manifest of dbt: what is taken is in order, pairs with itself, and its bundle is
 * the same project. */
#include "common/dbt/bundle.h"
#include "common/platform/files.h"
#include "tests/fuzz/dbt_check.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUNDLE_BYTES_MAX = 64 << 20 };

static void check_bundle(struct str bytes, const struct dbt_project *project)
{
    char path[64];
    struct err err = {0};
    struct dbt_bundle_summary summary;
    AUTO(buf) out = buf_growing(BUNDLE_BYTES_MAX);
    AUTO(fd) fd = {memfd_create("fuzz", MFD_CLOEXEC)};
    bool ok = fd.n >= 0 && files_write_fd(fd.n, bytes, &err);
    assert(ok);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd.n);
    const struct dbt_bundle_options options = {.manifest = path};
    if (!dbt_bundle_make(&options, &out, &summary, &err)) {
        assert(err.code == ERR_INVALID || err.code == ERR_FULL);
        return;
    }
    struct dbt_project *again = dbt_check_open(buf_str(&out), false);
    assert(again != NULL && again->is_bundle && again->count == project->count);
    for (size_t i = 0; i < again->count; i++) {
        const struct dbt_node *a = &project->nodes[i];
        const struct dbt_node *b = &again->nodes[i];
        assert(str_eq(a->unique_id, b->unique_id) && a->type == b->type && a->uses == b->uses);
        assert(a->parent_count == b->parent_count && a->is_compiled == b->is_compiled);
        assert(str_eq(a->materialized, b->materialized) && a->tags.count == b->tags.count);
    }
    dbt_check_project(again);
    dbt_project_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct dbt_project *project = dbt_check_open(bytes, false);
    if (project == NULL) {
        return 0;
    }
    dbt_check_project(project);
    if (!project->is_bundle) {
        struct dbt_project *pair = dbt_check_open(bytes, true);
        assert(pair != NULL && pair->count == project->count);
        dbt_check_project(pair);
        dbt_project_close(pair);
        check_bundle(bytes, project);
    }
    dbt_project_close(project);
    return 0;
}
