/* http_records.h - the records of one answer, in place: the elements of a list somewhere in it, one
 * object, or an object a line. Pure. */
#pragma once
#include "common/json/json_scan.h"

struct http_records {
    bool is_lines;
    struct json_scan scan; /* of a list */
    struct str rest;       /* lines: not read yet; else the only record, empty once given */
    bool is_list;
    size_t given;
    uint64_t content; /* hash of all of them */
};

/* `body` may be empty: no records. `path` names the list, or the record (json_path.h); there may be
 * null in its place. With `is_lines` the body is one JSON object a line, and there is no path.
 * ERR_INVALID when the body is no JSON from start to end, or has no such part. */
MUST_CHECK bool http_records_open(struct http_records *r, struct str body, struct str path,
                                  bool is_lines, struct err *err);
/* The next record; *ret_found false at the end. ERR_INVALID when it is no object. Its inside is not
 * yet checked where lines are read. */
MUST_CHECK bool http_records_next(struct http_records *r, struct str *ret, bool *ret_found,
                                  struct err *err);
/* Does the type say that there is an object a line? */
bool http_is_lines_type(struct str content_type);
