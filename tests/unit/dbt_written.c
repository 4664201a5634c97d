#include "tests/unit/dbt_written.h"

#include "common/base/buf.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"

enum { MANIFEST_MAX = 1 << 20 };

static const char *write_manifest(struct written *w, const char *name, const char *adapter,
                                  const char *nodes, const char *rest)
{
    AUTO(buf) text = buf_growing(MANIFEST_MAX);
    struct err err = {0};
    buf_addf(&text,
             "{`metadata`: {`dbt_schema_version`: "
             "`https://schemas.getdbt.com/dbt/manifest/v12.json`, `dbt_version`: `1.10.0`, "
             "`adapter_type`: `%s`, `project_name`: `p`}, `nodes`: {%s}, %s%s `macros`: {}}",
             adapter, nodes, rest == NULL ? "" : rest, rest == NULL ? "" : ",");
    for (size_t i = 0; i < text.len; i++) {
        text.ptr[i] = text.ptr[i] == '`' ? '"' : text.ptr[i];
    }
    const char *path = temp_dir_path(&w->dir, name);
    if (!files_write(path, buf_str(&text), 0644, &err)) {
        fail_msg("%s", err.msg);
    }
    return path;
}

struct written written_new(const char *adapter, const char *nodes, const char *rest,
                           const char *incremental)
{
    struct written w = {.dir = temp_dir_new()};
    struct err err = {0};
    struct dbt_open open = {.path = write_manifest(&w, "full.json", adapter, nodes, rest)};
    if (incremental != NULL) {
        open.incremental = write_manifest(&w, "incremental.json", adapter, incremental, rest);
    }
    if (!dbt_project_open(&open, &w.project, &err)) {
        fail_msg("%s: %s", nodes, err.msg);
    }
    return w;
}

void written_release(struct written *w)
{
    dbt_project_close(w->project);
    temp_dir_release(&w->dir);
}
