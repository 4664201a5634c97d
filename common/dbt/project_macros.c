#include "common/dbt/project_macros.h"
#include "common/base/limits.h"
#include "common/base/strmap.h"
#include "common/dbt/dbt_files.h"
#include "common/dbt/macro_reader.h"

#define NO_CALL UINT32_MAX

/* Who calls a macro: a list for each of them. */
struct call {
    struct str callee;
    uint32_t caller;
    uint32_t next; /* of the same callee, once that is known; or NO_CALL */
};

struct select_macros {
    struct strmap old_ids; /* to places in old_places */
    struct dbt_place *old_places;
    struct strmap ids; /* of now, to places in is_changed */
    bool *is_changed;
    size_t count, old_count;
    struct call *calls;
    size_t call_count, call_room;
    struct arena *arena;
    struct arena scratch[2];
    const struct dbt_project *old;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory to compare macros");
}

static bool count_macro(void *ctx, struct str id, struct str text, struct dbt_place place,
                        struct err *err)
{
    struct select_macros *m = ctx;
    (void)id;
    (void)text;
    (void)place;
    m->count++;
    return m->count <= LIMIT_DBT_MACROS ||
           err_set(err, ERR_FULL, "more than %d macros (LIMIT_DBT_MACROS)", LIMIT_DBT_MACROS);
}

static bool keep_old(void *ctx, struct str id, struct str text, struct dbt_place place,
                     struct err *err)
{
    struct select_macros *m = ctx;
    (void)text;
    struct str copy = arena_copy(m->arena, id);
    if (copy.ptr == NULL || m->old_count == m->count ||
        !strmap_put(&m->old_ids, copy, (uint32_t)m->old_count)) {
        return no_memory(err);
    }
    m->old_places[m->old_count++] = place;
    return true;
}

static bool add_call(struct select_macros *m, struct str callee, uint32_t caller, struct err *err)
{
    if (m->call_count == m->call_room) {
        size_t room = m->call_room == 0 ? 256 : m->call_room * 2;
        struct call *calls = arena_array(m->arena, room, sizeof(*calls));
        if (calls == NULL) {
            return no_memory(err);
        }
        for (size_t i = 0; i < m->call_count; i++) {
            calls[i] = m->calls[i];
        }
        m->calls = calls;
        m->call_room = room;
    }
    struct str copy = arena_copy(m->arena, callee);
    m->calls[m->call_count++] = (struct call){.callee = copy, .caller = caller, .next = NO_CALL};
    return copy.ptr != NULL || no_memory(err);
}

static struct str sql_of(const struct json *macro)
{
    const struct json *sql = json_get(macro, "macro_sql");
    return sql == NULL || sql->type != JSON_STRING ? STR("") : sql->as.string;
}

/* Is its text another than it was? A new one is changed. */
static bool compare_macro(struct select_macros *m, struct str id, const struct json *macro,
                          bool *ret, struct err *err)
{
    const struct dbt_file *file = &m->old->files->file[DBT_FULL];
    AUTO(buf) text = buf_growing(LIMIT_DBT_NODE_BYTES);
    struct json *before = NULL;
    uint32_t old = 0;
    *ret = true;
    if (!strmap_get(&m->old_ids, id, &old)) {
        return true;
    }
    if (!dbt_file_read(file, m->old_places[old], &text, err) ||
        !json_parse(buf_str(&text), LIMIT_DBT_NODE_BYTES, &m->scratch[1], &before, err)) {
        return err_wrap(err, "state");
    }
    *ret = !str_eq(sql_of(macro), sql_of(before));
    return true;
}

static bool keep_new(void *ctx, struct str id, struct str text, struct dbt_place place,
                     struct err *err)
{
    struct select_macros *m = ctx;
    (void)place;
    struct json *macro = NULL;
    uint32_t number = (uint32_t)m->count;
    struct str copy = arena_copy(m->arena, id);
    arena_reset(&m->scratch[0]);
    arena_reset(&m->scratch[1]);
    if (!json_parse(text, LIMIT_DBT_NODE_BYTES, &m->scratch[0], &macro, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(str_clip(id, 200)));
    }
    if (copy.ptr == NULL || !strmap_put(&m->ids, copy, number)) {
        return no_memory(err);
    }
    const struct json *list = json_get(json_get(macro, "depends_on"), "macros");
    const struct json *e = list == NULL || list->type != JSON_ARRAY ? NULL : list->child;
    for (; e != NULL; e = e->next) {
        if (e->type == JSON_STRING && !add_call(m, e->as.string, number, err)) {
            return false;
        }
    }
    m->count++;
    return compare_macro(m, id, macro, &m->is_changed[number], err);
}

/* Whoever calls what is changed is changed: each macro is met once. */
static bool spread(struct select_macros *m, bool *is_changed, struct err *err)
{
    uint32_t *first = arena_array(m->arena, m->count + 1, sizeof(*first));
    uint32_t *waiting = arena_array(m->arena, m->count + 1, sizeof(*waiting));
    size_t count = 0;
    if (first == NULL || waiting == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < m->count; i++) {
        first[i] = NO_CALL;
    }
    for (uint32_t i = 0; i < m->call_count; i++) {
        uint32_t callee = 0;
        if (strmap_get(&m->ids, m->calls[i].callee, &callee)) {
            m->calls[i].next = first[callee];
            first[callee] = i;
        } else if (strmap_get(&m->old_ids, m->calls[i].callee, &callee)) {
            is_changed[m->calls[i].caller] = true; /* that one is gone */
        }
    }
    for (uint32_t i = 0; i < m->count; i++) {
        if (is_changed[i]) {
            waiting[count++] = i;
        }
    }
    while (count > 0) {
        uint32_t macro = waiting[--count];
        for (uint32_t i = first[macro]; i != NO_CALL; i = m->calls[i].next) {
            if (!is_changed[m->calls[i].caller]) {
                is_changed[m->calls[i].caller] = true;
                waiting[count++] = m->calls[i].caller;
            }
        }
    }
    return true;
}

static bool compare(const struct dbt_project *project, struct select_macros *m, struct err *err)
{
    if (!macros_read(m->old, count_macro, m, err)) {
        return err_wrap(err, "state");
    }
    m->old_places = arena_array(m->arena, m->count + 1, sizeof(*m->old_places));
    if (m->old_places == NULL) {
        return no_memory(err);
    }
    if (!macros_read(m->old, keep_old, m, err)) {
        return err_wrap(err, "state");
    }
    m->count = 0;
    if (!macros_read(project, count_macro, m, err)) {
        return false;
    }
    bool *is_changed = arena_array(m->arena, m->count + 1, sizeof(*is_changed));
    if (is_changed == NULL) {
        (void)no_memory(err);
        return false;
    }
    m->is_changed = is_changed;
    m->count = 0;
    return macros_read(project, keep_new, m, err) && spread(m, is_changed, err);
}

bool select_compare_macros(const struct dbt_project *project, const struct dbt_project *old,
                           struct arena *arena, struct select_macros **ret, struct err *err)
{
    struct select_macros *m = arena_alloc(arena, sizeof(*m));
    if (m == NULL) {
        return no_memory(err);
    }
    *m = (struct select_macros){
        .old_ids = strmap_new(arena),
        .ids = strmap_new(arena),
        .arena = arena,
        .scratch = {arena_new(LIMIT_DBT_SELECTION_ARENA), arena_new(LIMIT_DBT_SELECTION_ARENA)},
        .old = old};
    bool ok = compare(project, m, err);
    arena_release(&m->scratch[0]);
    arena_release(&m->scratch[1]);
    *ret = ok ? m : NULL;
    return ok;
}

bool select_macros_changed(const struct select_macros *macros, const struct json *node)
{
    const struct json *list = json_get(json_get(node, "depends_on"), "macros");
    const struct json *e = list == NULL || list->type != JSON_ARRAY ? NULL : list->child;
    for (; e != NULL; e = e->next) {
        uint32_t macro = 0;
        if (e->type != JSON_STRING) {
            continue;
        }
        if (strmap_get(&macros->ids, e->as.string, &macro)
                ? macros->is_changed[macro]
                : strmap_get(&macros->old_ids, e->as.string, &macro)) {
            return true;
        }
    }
    return false;
}
