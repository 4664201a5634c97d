/* singer_batch.h - the files that a Singer BATCH message names, with one record a line: read one
 * after another, in the memory of one line. Format jsonl, as it is or packed as gzip; on this host.
 * Source: https://sdk.meltano.com/en/latest/batch.html */
#pragma once
#include "agent/el/file_reader.h"
#include "agent/el/rejects.h"
#include "agent/el/singer.h"

struct singer_batch {
    bool is_open;        /* records may follow */
    bool is_packed;      /* the message says that its files are gzip */
    struct buf manifest; /* its list, copied */
    struct json_scan rest;
    char path[LIMIT_PATH_BYTES + 1];
    struct file_reader reader;
    bool is_file_open;
};

/* The path of a file: URI, or a path as it is. Pure. ERR_INVALID for other schemes and hosts. */
MUST_CHECK bool singer_batch_path(struct str uri, char ret_path[LIMIT_PATH_BYTES + 1],
                                  struct err *err);
/* `b` is zero, or was in use. The message may go then. ERR_INVALID for what we cannot read. */
MUST_CHECK bool singer_batch_begin(struct singer_batch *b, struct json_raw encoding,
                                   struct json_raw manifest, struct err *err);
/* The next line that is not empty, valid until the next call; *ret_found false at the end: is_open
 * is false then. Errors name file and line; ERR_CORRUPT for gzip that is damaged or cut off. */
MUST_CHECK bool singer_batch_next(struct singer_batch *b, struct str *ret_line, bool *ret_found,
                                  struct err *err);
/* "path:line: " in front of an error about the line. Always false. */
bool singer_batch_wrap(const struct singer_batch *b, struct err *err);
/* The line that came last is a bad record of `stream`; `why` is void then. */
void singer_batch_reject(const struct singer_batch *b, struct str stream, struct str record,
                         struct bad_record *ret, struct err *why);
void singer_batch_release(struct singer_batch *b);
