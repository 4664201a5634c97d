/* pipes_message.h - what a step's program says through Dagster Pipes: bytes in, typed messages out.
 * Pure.
 *
 * DESIGN: a line that is no message is a message too, PIPES_MALFORMED with the reason: whoever
 * reads decides how loudly to say so, and the stream goes on behind it. */
#pragma once
#include "common/wire/event_metadata.h"

enum pipes_method {
    PIPES_OPENED,
    PIPES_LOG,
    PIPES_MATERIALIZATION,
    PIPES_CHECK,
    PIPES_CUSTOM,
    PIPES_EXTERNAL_STREAM, /* a piece of the program's output */
    PIPES_CLOSED,
    PIPES_UNKNOWN,   /* a method that we do not know: `text` is its name */
    PIPES_MALFORMED, /* not a message, or not of a version that we know: `text` says why */
};

/* Texts live until the stream's next change. Unused members are empty. */
struct pipes_message {
    enum pipes_method method;
    struct str text;       /* of log, external stream, malformed, unknown */
    struct str level;      /* log: "debug", "info", "warning", "error", "critical" */
    struct str level_name; /* log: what the client said, when that is none of them */
    struct str asset;      /* materialization, check: as the client wrote it */
    struct str data_version;
    struct str check;
    struct str severity; /* "warn", "error" */
    bool passed;
    bool is_stderr;            /* external stream */
    struct str metadata;       /* materialization, check: form of events; empty = none */
    struct str payload;        /* custom: any JSON; numbers that JSON cannot hold are strings */
    struct str exception;      /* closed: a JSON object, as payload; empty = none */
    struct str exception_text; /* its message, on one line */
    int64_t end;               /* bytes of the stream up to the end of this message */
};

enum { PIPES_CHUNK_BYTES = 64 << 10 };

/* What the texts of a message stand in. */
struct pipes_memory {
    struct buf strict; /* the line, as strict JSON */
    struct buf value;  /* metadata, payload or exception */
    struct arena text; /* what had to be unescaped or put together */
};
/* Lines as they come, in the owner's memory. */
struct pipes_stream {
    struct buf bytes; /* of lines that were not dropped yet */
    size_t at;        /* in `bytes`: where the next line begins */
    size_t next;      /* behind the line that was peeked at; 0 = none was */
    int64_t dropped;  /* bytes of the whole stream before `at` */
    int64_t skipped;  /* of a line that is too long, so far */
    bool has_ended;   /* nothing more will come: an unfinished line is cut off */
    struct pipes_memory memory;
};

void pipes_stream_init(struct pipes_stream *stream);
void pipes_stream_release(struct pipes_stream *stream); /* fits AUTO(pipes_stream) */
/* At most PIPES_CHUNK_BYTES; peek and drop until there is nothing more before the next call. Lines
 * over LIMIT_PIPES_LINE_BYTES are passed over and come as malformed. False when out of memory:
 * nothing was added. */
MUST_CHECK bool pipes_stream_feed(struct pipes_stream *stream, struct str bytes);
/* A last line without an end counts as cut off from now on. */
void pipes_stream_end(struct pipes_stream *stream);
/* The next message; the same again until it is dropped. False when more bytes are needed. */
bool pipes_stream_peek(struct pipes_stream *stream, struct pipes_message *ret);
void pipes_stream_drop(struct pipes_stream *stream);

/* One line, without its end and within LIMIT_PIPES_LINE_BYTES; what `memory` held is gone. */
void pipes_message_parse(struct str line, struct pipes_memory *memory, struct pipes_message *ret);
