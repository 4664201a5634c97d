#include "agent/el/state_history.h"

#include "common/base/limits.h"

#include <stdio.h>

void state_history_init(struct state_history *h)
{
    *h = (struct state_history){.value = buf_growing(LIMIT_JSON_BYTES),
                                .history = buf_growing(STATE_HISTORY_BYTES_MAX),
                                .earlier = buf_growing((size_t)LIMIT_JSON_BYTES * 2)};
}

void state_history_release(struct state_history *h)
{
    buf_release(&h->value);
    buf_release(&h->history);
    buf_release(&h->earlier);
}

static void add_element(struct buf *out, const struct json *element)
{
    buf_add_char(out, ',');
    json_write(out, element);
}

static bool is_element(const struct json *e)
{
    const struct json *at = json_get(e, "at");
    return at != NULL && at->type == JSON_STRING && json_get(e, "value") != NULL;
}

/* The present one. */
static void read_first(struct state_history *h, const struct json *e)
{
    const struct json *value = json_get(e, "value");
    (void)snprintf(h->at, sizeof(h->at), STR_FMT, STR_ARG(json_get(e, "at")->as.string));
    if (value->type != JSON_NULL) {
        json_write(&h->value, value);
        add_element(&h->earlier, e);
    }
}

bool state_history_read(struct state_history *h, const struct json *states, struct err *err)
{
    size_t count = 0;
    if (states == NULL) {
        return true;
    }
    if (states->type != JSON_ARRAY) {
        return err_set(err, ERR_CORRUPT, "\"states\" is no list");
    }
    for (const struct json *e = states->child; e != NULL; e = e->next, count++) {
        if (!is_element(e)) {
            return err_set(err, ERR_CORRUPT, "\"states\" has something else than states");
        }
        if (count == 0) {
            read_first(h, e);
        } else if (count < STATES_KEPT - 1 && h->history.len <= STATE_HISTORY_BYTES_MAX / 2) {
            add_element(&h->history, e);
        }
    }
    return !(h->value.overflow || h->earlier.overflow || h->history.overflow) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

bool state_history_put(struct state_history *h, struct str value, struct err *err)
{
    if (h->earlier.len > 0) { /* the first of this run */
        AUTO(buf) rest = buf_growing(STATE_HISTORY_BYTES_MAX);
        buf_add(&rest, buf_str(&h->history));
        buf_reset(&h->history);
        buf_add(&h->history, buf_str(&h->earlier));
        buf_add(&h->history, buf_str(&rest));
        buf_reset(&h->earlier);
    }
    buf_reset(&h->value);
    buf_add(&h->value, value);
    return !(h->value.overflow || h->history.overflow) ||
           err_set(err, ERR_FULL, "a state is larger than %d bytes", LIMIT_JSON_BYTES);
}

void state_history_write(struct state_history *h, struct json_writer *w, struct wall_time now)
{
    jw_begin_array(w);
    jw_begin_object(w);
    jw_member_wall(w, "at", now);
    jw_member_raw(w, "value", h->value.len == 0 ? STR("null") : buf_str(&h->value));
    jw_end_object(w);
    buf_add(w->out, buf_str(&h->history));
    jw_end_array(w);
    (void)wall_format(now, h->at);
}

static bool take(struct kept_states *to, struct str at, struct str value, struct arena *arena,
                 struct err *err)
{
    struct kept_state *state = &to->items[to->count++];
    state->at = arena_copy(arena, at);
    state->value = arena_copy(arena, value);
    return (state->at.ptr != NULL && state->value.ptr != NULL) ||
           err_set(err, ERR_NO_MEMORY, "no memory for the states");
}

bool state_history_list(const struct state_history *h, struct arena *arena, struct kept_states *ret,
                        struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)STATE_HISTORY_BYTES_MAX * 2);
    struct json *list = NULL;
    *ret = (struct kept_states){.has_present = h->value.len > 0};
    if (ret->has_present && !take(ret, str_from(h->at), buf_str(&h->value), arena, err)) {
        return false;
    }
    buf_add_char(&text, '[');
    buf_add(&text, str_slice(buf_str(&h->history), h->history.len > 0 ? 1 : 0, h->history.len));
    buf_add_char(&text, ']');
    if (!json_parse(buf_str(&text), (size_t)STATE_HISTORY_BYTES_MAX * 2, arena, &list, err)) {
        return false;
    }
    for (const struct json *e = list->child; e != NULL && ret->count < STATES_KEPT; e = e->next) {
        AUTO(buf) value = buf_growing(LIMIT_JSON_BYTES);
        json_write(&value, json_get(e, "value"));
        if (!take(ret, json_get(e, "at")->as.string, buf_str(&value), arena, err)) {
            return false;
        }
    }
    return true;
}
