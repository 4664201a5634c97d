#include "agent/connectors/postgres_options.h"

#include "common/base/limits.h"

#define AT(type_, member_) .offset = offsetof(struct type_, member_)

/* One option of two names: what people call it, and libpq. */
#define DSN_FIELD(struct_, name_, seen_, ...)                                                      \
    {                                                                                              \
        .key = (name_), .type = FIELD_STR, AT(struct_, connection.dsn),                            \
        .present_offset = offsetof(struct struct_, connection.seen_),                              \
        .marks = OPTION_CONNECTION | OPTION_PRIVATE, .help = __VA_ARGS__                           \
    }
#define CONNECTION_FIELDS(struct_)                                                                 \
    DSN_FIELD(struct_, "url", has_url,                                                             \
              "`postgresql://user@host/database`. What it leaves out comes from libpq's "          \
              "environment variables, service file and password file. This or `dsn` is needed."),  \
        DSN_FIELD(struct_, "dsn", has_dsn, "The same as `host=… dbname=…`.")

static const struct field tap_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(postgres_tap_options, type), .required = true},
    CONNECTION_FIELDS(postgres_tap_options),
    {.key = "schema",
     .type = FIELD_STR,
     AT(postgres_tap_options, schema),
     .help = "The schema of the table; the first of the search path when not given."},
    {.key = "table",
     .type = FIELD_STR,
     AT(postgres_tap_options, table),
     .help = "The table or view. When not given: in definitions the last part of the asset's key, "
             "as a Singer program all of them."},
    {.key = "replication_key",
     .type = FIELD_STR,
     AT(postgres_tap_options, replication_key),
     .help = "A column that only grows: rows are read from the last value on."},
    {.key = "columns",
     .type = FIELD_STR_LIST,
     AT(postgres_tap_options, columns),
     .max = LIMIT_COLUMNS,
     .help = "Which columns; all when not given."},
};
const struct field_table tap_postgres_options = {
    .name = "tap",
    .size = sizeof(struct postgres_tap_options),
    .fields = tap_fields,
    .count = COUNT_OF(tap_fields),
};

static const char *const nul_names[] = {
    [NUL_ERROR] = "error", [NUL_REPLACE] = "replace", [NUL_REMOVE] = "remove", NULL};
static const struct field target_fields[] = {
    LOAD_OPTION_FIELDS(postgres_target_options, load),
    CONNECTION_FIELDS(postgres_target_options),
    {.key = "schema",
     .type = FIELD_STR,
     AT(postgres_target_options, schema),
     .help = "The schema of the tables; the first of the search path when not given."},
    {.key = "create_schema",
     .type = FIELD_BOOL,
     AT(postgres_target_options, create_schema),
     .help = "Whether `schema` is made when it is not there, which is an error otherwise."},
    {.key = "nul_characters",
     .type = FIELD_ENUM,
     AT(postgres_target_options, nul_characters),
     .names = nul_names,
     .fallback = "error",
     .help = "What becomes of NUL characters in text and JSON, which PostgreSQL cannot hold: an "
             "error, U+FFFD in their place, or nothing."},
};
static const struct postgres_target_options target_defaults = {.load = LOAD_OPTION_DEFAULTS};
const struct field_table target_postgres_options = {
    .name = "target",
    .size = sizeof(struct postgres_target_options),
    .fields = target_fields,
    .count = COUNT_OF(target_fields),
    .defaults = &target_defaults,
};

bool postgres_check_connection(const struct postgres_connection *connection, struct err *err)
{
    if (connection->has_url && connection->has_dsn) {
        return err_set(err, ERR_INVALID, "\"dsn\" and \"url\" are two names for one thing");
    }
    if (connection->dsn.len > 0) {
        return true;
    }
    err_set(err, ERR_INVALID, "\"url\" is missing, or \"dsn\"");
    return err_hint(err, "such as postgresql://user@host/database");
}

bool postgres_check_resource(const void *tap_options, struct err *err)
{
    const struct postgres_tap_options *o = tap_options;
    return postgres_check_connection(&o->connection, err);
}
