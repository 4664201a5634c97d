/* discovery.h - what a tap finds in its source, and what somebody chooses of it; for a tap that is
 * a Singer program (singer_tap.c). */
#pragma once
#include "agent/el/request.h"
#include "agent/el/schema.h"

struct found_stream {
    struct str name;
    struct schema schema;             /* column.is_required: never NULL */
    struct str_list key;              /* may be empty */
    struct str_list replication_keys; /* columns that could be one; may be empty */
    int64_t row_count;                /* -1 = not known */
    bool is_database;                 /* a table or view in one */
    bool is_view;
};
/* Gets each stream; what it borrows is valid during the call, but lives in the context's arena. */
struct found_taker {
    bool (*take)(void *ctx, const struct found_stream *found, struct err *err);
    void *ctx;
};

/* How a stream is replicated; Singer's names, with '_'. */
enum replication { REPLICATION_NOT_SAID, REPLICATION_FULL, REPLICATION_KEY, REPLICATION_LOG };
extern const char *const replication_names[];

struct stream_choice {
    struct str stream;
    int replication; /* enum replication */
    struct str replication_key;
    struct str_list columns; /* empty = all */
};
/* Of a table: the key by which it is read, `configured` where the choice names none; empty: as a
 * whole. ERR_INVALID for what a table cannot be read by. */
MUST_CHECK bool discovery_choose_key(const struct stream_choice *choice, struct str configured,
                                     struct str *ret_key, enum load_mode *ret_mode,
                                     struct err *err);
/* Of a tap that takes samples and remembers nothing: all there is to choose is to have them. As
 * tap_ops.choose. */
MUST_CHECK bool discovery_choose_samples(void *options, const struct stream_choice *choice,
                                         enum load_mode *ret_mode, struct err *err);
