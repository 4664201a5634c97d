#include "hub/cli/commands.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include "common/platform/rng.h"
#include "hub/demo/cast.h"
#include "hub/simulate/simulate.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 64 << 10 };
#define HUB_START_NS (30 * NS_PER_SEC)

struct simulate_command {
    struct cli *cli;
    struct loop *loop;
    struct settings settings;
    bool has_settings;
    struct cast cast; /* with --standalone */
    bool is_interrupted;
    bool is_terminal;
    int64_t seed;
};

static void on_signal(void *ctx, int signo)
{
    (void)signo;
    struct simulate_command *c = ctx;
    c->is_interrupted = true;
}

/* On a terminal one line that is written over; else nothing but what comes in the end. */
static bool on_progress(void *ctx, const char *text)
{
    struct simulate_command *c = ctx;
    struct err err = {0};
    if (c->is_terminal) {
        (void)fprintf(cli_err(c->cli), "\r\033[K%s", text);
        (void)fflush(cli_err(c->cli));
    }
    /* Enrolling blocks the loop: look whether a signal waits. */
    return loop_turn(c->loop, 0, &err) && !c->is_interrupted;
}

static void clear_progress(struct simulate_command *c)
{
    if (c->is_terminal) {
        (void)fprintf(cli_err(c->cli), "\r\033[K");
    }
}

/* --- a hub of its own --------------------------------------------------------------------- */

static bool start_hub(struct simulate_command *c, struct err *err)
{
    if (!cast_open(&c->cast, c->loop, "simulate", NULL, err) || !cast_start_hub(&c->cast, err)) {
        return false;
    }
    int64_t end = clock_mono(loop_clock(c->loop)).ns + HUB_START_NS;
    while (!cast_hub_is_ready(&c->cast)) {
        if (!cast_is_well(&c->cast, err) || !loop_turn(c->loop, 50 * NS_PER_MS, err)) {
            return false;
        }
        if (clock_mono(loop_clock(c->loop)).ns > end) {
            return err_set(err, ERR_TIMEOUT, "the hub does not start");
        }
    }
    return true;
}

static bool load_standalone(struct simulate_command *c, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    c->settings.arena = arena_new(1 << 20);
    c->settings.problems = (struct problems){.arena = &c->settings.arena};
    c->has_settings = true;
    return files_join(c->cast.hub_dir, STR("hub.yaml"), path, sizeof(path), err) &&
           hub_config_load(path, true, &c->settings.arena, &c->settings.problems,
                           &c->settings.config, err);
}

/* --- what was found ----------------------------------------------------------------------- */

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

static double per_second(int64_t count, int64_t ns)
{
    return ns > 0 ? (double)count * 1e9 / (double)ns : 0;
}

static void json_phase(struct json_writer *w, const char *name, const struct simulate_phase *p)
{
    if (!p->was_run) {
        return;
    }
    jw_key(w, str_from(name));
    jw_begin_object(w);
    jw_member_double(w, "seconds", ms(p->took_ns) / 1e3);
    jw_member_i64(w, "events", p->events);
    jw_member_double(w, "p50_ms", ms(p->p50_ns));
    jw_member_double(w, "p99_ms", ms(p->p99_ns));
    jw_member_double(w, "max_ms", ms(p->max_ns));
    jw_member_i64(w, "hub_cpu_ms", p->hub_cpu_ms);
    jw_member_i64(w, "broker_cpu_ms", p->broker_cpu_ms);
    jw_member_i64(w, "simulator_cpu_ms", p->own_cpu_ms);
    jw_member_i64(w, "hub_rss_bytes", p->hub_rss_bytes);
    jw_member_i64(w, "broker_rss_bytes", p->broker_rss_bytes);
    jw_end_object(w);
}

static void say_json(struct simulate_command *c, int64_t devices, const struct simulate_result *r)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_i64(&w, "devices", devices);
    jw_member_i64(&w, "seed", c->seed);
    jw_member_str(&w, "prefix", str_from(r->prefix));
    jw_member_double(&w, "enrol_seconds", ms(r->enrolled_ns) / 1e3);
    json_phase(&w, "connect", &r->connect);
    json_phase(&w, "storm", &r->storm);
    json_phase(&w, "backlog", &r->backlog);
    json_phase(&w, "steady", &r->steady);
    jw_member_i64(&w, "visible_count", r->visible_count);
    jw_member_double(&w, "visible_p50_ms", ms(r->visible_p50_ns));
    jw_member_double(&w, "visible_p99_ms", ms(r->visible_p99_ns));
    jw_member_double(&w, "visible_max_ms", ms(r->visible_max_ns));
    jw_member_i64(&w, "sessions_full", r->sessions_full);
    jw_member_i64(&w, "sessions_resumed", r->sessions_resumed);
    jw_member_i64(&w, "drops", r->drops);
    jw_member_i64(&w, "batches", r->batches);
    jw_member_i64(&w, "batch_bytes", r->bytes);
    jw_member_i64(&w, "events_recorded", r->events);
    jw_member_i64(&w, "events_in_hub", r->hub_events);
    jw_member_i64(&w, "devices_in_hub", r->hub_devices);
    jw_member_i64(&w, "hub_rss_max_bytes", r->hub_rss_max_bytes);
    jw_member_bool(&w, "is_whole", r->is_whole);
    jw_end_object(&w);
    cli_json(c->cli, buf_str(&out));
}

static void row(struct table *t, const char *name, const struct simulate_phase *p)
{
    if (!p->was_run) {
        return;
    }
    table_cell(t, str_from(name));
    table_cellf(t, "%.2f s", ms(p->took_ns) / 1e3);
    table_cellf(t, "%lld", (long long)p->events);
    table_cellf(t, "%.0f/s", per_second(p->events, p->took_ns));
    if (p->max_ns > 0) {
        table_cellf(t, "%.0f", ms(p->p50_ns));
        table_cellf(t, "%.0f", ms(p->p99_ns));
    } else {
        table_cell(t, STR_NONE);
        table_cell(t, STR_NONE);
    }
    table_cellf(t, "%.2f s", (double)p->hub_cpu_ms / 1e3);
    table_cellf(t, "%.2f s", (double)p->broker_cpu_ms / 1e3);
    table_cellf(t, "%.2f s", (double)p->own_cpu_ms / 1e3);
    table_cellf(t, "%.1f MB", (double)p->hub_rss_bytes / 1e6);
    table_cellf(t, "%.1f MB", (double)p->broker_rss_bytes / 1e6);
}

static void say_text(struct simulate_command *c, int64_t devices, const struct simulate_result *r)
{
    struct cli *cli = c->cli;
    struct table t = table_new(TABLE_COLUMNS(
        {.name = "PHASE"}, {.name = "TOOK"}, {.name = "EVENTS"}, {.name = "MERGED"},
        {.name = "P50 MS"}, {.name = "P99 MS"}, {.name = "HUB CPU"}, {.name = "BROKER CPU"},
        {.name = "OWN CPU"}, {.name = "HUB RSS"}, {.name = "BROKER RSS"}));
    cli_printf(cli, "%lld devices named %s-..., seed %lld, enrolled in %.1f s\n\n",
               (long long)devices, r->prefix, (long long)c->seed, ms(r->enrolled_ns) / 1e3);
    row(&t, "connect", &r->connect);
    row(&t, "storm", &r->storm);
    row(&t, "backlog", &r->backlog);
    row(&t, "steady", &r->steady);
    table_print(&t, cli);
    table_release(&t);
    cli_printf(cli, "\nconnect, storm: milliseconds from wanting a connection to the hub's answer; "
                    "steady: from recorded to acknowledged\n");
    if (r->connect.was_run) {
        cli_printf(cli, "connected: %.0f devices/s", per_second(devices, r->connect.took_ns));
        if (r->storm.was_run) {
            cli_printf(cli, "; again after the cut: %.0f/s", per_second(devices, r->storm.took_ns));
        }
        cli_printf(cli, " (%lld sessions resumed, %lld full handshakes)\n",
                   (long long)r->sessions_resumed, (long long)r->sessions_full);
    }
    if (r->visible_count > 0) {
        cli_printf(cli,
                   "visible to a reader of hub.db: %.0f ms p50, %.0f ms p99, %.0f ms at most (%lld "
                   "materializations)\n",
                   ms(r->visible_p50_ns), ms(r->visible_p99_ns), ms(r->visible_max_ns),
                   (long long)r->visible_count);
    }
    if (r->batches > 0) {
        cli_printf(cli, "%lld batches, %.1f bytes an event\n", (long long)r->batches,
                   (double)r->bytes / (double)(r->events > 0 ? r->events : 1));
    }
    cli_printf(cli, "%s%lld events recorded, %lld in the hub's log%s%s\n",
               cli_tone_on(cli, r->is_whole ? CLI_GOOD : CLI_BAD), (long long)r->events,
               (long long)r->hub_events, r->is_whole ? ": all, each once" : ": NOT the same",
               cli_tone_off(cli, CLI_GOOD));
}

/* --- the command -------------------------------------------------------------------------- */

static int run(struct simulate_command *c, struct err *err)
{
    struct cli *cli = c->cli;
    struct simulate_result result = {0};
    struct rng rng = rng_system();
    c->seed =
        cli_is_given(cli, "seed") ? cli_i64(cli, "seed") : 1 + (int64_t)rng_below(&rng, 1000000);
    const struct simulate_options options = {.config = &c->settings.config,
                                             .devices = cli_i64(cli, "devices"),
                                             .seed = (uint64_t)c->seed,
                                             .connects_max = cli_i64(cli, "connects"),
                                             .has_storm = cli_bool(cli, "storm"),
                                             .backlog_events = cli_i64(cli, "backlog"),
                                             .rate = cli_i64(cli, "rate"),
                                             .duration_ns = cli_i64(cli, "duration"),
                                             .partitioned_pct = cli_i64(cli, "partition"),
                                             .lying_pct = cli_i64(cli, "lie"),
                                             .phase_ns = cli_i64(cli, "phase-timeout"),
                                             .on_progress = on_progress,
                                             .ctx = c};
    bool ok = simulate_run(c->loop, &options, &result, err);
    clear_progress(c);
    if (!ok) {
        return CLI_FAILED;
    }
    if (cli_is_json(cli)) {
        say_json(c, options.devices, &result);
    } else {
        say_text(c, options.devices, &result);
    }
    return result.is_whole ? CLI_OK : CLI_FAILED;
}

static int run_standalone(struct simulate_command *c, struct err *err)
{
    int code = CLI_FAILED;
    /* Before the hub starts: it and its broker have the limit from us. */
    if (simulate_allow_devices(cli_i64(c->cli, "devices"), err) && start_hub(c, err) &&
        load_standalone(c, err)) {
        code = run(c, err);
    }
    cast_close(&c->cast, false);
    return code;
}

/* Opening it says well when there is no hub. */
static int run_on_hub(struct simulate_command *c, struct err *err)
{
    struct db *db = NULL;
    int code = CLI_FAILED;
    c->has_settings = true;
    if (!settings_load(c->cli, &c->settings, &code) || !open_reader(&c->settings, &db, err)) {
        return code;
    }
    db_close(db);
    return run(c, err);
}

int command_simulate(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct simulate_command c = {.cli = cli,
                                 .is_terminal = isatty(STDERR_FILENO) == 1 && !cli_is_json(cli)};
    struct err err = {0};
    int code = CLI_FAILED;
    if (!loop_open(&c.loop, clock_system(), &err)) {
        return cli_error(cli, &err);
    }
    loop_ignore_sigpipe();
    bool ok = loop_on_signal(c.loop, SIGINT, on_signal, &c, &err) &&
              loop_on_signal(c.loop, SIGTERM, on_signal, &c, &err);
    if (ok && cli_bool(cli, "standalone")) {
        code = run_standalone(&c, &err);
    } else if (ok) {
        code = run_on_hub(&c, &err);
    }
    code = err.code != ERR_NONE ? cli_error(cli, &err) : code;
    if (c.has_settings) {
        settings_release(&c.settings);
    }
    loop_close(c.loop);
    return code;
}
