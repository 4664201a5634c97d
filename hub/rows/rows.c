/* rows.c - see rows.h. */
#include "hub/rows/rows.h"
#include "hub/registry/registry.h"

void row_member_number(struct json_writer *w, const char *key, int64_t v)
{
    if (v != HUB_UNKNOWN) {
        jw_member_i64(w, key, v);
    }
}

void row_member_json(struct json_writer *w, const char *key, struct str v)
{
    if (!str_is_empty(v)) {
        jw_member_raw(w, key, v);
    }
}

void row_member_labels(struct json_writer *w, const char *key, struct str labels)
{
    struct target_label label;
    jw_key(w, str_from(key));
    jw_begin_object(w);
    while (label_next(&labels, &label)) {
        jw_key(w, label.key);
        jw_str(w, label.value);
    }
    jw_end_object(w);
}

bool label_next(struct str *labels, struct target_label *ret)
{
    struct str word = STR_NONE;
    if (str_is_empty(*labels)) {
        return false;
    }
    (void)str_cut(*labels, ' ', &word, labels);
    return str_cut(word, '=', &ret->key, &ret->value);
}

void row_device(struct json_writer *w, const struct hub_device *d,
                const struct freshness_list *freshness)
{
    jw_member_str(w, "device", d->id);
    jw_member_str(w, "status", hub_device_presence(d));
    jw_member_str(w, "enrolment", d->status);
    jw_member_opt(w, "status_reason", d->status_reason);
    jw_member_opt(w, "display_name", d->display_name);
    jw_member_opt(w, "serial_number", d->serial_number);
    row_member_labels(w, "labels", d->labels);
    jw_member_opt_wall(w, "since", d->since);
    jw_member_opt_wall(w, "last_seen_at", hub_device_last_seen(d));
    jw_member_opt(w, "offline_reason", d->offline_reason);
    jw_member_opt(w, "version", d->version);
    jw_member_opt(w, "board", d->board);
    row_member_number(w, "assets", d->assets);
    row_member_number(w, "failing", d->failing);
    freshness_member(freshness, w, d->id);
    row_member_number(w, "runs_open", d->runs_open);
    row_member_number(w, "events", d->events);
    row_member_number(w, "waiting_events", d->waiting);
    row_member_number(w, "lost_events", d->lost_events);
    row_member_number(w, "clock_offset_ms", d->clock_offset_ms);
    jw_member_opt(w, "definitions_hash", d->definitions_hash);
    jw_member_opt_wall(w, "definitions_at", d->definitions_at);
    jw_member_opt_wall(w, "enrolled_at", d->enrolled);
    jw_member_opt_wall(w, "certificate_expires_at", d->not_after);
    jw_member_opt(w, "certificate_fingerprint", d->cert_fingerprint);
    jw_member_opt(w, "refusal", d->refusal);
}

void row_fleet_asset(struct json_writer *w, const struct hub_fleet_asset *a)
{
    jw_member_str(w, "asset", a->asset);
    jw_member_opt(w, "group", a->group);
    row_member_json(w, "kinds", a->kinds);
    row_member_json(w, "tags", a->tags);
    row_member_json(w, "owners", a->owners);
    jw_member_opt(w, "description", a->description);
    jw_member_bool(w, "external", a->is_external);
    jw_member_i64(w, "devices", a->devices);
    jw_member_i64(w, "failing", a->failing);
    jw_member_opt_wall(w, "materialized_at", a->at);
    row_member_number(w, "row_count", a->row_count);
    row_member_number(w, "materializations", a->materializations);
}

void row_device_asset(struct json_writer *w, const struct hub_device_asset *a)
{
    jw_member_str(w, "asset", a->asset);
    jw_member_str(w, "device", a->device);
    jw_member_bool(w, "defined", a->is_defined);
    jw_member_bool(w, "external", a->is_external);
    jw_member_bool(w, "failing", a->is_failing);
    jw_member_opt(w, "group", a->group);
    row_member_json(w, "kinds", a->kinds);
    row_member_json(w, "tags", a->tags);
    row_member_json(w, "owners", a->owners);
    jw_member_opt(w, "description", a->description);
    jw_member_opt(w, "code_version", a->code_version);
    row_member_number(w, "materializations", a->materializations);
    row_member_number(w, "failures", a->failures);
    jw_member_opt_wall(w, "materialized_at", a->at);
    jw_member_opt(w, "run", a->run);
    row_member_number(w, "row_count", a->row_count);
    row_member_number(w, "byte_count", a->byte_count);
    row_member_number(w, "duration_ms", a->duration_ms);
    jw_member_opt(w, "data_version", a->data_version);
    row_member_json(w, "metadata", a->metadata);
    jw_member_opt_wall(w, "failed_at", a->failed_at);
    jw_member_opt(w, "failed_run", a->failed_run);
    row_member_json(w, "error", a->failed_error);
}

void row_run(struct json_writer *w, const struct hub_run *run)
{
    jw_member_str(w, "run", run->run);
    jw_member_str(w, "device", run->device);
    jw_member_str(w, "status", run->status);
    jw_member_opt(w, "job", run->job);
    jw_member_opt(w, "cause", run->cause);
    jw_member_opt(w, "cause_name", run->cause_name);
    jw_member_opt(w, "selection", run->selection);
    row_member_json(w, "tags", run->tags);
    row_member_number(w, "steps", run->steps);
    jw_member_i64(w, "succeeded", run->steps_success);
    jw_member_i64(w, "failed", run->steps_failure);
    jw_member_i64(w, "skipped", run->steps_skipped);
    jw_member_opt_wall(w, "enqueued_at", run->enqueued);
    jw_member_opt_wall(w, "started_at", run->started);
    jw_member_opt_wall(w, "ended_at", run->ended);
    row_member_json(w, "error", run->error);
}

void row_step(struct json_writer *w, const struct hub_step *step)
{
    jw_member_str(w, "step", step->step);
    jw_member_opt(w, "asset", step->asset);
    jw_member_str(w, "status", step->status);
    row_member_number(w, "attempt", step->attempt);
    jw_member_opt_wall(w, "started_at", step->started);
    jw_member_opt_wall(w, "ended_at", step->ended);
    row_member_number(w, "duration_ms", step->duration_ms);
    jw_member_opt_wall(w, "retry_at", step->retry_at);
    row_member_json(w, "error", step->error);
    jw_member_opt(w, "exit", step->exit);
    jw_member_opt(w, "reason", step->reason);
}

void row_check(struct json_writer *w, const struct hub_check *check)
{
    jw_member_str(w, "name", check->name);
    jw_member_str(w, "device", check->device);
    jw_member_bool(w, "passed", check->passed);
    jw_member_str(w, "severity", str_is_empty(check->severity) ? STR("error") : check->severity);
    jw_member_wall(w, "at", check->at);
    jw_member_opt(w, "run", check->run);
    row_member_json(w, "metadata", check->metadata);
}

void row_materialization(struct json_writer *w, const struct hub_materialization *m)
{
    jw_member_str(w, "device", m->device);
    jw_member_str(w, "asset", m->asset);
    jw_member_i64(w, "seq", m->seq);
    jw_member_wall(w, "at", m->at);
    jw_member_opt(w, "run", m->run);
    row_member_number(w, "row_count", m->row_count);
    row_member_number(w, "rows_written", m->rows_written);
    row_member_number(w, "byte_count", m->byte_count);
    row_member_number(w, "duration_ms", m->duration_ms);
    row_member_json(w, "metadata", m->metadata);
}

bool row_is_meant(const struct targets *targets, const struct hub_device *d)
{
    struct target_label labels[LABELS_MAX];
    struct target_device device = {.name = d->id,
                                   .display_name = d->display_name,
                                   .labels = labels,
                                   .is_online = d->is_online};
    struct str rest = d->labels;
    while (device.label_count < LABELS_MAX && label_next(&rest, &labels[device.label_count])) {
        device.label_count++;
    }
    return targets == NULL || targets_match(targets, &device);
}
