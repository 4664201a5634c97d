/* api_internal.h - what the files of this folder share. */
#pragma once
#include "common/base/limits.h"
#include "common/json/json.h"
#include "hub/api/api.h"
#include "hub/api/graph_build.h"
#include "hub/api/page.h"
#include "hub/api/report_jobs.h"
#include "hub/command/orders.h"
#include "hub/desired/desired_rows.h"
#include "hub/lineage/lineage.h"
#include "hub/live/live.h"
#include "hub/outside/outside.h"
#include "hub/registry/registry.h"
#include "hub/rows/fleet_graph.h"
#include "hub/rows/freshness_list.h"
#include "hub/rows/hub_rows.h"
#include "hub/rows/rows.h"
#include "hub/store/details.h"
#include "hub/store/queries.h"
#include "hub/summary/summary.h"
#include "hub_api_sql.h"

enum {
    API_QUERY_MS = 3000,       /* a question to the database may take so long */
    API_BODY_BYTES = 64 << 10, /* of a request */
    API_AUDIT_SUBJECT_BYTES = 255,
    API_AUDIT_DETAIL_BYTES = 1000,
    /* What nobody does (who has not logged in) is written down so often: the audit log is bounded, and is not to
     * be filled by strangers. */
    API_AUDIT_NOBODY_BURST = 20,
    API_AUDIT_NOBODY_EVERY_S = 10, /* one more */
    API_PIECE_BYTES = 1 << 20,     /* of a file of a bundle, in one request */
    API_METRICS_BYTES = 64 << 10,  /* of what /metrics tells of the fleet */
};

enum { API_HOURS_MAX = 27 };
struct api_hours { /* runs by the hour they ended in, oldest first */
    struct api_hour {
        int64_t at_ms;
        int64_t of[3]; /* success, failure, canceled */
    } items[API_HOURS_MAX];
    size_t count;
    int64_t rows;
    struct mono_time made_at;
};

struct api_metrics { /* the fleet's part of /metrics */
    struct buf text; /* empty: it is to be made */
    int64_t stamp;
    struct mono_time made_at;
};

struct api {
    const struct hub_config *config;
    struct loop *loop;
    const struct rng *rng;
    struct accounts *accounts;
    struct http_server *servers[API_SERVERS_MAX];
    size_t server_count;
    int64_t query_ms;
    struct live *live;
    struct db *db;  /* read only: the store's questions */
    struct db *own; /* read only: those of sql/ */
    struct orders *orders;
    struct alert_rows alerts;
    struct pool_rows pools;
    struct deployments *deployments;
    struct db *deliveries; /* of reports (hub/delivery) */
    struct report_jobs *report_jobs;
    struct registry *registry;
    struct desired_rows *desired;
    char database[LIMIT_PATH_BYTES + 1];
    struct api_graph *graph;   /* NULL: none was made yet */
    struct graph_build *build; /* of the next one */
    struct mono_time graph_at; /* when the last one was done */
    struct outside *outside;
    struct summary *summary;
    struct api_hours hours;
    struct api_metrics metrics;
    struct db_query data_version;
    int64_t stamp;
    struct mono_time stamp_at;
    struct mono_time deadline;    /* of the request at hand */
    struct mono_time nobody_from; /* API_AUDIT_NOBODY_EVERY_S of this are used up by each entry */
    int64_t nobody_unsaid;        /* entries that were not written since the last one */
    struct mono_time started;
    struct http_service service;
};

/* Of all servers together. */
void api_http_counts(const struct api *api, struct http_counts *ret);
/* Of a Set-Cookie header, in the request's arena. */
const char *api_session_cookie(const struct http_request *rq, const char *secret, int64_t age_s);
/* By what a stream's listener is asked again whether he may listen. */
struct str api_secret_of(const struct http_request *rq, bool *ret_token);
/* The member of a request's JSON body; STR_NONE when it is not there. */
MUST_CHECK bool api_body(struct http_request *rq, const struct json **ret, struct err *err);
struct str api_member(const struct json *body, const char *name);
/* Writes it down; what cannot be written is logged. Of what nobody does, not all (API_AUDIT_NOBODY_BURST). */
void api_audit(struct api *api, const struct http_request *rq, const char *action,
               struct str subject, const char *result, struct str detail);
/* The user who asks, for people: "maria", "maria (token nightly)". */
struct str api_who(const struct http_request *rq);
/* {"ok":true}-like answers. */
void api_no_content(struct http_response *rs);

/* The fleet's figures. What reading them took is not taken from the request's time. */
MUST_CHECK bool api_counts(struct api *api, struct counts **ret, struct err *err);
/* Begins to make the graph in a thread. */
MUST_CHECK bool api_graph_start(struct api *api, struct err *err);
/* Of the fleet as it is now; of a large one as it was some seconds ago. */
MUST_CHECK bool api_graph_get(struct api *api, const struct api_graph **ret, struct err *err);
/* The assets that ?selection= means, by node of the fleet's graph (or of the device's); *ret_chosen
 * NULL: there is no selection, and all are meant. `own` holds a device's graph. */
MUST_CHECK bool api_select(struct api *api, struct http_request *rq, struct str device,
                           struct fleet_graph *own, const struct fleet_graph **ret,
                           bool **ret_chosen, struct err *err);
/* A number of the query; `fallback` when it is not there. ERR_INVALID. */
MUST_CHECK bool api_number(const struct http_request *rq, const char *name, int64_t fallback,
                           int64_t *ret, struct err *err);
/* A time of the query, likewise. */
MUST_CHECK bool api_time(const struct http_request *rq, const char *name, struct wall_time fallback,
                         struct wall_time *ret, struct err *err);

/* A column of milliseconds; 0 when it is NULL. */
struct wall_time api_col_at(const struct db_query *q, int col);
/* The device that the address names, by its own name or by what people call it: its name, which is also
 * args[0] from then on. ERR_NOT_FOUND. */
MUST_CHECK bool api_find_device(struct api *api, struct http_request *rq, struct str *ret,
                                struct err *err);
/* The body's `expires_in`, 365d at most. */
MUST_CHECK bool api_read_life(const struct json *body, int64_t fallback_ns, int64_t *ret_ns,
                              struct err *err);

/* How a command is sent out, as a body or a query says it. ERR_INVALID. */
struct api_pace {
    bool is_given;   /* devices_at_once is */
    int64_t at_once; /* 0: it is no number */
    struct str device_timeout, abort_if;
};
MUST_CHECK bool api_read_pace(const struct api_pace *pace, struct order_pace *ret, struct err *err);

/* Rows of events as items; the page is ended. `by_seq`: its cursor is the seq, else the id. */
MUST_CHECK bool api_write_events(struct db_query *q, struct page *page, bool by_seq,
                                 struct err *err);

http_handler api_openapi, api_overview, api_search, api_graph;
http_handler api_steps, api_logs;
http_handler api_backfills, api_backfill;
http_handler api_checks, api_deployments, api_deployment, api_alerts, api_pools;
http_handler api_jobs, api_schedules, api_sensors;
http_handler api_events, api_events_live, api_ticks;
http_handler api_commands, api_command;
http_handler api_run_output;
http_handler api_signed_desired, api_signed_command;
http_handler api_commands_post, api_command_cancel, api_run_retry, api_run_cancel;
http_handler api_schedule_pause, api_schedule_resume, api_sensor_pause, api_sensor_resume;
http_handler api_deployment_pause, api_deployment_resume, api_deployment_abort;
http_handler api_silences, api_silences_post, api_silence_delete;
http_handler api_users, api_users_post, api_user_put, api_user_delete, api_password_put;
http_handler api_tokens, api_tokens_post, api_token_delete, api_audit_list;
http_handler api_health, api_ready, api_metrics;
http_handler api_session_get, api_session_post, api_session_delete, api_setup;
http_handler api_report_materialization, api_report_observation, api_report_check;
http_handler api_report, api_reports, api_scheduled_report, api_report_send;
http_handler api_devices, api_device;
http_handler api_devices, api_device, api_device_timeline;
http_handler api_device_certificates, api_device_definitions, api_device_gaps;
http_handler api_device_labels_put, api_device_rename, api_device_replace;
http_handler api_device_revoke, api_device_decommission, api_device_clones_accept;
http_handler api_targets, api_desired, api_desired_one;
http_handler api_documents, api_document_put, api_document_diff, api_document_delete;
http_handler api_enrolments, api_enrolment_accept, api_enrolment_reject;
http_handler api_enrolment_tokens, api_enrolment_tokens_post, api_enrolment_token_delete;
http_handler api_preauthorisations, api_preauthorisations_post, api_preauthorisation_delete;
http_handler api_bundles, api_bundle, api_bundle_file, api_deployments_post;
http_handler api_bundle_file_put, api_bundles_post;
/* The one on the shelf whose hash begins so; texts in `arena`. ERR_NOT_FOUND; ERR_INVALID: several. */
struct bundle_row;
MUST_CHECK bool api_find_bundle(struct api *api, struct str prefix, struct arena *arena,
                                struct bundle_row *ret, struct err *err);
http_handler api_assets, api_asset, api_asset_devices, api_asset_history;
http_handler api_asset_partitions, api_asset_why, api_asset_checks;
http_handler api_runs, api_run, api_run_events, api_run_ids;
http_handler api_lineage, api_lineage_versions, api_lineage_assets;
http_handler api_pool_put, api_pool_pause, api_pool_resume, api_pool_delete, api_alert_test;
http_handler api_labels_post;
http_handler api_refusals, api_quarantine, api_quarantined, api_clones, api_clone_accept;
