#include "agent/dbt/results.h"

#include "common/base/limits.h"
#include "common/platform/files.h"

enum { RESULTS_BYTES_MAX = 128 << 20, RESULTS_ARENA_BYTES = 256 << 20 };

bool dbt_results_path(struct str state_dir, struct str step, char *ret, size_t size,
                      struct err *err)
{
    return dbt_step_file(state_dir, step, ".results", ret, size, err);
}

bool dbt_step_file(struct str state_dir, struct str step, const char *ending, char *ret,
                   size_t size, struct err *err)
{
    struct buf path = buf_fixed(ret, size);
    buf_add(&path, state_dir);
    buf_add_char(&path, '/');
    for (size_t i = 0; i < step.len; i++) {
        char c = step.ptr[i];
        buf_add_char(&path, (char)(c == '/' ? '~' : c));
    }
    buf_add_text(&path, ending);
    (void)buf_cstr(&path);
    return !path.overflow || err_set(err, ERR_INVALID, "the path of a step's file is too long");
}

bool dbt_results_read(const char *path, struct arena *arena, struct dbt_results *ret,
                      struct err *err)
{
    AUTO(buf) text = buf_growing(RESULTS_BYTES_MAX);
    struct str line = STR_NONE;
    *ret = (struct dbt_results){.by_id = strmap_new(arena), .arena = arena};
    if (!files_read(path, &text, err)) {
        return err->code == ERR_NOT_FOUND;
    }
    ret->text = arena_copy(arena, buf_str(&text));
    struct str rest = ret->text;
    while (str_cut(rest, '\n', &line, &rest)) {
        struct str status = STR_NONE;
        struct str id = STR_NONE;
        enum dbt_status value = DBT_NOT_RUN;
        bool is_one = str_cut(line, '\t', &status, &id) && dbt_status_from(status, &value);
        if (is_one && !strmap_put(&ret->by_id, id, (uint32_t)value)) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the results of nodes");
        }
    }
    return !arena->exhausted || err_set(err, ERR_NO_MEMORY, "no memory for the results of nodes");
}

struct str dbt_results_status(const struct dbt_results *results, struct str unique_id)
{
    uint32_t status = DBT_NOT_RUN;
    return strmap_get(&results->by_id, unique_id, &status)
               ? str_from(dbt_status_name((enum dbt_status)status))
               : STR_NONE;
}

bool dbt_results_write(const char *path, const struct dbt_project *project, const uint8_t *statuses,
                       struct err *err)
{
    AUTO(arena) arena = arena_new(RESULTS_ARENA_BYTES);
    AUTO(buf) text = buf_growing(RESULTS_BYTES_MAX);
    struct dbt_results before;
    if (!dbt_results_read(path, &arena, &before, err)) {
        return false;
    }
    for (size_t i = 0; i < project->count; i++) {
        uint32_t status = statuses[i];
        struct str id = project->nodes[i].unique_id;
        if (status == DBT_NOT_RUN && !strmap_get(&before.by_id, id, &status)) {
            continue;
        }
        buf_addf(&text, "%s\t" STR_FMT "\n", dbt_status_name((enum dbt_status)status), STR_ARG(id));
    }
    return text.overflow ? err_set(err, ERR_FULL, "the results of nodes take more than %d MiB",
                                   RESULTS_BYTES_MAX >> 20)
                         : files_write(path, buf_str(&text), 0640, err);
}
