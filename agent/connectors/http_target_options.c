#include "agent/connectors/http_target_options.h"

#include "common/base/limits.h"

enum { BATCH_ROWS_MAX = 1000000 };
#define BATCH_ROWS_DEFAULT  500
#define BATCH_BYTES_DEFAULT (INT64_C(1) << 20)

static const char *const format_names[] = {"array", "jsonl", "object", NULL};
static const char *const method_names[] = {"POST", "PUT", "PATCH", NULL};

#define AT(member_) .offset = offsetof(struct http_target_options, member_)
static const struct field target_fields[] = {
    LOAD_OPTION_FIELDS(http_target_options, load),
    HTTP_OPTION_FIELDS(http_target_options, http),
    {.key = "method", .type = FIELD_ENUM, AT(method), .names = method_names, .fallback = "POST"},
    {.key = "format",
     .type = FIELD_ENUM,
     AT(format),
     .names = format_names,
     .fallback = "array",
     .help = "What a batch is: a JSON list, a JSON object a line, or an object that has the list "
             "under `wrapper`."},
    {.key = "wrapper", .type = FIELD_STR, AT(wrapper), .fallback = "records"},
    {.key = "batch_rows",
     .type = FIELD_I64,
     AT(batch_rows),
     .min = 1,
     .max = BATCH_ROWS_MAX,
     .fallback = "500",
     .help = "At most as many rows in a request."},
    {.key = "batch_bytes",
     .type = FIELD_BYTES,
     AT(batch_bytes),
     .min = 1,
     .max = BATCH_BYTES_MAX,
     .fallback = "1MiB",
     .help = "No more than that, but for a row that is larger alone."},
};
static const struct http_target_options defaults = {
    .load = LOAD_OPTION_DEFAULTS,
    .http = HTTP_OPTION_DEFAULTS,
    .wrapper = STR_INIT("records"),
    .batch_rows = BATCH_ROWS_DEFAULT,
    .batch_bytes = BATCH_BYTES_DEFAULT,
};
const struct field_table target_http_options = {
    .name = "target",
    .size = sizeof(struct http_target_options),
    .fields = target_fields,
    .count = COUNT_OF(target_fields),
    .defaults = &defaults,
};

bool http_target_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct http_target_options *o = options;
    (void)mode;
    return http_options_check(&o->http, err);
}
