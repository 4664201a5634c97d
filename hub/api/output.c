/* output.c - /runs/{device}/{run}/output: what a step wrote. It is on the device: the first who asks makes the
 * hub ask for it, and the answer is 202 until it is here. */
#include "hub/api/api_internal.h"

#include "hub/command/keyring.h"
#include "hub/command/output.h"
#include "hub/fleet/poke.h"

enum { ARGS_BYTES_MAX = 1024, KEY_BYTES_MAX = 64 << 10, OUTPUT_BYTES_SHOWN = 4 << 20 };
#define LIFE_NS (3600 * NS_PER_SEC)
#define LATE_NS (5 * NS_PER_SEC) /* a piece may come after the answer */

struct asking {
    struct api *api;
    struct http_request *rq;
    struct str step, stream;
    int64_t attempt;
    char command[UUID_TEXT_SIZE];
    enum order_fate fate; /* FATE_COUNT: not asked yet */
    bool is_online, is_whole;
    struct wall_time answered;
    struct str why;
    struct buf text;
    int64_t dropped;
    struct err err;
    bool has_failed;
};

static bool find_attempt(struct asking *a, struct err *err)
{
    struct str given = http_target_get(&a->rq->target, "attempt");
    struct db_query q = db_query(a->api->own, HUB_API_STEP_ATTEMPT);
    bool row = false;
    if (!str_is_empty(given)) {
        return str_to_i64(given, 1, 1000000, &a->attempt) ||
               err_set(err, ERR_INVALID, "attempt is a number from 1");
    }
    db_bind_str(&q, ":device", a->rq->args[0]);
    db_bind_str(&q, ":run", a->rq->args[1]);
    db_bind_str(&q, ":step", a->step);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    bool is_known = row && !db_col_is_null(&q, 0);
    a->attempt = is_known ? db_col_i64(&q, 0) : 0;
    db_reset(&q);
    return (is_known && a->attempt > 0) ||
           err_set(err, ERR_NOT_FOUND, "step " STR_FMT " of this run has not been started",
                   STR_ARG(a->step));
}

static void write_args(const struct asking *a, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "run", a->rq->args[1]);
    jw_member_str(&w, "step", a->step);
    jw_member_i64(&w, "attempt", a->attempt);
    jw_member_str(&w, "stream", a->stream);
    jw_end_object(&w);
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

static void add_piece(void *ctx, const struct command_piece *piece)
{
    struct asking *a = ctx;
    a->dropped += piece->dropped;
    buf_add(&a->text, piece->bytes);
}

/* What was asked for before: how it fares, and what is here of it. */
static bool look(struct asking *a, struct str args, struct err *err)
{
    bool is_known = false;
    a->fate = FATE_COUNT;
    if (!orders_find_same(a->api->orders, STR("logs"), args, a->rq->args[0], a->command, &is_known,
                          err)) {
        return false;
    }
    if (!is_known) {
        return true;
    }
    if (!orders_each(a->api->orders, str_from(a->command), 1, on_order, a, err)) {
        return false;
    }
    if (a->has_failed) {
        *err = a->err;
        return false;
    }
    return output_each(a->api->config, str_from(a->command), a->rq->args[0], add_piece, a,
                       &a->is_whole, err);
}

static bool ask(struct asking *a, struct str args, struct err *err)
{
    struct buf key = buf_growing(KEY_BYTES_MAX);
    struct order_given given;
    const struct order order = {.fleet = a->api->config->fleet,
                                .targets = a->rq->args[0],
                                .devices = &a->rq->args[0],
                                .device_count = 1,
                                .verb = STR("logs"),
                                .args = args,
                                .life_ns = LIFE_NS};
    bool ok = keyring_read_hub_key(a->api->config, &key, err);
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

static void write_answer(struct asking *a, struct http_response *rs, const char *state)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "device", a->rq->args[0]);
    jw_member_str(&w, "run", a->rq->args[1]);
    jw_member_str(&w, "step", a->step);
    jw_member_i64(&w, "attempt", a->attempt);
    jw_member_str(&w, "stream", a->stream);
    jw_member_str(&w, "state", str_from(state));
    jw_member_bool(&w, "online", a->is_online);
    jw_member_opt(&w, "reason", a->why);
    if (a->is_whole) {
        jw_member_i64(&w, "dropped", a->dropped);
        jw_member_str(&w, "text", buf_str(&a->text));
    }
    jw_end_object(&w);
}

static bool fetch(struct asking *a, struct http_response *rs, struct err *err)
{
    char memory[ARGS_BYTES_MAX];
    struct buf args = buf_fixed(memory, sizeof(memory));
    write_args(a, &args);
    if (args.overflow) {
        return err_set(err, ERR_INVALID, "the step's key is too long");
    }
    if (!look(a, buf_str(&args), err)) {
        return false;
    }
    if (a->is_whole) {
        write_answer(a, rs, "here");
        return !a->text.overflow ||
               err_set(err, ERR_FULL, "the output is larger than %d MiB", OUTPUT_BYTES_SHOWN >> 20);
    }
    bool is_lost = a->fate == FATE_SUCCEEDED && a->rq->now.ns - a->answered.ns > LATE_NS;
    bool is_over =
        a->fate != FATE_COUNT && a->fate != FATE_SUCCEEDED && order_fate_is_over(a->fate);
    bool wants_again = str_eq(http_target_get(&a->rq->target, "again"), STR("true"));
    if (is_over && !wants_again) {
        write_answer(a, rs, "failed"); /* ?again=true asks once more */
        return true;
    }
    if ((a->fate == FATE_COUNT || is_lost || is_over) && !ask(a, buf_str(&args), err)) {
        return false;
    }
    rs->status = 202;
    write_answer(a, rs, "asked");
    return true;
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
    ok = ok && find_attempt(&a, err) && fetch(&a, rs, err);
    buf_release(&a.text);
    return ok;
}
