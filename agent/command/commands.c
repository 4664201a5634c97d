#include "agent/command/commands.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    STEP_ARENA_BYTES = 2 * COMMAND_ARENA_BYTES,
    RESULT_BYTES_MAX = LIMIT_EVENT_BYTES / 2,
    FACTS_BYTES_MAX = 8 * COMMAND_BYTES_MAX, /* escaped twice */
    REASON_BYTES_MAX = 800,
};

struct commands {
    struct commands_options options;
    struct refusals refusals;
    bool is_recovered; /* what an earlier agent left open was looked at */
    bool has_waiting;
    char starting[UUID_TEXT_SIZE]; /* its start is recorded, and it begins once that is durable */
};

bool commands_open(struct commands **ret, const struct commands_options *options, struct err *err)
{
    struct commands *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "commands: out of memory");
    }
    c->options = *options;
    *ret = c;
    return true;
}

void commands_close(struct commands *c)
{
    free(c);
}

bool commands_has_waiting(const struct commands *c)
{
    return c->has_waiting;
}

const struct refusals *commands_refusals(const struct commands *c)
{
    return &c->refusals;
}

static const struct command_verb *find_verb(const struct commands *c, struct str name)
{
    for (size_t i = 0; c->options.tables[i] != NULL; i++) {
        for (const struct command_verb *verb = c->options.tables[i]; verb->name != NULL; verb++) {
            if (str_eq(name, str_from(verb->name))) {
                return verb;
            }
        }
    }
    return NULL;
}

/* --- what is told ----------------------------------------------------------------------------- */

static bool record(struct commands *c, const struct record *r)
{
    struct err err = {0};
    if (store_record(c->options.store, r, &err)) {
        return true;
    }
    LOG(ERROR, "command.not_kept", F_S("command", r->command), F_S("status", r->status),
        F_ERR(&err));
    return false;
}

/* One line: what is wrong, and what helps. */
static struct str reason_of(const struct err *why, char text[REASON_BYTES_MAX])
{
    struct buf reason = buf_fixed(text, REASON_BYTES_MAX);
    buf_add_text(&reason, why->msg);
    if (why->hint[0] != '\0') {
        buf_addf(&reason, " (%s)", why->hint);
    }
    return buf_str(&reason);
}

static struct record record_of(struct str id, struct str verb, enum command_status status,
                               struct wall_time now)
{
    return (struct record){.type = EVENT_COMMAND,
                           .at = now,
                           .command = id,
                           .verb = verb,
                           .status = str_from(command_status_name(status))};
}

static bool tell_failed(struct commands *c, struct str id, struct str verb, const char *code,
                        const struct err *why, struct str run, struct wall_time now)
{
    char text[REASON_BYTES_MAX];
    struct record r = record_of(id, verb, COMMAND_STATUS_FAILED, now);
    r.code = str_from(code);
    r.reason = reason_of(why, text);
    r.run = run;
    LOG(WARN, "command.failed", F_S("command", id), F_S("verb", verb), F_T("code", code),
        F_ERR(why));
    return record(c, &r);
}

static bool tell_refused(struct commands *c, const struct stored_command *s, enum command_code code,
                         const struct err *why, struct wall_time now)
{
    char text[REASON_BYTES_MAX];
    struct record r = record_of(s->id, s->verb, COMMAND_REFUSED, now);
    r.code = str_from(command_code_name(code));
    r.reason = reason_of(why, text);
    LOG(WARN, "command.refused", F_S("command", s->id), F_S("verb", s->verb), F_S("code", r.code),
        F_S("reason", r.reason));
    return record(c, &r);
}

static bool tell_succeeded(struct commands *c, struct str id, struct str verb, struct str result,
                           struct str run, struct wall_time now)
{
    struct record r = record_of(id, verb, COMMAND_SUCCEEDED, now);
    r.result = str_eq(result, STR("{}")) ? STR_NONE : result;
    r.run = run;
    LOG(INFO, "command.succeeded", F_S("command", id), F_S("verb", verb), F_S("run", run));
    return record(c, &r);
}

static bool tell_started(struct commands *c, struct str id, struct str verb, struct str run,
                         struct wall_time now)
{
    struct record r = record_of(id, verb, COMMAND_STARTED, now);
    r.run = run;
    LOG(INFO, "command.started", F_S("command", id), F_S("verb", verb), F_S("run", run));
    return record(c, &r);
}

/* --- one that arrives ------------------------------------------------------------------------- */

static bool recall(void *ctx, struct str signer, int64_t counter, struct str id,
                   struct command_memory *ret, struct err *err)
{
    const struct commands *c = ctx;
    return store_recall_command(c->options.store, signer, counter, id, ret, err);
}

static bool check_verb(void *ctx, const struct command *command, struct arena *arena,
                       struct err *err)
{
    const struct commands *c = ctx;
    struct command_args args;
    const struct command_verb *verb = find_verb(c, command->verb);
    if (verb == NULL) {
        return err_set(err, ERR_NOT_FOUND, "this agent does not know the verb \"" STR_FMT "\"",
                       STR_ARG(command->verb));
    }
    if (!command_read_args(command, arena, &args, err) ||
        (verb->check_args != NULL && !verb->check_args(c->options.agent, command, err))) {
        err->code = ERR_INVALID;
        return false;
    }
    return true;
}

/* Of a message, not of a command: it has no `command`, so that it is not taken for one's end. */
static void refuse_message(struct commands *c, const struct admission *a, struct wall_time now,
                           struct mono_time mono)
{
    char text[REASON_BYTES_MAX];
    struct record r = record_of(STR_NONE, a->command.verb, COMMAND_REFUSED, now);
    r.code = str_from(command_code_name(a->code));
    r.reason = reason_of(&a->why, text);
    r.signer = str_from(a->signer);
    if (refusals_note(&c->refusals, a->code, mono) && record(c, &r)) {
        LOG(WARN, "command.refused", F_S("verb", r.verb), F_S("code", r.code), F_S("key", r.signer),
            F_S("reason", r.reason));
    }
}

static bool take_in(struct commands *c, const struct admission *a, struct wall_time now)
{
    char text[REASON_BYTES_MAX];
    AUTO(buf) facts = buf_growing(FACTS_BYTES_MAX);
    bool is_refused = a->code != COMMAND_CODE_NONE;
    struct record r = record_of(a->command.id, a->command.verb,
                                is_refused ? COMMAND_REFUSED : COMMAND_RECEIVED, now);
    command_facts_write(&a->command, &facts);
    if (facts.overflow) {
        LOG(ERROR, "command.not_kept", F_S("command", a->command.id),
            F_T("error", "out of memory"));
        return false;
    }
    r.keys = buf_str(&facts);
    r.signer = str_from(a->signer);
    r.code = str_from(command_code_name(a->code));
    if (is_refused) {
        r.reason = reason_of(&a->why, text);
        LOG(WARN, "command.refused", F_S("command", r.command), F_S("verb", r.verb),
            F_S("code", r.code), F_S("key", r.signer), F_S("reason", r.reason));
    } else {
        r.reason = a->is_waiting ? STR("the clock is not set: it waits until it is") : STR_NONE;
        LOG(INFO, "command.received", F_S("command", r.command), F_S("verb", r.verb),
            F_S("key", r.signer), F_S("reason", r.reason));
    }
    return record(c, &r);
}

bool commands_receive(struct commands *c, const struct admission_question *q, struct mono_time mono)
{
    AUTO(arena) arena = arena_new(STEP_ARENA_BYTES);
    const struct admission_port port = {.recall = recall, .check = check_verb, .ctx = c};
    struct admission a;
    struct err err = {0};
    if (!c->options.flush(c->options.agent)) { /* the journal is what is durable */
        LOG(WARN, "command.not_kept", F_T("error", "the database cannot be written just now"));
        return false;
    }
    if (!admission_judge(q, &port, &arena, &a, &err)) {
        LOG(ERROR, "command.not_kept", F_ERR(&err));
        return false;
    }
    if (a.is_known) {
        c->refusals.totals[COMMAND_REPLAYED]++;
        LOG(DEBUG, "command.again", F_S("command", a.command.id));
        return false;
    }
    if (command_code_is_of_message(a.code)) {
        refuse_message(c, &a, q->now, mono);
        return false;
    }
    c->refusals.totals[a.code] += a.code != COMMAND_CODE_NONE;
    return take_in(c, &a, q->now) && a.code == COMMAND_CODE_NONE;
}

/* --- carrying out ----------------------------------------------------------------------------- */

struct step {
    struct commands *c;
    struct wall_time now;
    struct arena arena;
    struct stored_command s;
    const struct command_verb *verb;
    struct command_args args;
    struct err err;
};

static const char *code_of(const struct err *err)
{
    return err_code_name(err->code);
}

/* The run that it started has come to an end, or goes on. False: nothing could be told. */
static bool follow_run(struct commands *c, const struct stored_command *s, struct str run,
                       struct arena *arena, struct wall_time now)
{
    struct run_line line = {0};
    struct err err = {0};
    if (!store_run_line(c->options.store, s->id, run, arena, &line, &err)) {
        return err.code == ERR_NOT_FOUND
                   ? tell_failed(c, s->id, s->verb, "interrupted", &err, run, now)
                   : false;
    }
    if (str_eq(line.status, STR("success"))) {
        return tell_succeeded(c, s->id, s->verb, STR_NONE, line.run, now);
    }
    if (str_eq(line.status, STR("canceled"))) {
        (void)err_set(&err, ERR_CANCELLED, "run " STR_FMT " was canceled", STR_ARG(line.run));
        return tell_failed(c, s->id, s->verb, "run_canceled", &err, line.run, now);
    }
    if (str_eq(line.status, STR("failure"))) {
        (void)err_set(&err, ERR_IO, "run " STR_FMT " failed: " STR_FMT, STR_ARG(line.run),
                      STR_ARG(line.error));
        return tell_failed(c, s->id, s->verb, "run_failed", &err, line.run, now);
    }
    return true;
}

/* What it did is visible: a run, or a backfill. */
static bool find_effect(struct step *t, bool *ret_found)
{
    char id[UUID_TEXT_SIZE];
    struct commands *c = t->c;
    *ret_found = true;
    if (!store_backfill_of_command(c->options.store, t->s.id, id, &t->err)) {
        return false;
    }
    if (id[0] != '\0') {
        char text[64 + UUID_TEXT_SIZE];
        struct buf result = buf_fixed(text, sizeof(text));
        buf_addf(&result, "{\"backfill\":\"%s\"}", id);
        return tell_succeeded(c, t->s.id, t->s.verb, buf_str(&result), STR_NONE, t->now);
    }
    if (!store_run_of_command(c->options.store, t->s.id, id, &t->err)) {
        return false;
    }
    if (id[0] != '\0') {
        return tell_started(c, t->s.id, t->s.verb, str_from(id), t->now) &&
               follow_run(c, &t->s, str_from(id), &t->arena, t->now);
    }
    *ret_found = false;
    return true;
}

static bool call(struct step *t, bool is_begun)
{
    struct commands *c = t->c;
    AUTO(buf) result = buf_growing(RESULT_BYTES_MAX);
    struct json_writer w = json_writer(&result);
    struct command_call call = {.id = t->s.id,
                                .verb = t->s.verb,
                                .args = t->s.args,
                                .given = &t->args,
                                .issued_at = t->s.issued_at,
                                .expires_at = t->s.expires_at};
    jw_begin_object(&w);
    enum command_outcome outcome = t->verb->run(c->options.agent, &call, &w, &t->err);
    jw_end_object(&w);
    if (outcome == COMMAND_DONE && result.overflow) {
        (void)err_set(&t->err, ERR_FULL, "it was done; what came of it is too long to be told");
        outcome = COMMAND_NOT_DONE;
    }
    switch (outcome) {
    case COMMAND_DONE:
        return tell_succeeded(c, t->s.id, t->s.verb, buf_str(&result), STR_NONE, t->now);
    case COMMAND_NOT_DONE:
        return tell_failed(c, t->s.id, t->s.verb, code_of(&t->err), &t->err, STR_NONE, t->now);
    case COMMAND_GOES_ON:
        return is_begun || tell_started(c, t->s.id, t->s.verb, str_from(call.run), t->now);
    case COMMAND_LATER:
        break;
    }
    c->has_waiting = true;
    return false;
}

/* True when something was told. */
static bool begin(struct step *t)
{
    struct commands *c = t->c;
    bool found = false;
    if (t->verb->is_recorded && !find_effect(t, &found)) {
        return false;
    }
    if (found) {
        return true;
    }
    if (t->verb->is_idempotent || t->verb->is_recorded) {
        return call(t, false);
    }
    (void)snprintf(c->starting, sizeof(c->starting), STR_FMT, STR_ARG(t->s.id));
    return tell_started(c, t->s.id, t->s.verb, STR_NONE, t->now);
}

/* Verb and arguments as this agent understands them: perhaps another version than took it in. */
static bool read_again(struct step *t)
{
    struct command command = {.verb = t->s.verb, .args = t->s.args, .id = t->s.id};
    t->verb = find_verb(t->c, t->s.verb);
    if (t->verb == NULL) {
        (void)err_set(&t->err, ERR_NOT_FOUND, "this agent does not know the verb \"" STR_FMT "\"",
                      STR_ARG(t->s.verb));
        return false;
    }
    return command_read_args(&command, &t->arena, &t->args, &t->err);
}

static bool carry_out_received(struct step *t)
{
    struct commands *c = t->c;
    enum command_code code = admission_judge_time(t->s.issued_at, t->s.expires_at, t->now, &t->err);
    if (code == COMMAND_CODE_NONE && !read_again(t)) {
        code = t->err.code == ERR_NOT_FOUND ? COMMAND_UNSUPPORTED : COMMAND_INVALID_ARGUMENTS;
    }
    return code == COMMAND_CODE_NONE ? begin(t) : tell_refused(c, &t->s, code, &t->err, t->now);
}

/* An earlier agent began it, or this one has just recorded that it begins. */
static bool carry_out_started(struct step *t)
{
    struct commands *c = t->c;
    bool found = false;
    bool is_ours = str_eq(t->s.id, str_from(c->starting));
    if (is_ours) {
        c->starting[0] = '\0';
        return read_again(t) ? call(t, true)
                             : tell_failed(c, t->s.id, t->s.verb, code_of(&t->err), &t->err,
                                           STR_NONE, t->now);
    }
    if (!str_is_empty(t->s.run)) {
        return follow_run(c, &t->s, t->s.run, &t->arena, t->now);
    }
    if (!find_effect(t, &found) || found) {
        return found;
    }
    if (read_again(t) && t->verb->is_idempotent) {
        return call(t, true);
    }
    (void)err_set(&t->err, ERR_CANCELLED,
                  "the agent stopped after it had begun; what was done by then cannot be known");
    return tell_failed(c, t->s.id, t->s.verb, "interrupted", &t->err, STR_NONE, t->now);
}

/* True when something was told. */
static bool carry_out(struct commands *c, struct str id, struct wall_time now)
{
    struct step t = {.c = c, .now = now, .arena = arena_new(STEP_ARENA_BYTES)};
    bool found = false;
    bool told = false;
    if (!store_load_command(c->options.store, id, &t.arena, &t.s, &found, &t.err)) {
        LOG(ERROR, "command.read_failed", F_S("command", id), F_ERR(&t.err));
        c->has_waiting = true;
    } else if (found && t.s.status == COMMAND_RECEIVED) {
        told = carry_out_received(&t);
    } else if (found && t.s.status == COMMAND_STARTED) {
        told = carry_out_started(&t);
    }
    arena_release(&t.arena);
    return told;
}

static bool read_open(struct commands *c, struct arena *arena, struct stored_command **ret,
                      size_t *ret_count)
{
    struct err err = {0};
    if (!c->options.flush(c->options.agent)) {
        c->has_waiting = true;
        return false;
    }
    if (!store_open_commands(c->options.store, arena, ret, ret_count, &err)) {
        LOG(ERROR, "command.read_failed", F_ERR(&err));
        c->has_waiting = true;
        return false;
    }
    return true;
}

static bool is_due(const struct commands *c, const struct stored_command *s, struct wall_time now)
{
    return (s->status == COMMAND_RECEIVED && wall_is_set(now)) ||
           (s->status == COMMAND_STARTED && str_eq(s->id, str_from(c->starting)));
}

bool commands_step(struct commands *c, struct wall_time now)
{
    AUTO(arena) arena = arena_new(STEP_ARENA_BYTES);
    struct stored_command *open = NULL;
    size_t count = 0;
    bool told = false;
    c->has_waiting = false;
    if (!read_open(c, &arena, &open, &count)) {
        return false;
    }
    for (size_t i = 0; !c->is_recovered && i < count; i++) {
        if (open[i].status == COMMAND_STARTED) {
            told = carry_out(c, open[i].id, now) || told;
        }
    }
    c->is_recovered = true;
    for (size_t i = 0; i < count; i++) { /* nobody may tell that the clock was set */
        c->has_waiting =
            c->has_waiting || (open[i].status == COMMAND_RECEIVED && !wall_is_set(now));
    }
    for (size_t i = 0; !told && i < count; i++) {
        told = is_due(c, &open[i], now) && carry_out(c, open[i].id, now);
    }
    if (told && !c->options.flush(c->options.agent)) {
        c->has_waiting = true;
        return false;
    }
    return told;
}

void commands_run_ended(struct commands *c, struct str run, struct wall_time now)
{
    AUTO(arena) arena = arena_new(STEP_ARENA_BYTES);
    char id[UUID_TEXT_SIZE];
    struct stored_command s = {0};
    struct err err = {0};
    bool found = false;
    if (!store_command_of_run(c->options.store, run, id, &err) ||
        (id[0] != '\0' &&
         !store_load_command(c->options.store, str_from(id), &arena, &s, &found, &err))) {
        LOG(ERROR, "command.read_failed", F_S("run", run), F_ERR(&err));
        c->is_recovered = false; /* it is looked at again */
        c->has_waiting = true;
        return;
    }
    if (found) {
        (void)follow_run(c, &s, s.run, &arena, now);
        c->has_waiting = !c->options.flush(c->options.agent) || c->has_waiting;
    }
}

void commands_end(struct commands *c, struct str id, struct str result, const struct err *why,
                  struct wall_time now)
{
    AUTO(arena) arena = arena_new(STEP_ARENA_BYTES);
    struct stored_command s = {0};
    struct err err = {0};
    bool found = false;
    if (!store_load_command(c->options.store, id, &arena, &s, &found, &err)) {
        LOG(ERROR, "command.read_failed", F_S("command", id), F_ERR(&err));
        s.verb = STR_NONE;
    }
    bool ok = why == NULL ? tell_succeeded(c, id, s.verb, result, STR_NONE, now)
                          : tell_failed(c, id, s.verb, code_of(why), why, STR_NONE, now);
    c->has_waiting = !ok || !c->options.flush(c->options.agent) || c->has_waiting;
}

/* --- refusals that were only counted ---------------------------------------------------------- */

static void tell_untold(struct commands *c, const int64_t counts[COMMAND_CODE_COUNT],
                        struct wall_time now)
{
    char text[512];
    char reason[96];
    struct buf result = buf_fixed(text, sizeof(text));
    struct buf why = buf_fixed(reason, sizeof(reason));
    struct json_writer w = json_writer(&result);
    int64_t sum = 0;
    jw_begin_object(&w);
    for (int i = 0; i < COMMAND_CODE_COUNT; i++) {
        if (counts[i] > 0) {
            jw_member_i64(&w, command_code_name((enum command_code)i), counts[i]);
            sum += counts[i];
        }
    }
    jw_end_object(&w);
    buf_addf(&why, "%lld more messages were refused in an hour", (long long)sum);
    struct record r = record_of(STR_NONE, STR_NONE, COMMAND_REFUSED, now);
    r.code = STR("flood");
    r.reason = buf_str(&why);
    r.result = buf_str(&result);
    LOG(WARN, "command.refused", F_S("code", r.code), F_S("reason", r.reason));
    (void)record(c, &r);
}

struct mono_time commands_tell_refusals(struct commands *c, struct wall_time now,
                                        struct mono_time mono)
{
    int64_t counts[COMMAND_CODE_COUNT];
    if (refusals_end_window(&c->refusals, mono, counts)) {
        tell_untold(c, counts, now);
        c->has_waiting = !c->options.flush(c->options.agent) || c->has_waiting;
    }
    return refusals_due(&c->refusals);
}
