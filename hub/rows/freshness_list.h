/* freshness_list.h - how fresh assets are, counted by asset or by device, for columns of lists. */
#pragma once
#include "common/base/strmap.h"
#include "common/json/json_writer.h"
#include "hub/store/freshness.h"
#include "hub/store/queries.h"

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
/* `arena` and `is_by_device` are set by the caller, the rest is zero. Lives in the arena. */
MUST_CHECK bool freshness_list_read(struct freshness_list *list, struct db *db,
                                    const struct hub_filter *filter, struct wall_time now,
                                    struct err *err);
/* Adds what somebody else has counted. */
void freshness_list_put(struct freshness_list *list, struct str name,
                        const int64_t counts[FRESH_COUNT]);
/* NULL: there is no policy. */
const struct freshness_counts *freshness_list_find(const struct freshness_list *list,
                                                   struct str name);
/* "freshness": {"fresh": 1, "device away": 2}; nothing where there is no policy. */
void freshness_counts_member(const int64_t counts[FRESH_COUNT], struct json_writer *w);
void freshness_member(const struct freshness_list *list, struct json_writer *w, struct str name);
