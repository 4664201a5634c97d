#include "hub/outside/outside.h"

#include "common/base/limits.h"
#include "common/db/db.h"
#include "common/json/json_writer.h"
#include "common/model/asset_key.h"
#include "common/model/partition.h"
#include "common/wire/batch.h"
#include "common/wire/event.h"
#include "hub/store/store.h"
#include "hub_outside_sql.h"
#include <stdlib.h>
#include <string.h>

struct outside {
    struct db *db;
};

bool outside_open(struct outside **ret, const char *database, struct err *err)
{
    struct outside *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports from outside: out of memory");
    }
    if (!hub_store_open_part(&o->db, database, hub_outside_sql, HUB_OUTSIDE_SQL_COUNT, err)) {
        free(o);
        return false;
    }
    *ret = o;
    return true;
}

void outside_close(struct outside *outside)
{
    if (outside != NULL) {
        db_close(outside->db);
        free(outside);
    }
}

/* --- taking in -------------------------------------------------------------------------------- */

static bool check_length(const char *what, struct str text, size_t most, struct err *err)
{
    return text.len <= most ||
           err_set(err, ERR_INVALID, "%s: %zu bytes, allowed are %zu", what, text.len, most);
}

static bool check_report(const struct outside_report *r, struct err *err)
{
    return asset_key_check(r->asset, err) &&
           (str_is_empty(r->partition) || partition_key_check(r->partition, err)) &&
           check_length("data_version", r->data_version, OUTSIDE_NAME_BYTES, err) &&
           check_length("check_name", r->check, OUTSIDE_NAME_BYTES, err) &&
           check_length("description", r->description, OUTSIDE_TEXT_BYTES, err);
}

/* As the agent records it (docs/reference/protocol.md), without `seq`. */
static void write_body(const struct outside_report *r, struct wall_time now, struct buf *out)
{
    static const enum event_type types[] = {
        [OUTSIDE_MATERIALIZATION] = EVENT_ASSET_MATERIALIZATION,
        [OUTSIDE_OBSERVATION] = EVENT_ASSET_OBSERVATION,
        [OUTSIDE_CHECK] = EVENT_ASSET_CHECK_EVALUATION,
    };
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_wall(&w, "at", now);
    jw_member_str(&w, "type", str_from(event_type_name(types[r->kind])));
    jw_member_str(&w, "asset", r->asset);
    jw_member_opt(&w, "partition", r->partition);
    if (r->kind == OUTSIDE_CHECK) {
        jw_member_str(&w, "check", r->check);
        jw_member_bool(&w, "passed", r->has_passed);
        jw_member_str(&w, "severity", r->is_warning ? STR("warn") : STR("error"));
    } else {
        jw_member_opt(&w, "data_version", r->data_version);
        jw_member_opt(&w, "description", r->description);
    }
    if (r->kind == OUTSIDE_MATERIALIZATION && !str_is_empty(r->data_version)) {
        jw_member_bool(&w, "data_version_given", true);
    }
    jw_member_opt(&w, "reported_by", r->by);
    if (!str_is_empty(r->metadata)) {
        jw_member_raw(&w, "metadata", r->metadata);
    }
    jw_end_object(&w);
}

/* {"at":...} -> {"seq":N,"at":...} and a newline. */
static void add_line(struct buf *out, int64_t seq, struct str body)
{
    buf_add(out, STR("{\"seq\":"));
    buf_add_i64(out, seq);
    buf_add_char(out, ',');
    buf_add(out, str_slice(body, 1, body.len));
    buf_add_char(out, '\n');
}

/* Merging must never refuse it: it is looked at as merging will. */
static bool check_event(struct str body, struct err *err)
{
    AUTO(buf) line = buf_growing(LIMIT_EVENT_BYTES + 64);
    struct event event;
    add_line(&line, INT64_MAX - 1, body);
    if (line.overflow || line.len > LIMIT_EVENT_BYTES) {
        return err_set(err, ERR_INVALID, "it is longer than an event may be, %d bytes",
                       LIMIT_EVENT_BYTES);
    }
    return event_parse(str_slice(buf_str(&line), 0, line.len - 1), &event, err);
}

static bool has_room(struct outside *o, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_OUTSIDE_REPORT_WAITING);
    bool row = false;
    db_bind_i64(&q, ":limit", OUTSIDE_WAITING_MAX);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    bool is_full = row && db_col_i64(&q, 0) >= OUTSIDE_WAITING_MAX;
    db_reset(&q);
    return !is_full ||
           err_set(err, ERR_FULL, "%d reports wait for the hub to merge them", OUTSIDE_WAITING_MAX);
}

bool outside_add(struct outside *outside, const struct outside_report *report, struct wall_time now,
                 struct err *err)
{
    AUTO(buf) body = buf_growing(LIMIT_EVENT_BYTES);
    if (!check_report(report, err)) {
        return false;
    }
    write_body(report, now, &body);
    if (!check_event(buf_str(&body), err) || !has_room(outside, err)) {
        return false;
    }
    struct db_query q = db_query(outside->db, HUB_OUTSIDE_REPORT_ADD);
    db_bind_str(&q, ":body", buf_str(&body));
    return db_run(&q, err);
}

/* --- handing on ------------------------------------------------------------------------------- */

static bool read_place(struct outside *o, struct batch_header *ret, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_OUTSIDE_REPORT_EPOCH);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    struct str epoch = row ? db_col_str(&q, 0) : STR_NONE;
    if (epoch.ptr == NULL || !epoch_is_valid(epoch)) {
        db_reset(&q);
        return err_set(err, ERR_CORRUPT, "reports from outside: the stream has no epoch");
    }
    *ret = (struct batch_header){.last = db_col_i64(&q, 1)};
    memcpy(ret->epoch, epoch.ptr, EPOCH_TEXT_SIZE - 1);
    db_reset(&q);
    return true;
}

/* Nothing is written, and no lock taken, where nothing waits. */
static bool read_oldest(struct outside *o, int64_t *ret, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_OUTSIDE_REPORT_OLDEST);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = row ? db_col_i64(&q, 0) : 0;
    db_reset(&q);
    return true;
}

static bool forget_merged(struct outside *o, int64_t seq, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_OUTSIDE_REPORT_MERGED);
    db_bind_i64(&q, ":seq", seq);
    return db_run(&q, err);
}

static bool collect(struct outside *o, int64_t after, struct batch_header *header,
                    struct buf *lines, struct err *err)
{
    struct db_query q = db_query(o->db, HUB_OUTSIDE_REPORT_NEXT);
    db_bind_i64(&q, ":after", after);
    db_bind_i64(&q, ":limit", LIMIT_BATCH_EVENTS);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row) {
            return true;
        }
        struct str body = db_col_str(&q, 1);
        if (lines->len > 0 && lines->len + body.len + 64 > LIMIT_BATCH_BYTES) {
            db_reset(&q);
            return true;
        }
        header->last = db_col_i64(&q, 0);
        header->first = lines->len == 0 ? header->last : header->first;
        add_line(lines, header->last, body);
    }
}

bool outside_batch(struct outside *outside, struct buf *ret_payload, bool *ret_any, struct err *err)
{
    AUTO(buf) lines = buf_growing(LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES);
    struct batch_header header = {0};
    int64_t oldest = 0;
    *ret_any = false;
    if (!read_oldest(outside, &oldest, err)) {
        return false;
    }
    if (oldest == 0) {
        return true;
    }
    if (!read_place(outside, &header, err) ||
        (oldest <= header.last && !forget_merged(outside, header.last, err)) ||
        !collect(outside, header.last, &header, &lines, err)) {
        return false;
    }
    *ret_any = lines.len > 0;
    return !*ret_any || batch_encode(&header, buf_str(&lines), ret_payload, err);
}
