#include "agent/cli/sensor_trial.h"

#include "agent/daemon/file_pattern.h"
#include "agent/daemon/near_broker.h"
#include "agent/daemon/sensor_program.h"
#include "agent/run/tags.h"
#include "agent/sense/answer.h"
#include "agent/sense/causes.h"
#include "common/platform/loop.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KEY_BYTES_MAX = 2 * FILE_PATH_SIZE,
    CLIENT_ID_SIZE = 32,
    CLIENT_ID_RANDOM_BYTES = 6,
    SHOWN_PAYLOAD = 200
};

/* --- files --- */

static bool say_file(struct trial *t, const struct file_pattern *p, struct str name,
                     struct err *err)
{
    char path[FILE_PATH_SIZE];
    struct file_facts facts;
    AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
    if (!file_pattern_path(p, name, path)) {
        return true;
    }
    if (!file_pattern_look(p, path, &facts)) {
        trial_say(t, "passed", str_from(path), STR("no file, or older than the cursor"));
        return true;
    }
    arrival_run_key(&key, str_from(path), &facts);
    return trial_say_key(t, buf_str(&key), str_from(path), err);
}

bool trial_of_files(struct trial *t, struct err *err)
{
    struct file_pattern p;
    if (!file_pattern_read(&p, t->defs, t->sensor, &t->env.lookup, t->cursor, err)) {
        return false;
    }
    DIR *dir = opendir(p.dir);
    if (dir == NULL) {
        return err_errno(err, errno, "read %s", p.dir);
    }
    bool ok = true;
    for (;;) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of one thread's own */
        const struct dirent *entry = readdir(dir);
        if (entry == NULL || !ok) {
            break;
        }
        struct str name = str_from(entry->d_name);
        ok = !file_pattern_matches(&p, name) || say_file(t, &p, name, err);
    }
    (void)closedir(dir);
    return ok;
}

/* --- assets and runs: since the cursor, or since ever --- */

static int64_t cursor_seq(const struct trial *t)
{
    int64_t seq = 0;
    return t->has_cursor && str_to_i64(t->cursor, INT64_MIN, INT64_MAX, &seq) ? seq : 0;
}

static bool has_begun(struct trial *t)
{
    if (t->view == NULL || !t->has_cursor) {
        trial_say(t, "skip", STR("it has not begun: it begins when the daemon first sees it"),
                  STR_NONE);
        return false;
    }
    return true;
}

static void read_origin(struct trial *t, struct str tags, struct run_facts *facts)
{
    struct str_map map = {0};
    struct err err = {0};
    if (tags_read(tags, &t->arena, &map, &err)) {
        facts->sensor = tags_get(&map, TAG_SENSOR);
        facts->chain = tags_get(&map, TAG_CHAIN);
    }
}

bool trial_of_asset(struct trial *t, struct err *err)
{
    struct asset_making making;
    if (!has_begun(t)) {
        return true;
    }
    if (!view_asset_making(t->view, t->sensor->asset_key, &t->arena, &making, err)) {
        return false;
    }
    struct run_facts facts = {.run = making.run, .job = making.job};
    read_origin(t, making.tags, &facts);
    if (making.seq == 0 || making.seq <= cursor_seq(t)) {
        trial_say(t, "skip", t->sensor->asset_key, STR("not made since the last tick"));
    } else if (!causes_asset(t->sensor, &facts)) {
        trial_say(t, "skip", t->sensor->asset_key, STR("made by what this sensor started"));
    } else {
        trial_say(t, "run", t->sensor->asset_key,
                  arena_printf(&t->arena, "made by run " STR_FMT, STR_ARG(making.run)));
    }
    return true;
}

static bool say_run(void *ctx, const struct run_ending *run)
{
    struct trial *t = ctx;
    struct run_facts facts = {.run = run->run, .job = run->job, .status = run->status};
    read_origin(t, run->tags, &facts);
    bool is_cause = causes_run(t->sensor, &facts);
    trial_say(t, is_cause ? "run" : "passed", run->run,
              arena_printf(&t->arena, STR_FMT "%s" STR_FMT, STR_ARG(run->job),
                           run->job.len > 0 ? ", " : "", STR_ARG(run->status)));
    return !t->arena.exhausted;
}

bool trial_of_runs(struct trial *t, struct err *err)
{
    return !has_begun(t) || view_runs_ended(t->view, cursor_seq(t), say_run, t, err);
}

/* --- a program --- */

struct asked {
    struct loop *loop;
    struct trial *trial;
    bool ok;
    struct err err;
};

static bool say_answer(struct trial *t, const struct answer *a, struct err *err)
{
    for (size_t i = 0; i < a->set_count; i++) {
        for (size_t k = 0; k < a->sets[i].keys.count; k++) {
            trial_say(t, "partition", a->sets[i].keys.items[k], a->sets[i].set);
        }
    }
    for (size_t i = 0; i < a->run_count; i++) {
        const struct answer_run *run = &a->runs[i];
        struct str subject = run->run_key.len > 0 ? run->run_key : STR("(without a run key)");
        if (!trial_say_key(t, run->run_key, subject, err)) {
            return false;
        }
    }
    if (a->skip.len > 0) {
        trial_say(t, "skip", a->skip, STR_NONE);
    }
    if (a->has_cursor) {
        trial_say(t, "cursor", a->cursor, STR_NONE);
    }
    return true;
}

static void on_answer(void *ctx, const struct program_end *end)
{
    struct asked *asked = ctx;
    AUTO(arena) arena = arena_new(ANSWER_ARENA_BYTES);
    struct answer answer;
    if (!end->ok) {
        asked->err = end->why;
    } else {
        asked->ok = answer_parse(end->said, &arena, &answer, &asked->err) &&
                    say_answer(asked->trial, &answer, &asked->err);
    }
    loop_stop(asked->loop);
}

bool trial_of_program(struct trial *t, struct err *err)
{
    struct asked asked = {.trial = t};
    struct program *program = NULL;
    const struct program_context context = {.defs = t->defs,
                                            .sensor = t->sensor,
                                            .env = &t->env.lookup,
                                            .state_dir = t->env.state_dir,
                                            .cursor = t->cursor,
                                            .last_tick = t->ticked_at};
    const struct program_options options = {
        .on_end = on_answer, .ctx = &asked, .shows_errors = true};
    if (!loop_open(&asked.loop, clock_system(), err)) {
        return false;
    }
    bool ok =
        program_start(&program, asked.loop, &context, &options, err) && loop_run(asked.loop, err);
    if (ok && !asked.ok) {
        *err = asked.err;
        ok = false;
    }
    program_close(program);
    loop_close(asked.loop);
    return ok;
}

/* --- a topic --- */

struct listening {
    struct trial *trial;
    struct loop *loop;
    struct mqtt_session *session;
    int64_t for_ns;
    struct loop_timer timer;
    struct err err; /* code ERR_NONE = it went well */
};

static void stop_listening(void *ctx)
{
    struct listening *l = ctx;
    loop_stop(l->loop);
}

static void fail(struct listening *l, const struct err *why)
{
    l->err = *why;
    loop_stop(l->loop);
}

static void on_online(void *ctx, bool tls_resumed)
{
    (void)tls_resumed;
    struct listening *l = ctx;
    struct err err = {0};
    int id = 0;
    if (!mqtt_subscribe(l->session, &l->trial->sensor->topic, 1, &id, &err)) {
        fail(l, &err);
    }
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct listening *l = ctx;
    if (why != NULL) {
        fail(l, why);
        return;
    }
    (void)fprintf(cli_err(l->trial->cli), "listening to " STR_FMT "\n",
                  STR_ARG(l->trial->sensor->topic));
    loop_timer_arm_in(l->loop, &l->timer, l->for_ns);
}

static void on_offline(void *ctx, const struct err *why)
{
    struct err none = {.code = ERR_OFFLINE};
    fail(ctx, why == NULL ? &none : why);
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct listening *l = ctx;
    struct str payload = str_clip(message->payload, SHOWN_PAYLOAD);
    struct str text = str_is_utf8(payload) ? payload : STR("no text");
    trial_say(l->trial, "run", message->topic,
              arena_printf(&l->trial->arena, "%s" STR_FMT, message->retained ? "retained: " : "",
                           STR_ARG(text)));
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    (void)ctx;
    (void)message_id;
    (void)why; /* nothing is published */
}

bool trial_of_topic(struct trial *t, int64_t for_ns, struct err *err)
{
    struct listening l = {.trial = t, .for_ns = for_ns};
    struct rng rng = rng_system();
    char client_id[CLIENT_ID_SIZE];
    char random[2 * CLIENT_ID_RANDOM_BYTES + 1];
    char dir[] =
        "/tmp/selvedge-XXXXXX"; /* a short path, of ours alone, for the in-process socket */
    uint64_t digest = 0;
    rng_hex(&rng, CLIENT_ID_RANDOM_BYTES, random);
    (void)snprintf(client_id, sizeof(client_id), "selvedge-%s", random);
    if (!loop_open(&l.loop, clock_system(), err)) {
        return false;
    }
    if (mkdtemp(dir) == NULL) {
        loop_close(l.loop);
        return err_errno(err, errno, "make a folder in /tmp");
    }
    l.timer = (struct loop_timer){.on_due = stop_listening, .ctx = &l};
    const struct near_broker broker = {.loop = l.loop,
                                       .rng = &rng,
                                       .resource = t->sensor->broker,
                                       .env = &t->env.lookup,
                                       .client_id = str_from(client_id),
                                       .socket_dir = str_from(dir),
                                       .handlers = {.on_online = on_online,
                                                    .on_offline = on_offline,
                                                    .on_message = on_message,
                                                    .on_published = on_published,
                                                    .on_subscribed = on_subscribed,
                                                    .ctx = &l}};
    bool ok = near_broker_connect(&broker, &l.session, &digest, err) && loop_run(l.loop, err);
    if (ok && l.err.code != ERR_NONE) {
        *err = l.err;
        ok = false;
    }
    mqtt_close(l.session);
    loop_close(l.loop);
    (void)rmdir(dir);
    return ok;
}
