/* Taps singer_program and singer_input: the messages of a Singer tap as they come, from a program
 * that we start, or from our own standard input or a file that is not remembered. The state is the
 * last STATE value, opaque to us; the program gets it back with --state.
 *
 * When the program fails, what it gave before is kept with its state, and then the load fails: its
 * progress is real. Source of this rule: what Meltano does. */
#include "agent/el/connectors.h"
#include "agent/el/line_source.h"
#include "agent/el/program.h"
#include "agent/el/singer_batch.h"
#include "agent/el/singer_discover.h"
#include "agent/el/singer_streams.h"
#include "agent/el/tap_log.h"
#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 8 };

struct tap_program {
    struct tap base;
    const struct tap_context *context;
    const struct tap_options *options;
    struct program program; /* pid 0: there is none */
    struct fd input;
    struct fd config, state, catalog; /* files in memory that the program reads */
    struct tap_log log;
    struct line_source lines;
    struct singer_streams streams;
    struct singer_batch batch; /* whose files are read now */
};

static struct tap_program *program_of(struct tap *tap)
{
    return (struct tap_program *)(void *)tap;
}

/* What a person calls it, in front of errors. */
static struct str label_of(const struct tap_program *t)
{
    const struct tap_options *o = t->options;
    if (o->command.count > 0) {
        return o->command.items[0];
    }
    return str_eq(o->path, STR("-")) ? STR("standard input") : o->path;
}

static bool wrap(const struct tap_program *t, struct err *err)
{
    struct str label = label_of(t);
    return err_wrap(err, STR_FMT ":%lld", STR_ARG(label), (long long)t->lines.line);
}

static bool at_end(struct tap_program *t, enum tap_result *ret)
{
    *ret = TAP_END;
    if (t->streams.passed_over > 0) {
        LOG(INFO, "el.records_passed_over", F_S("tap", label_of(t)),
            F_I("records", t->streams.passed_over));
    }
    if (t->program.pid > 0 && !program_wait(&t->program, &t->base.failure)) {
        struct str label = label_of(t);
        err_wrap(&t->base.failure, "tap " STR_FMT, STR_ARG(label));
    }
    return true;
}

/* A line that cannot be used. `err` is why: void when it is rejected. */
static bool reject(struct tap_program *t, struct str line, enum tap_result *ret, struct err *err)
{
    struct str label = label_of(t);
    if (!t->context->takes_rejects) {
        return wrap(t, err);
    }
    bad_record_set(&t->base.bad, label, t->lines.line, line, err);
    t->base.bad.reject.stream = t->streams.bad_stream;
    t->base.rows_read++;
    *ret = TAP_REJECT;
    return true;
}

static bool too_long(struct tap_program *t, struct str line, enum tap_result *ret, struct err *err)
{
    t->streams.bad_stream = STR("");
    t->base.bytes_read += (int64_t)line.len;
    return line_source_refuse(&t->lines, LIMIT_SINGER_LINE_BYTES, err) || reject(t, line, ret, err);
}

/* *ret is left alone when the line brings no news. */
static bool take(struct tap_program *t, struct str line, enum tap_result *ret, struct err *err)
{
    enum singer_news news = SINGER_NO_NEWS;
    struct tap *tap = &t->base;
    tap->bytes_read += (int64_t)line.len + 1;
    if (str_trim(line).len > 0 && !singer_streams_take(&t->streams, line, false, &news, err)) {
        return t->streams.is_bad_record ? reject(t, line, ret, err) : wrap(t, err);
    }
    if (news == SINGER_NEW_BATCH) {
        return singer_batch_begin(&t->batch, t->streams.encoding, t->streams.manifest, err) ||
               wrap(t, err);
    }
    if (news != SINGER_NO_NEWS) {
        *ret = singer_streams_tell(&t->streams, news, tap);
    }
    return true;
}

/* The next row of a batch's files, good or bad; *ret_found false after the last. */
static bool next_of_batch(struct tap_program *t, enum tap_result *ret, bool *ret_found,
                          struct err *err)
{
    struct str record;
    if (!singer_batch_next(&t->batch, &record, ret_found, err)) {
        return wrap(t, err);
    }
    if (!*ret_found) {
        return true;
    }
    t->base.bytes_read += (int64_t)record.len + 1;
    if (singer_streams_take_record(&t->streams, record, err)) {
        *ret = singer_streams_tell(&t->streams, SINGER_NEW_ROW, &t->base);
        return true;
    }
    if (!t->streams.is_bad_record || !t->context->takes_rejects) {
        return singer_batch_wrap(&t->batch, err);
    }
    singer_batch_reject(&t->batch, t->streams.bad_stream, record, &t->base.bad, err);
    t->base.rows_read++;
    *ret = TAP_REJECT;
    return true;
}

static bool program_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_program *t = program_of(tap);
    int idle_ms = (int)(t->context->idle_ns / NS_PER_MS);
    for (;;) {
        enum line_result result = LINE_END;
        struct str line;
        bool found = false;
        if (t->batch.is_open && !next_of_batch(t, ret, &found, err)) {
            return false;
        }
        if (found) {
            return true;
        }
        if (!line_source_next(&t->lines, LIMIT_SINGER_LINE_BYTES, idle_ms, &result, &line, err)) {
            return wrap(t, err);
        }
        if (result == LINE_TOO_LONG) {
            return too_long(t, line, ret, err);
        }
        if (result != LINE_TEXT) {
            *ret = TAP_IDLE;
            return result == LINE_IDLE || at_end(t, ret);
        }
        *ret = TAP_IDLE; /* of a line: it brought none */
        if (!take(t, line, ret, err)) {
            return false;
        }
        tap->passed_over = t->streams.passed_over;
        if (*ret != TAP_IDLE) {
            return true;
        }
    }
}

static bool program_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    const struct tap_program *t = program_of(tap);
    buf_add(out, t->streams.state.len > 0 ? buf_str(&t->streams.state) : t->context->state);
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static void program_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_program *t = program_of(tap);
        program_release(&t->program);
        tap_log_release(&t->log);
        line_source_release(&t->lines);
        singer_batch_release(&t->batch);
        singer_streams_release(&t->streams);
        fd_release(&t->input);
        fd_release(&t->config);
        fd_release(&t->state);
        fd_release(&t->catalog);
    }
}

/* Adds "--name PATH" with the content behind it; nothing for empty content. */
static bool add_file(struct tap_program *t, const char *name, struct str content, struct fd *fd,
                     const char **arguments, struct err *err)
{
    if (content.len == 0) {
        return true;
    }
    size_t at = 0;
    while (arguments[at] != NULL) {
        at++;
    }
    arguments[at] = name;
    return program_file(content, t->context->arena, &fd->n, &arguments[at + 1], err);
}

static bool start(struct tap_program *t, struct err *err)
{
    const struct tap_options *o = t->options;
    struct str catalog = STR_NONE;
    const char *arguments[ARGUMENTS_MAX] = {0};
    const struct program_options options = {
        .command = &o->command, .dir = o->dir, .arguments = arguments, .has_log = true};
    if (!singer_tap_catalog(o, t->context->arena, &catalog, err)) {
        return err_wrap(err, "tap");
    }
    if (!add_file(t, "--config", o->config, &t->config, arguments, err) ||
        !add_file(t, "--state", t->context->state, &t->state, arguments, err) ||
        !add_file(t, "--catalog", catalog, &t->catalog, arguments, err) ||
        !program_start(&t->program, &options, t->context->arena, err) ||
        !tap_log_init(&t->log, t->program.log, t->context->arena, err)) {
        return err_wrap(err, "tap");
    }
    t->program.listener = &t->log;
    t->lines = (struct line_source){.fd = t->program.out,
                                    .listen = tap_log_listen,
                                    .listen_ctx = &t->log,
                                    .listen_fd = &t->log.fd};
    t->base.metrics = &t->log.metrics;
    return true;
}

static bool open_input(struct tap_program *t, struct err *err)
{
    const char *path = NULL;
    if (str_eq(t->options->path, STR("-"))) {
        t->lines.fd = STDIN_FILENO;
        return true;
    }
    if (!options_path(t->options->path, t->context->arena, &path, err)) {
        return false;
    }
    t->input.n = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    t->lines.fd = t->input.n;
    return t->input.n >= 0 || err_errno(err, errno, "open %s", path);
}

static bool program_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct tap_program *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = context->options;
    t->base.ops = t->options->command.count > 0 ? &tap_singer_program : &tap_singer_input;
    t->base.has_checkpoints = true;
    t->program = (struct program){.pidfd = -1, .in = -1, .out = -1, .log = -1};
    t->log.fd = -1;
    t->input.n = t->config.n = t->state.n = t->catalog.n = -1;
    bool ok = singer_streams_init(&t->streams, t->options, context->arena, err);
    t->streams.start_state = context->state;
    ok = ok && (t->base.ops == &tap_singer_program ? start(t, err) : open_input(t, err));
    t->streams.validates = context->validates;
    if (!ok) {
        program_tap_close(&t->base);
        return false;
    }
    *ret = &t->base;
    return true;
}

const struct tap_ops tap_singer_program = {
    .type = "singer_program",
    .options = &tap_program_options,
    .open = program_tap_open,
    .next = program_tap_next,
    .state = program_tap_state,
    .close = program_tap_close,
};
const struct tap_ops tap_singer_input = {
    .type = "singer_input",
    .options = &tap_singer_options,
    .open = program_tap_open,
    .next = program_tap_next,
    .state = program_tap_state,
    .close = program_tap_close,
};
