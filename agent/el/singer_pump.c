#include "agent/el/singer_pump.h"

#include "agent/el/cancel.h"
#include "agent/el/connectors.h"
#include "agent/el/line_source.h"
#include "agent/el/loader.h"
#include "agent/el/singer_batch.h"
#include "agent/el/singer_discover.h"
#include "agent/el/singer_streams.h"
#include "agent/el/stream_state.h"
#include "agent/el/tap_log.h"
#include "common/base/limits.h"
#include "common/json/json_scan.h"
#include "common/log/log.h"

#include <unistd.h>

enum {
    BLOCK_BYTES = 64 << 10, /* what a pipe holds */
    IDLE_MS = 20,           /* until lines are sent that fill no block, or a target's end is seen */
    PROGRESS_ROWS = 1024,
    TAP_FILES = 3,
    STATE_ARENA_BYTES_MAX = 64 << 20,
};

struct pump {
    const struct singer_chain *chain; /* NULL: a tap and a target alone */
    const struct tap_options *tap_options;
    const struct program_target_options *target_options;
    struct arena *arena;
    struct report *report;
    struct loader loader;
    struct program tap;
    struct program mappers[SINGER_MAPPERS_MAX];
    struct fd mapper_files[SINGER_MAPPERS_MAX];
    size_t mapper_count;        /* started */
    struct tap_log log;         /* the tap's */
    struct fd files[TAP_FILES]; /* in memory, that the tap reads */
    struct line_source lines;
    struct buf out; /* lines not yet sent */
    struct buf names;
    struct singer_batch batch; /* that is counted */
    struct stream_counts *streams;
    size_t stream_count;
    size_t present; /* the stream of the last record */
    struct str state_before, state;
    bool is_mixed;   /* the tap came back to a stream */
    bool has_target; /* the target has all that came, though the tap failed */
    int64_t passed_over;
    int64_t rows;
    int64_t bytes;
};

bool singer_pump_fits(const struct request *request)
{
    return request->tap == &tap_singer_program && request->target == &target_singer_program;
}

/* --- what passes ----------------------------------------------------------------------------- */

/* Type and stream; no further than that, so they may be empty and the rest may be anything: it is
 * the target's to judge. */
static void look(struct pump *p, struct str line, struct str *type, struct str *stream)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    *type = STR("");
    *stream = STR("");
    if (!json_scan_object(&scan, line, &ignored)) {
        return;
    }
    while ((type->len == 0 || stream->len == 0) && json_scan_member(&scan, &key, &value)) {
        if (value.type == JSON_STRING && json_raw_is(key, "type")) {
            *type = value.text;
        } else if (value.type == JSON_STRING && json_raw_is(key, "stream")) {
            buf_reset(&p->names);
            *stream = json_unescape(value, true, &p->names, stream) ? *stream : value.text;
        }
    }
}

/* Adds it where it is new. */
static bool find_stream(struct pump *p, struct str stream, size_t *ret, struct err *err)
{
    size_t i = p->present;
    if (i >= p->stream_count || !str_eq(p->streams[i].name, stream)) {
        for (i = 0; i < p->stream_count && !str_eq(p->streams[i].name, stream); i++) {
        }
    }
    if (i == LIMIT_STREAMS) {
        return err_set(err, ERR_FULL, "there are more than %d streams", LIMIT_STREAMS);
    }
    if (i == p->stream_count) {
        p->streams[i] = (struct stream_counts){
            .name = arena_copy(p->arena, stream), .rows_written = -1, .row_count = -1};
        if (p->streams[i].name.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
        }
        p->stream_count++;
    }
    *ret = i;
    return true;
}

static bool count_rows(struct pump *p, struct str stream, int64_t rows, int64_t bytes,
                       struct err *err)
{
    size_t i = 0;
    if (!find_stream(p, stream, &i, err)) {
        return false;
    }
    p->is_mixed = p->is_mixed || (i != p->present && p->streams[i].rows_read > 0);
    p->present = i;
    p->streams[i].rows_read += rows;
    p->streams[i].bytes_read += bytes;
    if (p->rows / PROGRESS_ROWS != (p->rows + rows) / PROGRESS_ROWS) {
        report_progress(p->report, p->rows, p->bytes);
    }
    p->rows += rows;
    return true;
}

/* The lines of a batch's files, before the target gets to know of them, who may remove them. What
 * cannot be read is the target's to judge. */
static bool count_batch(struct pump *p, struct str line, struct err *err)
{
    struct singer_message m;
    struct err ignored = {0};
    struct str record;
    bool found = true;
    int64_t rows = 0;
    int64_t bytes = 0;
    AUTO(buf) names = buf_growing(LIMIT_JSON_BYTES);
    if (!singer_parse(line, &names, NULL, &m, &ignored)) {
        return true;
    }
    bool ok = singer_batch_begin(&p->batch, m.encoding, m.manifest, &ignored);
    while (ok && found) {
        ok = singer_batch_next(&p->batch, &record, &found, &ignored);
        rows += ok && found;
        bytes += ok && found ? (int64_t)record.len + 1 : 0;
    }
    if (!ok) {
        LOG(WARN, "el.batch_not_counted", F_S("stream", m.stream), F_ERR(&ignored));
    }
    singer_batch_release(&p->batch);
    p->bytes += bytes;
    return count_rows(p, m.stream, rows, bytes, err);
}

static bool send(struct pump *p, struct err *err)
{
    bool ok = p->out.len == 0 || loader_write(&p->loader, buf_str(&p->out), err);
    buf_reset(&p->out);
    return ok;
}

/* A STATE of some streams, which may not claim the others. */
static bool pass_state(struct pump *p, struct str line, struct err *err)
{
    AUTO(arena) arena = arena_new(STATE_ARENA_BYTES_MAX);
    AUTO(buf) value = buf_growing(LIMIT_JSON_BYTES);
    struct json *message = NULL;
    const struct stream_state_keep keep = {.tap = p->tap_options,
                                           .has_passed_over = p->passed_over > 0};
    if (!json_parse(line, LIMIT_JSON_BYTES, &arena, &message, err)) {
        return err_wrap(err, "a STATE");
    }
    const struct json *now = json_get(message, "value");
    if (now != NULL) {
        json_write(&value, now);
    }
    AUTO(buf) joined = buf_growing(LIMIT_JSON_BYTES);
    if (!stream_state_join(p->state_before, buf_str(&value), &keep, &joined, err)) {
        return false;
    }
    if (joined.len > 0) { /* else it would be claimed to have begun */
        buf_add_text(&p->out, "{\"type\":\"STATE\",\"value\":");
        buf_add(&p->out, buf_str(&joined));
        buf_add_text(&p->out, "}\n");
    }
    return !p->out.overflow || err_set(err, ERR_NO_MEMORY, "no memory for a line");
}

static bool pass(struct pump *p, struct str line, struct err *err)
{
    struct str type;
    struct str stream;
    p->bytes += (int64_t)line.len + 1;
    if (str_trim(line).len == 0) {
        return true; /* many a target stops at it */
    }
    look(p, line, &type, &stream);
    if (stream.len > 0 && !singer_streams_want(p->tap_options, stream)) {
        p->passed_over += names_equal_nocase(type, STR("RECORD"));
        return true;
    }
    size_t ignored = 0;
    bool is_wanted = p->tap_options->streams.count > 0 || p->chain != NULL;
    bool is_told = is_wanted && names_equal_nocase(type, STR("SCHEMA"));
    if (is_told && !find_stream(p, stream, &ignored, err)) {
        return false;
    }
    if ((names_equal_nocase(type, STR("RECORD")) &&
         !count_rows(p, stream, 1, (int64_t)line.len + 1, err)) ||
        (names_equal_nocase(type, STR("BATCH")) && !count_batch(p, line, err))) {
        return false;
    }
    if (p->tap_options->streams.count > 0 && names_equal_nocase(type, STR("STATE"))) {
        return pass_state(p, line, err);
    }
    buf_add(&p->out, line);
    buf_add_char(&p->out, '\n');
    if (p->out.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a line");
    }
    return p->out.len < BLOCK_BYTES || send(p, err);
}

static bool pump_lines(struct pump *p, struct err *err)
{
    for (;;) {
        enum line_result result = LINE_END;
        struct str line;
        if (cancel_requested()) {
            return cancel_error(err);
        }
        if (!line_source_next(&p->lines, LIMIT_SINGER_LINE_BYTES, IDLE_MS, &result, &line, err)) {
            struct str name = p->tap_options->command.items[0];
            return err_wrap(err, "tap " STR_FMT, STR_ARG(name));
        }
        if (result == LINE_TOO_LONG) {
            struct str name = p->tap_options->command.items[0];
            (void)line_source_refuse(&p->lines, LIMIT_SINGER_LINE_BYTES, err);
            return err_wrap(err, "tap " STR_FMT, STR_ARG(name));
        }
        bool ok = result == LINE_TEXT ? pass(p, line, err)
                                      : send(p, err) && loader_listen(&p->loader, err) &&
                                            loader_check(&p->loader, err);
        if (!ok) {
            return false;
        }
        if (result == LINE_END) {
            return true;
        }
    }
}

/* --- the two programs ------------------------------------------------------------------------ */

static bool add_file(struct pump *p, const char *name, struct str content, const char **arguments,
                     struct err *err)
{
    size_t at = 0;
    if (content.len == 0) {
        return true;
    }
    while (arguments[at] != NULL) {
        at += 2;
    }
    arguments[at] = name;
    return program_file(content, p->arena, &p->files[at / 2].n, &arguments[at + 1], err);
}

/* What the tap goes on from. */
static struct str state_for_tap(const struct pump *p)
{
    const struct singer_chain *chain = p->chain;
    struct str kept = buf_str(&p->loader.state.kept.value);
    if (chain == NULL) {
        return kept;
    }
    if (!chain->takes_state) {
        return STR_NONE;
    }
    if (chain->fixed_state.len > 0) {
        return chain->fixed_state;
    }
    return kept.len > 0 ? kept : chain->first_state;
}

static bool start_tap(struct pump *p, struct err *err)
{
    const struct tap_options *o = p->tap_options;
    struct str catalog = o->catalog;
    const char *arguments[TAP_FILES * 2 + 1] = {0};
    const struct program_options options = {.command = &o->command,
                                            .dir = o->dir,
                                            .arguments = arguments,
                                            .envp = p->chain == NULL ? NULL : p->chain->tap_envp,
                                            .has_log = true};
    const char *catalog_flag = p->chain == NULL ? "--catalog" : p->chain->catalog_flag;
    if (p->chain == NULL && !singer_tap_catalog(o, p->arena, &catalog, err)) {
        return err_wrap(err, "tap");
    }
    if (!add_file(p, "--config", o->config, arguments, err) ||
        !add_file(p, "--state", state_for_tap(p), arguments, err) ||
        !add_file(p, catalog_flag, catalog, arguments, err) ||
        !program_start(&p->tap, &options, p->arena, err) ||
        !tap_log_init(&p->log, p->tap.log, p->arena, err)) {
        return err_wrap(err, "tap");
    }
    p->tap.listener = &p->log;
    p->lines = (struct line_source){
        .fd = p->tap.out, .listen = tap_log_listen, .listen_ctx = &p->log, .listen_fd = &p->log.fd};
    return true;
}

/* Each reads what the one before it writes: what passes between them is not ours to look at. */
static bool start_mappers(struct pump *p, struct err *err)
{
    struct program *before = &p->tap;
    for (size_t i = 0; p->chain != NULL && i < p->chain->mapper_count; i++) {
        const struct singer_mapper *mapper = &p->chain->mappers[i];
        struct program *program = &p->mappers[i];
        const char *arguments[3] = {"--config", NULL, NULL};
        const struct program_options options = {.command = &mapper->command,
                                                .dir = p->chain->dir,
                                                .arguments = arguments,
                                                .envp = mapper->envp,
                                                .input_fd = before->out};
        if (!program_file(mapper->config, p->arena, &p->mapper_files[i].n, &arguments[1], err) ||
            !program_start(program, &options, p->arena, err)) {
            return err_wrap(err, "mapper");
        }
        p->mapper_count++;
        (void)close(before->out);
        before->out = -1;
        program->listener = &p->log; /* the tap's is heard while its end is waited for */
        p->lines.fd = program->out;
        before = program;
    }
    return true;
}

/* The last one first: one that failed takes those before it with it, who cannot write any more. */
static bool finish_mappers(struct pump *p, struct err *err)
{
    for (size_t i = p->mapper_count; i > 0; i--) {
        struct str name = p->chain->mappers[i - 1].command.items[0];
        if (!program_wait(&p->mappers[i - 1], err)) {
            return err_wrap(err, "mapper " STR_FMT, STR_ARG(name));
        }
    }
    return true;
}

/* The tap's failure counts only once the target has what came before; when both failed, the
 * error tells of both. */
static bool finish(struct pump *p, struct err *err)
{
    struct err of_tap = {0};
    struct err of_target = {0};
    if (!finish_mappers(p, err)) {
        return cancel_requested() ? cancel_error(err) : false;
    }
    bool tap_ok = program_wait(&p->tap, &of_tap);
    bool target_ok = loader_finish(&p->loader, &of_target);
    if (cancel_requested()) {
        return cancel_error(err); /* the signal was for them too */
    }
    if (tap_ok) {
        *err = of_target;
        return target_ok;
    }
    struct str name = p->tap_options->command.items[0];
    if (target_ok) {
        p->has_target = true;
        *err = of_tap;
        return err_wrap(err, "tap " STR_FMT, STR_ARG(name));
    }
    err_set(err, ERR_IO, "tap " STR_FMT ": %s; and %s", STR_ARG(name), of_tap.msg, of_target.msg);
    return err_hint(err, "%s", of_tap.hint);
}

/* As in a load of our own (extract_load.c): what the tap had gone on from. */
static void mark_whole(struct pump *p)
{
    for (size_t i = 0; p->has_target && !p->is_mixed && i < p->stream_count; i++) {
        p->streams[i].is_whole = i != p->present && p->streams[i].rows_read > 0;
    }
}

static void describe(const struct pump *p, struct materialization *ret)
{
    struct tap_metrics *metrics = arena_alloc(p->arena, sizeof(*metrics));
    if (metrics != NULL) {
        *metrics = p->log.metrics;
    }
    *ret = (struct materialization){.row_count = -1,
                                    .rows_read = p->rows,
                                    .rows_written = -1,
                                    .bytes_read = p->bytes,
                                    .streams = p->streams,
                                    .stream_count = p->stream_count,
                                    .metrics = metrics,
                                    .state = p->state};
}

static void release(struct pump *p)
{
    program_release(&p->tap); /* first: nobody takes what it gives any more */
    tap_log_release(&p->log);
    for (size_t i = 0; i < SINGER_MAPPERS_MAX; i++) {
        program_release(&p->mappers[i]);
        fd_release(&p->mapper_files[i]);
    }
    loader_release(&p->loader);
}

bool singer_pump(const struct request *request, const struct singer_chain *chain,
                 struct arena *arena, struct report *report, struct materialization *ret,
                 struct err *err)
{
    struct pump p = {.chain = chain,
                     .tap_options = request->tap_options,
                     .target_options = (const void *)request->load,
                     .arena = arena,
                     .report = report,
                     .tap = {.pidfd = -1, .in = -1, .out = -1, .log = -1},
                     .log = {.fd = -1},
                     .files = {{-1}, {-1}, {-1}},
                     .out = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2),
                     .names = buf_growing(LIMIT_JSON_BYTES),
                     .streams = arena_array(arena, LIMIT_STREAMS, sizeof(*p.streams))};
    const struct program_target_options *o = p.target_options;
    bool ok = p.streams != NULL || err_set(err, ERR_NO_MEMORY, "no memory for streams");
    ok = ok && loader_open(&p.loader, request->state_dir, request->state_id, arena, err);
    for (size_t i = 0; i < SINGER_MAPPERS_MAX; i++) {
        p.mappers[i] = (struct program){.pidfd = -1, .in = -1, .out = -1, .log = -1};
        p.mapper_files[i].n = -1;
    }
    if (ok) {
        p.state_before = arena_copy(arena, state_for_tap(&p));
        p.loader.dir = chain == NULL ? STR_NONE : chain->dir;
        p.loader.envp = chain == NULL ? NULL : chain->target_envp;
        ok = loader_start(&p.loader, &o->command, o->config, arena, err) && start_tap(&p, err) &&
             start_mappers(&p, err) && pump_lines(&p, err) && finish(&p, err);
        p.state = arena_copy(arena, buf_str(&p.loader.state.kept.value));
        release(&p);
    }
    for (size_t i = 0; i < TAP_FILES; i++) {
        fd_release(&p.files[i]);
    }
    line_source_release(&p.lines);
    buf_release(&p.out);
    buf_release(&p.names);
    if (p.passed_over > 0) {
        LOG(INFO, "el.records_passed_over", F_S("tap", p.tap_options->command.items[0]),
            F_I("records", p.passed_over));
    }
    mark_whole(&p);
    describe(&p, ret);
    return ok;
}
