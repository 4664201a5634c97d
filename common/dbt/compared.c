#include "common/dbt/compared.h"

#include "common/base/limits.h"
#include "common/dbt/bundle.h"
#include "common/dbt/bundle_node.h"
#include "common/dbt/dbt_files.h"
#include "common/dbt/macro_digest.h"
#include "common/gzip/gzip.h"
#include "common/json/json_verbatim.h"
#include "common/json/json_writer.h"
#include "common/tls/identity.h"
#include <string.h>

struct making {
    const struct dbt_compared *of;
    struct macro_digests *macros; /* NULL: `now` is a bundle, whose nodes have them */
    struct buf text;
    struct buf node;
    struct json_writer writer;
    struct arena arena; /* of one node */
    struct arena of_macros;
};

static void making_release(struct making *m)
{
    buf_release(&m->text);
    buf_release(&m->node);
    arena_release(&m->arena);
    arena_release(&m->of_macros);
}

void dbt_made_of(const struct dbt_project *project, char ret[DBT_MADE_OF_SIZE])
{
    const struct stat *st = &project->files->file[DBT_FULL].source;
    struct buf text = buf_fixed(ret, DBT_MADE_OF_SIZE);
    buf_addf(&text, "%llu:%lld:%lld.%09ld", (unsigned long long)st->st_ino, (long long)st->st_size,
             (long long)st->st_mtim.tv_sec, (long)st->st_mtim.tv_nsec);
    (void)buf_cstr(&text);
}

/* The node of now, or the one before; *ret NULL: neither. */
static bool read_node(struct making *m, uint32_t i, struct json **ret, struct err *err)
{
    const struct dbt_compared *of = m->of;
    const struct dbt_node *node = &of->now->nodes[i];
    char text[MACRO_DIGEST_SIZE];
    arena_reset(&m->arena);
    *ret = NULL;
    if (!of->is_taken[i]) {
        uint32_t old =
            of->before == NULL ? DBT_NO_NODE : dbt_project_find(of->before, node->unique_id);
        return old == DBT_NO_NODE ||
               dbt_project_read(of->before, old, DBT_FULL, &m->arena, ret, err);
    }
    if (!dbt_project_read(of->now, i, DBT_FULL, &m->arena, ret, err)) {
        return false;
    }
    struct str macros = STR(""); /* a bundle's node has them */
    if (m->macros != NULL) {
        macro_digest_of(m->macros, *ret, text);
        macros = arena_copy(&m->arena, str_from(text));
    }
    return bundle_trim_compared(node, *ret, macros, &m->arena, err);
}

static bool add_node(struct making *m, uint32_t i, struct err *err)
{
    const struct dbt_node *node = &m->of->now->nodes[i];
    struct json *tree = NULL;
    buf_reset(&m->node);
    bool ok = read_node(m, i, &tree, err);
    if (!ok || tree == NULL) {
        return ok;
    }
    if (!json_verbatim_write(&m->node, tree, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(str_clip(node->unique_id, 200)));
    }
    jw_key(&m->writer, node->unique_id);
    jw_raw(&m->writer, buf_str(&m->node));
    return true;
}

static bool add_section(struct making *m, const char *section, struct err *err)
{
    jw_key(&m->writer, str_from(section));
    jw_begin_object(&m->writer);
    for (uint32_t i = 0; i < m->of->now->count; i++) {
        if (strcmp(bundle_section_of(m->of->now->nodes[i].type), section) == 0 &&
            !add_node(m, i, err)) {
            return false;
        }
    }
    jw_end_object(&m->writer);
    return true;
}

/* Is every node of the file of now? */
static bool is_of_one(const struct dbt_compared *of)
{
    char made_of[DBT_MADE_OF_SIZE];
    dbt_made_of(of->now, made_of);
    bool is_before = of->before != NULL && str_eq(of->before->made_of, str_from(made_of));
    for (size_t i = 0; i < of->now->count; i++) {
        if (!of->is_taken[i] &&
            !(is_before &&
              dbt_project_find(of->before, of->now->nodes[i].unique_id) != DBT_NO_NODE)) {
            return false;
        }
    }
    return true;
}

static bool write_all(struct making *m, struct err *err)
{
    const struct dbt_project *now = m->of->now;
    char made_of[DBT_MADE_OF_SIZE];
    char hash[BUNDLE_HASH_SIZE];
    m->writer = json_writer(&m->text);
    jw_begin_object(&m->writer);
    jw_member_i64(&m->writer, "selvedge_bundle", BUNDLE_VERSION);
    bundle_write_metadata(now, &m->writer);
    if (is_of_one(m->of)) {
        dbt_made_of(now, made_of);
        jw_member_str(&m->writer, "made_of", str_from(made_of));
    }
    jw_end_object(&m->writer);
    for (size_t i = 0; bundle_sections[i] != NULL; i++) {
        if (!add_section(m, bundle_sections[i], err)) {
            return false;
        }
    }
    digest_hex(buf_str(&m->text), hash);
    jw_member_str(&m->writer, "sha256", str_from(hash));
    jw_end_object(&m->writer);
    buf_add(&m->text, STR("\n"));
    return !m->text.overflow ||
           err_set(err, ERR_FULL, "more than %d bytes to compare with (LIMIT_DBT_MANIFEST_BYTES)",
                   LIMIT_DBT_MANIFEST_BYTES);
}

bool dbt_compared_make(const struct dbt_compared *compared, struct buf *out, struct err *err)
{
    AUTO(making)
    m = {.of = compared,
         .text = buf_growing(LIMIT_DBT_MANIFEST_BYTES),
         .node = buf_growing((size_t)2 * LIMIT_DBT_NODE_BYTES),
         .arena = arena_new((size_t)LIMIT_DBT_NODE_BYTES * 16),
         .of_macros = arena_new(LIMIT_DBT_SELECTION_ARENA)};
    struct gzip *g = NULL;
    if (compared->now->is_bundle && !str_eq(compared->now->compares, STR(DBT_COMPARES))) {
        (void)err_set(err, ERR_INVALID,
                      "the bundle has not what tells whether a node was modified");
        return err_hint(err, "an earlier selvedge-hub made it: make it again");
    }
    bool ok = (compared->now->is_bundle ||
               macro_digests_make(compared->now, &m.of_macros, &m.macros, err)) &&
              write_all(&m, err) && gzip_open(&g, err) && gzip_add(g, buf_str(&m.text), out, err) &&
              gzip_end(g, out, err);
    gzip_close(g);
    return ok;
}
