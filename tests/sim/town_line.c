/* town_line.c - the second bookkeeping of one disk: which commands it has heard and obeyed, which
 * ticks started a run, which revision is in force; kept from the events that the device records. */
#include "tests/sim/town_internal.h"

#include <stdlib.h>
#include <string.h>

/* --- members of a line ------------------------------------------------------------------------ */

static struct str after(struct str line, const char *mark)
{
    size_t len = strlen(mark);
    const char *at = memmem(line.ptr, line.len, mark, len);
    return at == NULL ? STR_NONE : str_slice(line, (size_t)(at - line.ptr) + len, line.len);
}

/* Of a text member; `mark` is "\"name\":\"". */
static struct str text_of(struct str line, const char *mark)
{
    struct str value = STR_NONE;
    struct str rest = STR_NONE;
    (void)str_cut(after(line, mark), '"', &value, &rest);
    return value;
}

static int64_t number_of(struct str line, const char *mark)
{
    struct str rest = after(line, mark);
    int64_t value = 0;
    for (size_t i = 0; i < rest.len && rest.ptr[i] >= '0' && rest.ptr[i] <= '9'; i++) {
        value = 10 * value + (rest.ptr[i] - '0');
    }
    return value;
}

/* --- commands --------------------------------------------------------------------------------- */

static int command_of(const struct town *t, struct str id)
{
    for (int i = t->command_count - 1; i >= 0; i--) {
        if (str_eq(id, str_from(t->commands[i].id))) {
            return i;
        }
    }
    return -1;
}

/* Promise P5. */
static void note_step(struct town *t, int d, struct str id, enum line_step step,
                      struct wall_time at)
{
    bool is_deed = step != LINE_RECEIVED && step != LINE_REFUSED;
    static const char *const words[] = {"received", "started", "given a run", "carried out",
                                        "refused"};
    struct town_device *device = &t->devices[d];
    int c = command_of(t, id);
    if (c < 0) {
        town_fail(t, "%s obeys command " STR_FMT ", which nobody gave", device->name, STR_ARG(id));
        return;
    }
    if (!t->commands[c].is_for[d]) {
        town_fail(t, "%s obeys command " STR_FMT ", which is for others", device->name,
                  STR_ARG(id));
        return;
    }
    uint64_t *word = &device->line.commands[step][c / 64];
    uint64_t bit = UINT64_C(1) << (c % 64);
    bool has_begun = (device->line.commands[LINE_STARTED][c / 64] & bit) != 0 ||
                     (device->line.commands[LINE_RUN][c / 64] & bit) != 0;
    if ((*word & bit) != 0) {
        town_fail(t, "%s: command " STR_FMT " is %s for the second time", device->name, STR_ARG(id),
                  words[step]);
    } else if (!has_begun && is_deed && at.ns >= t->commands[c].expires.ns) {
        town_fail(t, "%s obeys command " STR_FMT " after its end", device->name, STR_ARG(id));
    }
    *word |= bit;
    t->result->obeyed += !has_begun && is_deed;
}

static void note_command(struct town *t, int d, const struct event *ev)
{
    struct str id = text_of(ev->body, "\"command\":\"");
    struct str status = text_of(ev->body, "\"status\":\"");
    if (str_is_empty(id)) {
        return; /* of a message that was refused */
    }
    if (str_eq(status, STR("received"))) {
        note_step(t, d, id, LINE_RECEIVED, ev->at);
    } else if (str_eq(status, STR("started"))) {
        note_step(t, d, id, LINE_STARTED, ev->at);
    } else if (str_eq(status, STR("succeeded"))) {
        note_step(t, d, id, LINE_ENDED, ev->at);
    } else {
        note_step(t, d, id, LINE_REFUSED, ev->at);
    }
}

/* Whatever was taken in is told an end. */
void line_is_over(struct town *t, int d)
{
    const struct town_line *line = &t->devices[d].line;
    for (int c = 0; c < t->command_count; c++) {
        uint64_t bit = UINT64_C(1) << (c % 64);
        uint64_t ended = line->commands[LINE_ENDED][c / 64] | line->commands[LINE_REFUSED][c / 64];
        if ((line->commands[LINE_RECEIVED][c / 64] & bit) != 0 && (ended & bit) == 0) {
            town_fail(t, "%s: nothing was told of the end of command %s", t->devices[d].name,
                      t->commands[c].id);
        }
    }
}

static void note_run(struct town *t, int d, const struct event *ev)
{
    struct str id = text_of(ev->body, "\"selvedge/command\":\"");
    bool is_first = str_is_empty(text_of(ev->body, "\"parent\":\""));
    if (is_first && !str_is_empty(id)) {
        note_step(t, d, id, LINE_RUN, ev->at);
    }
}

/* --- ticks ------------------------------------------------------------------------------------ */

static uint64_t hash_of(struct str a, struct str b)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < a.len; i++) {
        h = (h ^ (unsigned char)a.ptr[i]) * UINT64_C(1099511628211);
    }
    h = (h ^ 0xff) * UINT64_C(1099511628211);
    for (size_t i = 0; i < b.len; i++) {
        h = (h ^ (unsigned char)b.ptr[i]) * UINT64_C(1099511628211);
    }
    return h == 0 ? 1 : h;
}

static void put(uint64_t *set, size_t cap, uint64_t key)
{
    size_t i = key & (cap - 1);
    while (set[i] != 0) {
        i = (i + 1) & (cap - 1);
    }
    set[i] = key;
}

static void grow(struct town_line *line)
{
    size_t cap = line->tick_cap == 0 ? 64 : 2 * line->tick_cap;
    uint64_t *set = calloc(cap, sizeof(*set));
    if (set == NULL) {
        abort();
    }
    for (size_t i = 0; i < line->tick_cap; i++) {
        if (line->ticks[i] != 0) {
            put(set, cap, line->ticks[i]);
        }
    }
    free(line->ticks);
    line->ticks = set;
    line->tick_cap = cap;
}

static bool has(const struct town_line *line, uint64_t key)
{
    for (size_t i = key & (line->tick_cap - 1); line->ticks[i] != 0;
         i = (i + 1) & (line->tick_cap - 1)) {
        if (line->ticks[i] == key) {
            return true;
        }
    }
    return false;
}

/* Promise P4: by its nominal time, whatever the clock did. */
static void note_tick(struct town *t, int d, const struct event *ev)
{
    struct town_line *line = &t->devices[d].line;
    struct str name = text_of(ev->body, "\"schedule\":\"");
    struct str nominal = text_of(ev->body, "\"nominal\":\"");
    if (!str_eq(text_of(ev->body, "\"status\":\""), STR("started")) || str_is_empty(nominal)) {
        return;
    }
    uint64_t key = hash_of(name, nominal);
    if (2 * (line->tick_count + 1) > line->tick_cap) {
        grow(line);
    }
    if (has(line, key)) {
        town_fail(t, "%s: the tick " STR_FMT " of " STR_FMT " starts a second run",
                  t->devices[d].name, STR_ARG(nominal), STR_ARG(name));
        return;
    }
    put(line->ticks, line->tick_cap, key);
    line->tick_count++;
    t->result->ticks++;
}

/* --- desired state ---------------------------------------------------------------------------- */

static void note_desired(struct town *t, int d, const struct event *ev)
{
    struct town_device *device = &t->devices[d];
    int64_t applied = number_of(ev->body, "\"applied\":");
    struct str hash = text_of(ev->body, "\"hash\":\"");
    bool is_issued = applied == 0;
    if (applied < device->line.applied) {
        town_fail(t, "%s: revision %lld is in force after %lld", device->name, (long long)applied,
                  (long long)device->line.applied);
        return;
    }
    for (size_t i = device->issued_count; i-- > 0 && !is_issued;) {
        is_issued =
            device->issued[i].revision == applied && str_eq(hash, str_from(device->issued[i].hash));
    }
    if (!is_issued) {
        town_fail(t, "%s: revision %lld is in force, and the hub never sent that", device->name,
                  (long long)applied);
    }
    t->result->revisions += applied > device->line.applied;
    device->line.applied = applied;
}

void line_note(struct town *t, int d, struct str line)
{
    struct event ev;
    struct err err = {0};
    t->result->events++;
    if (!event_parse(line, &ev, &err)) {
        town_fail(t, "%s records what is no event: %s", t->devices[d].name, err.msg);
        return;
    }
    check_secrets(t, line, "an event");
    if (ev.type == EVENT_COMMAND) {
        note_command(t, d, &ev);
    } else if (ev.type == EVENT_RUN_ENQUEUED) {
        note_run(t, d, &ev);
    } else if (ev.type == EVENT_TICK) {
        note_tick(t, d, &ev);
    } else if (ev.type == EVENT_DESIRED) {
        note_desired(t, d, &ev);
    } else if (ev.type == EVENT_BUNDLE) {
        t->bundles_said = t->now;
        t->result->bundles += str_eq(text_of(ev.body, "\"status\":\""), STR("applied"));
    }
}

/* --- with its disk ---------------------------------------------------------------------------- */

void line_release(struct town_line *line)
{
    free(line->ticks);
    line->ticks = NULL;
}

void line_copy(struct town_line *to, const struct town_line *from)
{
    line_release(to);
    *to = *from;
    if (from->tick_cap > 0) {
        to->ticks = calloc(from->tick_cap, sizeof(*to->ticks));
        if (to->ticks == NULL) {
            abort();
        }
        memcpy(to->ticks, from->ticks, from->tick_cap * sizeof(*to->ticks));
    }
}
