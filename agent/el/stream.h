/* stream.h - one stream of rows on its way from a tap into a target. */
#pragma once
#include "agent/el/schema.h"
#include "common/json/fields.h"

struct sink;            /* target.h */
struct record_metadata; /* record_metadata.h */
struct key_range;       /* key_value.h */

/* What a Singer message says of its record. */
struct row_origin {
    struct str time_extracted; /* as it stands; empty = not said */
    int64_t version;           /* of the table that the row is part of */
    bool has_version;
};

struct stream {
    struct str name;            /* as its source has it: a table, a topic; empty = it has none */
    struct schema schema;       /* of the rows that follow; count 0 = not known yet */
    struct str_list key;        /* key columns as the source states them (Singer); may be empty */
    struct str replication_key; /* a Singer stream's, whose range the loop notes; may be empty */
    /* The tap's, for the report. */
    struct str key_min, key_max; /* of the replication key; text as stored in the state */
    int64_t rows_without_key;    /* its value is NULL, so they are never extracted */
    /* The loop's (extract_load.c). */
    struct sink *sink;                /* NULL until its schema came */
    struct record_metadata *metadata; /* its rows as the sink gets them */
    struct key_range *range;          /* of replication_key; NULL where there is none to note */
    size_t range_column;
    size_t deleted_column; /* _sdc_deleted_at, where has_deleted_column */
    bool has_deleted_column;
    bool has_versions;         /* rows came that have one */
    bool has_unknown_versions; /* and such that have none */
    bool has_marked;           /* rows came that are deleted, since the last commit */
    int64_t rows_read;
    int64_t bytes_read;
    int64_t time_ns;           /* that its rows were read and written, without commits */
    const struct err *failure; /* its rows are passed over; NULL = none */
};
