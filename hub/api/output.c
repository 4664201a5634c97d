/* output.c - /runs/{device}/{run}/output: what a step wrote. It is on the device: who asks makes the hub ask
 * for it, and the answer is 202 until all of it is here. */
#include "hub/api/api_internal.h"

#include "hub/command/keyring.h"
#include "hub/command/output.h"
#include "hub/fleet/poke.h"

enum {
    ARGS_BYTES_MAX = 1024,
    KEY_BYTES_MAX = 64 << 10,
    OUTPUT_BYTES_SHOWN = 4 << 20, /* in one answer */
    PARTS_MAX = 256,              /* that one answer is put together of */
    UTF8_TAIL = 3,                /* bytes that may be missing of a character */
    GAPS_MAX = 256,               /* that are told one by one */
};
#define LIFE_NS (3600 * NS_PER_SEC)
#define LATE_NS (5 * NS_PER_SEC) /* a piece may come after the answer */
#define FOLLOW  "60s"

/* DESIGN: a stream is here as the parts that several commands brought, each from where the one before it
 * ends. While its step runs, a command follows it for a minute: what is written meanwhile comes by itself,
 * and whoever still looks when the minute is over makes the hub ask on from there. When nobody looks any
 * more nothing is asked for. A stream is whole when as much is here as the step's end says it wrote. */
struct part {
    char command[UUID_TEXT_SIZE];
    int64_t from, end;
    bool is_known; /* there is a command */
    bool is_whole; /* it brought all that it was to bring */
    enum order_fate fate;
};
struct gap {
    size_t at; /* in the text that is shown */
    int64_t offset, dropped;
};
struct asking {
    struct api *api;
    struct http_request *rq;
    struct str step, stream;
    int64_t attempt, total; /* total HUB_UNKNOWN: its end has not been told */
    bool is_running;
    /* Of the part that is looked at: */
    enum order_fate fate;
    bool is_online, has_last;
    struct wall_time answered;
    struct str why;
    int64_t end;
    /* What is here: */
    struct part last;
    int64_t begin;  /* of the text that is shown */
    int64_t part;   /* where the part begins that its end is in, */
    int64_t before; /* and the one before that */
    struct buf text;
    int64_t dropped;
    struct gap gaps[GAPS_MAX];
    size_t gap_count;
    bool has_more; /* than one answer takes */
    struct err err;
    bool has_failed;
};

/* --- the attempt ------------------------------------------------------------------------------- */

struct attempts {
    int64_t newest; /* 0: none is known */
    bool has_lost;  /* there may be others */
};

static bool read_attempts(struct asking *a, int64_t given, struct attempts *ret, struct err *err)
{
    struct db_query q = db_query(a->api->own, HUB_API_STEP_ATTEMPT);
    bool row = false;
    db_bind_str(&q, ":device", a->rq->args[0]);
    db_bind_str(&q, ":run", a->rq->args[1]);
    db_bind_str(&q, ":step", a->step);
    db_bind_i64(&q, ":given", given);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) { /* there is no such run */
        return true;
    }
    int64_t started = db_col_i64(&q, 0);
    int64_t captured = db_col_i64(&q, 3);
    *ret = (struct attempts){.newest = started > captured ? started : captured,
                             .has_lost = db_col_i64(&q, 4) != 0};
    a->is_running = db_col_i64(&q, 1) != 0 && (given == 0 || given == started);
    a->is_online = db_col_i64(&q, 2) != 0;
    db_reset(&q);
    return true;
}

/* Of a run some of whose events are lost the device may have what the hub was told nothing of. */
static bool find_attempt(struct asking *a, struct err *err)
{
    struct str text = http_target_get(&a->rq->target, "attempt");
    struct attempts found = {0};
    int64_t given = 0;
    if (!str_is_empty(text) && !str_to_i64(text, 1, 1000000, &given)) {
        return err_set(err, ERR_INVALID, "attempt is a number from 1");
    }
    if (!read_attempts(a, given, &found, err)) {
        return false;
    }
    int64_t newest = found.newest > 0 || !found.has_lost ? found.newest : 1;
    a->attempt = given > 0 ? given : newest;
    if (found.has_lost) {
        return true;
    }
    if (a->attempt > newest && newest > 0) {
        return err_set(err, ERR_NOT_FOUND, "step " STR_FMT " was attempted %lld times",
                       STR_ARG(a->step), (long long)newest);
    }
    return newest > 0 ||
           err_set(err, ERR_NOT_FOUND, "step " STR_FMT " of this run has not been started",
                   STR_ARG(a->step));
}

static bool find_total(struct asking *a, struct err *err)
{
    struct db_query q = db_query(a->api->own, HUB_API_STEP_OUTPUT);
    bool row = false;
    a->total = HUB_UNKNOWN;
    if (a->is_running) {
        return true;
    }
    db_bind_str(&q, ":device", a->rq->args[0]);
    db_bind_str(&q, ":run", a->rq->args[1]);
    db_bind_str(&q, ":step", a->step);
    db_bind_i64(&q, ":attempt", a->attempt);
    db_bind_i64(&q, ":is_error", str_eq(a->stream, STR("stderr")));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        a->total = db_col_i64(&q, 0); /* NULL, which is 0, when it wrote to the other alone */
        db_reset(&q);
    }
    return true;
}

/* --- what was asked for before ----------------------------------------------------------------- */

static bool write_args(const struct asking *a, int64_t from, bool is_followed, struct str *ret,
                       struct err *err)
{
    AUTO(buf) out = buf_growing(ARGS_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "run", a->rq->args[1]);
    jw_member_str(&w, "step", a->step);
    jw_member_i64(&w, "attempt", a->attempt);
    jw_member_str(&w, "stream", a->stream);
    if (from > 0) {
        jw_member_i64(&w, "offset", from);
    }
    if (is_followed) {
        jw_member_str(&w, "follow", STR(FOLLOW));
    }
    jw_end_object(&w);
    *ret = arena_copy(a->rq->arena, buf_str(&out));
    return (!out.overflow && ret->ptr != NULL) ||
           err_set(err, ERR_INVALID, "the step's key is too long");
}

static void on_device(void *ctx, const struct order_device *device)
{
    struct asking *a = ctx;
    a->fate = device->fate;
    a->is_online = device->is_online;
    a->answered = device->answered;
    a->why = str_is_empty(device->reason) ? STR_NONE : arena_copy(a->rq->arena, device->reason);
}

static void on_order(void *ctx, const struct order_view *order)
{
    struct asking *a = ctx;
    a->has_failed = !orders_each_device(a->api->orders, order, a->rq->now, on_device, a, &a->err);
}

/* What follows on what came before it; behind a gap there is nothing. */
static void measure(void *ctx, const struct command_piece *piece)
{
    struct asking *a = ctx;
    if (!a->has_last && piece->offset - piece->dropped == a->end) {
        a->end = piece->offset + (int64_t)piece->bytes.len;
        a->has_last = piece->is_last;
    }
}

static bool look_at(struct asking *a, struct part *part, int64_t from, bool is_followed,
                    struct err *err)
{
    struct str args;
    bool ignored = false;
    *part = (struct part){.from = from, .end = from, .fate = FATE_COUNT};
    if (!write_args(a, from, is_followed, &args, err) ||
        !orders_find_same(a->api->orders, STR("logs"), args, a->rq->args[0], part->command,
                          &part->is_known, err)) {
        return false;
    }
    if (!part->is_known) {
        return true;
    }
    a->fate = FATE_COUNT;
    a->end = from;
    a->has_last = false;
    if (!orders_each(a->api->orders, str_from(part->command), 1, on_order, a, err) ||
        !output_each(a->api->config, str_from(part->command), a->rq->args[0], measure, a, &ignored,
                     err)) {
        return false;
    }
    if (a->has_failed) {
        *err = a->err;
        return false;
    }
    part->end = a->end;
    part->is_whole = a->has_last;
    part->fate = a->fate;
    return true;
}

static bool is_open(const struct part *part)
{
    return part->is_known && !part->is_whole && part->fate != FATE_COUNT &&
           !order_fate_is_over(part->fate);
}

/* Of the two ways to ask for it the one that brought more, or still may. */
static bool find_part(struct asking *a, int64_t from, struct part *ret, struct err *err)
{
    struct part followed;
    if (!look_at(a, &followed, from, true, err) || !look_at(a, ret, from, false, err)) {
        return false;
    }
    bool is_better = followed.end > ret->end || (followed.end == ret->end && is_open(&followed));
    if (followed.is_known && (!ret->is_known || is_better)) {
        return look_at(a, ret, from, true, err); /* `why` and such are its own again */
    }
    return true;
}

static void add_piece(void *ctx, const struct command_piece *piece)
{
    struct asking *a = ctx;
    int64_t begin = piece->offset;
    int64_t end = begin + (int64_t)piece->bytes.len;
    if (begin - piece->dropped != a->end || a->end >= a->last.end || a->has_more) {
        return;
    }
    a->end = end;
    if (end <= a->begin) {
        return;
    }
    bool is_gap = begin > a->begin && piece->dropped > 0;
    a->dropped += is_gap ? piece->dropped : 0;
    if (is_gap && a->gap_count < GAPS_MAX) {
        a->gaps[a->gap_count++] = (struct gap){a->text.len, begin, piece->dropped};
    }
    size_t skip = begin < a->begin ? (size_t)(a->begin - begin) : 0;
    size_t room = OUTPUT_BYTES_SHOWN - a->text.len;
    struct str bytes = str_slice(piece->bytes, skip, piece->bytes.len);
    a->has_more = bytes.len > room;
    buf_add(&a->text, str_slice(bytes, 0, room));
    a->end = a->has_more ? end - (int64_t)(bytes.len - room) : end;
}

/* All that is here from `begin` on, and which part was the last. */
static bool collect(struct asking *a, struct err *err)
{
    int64_t from = a->part;
    bool ignored = false;
    for (int i = 0; i < PARTS_MAX && !a->has_more; i++) {
        struct part part;
        if (!find_part(a, from, &part, err)) {
            return false;
        }
        a->last = part;
        a->end = from;
        if (part.end == from) {
            return true;
        }
        if (!output_each(a->api->config, str_from(part.command), a->rq->args[0], add_piece, a,
                         &ignored, err)) {
            return false;
        }
        if (is_open(&part)) {
            return true;
        }
        if (!a->has_more) {
            a->before = from;
            a->part = part.end;
        }
        from = part.end;
    }
    a->has_more = true;
    return true;
}

/* A character of which a part is still to come waits for it. */
static void keep_tail(struct asking *a)
{
    size_t len = a->text.len;
    size_t tail = 0;
    while (tail < UTF8_TAIL && tail < len &&
           ((unsigned char)a->text.ptr[len - 1 - tail] & 0xC0) == 0x80) {
        tail++;
    }
    unsigned char lead = tail < len ? (unsigned char)a->text.ptr[len - 1 - tail] : 0;
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (wanted > tail + 1) {
        a->text.len -= tail + 1;
        a->end -= (int64_t)tail + 1;
        a->part = a->end < a->part ? a->before : a->part;
    }
}

/* --- asking, and the answer -------------------------------------------------------------------- */

static bool ask(struct asking *a, int64_t from, struct err *err)
{
    struct buf key = buf_growing(KEY_BYTES_MAX);
    struct order_given given;
    struct order order = {.fleet = a->api->config->fleet,
                          .targets = a->rq->args[0],
                          .devices = &a->rq->args[0],
                          .device_count = 1,
                          .verb = STR("logs"),
                          .life_ns = LIFE_NS,
                          .given_by = api_who(a->rq)};
    bool ok = write_args(a, from, a->is_running, &order.args, err) &&
              keyring_read_hub_key(a->api->config, &key, err);
    if (!ok && err->code == ERR_NOT_FOUND) {
        err->code = ERR_EXISTS; /* 409: as this hub is set up it cannot be done from here */
    }
    ok = ok &&
         orders_give(a->api->orders, a->api->rng, buf_str(&key), &order, a->rq->now, &given, err);
    buf_wipe(&key);
    if (ok) {
        poke_send(a->api->config);
        api_audit(a->api, a->rq, "command", a->rq->args[0], "ok", STR("logs"));
    }
    return ok;
}

static void write_chunk(struct json_writer *w, const struct gap *before, struct str text)
{
    if (!str_is_empty(text) || before->dropped > 0) {
        jw_begin_object(w);
        jw_member_i64(w, "offset", before->offset);
        jw_member_i64(w, "dropped", before->dropped);
        jw_member_str(w, "text", text);
        jw_end_object(w);
    }
}

/* The text, cut where bytes are missing that were not kept. */
static void write_chunks(const struct asking *a, struct json_writer *w)
{
    struct gap before = {.offset = a->begin};
    struct str text = buf_str(&a->text);
    jw_key(w, STR("chunk_list"));
    jw_begin_array(w);
    for (size_t i = 0; i < a->gap_count; i++) {
        write_chunk(w, &before, str_slice(text, before.at, a->gaps[i].at));
        before = a->gaps[i];
    }
    write_chunk(w, &before, str_slice(text, before.at, text.len));
    jw_end_array(w);
}

static void write_answer(struct asking *a, struct http_response *rs, const char *state)
{
    struct json_writer w = json_writer(&rs->body);
    char numbers[2][32];
    struct str parts[2];
    AUTO(buf) cursor = buf_growing(HTTP_CURSOR_BYTES_MAX);
    const int64_t values[] = {a->part, a->end};
    for (size_t i = 0; i < 2; i++) {
        struct buf number = buf_fixed(numbers[i], sizeof(numbers[i]));
        buf_add_i64(&number, values[i]);
        parts[i] = buf_str(&number);
    }
    http_cursor_write(&cursor, parts, 2);
    jw_begin_object(&w);
    jw_member_str(&w, "device", a->rq->args[0]);
    jw_member_str(&w, "run", a->rq->args[1]);
    jw_member_str(&w, "step", a->step);
    jw_member_i64(&w, "attempt", a->attempt);
    jw_member_str(&w, "stream", a->stream);
    jw_member_str(&w, "state", str_from(state));
    jw_member_bool(&w, "running", a->is_running);
    jw_member_bool(&w, "online", a->is_online);
    jw_member_opt(&w, "reason", a->why);
    jw_member_i64(&w, "from", a->begin);
    jw_member_i64(&w, "dropped", a->dropped);
    bool in_chunks = str_eq(http_target_get(&a->rq->target, "chunks"), STR("true"));
    jw_member_str(&w, "text", in_chunks ? STR("") : buf_str(&a->text));
    if (in_chunks) {
        write_chunks(a, &w);
    }
    jw_member_str(&w, "next", buf_str(&cursor));
    jw_end_object(&w);
}

static bool is_all_here(const struct asking *a)
{
    if (a->is_running) {
        return false;
    }
    if (a->total != HUB_UNKNOWN && a->end >= a->total) {
        return true;
    }
    /* The device has no more than that; or never said how much there was. */
    return a->last.is_whole && (a->last.end == a->last.from || a->total == HUB_UNKNOWN);
}

static bool fetch(struct asking *a, struct http_response *rs, struct err *err)
{
    bool wants_again = str_eq(http_target_get(&a->rq->target, "again"), STR("true"));
    if (!collect(a, err)) {
        return false;
    }
    if (is_all_here(a) && !a->has_more && !wants_again) {
        write_answer(a, rs, "here");
        return true;
    }
    int64_t end = a->end;
    bool is_over = a->last.fate != FATE_COUNT && order_fate_is_over(a->last.fate);
    bool is_late = a->last.fate == FATE_SUCCEEDED && !a->last.is_whole &&
                   a->rq->now.ns - a->answered.ns <= LATE_NS;
    if (is_over && a->last.fate != FATE_SUCCEEDED && !wants_again && !a->has_more) {
        write_answer(a, rs, "failed"); /* ?again=true asks once more */
        return true;
    }
    keep_tail(a);
    bool is_open_now = is_open(&a->last) || is_late;
    if (!a->has_more && !is_open_now && !ask(a, end, err)) {
        return false;
    }
    rs->status = 202;
    write_answer(a, rs, a->is_running ? "live" : "asked");
    return true;
}

static bool read_cursor(struct asking *a, struct err *err)
{
    struct str cursor = http_target_get(&a->rq->target, "cursor");
    struct str parts[2];
    if (str_is_empty(cursor)) {
        return true;
    }
    return (http_cursor_read(cursor, a->rq->arena, parts, 2, err) &&
            str_to_i64(parts[0], 0, INT64_MAX, &a->part) &&
            str_to_i64(parts[1], a->part, INT64_MAX, &a->begin)) ||
           err_set(err, ERR_INVALID, "the cursor is none of this output");
}

bool api_run_output(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct asking a = {.api = ctx,
                       .rq = rq,
                       .step = http_target_get(&rq->target, "step"),
                       .stream = http_target_get(&rq->target, "stream"),
                       .text = buf_growing(OUTPUT_BYTES_SHOWN)};
    a.stream = str_is_empty(a.stream) ? STR("stdout") : a.stream;
    bool ok = !str_is_empty(a.step) || err_set(err, ERR_INVALID, "step is needed");
    ok = ok && (str_eq(a.stream, STR("stdout")) || str_eq(a.stream, STR("stderr")) ||
                err_set(err, ERR_INVALID, "stream is stdout or stderr"));
    ok = ok && read_cursor(&a, err) && find_attempt(&a, err) && find_total(&a, err) &&
         fetch(&a, rs, err);
    buf_release(&a.text);
    return ok;
}
