#include "hub/rows/report_rows.h"

enum { TO_BYTES_MAX = 32 << 10 };

void row_report(struct json_writer *w, const struct delivery_listed *listed)
{
    const struct hub_report *settings = listed->settings;
    const struct delivery_row *row = &listed->row;
    AUTO(buf) to = buf_growing(TO_BYTES_MAX);
    hub_report_describe(settings, &to);
    jw_member_str(w, "report", settings->name);
    jw_member_str(w, "cron", settings->cron);
    jw_member_str(w, "timezone", settings->timezone);
    jw_member_i64(w, "since_s", settings->since_ns / NS_PER_SEC);
    jw_member_opt(w, "group_by", settings->group_by);
    jw_member_str(w, "format", str_from(hub_report_formats[settings->format]));
    jw_member_str(w, "to", buf_str(&to));
    jw_member_opt_wall(w, "next_at", listed->next);
    jw_member_opt_wall(w, "delivered_at", row->delivered);
    jw_member_opt_wall(w, "delivered_for", row->delivered_for);
    jw_member_opt_wall(w, "due_since", row->delivery.due);
    if (row->delivery.due.ns != 0) {
        jw_member_i64(w, "attempts", row->delivery.attempts);
        jw_member_opt_wall(w, "next_attempt_at", row->delivery.next);
    }
    jw_member_opt_wall(w, "failed_at", row->failed);
    jw_member_opt(w, "error", row->error);
    jw_member_opt_wall(w, "asked_at", listed->asked.delivery.due);
}

void row_report_attempt(struct json_writer *w, const struct delivery_attempt *attempt)
{
    jw_member_i64(w, "id", attempt->id);
    jw_member_str(w, "cause", attempt->cause);
    jw_member_wall(w, "due_at", attempt->due);
    jw_member_i64(w, "attempt", attempt->attempt);
    jw_member_wall(w, "at", attempt->at);
    jw_member_str(w, "result", attempt->result);
    jw_member_opt(w, "error", attempt->error);
}
