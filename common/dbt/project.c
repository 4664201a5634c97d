#include "common/dbt/project.h"

#include "common/base/limits.h"
#include "common/dbt/bundle.h"
#include "common/dbt/bundle_node.h"
#include "common/dbt/dbt_files.h"
#include "common/dbt/manifest.h"
#include "common/json/json_verbatim.h"

#include <inttypes.h>
#include <stdlib.h>

enum { VERSION_MIN = 10, VERSION_MAX = 12 };

/* --- reading the file ------------------------------------------------------------------------ */

enum section {
    SECTION_OTHER,
    SECTION_METADATA,
    SECTION_NODES,
    SECTION_MACROS,
    SECTION_GROUPS,
    SECTION_DISABLED,
    SECTION_SELECTORS,
    SECTION_BUNDLE, /* the mark of a bundle */
};

static enum section section_of(struct str key)
{
    static const struct {
        const char *key;
        enum section section;
    } sections[] = {
        {"metadata", SECTION_METADATA},   {"nodes", SECTION_NODES},
        {"sources", SECTION_NODES},       {"exposures", SECTION_NODES},
        {"metrics", SECTION_NODES},       {"semantic_models", SECTION_NODES},
        {"saved_queries", SECTION_NODES}, {"unit_tests", SECTION_NODES},
        {"functions", SECTION_NODES},     {"macros", SECTION_MACROS},
        {"groups", SECTION_GROUPS},       {"disabled", SECTION_DISABLED},
        {"selectors", SECTION_SELECTORS}, {"selvedge_bundle", SECTION_BUNDLE},
    };
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        if (str_eq(key, str_from(sections[i].key))) {
            return sections[i].section;
        }
    }
    return SECTION_OTHER;
}

static bool add_member(struct manifest *m, enum section section, struct pieces *p, struct str key,
                       struct err *err)
{
    struct str text;
    struct dbt_place place;
    if (section == SECTION_DISABLED) {
        m->project->disabled_count++;
        return pieces_pass(p, &place, err);
    }
    if (!pieces_keep(p, &text, &place, err)) {
        return false;
    }
    if (text.len > 0 && text.ptr[0] != '{') {
        return true; /* null, as a list that is not there */
    }
    bool ok = section == SECTION_MACROS   ? manifest_add_macro(m, key, text, err)
              : section == SECTION_GROUPS ? manifest_add_group(m, text, err)
              : m->first != NULL          ? manifest_pair_node(m, text, place, err)
                                          : manifest_add_node(m, key, text, place, err);
    return ok || err_wrap(err, STR_FMT " at byte %" PRId64, STR_ARG(str_clip(key, 200)),
                          place.offset + 1);
}

static bool read_section(struct manifest *m, enum section section, struct pieces *p,
                         struct err *err)
{
    bool more = false;
    struct str key;
    if (!pieces_enter(p, &more, err)) {
        return false;
    }
    while (more) {
        if (!pieces_next(p, &more, &key, err) || (more && !add_member(m, section, p, key, err))) {
            return false;
        }
    }
    return true;
}

/* Of a second compilation only the nodes count. */
static enum section section_for(const struct manifest *m, struct str key)
{
    enum section section = section_of(key);
    bool counts = m->first == NULL || section == SECTION_METADATA || section == SECTION_BUNDLE ||
                  str_eq(key, STR("nodes"));
    return counts ? section : SECTION_OTHER;
}

/* The mark comes first: what a node's members mean depends on it. */
static bool read_mark(struct manifest *m, struct pieces *p, struct err *err)
{
    struct str text;
    struct dbt_place place;
    int64_t version = 0;
    if (m->first != NULL) {
        return err_set(err, ERR_INVALID, "a bundle: the second compilation's manifest is wanted");
    }
    if (!pieces_keep(p, &text, &place, err)) {
        return false;
    }
    if (m->has_nodes || !str_to_i64(text, 1, INT32_MAX, &version)) {
        return err_set(err, ERR_INVALID, "byte %" PRId64 ": not the mark of a bundle",
                       place.offset + 1);
    }
    if (version != BUNDLE_VERSION) {
        (void)err_set(err, ERR_INVALID, "a bundle of version %" PRId64 ": version %d is read",
                      version, BUNDLE_VERSION);
        return err_hint(err, "it was made by a later selvedge-hub");
    }
    m->project->is_bundle = true;
    return true;
}

static bool read_value(struct manifest *m, struct str key, struct pieces *p, struct err *err)
{
    struct str text;
    struct dbt_place place;
    enum section section = section_for(m, key);
    switch (section) {
    case SECTION_OTHER:
        return pieces_pass(p, &place, err);
    case SECTION_SELECTORS:
        return pieces_pass(p, &m->project->selectors, err);
    case SECTION_BUNDLE:
        return read_mark(m, p, err);
    case SECTION_METADATA:
        return pieces_keep(p, &text, &place, err) &&
               (manifest_read_metadata(m, text, err) || err_wrap(err, "metadata"));
    case SECTION_NODES:
    case SECTION_MACROS:
    case SECTION_GROUPS:
    case SECTION_DISABLED:
        break;
    }
    m->has_nodes = m->has_nodes || str_eq(key, STR("nodes"));
    return read_section(m, section, p, err);
}

static bool read_file(struct manifest *m, int fd, struct err *err)
{
    AUTO(pieces) p = {.fd = -1};
    struct str key;
    bool more = true;
    if (!pieces_begin(&p, fd, err)) {
        return false;
    }
    while (more) {
        if (!pieces_next(&p, &more, &key, err) || (more && !read_value(m, key, &p, err))) {
            return false;
        }
    }
    return pieces_end(&p, err);
}

static bool check_version(const struct manifest *m, struct err *err)
{
    int version = m->project->schema_version;
    if (version == 0 || !m->has_nodes) {
        (void)err_set(err, ERR_INVALID, "not a manifest of dbt");
        return err_hint(err, "target/manifest.json, as `dbt compile` writes it, is wanted");
    }
    if (version < VERSION_MIN || version > VERSION_MAX) {
        (void)err_set(err, ERR_INVALID, "a manifest of version %d: versions %d to %d are read",
                      version, VERSION_MIN, VERSION_MAX);
        return err_hint(err, "compile the project with dbt 1.6 or later, up to 2.x");
    }
    return true;
}

static void manifest_release(struct manifest *m)
{
    texts_release(&m->texts);
    buf_release(&m->text);
    buf_release(&m->first_text);
    free(m->list.items);
    free(m->node_calls);
    free(m->calls.items);
    free(m->macros);
}

static bool read_project(struct dbt_project *project, struct err *err)
{
    const struct dbt_file *file = &project->files->file[DBT_FULL];
    AUTO(manifest)
    m = {.project = project,
         .texts = texts_new(&project->arena),
         .text = buf_growing(LIMIT_DBT_NODE_BYTES)};
    return read_file(&m, file->fd, err) && check_version(&m, err) &&
           (!project->is_bundle || bundle_check_hash(file, err)) && manifest_add_uses(&m, err) &&
           manifest_link(&m, err) && dbt_file_check(file, err);
}

static bool read_second(struct dbt_project *first, struct err *err)
{
    const struct dbt_file *file = &first->files->file[DBT_INCREMENTAL];
    struct dbt_project second = {.arena = arena_new(LIMIT_DBT_NODE_BYTES)};
    AUTO(manifest)
    m = {.project = &second,
         .first = first,
         .texts = texts_new(&second.arena),
         .text = buf_growing(LIMIT_DBT_NODE_BYTES),
         .first_text = buf_growing(LIMIT_DBT_NODE_BYTES)};
    bool ok =
        read_file(&m, file->fd, err) && manifest_check_pair(&m, err) && dbt_file_check(file, err);
    arena_release(&second.arena);
    return ok;
}

/* --- open, close, read ----------------------------------------------------------------------- */

static bool open_second(struct dbt_project *project, const struct dbt_open *open, struct err *err)
{
    if (project->is_bundle) {
        return err_set(err, ERR_INVALID, "%s is a bundle: it has both compilations", open->path);
    }
    return dbt_file_open(&project->files->file[DBT_INCREMENTAL], open->incremental,
                         open->scratch_dir, err) &&
           (read_second(project, err) || err_wrap(err, "%s", open->incremental));
}

bool dbt_project_open(const struct dbt_open *open, struct dbt_project **ret, struct err *err)
{
    struct dbt_project *project = calloc(1, sizeof(*project));
    struct dbt_files *files = calloc(1, sizeof(*files));
    if (project == NULL || files == NULL) {
        free(project);
        free(files);
        return err_set(err, ERR_NO_MEMORY, "no memory for a dbt project");
    }
    *files = (struct dbt_files){{{.fd = -1}, {.fd = -1}}};
    project->files = files;
    project->arena = arena_new(LIMIT_DBT_ARENA);
    if (!dbt_file_open(&files->file[DBT_FULL], open->path, open->scratch_dir, err)) {
        dbt_project_close(project);
        return false;
    }
    if (!read_project(project, err)) {
        dbt_project_close(project);
        return err_wrap(err, "%s", open->path);
    }
    if (open->incremental != NULL && !open_second(project, open, err)) {
        dbt_project_close(project);
        return false;
    }
    *ret = project;
    return true;
}

void dbt_project_close(struct dbt_project *project)
{
    if (project == NULL) {
        return;
    }
    dbt_file_close(&project->files->file[DBT_FULL]);
    dbt_file_close(&project->files->file[DBT_INCREMENTAL]);
    free(project->files);
    free(project->nodes);
    free(project->groups);
    free(project->overrides);
    arena_release(&project->arena);
    free(project);
}

static bool read_place(const struct dbt_project *project, enum dbt_variant variant,
                       struct dbt_place place, struct arena *arena, struct json **ret,
                       struct err *err)
{
    const struct dbt_file *file = &project->files->file[project->is_bundle ? DBT_FULL : variant];
    AUTO(buf) text = buf_growing(LIMIT_DBT_NODE_BYTES);
    return dbt_file_check(file, err) && dbt_file_read(file, place, &text, err) &&
           json_verbatim_read(buf_str(&text), LIMIT_DBT_NODE_BYTES, arena, ret, err);
}

/* A bundle's node has both texts: `compiled_code` becomes the one that is asked for. */
static void choose_variant(struct json *node, enum dbt_variant variant)
{
    struct json *code = NULL;
    struct json **at = NULL;
    for (struct json **it = &node->child; *it != NULL; it = &(*it)->next) {
        code = str_eq((*it)->key, STR("compiled_code")) ? *it : code;
        at = str_eq((*it)->key, STR("compiled_code_incremental")) ? it : at;
    }
    if (at == NULL) {
        return;
    }
    if (code != NULL && variant == DBT_INCREMENTAL) {
        code->type = (*at)->type;
        code->as = (*at)->as;
    }
    *at = (*at)->next;
    node->count--;
}

bool dbt_project_read(const struct dbt_project *project, uint32_t node, enum dbt_variant variant,
                      struct arena *arena, struct json **ret, struct err *err)
{
    const struct dbt_node *n = &project->nodes[node];
    struct json *read = NULL;
    if (n->places[variant].length == 0) {
        return err_set(err, ERR_NOT_FOUND, STR_FMT " has no such variant", STR_ARG(n->unique_id));
    }
    if (!read_place(project, variant, n->places[variant], arena, &read, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(n->unique_id));
    }
    const struct json *id = json_get(read, "unique_id");
    if (id == NULL || id->type != JSON_STRING || !str_eq(id->as.string, n->unique_id)) {
        return err_set(err, ERR_CORRUPT, STR_FMT " is no longer where it stood in the manifest",
                       STR_ARG(n->unique_id));
    }
    if (project->is_bundle) {
        choose_variant(read, variant);
    }
    *ret = read;
    return true;
}

bool dbt_project_read_selectors(const struct dbt_project *project, struct arena *arena,
                                struct json **ret, struct err *err)
{
    if (project->selectors.length == 0) {
        *ret = NULL;
        return true;
    }
    if (project->selectors.length > LIMIT_DBT_NODE_BYTES) {
        return err_set(err, ERR_FULL, "selectors of more than %d bytes (LIMIT_DBT_NODE_BYTES)",
                       LIMIT_DBT_NODE_BYTES);
    }
    struct json *read = NULL;
    if (!read_place(project, DBT_FULL, project->selectors, arena, &read, err)) {
        return err_wrap(err, "selectors");
    }
    *ret = read->type == JSON_OBJECT && read->count > 0 ? read : NULL;
    return true;
}
