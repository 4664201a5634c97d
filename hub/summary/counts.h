/* counts.h - every asset of every device in a few bytes, and what they come to: by asset, by device, for the fleet. A
 * row that is put again replaces the earlier one, and the sums follow. Pure: rows are read in read.c. */
#pragma once
#include "common/base/strmap.h"
#include "hub/store/freshness.h"
#include "hub/store/queries.h"

enum {
    COUNTS_BYTES_MAX = 512 << 20,
    COUNTS_NEWEST = 20, /* of what fails */
};

/* One asset on one device. Texts are borrowed. */
struct counts_row {
    struct str asset, group, kinds, tags, owners, description;
    struct str freshness; /* as the device judges; empty: it has no policy */
    bool is_defined, is_external, is_failing;
    int64_t materializations, row_count; /* row_count: HUB_UNKNOWN */
    int64_t at_ms, failed_at_ms;
    int64_t fail_after_ms; /* HUB_UNKNOWN; of a device that is away */
};
struct counts_connection {
    bool is_online, is_clock_trusted;
    int64_t clock_offset_ms; /* HUB_UNKNOWN */
};
struct counts_fresh {
    int64_t of[FRESH_COUNT];
};
struct counts_failing {
    struct str device, asset;
    int64_t at_ms;
};

struct counts;
MUST_CHECK struct counts *counts_new(void); /* NULL: no memory */
void counts_free(struct counts *c);         /* NULL is allowed */

/* The device's number; it is made when nobody has that name. UINT32_MAX: no memory. */
uint32_t counts_device(struct counts *c, struct str name);
bool counts_find_device(const struct counts *c, struct str name, uint32_t *ret);
/* Begins to say all of a device anew: what is not put until the end is gone. */
void counts_begin(struct counts *c, uint32_t device);
void counts_end(struct counts *c, uint32_t device);
void counts_put(struct counts *c, uint32_t device, const struct counts_row *row,
                struct wall_time now);
void counts_remove(struct counts *c, uint32_t device, struct str asset);
/* Whether it differs from what was said last. */
bool counts_connect(struct counts *c, uint32_t device, const struct counts_connection *is,
                    struct wall_time now);
/* Judges again where the passing of time alone changes what is fresh. */
void counts_tick(struct counts *c, struct wall_time now);
/* Out of memory, or more than COUNTS_BYTES_MAX: nothing of it can be relied upon. */
bool counts_has_failed(const struct counts *c);

/* --- what it comes to: borrowed until the next change ------------------------------------------ */

struct counts_fleet {
    const struct hub_fleet_asset *assets; /* by key */
    const struct counts_fresh *fresh;     /* of each of them */
    size_t count;
    struct counts_fresh words; /* of all assets of all devices that have a policy */
    int64_t failing_assets, failing_pairs, failing_devices;
    int64_t pairs; /* defined */
};
const struct counts_fleet *counts_fleet(struct counts *c);
/* The first asset of the list behind `after`; how many are not. */
size_t counts_behind(const struct counts_fleet *fleet, struct str after);
/* The asset's place in the list. */
bool counts_find_asset(const struct counts_fleet *fleet, struct str asset, size_t *ret);
/* The newest failures; how many. */
size_t counts_newest_failing(const struct counts *c, struct counts_failing ret[COUNTS_NEWEST]);
struct counts_of_device {
    int64_t assets, failing;
    struct counts_fresh fresh;
};
bool counts_of_device(const struct counts *c, struct str device, struct counts_of_device *ret);
/* FRESH_COUNT: it has no policy there. */
enum freshness_word counts_word(const struct counts *c, struct str device, struct str asset);
