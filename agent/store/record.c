#include "agent/store/record.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <string.h>

void record_texts(struct record *r, struct str *ret[RECORD_TEXTS])
{
    struct str *const texts[RECORD_TEXTS] = {
        &r->run,          &r->step,          &r->asset,      &r->job,           &r->cause,
        &r->cause_name,   &r->selection,     &r->keys,       &r->tags,          &r->parent,
        &r->root,         &r->backfill,      &r->partition,  &r->partition_end, &r->set,
        &r->kind,         &r->name,          &r->status,     &r->run_key,       &r->cursor,
        &r->data_version, &r->code_version,  &r->inputs,     &r->level,         &r->message,
        &r->error_code,   &r->error_message, &r->error_hint, &r->exit,          &r->reason,
        &r->check,        &r->severity,      &r->command,    &r->verb,          &r->signer,
        &r->code,         &r->result,        &r->metadata,   &r->members,       &r->bundle,
        &r->current,      &r->previous,
    };
    memcpy(ret, texts, sizeof(texts));
}

/* A long list of them is of no use elsewhere, and must not keep the event from being told. */
static struct str told_inputs(const struct record *r)
{
    return r->inputs.len > RECORD_INPUTS_BYTES ? STR_NONE : r->inputs;
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
    return sum - copy.metadata.len - copy.keys.len - copy.cursor.len - copy.inputs.len -
           copy.previous.len + told_inputs(record).len;
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
    if (r->partitions > 0) {
        jw_member_i64(w, "partitions", r->partitions);
    }
    if (r->revision > 0) {
        jw_member_i64(w, "revision", r->revision);
    }
    if (r->duration_ms > 0) {
        jw_member_i64(w, "duration_ms", r->duration_ms);
    }
    if (r->priority != 0) {
        jw_member_i64(w, "priority", r->priority);
    }
    if (r->retry_number > 0) {
        jw_member_i64(w, "retry_number", r->retry_number);
    }
    if (r->type == EVENT_BACKFILL && r->steps > 0) {
        jw_member_i64(w, "partitions_per_run", r->per_run);
        jw_member_bool(w, "newest_first", r->newest_first);
    }
    jw_member_opt_wall(w, "retry_at", r->retry_at);
    jw_member_opt_wall(w, "not_before", r->not_before);
    jw_member_opt_wall(w, "nominal", r->nominal);
    if (r->type == EVENT_CLOCK_STEP) {
        jw_member_i64(w, "delta_ms", r->delta_ms);
    }
}

static void write_raw(struct json_writer *w, const char *member, struct str json)
{
    if (!str_is_empty(json)) {
        jw_member_raw(w, member, json);
    }
}

/* Which run or backfill this belongs to, and which slice of the assets. */
static void write_lineage(struct json_writer *w, const struct record *r)
{
    write_raw(w, "tags", r->tags);
    jw_member_opt(w, "parent", r->parent);
    jw_member_opt(w, "root", r->root);
    jw_member_opt(w, "backfill", r->backfill);
    jw_member_opt(w, "set", r->set);
    jw_member_opt(w, "partition", r->partition);
    jw_member_opt(w, "partition_end", r->partition_end);
}

/* "schedule":"nightly" */
static void write_instigator(struct json_writer *w, const struct record *r)
{
    static const struct str kinds[] = {STR_INIT("schedule"), STR_INIT("sensor"),
                                       STR_INIT("automation")};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eq(r->kind, kinds[i])) {
            jw_member_str(w, kinds[i].ptr, r->name);
        }
    }
}

static void write_command(struct json_writer *w, const struct record *r)
{
    jw_member_opt(w, "command", r->command);
    jw_member_opt(w, "verb", r->verb);
    jw_member_opt(w, "key", r->signer);
    jw_member_opt(w, "code", r->code);
    write_raw(w, "result", r->result);
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
    write_lineage(&w, r);
    write_instigator(&w, r);
    write_command(&w, r);
    jw_member_opt(&w, "bundle", r->bundle);
    jw_member_opt(&w, "status", r->status);
    jw_member_opt(&w, "current", r->current);
    jw_member_opt(&w, "run_key", r->run_key);
    write_numbers(&w, r);
    jw_member_opt(&w, "data_version", r->data_version);
    jw_member_opt(&w, "code_version", r->code_version);
    if (r->is_version_given) {
        jw_member_bool(&w, "data_version_given", true);
    }
    write_raw(&w, "inputs", told_inputs(r));
    jw_member_opt(&w, "level", r->level);
    jw_member_opt(&w, "message", r->message);
    jw_member_opt(&w, "check", r->check);
    if (r->type == EVENT_ASSET_CHECK_EVALUATION) {
        jw_member_bool(&w, "passed", r->passed);
    }
    jw_member_opt(&w, "severity", r->severity);
    if (r->is_partial) {
        jw_member_bool(&w, "partial", true);
    }
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
