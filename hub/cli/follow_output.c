#include "hub/cli/follow_output.h"

#include "hub/cli/run_output.h"
#include "hub/cli/run_stream.h"
#include <poll.h>

enum { STREAMS_MAX = 2000, STREAMS_ARENA_BYTES = 64 << 20, CURSOR_BYTES = 256 };

struct followed {
    struct run_stream of;
    bool is_over;
    char cursor[CURSOR_BYTES];
};
struct following {
    struct screen *screen;
    const struct found_run *run;
    struct arena arena; /* of the streams and their names */
    struct followed *streams;
    size_t count;
    int64_t left_out;
    const struct followed *shown; /* what stands last on the screen is of it */
    bool has_looked, has_ended, has_said_away, has_failed;
};

/* --- the run ---------------------------------------------------------------------------------- */

static bool is_known(const struct following *f, struct str step, int64_t attempt)
{
    size_t i = 0;
    while (i < f->count &&
           (!str_eq(f->streams[i].of.step, step) || f->streams[i].of.attempt != attempt)) {
        i++;
    }
    return i < f->count;
}

static void add_stream(struct following *f, struct str step, int64_t attempt, bool is_error)
{
    if (f->count < STREAMS_MAX && step.ptr != NULL) {
        f->streams[f->count++] = (struct followed){.of = {step, attempt, is_error, STR_NONE}};
    } else {
        f->left_out++;
    }
}

/* Those that were over before somebody looked are passed over: `logs --output` has them. */
static void note_step(struct following *f, const struct json *step)
{
    struct str key = item_str(step, "step");
    struct str status = item_str(step, "status");
    struct str wanted = str_from(cli_text(f->screen->cli, "step"));
    int64_t attempt = item_count(step, "attempt");
    bool is_running = str_eq(status, STR("started"));
    bool is_new = item_wall(step, "started_at").ns != 0 && attempt > 0 &&
                  (str_is_empty(wanted) || str_eq(wanted, key)) && !is_known(f, key, attempt);
    if (!is_new) {
        return;
    }
    size_t first = f->count;
    struct str name = arena_copy(&f->arena, key);
    add_stream(f, name, attempt, false);
    add_stream(f, name, attempt, true);
    for (size_t i = first; i < f->count; i++) {
        f->streams[i].is_over = !f->has_looked && !is_running;
    }
}

static bool look_at_run(struct following *f, struct err *err)
{
    const struct json *run = NULL;
    run_target(f->screen, f->run, "");
    arena_reset(&f->screen->arena);
    if (!screen_read(f->screen, &run, NULL, err)) {
        return false;
    }
    f->has_ended = item_wall(run, "ended_at").ns != 0;
    for (const struct json *step = item_first(run, "step_list"); step != NULL; step = step->next) {
        note_step(f, step);
    }
    f->has_looked = true;
    return true;
}

/* --- what its steps write --------------------------------------------------------------------- */

static void say_away(struct following *f, const struct json *answer)
{
    if (!item_bool(answer, "online") && !f->has_said_away) {
        f->has_said_away = true;
        (void)fprintf(cli_err(f->screen->cli), "%s is away; it goes on when it is back\n",
                      f->run->device);
    }
}

static void end_stream(struct following *f, struct followed *stream, const struct json *answer)
{
    struct str state = item_str(answer, "state");
    stream->is_over = str_eq(state, STR("here")) || str_eq(state, STR("failed"));
    if (str_eq(state, STR("failed"))) {
        f->has_failed = true;
        (void)fprintf(cli_err(f->screen->cli), STR_FMT ", attempt %lld, %s: " STR_FMT "\n",
                      STR_ARG(stream->of.step), (long long)stream->of.attempt,
                      stream->of.is_error ? "stderr" : "stdout",
                      STR_ARG(item_str(answer, "reason")));
    }
}

static bool look_at(struct following *f, struct followed *stream, struct err *err)
{
    const struct json *answer = NULL;
    if (!run_stream_read(f->screen, f->run, &stream->of, "chunks", &answer, err)) {
        return false;
    }
    if (item_first(answer, "chunk_list") != NULL) {
        if (f->shown != stream) {
            run_stream_heading(f->screen, &stream->of, STR_NONE);
        }
        f->shown = stream;
        run_stream_show(f->screen, f->run, &stream->of, answer);
        (void)fflush(cli_out(f->screen->cli));
    }
    struct buf next = buf_fixed(stream->cursor, sizeof(stream->cursor));
    buf_add(&next, item_str(answer, "next"));
    stream->of.cursor = buf_str(&next);
    end_stream(f, stream, answer);
    if (!stream->is_over) {
        say_away(f, answer);
    }
    return !next.overflow || err_set(err, ERR_INTERNAL, "the hub's cursor is too long");
}

static bool look_at_all(struct following *f, bool *ret_is_over, struct err *err)
{
    *ret_is_over = true;
    for (size_t i = 0; i < f->count; i++) {
        if (!f->streams[i].is_over && !look_at(f, &f->streams[i], err)) {
            return false;
        }
        *ret_is_over = *ret_is_over && f->streams[i].is_over;
    }
    return true;
}

static bool follow(struct following *f, struct err *err)
{
    bool is_over = false;
    while (!is_over) {
        /* The run before the streams: what began until it ended is among them then. */
        if (!look_at_run(f, err) || !look_at_all(f, &is_over, err)) {
            return false;
        }
        is_over = is_over && f->has_ended;
        if (!is_over) {
            (void)poll(NULL, 0, RUN_STREAM_LOOK_MS);
        }
    }
    return true;
}

int follow_output(struct screen *screen, const struct found_run *run)
{
    struct following f = {.screen = screen, .run = run, .arena = arena_new(STREAMS_ARENA_BYTES)};
    struct err err = {0};
    int code = CLI_OK;
    f.streams = arena_array(&f.arena, STREAMS_MAX, sizeof(*f.streams));
    if (f.streams == NULL) {
        (void)err_set(&err, ERR_NO_MEMORY, "out of memory");
        return cli_error(screen->cli, &err);
    }
    bool ok = look_at_run(&f, &err);
    if (ok && f.has_ended) {
        code = run_output(screen, run); /* all that it wrote */
    } else if (ok && follow(&f, &err)) {
        code = f.has_failed ? CLI_FAILED : CLI_OK;
    } else {
        code = cli_error(screen->cli, &err);
    }
    if (f.left_out > 0) {
        (void)fprintf(cli_err(screen->cli), "and of %lld more; choose: --step KEY\n",
                      (long long)f.left_out);
    }
    arena_release(&f.arena);
    return code;
}
