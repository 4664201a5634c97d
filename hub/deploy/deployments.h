/* deployments.h - deployments and their devices in hub.db (migrations/0007_deploy.sql), over a
 * connection of its own. What waves.h decides is carried out here, in one transaction each time. One
 * thread; never while a merge is open in the same process. */
#pragma once
#include "common/base/arena.h"
#include "hub/deploy/shelf.h"
#include "hub/deploy/waves.h"
#include "hub/registry/registry.h"

struct deployments;
MUST_CHECK bool deployments_open(struct deployments **ret, const char *path, struct err *err);
void deployments_close(struct deployments *d); /* NULL is allowed */

/* --- asking ------------------------------------------------------------------------------------ */

enum { DEPLOYMENT_ID_SIZE = 9, DEPLOYMENT_DEVICES_MAX = 100000 };
struct deployment_options {
    const struct shelf_packed *bundle;
    struct str source;         /* the folder it was made from */
    struct registry *registry; /* that knows the devices */
    struct str targets;        /* hub/fleet/targets.h */
    struct str waves, abort_if;
    bool keeps_on_abort;
    int64_t soak_ns, patience_ns;
};
/* Which devices it reaches is settled here. ERR_INVALID: of the texts. ERR_NOT_FOUND: no device is
 * meant. Earlier deployments let go of these devices. */
MUST_CHECK bool deployments_add(struct deployments *d, const struct rng *rng,
                                const struct deployment_options *options, struct wall_time now,
                                char ret_id[DEPLOYMENT_ID_SIZE], int64_t *ret_devices,
                                struct err *err);
enum deployment_order { DEPLOYMENT_PAUSE, DEPLOYMENT_RESUME, DEPLOYMENT_ABORT };
/* ERR_NOT_FOUND; ERR_INVALID when it is over. */
MUST_CHECK bool deployments_order(struct deployments *d, struct str id, enum deployment_order order,
                                  struct wall_time now, struct err *err);

/* --- looking ----------------------------------------------------------------------------------- */

struct deployment { /* text in the arena given */
    struct str id, bundle, targets, waves, abort_if, status, reason, source;
    bool keeps_on_abort;
    int64_t soak_ns, patience_ns, wave, files, bytes;
    struct wall_time made, settled, ended; /* 0 = not yet */
};
struct deployment_device {
    struct str device;
    struct str said; /* "fetching", "applied", ... since it was asked; empty = nothing */
    struct str reason;
    struct str current; /* the bundle it runs; empty = its own file, or never said */
    int64_t wave;
    struct wall_time asked, at;
    bool is_online, is_taken_back, is_superseded;
};
/* Newest first. */
MUST_CHECK bool deployments_list(struct deployments *d, struct arena *arena,
                                 struct deployment **ret, size_t *ret_count, struct err *err);
MUST_CHECK bool deployments_find(struct deployments *d, struct str id, struct arena *arena,
                                 struct deployment *ret, struct err *err);
MUST_CHECK bool deployments_devices(struct deployments *d, struct str id, struct arena *arena,
                                    struct deployment_device **ret, size_t *ret_count,
                                    struct err *err);
MUST_CHECK bool deployment_plan(const struct deployment *deployment, struct wave_plan *ret,
                                struct err *err);
/* Those that this deployment still has, as waves.h wants them; `ret` has room for `count`. */
size_t deployment_wave_devices(const struct deployment_device *devices, size_t count,
                               struct wave_device *ret);

/* --- going on ---------------------------------------------------------------------------------- */

struct deployments_outcome {
    bool has_changed_targets; /* desired state is to be told anew */
    struct wall_time next;    /* look again then; 0 = when something is heard */
};
/* What happens with every deployment that goes on. `on_step` is told of each step (a log). */
MUST_CHECK bool deployments_go_on(struct deployments *d, struct wall_time now,
                                  void (*on_step)(void *ctx, const struct deployment *deployment,
                                                  const struct wave_decision *decision),
                                  void *ctx, struct deployments_outcome *ret, struct err *err);
