/* report_jobs.h - reports that are asked for by HTTP. DESIGN: reading one takes seconds on a large store,
 * and all others would wait, so a child makes it (`selvedge-hub report-make`): a few at a time, the others
 * in turn. Who asks the same meanwhile, or just after, gets the same. */
#pragma once
#include "common/platform/loop.h"
#include "hub/config/config.h"
#include "hub/report/report_make.h"

enum {
    REPORT_JOBS_AT_ONCE = 2,
    REPORT_JOBS_MAX = 16,     /* that are made, wait for it, or have not been taken yet */
    REPORT_JOB_SECONDS = 240, /* then it is given up; less than HTTP_SEND_S */
    REPORT_JOB_KEPT_S = 5,    /* how long the same is given again */
    REPORT_JOB_KEY_BYTES = 320,
};
struct report_jobs_options {
    struct loop *loop;
    const struct hub_config *config; /* stays */
    void (*on_ready)(void *ctx);     /* of one of them, whichever */
    void *ctx;
};
struct report_ask {
    struct str key; /* the same for the same question; at most REPORT_JOB_KEY_BYTES */
    struct wall_time since, until;
    struct str group_by;
    enum report_format format;
    enum report_section section;
};

struct report_jobs;
struct report_job;
MUST_CHECK bool report_jobs_open(struct report_jobs **ret,
                                 const struct report_jobs_options *options, struct err *err);
void report_jobs_close(struct report_jobs *jobs); /* what runs is ended; NULL is allowed */

/* ERR_BUSY: too many are under way. Each one that is given must be left. */
MUST_CHECK bool report_jobs_ask(struct report_jobs *jobs, const struct report_ask *ask,
                                struct report_job **ret, struct err *err);
bool report_job_is_ready(const struct report_job *job);
/* When it is ready: what was made, or why there is none. */
MUST_CHECK bool report_job_read(const struct report_job *job, struct buf *out, struct err *err);
void report_job_leave(struct report_job *job);
