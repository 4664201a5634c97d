/* stream.h - one stream of rows on its way from a tap into a target. */
#pragma once
#include "agent/el/schema.h"
#include "common/json/fields.h"

struct sink; /* target.h */

struct stream {
    struct str name;      /* as its source has it: a table, a topic; empty = it has none */
    struct schema schema; /* of the rows that follow; count 0 = not known yet */
    struct str_list key;  /* key columns as the source states them (Singer); may be empty */
    /* The tap's, for the report. */
    struct str key_min, key_max; /* of the replication key; text as stored in the state */
    int64_t rows_without_key;    /* its value is NULL, so they are never extracted */
    /* The loop's (extract_load.c). */
    struct sink *sink; /* NULL until its schema came */
    int64_t rows_read;
    int64_t bytes_read;
};
