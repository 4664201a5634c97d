#include "agent/el/meltano_tap.h"

#include "agent/el/singer_discover.h"
#include "agent/meltano/state.h"
#include "common/base/limits.h"
#include "common/json/json_verbatim.h"
#include "common/log/log.h"
#include "common/platform/files.h"

static const struct meltano_process *process_of(const struct meltano_tap *tap)
{
    return &tap->step->processes[0];
}

static struct str name_of(const struct meltano_tap *tap)
{
    return process_of(tap)->setup.plugin->name;
}

/* A file that an extra of the tap names. */
static bool read_named(const struct meltano_tap *tap, struct str path, struct buf *into,
                       struct err *err)
{
    char full[LIMIT_PATH_BYTES + 1];
    const char *root = arena_cstr(tap->arena, tap->project->root);
    if (root == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    return files_join(root, path, full, sizeof(full), err) && files_read(full, into, err);
}

/* --- the catalog ------------------------------------------------------------------------------- */

static bool is_capable(const struct meltano_tap *tap, struct str word)
{
    struct str_list words = meltano_capabilities_of(process_of(tap)->setup.plugin, tap->arena);
    for (size_t i = 0; i < words.count; i++) {
        if (str_eq(words.items[i], word)) {
            return true;
        }
    }
    return false;
}

static bool may_use_kept(const struct meltano_tap *tap)
{
    const struct meltano_value *extra =
        meltano_find_value(&process_of(tap)->setup, STR("_use_cached_catalog"));
    const struct json *value = extra == NULL ? NULL : extra->value;
    return value == NULL || value->type != JSON_BOOL || value->as.boolean;
}

static bool ask(const struct meltano_tap *tap, struct buf *into, struct err *err)
{
    const struct meltano_process *process = process_of(tap);
    const struct program_options program = {
        .command = &process->argv, .dir = tap->project->root, .envp = tap->envp};
    AUTO(buf) config = buf_growing(LIMIT_JSON_BYTES);
    if (!is_capable(tap, STR("discover"))) {
        struct str name = name_of(tap);
        err_set(err, ERR_INVALID,
                "tap " STR_FMT ": there is no catalog, and it does not discover one",
                STR_ARG(name));
        return err_hint(err, "give it one with catalog: FILE, or add discover to its capabilities");
    }
    if (!json_verbatim_write(&config, process->setup.config, err)) {
        return false;
    }
    bool ok = singer_discover(&program, buf_str(&config), tap->arena, into, err);
    buf_wipe(&config);
    return ok;
}

/* The rules may have changed since the catalog was kept; they are applied anew each time. */
static bool apply(const struct meltano_tap *tap, struct json *catalog, struct arena *arena,
                  struct err *err)
{
    const struct meltano_step *step = tap->step;
    const struct catalog_rules rules = {.select = step->select,
                                        .select_filter = step->select_filter,
                                        .metadata = step->metadata,
                                        .schema = step->schema,
                                        .is_handwritten = step->catalog.len > 0};
    struct str name = name_of(tap);
    return catalog_apply(catalog, &rules, arena, err) ||
           err_wrap(err, "tap " STR_FMT, STR_ARG(name));
}

static void keep(const struct meltano_tap *tap, const char *key, struct str text)
{
    struct err err = {0};
    struct str name = name_of(tap);
    if (!meltano_keep_catalog(tap->project, name, key, text, &err)) {
        LOG(WARN, "el.catalog_not_kept", F_S("tap", name), F_ERR(&err),
            F_T("action", "the tap is asked for it each time"));
    }
}

/* What was kept, what a person wrote, or else what the tap says; `key`: to keep the last. */
static bool find(const struct meltano_tap *tap, struct buf *into, bool *ret_is_new,
                 char key[CATALOG_KEY_SIZE], struct err *err)
{
    struct str name = name_of(tap);
    *ret_is_new = false;
    if (tap->step->catalog.len > 0) {
        return read_named(tap, tap->step->catalog, into, err) ||
               err_wrap(err, "tap " STR_FMT ": catalog", STR_ARG(name));
    }
    if (!catalog_cache_key(&process_of(tap)->setup, tap->arena, key, err) ||
        (may_use_kept(tap) && !meltano_kept_catalog(tap->project, name, key, into, err))) {
        return false;
    }
    *ret_is_new = into->len == 0;
    return into->len > 0 || ask(tap, into, err);
}

static bool copy_selected(const struct meltano_tap *tap, const struct json *catalog,
                          struct catalog_streams *ret, struct err *err)
{
    if (!catalog_selected(catalog, tap->arena, ret, err)) {
        return false;
    }
    for (size_t i = 0; i < ret->count; i++) {
        ret->items[i].id = arena_copy(tap->arena, ret->items[i].id);
        ret->items[i].name = arena_copy(tap->arena, ret->items[i].name);
    }
    return !tap->arena->exhausted || err_set(err, ERR_FULL, "no memory for the catalog");
}

bool meltano_tap_catalog(const struct meltano_tap *tap, struct str *ret,
                         struct catalog_streams *ret_selected, struct err *err)
{
    AUTO(arena) scratch = arena_new(CATALOG_MEMORY_MAX);
    AUTO(buf) text = buf_growing(CATALOG_TEXT_BYTES_MAX);
    struct json *catalog = NULL;
    bool is_new = false;
    char key[CATALOG_KEY_SIZE] = "";
    struct str name = name_of(tap);
    *ret = STR_NONE;
    *ret_selected = (struct catalog_streams){0};
    if (!tap->step->takes_catalog && !tap->step->takes_properties) {
        return true;
    }
    if (!find(tap, &text, &is_new, key, err)) {
        return false;
    }
    if (!json_verbatim_read(buf_str(&text), CATALOG_TEXT_BYTES_MAX, &scratch, &catalog, err)) {
        return err_wrap(err, "tap " STR_FMT ": catalog", STR_ARG(name));
    }
    buf_reset(&text);
    if (!apply(tap, catalog, &scratch, err) || !json_verbatim_write(&text, catalog, err) ||
        !copy_selected(tap, catalog, ret_selected, err)) {
        return false;
    }
    if (is_new) {
        keep(tap, key, buf_str(&text));
    }
    if (tap->streams.count > 0) {
        buf_reset(&text);
        if (!catalog_narrow(catalog, &tap->streams, &scratch, err) ||
            !json_verbatim_write(&text, catalog, err)) {
            return false;
        }
    }
    *ret = arena_copy(tap->arena, buf_str(&text));
    return ret->ptr != NULL || err_set(err, ERR_FULL, "no memory for the catalog");
}

/* --- the state --------------------------------------------------------------------------------- */

bool meltano_tap_states(const struct meltano_tap *tap, struct singer_chain *chain, struct err *err)
{
    const struct meltano_step *step = tap->step;
    struct str name = name_of(tap);
    chain->takes_state = step->takes_state && step->state_id.len > 0;
    if (!chain->takes_state) {
        return true;
    }
    if (step->state.len == 0) {
        return meltano_kept_state(tap->project, step->state_id, tap->arena, &chain->first_state,
                                  err);
    }
    AUTO(buf) text = buf_growing(MELTANO_STATE_BYTES_MAX);
    if (!read_named(tap, step->state, &text, err)) {
        return err_wrap(err, "tap " STR_FMT ": state", STR_ARG(name));
    }
    chain->fixed_state = arena_copy(tap->arena, buf_str(&text));
    return chain->fixed_state.ptr != NULL || err_set(err, ERR_FULL, "no memory for the state");
}
