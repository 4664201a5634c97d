#include "agent/el/meltano_kept.h"

#include "agent/meltano/state.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/json/json.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <stdio.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

/* --- states ------------------------------------------------------------------------------------ */

static struct str text_at(const struct json *object, const char *key)
{
    const struct json *text = json_get(object, key);
    return text != NULL && text->type == JSON_STRING ? text->as.string : STR("");
}

/* `state_backend: {uri: ...}` and `state_backend.uri: ...` are one. */
static struct str backend_of(const struct meltano_project *project)
{
    struct str uri = text_at(json_get(project->tree, "state_backend"), "uri");
    return uri.len > 0 ? uri : text_at(project->tree, "state_backend.uri");
}

/* Where a path that the project gives leads. */
static bool path_in(const struct meltano_project *project, struct str path, char *ret,
                    struct err *err)
{
    char root[LIMIT_PATH_BYTES + 1];
    struct buf out = buf_fixed(root, sizeof(root));
    buf_add(&out, project->root);
    const char *text = buf_cstr(&out);
    return text == NULL ? err_set(err, ERR_INVALID, "the project's path is too long")
                        : files_join(text, path, ret, LIMIT_PATH_BYTES + 1, err);
}

static bool read_row(struct db *db, struct str state_id, struct arena *arena, struct str *ret,
                     struct err *err)
{
    AUTO(db_query) q = {0};
    bool has_row = false;
    if (!db_prepare(db, STR("SELECT completed_state, partial_state FROM state WHERE state_id = ?1"),
                    &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, state_id);
    return db_next(&q, &has_row, err) &&
           (!has_row || meltano_state_join(db_col_str(&q, 0), db_col_str(&q, 1), arena, ret, err));
}

static bool state_in_database(const struct meltano_project *project, struct str state_id,
                              struct arena *arena, struct str *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct db *db = NULL;
    if (!path_in(project, STR(".meltano/meltano.db"), path, err)) {
        return false;
    }
    if (!files_exist(path)) {
        return true;
    }
    const struct db_options options = {
        .path = path, .flags = DB_READ_ONLY | DB_FOREIGN_FILE, .busy_timeout_ms = BUSY_MS};
    bool ok = db_open(&db, &options, err) && read_row(db, state_id, arena, ret, err);
    db_close(db);
    return ok || err_wrap(err, "the state that Meltano kept in %s", path);
}

static bool state_in_folder(const struct meltano_project *project, struct str folder,
                            struct str state_id, struct arena *arena, struct str *ret,
                            struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(MELTANO_STATE_BYTES_MAX);
    struct str name =
        arena_printf(arena, STR_FMT "/" STR_FMT "/state.json", STR_ARG(folder), STR_ARG(state_id));
    if (name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    if (!path_in(project, name, path, err)) {
        return false;
    }
    if (!files_exist(path)) {
        return true;
    }
    return (files_read(path, &text, err) && meltano_state_read(buf_str(&text), arena, ret, err)) ||
           err_wrap(err, "the state that Meltano kept in %s", path);
}

bool meltano_kept_state(const struct meltano_project *project, struct str state_id,
                        struct arena *arena, struct str *ret, struct err *err)
{
    struct str backend = backend_of(project);
    struct str database = text_at(project->tree, "database_uri");
    *ret = STR("");
    if (str_starts(backend, STR("file://"))) {
        struct str folder = str_slice(backend, sizeof("file://") - 1, backend.len);
        return state_in_folder(project, folder, state_id, arena, ret, err);
    }
    bool is_default = (backend.len == 0 || str_eq(backend, STR("systemdb"))) && database.len == 0;
    if (!is_default) {
        LOG(WARN, "el.meltano_state_not_asked", F_S("state_id", state_id),
            F_T("action", "without a state of ours the tap begins from the start"));
        return true;
    }
    return state_in_database(project, state_id, arena, ret, err);
}

/* --- catalogs ---------------------------------------------------------------------------------- */

static bool path_of(const struct meltano_project *project, struct str tap, const char *name,
                    char *ret, struct err *err)
{
    char below[LIMIT_PATH_BYTES + 1];
    struct buf out = buf_fixed(below, sizeof(below));
    buf_addf(&out, ".meltano/run/" STR_FMT "%s", STR_ARG(tap), name);
    return out.overflow ? err_set(err, ERR_INVALID, "the name of the tap is too long")
                        : path_in(project, buf_str(&out), ret, err);
}

bool meltano_kept_catalog(const struct meltano_project *project, struct str tap, const char *key,
                          struct buf *into, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) kept = buf_growing((size_t)CATALOG_KEY_SIZE * 2);
    if (!path_of(project, tap, "/tap.properties.cache_key", path, err)) {
        return false;
    }
    if (key[0] == '\0' || !files_exist(path)) {
        return true;
    }
    if (!files_read(path, &kept, err)) {
        return false;
    }
    if (!str_eq(str_trim(buf_str(&kept)), str_from(key))) {
        return true;
    }
    return path_of(project, tap, "/tap.properties.json", path, err) &&
           (!files_exist(path) || files_read(path, into, err));
}

bool meltano_keep_catalog(const struct meltano_project *project, struct str tap, const char *key,
                          struct str text, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!path_of(project, tap, "/tap.properties.cache_key", path, err)) {
        return false;
    }
    (void)unlink(path); /* whatever happens now, the old one is not taken for the new */
    if (key[0] == '\0') {
        return true;
    }
    char catalog[LIMIT_PATH_BYTES + 1];
    char folder[LIMIT_PATH_BYTES + 1];
    return path_of(project, tap, "", folder, err) && files_make_dirs(folder, 0755, err) &&
           path_of(project, tap, "/tap.properties.json", catalog, err) &&
           files_write(catalog, text, 0644, err) && files_write(path, str_from(key), 0644, err);
}
