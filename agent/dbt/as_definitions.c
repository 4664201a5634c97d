/* DESIGN: nodes are read one after another, and of each only its key and the text of what it becomes
 * is kept; then lineage is written with the keys. Nodes that are not selected, and sources, are
 * assets that others make, and give way to whatever has their key: so what one project calls a source
 * is what another, or a load, makes, without a word of configuration. */
#include "agent/dbt/as_definitions.h"

#include "agent/dbt/checks.h"
#include "agent/dbt/lineage.h"
#include "agent/dbt/names.h"
#include "agent/dbt/words.h"
#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/dbt/spec.h"

enum { MEMORY_MAX = 64 << 20, NODE_MEMORY_MAX = 64 << 20 };

struct importing {
    const struct dbt_import *import;
    const struct dbt_project *project;
    struct arena *arena;
    struct str *keys;      /* of each node that becomes an asset; else empty */
    struct str *words;     /* the same: JSON members, as text */
    uint32_t *first_check; /* of each node in `checks`, count + 1 */
    uint32_t *checks;      /* places in all.items */
    struct dbt_checks all;
    struct strmap known; /* key to node */
    struct err *err;
};

static bool no_memory(struct importing *m)
{
    return err_set(m->err, ERR_FULL, "the project needs more memory than is set aside");
}

/* --- keys --- */

/* Made by this step. */
static bool is_ours(const struct importing *m, uint32_t node)
{
    return m->import->selected[node] && dbt_is_asset(&m->project->nodes[node]);
}

static bool is_shown(const struct dbt_node *node)
{
    return node->type == DBT_EXPOSURE || node->type == DBT_METRIC;
}

static bool say_twice(struct importing *m, uint32_t node, uint32_t earlier)
{
    err_set(m->err, ERR_INVALID, STR_FMT " and " STR_FMT " are both asset " STR_FMT,
            STR_ARG(str_clip(m->project->nodes[earlier].unique_id, 80)),
            STR_ARG(str_clip(m->project->nodes[node].unique_id, 80)),
            STR_ARG(str_clip(m->keys[node], 80)));
    return err_hint(m->err, "give one of them another key: meta: {dagster: {asset_key: [...]}}");
}

static bool take_key(struct importing *m, uint32_t node)
{
    uint32_t earlier = 0;
    bool both_sources = false;
    if (strmap_get(&m->known, m->keys[node], &earlier)) {
        both_sources = m->project->nodes[node].type == DBT_SOURCE &&
                       m->project->nodes[earlier].type == DBT_SOURCE;
        return both_sources || say_twice(m, node, earlier);
    }
    return strmap_put(&m->known, m->keys[node], node) || no_memory(m);
}

/* Its key, and the rest of what will be written of it. */
static bool read_node(struct importing *m, uint32_t node)
{
    AUTO(arena) scratch = arena_new(NODE_MEMORY_MAX);
    AUTO(buf) text = buf_growing(LIMIT_EVENT_BYTES);
    struct json *object = NULL;
    if (m->keys[node].len > 0) {
        return true;
    }
    if (!dbt_project_read(m->project, node, DBT_FULL, &scratch, &object, m->err) ||
        !dbt_asset_key(m->project, node, object, m->arena, &m->keys[node], m->err)) {
        return false;
    }
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    dbt_write_words(m->import, node, object, &w);
    if (text.overflow) {
        return err_set(m->err, ERR_FULL, STR_FMT ": what is said of it takes more than %d bytes",
                       STR_ARG(str_clip(m->project->nodes[node].unique_id, 120)),
                       LIMIT_EVENT_BYTES);
    }
    m->words[node] = arena_copy(m->arena, str_slice(buf_str(&text), 1, text.len));
    return m->words[node].ptr != NULL ? take_key(m, node) : no_memory(m);
}

/* What selected nodes are made from needs a key too, whether it is selected or not. */
static bool read_parents(struct importing *m, uint32_t node)
{
    AUTO(arena) scratch = arena_new(NODE_MEMORY_MAX);
    uint32_t *from = NULL;
    size_t count = 0;
    if (!dbt_made_from(m->project, node, &scratch, &from, &count, m->err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_node(m, from[i])) {
            return false;
        }
    }
    return true;
}

static bool read_nodes(struct importing *m)
{
    for (uint32_t i = 0; i < m->project->count; i++) {
        bool is_wanted =
            is_ours(m, i) || (m->import->selected[i] && is_shown(&m->project->nodes[i]));
        if (is_wanted && (!read_node(m, i) || !read_parents(m, i))) {
            return false;
        }
    }
    return true;
}

/* --- checks --- */

/* Which checks each node has: those of selected tests. */
static bool list_checks(struct importing *m)
{
    size_t count = m->project->count;
    if (!dbt_checks_make(m->project, m->arena, &m->all, m->err)) {
        return false;
    }
    m->first_check = arena_array(m->arena, count + 2, sizeof(*m->first_check));
    m->checks = arena_array(m->arena, m->all.count, sizeof(*m->checks));
    if (m->first_check == NULL || m->checks == NULL) {
        return no_memory(m);
    }
    for (size_t i = 0; i < m->all.count; i++) {
        const struct dbt_check *check = &m->all.items[i];
        if (check->on != DBT_NO_NODE && m->import->selected[check->test]) {
            m->first_check[check->on + 2]++;
        }
    }
    for (size_t i = 2; i < count + 2; i++) {
        m->first_check[i] += m->first_check[i - 1];
    }
    for (uint32_t i = 0; i < m->all.count; i++) {
        const struct dbt_check *check = &m->all.items[i];
        if (check->on != DBT_NO_NODE && m->import->selected[check->test]) {
            m->checks[m->first_check[check->on + 1]++] = i;
        }
    }
    return true;
}

static void write_checks(const struct importing *m, uint32_t node, struct json_writer *w)
{
    uint32_t first = m->first_check[node];
    uint32_t end = m->first_check[node + 1];
    if (first == end) {
        return;
    }
    jw_key(w, STR("checks"));
    jw_begin_array(w);
    for (uint32_t i = first; i < end; i++) {
        const struct dbt_check *check = &m->all.items[m->checks[i]];
        const struct dbt_node *test = &m->project->nodes[check->test];
        jw_begin_object(w);
        jw_member_str(w, "name", check->name);
        jw_member_str(w, "test", test->unique_id);
        if (test->is_warning) {
            jw_member_str(w, "severity", STR("warn"));
        } else {
            jw_member_bool(w, "blocking", true);
        }
        jw_end_object(w);
    }
    jw_end_array(w);
}

/* Of a source, when it is asked. */
static bool write_freshness(struct importing *m, uint32_t node, struct json_writer *w)
{
    AUTO(arena) scratch = arena_new(NODE_MEMORY_MAX);
    struct dbt_spec spec;
    if (!m->import->asks_freshness || m->project->nodes[node].type != DBT_SOURCE) {
        return true;
    }
    if (!dbt_spec_read(m->project, node, &scratch, &spec, m->err)) {
        return false;
    }
    if (spec.warn_after_ns == 0 && spec.error_after_ns == 0) {
        return true;
    }
    jw_key(w, STR("checks"));
    jw_begin_array(w);
    jw_begin_object(w);
    jw_member_str(w, "name", STR(DBT_FRESHNESS_CHECK));
    jw_member_str(w, "test", spec.node->unique_id);
    if (spec.error_after_ns == 0) {
        jw_member_str(w, "severity", STR("warn"));
    }
    jw_end_object(w);
    jw_end_array(w);
    return true;
}

/* --- assets --- */

static bool write_deps(struct importing *m, uint32_t node, struct json_writer *w)
{
    AUTO(arena) scratch = arena_new(NODE_MEMORY_MAX);
    uint32_t *from = NULL;
    size_t count = 0;
    if (!dbt_made_from(m->project, node, &scratch, &from, &count, m->err)) {
        return false;
    }
    if (count > 0) {
        jw_key(w, STR("deps"));
        jw_begin_array(w);
        for (size_t i = 0; i < count; i++) {
            jw_str(w, m->keys[from[i]]);
        }
        jw_end_array(w);
    }
    return true;
}

/* What was written of a node before, behind what is in the object already. */
static void write_words(const struct importing *m, uint32_t node, struct json_writer *w)
{
    buf_add_char(w->out, ',');
    buf_add(w->out, m->words[node]);
}

static bool write_made(struct importing *m, uint32_t node, struct json_writer *w)
{
    jw_begin_object(w);
    jw_member_str(w, "key", m->keys[node]);
    jw_member_str(w, "node", m->project->nodes[node].unique_id);
    bool ok = write_deps(m, node, w);
    write_checks(m, node, w);
    write_words(m, node, w);
    jw_end_object(w);
    return ok;
}

/* Sources, what is not selected, and what is shown only. */
static bool write_external(struct importing *m, uint32_t node, struct json_writer *w)
{
    uint32_t first = node;
    bool gives_way = !is_shown(&m->project->nodes[node]);
    if (strmap_get(&m->known, m->keys[node], &first) && first != node) {
        return true; /* a source that two packages know */
    }
    jw_begin_object(w);
    jw_member_str(w, "key", m->keys[node]);
    jw_member_bool(w, "external", true);
    if (gives_way) {
        jw_member_bool(w, "gives_way", true);
    }
    bool ok = (gives_way || write_deps(m, node, w)) && write_freshness(m, node, w);
    write_words(m, node, w);
    jw_end_object(w);
    return ok;
}

static bool write_step(struct importing *m, struct json_writer *w)
{
    size_t made = 0;
    jw_begin_object(w);
    jw_member_str(w, "key", m->import->key);
    buf_add_char(w->out, ',');
    buf_add(w->out, m->import->step);
    jw_key(w, STR("assets"));
    jw_begin_array(w);
    for (uint32_t i = 0; i < m->project->count; i++) {
        made += is_ours(m, i);
        if (is_ours(m, i) && !write_made(m, i, w)) {
            return false;
        }
    }
    jw_end_array(w);
    jw_end_object(w);
    if (made > LIMIT_STEP_ASSETS) {
        return err_set(m->err, ERR_FULL, "%zu nodes are more than a step may make (%d)", made,
                       LIMIT_STEP_ASSETS);
    }
    if (made > 0) {
        return true;
    }
    (void)err_set(m->err, ERR_INVALID, "no model, seed or snapshot of it is selected");
    return err_hint(m->err, "look at select, exclude and selector");
}

static bool write_all(struct importing *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_key(&w, STR("assets"));
    jw_begin_array(&w);
    if (!write_step(m, &w)) {
        return false;
    }
    for (uint32_t i = 0; i < m->project->count; i++) {
        if (m->keys[i].len > 0 && !is_ours(m, i) && !write_external(m, i, &w)) {
            return false;
        }
    }
    jw_end_array(&w);
    jw_end_object(&w);
    return !out->overflow || err_set(m->err, ERR_FULL, "it becomes more than %d MiB of definitions",
                                     LIMIT_DBT_DEFINITIONS_BYTES >> 20);
}

bool dbt_write_definitions(const struct dbt_import *import, struct buf *out, struct err *err)
{
    AUTO(arena) arena = arena_new(MEMORY_MAX);
    struct importing m = {
        .import = import, .project = import->project, .arena = &arena, .err = err};
    m.known = strmap_new(&arena);
    m.keys = arena_array(&arena, m.project->count, sizeof(*m.keys));
    m.words = arena_array(&arena, m.project->count, sizeof(*m.words));
    if (m.keys == NULL || m.words == NULL) {
        return no_memory(&m);
    }
    return read_nodes(&m) && list_checks(&m) && write_all(&m, out);
}
