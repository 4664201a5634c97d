/* postgres_options.h - a PostgreSQL database as a source and as a destination. */
#pragma once
#include "agent/connectors/options.h"

struct postgres_connection {
    struct str dsn; /* libpq's: a URI or "host=... dbname=..." */
    bool has_url, has_dsn;
};
MUST_CHECK bool postgres_check_connection(const struct postgres_connection *connection,
                                          struct err *err);

struct postgres_tap_options {
    struct str type;
    struct postgres_connection connection;
    struct str schema; /* empty = the first of the search path */
    struct str table;
    struct str_list columns;    /* empty = all */
    struct str replication_key; /* empty = the whole table each time */
};
MUST_CHECK bool postgres_check_resource(const void *tap_options, struct err *err);
extern const struct field_table tap_postgres_options;

/* PostgreSQL holds no NUL character, neither in text nor in jsonb. */
enum nul_rule { NUL_ERROR, NUL_REPLACE, NUL_REMOVE };

struct postgres_target_options {
    struct load_options load;
    struct postgres_connection connection;
    struct str schema;
    bool create_schema;
    int nul_characters; /* enum nul_rule */
};
extern const struct field_table target_postgres_options;
