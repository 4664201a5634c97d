/* freshness_list.h - how fresh assets are, counted by asset or by device, for columns of lists. */
#pragma once
#include "common/base/strmap.h"
#include "hub/cli/look.h"
#include "hub/store/freshness.h"

struct freshness_list {
    struct arena *arena;
    struct strmap by_name;
    struct freshness_counts {
        int64_t of[FRESH_COUNT];
    } * items;
    size_t count, cap;
    bool is_by_device;
    bool has_failed; /* out of memory */
};
/* Lives in `arena`. */
MUST_CHECK bool freshness_list_read(struct freshness_list *ret, struct look *look,
                                    const struct hub_filter *filter, bool is_by_device,
                                    struct arena *arena, struct err *err);
/* "fresh", "late", or what is wrong: "2 failed, 1 device away"; nothing where there is no policy. True:
 * one is bad. */
bool freshness_words(const struct freshness_list *list, struct str name, struct buf *out);
void freshness_cell(const struct freshness_list *list, struct table *t, struct str name);
/* "freshness": {"fresh": 1, "device away": 2}; nothing where there is no policy. */
void freshness_member(const struct freshness_list *list, struct json_writer *w, struct str name);
