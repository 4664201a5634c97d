/* DESIGN. A look every POLL_MS: the new events, and before an event that ends a step, what that
 * step still wrote; after the events, what the running steps wrote. So output stands between its
 * step's start and its end, however late we look. Streams are found in the folder of each step that
 * an event started. */
#include "agent/cli/follow.h"

#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/daemon/control.h"
#include "common/base/limits.h"
#include "common/cli/show.h"
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 150,
    LOOKS_PER_CALL = 7, /* to the daemon, whether it still is there */
    STREAMS_ARENA_BYTES = 4 << 20,
    EVENT_ARENA_BYTES = 1 << 20,
};

/* One stream that is followed; lines are shown once they are whole. */
struct followed {
    char *path;
    int64_t position;
    struct buf line;
    struct followed *next;
};

/* A step that goes on. */
struct running {
    char step[LIMIT_ASSET_KEY_BYTES + 1];
    int64_t attempt;
    struct followed *streams;
    struct running *next;
};

struct follower {
    struct cli *cli;
    const struct follow_options *options;
    int64_t shown; /* seq of the last event */
    struct running *running;
    struct progress progress;
    struct err *err; /* of the present look */
    bool ok;
};

/* --- lines ------------------------------------------------------------------------------------ */

struct origin {
    const struct running *running;
    const struct capture_stream *stream;
};

static void begin_line(struct json_writer *w, const struct origin *origin)
{
    jw_begin_object(w);
    jw_member_str(w, "step", str_from(origin->running->step));
    jw_member_i64(w, "attempt", origin->stream->attempt);
    jw_member_opt(w, "check", origin->stream->check);
    jw_member_str(w, "stream", origin->stream->is_error ? STR("stderr") : STR("stdout"));
}

/* `dropped` > 0: instead of a line, that something is missing here. */
static void show_line(struct cli *cli, const struct origin *origin, struct str text,
                      int64_t dropped)
{
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(LIMIT_JSON_BYTES);
        struct json_writer w = json_writer(&out);
        begin_line(&w, origin);
        if (dropped > 0) {
            jw_member_i64(&w, "dropped_bytes", dropped);
        } else {
            jw_member_str(&w, "line", text);
        }
        jw_end_object(&w);
        cli_json(cli, buf_str(&out));
        return;
    }
    struct str check = origin->stream->check;
    cli_printf(cli, "%s%s%s" STR_FMT " %s |%s ", cli_tone_on(cli, CLI_FAINT), origin->running->step,
               str_is_empty(check) ? "" : " ", STR_ARG(check),
               origin->stream->is_error ? "err" : "out", cli_tone_off(cli, CLI_FAINT));
    if (dropped > 0) {
        cli_printf(cli, "%s--- %" PRId64 " bytes were not kept%s\n", cli_tone_on(cli, CLI_FAINT),
                   dropped, cli_tone_off(cli, CLI_FAINT));
    } else {
        cli_printf(cli, STR_FMT "\n", STR_ARG(text));
    }
}

/* Shows whole lines; one that is longer than a line may be is shown in parts. */
static void show_lines(struct cli *cli, const struct origin *origin, struct followed *followed)
{
    struct str rest = buf_str(&followed->line);
    struct str line = STR_NONE;
    struct str next = STR_NONE;
    size_t shown = 0;
    while (str_cut(rest, '\n', &line, &next)) {
        show_line(cli, origin, line, 0);
        shown += line.len + 1;
        rest = next;
    }
    while (rest.len >= LIMIT_STEP_LINE_BYTES) {
        show_line(cli, origin, str_slice(rest, 0, LIMIT_STEP_LINE_BYTES), 0);
        shown += LIMIT_STEP_LINE_BYTES;
        rest = str_slice(rest, LIMIT_STEP_LINE_BYTES, rest.len);
    }
    buf_consume(&followed->line, shown);
}

/* What has no line end yet, when none can come any more or when something is missing behind it. */
static void show_rest(struct cli *cli, const struct origin *origin, struct followed *followed)
{
    if (followed->line.len > 0) {
        show_line(cli, origin, buf_str(&followed->line), 0);
        buf_reset(&followed->line);
    }
}

static bool show_stream(struct follower *f, const struct origin *origin, struct followed *followed,
                        bool is_last)
{
    for (;;) {
        AUTO(buf) part = buf_growing(OUTPUT_CHUNK_BYTES);
        int64_t dropped = 0;
        if (!capture_read(followed->path, &followed->position, OUTPUT_CHUNK_BYTES, &part, &dropped,
                          f->err)) {
            return false;
        }
        if (part.len == 0) {
            break;
        }
        if (dropped > 0) {
            show_rest(f->cli, origin, followed);
            show_line(f->cli, origin, STR_NONE, dropped);
        }
        progress_clear(&f->progress);
        buf_add(&followed->line, buf_str(&part));
        show_lines(f->cli, origin, followed);
    }
    if (is_last) {
        show_rest(f->cli, origin, followed);
    }
    return true;
}

/* --- steps that go on ------------------------------------------------------------------------- */

static struct followed *find_followed(struct running *running, const char *path)
{
    for (struct followed *followed = running->streams; followed != NULL;
         followed = followed->next) {
        if (strcmp(followed->path, path) == 0) {
            return followed;
        }
    }
    struct followed *followed = calloc(1, sizeof(*followed));
    char *copy = strdup(path);
    if (followed == NULL || copy == NULL) {
        free(followed);
        free(copy);
        return NULL;
    }
    *followed = (struct followed){.path = copy,
                                  .line = buf_growing(OUTPUT_CHUNK_BYTES + LIMIT_STEP_LINE_BYTES),
                                  .next = running->streams};
    running->streams = followed;
    return followed;
}

/* Shows what the attempt wrote since the last look: its own streams, and those of checks after it. */
static bool show_output(struct follower *f, struct running *running, bool is_last)
{
    char folder[OUTPUT_PATH_BYTES];
    AUTO(arena) arena = arena_new(STREAMS_ARENA_BYTES);
    struct capture_stream *streams = NULL;
    size_t count = 0;
    output_folder(f->options->settings, f->options->run, str_from(running->step), folder);
    if (!capture_streams(folder, &arena, &streams, &count, f->err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct origin origin = {running, &streams[i]};
        if (streams[i].attempt != running->attempt) {
            continue;
        }
        struct followed *followed = find_followed(running, streams[i].path);
        if (followed == NULL) {
            return err_set(f->err, ERR_NO_MEMORY, "follow the output: out of memory");
        }
        if (!show_stream(f, &origin, followed, is_last)) {
            return false;
        }
    }
    return true;
}

static void free_running(struct running *running)
{
    while (running->streams != NULL) {
        struct followed *followed = running->streams;
        running->streams = followed->next;
        buf_release(&followed->line);
        free(followed->path);
        free(followed);
    }
    free(running);
}

static bool start_step(struct follower *f, struct str step, int64_t attempt)
{
    struct running *running = calloc(1, sizeof(*running));
    if (running == NULL) {
        return err_set(f->err, ERR_NO_MEMORY, "follow the output: out of memory");
    }
    (void)snprintf(running->step, sizeof(running->step), STR_FMT, STR_ARG(step));
    running->attempt = attempt;
    running->next = f->running;
    f->running = running;
    return true;
}

static bool end_step(struct follower *f, struct str step)
{
    struct running **at = &f->running;
    while (*at != NULL && !str_eq(str_from((*at)->step), step)) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return true;
    }
    struct running *running = *at;
    *at = running->next;
    bool ok = show_output(f, running, true);
    free_running(running);
    return ok;
}

/* --- events ----------------------------------------------------------------------------------- */

static int64_t attempt_of(struct str line)
{
    AUTO(arena) arena = arena_new(EVENT_ARENA_BYTES);
    struct json *event = NULL;
    struct err ignored = {0};
    if (!json_parse(line, LIMIT_EVENT_BYTES, &arena, &event, &ignored)) {
        return 1;
    }
    const struct json *node = json_get(event, "attempt");
    return node != NULL && node->type == JSON_INT ? node->as.integer : 1;
}

static bool is_end_of_step(enum event_type type)
{
    return type == EVENT_STEP_SUCCESS || type == EVENT_STEP_FAILURE ||
           type == EVENT_STEP_UP_FOR_RETRY;
}

static bool show_event(void *ctx, struct str line)
{
    struct follower *f = ctx;
    struct event event;
    struct err ignored = {0};
    if (!event_parse(line, &event, &ignored) || event.seq <= f->shown) {
        return true;
    }
    f->shown = event.seq;
    if (!str_is_empty(f->options->only) && !str_eq(event.step, f->options->only)) {
        return true;
    }
    if (f->options->with_output && is_end_of_step(event.type)) {
        f->ok = end_step(f, event.step);
    }
    progress_clear(&f->progress);
    cli_event(f->cli, line);
    if (f->options->with_output &&
        (event.type == EVENT_STEP_START || event.type == EVENT_STEP_RESTARTED)) {
        f->ok = f->ok && start_step(f, event.step, attempt_of(line));
    }
    return f->ok;
}

/* --- the run ---------------------------------------------------------------------------------- */

/* One look at the run; false with ERR_BUSY may be tried again. */
static bool look(struct follower *f, bool *ret_over, struct err *err)
{
    struct view *view = NULL;
    struct view_run_span run;
    if (!view_open(&view, f->options->settings->database, err)) {
        return false;
    }
    f->err = err;
    f->ok = true;
    bool ok = view_find_run(view, str_from(f->options->run), &run, err);
    if (ok && f->shown >= run.first_seq) {
        run.first_seq = f->shown + 1; /* what was shown is not read again */
    }
    ok = ok && view_events(view, &run, show_event, f, err) && f->ok;
    view_close(view);
    *ret_over = ok && view_run_is_over(&run);
    for (struct running *running = f->running; ok && running != NULL; running = running->next) {
        ok = show_output(f, running, *ret_over);
    }
    (void)fflush(cli_out(f->cli));
    f->err = NULL;
    return ok;
}

/* Nobody answers on the daemon's socket, and who last had the state's lock is no more: `materialize`
 * without a daemon has the lock and no socket. */
static bool is_abandoned(const struct settings *settings)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct json *reply = NULL;
    struct err err = {0};
    if (control_call(settings->state_dir, STR("{\"verb\":\"status\"}"), &arena, &reply, &err) ||
        err.code != ERR_OFFLINE) {
        return false;
    }
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(32);
    int64_t pid = 0;
    bool is_known = files_join(settings->state_dir, STR("lock"), path, sizeof(path), &err) &&
                    files_read(path, &text, &err) &&
                    str_to_i64(str_trim(buf_str(&text)), 2, INT32_MAX, &pid);
    return !is_known || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

static int say_abandoned(struct cli *cli)
{
    struct err err = {0};
    (void)err_set(&err, ERR_OFFLINE, "the agent ended before the run did");
    (void)err_hint(&err, "its next start records the run as failed: selvedge-agent daemon");
    return cli_error(cli, &err);
}

static int follow(struct follower *f)
{
    for (int looks = 1;; looks++) {
        struct err err = {0};
        bool is_done = false;
        /* Asked before the look: what an agent that has ended recorded is all there then. */
        bool is_call = looks % LOOKS_PER_CALL == 0;
        bool is_gone = is_call && is_abandoned(f->options->settings);
        bool is_wrong = !look(f, &is_done, &err) && err.code != ERR_BUSY;
        if (is_wrong || is_done || is_gone) {
            progress_clear(&f->progress);
            return is_wrong ? cli_error(f->cli, &err) : is_done ? CLI_OK : say_abandoned(f->cli);
        }
        if (is_call && str_is_empty(f->options->only)) {
            progress_ask(&f->progress, f->options->settings, str_from(f->options->run));
        }
        (void)poll(NULL, 0, POLL_MS);
    }
}

int follow_run(struct cli *cli, const struct follow_options *options)
{
    struct follower follower = {.cli = cli, .options = options, .progress = progress_new(cli)};
    int code = follow(&follower);
    while (follower.running != NULL) {
        struct running *running = follower.running;
        follower.running = running->next;
        free_running(running);
    }
    return code;
}
