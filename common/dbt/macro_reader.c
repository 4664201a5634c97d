#include "common/dbt/macro_reader.h"

#include "common/base/limits.h"
#include "common/dbt/dbt_files.h"
#include "common/dbt/manifest_pieces.h"

static bool each_macro(struct pieces *p, macros_told tell, void *ctx, struct err *err)
{
    bool more = false;
    struct str id;
    struct str text;
    struct dbt_place place;
    if (!pieces_enter(p, &more, err)) {
        return false;
    }
    while (more) {
        if (!pieces_next(p, &more, &id, err)) {
            return false;
        }
        if (more) {
            char kept[LIMIT_DBT_ID_BYTES];
            struct buf b = buf_fixed(kept, sizeof(kept));
            buf_add(&b, id);
            if (!pieces_keep(p, &text, &place, err) || !tell(ctx, buf_str(&b), text, place, err)) {
                return false;
            }
        }
    }
    return true;
}

bool macros_read(const struct dbt_project *project, macros_told tell, void *ctx, struct err *err)
{
    const struct dbt_file *file = &project->files->file[DBT_FULL];
    AUTO(pieces) p = {.fd = -1};
    bool more = true;
    struct str key;
    struct dbt_place place;
    if (!dbt_file_check(file, err) || !pieces_begin(&p, file->fd, err)) {
        return false;
    }
    while (pieces_next(&p, &more, &key, err) && more) {
        bool ok = str_eq(key, STR("macros")) ? each_macro(&p, tell, ctx, err)
                                             : pieces_pass(&p, &place, err);
        if (!ok) {
            return false;
        }
    }
    return !more && dbt_file_check(file, err);
}
