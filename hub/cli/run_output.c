#include "hub/cli/run_output.h"

#include "common/json/json_scan.h"
#include "common/platform/clock.h"
#include <poll.h>

enum {
    STREAMS_MAX = 200, /* of a run; more are asked for by --step */
    STREAMS_ARENA_BYTES = 4 << 20,
    LOOK_MS = 200,
};

struct stream {
    struct str step;
    int64_t attempt;
    bool is_error;
    bool is_here, is_broken, was_asked_again;
    struct str why; /* it has failed */
};
struct fetching {
    struct screen *screen;
    struct cli *cli;
    struct arena arena;
    struct str device, run;
    struct stream *streams;
    size_t count;
    int64_t left_out;
    bool is_online;
    struct err err;
};

/* --- which there are -------------------------------------------------------------------------- */

static int64_t number_in(struct str metadata, const char *name)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct json_raw number;
    struct err err;
    int64_t ret = 0;
    if (!json_scan_object(&scan, metadata, &err)) {
        return 0;
    }
    while (json_scan_member(&scan, &key, &value)) {
        struct json_scan inner;
        if (!json_raw_is(key, name) || value.type != JSON_OBJECT ||
            !json_scan_object(&inner, value.text, &err)) {
            continue;
        }
        while (json_scan_member(&inner, &key, &number)) {
            if (json_raw_is(key, "raw_value") && !json_raw_i64(number, &ret)) {
                ret = 0;
            }
        }
    }
    return ret;
}

/* The last attempt that wrote to it. */
static void note_stream(struct fetching *f, struct str step, int64_t attempt, bool is_error)
{
    for (size_t i = 0; i < f->count; i++) {
        struct stream *s = &f->streams[i];
        if (str_eq(s->step, step) && s->is_error == is_error) {
            s->attempt = attempt > s->attempt ? attempt : s->attempt;
            return;
        }
    }
    if (f->count == STREAMS_MAX) {
        f->left_out++;
        return;
    }
    f->streams[f->count++] = (struct stream){
        .step = arena_copy(&f->arena, step), .attempt = attempt, .is_error = is_error};
}

static void note_captured(struct fetching *f, struct str event)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err err;
    struct str step = STR_NONE;
    struct str metadata = STR_NONE;
    int64_t attempt = 0;
    if (!json_scan_object(&scan, event, &err)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "step") && value.type == JSON_STRING && !value.has_escape) {
            step = value.text;
        } else if (json_raw_is(key, "attempt") && !json_raw_i64(value, &attempt)) {
            attempt = 0;
        } else if (json_raw_is(key, "metadata") && value.type == JSON_OBJECT) {
            metadata = value.text;
        }
    }
    struct str wanted = str_from(cli_text(f->cli, "step"));
    if (str_is_empty(step) || !(str_is_empty(wanted) || str_eq(step, wanted))) {
        return;
    }
    if (number_in(metadata, "stdout_bytes") > 0) {
        note_stream(f, step, attempt, false);
    }
    if (number_in(metadata, "stderr_bytes") > 0) {
        note_stream(f, step, attempt, true);
    }
}

/* A row of the log. */
static bool on_row(void *ctx, struct str row, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    bool is_captured = false;
    if (!json_scan_object(&scan, row, err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "type")) {
            is_captured = json_raw_is(value, "logs_captured");
        } else if (json_raw_is(key, "event") && is_captured) {
            note_captured(ctx, value.text);
        }
    }
    return json_scan_end(&scan, err);
}

static void begin_target(struct fetching *f, const char *what)
{
    struct buf *target = &f->screen->target;
    target_begin(target, "/api/v1/runs");
    target_part(target, f->device, false);
    target_part(target, f->run, false);
    buf_add_text(target, what);
}

static bool find_streams(struct fetching *f)
{
    f->streams = arena_array(&f->arena, STREAMS_MAX, sizeof(*f->streams));
    if (f->streams == NULL) {
        return err_set(&f->err, ERR_NO_MEMORY, "out of memory");
    }
    begin_target(f, "/events");
    if (!hub_client_each(f->screen->client, buf_str(&f->screen->target), 0, on_row, f, &f->err)) {
        return false;
    }
    if (f->count == 0) {
        (void)err_set(&f->err, ERR_NOT_FOUND,
                      "no step of run " STR_FMT " is known to have written "
                      "anything",
                      STR_ARG(f->run));
        return err_hint(&f->err, "its events: selvedge-hub logs " STR_FMT, STR_ARG(f->run));
    }
    return true;
}

/* --- asking, until all is here ---------------------------------------------------------------- */

static bool read_output(struct fetching *f, const struct stream *s, const char *option,
                        struct str cursor, const struct json **ret)
{
    struct buf *target = &f->screen->target;
    begin_target(f, "/output");
    target_query(target, "step", s->step);
    target_query(target, "stream", s->is_error ? STR("stderr") : STR("stdout"));
    target_query_i64(target, "attempt", s->attempt);
    if (option != NULL) {
        target_query(target, option, STR("true"));
    }
    target_query(target, "cursor", cursor);
    return screen_read(f->screen, ret, NULL, &f->err);
}

/* How far it is. What failed before is asked for once more. */
static bool look_at(struct fetching *f, struct stream *s)
{
    const struct json *answer = NULL;
    arena_reset(&f->screen->arena);
    if (!read_output(f, s, NULL, STR_NONE, &answer)) {
        return false;
    }
    if (str_eq(item_str(answer, "state"), STR("failed")) && !s->was_asked_again) {
        s->was_asked_again = true;
        if (!read_output(f, s, "again", STR_NONE, &answer)) {
            return false;
        }
    }
    s->was_asked_again = true;
    struct str state = item_str(answer, "state");
    struct str why = item_str(answer, "reason");
    f->is_online = item_bool(answer, "online");
    s->is_here = str_eq(state, STR("here"));
    s->is_broken = str_eq(state, STR("failed"));
    s->why = s->is_broken ? arena_copy(&f->arena, str_is_empty(why) ? state : why) : STR_NONE;
    return true;
}

static bool look_at_all(struct fetching *f, bool *ret_is_done)
{
    *ret_is_done = true;
    for (size_t i = 0; i < f->count; i++) {
        struct stream *s = &f->streams[i];
        if (!s->is_here && !s->is_broken && !look_at(f, s)) {
            return false;
        }
        *ret_is_done = *ret_is_done && (s->is_here || s->is_broken);
    }
    return true;
}

static bool wait_for_all(struct fetching *f, bool *ret_is_done)
{
    struct clock clock = clock_system();
    int64_t end = clock_mono(&clock).ns + cli_i64(f->cli, "timeout");
    for (;;) {
        if (!look_at_all(f, ret_is_done)) {
            return false;
        }
        if (*ret_is_done || clock_mono(&clock).ns > end) {
            return true;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* --- showing ---------------------------------------------------------------------------------- */

static void show_chunk(struct fetching *f, const struct json *chunk)
{
    int64_t dropped = item_count(chunk, "dropped");
    struct str text = item_str(chunk, "text");
    if (dropped > 0) {
        cli_printf(f->cli, "\n[%lld bytes were not kept]\n", (long long)dropped);
    }
    (void)fwrite(text.ptr, 1, text.len, cli_out(f->cli));
}

static void json_chunk(struct fetching *f, const struct stream *s, const struct json *chunk)
{
    struct buf *line = &f->screen->text;
    struct json_writer w = json_writer(line);
    buf_reset(line);
    jw_begin_object(&w);
    jw_member_str(&w, "device", f->device);
    jw_member_str(&w, "run", f->run);
    jw_member_str(&w, "step", s->step);
    jw_member_i64(&w, "attempt", s->attempt);
    jw_member_str(&w, "stream", s->is_error ? STR("stderr") : STR("stdout"));
    jw_member_i64(&w, "offset", item_count(chunk, "offset"));
    jw_member_i64(&w, "dropped", item_count(chunk, "dropped"));
    jw_member_str(&w, "text", item_str(chunk, "text"));
    jw_end_object(&w);
    cli_json(f->cli, buf_str(line));
}

static bool show_text(struct fetching *f, const struct stream *s)
{
    AUTO(buf) cursor = buf_growing(CLIENT_TARGET_BYTES_MAX);
    bool is_more = true;
    while (is_more) {
        const struct json *answer = NULL;
        arena_reset(&f->screen->arena);
        if (!read_output(f, s, "chunks", buf_str(&cursor), &answer)) {
            return false;
        }
        const struct json *chunk = item_first(answer, "chunk_list");
        struct str state = item_str(answer, "state");
        is_more = chunk != NULL && !str_eq(state, STR("here")) && !str_eq(state, STR("failed"));
        for (; chunk != NULL; chunk = chunk->next) {
            if (cli_is_json(f->cli)) {
                json_chunk(f, s, chunk);
            } else {
                show_chunk(f, chunk);
            }
        }
        buf_reset(&cursor);
        buf_add(&cursor, item_str(answer, "next"));
    }
    return true;
}

static bool show(struct fetching *f, const struct stream *s)
{
    struct cli *cli = f->cli;
    if (!cli_is_json(cli)) {
        cli_printf(cli, "%s" STR_FMT ", attempt %lld, %s%s%s" STR_FMT "\n",
                   cli_tone_on(cli, CLI_STRONG), STR_ARG(s->step), (long long)s->attempt,
                   s->is_error ? "stderr" : "stdout", cli_tone_off(cli, CLI_STRONG),
                   s->is_broken ? ": " : "", STR_ARG(s->why));
    }
    return show_text(f, s);
}

static int show_all(struct fetching *f, bool is_done)
{
    int code = CLI_OK;
    for (size_t i = 0; i < f->count; i++) {
        struct stream *s = &f->streams[i];
        if ((s->is_here || s->is_broken) && !show(f, s)) {
            return cli_error(f->cli, &f->err);
        }
        code = s->is_broken ? CLI_FAILED : code;
    }
    if (f->left_out > 0) {
        (void)fprintf(cli_err(f->cli), "and of %lld more; choose: --step KEY\n",
                      (long long)f->left_out);
    }
    if (is_done) {
        return code;
    }
    (void)err_set(&f->err, ERR_TIMEOUT, STR_FMT " is %s, and has not sent all of it",
                  STR_ARG(f->device), f->is_online ? "online" : "away");
    (void)err_hint(&f->err, "it is asked for an hour: try again, or wait with --timeout");
    return cli_error(f->cli, &f->err);
}

int run_output(struct screen *screen, const struct found_run *run)
{
    struct fetching f = {.screen = screen,
                         .cli = screen->cli,
                         .arena = arena_new(STREAMS_ARENA_BYTES),
                         .device = str_from(run->device),
                         .run = str_from(run->run)};
    bool is_done = false;
    int code = find_streams(&f) && wait_for_all(&f, &is_done) ? show_all(&f, is_done)
                                                              : cli_error(screen->cli, &f.err);
    arena_release(&f.arena);
    return code;
}
