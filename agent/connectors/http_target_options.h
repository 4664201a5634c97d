/* http_target_options.h - an API as a destination: what a batch is. Pure. */
#pragma once
#include "agent/connectors/http_options.h"
#include "agent/connectors/options.h"

enum batch_format { BATCH_ARRAY, BATCH_LINES, BATCH_OBJECT };
#define BATCH_BYTES_MAX (INT64_C(64) << 20)

struct http_target_options {
    struct load_options load;
    struct http_options http;
    int method; /* index of method_names: HTTP_POST + it */
    int format; /* enum batch_format */
    struct str wrapper;
    int64_t batch_rows;
    int64_t batch_bytes;
};

MUST_CHECK bool http_target_check(const void *options, enum load_mode mode, struct err *err);
extern const struct field_table target_http_options; /* of struct http_target_options */
