/* simulate.h - a fleet of simulated devices against a real hub and broker, phase by phase: all
 * connect; with `storm` all are cut off at once and come back; each records `backlog` runs at once; a
 * steady rate for a while, with partitions and clocks that lie; and in the end hub.db is asked
 * whether all is there, once. */
#pragma once
#include "common/platform/loop.h"
#include "hub/config/config.h"

enum { SIMULATE_DEVICES_MAX = 65535 };
struct simulate_options {
    const struct hub_config *config; /* of the hub, which runs */
    int64_t devices;
    uint64_t seed;
    int64_t connects_max; /* handshakes at a time */
    bool has_storm;
    int64_t backlog_events;  /* of each device; whole runs of seven */
    int64_t rate;            /* events a second, all devices together; 0 = no steady phase */
    int64_t duration_ns;     /* of the steady phase */
    int64_t partitioned_pct; /* so many of 100 devices are cut off in the middle of it */
    int64_t lying_pct;       /* so many of 100 devices have a wrong clock, by years */
    int64_t phase_ns;        /* a phase that takes longer has failed */
    /* Told a few times a second; false = end. `text` is one line. */
    bool (*on_progress)(void *ctx, const char *text);
    void *ctx;
};

struct simulate_phase {
    bool was_run;
    int64_t took_ns;
    int64_t events; /* acknowledged in it */
    int64_t p50_ns, p99_ns, max_ns;
    int64_t hub_cpu_ms, broker_cpu_ms, own_cpu_ms;
    int64_t hub_rss_bytes, broker_rss_bytes; /* at its end */
};
struct simulate_result {
    char prefix[16]; /* of the devices' names */
    int64_t enrolled_ns;
    struct simulate_phase connect; /* times: wanting a connection to the hub's answer */
    struct simulate_phase storm;   /* the same */
    struct simulate_phase backlog; /* times: none */
    struct simulate_phase steady;  /* times: recorded to acknowledged */
    int64_t visible_count;         /* materializations that a reader of hub.db waited for ... */
    int64_t visible_p50_ns, visible_p99_ns, visible_max_ns; /* ... from recorded to seen */
    int64_t sessions_full, sessions_resumed;
    int64_t drops; /* connections that ended, but not by us in the end */
    int64_t batches, bytes;
    int64_t events;     /* recorded */
    int64_t hub_events; /* found in the hub's log */
    int64_t hub_devices;
    int64_t hub_rss_max_bytes;
    bool is_whole; /* the hub has all events, each once */
};
/* Raises our limit of open files so that so many connections are possible; a hub that is started
 * afterwards has it too. ERR_FULL with what to do. */
MUST_CHECK bool simulate_allow_devices(int64_t devices, struct err *err);
/* Runs the loop until all is done. ERR_TIMEOUT with the latest failure of a connection when a phase
 * took too long; ERR_CANCELLED. *ret has what was found until then. */
MUST_CHECK bool simulate_run(struct loop *loop, const struct simulate_options *options,
                             struct simulate_result *ret, struct err *err);
