#include "hub/cli/freshness_list.h"

#include <string.h>

enum { CELL_BYTES_MAX = 256 };

static struct freshness_counts *counts_of(struct freshness_list *list, struct str name)
{
    uint32_t number = 0;
    if (strmap_get(&list->by_name, name, &number)) {
        return &list->items[number];
    }
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 64 : 2 * list->cap;
        struct freshness_counts *more = arena_array(list->arena, cap, sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        if (list->count > 0) {
            memcpy(more, list->items, list->count * sizeof(*more));
        }
        list->items = more;
        list->cap = cap;
    }
    struct str copy = arena_copy(list->arena, name);
    if (copy.ptr == NULL || !strmap_put(&list->by_name, copy, (uint32_t)list->count)) {
        return NULL;
    }
    return &list->items[list->count++];
}

static void add(void *ctx, const struct hub_freshness *f)
{
    struct freshness_list *list = ctx;
    struct freshness_counts *counts = counts_of(list, list->is_by_device ? f->device : f->asset);
    if (counts == NULL) {
        list->has_failed = true;
        return;
    }
    counts->of[f->word]++;
}

bool freshness_list_read(struct freshness_list *ret, struct look *look,
                         const struct hub_filter *filter, bool is_by_device, struct arena *arena,
                         struct err *err)
{
    *ret = (struct freshness_list){
        .arena = arena, .by_name = strmap_new(arena), .is_by_device = is_by_device};
    if (!hub_each_freshness(look->db, filter, look->now, add, ret, err)) {
        return false;
    }
    return !ret->has_failed || err_set(err, ERR_FULL, "the list does not fit into memory");
}

static const struct freshness_counts *find(const struct freshness_list *list, struct str name)
{
    uint32_t number = 0;
    return strmap_get(&list->by_name, name, &number) ? &list->items[number] : NULL;
}

bool freshness_words(const struct freshness_list *list, struct str name, struct buf *out)
{
    const struct freshness_counts *counts = find(list, name);
    size_t before = out->len;
    int64_t total = 0;
    bool is_bad = false;
    for (int i = 0; counts != NULL && i < FRESH_COUNT; i++) {
        total += counts->of[i];
    }
    for (int i = FRESH_PASS + 1; counts != NULL && i < FRESH_COUNT; i++) {
        if (counts->of[i] > 0) {
            buf_add(out, out->len > before ? STR(", ") : STR(""));
            if (total > 1) {
                buf_addf(out, "%lld ", (long long)counts->of[i]);
            }
            buf_add_text(out, freshness_word((enum freshness_word)i));
            is_bad = is_bad || freshness_is_bad((enum freshness_word)i);
        }
    }
    if (total > 0 && out->len == before) {
        buf_add_text(out, freshness_word(FRESH_PASS));
    }
    return is_bad;
}

void freshness_cell(const struct freshness_list *list, struct table *t, struct str name)
{
    char memory[CELL_BYTES_MAX];
    struct buf text = buf_fixed(memory, sizeof(memory));
    bool is_bad = freshness_words(list, name, &text);
    table_tone(t, is_bad ? CLI_BAD : CLI_PLAIN, buf_str(&text));
}

void freshness_member(const struct freshness_list *list, struct json_writer *w, struct str name)
{
    const struct freshness_counts *counts = find(list, name);
    if (counts == NULL) {
        return;
    }
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    for (int i = 0; i < FRESH_COUNT; i++) {
        if (counts->of[i] > 0) {
            jw_member_i64(w, freshness_word((enum freshness_word)i), counts->of[i]);
        }
    }
    jw_end_object(w);
}
