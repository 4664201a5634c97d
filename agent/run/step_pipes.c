#include "agent/run/step_pipes.h"

#include "common/json/json_writer.h"
#include <stdio.h>

enum {
    MEMBER_BYTES_MAX = LIMIT_EVENT_BYTES / 2, /* of an exception or a payload in an event */
    MEMBERS_BYTES_MAX = LIMIT_EVENT_BYTES,
    ARENA_BYTES_MAX = 1 << 20,
    TEXT_BYTES_MAX = 4096,
};

static bool add_asset(struct step_pipes *p, size_t index)
{
    struct step_pipes_asset *asset = &p->assets[index];
    const struct step_pipes_asset *given = &p->options.assets[index];
    size_t checks = given->asset == NULL ? 0 : given->asset->check_count;
    *asset =
        (struct step_pipes_asset){.key = given->key,
                                  .asset = given->asset,
                                  .metadata = buf_growing(EVENT_METADATA_BYTES_MAX),
                                  .data_version = buf_growing(TEXT_BYTES_MAX),
                                  .reported = arena_array(&p->arena, checks + 1, sizeof(bool))};
    return asset->reported != NULL;
}

bool step_pipes_init(struct step_pipes *p, const struct step_pipes_options *options,
                     struct err *err)
{
    *p = (struct step_pipes){.options = *options,
                             .exception = buf_growing(TEXT_BYTES_MAX),
                             .arena = arena_new(ARENA_BYTES_MAX)};
    p->options.asset_count = 0; /* those that are set up: what is to be released */
    p->assets = arena_array(&p->arena, options->asset_count, sizeof(*p->assets));
    while (p->assets != NULL && p->options.asset_count < options->asset_count) {
        if (!add_asset(p, p->options.asset_count++)) {
            p->assets = NULL;
        }
    }
    return p->assets != NULL || err_set(err, ERR_NO_MEMORY, "prepare Dagster Pipes: no memory");
}

void step_pipes_release(struct step_pipes *p)
{
    for (size_t i = 0; p->assets != NULL && i < p->options.asset_count; i++) {
        buf_release(&p->assets[i].metadata);
        buf_release(&p->assets[i].data_version);
    }
    buf_release(&p->exception);
    arena_release(&p->arena);
}

/* --- records ---------------------------------------------------------------------------------- */

static struct record make_record(const struct step_pipes *p, enum event_type type,
                                 struct wall_time now)
{
    struct record r = p->options.base;
    r.type = type;
    r.at = now;
    return r;
}

/* True also when it is in the store already. */
static bool offer(struct step_pipes *p, const struct pipes_message *m, struct record *r)
{
    if (m->end <= p->options.recorded) {
        return true;
    }
    r->messages_end = m->end;
    return p->options.record(p->options.ctx, r);
}

static const char *const oddities[PIPES_ODDITIES] = {
    [PIPES_ODD_LINE] = "Dagster Pipes: passed over what is no message",
    [PIPES_ODD_METHOD] = "Dagster Pipes: passed over a message of a method that is not known here",
    [PIPES_ODD_ASSET] = "Dagster Pipes: passed over a report of an asset that is not this step's",
    [PIPES_ODD_SECOND] = "Dagster Pipes: the asset was reported again; the last report counts",
    [PIPES_ODD_AFTER_CLOSED] = "Dagster Pipes: a message came after the program said it was closed",
};

/* The first of its kind is told at once, the others are counted. */
static bool take_oddity(struct step_pipes *p, const struct pipes_message *m, struct wall_time now,
                        enum step_pipes_oddity kind, struct str what)
{
    if (p->odd[kind] == 0) {
        AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
        buf_add_text(&text, oddities[kind]);
        if (!str_is_empty(what)) {
            buf_addf(&text, ": " STR_FMT, STR_ARG(str_clip(what, TEXT_BYTES_MAX / 2)));
        }
        struct record r = make_record(p, EVENT_ENGINE_EVENT, now);
        r.level = STR("warning");
        r.message = text.overflow ? str_from(oddities[kind]) : buf_str(&text);
        if (!offer(p, m, &r)) {
            return false;
        }
    }
    p->odd[kind]++;
    return true;
}

/* --- one message each ------------------------------------------------------------------------- */

static bool take_log(struct step_pipes *p, const struct pipes_message *m, struct wall_time now)
{
    AUTO(buf) text = buf_growing(LIMIT_STEP_LINE_BYTES + TEXT_BYTES_MAX);
    AUTO(buf) members = buf_growing(TEXT_BYTES_MAX);
    struct record r = make_record(p, EVENT_LOG, now);
    r.level = m->level;
    r.message = str_clip(m->text, LIMIT_STEP_LINE_BYTES);
    if (r.message.len < m->text.len) {
        buf_addf(&text, STR_FMT "... (%zu bytes more)", STR_ARG(r.message),
                 m->text.len - r.message.len);
        r.message = text.overflow ? r.message : buf_str(&text);
    }
    if (!str_is_empty(m->level_name)) {
        struct json_writer w = json_writer(&members);
        jw_member_str(&w, "level_name", m->level_name);
        r.members = members.overflow ? STR_NONE : buf_str(&members);
    }
    return offer(p, m, &r);
}

static bool keep_text(struct buf *to, struct str text)
{
    buf_reset(to);
    buf_add(to, text);
    return !to->overflow;
}

static bool take_materialization(struct step_pipes *p, const struct pipes_message *m,
                                 struct step_pipes_asset *asset, struct wall_time now)
{
    struct str which = p->options.asset_count > 1 ? asset->key : STR_NONE;
    if (asset->has_materialized && !take_oddity(p, m, now, PIPES_ODD_SECOND, which)) {
        return false;
    }
    asset->has_materialized = true;
    asset->materialized_at = now;
    p->reports++;
    return keep_text(&asset->metadata, m->metadata) &&
           keep_text(&asset->data_version, m->data_version);
}

static void note_check(struct step_pipes_asset *of, const struct pipes_message *m)
{
    const struct asset *asset = of->asset;
    for (size_t i = 0; asset != NULL && i < asset->check_count; i++) {
        const struct check *check = &asset->checks[i];
        if (!str_eq(check->name, m->check)) {
            continue;
        }
        of->reported[i] = true;
        if (check->is_blocking && !m->passed && str_eq(m->severity, STR("error"))) {
            of->blocking = check;
        } else if (of->blocking == check) {
            of->blocking = NULL; /* the last evaluation counts */
        }
    }
}

static bool take_check(struct step_pipes *p, const struct pipes_message *m,
                       struct step_pipes_asset *asset, struct wall_time now)
{
    struct record r = make_record(p, EVENT_ASSET_CHECK_EVALUATION, now);
    r.asset = asset->key;
    r.check = m->check;
    r.severity = m->severity;
    r.passed = m->passed;
    r.metadata = m->metadata;
    if (!offer(p, m, &r)) {
        return false;
    }
    note_check(asset, m);
    return true;
}

/* {"member": json} as a record's members; STR_NONE when it does not fit an event. */
static struct str make_member(struct buf *into, const char *member, struct str json)
{
    struct json_writer w = json_writer(into);
    if (json.len > MEMBER_BYTES_MAX) {
        return STR_NONE;
    }
    jw_member_raw(&w, member, json);
    return into->overflow ? STR_NONE : buf_str(into);
}

static bool take_custom(struct step_pipes *p, const struct pipes_message *m, struct wall_time now)
{
    char text[100];
    AUTO(buf) members = buf_growing(MEMBERS_BYTES_MAX);
    struct record r = make_record(p, EVENT_ENGINE_EVENT, now);
    r.level = STR("info");
    r.message = STR("the step sent a custom message");
    r.members = make_member(&members, "payload", m->payload);
    if (str_is_empty(r.members)) {
        (void)snprintf(text, sizeof(text),
                       "the step sent a custom message of %zu bytes, more than is kept",
                       m->payload.len);
        r.message = str_from(text);
    }
    return offer(p, m, &r);
}

static bool take_closed(struct step_pipes *p, const struct pipes_message *m, struct wall_time now)
{
    if (!str_is_empty(m->exception)) {
        AUTO(buf) members = buf_growing(MEMBERS_BYTES_MAX);
        struct record r = make_record(p, EVENT_ENGINE_EVENT, now);
        r.level = STR("error");
        r.message = STR("the step's program told of an exception");
        r.error_code = STR("exception");
        r.error_message = str_is_empty(m->exception_text) ? r.message : m->exception_text;
        r.members = make_member(&members, "exception", m->exception);
        if (!offer(p, m, &r)) {
            return false;
        }
        (void)keep_text(&p->exception, r.error_message);
    }
    p->was_closed = true;
    return true;
}

static bool take_external(struct step_pipes *p, const struct pipes_message *m)
{
    if (p->options.output != NULL && m->end > p->options.recorded) {
        p->options.output(p->options.ctx, m->is_stderr, m->text);
    }
    return true;
}

/* NULL when the step does not make it. */
static struct step_pipes_asset *find_asset(const struct step_pipes *p, struct str key)
{
    for (size_t i = 0; i < p->options.asset_count; i++) {
        if (str_eq(p->assets[i].key, key)) {
            return &p->assets[i];
        }
    }
    return NULL;
}

static bool take_report(struct step_pipes *p, const struct pipes_message *m, struct wall_time now)
{
    struct step_pipes_asset *asset = find_asset(p, m->asset);
    if (asset == NULL) {
        return take_oddity(p, m, now, PIPES_ODD_ASSET, m->asset);
    }
    return m->method == PIPES_CHECK ? take_check(p, m, asset, now)
                                    : take_materialization(p, m, asset, now);
}

bool step_pipes_take(struct step_pipes *p, const struct pipes_message *m, struct wall_time now)
{
    bool is_late = p->was_closed && m->method != PIPES_CLOSED && m->method != PIPES_MALFORMED;
    if (is_late && p->odd[PIPES_ODD_AFTER_CLOSED] == 0 &&
        !take_oddity(p, m, now, PIPES_ODD_AFTER_CLOSED, STR_NONE)) {
        return false;
    }
    switch (m->method) {
    case PIPES_OPENED:
        p->was_opened = true;
        return true;
    case PIPES_LOG:
        return take_log(p, m, now);
    case PIPES_MATERIALIZATION:
    case PIPES_CHECK:
        return take_report(p, m, now);
    case PIPES_CUSTOM:
        return take_custom(p, m, now);
    case PIPES_EXTERNAL_STREAM:
        return take_external(p, m);
    case PIPES_CLOSED:
        return take_closed(p, m, now);
    case PIPES_UNKNOWN:
        return take_oddity(p, m, now, PIPES_ODD_METHOD, m->text);
    case PIPES_MALFORMED:
        return take_oddity(p, m, now, PIPES_ODD_LINE, m->text);
    }
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void tell(struct step_pipes *p, struct wall_time now, struct str text)
{
    struct record r = make_record(p, EVENT_ENGINE_EVENT, now);
    r.level = STR("warning");
    r.message = text;
    (void)p->options.record(p->options.ctx, &r);
}

void step_pipes_end(struct step_pipes *p, struct wall_time now)
{
    for (int i = 0; i < PIPES_ODDITIES; i++) {
        char text[160];
        if (p->odd[i] > 1) {
            (void)snprintf(text, sizeof(text), "%s: %lld times", oddities[i], (long long)p->odd[i]);
            tell(p, now, str_from(text));
        }
    }
    if (p->was_opened && !p->was_closed) {
        tell(p, now,
             STR("Dagster Pipes was opened and not closed: what the program had not written yet is "
                 "lost"));
    }
}

const struct check *step_pipes_missing_check(const struct step_pipes_asset *of)
{
    const struct asset *asset = of->asset;
    for (size_t i = 0; asset != NULL && i < asset->check_count; i++) {
        bool is_ours = str_is_empty(asset->checks[i].sql) && asset->checks[i].run.count == 0;
        if (is_ours && !of->reported[i]) {
            return &asset->checks[i];
        }
    }
    return NULL;
}
