#include "hub/cli/run_output.h"

#include "hub/cli/look.h"

#include "common/json/json_scan.h"
#include "common/platform/loop.h"
#include "hub/command/keyring.h"
#include "hub/command/orders.h"
#include "hub/command/output.h"
#include "hub/fleet/poke.h"

enum {
    STREAMS_MAX = 200, /* of a run; more are asked for by --step */
    STREAMS_ARENA_BYTES = 4 << 20,
    ARGS_BYTES_MAX = 1024,
    KEY_BYTES_MAX = 64 << 10,
    PARTS_MAX = 64, /* of a stream: connections that broke while it came */
};
#define LIFE_NS (3600 * NS_PER_SEC)
#define LOOK_NS (200 * NS_PER_MS)
#define LATE_NS (2 * NS_PER_SEC) /* a piece may come after the answer */

/* DESIGN: a piece that was on the way when a connection broke does not come. What came before it is kept,
 * and a further command asks from there on: a stream is then the parts that several commands brought,
 * each from where the one before it ends. Of what is here, nothing is sent twice. */
struct part {
    char command[UUID_TEXT_SIZE];
    int64_t from;
};
struct stream {
    struct str step;
    int64_t attempt;
    bool is_error;
    struct part parts[PARTS_MAX]; /* the last is waited for */
    size_t part_count;
    int64_t next;              /* all before that is here */
    struct wall_time answered; /* of the last part; 0: not yet */
    bool is_here, is_broken;
    bool is_lost;   /* broken, and may go on: a piece was lost on the way */
    struct str why; /* it has failed */
};
struct fetching {
    struct look *look;
    struct orders *orders;
    struct loop *loop;
    struct arena arena;
    struct str device, run;
    struct stream *streams;
    size_t count;
    int64_t left_out;
    struct buf key;
    struct stream *at; /* for callbacks */
    int64_t end;       /* of the part at hand, as far as it is without a gap */
    int64_t limit;     /* where the next part begins: what came late is there, too */
    bool has_last;
    void (*on_piece)(void *ctx, const struct command_piece *piece);
    enum order_fate fate;
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

static void on_event(void *ctx, const struct hub_event *event)
{
    struct fetching *f = ctx;
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err err;
    struct str step = STR_NONE;
    struct str metadata = STR_NONE;
    int64_t attempt = 0;
    if (!str_eq(event->type, STR("logs_captured")) || !json_scan_object(&scan, event->body, &err)) {
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
    struct str wanted = str_from(cli_text(f->look->cli, "step"));
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

static bool find_streams(struct fetching *f)
{
    struct hub_filter filter = {.device = f->device, .run = f->run};
    f->streams = arena_array(&f->arena, STREAMS_MAX, sizeof(*f->streams));
    if (f->streams == NULL) {
        return err_set(&f->err, ERR_NO_MEMORY, "out of memory");
    }
    if (!hub_each_event(f->look->db, &filter, on_event, f, &f->err)) {
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

/* --- asking ----------------------------------------------------------------------------------- */

static void write_args(const struct fetching *f, const struct stream *s, int64_t from,
                       struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "run", f->run);
    jw_member_str(&w, "step", s->step);
    jw_member_i64(&w, "attempt", s->attempt);
    jw_member_str(&w, "stream", s->is_error ? STR("stderr") : STR("stdout"));
    if (from > 0) {
        jw_member_i64(&w, "offset", from);
    }
    jw_end_object(&w);
}

/* What follows on what came before it; behind a gap there is nothing. */
static void follow(void *ctx, const struct command_piece *piece)
{
    struct fetching *f = ctx;
    if (f->has_last || piece->offset - piece->dropped != f->end || f->end >= f->limit) {
        return;
    }
    f->end = piece->offset + (int64_t)piece->bytes.len;
    f->has_last = piece->is_last;
    if (f->on_piece != NULL) {
        f->on_piece(f, piece);
    }
}

static bool read_part(struct fetching *f, const struct part *part, int64_t limit,
                      void (*on_piece)(void *ctx, const struct command_piece *piece))
{
    bool ignored = false;
    f->end = part->from;
    f->limit = limit;
    f->has_last = false;
    f->on_piece = on_piece;
    return output_each(&f->look->settings.config, str_from(part->command), f->device, follow, f,
                       &ignored, &f->err);
}

static bool look_whether_here(struct fetching *f, struct stream *s)
{
    bool ok = read_part(f, &s->parts[s->part_count - 1], INT64_MAX, NULL);
    s->next = f->end;
    s->is_here = f->has_last;
    return ok;
}

static void add_part(struct stream *s, int64_t from, const char *command)
{
    struct part *part = &s->parts[s->part_count++];
    struct buf id = buf_fixed(part->command, sizeof(part->command));
    part->from = from;
    buf_add(&id, str_from(command));
    (void)buf_cstr(&id);
    s->next = from;
    s->answered.ns = 0;
    s->is_here = s->is_broken = s->is_lost = false;
}

static bool ask(struct fetching *f, struct stream *s, int64_t from, struct str args)
{
    struct rng rng = rng_system();
    struct order_given given;
    struct order order = {.fleet = f->look->settings.config.fleet,
                          .targets = f->device,
                          .devices = &f->device,
                          .device_count = 1,
                          .verb = STR("logs"),
                          .args = args,
                          .life_ns = LIFE_NS};
    if (f->key.len == 0 && !keyring_read_hub_key(&f->look->settings.config, &f->key, &f->err)) {
        return false;
    }
    if (!orders_give(f->orders, &rng, buf_str(&f->key), &order, clock_wall(loop_clock(f->loop)),
                     &given, &f->err)) {
        return false;
    }
    add_part(s, from, given.id);
    return true;
}

static void on_device(void *ctx, const struct order_device *device)
{
    struct fetching *f = ctx;
    f->fate = device->fate;
    f->is_online = device->is_online;
    f->at->answered = device->answered;
    if (order_fate_is_over(device->fate) && device->fate != FATE_SUCCEEDED) {
        f->at->is_broken = true;
        f->at->why = str_is_empty(device->reason) ? str_from(order_fate_name(device->fate))
                                                  : arena_copy(&f->arena, device->reason);
    }
}

static void on_order(void *ctx, const struct order_view *order)
{
    struct fetching *f = ctx;
    struct err err = {0};
    if (!orders_each_device(f->orders, order, clock_wall(loop_clock(f->loop)), on_device, f,
                            &err)) {
        f->err = err;
    }
}

/* How far it is; what has failed or lost a piece is broken. */
static bool look_at(struct fetching *f, struct stream *s)
{
    f->at = s;
    f->fate = FATE_COUNT;
    struct str command = str_from(s->parts[s->part_count - 1].command);
    if (!orders_each(f->orders, command, 1, on_order, f, &f->err) || f->err.code != ERR_NONE ||
        !look_whether_here(f, s)) {
        return false;
    }
    bool is_late = f->fate == FATE_SUCCEEDED && !s->is_here &&
                   clock_wall(loop_clock(f->loop)).ns - s->answered.ns > LATE_NS;
    if (is_late) {
        s->is_broken = s->is_lost = true;
        s->why = STR("a piece of it was lost on the way; ask again");
    }
    return true;
}

/* From `from` on: what came before, or is on its way, is taken; else it is asked for. *ret_next: of what
 * came nothing more will, and it goes on there; -1 when it is waited for, or whole. */
static bool begin_from(struct fetching *f, struct stream *s, int64_t from, int64_t *ret_next)
{
    char memory[ARGS_BYTES_MAX];
    char command[UUID_TEXT_SIZE];
    struct buf args = buf_fixed(memory, sizeof(memory));
    bool is_known = false;
    *ret_next = -1;
    write_args(f, s, from, &args);
    if (args.overflow) {
        return err_set(&f->err, ERR_FULL, "the step's key is too long");
    }
    if (!orders_find_same(f->orders, STR("logs"), buf_str(&args), f->device, command, &is_known,
                          &f->err)) {
        return false;
    }
    if (!is_known) {
        return ask(f, s, from, buf_str(&args));
    }
    add_part(s, from, command);
    if (!look_at(f, s)) {
        return false;
    }
    if (s->is_here || !s->is_broken) {
        return true;
    }
    if (s->next > from && s->part_count < PARTS_MAX) {
        *ret_next = s->next;
        return true;
    }
    s->part_count--; /* nothing came of it */
    return ask(f, s, from, buf_str(&args));
}

static bool begin(struct fetching *f, struct stream *s)
{
    int64_t from = s->next;
    while (from >= 0) {
        int64_t next = -1;
        if (!begin_from(f, s, from, &next)) {
            return false;
        }
        from = next;
    }
    return true;
}

/* A stream that lost a piece goes on where that is missing. */
static bool go_on(struct fetching *f, struct stream *s)
{
    if (!s->is_lost || s->part_count == PARTS_MAX) {
        return true;
    }
    if (s->next == s->parts[s->part_count - 1].from) {
        s->part_count--;
    }
    bool ok = begin(f, s);
    poke_send(&f->look->settings.config);
    return ok;
}

static bool begin_all(struct fetching *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!begin(f, &f->streams[i])) {
            return false;
        }
    }
    poke_send(&f->look->settings.config);
    return true;
}

/* --- waiting and showing ---------------------------------------------------------------------- */

static bool look_at_all(struct fetching *f, bool *ret_is_done)
{
    *ret_is_done = true;
    for (size_t i = 0; i < f->count; i++) {
        struct stream *s = &f->streams[i];
        if (!s->is_here && !s->is_broken && !(look_at(f, s) && go_on(f, s))) {
            return false;
        }
        *ret_is_done = *ret_is_done && (s->is_here || s->is_broken);
    }
    return true;
}

static bool wait_for_all(struct fetching *f, bool *ret_is_done)
{
    int64_t end = loop_now(f->loop).ns + cli_i64(f->look->cli, "timeout");
    for (;;) {
        if (!look_at_all(f, ret_is_done)) {
            return false;
        }
        if (*ret_is_done || loop_now(f->loop).ns > end) {
            return true;
        }
        if (!loop_turn(f->loop, LOOK_NS, &f->err)) {
            return false;
        }
    }
}

static void show_piece(void *ctx, const struct command_piece *piece)
{
    struct fetching *f = ctx;
    if (piece->dropped > 0) {
        cli_printf(f->look->cli, "\n[%lld bytes were not kept]\n", (long long)piece->dropped);
    }
    (void)fwrite(piece->bytes.ptr, 1, piece->bytes.len, cli_out(f->look->cli));
}

static void json_piece(void *ctx, const struct command_piece *piece)
{
    struct fetching *f = ctx;
    struct json_writer w = look_begin_line(f->look);
    jw_member_str(&w, "device", f->device);
    jw_member_str(&w, "run", f->run);
    jw_member_str(&w, "step", f->at->step);
    jw_member_i64(&w, "attempt", f->at->attempt);
    jw_member_str(&w, "stream", f->at->is_error ? STR("stderr") : STR("stdout"));
    jw_member_i64(&w, "offset", piece->offset);
    jw_member_i64(&w, "dropped", piece->dropped);
    jw_member_str(&w, "text", piece->bytes);
    look_end_line(f->look, &w);
}

static bool show(struct fetching *f, struct stream *s)
{
    struct cli *cli = f->look->cli;
    f->at = s;
    if (!cli_is_json(cli)) {
        cli_printf(cli, "%s" STR_FMT ", attempt %lld, %s%s%s" STR_FMT "\n",
                   cli_tone_on(cli, CLI_STRONG), STR_ARG(s->step), (long long)s->attempt,
                   s->is_error ? "stderr" : "stdout", cli_tone_off(cli, CLI_STRONG),
                   s->is_broken ? ": " : "", STR_ARG(s->why));
    }
    bool ok = true;
    for (size_t i = 0; ok && i < s->part_count; i++) {
        int64_t limit = i + 1 < s->part_count ? s->parts[i + 1].from : INT64_MAX;
        ok = read_part(f, &s->parts[i], limit, cli_is_json(cli) ? json_piece : show_piece);
    }
    return ok;
}

static int show_all(struct fetching *f, bool is_done)
{
    int code = CLI_OK;
    for (size_t i = 0; i < f->count; i++) {
        struct stream *s = &f->streams[i];
        if ((s->is_here || s->is_broken) && !show(f, s)) {
            return cli_error(f->look->cli, &f->err);
        }
        code = s->is_broken ? CLI_FAILED : code;
    }
    if (f->left_out > 0) {
        (void)fprintf(cli_err(f->look->cli), "and of %lld more; choose: --step KEY\n",
                      (long long)f->left_out);
    }
    if (is_done) {
        return code;
    }
    (void)err_set(&f->err, ERR_TIMEOUT, STR_FMT " is %s, and has not sent all of it",
                  STR_ARG(f->device), f->is_online ? "online" : "away");
    (void)err_hint(&f->err, "it is asked for an hour: try again, or wait with --timeout");
    return cli_error(f->look->cli, &f->err);
}

static bool fetch(struct fetching *f, bool *ret_is_done)
{
    return orders_open(&f->orders, f->look->settings.database, &f->err) &&
           loop_open(&f->loop, clock_system(), &f->err) && find_streams(f) && begin_all(f) &&
           wait_for_all(f, ret_is_done);
}

int run_output(struct cli *cli, struct str device, struct str run)
{
    struct look look;
    struct err none = {0};
    int code = CLI_OK;
    if (!look_open(&look, cli, TABLE_COLUMNS({.name = ""}), &code)) {
        return code;
    }
    struct fetching f = {.look = &look,
                         .arena = arena_new(STREAMS_ARENA_BYTES),
                         .device = device,
                         .run = run,
                         .key = buf_growing(KEY_BYTES_MAX)};
    bool is_done = false;
    code = fetch(&f, &is_done) ? show_all(&f, is_done) : cli_error(cli, &f.err);
    loop_close(f.loop);
    orders_close(f.orders);
    buf_wipe(&f.key);
    arena_release(&f.arena);
    look.count = 1;
    (void)look_close(&look, true, &none, "");
    return code;
}
