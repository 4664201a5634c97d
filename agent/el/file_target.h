/* file_target.h - what the targets that write files share (jsonl, csv). DESIGN: beside the file
 * stands "<path>.state", which holds the extract's state and how long the file was when that state
 * was committed. An append writes, syncs, then replaces the state file; what a killed run left behind
 * the recorded length is cut off by the next one, so no row is there twice. The file is ours: what
 * others append to it is lost. A file that became shorter, or is another one, was rotated away: it is
 * written on from its end. An overwrite goes to "<path>.new" and is renamed. With "{stream}" in the
 * file's name each stream has a file, and all share one state file, "<path with {stream}>.state". */
#pragma once
#include "agent/connectors/file_target_options.h"
#include "agent/el/out_file.h"
#include "agent/el/reject_file.h"
#include "agent/el/state_history.h"
#include "agent/el/target.h"

/* A stream's file in the state; also of streams that this run does not have. */
struct file_record {
    struct str stream;   /* empty: the only one */
    int64_t bytes;       /* of the file at the last commit; -1 = it is not known yet */
    int64_t rows;        /* in it; -1 = not known */
    uint64_t tail;       /* what is before its end (out_file.h) */
    int64_t aside_bytes; /* of the file that was to be moved aside for it; -1 = none */
    struct file_record *next;
};
struct file_target;
struct file_sink {
    struct sink base;
    struct file_target *target;
    struct file_record *record;
    struct out_file file;
    struct out_file before; /* to be moved aside with the next commit */
    bool has_before;
    const struct schema *schema; /* of the rows that follow */
    int64_t new_rows;            /* since the last commit */
    void *format;                /* the format's own, of format->sink_bytes */
    struct file_sink *next;
};
/* How rows are written: the difference between the targets. */
struct file_format {
    const char *name; /* of the target */
    size_t sink_bytes;
    /* sink->schema is new; the file is open. May write, and call file_sink_begin_anew(). */
    MUST_CHECK bool (*begin)(struct file_sink *s, struct err *err);
    MUST_CHECK bool (*row)(struct file_sink *s, const struct value *row, struct err *err);
    void (*release)(struct file_sink *s); /* may be NULL */
};
struct file_target {
    struct target base;
    const struct file_format *format;
    const struct target_context *context;
    const struct file_target_options *options;
    bool is_overwrite;
    const char *state_path;
    struct file_record *records;
    struct file_sink *sinks;
    struct state_history kept; /* base.state borrows its value */
    struct reject_file rejects;
    int64_t rejected; /* its length at the last commit */
};

MUST_CHECK bool file_target_open(const struct target_ops *ops, const struct file_format *format,
                                 struct target **ret, const struct target_context *context,
                                 struct err *err);
/* As target_ops says. */
MUST_CHECK bool file_target_add(struct target *target, struct str table, struct sink **ret,
                                struct err *err);
MUST_CHECK bool file_target_set_schema(struct target *target, struct sink *sink,
                                       const struct schema *schema, const struct str_list *key,
                                       struct err *err);
MUST_CHECK bool file_target_load(struct target *target, struct sink *sink,
                                 const struct row_source *source, struct err *err);
MUST_CHECK bool file_target_commit(struct target *target, struct str state, bool is_last,
                                   struct err *err);
/* Into "<path>.rejected", behind the length that the state knows: there to be looked at, until a
 * commit takes it in or the next load cuts it off. */
MUST_CHECK bool file_target_quarantine(struct target *target, struct err *err);
void file_target_close(struct target *target);
MUST_CHECK bool file_target_states(struct target *target, struct kept_states *ret, struct err *err);
MUST_CHECK bool file_target_set_state(struct target *target, struct str value, struct err *err);

/* For a format: the file stays as "<path>.<n>", and a new, empty one takes its place, both with the
 * next commit. ERR_INVALID where rows have been written since the last time. */
MUST_CHECK bool file_sink_begin_anew(struct file_sink *s, struct err *err);
