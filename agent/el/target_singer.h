/* target_singer.h - the messages of a Singer tap on a descriptor, as a target: one stream of the
 * program `selvedge-el tap` (singer_tap.c). */
#pragma once
#include "agent/el/singer_batch_writer.h"
#include "agent/el/singer_state.h"
#include "agent/el/target.h"

struct singer_output {
    struct load_options load;
    int fd;
    struct str stream;
    struct str_list key;
    struct str replication_key;
    struct str_list left_out;           /* columns */
    struct singer_state *state;         /* of all streams; NULL: no STATE is written */
    const struct batch_settings *batch; /* NULL: each row is a RECORD */
    struct str tap;                     /* its type, for the names of a batch's files */
    bool has_bookmarks;                 /* the tap's state has the form of `state` (tap.h) */
};
extern const struct target_ops target_singer; /* its options are a struct singer_output */
