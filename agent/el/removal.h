/* removal.h - rows that go because their source says so: those of older versions (Singer's
 * ACTIVATE_VERSION), those that are marked as deleted (LOG_BASED). The columns are the Singer SDK's:
 * https://sdk.meltano.com/en/latest/implementation/record_metadata.html. Pure: builds text. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"

#define VERSION_COLUMN    "_sdc_table_version"
#define DELETED_AT_COLUMN "_sdc_deleted_at"
/* As PostgreSQL has them; to SQLite the declaration of the times means nothing, so text stays text. */
#define SDC_TIME_TYPE "timestamp without time zone"
#define SDC_TIME_COLUMN(name_)                                                                     \
    {                                                                                              \
        .name = STR_INIT(name_), .type = STR_INIT(SDC_TIME_TYPE), .kind = COLUMN_TEXT              \
    }
#define SDC_INTEGER_COLUMN(name_)                                                                  \
    {                                                                                              \
        .name = STR_INIT(name_), .kind = COLUMN_INTEGER                                            \
    }

enum removal_kind {
    REMOVE_OLD_VERSIONS, /* rows whose version is lower than `version`, or not known */
    REMOVE_MARKED,       /* rows with a time in _sdc_deleted_at */
};
struct removal {
    enum removal_kind kind;
    int64_t version;
    bool keeps_unknown; /* rows of which no version is known stay */
    bool is_soft;       /* old versions get a time in _sdc_deleted_at, and stay */
    struct str at;      /* that time, RFC 3339 in UTC */
};
/* The columns that the statement needs; `ret` has room for two. */
size_t removal_columns(const struct removal *r, struct column *ret);
/* `table` as it stands in SQL. */
void removal_sql(const struct removal *r, struct str table, struct buf *sql);
