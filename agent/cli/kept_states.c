#include "agent/cli/kept_states.h"

#include <stdio.h>

enum {
    REPLY_BYTES_MAX = 48 << 20, /* the worker's states, of LIMIT_JSON_BYTES each */
    INPUT_BYTES_MAX = 8 << 20,
};

bool kept_states_has(const struct asset *asset)
{
    return asset->work == ASSET_EXTRACT_LOAD ||
           (asset->work == ASSET_MELTANO && asset->meltano.block.count > 1);
}

/* --- is it being loaded? ---------------------------------------------------------------------- */

struct search {
    struct view *view;
    struct str asset;
    char run[UUID_TEXT_SIZE]; /* that loads it; empty: none */
    struct err *err;
    bool ok;
};

static bool look_at_step(void *ctx, const struct view_step *step)
{
    struct search *s = ctx;
    bool is_going = str_eq(step->asset, s->asset) && str_eq(step->status, STR("started"));
    if (!is_going) {
        s->run[0] = '\0';
    }
    return !is_going;
}

static bool look_at_run(void *ctx, const struct view_run *run)
{
    struct search *s = ctx;
    (void)snprintf(s->run, sizeof(s->run), STR_FMT, STR_ARG(run->id));
    s->ok = view_steps(s->view, run->id, look_at_step, s, s->err);
    return s->ok && s->run[0] == '\0';
}

/* What a load that goes on has read it would write over a new state. */
static bool refuse_while_loading(const struct settings *settings, const struct asset *asset,
                                 struct err *err)
{
    struct search s = {.asset = asset->key, .err = err, .ok = true};
    const struct view_run_filter filter = {.status = STR("started"), .limit = 1000};
    if (!view_open(&s.view, settings->database, err)) {
        return err->code == ERR_NOT_FOUND;
    }
    s.ok = view_runs(s.view, &filter, look_at_run, &s, err) && s.ok;
    view_close(s.view);
    if (s.ok && s.run[0] != '\0') {
        err_set(err, ERR_BUSY, STR_FMT " is being loaded by run %s", STR_ARG(asset->key), s.run);
        return err_hint(err, "wait for its end, or cancel it: selvedge-agent cancel %s", s.run);
    }
    return s.ok;
}

/* --- the worker ------------------------------------------------------------------------------- */

static struct str text_of(const struct json *node, const char *key)
{
    const struct json *member = json_get(node, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

static bool take_reply(struct str text, struct arena *arena, struct kept_states *ret,
                       struct err *err)
{
    struct json *reply = NULL;
    if (text.len == 0) {
        return err_set(err, ERR_INTERNAL, "the worker ended without an answer");
    }
    if (!json_parse(text, REPLY_BYTES_MAX, arena, &reply, err)) {
        return err_wrap(err, "the worker's answer");
    }
    const struct json *states = json_get(reply, "states");
    const struct json *present = json_get(reply, "has_present");
    if (states == NULL || states->type != JSON_ARRAY || present == NULL) {
        return worker_refused(reply, err);
    }
    *ret = (struct kept_states){.state_id = text_of(reply, "state_id"), .states = states->child};
    for (const struct json *s = states->child; s != NULL; s = s->next) {
        ret->count++;
    }
    if (present->type == JSON_BOOL && present->as.boolean && ret->count > 0) {
        ret->present = json_get(states->child, "value");
    }
    return true;
}

static bool add_change(struct str input, struct str change, struct buf *out, struct err *err)
{
    if (change.len > 0) {
        buf_add_text(out, "{\"state\":");
        buf_add(out, change);
        buf_add_char(out, ',');
        input = str_slice(input, 1, input.len); /* an object that has members */
    }
    buf_add(out, input);
    return !out->overflow ||
           err_set(err, ERR_FULL, "the state is larger than %d bytes", INPUT_BYTES_MAX);
}

bool kept_states_ask(const struct worker_asker *asker, const struct asset *asset, struct str change,
                     struct kept_states *ret, struct err *err)
{
    AUTO(buf) input = buf_growing(INPUT_BYTES_MAX);
    AUTO(buf) reply = buf_growing(REPLY_BYTES_MAX);
    struct step_spec spec;
    bool ok = (change.len == 0 || refuse_while_loading(asker->settings, asset, err)) &&
              worker_step(asker, asset, NULL, 0, &spec, err) &&
              add_change(spec.input, change, &input, err) &&
              worker_ask(&spec, "state", buf_str(&input), &reply, err) &&
              take_reply(buf_str(&reply), asker->arena, ret, err);
    buf_wipe(&input);
    return ok || err_wrap(err, "state of " STR_FMT, STR_ARG(asset->key));
}

bool kept_states_find(const struct kept_states *kept, int64_t age, const struct json **ret_at,
                      const struct json **ret_value, struct err *err)
{
    const struct json *s = kept->states;
    int64_t skip = kept->present != NULL ? age : age - 1;
    if (age == 0 && kept->present == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       STR_FMT " has no state: its next load begins from the "
                               "start",
                       STR_ARG(kept->state_id));
    }
    for (; s != NULL && skip > 0; skip--) {
        s = s->next;
    }
    if (s == NULL) {
        err_set(err, ERR_NOT_FOUND, STR_FMT " has no state %lld back", STR_ARG(kept->state_id),
                (long long)age);
        return err_hint(err, "%zu are kept: selvedge-agent state show --history", kept->count);
    }
    *ret_at = json_get(s, "at");
    *ret_value = json_get(s, "value");
    return true;
}
