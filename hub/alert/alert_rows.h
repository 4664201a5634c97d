/* alert_rows.h - alerts, silences and messages in hub.db (hub/store/migrations/0010_alert.sql), for the
 * desk and for command lines. One thread. */
#pragma once
#include "common/db/db.h"
#include "hub/alert/alerts.h"
#include "hub/config/config.h"

enum { ALERT_CONDITIONS_MAX = 100000, ALERT_PAYLOAD_BYTES_MAX = 8 << 10 };

enum alert_way { ALERT_BY_COMMAND, ALERT_BY_WEBHOOK, ALERT_BY_MQTT, ALERT_WAYS };

struct alert_limits { /* of what counts as a trouble */
    struct str group_label;
    int64_t away_ns;
    int64_t certificate_ns;
};
struct alert_rows {
    struct db *db;
};
/* A connection of its own to the hub's database. ERR_NOT_FOUND when there is none. */
MUST_CHECK bool alert_rows_open(struct alert_rows *ret, const char *database, struct err *err);
void alert_rows_close(struct alert_rows *rows); /* idempotent */

/* How things are now, without what is silenced; texts in `arena`. Beyond ALERT_CONDITIONS_MAX troubles
 * the rest is left out, and *ret_cut says so. */
MUST_CHECK bool alert_rows_look(struct alert_rows *rows, const struct alert_limits *limits,
                                struct wall_time now, struct arena *arena, struct alert_look *ret,
                                bool *ret_cut, struct err *err);
/* Writes the changes, and a message for each way of `ways` (bits) of those that are told; all of it or
 * nothing. *ret_told: how many were. */
struct alert_sender {
    unsigned ways; /* 1 << ALERT_BY_... */
    struct str fleet;
    struct str group_label;
};
struct alert_sender alert_sender_of(const struct hub_config *config);
MUST_CHECK bool alert_rows_write(struct alert_rows *rows, const struct alert_sender *sender,
                                 const struct alert_change *changes, size_t count,
                                 struct wall_time now, size_t *ret_told, struct err *err);
/* A message that is no alert, to try the ways. */
MUST_CHECK bool alert_rows_test(struct alert_rows *rows, const struct alert_sender *sender,
                                struct wall_time now, struct err *err);

struct alert_message {
    int64_t id; /* 0: none is due */
    int64_t attempts;
    struct wall_time created;
    struct str payload; /* in the arena given */
};
MUST_CHECK bool alert_rows_due(struct alert_rows *rows, enum alert_way way, struct wall_time now,
                               struct arena *arena, struct alert_message *ret, struct err *err);
/* When the next one is due; 0 = there is none. */
MUST_CHECK bool alert_rows_soonest(struct alert_rows *rows, struct wall_time *ret, struct err *err);
MUST_CHECK bool alert_rows_sent(struct alert_rows *rows, int64_t id, struct err *err);
MUST_CHECK bool alert_rows_later(struct alert_rows *rows, int64_t id, struct wall_time next,
                                 struct str error, struct err *err);

/* --- for command lines --- */

struct alert_listed {
    struct alert_row row;
    struct wall_time resolved; /* 0 = open */
    struct str detail;
};
MUST_CHECK bool alert_rows_each(struct alert_rows *rows, bool with_resolved, int64_t limit,
                                void (*on_row)(void *ctx, const struct alert_listed *row),
                                void *ctx, struct err *err);
struct alert_silence {
    int64_t id;
    struct str targets, kind, reason; /* kind empty = all */
    struct wall_time until;
};
/* ERR_INVALID: the targets or the kind. */
MUST_CHECK bool alert_rows_silence(struct alert_rows *rows, const struct alert_silence *silence,
                                   struct wall_time now, struct err *err);
MUST_CHECK bool alert_rows_unsilence(struct alert_rows *rows, int64_t id, struct err *err);
MUST_CHECK bool alert_rows_each_silence(struct alert_rows *rows, struct wall_time now,
                                        void (*on_row)(void *ctx, const struct alert_silence *row),
                                        void *ctx, struct err *err);
