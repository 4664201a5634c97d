#include "common/dbt/macro_digest.h"

#include "common/base/limits.h"
#include "common/base/sha1.h"
#include "common/base/strmap.h"
#include "common/dbt/macro_reader.h"
#include <stdlib.h>
#include <string.h>

struct macro {
    struct str id;
    uint8_t hash[SHA1_BYTES]; /* of the text */
    size_t first, count;      /* of calls */
    bool is_met;              /* on the way at hand */
};

struct macro_digests {
    struct strmap ids; /* to places in macros */
    struct macro *macros;
    size_t count, room;
    struct str *calls;
    size_t call_count, call_room;
    struct macro **met; /* the way at hand: as many as there are macros */
    size_t met_count;
    struct arena *arena;
    struct arena scratch;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory to compare macros");
}

/* Room for one more of a list in the arena, doubled each time. */
static void *room_for_one(struct arena *arena, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t wanted = *room == 0 ? 256 : *room * 2;
    void *more = arena_array(arena, wanted, size);
    if (more == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(more, items, count * size);
    }
    *room = wanted;
    return more;
}

static bool add_call(struct macro_digests *d, struct str callee, struct err *err)
{
    struct str *calls =
        room_for_one(d->arena, d->calls, d->call_count, &d->call_room, sizeof(*d->calls));
    struct str copy = arena_copy(d->arena, callee);
    if (calls == NULL || copy.ptr == NULL) {
        return no_memory(err);
    }
    d->calls = calls;
    d->calls[d->call_count++] = copy;
    return true;
}

static const struct json *calls_of(const struct json *object)
{
    const struct json *list = json_get(json_get(object, "depends_on"), "macros");
    return list == NULL || list->type != JSON_ARRAY ? NULL : list->child;
}

static bool take_macro(void *ctx, struct str id, struct str text, struct dbt_place place,
                       struct err *err)
{
    struct macro_digests *d = ctx;
    struct json *object = NULL;
    (void)place;
    arena_reset(&d->scratch);
    if (d->count == LIMIT_DBT_MACROS) {
        return err_set(err, ERR_FULL, "more than %d macros (LIMIT_DBT_MACROS)", LIMIT_DBT_MACROS);
    }
    if (!json_parse(text, LIMIT_DBT_NODE_BYTES, &d->scratch, &object, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(str_clip(id, 200)));
    }
    struct macro *macros =
        room_for_one(d->arena, d->macros, d->count, &d->room, sizeof(*d->macros));
    struct macro macro = {.id = arena_copy(d->arena, id), .first = d->call_count};
    if (macros == NULL || macro.id.ptr == NULL ||
        !strmap_put(&d->ids, macro.id, (uint32_t)d->count)) {
        return no_memory(err);
    }
    const struct json *sql = json_get(object, "macro_sql");
    sha1(sql == NULL || sql->type != JSON_STRING ? STR("") : sql->as.string, macro.hash);
    for (const struct json *e = calls_of(object); e != NULL; e = e->next) {
        if (e->type == JSON_STRING && !add_call(d, e->as.string, err)) {
            return false;
        }
    }
    macro.count = d->call_count - macro.first;
    d->macros = macros;
    d->macros[d->count++] = macro;
    return true;
}

bool macro_digests_make(const struct dbt_project *project, struct arena *arena,
                        struct macro_digests **ret, struct err *err)
{
    struct macro_digests *d = arena_alloc(arena, sizeof(*d));
    if (d == NULL) {
        return no_memory(err);
    }
    *d = (struct macro_digests){
        .ids = strmap_new(arena), .arena = arena, .scratch = arena_new(LIMIT_DBT_SELECTION_ARENA)};
    bool ok = macros_read(project, take_macro, d, err);
    arena_release(&d->scratch);
    d->met = ok ? arena_array(arena, d->count + 1, sizeof(*d->met)) : NULL;
    *ret = d;
    return ok && (d->met != NULL || no_memory(err));
}

static void meet(struct macro_digests *d, struct str id)
{
    uint32_t place = 0;
    if (strmap_get(&d->ids, id, &place) && !d->macros[place].is_met) {
        d->macros[place].is_met = true;
        d->met[d->met_count++] = &d->macros[place];
    }
}

static int by_id(const void *a, const void *b)
{
    return str_cmp((*(struct macro *const *)a)->id, (*(struct macro *const *)b)->id);
}

void macro_digest_of(struct macro_digests *d, const struct json *node, char ret[MACRO_DIGEST_SIZE])
{
    uint8_t hash[SHA1_BYTES] = {0};
    d->met_count = 0;
    for (const struct json *e = calls_of(node); e != NULL; e = e->next) {
        if (e->type == JSON_STRING) {
            meet(d, e->as.string);
        }
    }
    for (size_t i = 0; i < d->met_count; i++) {
        for (size_t k = 0; k < d->met[i]->count; k++) {
            meet(d, d->calls[d->met[i]->first + k]);
        }
    }
    qsort(d->met, d->met_count, sizeof(struct macro *), by_id);
    for (size_t i = 0; i < d->met_count; i++) {
        char kept[LIMIT_DBT_ID_BYTES + 2 * SHA1_BYTES];
        struct buf text = buf_fixed(kept, sizeof(kept));
        buf_add(&text, (struct str){(const char *)hash, sizeof(hash)});
        buf_add(&text, (struct str){(const char *)d->met[i]->hash, SHA1_BYTES});
        buf_add(&text, d->met[i]->id);
        sha1(buf_str(&text), hash);
        d->met[i]->is_met = false;
    }
    struct buf hex = buf_fixed(ret, MACRO_DIGEST_SIZE);
    for (size_t i = 0; d->met_count > 0 && i < SHA1_BYTES; i++) {
        buf_addf(&hex, "%02x", hash[i]);
    }
    (void)buf_cstr(&hex);
}
