/* changes.h - what events change in the views, folded together before it is written: a run that
 * starts and ends within a batch is one row written once, not four. Folding two changes of a row and
 * writing the result gives what writing both would. Changes of many streams wait together, since one
 * statement that takes many rows costs half of what as many statements do; those of one stream keep
 * their order. changes_add() is pure; changes_write() is the SQL. */
#pragma once
#include "common/base/arena.h"
#include "common/base/limits.h"
#include "common/db/db.h"
#include "hub/merge/members.h"

struct view_stream { /* one database of one device */
    int64_t id;
    struct str device;
    struct str epoch;
    int64_t first_at_ms; /* with epoch: where it stands among the device's others */
};

/* Texts are empty and numbers NO_NUMBER where an event said nothing. All text is borrowed from
 * events and arena; `of` is the stream that it is of. */
#define NO_NUMBER INT64_MIN

struct run_change {
    const struct view_stream *of;
    struct str run, status, job, cause, cause_name, selection, tags, error;
    struct str backfill, partition, partition_end;
    int64_t steps, partitions, enqueued_ms, started_ms, ended_ms;
    int64_t first_seq, last_seq;
    bool begins; /* told from its beginning on: the row is not there yet, as good as always */
};
struct step_change {
    const struct view_stream *of;
    struct str run, step, asset, status, error, exit, reason;
    int64_t attempt, started_ms, ended_ms, duration_ms, retry_ms;
    bool is_plan; /* planned, and nothing more yet */
    bool begins;  /* as of a run */
};
struct materialization_change {
    const struct view_stream *of;
    struct str asset, run, step, data_version, metadata;
    int64_t seq, at_ms, row_count, rows_written, byte_count;
};
struct failure_change {
    struct str run, error;
    int64_t seq, at_ms;
};
struct asset_change {
    const struct view_stream *of;
    struct str asset;
    int64_t materializations, failures;                /* how many of each */
    const struct materialization_change *materialized; /* the latest, or NULL */
    struct failure_change failed;
};
struct check_change {
    const struct view_stream *of;
    struct str asset, name, severity, run, metadata;
    int64_t seq, at_ms;
    bool passed;
};
/* What was made of a partition, or of a range of them, or could not be. */
struct partition_change {
    const struct view_stream *of;
    struct str asset, first, last, run;
    int64_t seq, at_ms;
    bool is_made;
};
struct freshness_change {
    const struct view_stream *of;
    struct str asset, status;
    int64_t seq, at_ms;
};
struct tick_change {
    const struct view_stream *of;
    struct str kind, name; /* "schedule", its name */
    struct str status, nominal, run, reason;
    int64_t seq, at_ms, ticks, started;
};
struct tick_place {
    const struct view_stream *of;
    struct str kind, name;
    int64_t seq, at_ms;
};
struct gap_change {
    const struct view_stream *of;
    struct str reason, dropped;
    int64_t seq, from, at_ms;
};
struct bundle_change {
    const struct view_stream *of;
    struct str bundle, status, current, reason;
    int64_t seq, at_ms;
};
struct device_change {
    const struct view_stream *of;
    struct str version, board, boot_id, agent_start;
    int64_t at_ms, starts, clock_steps;
};

enum { CHANGES_MAX = 16 * LIMIT_BATCH_EVENTS, CHANGES_SEEN = 1 << 15 };
struct changes {
    struct run_change runs[CHANGES_MAX];
    struct step_change steps[CHANGES_MAX];
    struct materialization_change materializations[CHANGES_MAX];
    struct asset_change assets[CHANGES_MAX];
    struct check_change checks[CHANGES_MAX]; /* the latest of each */
    struct check_change evaluations[CHANGES_MAX];
    struct partition_change partitions[CHANGES_MAX];
    struct freshness_change freshness[CHANGES_MAX];
    struct tick_change ticks[CHANGES_MAX]; /* the latest of each */
    struct tick_place tick_places[CHANGES_MAX];
    struct gap_change gaps[CHANGES_MAX];
    struct bundle_change bundles[CHANGES_MAX];
    struct device_change devices[CHANGES_MAX];
    struct members members; /* of the event at hand */
    size_t events;          /* added; each adds at most one row to each table */
    size_t runs_count, steps_count, materializations_count, assets_count, checks_count,
        evaluations_count, partitions_count, freshness_count, ticks_count, tick_places_count,
        gaps_count, bundles_count, devices_count;
    /* Of whom the latest events are, and where their rows begin: these are folded. */
    const struct view_stream *stream;
    size_t events_from, runs_from, steps_from, assets_from, checks_from, freshness_from, ticks_from,
        bundles_from, devices_from;
    uint64_t
        seen[CHANGES_SEEN / 64]; /* a bit for each run and step that has a row; some share one */
};

/* Room for one more event is the caller's business. `from`: the first seq that a buffer_gap still
 * stands for. `text` keeps unescaped strings, and `stream` stays, until the changes are written. */
void changes_add(struct changes *c, const struct view_stream *stream, const struct told_event *told,
                 int64_t from, struct arena *text);
MUST_CHECK bool changes_write(const struct changes *c, struct db *out, struct err *err);
void changes_clear(struct changes *c);
int64_t wall_ms(struct wall_time t);
