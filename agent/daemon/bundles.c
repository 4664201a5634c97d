/* bundles.c - which bundle is wanted, and how it comes here. */
#include "agent/daemon/bundles_internal.h"

#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WANT_BYTES_MAX = 512, PIECE_ARENA_BYTES = 64 << 10, ROW_ARENA_BYTES = 16 << 10 };
#define RETRY_NS (60 * NS_PER_SEC)

static const struct str wish_setting = STR_INIT("bundle_wish");
static const struct str wanted_setting = STR_INIT("bundle_wanted");

static void go_on_soon(struct bundles *b)
{
    loop_defer(b->agent->loop, &b->task);
}

/* --- what is known of it ---------------------------------------------------------------------- */

static bool load_setting(struct bundles *b, struct str name, char ret[BUNDLE_HASH_SIZE],
                         struct err *err)
{
    AUTO(buf) text = buf_growing(BUNDLE_HASH_SIZE);
    bool found = false;
    if (!store_get_setting(b->agent->store, name, &text, &found, err)) {
        return false;
    }
    (void)snprintf(ret, BUNDLE_HASH_SIZE, STR_FMT, STR_ARG(buf_str(&text)));
    return true;
}

/* Of a bundle that is not to be taken again: what became of it. */
static bool is_remembered(struct bundles *b, struct arena *arena, struct bundle_row *ret,
                          struct err *err)
{
    bool found = false;
    if (!store_bundle_find(b->agent->store, str_from(b->wanted), arena, ret, &found, err)) {
        return false;
    }
    bool is_bad = str_eq(ret->status, STR("failed")) || str_eq(ret->status, STR("rolled_back"));
    ret->status = found && is_bad ? ret->status : STR_NONE;
    return true;
}

/* --- coming in -------------------------------------------------------------------------------- */

static void stop_fetching(struct bundles *b)
{
    loop_timer_disarm(b->agent->loop, &b->fetch_timer);
    incoming_close(b->incoming);
    b->incoming = NULL;
}

static bool is_for_good(const struct err *err)
{
    return err->code == ERR_INVALID || err->code == ERR_DENIED || err->code == ERR_CORRUPT;
}

/* It can never be taken, or not now. */
static void give_up(struct bundles *b, const struct err *why)
{
    struct err err = {0};
    stop_fetching(b);
    if (!is_for_good(why)) {
        LOG(WARN, "bundle.delayed", F_T("bundle", b->wanted), F_ERR(why),
            F_T("action", "trying again in a minute"));
        loop_timer_arm_in(b->agent->loop, &b->fetch_timer, RETRY_NS);
        return;
    }
    LOG(ERROR, "bundle.failed", F_T("bundle", b->wanted), F_ERR(why),
        F_T("action", "what is in force stays"));
    if (!bundles_record(b->agent, str_from(b->wanted), "failed", str_from(why->msg), &err)) {
        LOG(ERROR, "bundle.not_recorded", F_T("bundle", b->wanted), F_ERR(&err));
    }
    if (!folder_clear(b->agent->state_dir, str_from(b->agent->bundle_place.current),
                      str_from(b->agent->bundle_place.previous), STR(""), &err)) {
        LOG(WARN, "bundle.not_deleted", F_ERR(&err));
    }
}

static bool begin(struct bundles *b, struct err *err)
{
    struct agent *agent = b->agent;
    struct incoming_options options = {.state_dir = agent->state_dir,
                                       .hash = str_from(b->wanted),
                                       .keys = agent->identity.command_keys,
                                       .base = str_from(agent->bundle_place.current),
                                       .bytes_max = agent->options.config->bundle_quota};
    if (b->is_new && !bundles_record(agent, str_from(b->wanted), "fetching", STR(""), err)) {
        return false;
    }
    LOG(INFO, "bundle.fetching", F_T("bundle", b->wanted));
    return incoming_open(&b->incoming, &options, err);
}

/* Asks for a piece; when that cannot be now, soon. */
static void ask(struct bundles *b, struct bundle_want *want)
{
    struct err err = {0};
    struct link *link = b->agent->link;
    buf_reset(&b->payload);
    want->max = b->fetch.piece;
    bundle_want_encode(want, &b->payload);
    if (link == NULL || !link_publish(link, CHANNEL_WANT, buf_str(&b->payload), &err)) {
        (void)fetch_step(&b->fetch, FETCH_NO_ROOM, &b->wait_ns);
    }
    loop_timer_arm_in(b->agent->loop, &b->fetch_timer, b->wait_ns);
}

static void finish(struct bundles *b)
{
    struct err err = {0};
    struct incoming_progress progress = incoming_progress(b->incoming);
    LOG(INFO, "bundle.fetched", F_T("bundle", b->wanted), F_I("bytes", progress.bytes_total),
        F_I("fetched", progress.fetched), F_I("copied", progress.copied));
    stop_fetching(b);
    if (!bundles_apply(b, str_from(b->wanted), &err)) {
        give_up(b, &err);
    }
}

static void fetch(struct bundles *b)
{
    struct err err = {0};
    struct bundle_want want;
    enum incoming_need need = INCOMING_PIECE;
    if (!incoming_next(b->incoming, &need, &want, &err)) {
        give_up(b, &err);
    } else if (need == INCOMING_WHOLE) {
        finish(b);
    } else if (need == INCOMING_WORK) {
        go_on_soon(b);
    } else {
        ask(b, &want);
    }
}

static void fetch_event(struct bundles *b, enum fetch_event event)
{
    if (fetch_step(&b->fetch, event, &b->wait_ns)) {
        go_on_soon(b);
    } else {
        loop_timer_arm_in(b->agent->loop, &b->fetch_timer, b->wait_ns);
    }
}

static void on_fetch_due(void *ctx)
{
    struct bundles *b = ctx;
    if (b->incoming == NULL) {
        go_on_soon(b); /* after a delay */
        return;
    }
    fetch_event(b, FETCH_TIMER);
}

void bundles_link_is_up(struct bundles *b)
{
    if (b != NULL && b->incoming != NULL) {
        fetch_event(b, FETCH_ONLINE);
    }
}

void bundles_take(struct bundles *b, struct str payload)
{
    AUTO(arena) arena = arena_new(PIECE_ARENA_BYTES);
    struct bundle_piece piece;
    struct err err = {0};
    bool is_taken = false;
    if (!bundle_piece_decode(payload, &arena, &piece, &err)) {
        LOG(WARN, "bundle.not_understood", F_ERR(&err), F_T("action", "ignored"));
        return;
    }
    if (b == NULL || b->incoming == NULL || !str_eq(piece.bundle, str_from(b->wanted))) {
        return; /* asked for before something else was wanted */
    }
    if (piece.problem.len > 0) {
        LOG(WARN, "bundle.not_there", F_T("bundle", b->wanted), F_S("reason", piece.problem),
            F_T("action", "asking again later"));
        fetch_event(b, FETCH_PROBLEM);
        return;
    }
    if (!incoming_add(b->incoming, &piece, &is_taken, &err)) {
        give_up(b, &err);
    } else if (is_taken) {
        fetch_event(b, FETCH_CAME);
    }
}

/* --- what is wanted --------------------------------------------------------------------------- */

/* The hub waits for an answer: it gets what it had before. */
static void answer_again(struct bundles *b, const struct bundle_row *row)
{
    struct err err = {0};
    if (!b->is_new) {
        return;
    }
    LOG(WARN, "bundle.refused", F_T("bundle", b->wanted), F_S("reason", row->reason),
        F_T("action", "not taken again; selvedge-agent bundle retry does"));
    char status[16];
    (void)snprintf(status, sizeof(status), STR_FMT, STR_ARG(row->status));
    if (!bundles_record(b->agent, row->hash, status, row->reason, &err)) {
        LOG(ERROR, "bundle.not_recorded", F_T("bundle", b->wanted), F_ERR(&err));
    }
}

static bool leave(struct bundles *b, struct err *err)
{
    bool must = b->is_new && b->agent->bundle_place.current[0] != '\0';
    return !must || bundles_leave(b, err);
}

static bool pursue(struct bundles *b, struct err *err)
{
    AUTO(arena) arena = arena_new(ROW_ARENA_BYTES);
    struct bundle_row row;
    struct str wanted = str_from(b->wanted);
    if (str_is_empty(wanted)) {
        return leave(b, err);
    }
    if (str_eq(wanted, str_from(b->agent->bundle_place.current))) {
        return true;
    }
    if (!is_remembered(b, &arena, &row, err)) {
        return false;
    }
    if (!str_is_empty(row.status)) {
        answer_again(b, &row);
        return true;
    }
    if (folder_is_whole(b->agent->state_dir, wanted)) {
        return bundles_apply(b, wanted, err);
    }
    if (!begin(b, err)) {
        return false;
    }
    b->fetch = fetch_new();
    fetch_event(b, FETCH_BEGIN);
    return true;
}

static void on_task(void *ctx)
{
    struct bundles *b = ctx;
    struct err err = {0};
    if (b->agent->is_stopping) {
        return;
    }
    if (b->incoming != NULL) {
        fetch(b);
        return;
    }
    if (!pursue(b, &err)) {
        give_up(b, &err);
    }
    b->is_new = false;
}

static bool want(struct bundles *b, struct str hash, struct err *err)
{
    if (!store_set_setting(b->agent->store, wanted_setting, hash, err)) {
        return false;
    }
    (void)snprintf(b->wanted, sizeof(b->wanted), STR_FMT, STR_ARG(hash));
    b->is_new = true;
    stop_fetching(b);
    go_on_soon(b);
    return true;
}

void bundles_wish(struct bundles *b, struct str hash)
{
    struct err err = {0};
    if (b == NULL || str_eq(hash, str_from(b->wish))) {
        return;
    }
    /* `wanted` first: a power cut between the two makes it wish again. */
    if (!want(b, hash, &err) || !store_set_setting(b->agent->store, wish_setting, hash, &err)) {
        LOG(ERROR, "bundle.not_recorded", F_S("bundle", hash), F_ERR(&err),
            F_T("action", "the hub says it again after the next start"));
        return;
    }
    (void)snprintf(b->wish, sizeof(b->wish), STR_FMT, STR_ARG(hash));
}

bool bundles_deploy(struct bundles *b, struct str hash, struct err *err)
{
    if (!bundle_hash_is_good(hash)) {
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no bundle's hash",
                      STR_ARG(str_clip(hash, 80)));
        return err_hint(err, "64 hex digits, as selvedge-hub deploy and `bundles` print them");
    }
    if (str_eq(hash, str_from(b->agent->bundle_place.current))) {
        return true;
    }
    return bundles_record(b->agent, hash, "fetching", STR(""), err) && want(b, hash, err);
}

/* --- life ------------------------------------------------------------------------------------- */

bool bundles_open(struct bundles **ret, struct agent *agent, struct err *err)
{
    struct bundles *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open the bundles: out of memory");
    }
    b->agent = agent;
    b->payload = buf_growing(WANT_BYTES_MAX);
    b->failing_arena = arena_new(4 << 20);
    b->task = (struct loop_task){.run = on_task, .ctx = b};
    b->fetch_timer = (struct loop_timer){.on_due = on_fetch_due, .ctx = b};
    b->trial_timer = (struct loop_timer){.on_due = bundles_on_trial_due, .ctx = b};
    if (!load_setting(b, wish_setting, b->wish, err) ||
        !load_setting(b, wanted_setting, b->wanted, err)) {
        bundles_close(b);
        return false;
    }
    *ret = b;
    return true;
}

void bundles_start(struct bundles *b)
{
    if (b != NULL) {
        bundles_begin_trial(b);
        bundles_tidy(b);
        go_on_soon(b);
    }
}

void bundles_close(struct bundles *b)
{
    if (b == NULL) {
        return;
    }
    stop_fetching(b);
    loop_timer_disarm(b->agent->loop, &b->trial_timer);
    loop_defer_cancel(b->agent->loop, &b->task);
    buf_release(&b->payload);
    arena_release(&b->failing_arena);
    free(b);
}

static void write_progress(const struct bundles *b, struct json_writer *w)
{
    if (b->incoming == NULL) {
        return;
    }
    struct incoming_progress progress = incoming_progress(b->incoming);
    jw_member_i64(w, "bytes", progress.bytes);
    jw_member_i64(w, "bytes_total", progress.bytes_total);
    jw_member_i64(w, "piece_bytes", b->fetch.piece);
}

void bundles_write_status(const struct agent *agent, struct json_writer *w)
{
    const struct bundles *b = agent->bundles;
    bool says_something =
        b != NULL && (agent->bundle_place.current[0] != '\0' || b->wanted[0] != '\0');
    if (!says_something) {
        return;
    }
    jw_key(w, STR("bundle"));
    jw_begin_object(w);
    jw_member_opt(w, "current", str_from(agent->bundle_place.current));
    jw_member_opt(w, "previous", str_from(agent->bundle_place.previous));
    jw_member_opt(w, "wanted", str_from(b->wanted));
    jw_member_bool(w, "on_trial", b->trial.is_on);
    write_progress(b, w);
    jw_end_object(w);
}
