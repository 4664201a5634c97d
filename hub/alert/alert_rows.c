#include "hub/alert/alert_rows.h"

#include "common/base/strmap.h"
#include "hub/alert/alert_payload.h"
#include "hub/fleet/targets.h"
#include "hub/store/store.h"
#include "hub_alert_sql.h"

enum { SILENCES_MAX = 200, DETAIL_BYTES_MAX = 300 };
#define KEEP_RESOLVED_NS (30 * INT64_C(86400) * NS_PER_SEC)

static const char *const way_names[ALERT_WAYS] = {"command", "webhook", "mqtt"};

static int64_t ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

static struct wall_time from_ms(int64_t v)
{
    return (struct wall_time){v * NS_PER_MS};
}

bool alert_rows_open(struct alert_rows *ret, const char *database, struct err *err)
{
    return hub_store_open_part(&ret->db, database, hub_alert_sql, HUB_ALERT_SQL_COUNT, err);
}

void alert_rows_close(struct alert_rows *rows)
{
    db_close(rows->db);
    rows->db = NULL;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "alerts: out of memory");
}

/* --- silences --------------------------------------------------------------------------------- */

struct silence {
    struct targets *targets;
    bool is_of_kind;
    enum alert_kind kind;
};
struct looking {
    struct arena *arena;
    struct strmap labels_at; /* device -> where its labels begin */
    struct target_label *labels;
    struct str *label_of; /* device of each */
    size_t label_count;
    struct silence silences[SILENCES_MAX];
    size_t silence_count;
};

static bool read_silences(struct alert_rows *rows, struct wall_time now, struct looking *l,
                          struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_ALERT_SILENCE_LIST);
    db_bind_i64(&q, ":now", ms(now));
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct silence *s = &l->silences[l->silence_count];
        struct err bad = {0};
        s->is_of_kind = alert_kind_from(db_col_str(&q, 2), &s->kind);
        /* It was checked when it was written. */
        if (l->silence_count + 1 < SILENCES_MAX &&
            targets_parse(db_col_str(&q, 1), l->arena, &s->targets, &bad)) {
            l->silence_count++;
        }
    }
    return ok;
}

/* Labels are asked for only when there is a silence that may want them. */
static bool read_labels(struct alert_rows *rows, struct looking *l, struct err *err)
{
    int64_t count = 0;
    bool found = false;
    if (!db_scalar_i64(rows->db, "SELECT count(*) FROM device_label", &count, &found, err)) {
        return false;
    }
    l->labels = arena_array(l->arena, (size_t)count + 1, sizeof(*l->labels));
    l->label_of = arena_array(l->arena, (size_t)count + 1, sizeof(*l->label_of));
    if (l->labels == NULL || l->label_of == NULL) {
        return no_memory(err);
    }
    struct db_query q = db_query(rows->db, HUB_ALERT_LABELS);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || l->label_count >= (size_t)count) {
            db_reset(&q);
            return true;
        }
        size_t at = l->label_count++;
        uint32_t first = 0;
        l->label_of[at] = arena_copy(l->arena, db_col_str(&q, 0));
        l->labels[at].key = arena_copy(l->arena, db_col_str(&q, 1));
        l->labels[at].value = arena_copy(l->arena, db_col_str(&q, 2));
        if (!strmap_get(&l->labels_at, l->label_of[at], &first) &&
            !strmap_put(&l->labels_at, l->label_of[at], (uint32_t)at)) {
            return no_memory(err);
        }
    }
}

static bool is_silenced(const struct looking *l, enum alert_kind kind, struct str device)
{
    struct target_device target = {.name = device, .is_online = kind != ALERT_AWAY};
    uint32_t first = 0;
    if (l->silence_count > 0 && strmap_get(&l->labels_at, device, &first)) {
        target.labels = &l->labels[first];
        while (first + target.label_count < l->label_count &&
               str_eq(l->label_of[first + target.label_count], device)) {
            target.label_count++;
        }
    }
    for (size_t i = 0; i < l->silence_count; i++) {
        const struct silence *s = &l->silences[i];
        if ((!s->is_of_kind || s->kind == kind) && targets_match(s->targets, &target)) {
            return true;
        }
    }
    return false;
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Room for one more; NULL when memory ends. */
static struct alert_condition *grow(struct arena *arena, struct alert_condition *items,
                                    size_t count, size_t *cap)
{
    if (count < *cap) {
        return items;
    }
    struct alert_condition *more = arena_array(arena, 2 * *cap, sizeof(*more));
    for (size_t i = 0; more != NULL && i < count; i++) {
        more[i] = items[i];
    }
    *cap *= 2;
    return more;
}

static bool read_conditions(struct alert_rows *rows, const struct alert_limits *limits,
                            struct looking *l, struct alert_look *ret, bool *ret_cut,
                            struct err *err)
{
    size_t cap = 256;
    size_t count = 0;
    struct alert_condition *items = arena_array(l->arena, cap, sizeof(*items));
    struct db_query q = db_query(rows->db, HUB_ALERT_CONDITIONS);
    db_bind_str(&q, ":group", limits->group_label);
    db_bind_i64(&q, ":now", ms(ret->now));
    db_bind_i64(&q, ":away", limits->away_ns / NS_PER_MS);
    db_bind_i64(&q, ":certificate", limits->certificate_ns / NS_PER_MS);
    for (bool row = true; items != NULL && row && !*ret_cut;) {
        enum alert_kind kind;
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || !alert_kind_from(db_col_str(&q, 0), &kind) ||
            is_silenced(l, kind, db_col_str(&q, 1))) {
            continue;
        }
        items = grow(l->arena, items, count, &cap);
        if (items != NULL) {
            items[count++] = (struct alert_condition){
                .kind = kind,
                .device = arena_copy(l->arena, db_col_str(&q, 1)),
                .group = arena_copy(l->arena, db_col_str(&q, 2)),
                .detail = arena_copy(l->arena, str_clip(db_col_str(&q, 3), DETAIL_BYTES_MAX))};
        }
        *ret_cut = count == ALERT_CONDITIONS_MAX;
    }
    db_reset(&q);
    ret->conditions = items;
    ret->condition_count = count;
    return (items != NULL && !l->arena->exhausted) || no_memory(err);
}

static bool read_groups(struct alert_rows *rows, struct str label, struct arena *arena,
                        struct alert_look *ret, struct err *err)
{
    enum { GROUPS_MAX = 10000 };
    struct alert_group *groups = arena_array(arena, GROUPS_MAX, sizeof(*groups));
    if (groups == NULL) {
        return no_memory(err);
    }
    struct db_query q = db_query(rows->db, HUB_ALERT_GROUPS);
    db_bind_str(&q, ":group", label);
    for (bool row = false;;) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (!row || ret->group_count == GROUPS_MAX) {
            db_reset(&q);
            ret->groups = groups;
            return true;
        }
        groups[ret->group_count++] =
            (struct alert_group){arena_copy(arena, db_col_str(&q, 0)), db_col_i64(&q, 1)};
    }
}

static void read_row(const struct db_query *q, struct alert_row *ret)
{
    (void)alert_kind_from(db_col_str(q, 1), &ret->kind);
    ret->id = db_col_i64(q, 0);
    ret->is_group = db_col_i64(q, 2) != 0;
    ret->subject = db_col_str(q, 3);
    ret->opened = from_ms(db_col_i64(q, 4));
    ret->told = from_ms(db_col_i64(q, 5));
}

static bool read_open(struct alert_rows *rows, struct arena *arena, struct alert_look *ret,
                      struct err *err)
{
    int64_t count = 0;
    bool found = false;
    if (!db_scalar_i64(rows->db, "SELECT count(*) FROM alert WHERE resolved_ms IS NULL", &count,
                       &found, err)) {
        return false;
    }
    struct alert_row *open = arena_array(arena, (size_t)count + 1, sizeof(*open));
    if (open == NULL) {
        return no_memory(err);
    }
    ret->open = open;
    struct db_query q = db_query(rows->db, HUB_ALERT_OPEN_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct alert_row *r = &open[ret->open_count++];
        read_row(&q, r);
        r->subject = arena_copy(arena, r->subject);
        r->devices = db_col_i64(&q, 6);
        r->troubles = db_col_i64(&q, 7);
    }
    return ok;
}

bool alert_rows_look(struct alert_rows *rows, const struct alert_limits *limits,
                     struct wall_time now, struct arena *arena, struct alert_look *ret,
                     bool *ret_cut, struct err *err)
{
    struct looking *l = arena_alloc(arena, sizeof(*l));
    if (l == NULL) {
        return no_memory(err);
    }
    *l = (struct looking){.arena = arena, .labels_at = strmap_new(arena)};
    *ret = (struct alert_look){.now = now};
    *ret_cut = false;
    AUTO(db_tx) tx = {0}; /* one snapshot */
    return db_tx_begin_read(rows->db, &tx, err) && read_silences(rows, now, l, err) &&
           (l->silence_count == 0 || read_labels(rows, l, err)) &&
           read_conditions(rows, limits, l, ret, ret_cut, err) &&
           read_groups(rows, limits->group_label, arena, ret, err) &&
           read_open(rows, arena, ret, err) && db_tx_commit(&tx, err);
}

struct alert_sender alert_sender_of(const struct hub_config *config)
{
    return (struct alert_sender){
        .ways = 1U << ALERT_BY_MQTT |
                (config->alert_command.count > 0 ? 1U << ALERT_BY_COMMAND : 0U) |
                (str_is_empty(config->alert_webhook) ? 0U : 1U << ALERT_BY_WEBHOOK),
        .fleet = config->fleet,
        .group_label = config->alert_group};
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool add_messages(struct alert_rows *rows, const struct alert_sender *sender,
                         struct str payload, struct wall_time now, struct err *err)
{
    for (unsigned way = 0; way < ALERT_WAYS; way++) {
        if ((sender->ways >> way & 1U) == 0) {
            continue;
        }
        struct db_query q = db_query(rows->db, HUB_ALERT_MESSAGE_ADD);
        db_bind_str(&q, ":way", str_from(way_names[way]));
        db_bind_str(&q, ":payload", payload);
        db_bind_i64(&q, ":now", ms(now));
        if (!db_run(&q, err)) {
            return false;
        }
    }
    return true;
}

static bool tell(struct alert_rows *rows, const struct alert_sender *sender,
                 const struct alert_change *c, struct wall_time now, struct err *err)
{
    AUTO(buf) payload = buf_growing(ALERT_PAYLOAD_BYTES_MAX);
    alert_payload_write(sender->fleet, sender->group_label, c, now, &payload);
    if (payload.overflow) {
        return no_memory(err);
    }
    return add_messages(rows, sender, buf_str(&payload), now, err);
}

static bool run_by_id(struct alert_rows *rows, int statement, int64_t id, struct err *err)
{
    struct db_query q = db_query(rows->db, statement);
    db_bind_i64(&q, ":id", id);
    return db_run(&q, err);
}

static bool write_row(struct alert_rows *rows, const struct alert_change *c, struct wall_time now,
                      struct err *err)
{
    bool is_new = c->type == ALERT_OPEN;
    struct db_query q = db_query(rows->db, is_new ? HUB_ALERT_ALERT_ADD : HUB_ALERT_ALERT_UPDATE);
    if (is_new) {
        db_bind_str(&q, ":kind", str_from(alert_kind_name(c->row.kind)));
        db_bind_i64(&q, ":is_group", c->row.is_group);
        db_bind_str(&q, ":subject", c->row.subject);
        db_bind_i64(&q, ":now", ms(now));
    } else {
        db_bind_i64(&q, ":id", c->row.id);
    }
    db_bind_i64(&q, ":told", ms(c->row.told));
    db_bind_i64(&q, ":devices", c->row.devices);
    db_bind_i64(&q, ":troubles", c->row.troubles);
    db_bind_str(&q, ":detail", c->detail.ptr == NULL ? STR("") : c->detail);
    return db_run(&q, err);
}

static bool write_change(struct alert_rows *rows, const struct alert_sender *sender,
                         const struct alert_change *c, struct wall_time now, struct err *err)
{
    switch (c->type) {
    case ALERT_OPEN:
    case ALERT_KEEP:
        return write_row(rows, c, now, err);
    case ALERT_FIRE:
        return write_row(rows, c, now, err) && tell(rows, sender, c, now, err);
    case ALERT_DROP:
        return run_by_id(rows, HUB_ALERT_ALERT_DROP, c->row.id, err);
    case ALERT_RESOLVE:
        break;
    }
    struct db_query q = db_query(rows->db, HUB_ALERT_ALERT_RESOLVE);
    db_bind_i64(&q, ":id", c->row.id);
    db_bind_i64(&q, ":now", ms(now));
    return db_run(&q, err) && tell(rows, sender, c, now, err);
}

static bool expire(struct alert_rows *rows, struct wall_time now, struct err *err)
{
    struct db_query alerts = db_query(rows->db, HUB_ALERT_ALERT_EXPIRE);
    db_bind_i64(&alerts, ":before", ms((struct wall_time){now.ns - KEEP_RESOLVED_NS}));
    struct db_query silences = db_query(rows->db, HUB_ALERT_SILENCE_EXPIRE);
    db_bind_i64(&silences, ":now", ms(now));
    return db_run(&alerts, err) && db_run(&silences, err);
}

bool alert_rows_write(struct alert_rows *rows, const struct alert_sender *sender,
                      const struct alert_change *changes, size_t count, struct wall_time now,
                      size_t *ret_told, struct err *err)
{
    AUTO(db_tx) tx = {0};
    *ret_told = 0;
    if (!db_tx_begin(rows->db, &tx, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!write_change(rows, sender, &changes[i], now, err)) {
            return false;
        }
        *ret_told += changes[i].type == ALERT_FIRE || changes[i].type == ALERT_RESOLVE;
    }
    return expire(rows, now, err) && db_tx_commit(&tx, err);
}

bool alert_rows_test(struct alert_rows *rows, const struct alert_sender *sender,
                     struct wall_time now, struct err *err)
{
    AUTO(buf) payload = buf_growing(ALERT_PAYLOAD_BYTES_MAX);
    alert_payload_test(sender->fleet, now, &payload);
    AUTO(db_tx) tx = {0};
    return db_tx_begin(rows->db, &tx, err) &&
           add_messages(rows, sender, buf_str(&payload), now, err) && db_tx_commit(&tx, err);
}

/* --- messages --------------------------------------------------------------------------------- */

bool alert_rows_due(struct alert_rows *rows, enum alert_way way, struct wall_time now,
                    struct arena *arena, struct alert_message *ret, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_ALERT_MESSAGE_NEXT);
    bool row = false;
    *ret = (struct alert_message){0};
    db_bind_str(&q, ":way", str_from(way_names[way]));
    db_bind_i64(&q, ":now", ms(now));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    ret->id = db_col_i64(&q, 0);
    ret->payload = arena_copy(arena, db_col_str(&q, 1));
    ret->attempts = db_col_i64(&q, 2);
    ret->created = from_ms(db_col_i64(&q, 3));
    db_reset(&q);
    return ret->payload.ptr != NULL || no_memory(err);
}

bool alert_rows_soonest(struct alert_rows *rows, struct wall_time *ret, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_ALERT_MESSAGE_SOONEST);
    bool row = false;
    *ret = (struct wall_time){0};
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        *ret = from_ms(db_col_i64(&q, 0));
        db_reset(&q);
    }
    return true;
}

bool alert_rows_sent(struct alert_rows *rows, int64_t id, struct err *err)
{
    return run_by_id(rows, HUB_ALERT_MESSAGE_DONE, id, err);
}

bool alert_rows_later(struct alert_rows *rows, int64_t id, struct wall_time next, struct str error,
                      struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_ALERT_MESSAGE_LATER);
    db_bind_i64(&q, ":id", id);
    db_bind_i64(&q, ":next", ms(next));
    db_bind_str(&q, ":error", error);
    return db_run(&q, err);
}

/* --- for command lines ------------------------------------------------------------------------ */

bool alert_rows_each(struct alert_rows *rows, bool with_resolved, int64_t limit,
                     void (*on_row)(void *ctx, const struct alert_listed *row), void *ctx,
                     struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_ALERT_ALERT_LIST);
    db_bind_i64(&q, ":all", with_resolved);
    db_bind_i64(&q, ":limit", limit);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct alert_listed listed = {.resolved = from_ms(db_col_i64(&q, 6)),
                                      .detail = db_col_str(&q, 9)};
        read_row(&q, &listed.row);
        listed.row.devices = db_col_i64(&q, 7);
        listed.row.troubles = db_col_i64(&q, 8);
        on_row(ctx, &listed);
    }
    return ok;
}

bool alert_rows_silence(struct alert_rows *rows, const struct alert_silence *silence,
                        struct wall_time now, struct err *err)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct targets *targets = NULL;
    enum alert_kind kind;
    if (!targets_parse(silence->targets, &arena, &targets, err)) {
        return false;
    }
    if (!str_is_empty(silence->kind) && !alert_kind_from(silence->kind, &kind)) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no kind of alert",
                       STR_ARG(silence->kind));
    }
    struct db_query q = db_query(rows->db, HUB_ALERT_SILENCE_ADD);
    db_bind_str(&q, ":targets", silence->targets);
    db_bind_opt(&q, ":kind", silence->kind);
    db_bind_i64(&q, ":now", ms(now));
    db_bind_i64(&q, ":until", ms(silence->until));
    db_bind_opt(&q, ":reason", silence->reason);
    return db_run(&q, err);
}

bool alert_rows_unsilence(struct alert_rows *rows, int64_t id, struct err *err)
{
    if (!run_by_id(rows, HUB_ALERT_SILENCE_END, id, err)) {
        return false;
    }
    if (db_changes(rows->db) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no silence %lld", (long long)id);
        return err_hint(err, "list them: selvedge-hub alerts silences");
    }
    return true;
}

bool alert_rows_each_silence(struct alert_rows *rows, struct wall_time now,
                             void (*on_row)(void *ctx, const struct alert_silence *row), void *ctx,
                             struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_ALERT_SILENCE_LIST);
    db_bind_i64(&q, ":now", ms(now));
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct alert_silence silence = {.id = db_col_i64(&q, 0),
                                              .targets = db_col_str(&q, 1),
                                              .kind = db_col_str(&q, 2),
                                              .until = from_ms(db_col_i64(&q, 3)),
                                              .reason = db_col_str(&q, 4)};
        on_row(ctx, &silence);
    }
    return ok;
}
