#include "common/dbt/bundle.h"

#include "common/base/limits.h"
#include "common/dbt/bundle_node.h"
#include "common/dbt/dbt_files.h"
#include "common/dbt/macro_digest.h"
#include "common/gzip/gzip.h"
#include "common/json/json_verbatim.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"

#include <string.h>

enum { NODE_ARENA_BYTES = 128 << 20 };

struct bundle {
    const struct dbt_bundle_options *options;
    const struct dbt_project *project;
    struct dbt_bundle_summary *summary;
    struct buf text; /* of the whole, unpacked */
    struct buf node; /* one node */
    struct buf seed; /* its file */
    struct arena arena;
    struct macro_digests *macros;
    struct arena of_macros;
    struct json_writer writer;
};

static void bundle_release(struct bundle *b)
{
    buf_release(&b->text);
    buf_release(&b->node);
    buf_release(&b->seed);
    arena_release(&b->arena);
    arena_release(&b->of_macros);
}

/* --- seeds ----------------------------------------------------------------------------------- */

/* `file` in the folder given, where the seed's path in the project may be written with or without the
 * project's folder of seeds. *ret_found tells. */
static bool read_seed_at(struct bundle *b, struct str file, bool *ret_found, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!files_join(b->options->seeds, file, path, sizeof(path), err)) {
        return false;
    }
    *ret_found = files_exist(path);
    if (*ret_found && !files_read(path, &b->seed, err)) {
        return err_wrap(err, "seed %s", path);
    }
    return true;
}

static bool read_seed(struct bundle *b, const struct dbt_node *node, struct err *err)
{
    struct str folder;
    struct str below;
    bool is_found = false;
    buf_reset(&b->seed);
    if (node->file_path.len == 0 || node->file_path.ptr[0] == '/' ||
        str_contains(node->file_path, STR(".."))) {
        return err_set(err, ERR_INVALID,
                       STR_FMT ": original_file_path \"" STR_FMT "\" is no path in a project",
                       STR_ARG(node->unique_id), STR_ARG(str_clip(node->file_path, 100)));
    }
    if (!read_seed_at(b, node->file_path, &is_found, err)) {
        return false;
    }
    if (!is_found && str_cut(node->file_path, '/', &folder, &below) &&
        !read_seed_at(b, below, &is_found, err)) {
        return false;
    }
    if (!is_found) {
        (void)err_set(err, ERR_NOT_FOUND, STR_FMT ": %s has no " STR_FMT, STR_ARG(node->unique_id),
                      b->options->seeds, STR_ARG(node->file_path));
        return err_hint(err, "--seeds is the folder of dbt_project.yml, or its folder of seeds");
    }
    struct str text = buf_str(&b->seed);
    if (!str_is_utf8(text) || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
        return err_set(err, ERR_INVALID, STR_FMT ": " STR_FMT " is not UTF-8 text",
                       STR_ARG(node->unique_id), STR_ARG(node->file_path));
    }
    b->summary->seed_files++;
    return true;
}

/* --- nodes ----------------------------------------------------------------------------------- */

static void count_node(struct bundle *b, const struct dbt_node *node)
{
    struct dbt_bundle_summary *s = b->summary;
    bool is_incremental = node->type == DBT_MODEL &&
                          str_eq(node->materialized, STR("incremental")) &&
                          (node->uses & DBT_USES_IS_INCREMENTAL) != 0;
    s->nodes++;
    s->models += node->type == DBT_MODEL ? 1 : 0;
    s->tests += node->type == DBT_TEST ? 1 : 0;
    s->seeds += node->type == DBT_SEED ? 1 : 0;
    s->incremental += is_incremental ? 1 : 0;
    s->pairs += is_incremental && node->is_paired ? 1 : 0;
}

static bool read_incremental(struct bundle *b, uint32_t i, struct str *ret, struct err *err)
{
    struct json *tree = NULL;
    if (b->project->nodes[i].places[DBT_INCREMENTAL].length == 0) {
        return true;
    }
    if (!dbt_project_read(b->project, i, DBT_INCREMENTAL, &b->arena, &tree, err)) {
        return false;
    }
    const struct json *code = json_get(tree, "compiled_code");
    if (code == NULL || code->type != JSON_STRING) {
        return err_set(err, ERR_CORRUPT, "the second compilation has no compiled_code");
    }
    *ret = code->as.string;
    return true;
}

static bool add_node(struct bundle *b, uint32_t i, struct err *err)
{
    const struct dbt_node *node = &b->project->nodes[i];
    struct json *tree = NULL;
    struct bundle_more more = {0};
    char macros[MACRO_DIGEST_SIZE];
    arena_reset(&b->arena);
    buf_reset(&b->node);
    if (node->type == DBT_SEED && b->options->seeds != NULL) {
        if (!read_seed(b, node, err)) {
            return false;
        }
        more.seed_text = b->seed.len == 0 ? STR("") : buf_str(&b->seed);
    }
    if (!dbt_project_read(b->project, i, DBT_FULL, &b->arena, &tree, err) ||
        !read_incremental(b, i, &more.incremental, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(str_clip(node->unique_id, 200)));
    }
    macro_digest_of(b->macros, tree, macros);
    more.macros = str_from(macros);
    if (!bundle_trim(node, tree, &more, &b->arena, err) ||
        !json_verbatim_write(&b->node, tree, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(str_clip(node->unique_id, 200)));
    }
    if (b->node.len > LIMIT_DBT_NODE_BYTES) {
        return err_set(err, ERR_FULL,
                       STR_FMT ": more than %d bytes in the bundle (LIMIT_DBT_NODE_BYTES)",
                       STR_ARG(str_clip(node->unique_id, 200)), LIMIT_DBT_NODE_BYTES);
    }
    jw_key(&b->writer, node->unique_id);
    jw_raw(&b->writer, buf_str(&b->node));
    count_node(b, node);
    return true;
}

const char *const bundle_sections[] = {"nodes",      "sources",       "exposures",
                                       "metrics",    "saved_queries", "semantic_models",
                                       "unit_tests", "functions",     NULL};

const char *bundle_section_of(enum dbt_type type)
{
    switch (type) {
    case DBT_SOURCE:
        return "sources";
    case DBT_EXPOSURE:
        return "exposures";
    case DBT_METRIC:
        return "metrics";
    case DBT_SEMANTIC_MODEL:
        return "semantic_models";
    case DBT_SAVED_QUERY:
        return "saved_queries";
    case DBT_UNIT_TEST:
        return "unit_tests";
    case DBT_FUNCTION:
        return "functions";
    case DBT_MODEL:
    case DBT_SEED:
    case DBT_SNAPSHOT:
    case DBT_TEST:
    case DBT_ANALYSIS:
    case DBT_OPERATION:
        break;
    }
    return "nodes";
}

/* All nodes of a section, in the order of their ids. */
static bool add_section(struct bundle *b, const char *section, struct err *err)
{
    jw_key(&b->writer, str_from(section));
    jw_begin_object(&b->writer);
    for (uint32_t i = 0; i < b->project->count; i++) {
        if (strcmp(bundle_section_of(b->project->nodes[i].type), section) == 0 &&
            !add_node(b, i, err)) {
            return false;
        }
    }
    jw_end_object(&b->writer);
    return true;
}

/* --- the whole ------------------------------------------------------------------------------- */

void bundle_write_metadata(const struct dbt_project *project, struct json_writer *w)
{
    char url[80];
    struct buf text = buf_fixed(url, sizeof(url));
    buf_addf(&text, "https://schemas.getdbt.com/dbt/manifest/v%d.json", project->schema_version);
    jw_key(w, STR("metadata"));
    jw_begin_object(w);
    jw_member_str(w, "dbt_schema_version", buf_str(&text));
    jw_member_opt(w, "dbt_version", project->dbt_version);
    jw_member_opt(w, "project_name", project->name);
    jw_member_opt(w, "adapter_type", project->adapter_type);
    jw_member_str(w, "compares", STR(DBT_COMPARES));
}

static void add_groups(struct bundle *b)
{
    char id[LIMIT_DBT_ID_BYTES];
    jw_key(&b->writer, STR("groups"));
    jw_begin_object(&b->writer);
    for (size_t i = 0; i < b->project->group_count; i++) {
        const struct dbt_group *group = &b->project->groups[i];
        struct buf key = buf_fixed(id, sizeof(id));
        buf_addf(&key, "group." STR_FMT "." STR_FMT, STR_ARG(str_clip(group->package, 400)),
                 STR_ARG(str_clip(group->name, 400)));
        jw_key(&b->writer, buf_str(&key));
        jw_begin_object(&b->writer);
        jw_member_str(&b->writer, "name", group->name);
        jw_member_opt(&b->writer, "package_name", group->package);
        jw_key(&b->writer, STR("owner"));
        jw_begin_object(&b->writer);
        jw_member_opt(&b->writer, "name", group->owner_name);
        jw_member_opt(&b->writer, "email", group->owner_email);
        jw_end_object(&b->writer);
        jw_end_object(&b->writer);
    }
    jw_end_object(&b->writer);
}

/* Of macros only those that have a say in how nodes run. */
static void add_overrides(struct bundle *b)
{
    char id[LIMIT_DBT_ID_BYTES];
    if (b->project->override_count == 0) {
        return;
    }
    jw_key(&b->writer, STR("macros"));
    jw_begin_object(&b->writer);
    for (size_t i = 0; i < b->project->override_count; i++) {
        const struct dbt_override *override = &b->project->overrides[i];
        struct buf key = buf_fixed(id, sizeof(id));
        buf_addf(&key, "macro." STR_FMT, STR_ARG(override->macro));
        jw_key(&b->writer, buf_str(&key));
        jw_begin_object(&b->writer);
        jw_member_opt(&b->writer, "original_file_path", override->file);
        jw_end_object(&b->writer);
    }
    jw_end_object(&b->writer);
}

static bool add_selectors(struct bundle *b, struct err *err)
{
    struct json *selectors = NULL;
    arena_reset(&b->arena);
    buf_reset(&b->node);
    if (!dbt_project_read_selectors(b->project, &b->arena, &selectors, err)) {
        return false;
    }
    if (selectors != NULL) {
        if (!json_verbatim_write(&b->node, selectors, err)) {
            return err_wrap(err, "selectors");
        }
        jw_member_raw(&b->writer, "selectors", buf_str(&b->node));
    }
    return true;
}

static bool write_bundle(struct bundle *b, struct err *err)
{
    b->writer = json_writer(&b->text);
    jw_begin_object(&b->writer);
    jw_member_i64(&b->writer, "selvedge_bundle", BUNDLE_VERSION);
    bundle_write_metadata(b->project, &b->writer);
    jw_end_object(&b->writer);
    for (size_t i = 0; bundle_sections[i] != NULL; i++) {
        if (!add_section(b, bundle_sections[i], err)) {
            return false;
        }
    }
    add_groups(b);
    add_overrides(b);
    if (!add_selectors(b, err)) {
        return false;
    }
    digest_hex(buf_str(&b->text), b->summary->sha256);
    jw_member_str(&b->writer, "sha256", str_from(b->summary->sha256));
    jw_end_object(&b->writer);
    buf_add(&b->text, STR("\n"));
    return !b->text.overflow ||
           err_set(err, ERR_FULL, "a bundle of more than %d bytes (LIMIT_DBT_MANIFEST_BYTES)",
                   LIMIT_DBT_MANIFEST_BYTES);
}

static bool pack(struct str text, struct buf *out, struct err *err)
{
    struct gzip *g = NULL;
    bool ok = gzip_open_smallest(&g, err) && gzip_add(g, text, out, err) && gzip_end(g, out, err);
    gzip_close(g);
    return ok;
}

bool dbt_bundle_make(const struct dbt_bundle_options *options, struct buf *out,
                     struct dbt_bundle_summary *ret, struct err *err)
{
    const struct dbt_open open = {.path = options->manifest,
                                  .incremental = options->incremental,
                                  .scratch_dir = options->scratch_dir};
    struct dbt_bundle_summary summary = {0};
    struct dbt_project *project = NULL;
    if (!dbt_project_open(&open, &project, err)) {
        return false;
    }
    if (project->is_bundle) {
        dbt_project_close(project);
        return err_set(err, ERR_INVALID, "%s is a bundle already", options->manifest);
    }
    AUTO(bundle)
    b = {.options = options,
         .project = project,
         .summary = &summary,
         .text = buf_growing(LIMIT_DBT_MANIFEST_BYTES),
         .node = buf_growing((size_t)2 * LIMIT_DBT_NODE_BYTES),
         .seed = buf_growing(LIMIT_DBT_NODE_BYTES),
         .arena = arena_new(NODE_ARENA_BYTES),
         .of_macros = arena_new(LIMIT_DBT_SELECTION_ARENA)};
    size_t before = out->len;
    bool ok = macro_digests_make(project, &b.of_macros, &b.macros, err) && write_bundle(&b, err) &&
              pack(buf_str(&b.text), out, err);
    for (size_t i = 0; i < COUNT_OF(project->files->file); i++) {
        summary.bytes_before +=
            project->files->file[i].fd < 0 ? 0 : project->files->file[i].was.st_size;
    }
    dbt_project_close(project);
    summary.bytes_unpacked = (int64_t)b.text.len;
    summary.bytes_after = (int64_t)(out->len - before);
    if (ok) {
        *ret = summary;
    }
    return ok;
}
