/* report.c - /report: what the fleet did in a time, in every form that the command line has; /reports:
 * those that go out by the schedules of the settings, and what came of them. */
#include "hub/api/api_internal.h"

#include "common/base/limits.h"
#include "hub/api/report_jobs.h"
#include "hub/delivery/request.h"
#include "hub/report/report_times.h"
#include "hub/rows/report_rows.h"

enum { ATTEMPTS_SHOWN = 5, ROWS_ARENA_BYTES = 1 << 20 };

/* --- a report of any time ------------------------------------------------------------------------- */

static bool read_ask(const struct http_request *rq, struct report_ask *ask, struct err *err)
{
    struct str format = http_target_get(&rq->target, "format");
    struct str section = http_target_get(&rq->target, "section");
    ask->group_by = http_target_get(&rq->target, "group_by");
    ask->format = REPORT_JSON;
    if (!str_is_empty(format) && !report_format_from(format, &ask->format)) {
        return err_set(err, ERR_INVALID, "format is one of json, text, html, md, csv");
    }
    if (!str_is_empty(section) && !report_section_from(section, &ask->section)) {
        return err_set(err, ERR_INVALID,
                       "section is one of assets, groups, loads, devices, "
                       "troubles, days, losses, alerts");
    }
    if (!str_is_empty(ask->group_by) && !label_key_is_valid(ask->group_by)) {
        return err_set(err, ERR_INVALID, "group_by is the key of a label, such as site");
    }
    struct report_times times;
    if (!report_times_from(http_target_get(&rq->target, "since"),
                           http_target_get(&rq->target, "until"), rq->now, &times, err)) {
        return false;
    }
    ask->since = times.since;
    ask->until = times.until;
    return true;
}

/* Times as they were asked for: "the last day" is the same a second later. */
static void write_key(const struct http_request *rq, const struct report_ask *ask, struct buf *key)
{
    buf_add(key, http_target_get(&rq->target, "since"));
    buf_add_char(key, '|');
    buf_add(key, http_target_get(&rq->target, "until"));
    buf_addf(key, "|" STR_FMT "|%d|%d", STR_ARG(ask->group_by), (int)ask->format,
             (int)ask->section);
}

struct taking {
    struct report_job *job;
    const char *type, *disposition;
};

static bool is_ready(void *ctx)
{
    const struct taking *t = ctx;
    return report_job_is_ready(t->job);
}

static bool finish(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    const struct taking *t = ctx;
    (void)rq;
    rs->type = t->type;
    http_add_header(rs, "Content-Disposition", t->disposition);
    return report_job_read(t->job, &rs->body, err);
}

static void leave(void *ctx)
{
    struct taking *t = ctx;
    report_job_leave(t->job);
}

/* What a browser would show without its style, or not at all, is saved instead. */
static const char *disposition(const struct api *api, const struct http_request *rq,
                               const struct report_ask *ask)
{
    bool is_shown = ask->format == REPORT_JSON || ask->format == REPORT_TEXT;
    struct civil_time c = civil_from_seconds(ask->until.ns / NS_PER_SEC);
    return arena_cstr(rq->arena,
                      arena_printf(rq->arena,
                                   "%s; filename=\"" STR_FMT "-%04lld-%02d-%02dT%02d%02d%02dZ.%s\"",
                                   is_shown ? "inline" : "attachment", STR_ARG(api->config->fleet),
                                   (long long)c.year, c.month, c.day, c.hour, c.minute, c.second,
                                   report_format_extension(ask->format)));
}

bool api_report(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct report_ask ask = {0};
    char memory[REPORT_JOB_KEY_BYTES];
    struct buf key = buf_fixed(memory, sizeof(memory));
    struct taking *t = arena_array(rq->arena, 1, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    if (!read_ask(rq, &ask, err)) {
        return false;
    }
    write_key(rq, &ask, &key);
    if (key.overflow) {
        return err_set(err, ERR_INVALID, "what is asked for is too long");
    }
    ask.key = buf_str(&key);
    *t = (struct taking){.type = report_format_type(ask.format),
                         .disposition = disposition(api, rq, &ask)};
    if (t->disposition == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    if (!report_jobs_ask(api->report_jobs, &ask, &t->job, err)) {
        http_add_header(rs, "Retry-After", "10");
        return false;
    }
    rs->later =
        (struct http_later){.is_ready = is_ready, .finish = finish, .close = leave, .ctx = t};
    rs->is_later = true;
    return true;
}

/* --- those of the settings ------------------------------------------------------------------------ */

static void add_attempt(void *ctx, const struct delivery_attempt *attempt)
{
    struct json_writer *w = ctx;
    jw_begin_object(w);
    row_report_attempt(w, attempt);
    jw_end_object(w);
}

static bool write_report(struct api *api, const struct hub_report *settings, struct wall_time now,
                         int64_t attempts, struct json_writer *w, struct err *err)
{
    AUTO(arena) arena = arena_new(ROWS_ARENA_BYTES);
    struct delivery_listed listed;
    if (!delivery_list_one(api->deliveries, settings, now, &arena, &listed, err)) {
        return false;
    }
    jw_begin_object(w);
    row_report(w, &listed);
    jw_key(w, STR("deliveries"));
    jw_begin_array(w);
    bool ok =
        delivery_rows_attempts(api->deliveries, settings->name, attempts, add_attempt, w, err);
    jw_end_array(w);
    jw_end_object(w);
    return ok;
}

bool api_reports(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct hub_report *all = api->config->reports.items;
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool is_behind = str_is_empty(page.after[0]);
    bool ok = true;
    for (size_t i = 0; ok && i < api->config->reports.count; i++) {
        if (is_behind && page_has_room(&page)) {
            ok = write_report(api, &all[i], rq->now, ATTEMPTS_SHOWN, &page.w, err);
            page_is_at(&page, &all[i].name);
        }
        is_behind = is_behind || str_eq(all[i].name, page.after[0]);
    }
    page_end(&page);
    return ok;
}

static const struct hub_report *find(const struct api *api, struct str name, struct err *err)
{
    const struct hub_report *report = hub_config_report(api->config, name);
    if (report == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "the settings have no report " STR_FMT, STR_ARG(name));
        (void)err_hint(err, "those that there are: GET /api/v1/reports");
    }
    return report;
}

bool api_scheduled_report(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    const struct hub_report *report = find(api, rq->args[0], err);
    return report != NULL && write_report(api, report, rq->now, DELIVERY_ATTEMPTS_KEPT, &w, err);
}

bool api_report_send(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    char database[LIMIT_PATH_BYTES + 1];
    struct wall_time when;
    const struct hub_report *report = find(api, rq->args[0], err);
    if (report == NULL || !hub_path(api->config, "hub.db", database, err)) {
        return false;
    }
    if (!request_give(api->config, database, report->name, &when, err)) {
        err->code = err->code == ERR_BUSY ? ERR_EXISTS : err->code; /* it is the other's */
        return false;
    }
    api_audit(api, rq, "report.send", report->name, "ok", STR_NONE);
    rs->status = 202;
    jw_begin_object(&w);
    jw_member_str(&w, "report", report->name);
    jw_member_wall(&w, "asked_at", when);
    jw_end_object(&w);
    return true;
}
