#include "tests/sim/desired_life.h"

#include "agent/daemon/agent_internal.h"
#include "common/db/db.h"
#include "common/wire/signed.h"
#include "tests/support/fake_clock.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRID   INT64_C(300)        /* seconds: everything that happens, and every tick, is on it */
#define DAY    INT64_C(86400)      /* in seconds, as all times of the bookkeeping */
#define BEGIN  INT64_C(1799020800) /* 2027-01-04: after this was built */
#define WEEK   (7 * DAY)
#define AWAY   (2 * DAY) /* after the beginning the hub goes, for three days */
#define AWAY_S (3 * DAY)

enum { NAMES = 4, FIRED_MAX = 8000, REVISIONS_MAX = 200, BODY_MAX = 4096 };

static const char *const names[NAMES] = {"a", "b", "c", "d"};

/* What a schedule says; is_there false: nothing. */
struct spec {
    bool is_there;
    int64_t period, offset; /* seconds */
    bool is_cron;
    enum missed_policy missed;
    int64_t missed_max;
};
/* Of the device's own file: as in `definitions`. */
static const struct spec of_file[NAMES] = {
    {true, 1800, 0, false, MISSED_LATEST, 1},
    {false, 0, 0, false, MISSED_LATEST, 1},
    {true, 3600, 300, true, MISSED_ALL, 4},
    {false, 0, 0, false, MISSED_LATEST, 1},
};
static const char definitions[] = "project: sim\n"
                                  "assets: [{key: x, run: [nothing]}]\n"
                                  "jobs: [{name: j, select: x, on_overlap: queue}]\n"
                                  "schedules:\n"
                                  "  - {name: a, job: j, every: 30m}\n"
                                  "  - {name: c, job: j, cron: 5 * * * *, missed: {all: 4}}\n";

/* One name in the bookkeeping. */
struct known {
    struct spec spec; /* in force */
    bool is_held;
    int64_t decided; /* 0 = it has not begun, or is held */
    int64_t *fired;
    size_t fired_count;
};
struct message {
    int64_t revision;
    bool is_good; /* it fits the device */
    struct spec specs[NAMES];
    bool held[NAMES];
    struct buf text; /* signed */
};
struct life {
    const struct desired_life_options *o;
    struct desired_life_result *sum;
    struct fake_clock fake;
    int64_t age;     /* seconds since the beginning, whatever the clock says */
    int64_t jump_at; /* of a clock that is wrong: when it is set right; 0 = it is right */
    int64_t shift;
    struct arena arena;
    struct agent_config config;
    struct env_lookup env;
    struct loop *loop;
    struct agent *agent;
    struct problems problems;
    struct known known[NAMES];
    struct message *messages; /* all that the hub ever sent */
    size_t message_count;
    int64_t applied; /* by the bookkeeping */
    int64_t newest;  /* decided on, applied or refused */
};

PRINTF_LIKE(2, 3)
static void fail(struct life *l, const char *fmt, ...)
{
    char text[300];
    va_list args;
    if (l->sum->failure[0] != '\0') {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)snprintf(l->sum->failure, sizeof(l->sum->failure), "day %.3f: %s",
                   (double)l->age / (double)DAY, text);
}

static void check(struct life *l, bool ok, const struct err *err, const char *what)
{
    if (!ok) {
        fail(l, "%s: %s", what, err->msg);
    }
}

static int64_t below(const struct life *l, int64_t bound)
{
    return (int64_t)rng_below(l->o->rng, (uint64_t)bound);
}

static int64_t wall(const struct life *l)
{
    return l->fake.wall.ns / NS_PER_SEC;
}

/* --- what is right ------------------------------------------------------------------------------ */

static bool is_same_time(const struct spec *a, const struct spec *b)
{
    return a->is_there && b->is_there && a->period == b->period && a->offset == b->offset &&
           a->is_cron == b->is_cron;
}

/* The last nominal time at or before `t`. */
static int64_t last_tick(const struct spec *s, int64_t t)
{
    return (t - s->offset) / s->period * s->period + s->offset;
}

static void fires(struct life *l, struct known *k, int64_t nominal)
{
    for (size_t i = 0; i < k->fired_count; i++) {
        if (k->fired[i] == nominal) {
            return; /* a clock that was wrong has brought it before */
        }
    }
    if (k->fired_count == FIRED_MAX) {
        fail(l, "the bookkeeping is full");
        return;
    }
    k->fired[k->fired_count++] = nominal;
    l->sum->ticks++;
    l->sum->ticks_away += l->age >= AWAY && l->age < AWAY + AWAY_S;
}

static void judge(struct life *l, struct known *k)
{
    int64_t now = wall(l);
    if (!k->spec.is_there || k->is_held) {
        return;
    }
    if (k->decided == 0 || k->decided > now + DAY) {
        k->decided = now; /* it begins, or begins anew */
        return;
    }
    int64_t newest = last_tick(&k->spec, now);
    if (newest <= k->decided) {
        return;
    }
    bool is_on_time = now - newest <= 60;
    int64_t may_fire = is_on_time ? 1 : 0;
    if (k->spec.missed == MISSED_LATEST) {
        may_fire = 1;
    } else if (k->spec.missed == MISSED_ALL) {
        may_fire = k->spec.missed_max + (is_on_time ? 1 : 0);
    }
    int64_t first = last_tick(&k->spec, k->decided) + k->spec.period;
    int64_t total = (newest - first) / k->spec.period + 1;
    int64_t skipped = total > may_fire ? total - may_fire : 0;
    for (int64_t i = skipped; i < total; i++) {
        fires(l, k, first + i * k->spec.period);
    }
    k->decided = newest;
}

static void judge_all(struct life *l)
{
    for (int i = 0; i < NAMES; i++) {
        judge(l, &l->known[i]);
    }
}

static void put_in_force(struct life *l, const struct spec specs[NAMES], const bool held[NAMES])
{
    for (int i = 0; i < NAMES; i++) {
        struct known *k = &l->known[i];
        const struct spec *spec = specs[i].is_there ? &specs[i] : &of_file[i];
        if (!is_same_time(spec, &k->spec) || held[i]) {
            k->decided = 0;
        }
        k->spec = *spec;
        k->is_held = held[i];
    }
    judge_all(l);
}

/* --- the device --------------------------------------------------------------------------------- */

static void turns(struct life *l)
{
    struct err err = {0};
    for (int i = 0; i < 5 && l->sum->failure[0] == '\0'; i++) {
        check(l, loop_turn(l->loop, 0, &err), &err, "turn");
    }
}

static void start(struct life *l)
{
    struct err err = {0};
    const struct agent_options options = {
        .config = &l->config, .env = &l->env, .problems = &l->problems, .is_daemon = true};
    if (!agent_open(&l->agent, l->loop, l->o->rng, &options, &err)) {
        fail(l, "open the agent: %s", err.msg);
        return;
    }
    l->agent->identity.fleet = STR("main"); /* as enrolment would tell */
    l->agent->identity.device = STR("brooklyn");
    l->agent->identity.command_keys = l->o->public_key;
    agent_start(l->agent);
    turns(l);
    if (l->agent != NULL && l->o->sabotage == DESIRED_HONEST &&
        l->agent->desired.applied != l->applied) {
        fail(l, "after a start revision %" PRId64 " is in force, not %" PRId64,
             l->agent->desired.applied, l->applied);
    }
}

static void in_database(struct life *l, const char *sql)
{
    char path[256];
    struct db *db = NULL;
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "%s/agent.db", l->o->dir);
    bool ok = db_open(&db, &(struct db_options){.path = path, .flags = DB_FOREIGN_FILE}, &err) &&
              db_exec(db, sql, &err);
    db_close(db);
    check(l, ok, &err, sql);
}

static void take(struct life *l, const struct message *m)
{
    if (l->agent != NULL) {
        agent_take_desired(l->agent, buf_str(&m->text));
        turns(l);
    }
}

/* What the bookkeeping makes of it. */
static void hear(struct life *l, const struct message *m)
{
    if (m->revision <= l->newest) {
        l->sum->passed_over++;
    } else {
        l->newest = m->revision;
        l->sum->applied += m->is_good;
        l->sum->refused += !m->is_good;
        if (m->is_good) {
            l->applied = m->revision;
            put_in_force(l, m->specs, m->held);
        }
    }
    if (l->o->sabotage == DESIRED_GULLIBLE) {
        l->agent->desired = (struct desired_state){0};
    }
    take(l, m);
}

/* The broker's memory, when the device has connected. */
static void greet(struct life *l)
{
    if (l->message_count > 0 && l->sum->failure[0] == '\0') {
        hear(l, &l->messages[l->message_count - 1]);
    }
}

static void restart(struct life *l, int64_t down)
{
    agent_close(l->agent);
    l->agent = NULL;
    l->sum->restarts++;
    if (l->o->sabotage == DESIRED_FORGETS) {
        in_database(l, "DELETE FROM desired");
    } else if (l->o->sabotage == DESIRED_AMNESIA) {
        in_database(l, "DELETE FROM instigator");
    }
    fake_clock_advance(&l->fake, down * NS_PER_SEC);
    l->age += down;
    start(l);
    judge_all(l);
    greet(l);
}

static void step_clock(struct life *l, int64_t by)
{
    fake_clock_step_wall(&l->fake, by * NS_PER_SEC);
    l->shift += by;
    l->sum->steps_of_clock++;
    scheduler_clock_stepped(l->agent->scheduler);
    turns(l);
    judge_all(l);
}

/* --- the hub ------------------------------------------------------------------------------------ */

static struct spec random_spec(const struct life *l)
{
    static const int64_t periods[] = {600, 1800, 7200};
    struct spec s = {.is_there = below(l, 4) != 0};
    s.missed = (enum missed_policy)below(l, 3);
    s.missed_max = s.missed == MISSED_ALL ? 1 + below(l, 8) : 1;
    s.is_cron = below(l, 2) == 0;
    if (s.is_cron) {
        s.period = below(l, 3) == 0 ? 6 * 3600 : 3600;
        s.offset = GRID * below(l, 4);
    } else {
        s.period = periods[below(l, COUNT_OF(periods))];
    }
    return s;
}

static void write_spec(struct buf *out, const char *name, const struct spec *s, const char *job)
{
    static const char *const words[] = {[MISSED_LATEST] = "latest", [MISSED_SKIP] = "skip"};
    buf_addf(out, "%s{\"name\":\"%s\",\"job\":\"%s\",", out->ptr[out->len - 1] == '[' ? "" : ",",
             name, job);
    if (s->is_cron) {
        buf_addf(out, "\"cron\":\"%" PRId64 " %s * * *\",", s->offset / 60,
                 s->period == 3600 ? "*" : "*/6");
    } else {
        buf_addf(out, "\"every\":\"%" PRId64 "s\",", s->period);
    }
    if (s->missed == MISSED_ALL) {
        buf_addf(out, "\"missed\":{\"all\":%" PRId64 "}}", s->missed_max);
    } else {
        buf_addf(out, "\"missed\":\"%s\"}", words[s->missed]);
    }
}

/* A pause names what is there, or the device refuses all of it. */
static void write_pauses(struct life *l, struct message *m, struct buf *out)
{
    bool has_one = false;
    buf_add_text(out, "],\"pauses\":{\"schedules\":[");
    for (int i = 0; i < NAMES; i++) {
        bool is_there = m->specs[i].is_there || of_file[i].is_there;
        m->held[i] = is_there && below(l, 5) == 0;
        if (m->held[i]) {
            buf_addf(out, "%s\"%s\"", has_one ? "," : "", names[i]);
            has_one = true;
        }
    }
    buf_add_text(out, "]}}");
}

static void issue(struct life *l)
{
    char memory[BODY_MAX];
    struct buf body = buf_fixed(memory, sizeof(memory));
    struct err err = {0};
    if (l->message_count == REVISIONS_MAX) {
        return;
    }
    struct message *m = &l->messages[l->message_count++];
    *m = (struct message){.revision = (int64_t)l->message_count,
                          .is_good = below(l, 6) != 0,
                          .text = buf_growing(1 << 16)};
    buf_addf(&body,
             "{\"kind\":\"desired\",\"v\":1,\"fleet\":\"main\",\"device\":\"brooklyn\","
             "\"revision\":%" PRId64 ",\"issued_at\":\"2027-01-04T00:00:00.000Z\",\"schedules\":[",
             m->revision);
    for (int i = 0; i < NAMES; i++) {
        m->specs[i] = below(l, 3) == 0 && l->message_count > 1 ? m[-1].specs[i] : random_spec(l);
        if (m->specs[i].is_there) {
            write_spec(&body, names[i], &m->specs[i], m->is_good ? "j" : "gone");
        }
    }
    m->is_good = m->is_good || memmem(body.ptr, body.len, "gone", 4) == NULL;
    write_pauses(l, m, &body);
    check(l, signed_make(l->o->rng, l->o->key, buf_str(&body), &m->text, &err), &err, "sign");
}

/* --- what happens ------------------------------------------------------------------------------- */

static bool is_hub_there(const struct life *l)
{
    return l->age < AWAY || l->age >= AWAY + AWAY_S;
}

static void sleep_until(struct life *l, int64_t for_s)
{
    fake_clock_advance(&l->fake, for_s * NS_PER_SEC);
    l->age += for_s;
    turns(l);
    judge_all(l);
}

static void disturb(struct life *l)
{
    switch (below(l, 6)) {
    case 0:
    case 1:
        restart(l, GRID * below(l, below(l, 4) == 0 ? 300 : 20));
        break;
    case 2: /* the device slept */
        sleep_until(l, GRID * (1 + below(l, 100)));
        break;
    case 3: /* set a little, to either side */
        step_clock(l, GRID * (below(l, 40) - 20));
        break;
    case 4: /* far wrong for a while */
        if (l->jump_at == 0) {
            l->jump_at = l->age + GRID * (1 + below(l, 30));
            step_clock(l, GRID * below(l, 1000));
        }
        break;
    case 5: /* the broker brings something old */
        if (l->message_count > 0) {
            hear(l, &l->messages[below(l, (int64_t)l->message_count)]);
        }
        break;
    default:
        break;
    }
}

static void live(struct life *l)
{
    start(l);
    judge_all(l);
    while (l->age < WEEK && l->sum->failure[0] == '\0') {
        sleep_until(l, GRID);
        if (l->jump_at != 0 && l->age >= l->jump_at) {
            l->jump_at = 0;
            step_clock(l, -l->shift);
        }
        if (is_hub_there(l) && below(l, 30) == 0) {
            issue(l);
            greet(l);
        }
        if (below(l, 40) == 0) { /* also in the moment in which something else happened */
            disturb(l);
        }
    }
}

/* --- comparing ---------------------------------------------------------------------------------- */

static struct known *known_of(struct life *l, struct str name)
{
    for (int i = 0; i < NAMES; i++) {
        if (str_eq(name, str_from(names[i]))) {
            return &l->known[i];
        }
    }
    return NULL;
}

static void compare_row(struct life *l, struct known *k, int64_t nominal, int64_t count)
{
    for (size_t i = 0; k != NULL && i < k->fired_count; i++) {
        if (k->fired[i] == nominal) {
            k->fired[i] = 0;
            if (count != 1) {
                fail(l, "the tick of %" PRId64 " started %" PRId64 " runs", nominal, count);
            }
            return;
        }
    }
    fail(l, "a tick at %" PRId64 " (day %.3f) started a run and should not", nominal,
         (double)(nominal - BEGIN) / (double)DAY);
}

static void compare(struct life *l)
{
    char path[256];
    struct db *db = NULL;
    struct db_query q = {0};
    struct err err = {0};
    bool row = false;
    (void)snprintf(path, sizeof(path), "%s/agent.db", l->o->dir);
    bool ok = db_open(&db, &(struct db_options){.path = path, .flags = DB_FOREIGN_FILE}, &err) &&
              db_prepare(db,
                         STR("SELECT name, nominal / 1000000000, count(*) FROM tick WHERE kind = "
                             "'schedule' AND status = 'started' GROUP BY 1, 2"),
                         &q, &err);
    while (ok && (ok = db_next(&q, &row, &err)) && row) {
        compare_row(l, known_of(l, db_col_str(&q, 0)), db_col_i64(&q, 1), db_col_i64(&q, 2));
    }
    db_finish(&q);
    db_close(db);
    check(l, ok, &err, "read the ticks");
    for (int i = 0; i < NAMES; i++) {
        for (size_t k = 0; k < l->known[i].fired_count; k++) {
            int64_t nominal = l->known[i].fired[k];
            if (nominal != 0) {
                fail(l, "schedule %s: the tick of %" PRId64 " (day %.3f) did not start a run",
                     names[i], nominal, (double)(nominal - BEGIN) / (double)DAY);
            }
        }
    }
}

/* --- a life ------------------------------------------------------------------------------------- */

static bool get_nothing(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    (void)name;
    (void)ret_value;
    return false;
}

static void prepare(struct life *l)
{
    char path[256];
    char text[1024];
    struct err err = {0};
    (void)snprintf(path, sizeof(path), "%s/selvedge.yaml", l->o->dir);
    check(l, files_write(path, str_from(definitions), 0600, &err), &err, "definitions");
    (void)snprintf(text, sizeof(text), "state_dir: %s\ndefinitions: %s\nruns_kept: 100000\n",
                   l->o->dir, path);
    (void)snprintf(path, sizeof(path), "%s/agent.yaml", l->o->dir);
    check(l, files_write(path, str_from(text), 0600, &err), &err, "settings");
    l->problems.arena = &l->arena;
    check(l, agent_config_load(path, true, &l->arena, &l->problems, &l->config, &err), &err,
          "settings");
    check(l, loop_open(&l->loop, fake_clock_port(&l->fake), &err), &err, "loop");
    for (int i = 0; i < NAMES; i++) {
        l->known[i].spec = of_file[i];
        l->known[i].fired = calloc(FIRED_MAX, sizeof(int64_t));
    }
    l->messages = calloc(REVISIONS_MAX, sizeof(*l->messages));
}

void desired_life_run(const struct desired_life_options *options, struct desired_life_result *sum)
{
    struct life l = {.o = options,
                     .sum = sum,
                     .fake = {.mono = {DAY * NS_PER_SEC}, .wall = {BEGIN * NS_PER_SEC}},
                     .arena = arena_new(16 << 20),
                     .env = {.get = get_nothing}};
    prepare(&l);
    if (sum->failure[0] == '\0') {
        live(&l);
    }
    agent_close(l.agent);
    if (sum->failure[0] == '\0') {
        compare(&l);
    }
    loop_close(l.loop);
    for (size_t i = 0; i < l.message_count; i++) {
        buf_release(&l.messages[i].text);
    }
    for (int i = 0; i < NAMES; i++) {
        free(l.known[i].fired);
    }
    free(l.messages);
    arena_release(&l.arena);
}
