/* singer_streams.h - the streams of a Singer tap as its messages tell of them: their columns, the
 * present row, the last STATE. Pure: lines go in. Unknown types are passed over. */
#pragma once
#include "agent/connectors/options.h"
#include "agent/el/json_row.h"
#include "agent/el/singer.h"
#include "agent/el/tap.h"

struct singer_stream {
    struct stream base;
    struct json_row row;
    uint64_t schema_hash;
};
struct singer_streams {
    struct arena *arena;
    bool validates;                /* records, strictly: struct json_row */
    struct str only;               /* the stream that is wanted; empty = all, or those of `some` */
    const struct str_list *some;   /* empty = all */
    int64_t passed_over;           /* records of others */
    const struct flatten *flatten; /* NULL: nested objects are values */
    struct singer_stream **items;  /* in the order of their first SCHEMA */
    size_t count;
    struct strmap by_name;
    struct singer_stream *present;      /* of the last message about a stream that is wanted */
    struct row_origin origin;           /* of its row, or the version that is active now */
    struct json_raw encoding, manifest; /* of a BATCH; borrowed from its line */
    struct str start_state;             /* that the tap began with; empty = none */
    bool is_bad_record;    /* of the last error: it is of a record, or of a line that is no message;
                              the next line may be well */
    struct str bad_stream; /* of the record */
    struct buf names;
    struct json_members members; /* of the record in the present line */
    struct buf state;            /* the last STATE's value, JSON; empty = none came */
};
enum singer_news {
    SINGER_NO_NEWS,
    SINGER_NEW_ROW,
    SINGER_NEW_SCHEMA,
    SINGER_NEW_STATE,
    SINGER_NEW_VERSION,
    SINGER_NEW_BATCH, /* its files have rows of `present`: singer_batch.h */
};

/* Of what a tap's options say. */
MUST_CHECK bool singer_streams_init(struct singer_streams *s, const struct tap_options *options,
                                    struct arena *arena, struct err *err);
/* `line` has no line end; what the row borrows from it is valid as long as it is. `is_loaded`: an
 * earlier run has loaded the line, so of rows and versions there is no news. ERR_INVALID says what
 * is wrong with the message, without the place. */
MUST_CHECK bool singer_streams_take(struct singer_streams *s, struct str line, bool is_loaded,
                                    enum singer_news *ret, struct err *err);
/* A record of a BATCH's file, of the stream `present`. */
MUST_CHECK bool singer_streams_take_record(struct singer_streams *s, struct str record,
                                           struct err *err);
/* What the tap has to say of the news, which are not none; its stream, row and counts are set. */
enum tap_result singer_streams_tell(const struct singer_streams *s, enum singer_news news,
                                    struct tap *tap);
void singer_streams_release(struct singer_streams *s); /* fits AUTO(singer_streams) */
/* Whether the tap's options want the stream. */
bool singer_streams_want(const struct tap_options *options, struct str stream);
