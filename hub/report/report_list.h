/* report_list.h - for the files of this folder that gather: lists of a report in its arena. */
#pragma once
#include "common/base/strmap.h"
#include "hub/report/report.h"

struct reading {
    struct report *report;
    struct arena *arena;
    struct strmap groups;   /* name -> index into groups */
    struct strmap group_of; /* device -> index into groups */
    struct strmap assets;   /* -> index into assets */
    struct strmap loads;    /* "asset\ngroup" -> index into loads */
    struct strmap failures; /* "device\nasset" -> index into failures */
    bool has_failed;        /* the arena is full */
};

struct str report_copy(struct reading *r, struct str text);
/* "a\nb" in `memory`; empty when it does not fit (then it is no key of ours). */
enum { REPORT_PAIR_BYTES = 1024 };
struct str report_pair_key(char memory[REPORT_PAIR_BYTES], struct str a, struct str b);
/* Room for one more item, or NULL; lists double within the arena. */
void *report_place(struct reading *r, void *items, size_t count, size_t *cap, size_t size);
/* Appends `item_` to a list of the report, as far as it goes. */
#define REPORT_ADD(r_, list_, item_)                                                               \
    do {                                                                                           \
        (list_)->total++;                                                                          \
        void *items_ = (list_)->count < REPORT_ROWS_MAX                                            \
                           ? report_place((r_), (list_)->items, (list_)->count, &(list_)->cap,     \
                                          sizeof(*(list_)->items))                                 \
                           : NULL;                                                                 \
        if (items_ != NULL) {                                                                      \
            (list_)->items = items_;                                                               \
            (list_)->items[(list_)->count++] = (item_);                                            \
        }                                                                                          \
    } while (0)

/* Numbers that devices tell may be any. */
int64_t report_plus(int64_t a, int64_t b);
void report_add_load(struct hub_load *to, const struct hub_load *more);

/* Labels first (report_labels), then devices, then the rest. */
bool report_read_labels(struct db *store, struct reading *r, struct err *err);
/* NULL: not grouped, or the group has no room. */
struct report_group *report_group_of(struct reading *r, struct str device);
bool report_read_done(struct db *store, struct reading *r, struct err *err);
void report_finish(struct report *report);
