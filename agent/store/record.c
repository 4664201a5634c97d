#include "agent/store/record.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <string.h>

void record_texts(struct record *r, struct str *ret[RECORD_TEXTS])
{
    struct str *const texts[RECORD_TEXTS] = {
        &r->run,       &r->step,     &r->asset,  &r->job,        &r->cause,         &r->cause_name,
        &r->selection, &r->schedule, &r->status, &r->error_code, &r->error_message, &r->error_hint,
        &r->exit,      &r->reason,   &r->check,  &r->severity,   &r->metadata,      &r->members,
    };
    memcpy(ret, texts, sizeof(texts));
}

size_t record_text_bytes(const struct record *record)
{
    struct record copy = *record;
    struct str *texts[RECORD_TEXTS];
    record_texts(&copy, texts);
    size_t sum = 0;
    for (size_t i = 0; i < RECORD_TEXTS; i++) {
        sum += texts[i]->len;
    }
    return sum - copy.metadata.len;
}

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

/* Metadata is the one part that may be large without being wrong. */
static void write_without_metadata(struct buf *out, const struct record *r, int64_t seq)
{
    char small[96];
    struct buf note = buf_fixed(small, sizeof(small));
    buf_addf(&note, "{\"selvedge/metadata_dropped_bytes\":{\"type\":\"int\",\"raw_value\":%zu}}",
             r->metadata.len);
    write_line(out, r, seq, buf_str(&note));
}

static bool refuse_size(const struct record *record, size_t len, struct err *err)
{
    return err_set(err, ERR_INVALID, "event %s takes %zu bytes, more than %d",
                   event_type_name(record->type), len, LIMIT_EVENT_BYTES);
}

bool record_encode(const struct record *record, int64_t seq, struct buf *out, struct err *err)
{
    size_t start = out->len;
    size_t text = record_text_bytes(record);
    if (text > LIMIT_EVENT_BYTES) {
        return refuse_size(record, text, err);
    }
    bool has_too_much = record->metadata.len > LIMIT_EVENT_BYTES;
    if (!has_too_much) {
        write_line(out, record, seq, record->metadata);
        has_too_much = out->len - start > LIMIT_EVENT_BYTES && !str_is_empty(record->metadata);
    }
    if (has_too_much && !out->overflow) {
        out->len = start;
        write_without_metadata(out, record, seq);
    }
    size_t len = out->len - start;
    if (!out->overflow && len <= LIMIT_EVENT_BYTES) {
        return true;
    }
    out->len = start;
    return out->overflow ? err_set(err, ERR_NO_MEMORY, "encode event %s: out of memory",
                                   event_type_name(record->type))
                         : refuse_size(record, len, err);
}
