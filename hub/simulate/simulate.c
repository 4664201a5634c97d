/* simulate.c - DESIGN: one function a phase, each turning the loop until its condition holds. What
 * happens by itself meanwhile (the sync cores, runs, partitions, looks at hub.db) hangs on timers. A
 * run is due at a time that is known beforehand, and its delay counts from there: a simulator that
 * lags shows as delay and is not left out. */
#include "hub/simulate/simulate.h"

#include "common/mqtt/resolver.h"
#include "hub/simulate/enrol.h"
#include "hub/simulate/figures.h"
#include "hub/simulate/hub_view.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DESCRIPTORS_BESIDE = 64,
    PROBES_MAX = 32, /* devices that a reader of hub.db follows */
    TOLD_RUNS_MAX = 1000000,
};
#define DAY_NS       (INT64_C(86400) * NS_PER_SEC)
#define LIE_NS       (INT64_C(1000) * DAY_NS)
#define TELL_NS      (250 * NS_PER_MS)
#define LOOK_NS      (5 * NS_PER_MS)
#define PARTITION_NS (3 * NS_PER_SEC)

struct probe { /* follows one device's runs */
    struct device *device;
    int64_t run; /* the next one to be seen */
};
struct simulation {
    struct loop *loop;
    const struct simulate_options *o;
    struct simulate_result *result;
    struct device_host host;
    struct device *devices;
    struct resolver *resolver;
    struct hub_view *view;
    bool is_resolved;
    struct err resolve_err;
    int hub_pid, broker_pid;
    struct mono_time began, told;
    struct figures hub, broker, own; /* when the phase began */
    int64_t acked;                   /* events, when the phase began */
    bool is_steady;
    struct wall_time steady_until;
    struct probe probes[PROBES_MAX];
    struct histogram visible;
    struct loop_timer look_timer;
    struct loop_timer partition_timer;
    struct err look_err;
};

static struct mono_time mono_now(const struct simulation *s)
{
    return clock_mono(loop_clock(s->loop));
}

static struct wall_time wall_now(const struct simulation *s)
{
    return clock_wall(loop_clock(s->loop));
}

/* --- waiting ------------------------------------------------------------------------------ */

static int64_t count(const struct simulation *s, bool (*holds)(const struct device *d))
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->o->devices; i++) {
        n += holds(&s->devices[i]);
    }
    return n;
}

static int64_t acked_events(const struct simulation *s)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->o->devices; i++) {
        n += s->devices[i].sync.acked_seq;
    }
    return n;
}

static int64_t recorded_events(const struct simulation *s)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->o->devices; i++) {
        n += s->devices[i].sync.last_seq;
    }
    return n;
}

static bool tell(struct simulation *s, const char *what, int64_t done)
{
    char text[160];
    struct mono_time now = mono_now(s);
    if (s->o->on_progress == NULL || now.ns - s->told.ns < TELL_NS) {
        return true;
    }
    s->told = now;
    (void)snprintf(text, sizeof(text), "%s: %lld of %lld devices, %lld of %lld events", what,
                   (long long)done, (long long)s->o->devices, (long long)acked_events(s),
                   (long long)recorded_events(s));
    return s->o->on_progress(s->o->ctx, text);
}

/* Until the condition holds for all devices. */
static bool wait_all(struct simulation *s, const char *what, bool (*holds)(const struct device *d),
                     struct err *err)
{
    int64_t end = mono_now(s).ns + s->o->phase_ns;
    for (;;) {
        int64_t done = count(s, holds);
        if (!tell(s, what, done)) {
            return err_set(err, ERR_CANCELLED, "interrupted");
        }
        if (done == s->o->devices) {
            return true;
        }
        if (mono_now(s).ns > end) {
            (void)err_set(err, ERR_TIMEOUT, "%s: %lld of %lld devices within %lld s", what,
                          (long long)done, (long long)s->o->devices,
                          (long long)(s->o->phase_ns / NS_PER_SEC));
            return err_hint(err, "%s",
                            s->host.last.code != ERR_NONE ? s->host.last.msg : "see the hub's log");
        }
        /* Counting all of many devices is work: not after every packet. */
        int64_t until = mono_now(s).ns + (s->o->devices > 500 ? 20 : 2) * NS_PER_MS;
        while (mono_now(s).ns < until) {
            if (!loop_turn(s->loop, until - mono_now(s).ns, err)) {
                return false;
            }
        }
    }
}

/* --- phases ------------------------------------------------------------------------------- */

static void begin_phase(struct simulation *s)
{
    s->began = mono_now(s);
    s->hub = figures_read(s->hub_pid);
    s->broker = figures_read(s->broker_pid);
    s->own = figures_read(getpid());
    s->acked = acked_events(s);
    memset(&s->host.connected, 0, sizeof(s->host.connected));
}

static void end_phase(struct simulation *s, struct simulate_phase *phase,
                      const struct histogram *times)
{
    struct figures hub = figures_read(s->hub_pid);
    struct figures broker = figures_read(s->broker_pid);
    *phase = (struct simulate_phase){.was_run = true,
                                     .took_ns = mono_now(s).ns - s->began.ns,
                                     .events = acked_events(s) - s->acked,
                                     .hub_cpu_ms = hub.cpu_ms - s->hub.cpu_ms,
                                     .broker_cpu_ms = broker.cpu_ms - s->broker.cpu_ms,
                                     .own_cpu_ms = figures_read(getpid()).cpu_ms - s->own.cpu_ms,
                                     .hub_rss_bytes = hub.rss_bytes,
                                     .broker_rss_bytes = broker.rss_bytes};
    s->result->hub_rss_max_bytes = hub.rss_max_bytes;
    if (times != NULL) {
        phase->p50_ns = histogram_quantile(times, 500000);
        phase->p99_ns = histogram_quantile(times, 990000);
        phase->max_ns = times->max_ns;
    }
}

static bool connect_all(struct simulation *s, struct err *err)
{
    begin_phase(s);
    for (int64_t i = 0; i < s->o->devices; i++) {
        device_start(&s->devices[i]);
    }
    bool ok = wait_all(s, "connecting", device_is_greeted, err);
    end_phase(s, &s->result->connect, &s->host.connected);
    return ok;
}

static bool cut_all(struct simulation *s, struct err *err)
{
    if (!s->o->has_storm) {
        return true;
    }
    if (!wait_all(s, "before the cut", device_is_idle, err)) {
        return false;
    }
    begin_phase(s);
    for (int64_t i = 0; i < s->o->devices; i++) {
        device_cut(&s->devices[i]);
    }
    if (!loop_turn(s->loop, 0, err)) { /* they notice */
        return false;
    }
    bool ok = wait_all(s, "coming back", device_is_greeted, err);
    end_phase(s, &s->result->storm, &s->host.connected);
    return ok;
}

/* The runs of the day that is over now. */
static bool send_backlog(struct simulation *s, struct err *err)
{
    int64_t runs = s->o->backlog_events / SCRIPT_RUN;
    if (runs == 0) {
        return true;
    }
    struct wall_time from = {wall_now(s).ns - DAY_NS};
    if (!wait_all(s, "before the backlog", device_is_idle, err)) {
        return false;
    }
    begin_phase(s);
    for (int64_t i = 0; i < s->o->devices; i++) {
        script_plan(&s->devices[i].script, s->devices[i].runs, from, DAY_NS / runs);
        device_record(&s->devices[i], runs);
    }
    bool ok = wait_all(s, "backlog", device_is_idle, err);
    end_phase(s, &s->result->backlog, NULL);
    return ok;
}

/* --- the steady phase --------------------------------------------------------------------- */

static void arm_tick(struct simulation *s, struct device *d)
{
    int64_t in = script_time(&d->script, d->runs).ns - wall_now(s).ns;
    loop_timer_arm_in(s->loop, &d->tick, in > 0 ? in : 0);
}

static void on_tick(void *ctx)
{
    struct device *d = ctx;
    struct simulation *s = d->host->owner;
    int64_t due = 0;
    struct wall_time now = wall_now(s);
    while (script_time(&d->script, d->runs + due).ns <= now.ns && due < TOLD_RUNS_MAX) {
        due++;
    }
    if (due > 0) {
        device_record(d, due);
    }
    if (s->is_steady && now.ns < s->steady_until.ns) {
        arm_tick(s, d);
    }
}

static void look_at(struct simulation *s, struct probe *p)
{
    char asset[16];
    int64_t seq = 0;
    while (p->run < p->device->runs) {
        script_asset(p->run, asset);
        if (!hub_view_latest(s->view, str_from(p->device->name), str_from(asset), &seq,
                             &s->look_err) ||
            seq < script_materialization_seq(p->run)) {
            return;
        }
        histogram_add(&s->visible, wall_now(s).ns - script_time(&p->device->script, p->run).ns, 1);
        p->run++;
    }
}

static void on_look(void *ctx)
{
    struct simulation *s = ctx;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        if (s->probes[i].device != NULL) {
            look_at(s, &s->probes[i]);
        }
    }
    if (s->is_steady) {
        loop_timer_arm_in(s->loop, &s->look_timer, LOOK_NS);
    }
}

/* Those whose number says so are away for a while, once. */
static void set_partition(struct simulation *s, bool is_partitioned)
{
    for (int64_t i = 0; i < s->o->devices; i++) {
        if ((int64_t)(script_mix(s->o->seed ^ (uint64_t)i) % 100) < s->o->partitioned_pct) {
            device_partition(&s->devices[i], is_partitioned);
        }
    }
}

static void on_partition_end(void *ctx)
{
    set_partition(ctx, false);
}

static void on_partition(void *ctx)
{
    struct simulation *s = ctx;
    set_partition(s, true);
    s->partition_timer.on_due = on_partition_end;
    loop_timer_arm_in(s->loop, &s->partition_timer, PARTITION_NS);
}

static void follow_probes(struct simulation *s)
{
    int64_t every = s->o->devices / PROBES_MAX + 1;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        int64_t number = (int64_t)i * every;
        if (number < s->o->devices) {
            s->probes[i] = (struct probe){&s->devices[number], s->devices[number].runs};
        }
    }
}

static bool no_device(const struct device *d)
{
    (void)d;
    return false;
}

/* Each device's runs are as far apart as the rate wants; where in that time its first one falls is
 * its own chance. */
static void begin_runs(struct simulation *s, struct wall_time now)
{
    int64_t step_ns = s->o->devices * SCRIPT_RUN * NS_PER_SEC / s->o->rate;
    s->is_steady = true;
    s->steady_until = (struct wall_time){now.ns + s->o->duration_ns};
    for (int64_t i = 0; i < s->o->devices; i++) {
        struct device *d = &s->devices[i];
        int64_t phase = (int64_t)(script_mix(d->script.seed) % (uint64_t)step_ns);
        script_plan(&d->script, d->runs, (struct wall_time){now.ns + phase}, step_ns);
        d->measured_from = d->runs;
        d->tick = (struct loop_timer){.on_due = on_tick, .ctx = d};
        arm_tick(s, d);
    }
}

static bool run_steady(struct simulation *s, struct err *err)
{
    if (s->o->rate == 0 || s->o->duration_ns == 0) {
        return true;
    }
    if (!wait_all(s, "before the steady phase", device_is_idle, err)) {
        return false;
    }
    struct err over = {0};
    struct simulate_options timed = *s->o;
    const struct simulate_options *options = s->o;
    begin_phase(s);
    begin_runs(s, wall_now(s));
    follow_probes(s);
    s->host.is_measuring = true;
    on_look(s);
    if (s->o->partitioned_pct > 0) {
        s->partition_timer = (struct loop_timer){.on_due = on_partition, .ctx = s};
        loop_timer_arm_in(s->loop, &s->partition_timer, s->o->duration_ns / 3);
    }
    timed.phase_ns = s->o->duration_ns;
    s->o = &timed;
    (void)wait_all(s, "steady", no_device, &over); /* ends by its time */
    s->o = options;
    for (int64_t i = 0; i < s->o->devices; i++) {
        loop_timer_disarm(s->loop, &s->devices[i].tick);
    }
    bool ok = over.code == ERR_TIMEOUT || err_set(err, over.code, "%s", over.msg);
    ok = ok && wait_all(s, "the end of the steady phase", device_is_idle, err);
    on_look(s);
    s->is_steady = false;
    s->host.is_measuring = false;
    loop_timer_disarm(s->loop, &s->look_timer);
    end_phase(s, &s->result->steady, &s->host.acked);
    if (ok && s->look_err.code != ERR_NONE) {
        *err = s->look_err;
        ok = false;
    }
    return ok;
}

/* --- beginning and end -------------------------------------------------------------------- */

static void on_resolved(void *ctx, const struct address_list *list, const struct err *why)
{
    struct simulation *s = ctx;
    s->is_resolved = true;
    if (list != NULL) {
        s->host.addresses = *list;
    } else {
        s->resolve_err = *why;
    }
}

static bool resolve(struct simulation *s, struct err *err)
{
    const struct resolver_options options = {.loop = s->loop,
                                             .host = s->o->config->host,
                                             .port = (int)s->o->config->port,
                                             .on_done = on_resolved,
                                             .ctx = s};
    bool is_pending = false;
    if (!resolver_open(&s->resolver, &options, err) ||
        !resolver_start(s->resolver, &s->host.addresses, &is_pending, err)) {
        return false;
    }
    while (is_pending && !s->is_resolved) {
        if (!loop_turn(s->loop, -1, err)) {
            return false;
        }
    }
    if (s->resolve_err.code != ERR_NONE) {
        *err = s->resolve_err;
        return false;
    }
    return true;
}

bool simulate_allow_devices(int64_t devices, struct err *err)
{
    return figures_raise_descriptors(devices + DESCRIPTORS_BESIDE, err);
}

static bool check_limits(struct simulation *s, struct err *err)
{
    int64_t wanted = s->o->devices + DESCRIPTORS_BESIDE;
    if (!simulate_allow_devices(s->o->devices, err)) {
        return false;
    }
    s->hub_pid = figures_hub_pid(s->o->config);
    if (s->hub_pid == 0) {
        (void)err_set(err, ERR_OFFLINE, "no hub runs in " STR_FMT,
                      STR_ARG(s->o->config->state_dir));
        return err_hint(err, "start it: selvedge-hub serve; or let one be started: --standalone");
    }
    s->broker_pid = figures_child_pid(s->hub_pid);
    int64_t allowed = s->broker_pid == 0 ? INT64_MAX : figures_descriptors_max(s->broker_pid);
    if (allowed < wanted) {
        (void)err_set(err, ERR_FULL,
                      "the hub's broker may have %lld open files, and %lld are needed",
                      (long long)allowed, (long long)wanted);
        return err_hint(err, "start the hub with a higher limit (LimitNOFILE, ulimit -n)");
    }
    return true;
}

static bool on_enrolled(void *ctx, int64_t done, int64_t total)
{
    struct simulation *s = ctx;
    char text[80];
    struct mono_time now = mono_now(s);
    if (s->o->on_progress == NULL || now.ns - s->told.ns < TELL_NS) {
        return true;
    }
    s->told = now;
    (void)snprintf(text, sizeof(text), "enrolling: %lld of %lld devices", (long long)done,
                   (long long)total);
    return s->o->on_progress(s->o->ctx, text);
}

static bool prepare(struct simulation *s, struct err *err)
{
    struct rng rng = rng_system();
    char random[5];
    s->devices = calloc((size_t)s->o->devices, sizeof(*s->devices));
    if (s->devices == NULL) {
        return err_set(err, ERR_NO_MEMORY, "simulate %lld devices: out of memory",
                       (long long)s->o->devices);
    }
    rng_hex(&rng, 2, random); /* so that a second run has devices of its own */
    (void)snprintf(s->result->prefix, sizeof(s->result->prefix), "sim-%s", random);
    const struct enrol_job job = {.config = s->o->config,
                                  .devices = s->devices,
                                  .count = s->o->devices,
                                  .host = &s->host,
                                  .seed = s->o->seed,
                                  .prefix = str_from(s->result->prefix),
                                  .on_progress = on_enrolled,
                                  .ctx = s};
    struct mono_time from = mono_now(s);
    bool ok = check_limits(s, err) && resolve(s, err) &&
              hub_view_open(&s->view, s->o->config, err) && enrol_all(&job, err);
    s->result->enrolled_ns = mono_now(s).ns - from.ns;
    for (int64_t i = 0; ok && i < s->o->devices; i++) {
        uint64_t chance = script_mix(~s->o->seed ^ (uint64_t)i);
        if ((int64_t)(chance % 100) < s->o->lying_pct) {
            s->devices[i].script.lie_ns = chance >> 32 & 1 ? LIE_NS : -LIE_NS;
        }
    }
    return ok;
}

static bool is_down(const struct device *d)
{
    return d->client.state == CLIENT_OFFLINE;
}

static bool finish(struct simulation *s, struct err *err)
{
    struct simulate_result *r = s->result;
    struct hub_total total = {0};
    if (!wait_all(s, "the last events", device_is_idle, err)) {
        return false;
    }
    r->events = recorded_events(s);
    for (int64_t i = 0; i < s->o->devices; i++) {
        device_stop(&s->devices[i]);
    }
    if (!wait_all(s, "stopping", is_down, err) ||
        !hub_view_total(s->view, str_from(r->prefix), &total, err)) {
        return false;
    }
    r->hub_events = total.events;
    r->hub_devices = total.devices;
    r->is_whole =
        total.devices == s->o->devices && total.events == r->events && total.merged == r->events;
    return true;
}

static void close_all(struct simulation *s)
{
    loop_timer_disarm(s->loop, &s->look_timer);
    loop_timer_disarm(s->loop, &s->partition_timer);
    for (int64_t i = 0; s->devices != NULL && i < s->o->devices; i++) {
        device_close(&s->devices[i]);
    }
    free(s->devices);
    resolver_close(s->resolver);
    hub_view_close(s->view);
}

bool simulate_run(struct loop *loop, const struct simulate_options *options,
                  struct simulate_result *ret, struct err *err)
{
    struct simulation *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "simulate: out of memory");
    }
    *ret = (struct simulate_result){0};
    s->loop = loop;
    s->o = options;
    s->result = ret;
    s->look_timer = (struct loop_timer){.on_due = on_look, .ctx = s};
    device_host_init(&s->host, loop, options->config->fleet, (int)options->connects_max);
    s->host.owner = s;
    bool ok = prepare(s, err) && connect_all(s, err) && cut_all(s, err) && send_backlog(s, err) &&
              run_steady(s, err) && finish(s, err);
    ret->visible_count = s->visible.count;
    ret->visible_p50_ns = histogram_quantile(&s->visible, 500000);
    ret->visible_p99_ns = histogram_quantile(&s->visible, 990000);
    ret->visible_max_ns = s->visible.max_ns;
    ret->sessions_full = s->host.sessions_full;
    ret->sessions_resumed = s->host.sessions_resumed;
    ret->drops = s->host.drops;
    ret->batches = s->host.batches;
    ret->bytes = s->host.bytes;
    close_all(s);
    free(s);
    return ok;
}
