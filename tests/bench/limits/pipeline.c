/* pipeline hub PORT DIR DATABASE EVENTS | pipeline agent PORT DIR DATABASE EVENTS PER_MESSAGE - the
 * limit of the whole pipeline: pages of lines from SQLite, QoS 1 over TLS, into a rowid table with
 * a unique (device, seq), committed every 10,000 rows or 50 ms and only then acknowledged. Bare
 * libmosquitto with its own OpenSSL at both ends; no compression, no views, no checks. The hub says
 * "ready 1" when it is subscribed; both print what they took when all is acknowledged. */
#include "tests/bench/bench.h"
#include "tests/bench/limits/bare.h"
#include "tests/bench/limits/client.h"

#include "common/base/buf.h"
#include "common/base/time.h"
#include <stdio.h>
#include <string.h>

enum {
    INFLIGHT_MAX = 20,
    COMMIT_ROWS = 10000,
    HUB_CACHE_KIB = 16 << 10,
    AGENT_CACHE_KIB = 256,
    MESSAGE_BYTES_MAX = 1 << 20,
    ACK_TEXT_SIZE = 32,
};
#define COMMIT_NS (50 * NS_PER_MS)

static const char events_topic[] = "limit/events";
static const char ack_topic[] = "limit/ack";

static void check(int rc, const char *what)
{
    if (rc != MOSQ_ERR_SUCCESS) {
        bench_die("%s: %s", what, mosquitto_strerror(rc));
    }
}

/* --- hub --------------------------------------------------------------------------------------- */

struct hub {
    sqlite3_stmt *begin, *commit, *insert;
    int64_t merged; /* in this transaction too */
    int64_t committed;
    int64_t begun_ns; /* of the open transaction; 0 = none */
    bool is_subscribed;
};

/* "{"seq":41,..." */
static int64_t seq_of(struct str line)
{
    struct str head;
    struct str number;
    int64_t seq = 0;
    if (!str_cut(line, ',', &head, &number) ||
        !str_to_i64(str_slice(head, sizeof("{\"seq\":") - 1, head.len), 1, INT64_MAX, &seq)) {
        bench_die("not an event: " STR_FMT, STR_ARG(line));
    }
    return seq;
}

static void commit(struct hub *hub, struct mosquitto *m)
{
    char text[ACK_TEXT_SIZE];
    bare_run(hub->commit);
    hub->begun_ns = 0;
    hub->committed = hub->merged;
    int len = snprintf(text, sizeof(text), "%lld", (long long)hub->committed);
    check(mosquitto_publish(m, NULL, ack_topic, len, text, 1, false), "acknowledge");
}

static void on_events(struct mosquitto *m, void *ctx, const struct mosquitto_message *message)
{
    struct hub *hub = ctx;
    struct str rest = {message->payload, (size_t)message->payloadlen};
    struct str line;
    if (hub->begun_ns == 0) {
        bare_run(hub->begin);
        hub->begun_ns = bench_now().wall_ns;
    }
    while (str_cut(rest, '\n', &line, &rest)) {
        hub->merged = seq_of(line);
        sqlite3_bind_int64(hub->insert, 1, hub->merged);
        sqlite3_bind_text(hub->insert, 2, line.ptr, (int)line.len, SQLITE_STATIC);
        bare_run(hub->insert);
    }
    if (hub->merged - hub->committed >= COMMIT_ROWS) {
        commit(hub, m);
    }
}

static void on_subscribe(struct mosquitto *m, void *ctx, int id, int count, const int *granted)
{
    (void)m;
    (void)id;
    (void)count;
    (void)granted;
    struct hub *hub = ctx;
    hub->is_subscribed = true;
}

static void run_hub(int port, const char *dir, const char *path, int64_t events)
{
    sqlite3 *db = bare_open(path, HUB_CACHE_KIB);
    bare_exec(db, "CREATE TABLE event (id INTEGER PRIMARY KEY, device INTEGER NOT NULL,"
                  " seq INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (device, seq)) STRICT");
    struct hub hub = {
        .begin = bare_prepare(db, "BEGIN IMMEDIATE"),
        .commit = bare_prepare(db, "COMMIT"),
        .insert =
            bare_prepare(db, "INSERT OR IGNORE INTO event (device, seq, body) VALUES (1, ?, ?)"),
    };
    struct mosquitto *m = client_open("limit-hub", port, dir, INFLIGHT_MAX, &hub);
    mosquitto_message_callback_set(m, on_events);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    check(mosquitto_subscribe(m, NULL, events_topic, 1), "subscribe");
    while (!hub.is_subscribed) {
        client_turn(m, 1000);
    }
    bench_print("ready", 1);
    (void)fflush(stdout);

    struct bench_counters start = bench_now();
    while (hub.committed < events) {
        client_turn(m, 10);
        if (hub.begun_ns != 0 && bench_now().wall_ns - hub.begun_ns >= COMMIT_NS) {
            commit(&hub, m);
        }
    }
    while (mosquitto_want_write(m)) {
        client_turn(m, 10);
    }
    bench_print_since(&start);
    client_close(m);
    bare_close(db);
}

/* --- agent ------------------------------------------------------------------------------------- */

struct agent {
    sqlite3_stmt *page;
    struct buf lines;
    int64_t sent;
    int64_t acknowledged;
    int inflight;
};

static void on_acknowledgement(struct mosquitto *m, void *ctx,
                               const struct mosquitto_message *message)
{
    (void)m;
    struct agent *agent = ctx;
    struct str text = {message->payload, (size_t)message->payloadlen};
    if (!str_to_i64(text, 1, INT64_MAX, &agent->acknowledged)) {
        bench_die("not an acknowledgement");
    }
}

static void on_publish(struct mosquitto *m, void *ctx, int id)
{
    (void)m;
    (void)id;
    struct agent *agent = ctx;
    agent->inflight--;
}

static void send_page(struct agent *agent, struct mosquitto *m, int64_t count)
{
    buf_reset(&agent->lines);
    sqlite3_bind_int64(agent->page, 1, agent->sent);
    sqlite3_bind_int64(agent->page, 2, count);
    while (sqlite3_step(agent->page) == SQLITE_ROW) {
        agent->sent = sqlite3_column_int64(agent->page, 0);
        const char *body = (const char *)sqlite3_column_text(agent->page, 1);
        buf_add(&agent->lines, (struct str){body, (size_t)sqlite3_column_bytes(agent->page, 1)});
    }
    (void)sqlite3_reset(agent->page);
    check(
        mosquitto_publish(m, NULL, events_topic, (int)agent->lines.len, agent->lines.ptr, 1, false),
        "publish");
    agent->inflight++;
}

static void run_agent(int port, const char *dir, const char *path, int64_t events, int64_t count)
{
    sqlite3 *db = bare_open(path, AGENT_CACHE_KIB);
    struct agent agent = {
        .page = bare_prepare(db, "SELECT seq, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?"),
        .lines = buf_growing(MESSAGE_BYTES_MAX),
    };
    struct mosquitto *m = client_open("limit-agent", port, dir, INFLIGHT_MAX, &agent);
    mosquitto_message_callback_set(m, on_acknowledgement);
    mosquitto_publish_callback_set(m, on_publish);
    check(mosquitto_subscribe(m, NULL, ack_topic, 1), "subscribe");

    struct bench_counters start = bench_now();
    while (agent.acknowledged < events) {
        while (agent.inflight < INFLIGHT_MAX && agent.sent < events) {
            send_page(&agent, m, count);
        }
        client_turn(m, 10);
    }
    bench_print("events", events);
    bench_print_since(&start);
    client_close(m);
    buf_release(&agent.lines);
    bare_close(db);
}

int main(int argc, char **argv)
{
    const char *role = bench_text_arg(argc, argv, 1);
    int port = (int)bench_count_arg(argc, argv, 2);
    const char *dir = bench_text_arg(argc, argv, 3);
    const char *path = bench_text_arg(argc, argv, 4);
    int64_t events = bench_count_arg(argc, argv, 5);
    if (strcmp(role, "hub") == 0) {
        run_hub(port, dir, path, events);
    } else {
        run_agent(port, dir, path, events, bench_count_arg(argc, argv, 6));
    }
    return 0;
}
