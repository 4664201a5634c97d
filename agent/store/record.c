#include "agent/store/record.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"

static void write_error(struct json_writer *w, const struct record *r)
{
    if (str_is_empty(r->error_message)) {
        return;
    }
    jw_key(w, STR("error"));
    jw_begin_object(w);
    jw_member_opt(w, "code", r->error_code);
    jw_member_str(w, "message", r->error_message);
    jw_member_opt(w, "hint", r->error_hint);
    jw_end_object(w);
}

static void write_cause(struct json_writer *w, const struct record *r)
{
    if (str_is_empty(r->cause)) {
        return;
    }
    jw_key(w, STR("cause"));
    jw_begin_object(w);
    jw_member_str(w, "type", r->cause);
    jw_member_opt(w, "name", r->cause_name);
    jw_end_object(w);
}

static void write_numbers(struct json_writer *w, const struct record *r)
{
    if (r->attempt > 0) {
        jw_member_i64(w, "attempt", r->attempt);
    }
    if (r->steps > 0) {
        jw_member_i64(w, "steps", r->steps);
    }
    if (r->duration_ms > 0) {
        jw_member_i64(w, "duration_ms", r->duration_ms);
    }
    if (r->retry_at.ns != 0) {
        jw_member_wall(w, "retry_at", r->retry_at);
    }
    if (r->nominal.ns != 0) {
        jw_member_wall(w, "nominal", r->nominal);
    }
    if (r->type == EVENT_CLOCK_STEP) {
        jw_member_i64(w, "delta_ms", r->delta_ms);
    }
}

static void write_line(struct buf *out, const struct record *r, int64_t seq, struct str metadata)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_i64(&w, "seq", seq);
    jw_member_wall(&w, "at", r->at);
    jw_member_str(&w, "type", str_from(event_type_name(r->type)));
    jw_member_opt(&w, "run", r->run);
    jw_member_opt(&w, "step", r->step);
    jw_member_opt(&w, "asset", r->asset);
    jw_member_opt(&w, "job", r->job);
    write_cause(&w, r);
    jw_member_opt(&w, "selection", r->selection);
    jw_member_opt(&w, "schedule", r->schedule);
    jw_member_opt(&w, "status", r->status);
    write_numbers(&w, r);
    jw_member_opt(&w, "check", r->check);
    if (r->type == EVENT_ASSET_CHECK_EVALUATION) {
        jw_member_bool(&w, "passed", r->passed);
    }
    jw_member_opt(&w, "severity", r->severity);
    jw_member_opt(&w, "reason", r->reason);
    jw_member_opt(&w, "exit", r->exit);
    write_error(&w, r);
    if (!str_is_empty(metadata)) {
        jw_member_raw(&w, "metadata", metadata);
    }
    if (!str_is_empty(r->members)) {
        buf_add_char(out, ',');
        buf_add(out, r->members);
    }
    jw_end_object(&w);
    buf_add_char(out, '\n');
}

bool record_encode(const struct record *record, int64_t seq, struct buf *out, struct err *err)
{
    size_t start = out->len;
    write_line(out, record, seq, record->metadata);
    if (!out->overflow && out->len - start > LIMIT_EVENT_BYTES) {
        char small[80];
        struct buf note = buf_fixed(small, sizeof(small));
        buf_addf(&note, "{\"selvedge/metadata_dropped_bytes\":{\"type\":\"int\",\"raw_value\":%zu}}",
                 record->metadata.len);
        out->len = start;
        write_line(out, record, seq, buf_str(&note));
    }
    if (out->overflow || out->len - start > LIMIT_EVENT_BYTES) {
        out->len = start;
        return err_set(err, ERR_FULL, "event %s is larger than %d bytes",
                       event_type_name(record->type), LIMIT_EVENT_BYTES);
    }
    return true;
}
