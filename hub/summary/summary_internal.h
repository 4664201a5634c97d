/* summary_internal.h - what the files of this folder share that read the database. */
#pragma once
#include "common/base/limits.h"
#include "common/db/db.h"
#include "hub/summary/partitions.h"
#include "hub/when/when.h"
#include "hub_summary_sql.h"

enum partitions_reading { READING_DEFINITIONS, READING_ROWS, READING_DONE };
struct partition_figures {
    struct arena names;
    struct str asset, device; /* no device: all */
    struct cells *cells;      /* NULL: they did not fit */
    struct arena arena;       /* of the rules that hold */
    struct zones zones;
    struct partitions rules;
    struct str rules_text;
    size_t key_count;
    int64_t devices; /* that define it so */
    bool is_known;   /* the rules are understood */
    bool are_keys_stale;
    enum partitions_reading reading;
    int64_t stream;         /* definitions were read up to here */
    struct buf next_device; /* rows are read from here on */
    struct arena rows;      /* of the device that is read */
    struct mono_time asked_at, failed_at;
    bool is_answered; /* somebody got what he asked for */
    struct partition_figures *next;
};

struct named_figures;
struct summary {
    struct loop *loop;
    struct loop_timer look;
    struct db *db;
    struct db_query version;
    struct counts *counts;
    int64_t seen_version; /* of the database; -1: none */
    int64_t position;     /* in the log: counted up to here */
    int64_t times;        /* that the views had been derived */
    bool is_behind;       /* there is more in the log */
    bool is_begun;
    struct arena names; /* of devices that are to be read */
    struct str *devices;
    size_t device_count, device_next;
    struct mono_time peers_at, failed_at;
    bool are_peers_due, has_warned;
    /* what is asked for now and then */
    struct partition_figures *partitions;
    size_t partition_assets, partitions_bytes_max;
    struct named_figures *named; /* NULL: nobody asks */
    void (*on_ready)(void *ctx);
    void *ready_ctx;
    bool has_news;         /* on_ready() is to be called */
    bool are_some_waiting; /* for a place */
};

struct mono_time summary_mono(const struct summary *s);
/* All was read once; false again when it has to be read anew. */
bool summary_is_loaded(const struct summary *s);
/* The next slice comes soon. */
void summary_hurry(struct summary *s);
/* Notes where the log is, and which devices there are. */
MUST_CHECK bool summary_begin(struct summary *s, struct err *err);
MUST_CHECK bool summary_read_device(struct summary *s, struct str device, struct wall_time now,
                                    struct err *err);
MUST_CHECK bool summary_read_peers(struct summary *s, struct wall_time now, struct err *err);
/* A part of what the log has behind the position. *ret_again: the views were derived anew, or the log put back. */
MUST_CHECK bool summary_read_log(struct summary *s, struct wall_time now, bool *ret_again,
                                 struct err *err);

/* --- partitions.c, named.c ------------------------------------------------------------------------ */

enum summary_what { TOLD_MADE, TOLD_FRESHNESS, TOLD_DEFINITIONS, TOLD_PARTITION_KEY, TOLD_NAMED };
struct summary_told { /* by the log */
    enum summary_what what;
    struct str device, asset, partition, partition_end;
};
/* Nothing is kept of what was read so far: it is read again. */
void summary_partitions_begin(struct summary *s);
void summary_named_begin(struct summary *s);
/* A slice of reading what was asked for; *ret_done becomes false while there is more. */
MUST_CHECK bool summary_partitions_step(struct summary *s, struct wall_time now,
                                        struct mono_time end, bool *ret_done, struct err *err);
MUST_CHECK bool summary_named_step(struct summary *s, struct mono_time end, bool *ret_done,
                                   struct err *err);
MUST_CHECK bool summary_partitions_told(struct summary *s, const struct summary_told *t,
                                        struct err *err);
MUST_CHECK bool summary_named_told(struct summary *s, const struct summary_told *t,
                                   struct err *err);
/* The database has changed. */
void summary_named_changed(struct summary *s);
/* What nobody asked for for long is dropped. */
void summary_partitions_forget(struct summary *s);
void summary_named_forget(struct summary *s);
