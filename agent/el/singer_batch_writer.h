/* singer_batch_writer.h - rows into the files of Singer BATCH messages, as the Singer SDK names them:
 * <root>/<prefix><tap>--<stream>-<uuid>-<number>.json.gz. A file is whole when its message is
 * written. */
#pragma once
#include "agent/el/out_file.h"
#include "common/base/limits.h"
#include "common/json/fields.h"

enum { BATCH_ROWS_DEFAULT = 10000 };
struct batch_encoding {
    int format;      /* jsonl, the only one */
    int compression; /* enum batch_compression */
};
enum batch_compression { BATCH_GZIP, BATCH_NONE };
struct batch_storage {
    struct str root; /* a folder, or the file: URI of one; made when it is not there */
    struct str prefix;
};
struct batch_settings {
    struct batch_encoding encoding;
    struct batch_storage storage;
    int64_t rows; /* of a file, at most */
};
/* The fields of a Singer program's configuration that say it: batch_config. */
struct batch_config {
    struct batch_settings settings;
    bool is_given;
};
extern const struct field_table batch_config_table;

struct singer_batch_writer {
    const struct batch_settings *settings;
    struct arena *arena;
    char folder[LIMIT_PATH_BYTES + 1];
    char name[LIMIT_PATH_BYTES + 1]; /* of the files, without number and ending */
    char path[LIMIT_PATH_BYTES + 1]; /* of the present one */
    struct out_file file;
    int64_t number;
};
MUST_CHECK bool singer_batch_writer_init(struct singer_batch_writer *w,
                                         const struct batch_settings *settings, struct str tap,
                                         struct str stream, struct arena *arena, struct err *err);
/* A record's JSON. */
MUST_CHECK bool singer_batch_writer_add(struct singer_batch_writer *w, struct str record,
                                        struct err *err);
/* The file is whole; *ret_uri is STR_NONE when there are no rows for one. */
MUST_CHECK bool singer_batch_writer_end(struct singer_batch_writer *w, struct str *ret_uri,
                                        struct err *err);
void singer_batch_writer_release(struct singer_batch_writer *w); /* removes what is half written */
