#include "hub/cli/run_output.h"

#include "common/json/json_scan.h"
#include "common/platform/clock.h"
#include "hub/cli/run_stream.h"
#include <poll.h>

enum {
    STREAMS_MAX = 200, /* of a run; more are asked for by --step */
    STREAMS_ARENA_BYTES = 4 << 20,
};

struct stream {
    struct run_stream of;
    bool is_here, is_broken, was_asked_again;
    struct str why; /* it has failed */
};
struct fetching {
    struct screen *screen;
    struct cli *cli;
    struct arena arena;
    const struct found_run *run;
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
        if (str_eq(s->of.step, step) && s->of.is_error == is_error) {
            s->of.attempt = attempt > s->of.attempt ? attempt : s->of.attempt;
            return;
        }
    }
    if (f->count == STREAMS_MAX) {
        f->left_out++;
        return;
    }
    f->streams[f->count++] =
        (struct stream){.of = {arena_copy(&f->arena, step), attempt, is_error, STR_NONE}};
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

static bool find_streams(struct fetching *f)
{
    f->streams = arena_array(&f->arena, STREAMS_MAX, sizeof(*f->streams));
    if (f->streams == NULL) {
        return err_set(&f->err, ERR_NO_MEMORY, "out of memory");
    }
    run_target(f->screen, f->run, "/events");
    if (!hub_client_each(f->screen->client, buf_str(&f->screen->target), 0, on_row, f, &f->err)) {
        return false;
    }
    if (f->count == 0) {
        (void)err_set(&f->err, ERR_NOT_FOUND, "no step of run %s is known to have written anything",
                      f->run->run);
        return err_hint(&f->err, "its events: selvedge-hub logs %s", f->run->run);
    }
    return true;
}

/* --- asking, until all is here ---------------------------------------------------------------- */

/* How far it is. What failed before is asked for once more. */
static bool look_at(struct fetching *f, struct stream *s)
{
    const struct json *answer = NULL;
    arena_reset(&f->screen->arena);
    if (!run_stream_read(f->screen, f->run, &s->of, NULL, &answer, &f->err)) {
        return false;
    }
    if (str_eq(item_str(answer, "state"), STR("failed")) && !s->was_asked_again) {
        s->was_asked_again = true;
        if (!run_stream_read(f->screen, f->run, &s->of, "again", &answer, &f->err)) {
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
        (void)poll(NULL, 0, RUN_STREAM_LOOK_MS);
    }
}

/* --- showing ---------------------------------------------------------------------------------- */

static bool show_text(struct fetching *f, const struct stream *s)
{
    AUTO(buf) cursor = buf_growing(CLIENT_TARGET_BYTES_MAX);
    struct run_stream part = s->of;
    bool is_more = true;
    while (is_more) {
        const struct json *answer = NULL;
        arena_reset(&f->screen->arena);
        if (!run_stream_read(f->screen, f->run, &part, "chunks", &answer, &f->err)) {
            return false;
        }
        struct str state = item_str(answer, "state");
        is_more = item_first(answer, "chunk_list") != NULL && !str_eq(state, STR("here")) &&
                  !str_eq(state, STR("failed"));
        run_stream_show(f->screen, f->run, &s->of, answer);
        buf_reset(&cursor);
        buf_add(&cursor, item_str(answer, "next"));
        part.cursor = buf_str(&cursor);
    }
    return true;
}

static bool show(struct fetching *f, const struct stream *s)
{
    run_stream_heading(f->screen, &s->of, s->why);
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
    (void)err_set(&f->err, ERR_TIMEOUT, "%s is %s, and has not sent all of it", f->run->device,
                  f->is_online ? "online" : "away");
    (void)err_hint(&f->err, "it is asked for an hour: try again, or wait with --timeout");
    return cli_error(f->cli, &f->err);
}

int run_output(struct screen *screen, const struct found_run *run)
{
    struct fetching f = {
        .screen = screen, .cli = screen->cli, .arena = arena_new(STREAMS_ARENA_BYTES), .run = run};
    bool is_done = false;
    int code = find_streams(&f) && wait_for_all(&f, &is_done) ? show_all(&f, is_done)
                                                              : cli_error(screen->cli, &f.err);
    arena_release(&f.arena);
    return code;
}
