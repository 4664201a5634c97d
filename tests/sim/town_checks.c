/* town_checks.c - what was promised, held against each step: of the device that took it, or of the
 * hub; nothing looks at all devices but the end. */
#include "tests/sim/town_internal.h"

#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_over_failure(struct town *t)
{
    if (t->ledger_result.failure[0] != '\0') {
        town_fail(t, "%s", t->ledger_result.failure);
    }
}

/* --- promise P10 ------------------------------------------------------------------------------ */

void check_secrets(struct town *t, struct str text, const char *where)
{
    for (size_t i = 0; i < t->marker_count; i++) {
        if (memmem(text.ptr, text.len, t->markers[i].ptr, t->markers[i].len) != NULL) {
            town_fail(t, "%s holds a secret: number %zu", where, i);
        }
    }
}

static bool check_disk_file(void *ctx, const char *name, const unsigned char *bytes, size_t len)
{
    struct town *t = ctx;
    check_secrets(t, (struct str){(const char *)bytes, len}, name);
    return !town_has_failed(t);
}

/* --- promises P1 and P2 ----------------------------------------------------------------------- */

/* Reads back what is new; of it, what the device told before under an older epoch is known. */
static void read_back(struct town *t, int number, int64_t known)
{
    struct town_device *d = &t->devices[number];
    struct err err = {0};
    while (d->told.recorded < d->position.last_seq && !town_has_failed(t)) {
        struct batch_header header;
        struct str rest = STR_NONE;
        struct str line = STR_NONE;
        buf_reset(&t->lines);
        if (!store_read_batch(d->agent->store, d->told.recorded + 1, 256, &header, &t->lines,
                              &err) ||
            header.first != d->told.recorded + 1) {
            town_fail(t, "%s: event %lld was recorded and is not there: %s", d->name,
                      (long long)d->told.recorded + 1, err.msg);
            return;
        }
        rest = buf_str(&t->lines);
        while (d->told.recorded < header.last && !town_has_failed(t)) {
            (void)str_cut(rest, '\n', &line, &rest);
            ledger_add(&d->told, ++d->told.recorded, event_check(line));
            if (d->told.recorded > known) {
                line_note(t, number, line);
            }
        }
    }
}

static void check_forgotten(struct town *t, struct town_device *d, int64_t acked)
{
    const struct epoch_ledger *e = ledger_now(&d->told);
    if (acked > e->merged || !e->branch[e->branch_now].is_possible) {
        town_fail(t, "%s forgets up to %lld, the hub has committed %lld%s", d->name,
                  (long long)acked, (long long)e->merged,
                  e->branch[e->branch_now].is_possible ? "" : " of another disk");
    }
}

static void check_buffer(struct town *t, int number)
{
    struct town_device *d = &t->devices[number];
    struct buffer *p = &d->position;
    const struct store *store = d->agent->store;
    int64_t acked = store_acked_seq(store);
    int64_t known = 0;
    if (!str_eq(store_epoch(store), str_from(p->epoch))) {
        known = p->last_seq - p->acked_seq;
        (void)snprintf(p->epoch, sizeof(p->epoch), STR_FMT, STR_ARG(store_epoch(store)));
        p->acked_seq = 0;
        ledger_begin_epoch(&d->told);
    } else if (store_last_seq(store) < p->last_seq) {
        town_fail(t, "%s lost recorded events: %lld of %lld are left", d->name,
                  (long long)store_last_seq(store), (long long)p->last_seq);
        return;
    }
    p->last_seq = store_last_seq(store);
    read_back(t, number, known);
    if (acked > p->acked_seq) {
        p->acked_seq = acked;
        check_forgotten(t, d, acked);
    }
}

void check_ack(struct town *t, int number, struct str payload)
{
    AUTO(arena) arena = arena_new(64 << 10);
    struct town_device *d = &t->devices[number];
    struct message_ack ack;
    struct err err = {0};
    if (!message_ack_decode(payload, &arena, &ack, &err) || ack.refused) {
        town_fail(t, "the hub refuses what %s told: %s " STR_FMT, d->name, err.msg,
                  STR_ARG(ack.reason));
    } else if (d->is_cut) {
        town_fail(t, "%s is revoked, and the hub answers it", d->name);
    } else {
        ledger_merged(&t->ledger, &d->told, ack.epoch, ack.seq);
        take_over_failure(t);
    }
}

/* --- bundles ---------------------------------------------------------------------------------- */

static const struct town_bundle *bundle_of(const struct town *t, const char *hash)
{
    for (int i = t->bundle_count - 1; i >= 0; i--) {
        if (strcmp(t->bundles[i].hash, hash) == 0) {
            return &t->bundles[i];
        }
    }
    return NULL;
}

static bool is_same_file(struct town *t, const char *dir, const char *state_dir, const char *hash,
                         const char *name)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    AUTO(buf) want = buf_growing(64 << 10);
    AUTO(buf) have = buf_growing(64 << 10);
    (void)t;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    bool ok = files_read(path, &want, &err);
    (void)snprintf(path, sizeof(path), "%s/bundles/%s/%s", state_dir, hash, name);
    return ok && files_read(path, &have, &err) && str_eq(buf_str(&want), buf_str(&have));
}

/* What is in force is a bundle of the operator's, whole. */
static void check_bundle(struct town *t, struct town_device *d)
{
    const char *current = d->agent->bundle_place.current;
    if (strcmp(current, d->bundle) == 0) {
        return;
    }
    (void)snprintf(d->bundle, sizeof(d->bundle), "%s", current);
    if (current[0] == '\0') {
        return;
    }
    const struct town_bundle *b = bundle_of(t, current);
    if (b == NULL) {
        town_fail(t, "%s runs a bundle that nobody made", d->name);
    } else if (!is_same_file(t, b->dir, d->dir, current, "selvedge.yaml") ||
               !is_same_file(t, b->dir, d->dir, current, "note.txt")) {
        town_fail(t, "%s runs a bundle that is not whole", d->name);
    }
}

/* Deployment `b` has begun a wave: those before it had not failed beyond the rule. */
static void check_wave(struct town *t, const struct town_bundle *b, int64_t wave)
{
    struct err err = {0};
    bool row = false;
    db_bind_at_str(&t->failing, 1, str_from(b->deployment));
    db_bind_at_str(&t->failing, 2, str_from(b->hash));
    db_bind_at_i64(&t->failing, 3, wave);
    if (!db_next(&t->failing, &row, &err) || !row) {
        town_fail(t, "read the waves: %s", err.msg);
        return;
    }
    int64_t asked = db_col_i64(&t->failing, 0);
    int64_t failed = db_col_i64(&t->failing, 1);
    db_reset(&t->failing);
    if (failed * 100 > asked * 20) {
        town_fail(t, "deployment %s begins wave %lld though %lld of %lld have failed",
                  b->deployment, (long long)wave, (long long)failed, (long long)asked);
    }
    t->result->waves++;
}

static void look_at_deployment(struct town *t, struct town_bundle *b)
{
    struct err err = {0};
    bool row = false;
    db_bind_at_str(&t->state, 1, str_from(b->deployment));
    if (!db_next(&t->state, &row, &err) || !row) {
        town_fail(t, "read the deployment: %s", err.msg);
        return;
    }
    int64_t wave = db_col_i64(&t->state, 1);
    b->is_aborted = str_eq(db_col_str(&t->state, 0), STR("aborted"));
    b->is_over = b->is_aborted || str_eq(db_col_str(&t->state, 0), STR("done"));
    db_reset(&t->state);
    t->result->aborted += b->is_aborted;
    if (wave > b->wave) {
        b->wave = wave;
        check_wave(t, b, wave);
    }
}

/* --- what the hub wants ----------------------------------------------------------------------- */

static void check_asked(struct town *t, int number, struct str body)
{
    for (int i = 0; i < t->bundle_count; i++) {
        struct town_bundle *b = &t->bundles[i];
        if (b->was_asked[number] || memmem(body.ptr, body.len, b->hash, strlen(b->hash)) == NULL) {
            continue;
        }
        b->was_asked[number] = true;
        if (b->is_aborted) {
            town_fail(t, "%s is asked to take a bundle whose deployment was aborted",
                      t->devices[number].name);
        }
    }
}

void check_desired(struct town *t, int number, struct str payload)
{
    AUTO(arena) arena = arena_new(DESIRED_ARENA_BYTES);
    struct town_device *d = &t->devices[number];
    struct town_issued issued;
    struct desired desired;
    struct str head = STR_NONE;
    struct str body = STR_NONE;
    struct err err = {0};
    (void)str_cut(payload, '\n', &head, &body);
    if (!desired_decode(body, &arena, &desired, &err)) {
        town_fail(t, "the hub wants what cannot be read: %s", err.msg);
        return;
    }
    check_asked(t, number, body);
    desired_hash(body, issued.hash);
    issued.revision = desired.revision;
    for (size_t i = 0; i < d->issued_count; i++) {
        if (d->issued[i].revision != issued.revision) {
            continue;
        }
        if (strcmp(d->issued[i].hash, issued.hash) != 0) {
            town_fail(t, "%s: revision %lld is issued twice", d->name, (long long)issued.revision);
        }
        return;
    }
    if (issued.revision <= d->wanted) {
        town_fail(t, "%s: revisions do not rise", d->name);
    }
    d->wanted = issued.revision;
    d->issued = reallocarray(d->issued, d->issued_count + 1, sizeof(issued));
    if (d->issued == NULL) {
        abort();
    }
    d->issued[d->issued_count++] = issued;
}

/* --- after each step -------------------------------------------------------------------------- */

/* All that was recorded is told, what is wanted is in force, the certificate was renewed, and the clock is
 * right: commands wait for it. */
static bool is_at_rest(const struct town *t, const struct town_device *d)
{
    const struct agent *agent = d->agent;
    struct identity_info info;
    struct link_status status;
    struct err err = {0};
    link_get_status(agent->link, &status);
    return d->skew_ns == 0 && strcmp(status.state, "sending") == 0 &&
           d->position.acked_seq == d->position.last_seq && agent->desired.applied == d->wanted &&
           identity_read_cert(agent->identity.cert_pem, &info, &err) &&
           info.not_after.ns > TOWN_BEGIN_NS + t->now;
}

static void look_whether_settled(struct town *t, int number)
{
    struct town_device *d = &t->devices[number];
    if (d->is_settled || d->is_revoked || t->now < t->trouble_ends + HOUR_NS || !is_at_rest(t, d)) {
        return;
    }
    ledger_is_whole(&t->ledger, &d->told);
    take_over_failure(t);
    line_is_over(t, number);
    d->is_settled = true;
    t->settled_count++;
}

void check_device(struct town *t, int number)
{
    struct town_device *d = &t->devices[number];
    if (d->agent == NULL || town_has_failed(t)) {
        return;
    }
    check_buffer(t, number);
    if (!town_has_failed(t)) {
        check_bundle(t, d);
        look_whether_settled(t, number);
    }
}

void check_hub(struct town *t)
{
    for (int i = t->bundle_count - 1; i >= 0 && !t->bundles[i].is_over; i--) {
        look_at_deployment(t, &t->bundles[i]);
    }
    broker_look_at_list(t);
}

/* --- at the end ------------------------------------------------------------------------------- */

static void on_difference(void *ctx, struct str line)
{
    town_fail(ctx, "the views are not what the log gives: " STR_FMT, STR_ARG(line));
}

/* Promise P3: the views are what the log gives. */
static void check_views(struct town *t)
{
    struct rebuild_report report = {0};
    struct db *db = NULL;
    struct err err = {0};
    bool ok = hub_store_open(&db, &(struct hub_store_options){.path = t->database}, &err) &&
              rebuild_check(db, ":memory:", on_difference, t, &report, &err);
    if (!ok || report.differences != 0) {
        town_fail(t, "rebuild: %s", err.msg);
    }
    db_close(db);
}

/* Promise P6: of who was cut off nothing came afterwards. */
static void check_cut(struct town *t, const struct town_device *d)
{
    int64_t count = 0;
    bool found = false;
    char sql[200];
    struct err err = {0};
    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM stream s JOIN event e ON e.stream_id = s.id WHERE "
                   "s.device = '%s'",
                   d->name);
    town_check(t, db_scalar_i64(t->log, sql, &count, &found, &err), &err, "count");
    if (count != d->merged_at_cut) {
        town_fail(t, "%s is revoked, and %lld events were merged afterwards", d->name,
                  (long long)(count - d->merged_at_cut));
    }
}

void check_at_end(struct town *t)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    AUTO(buf) bytes = buf_growing(SIZE_MAX / 2);
    for (int i = 0; i < t->device_count && !town_has_failed(t); i++) {
        const struct town_device *d = &t->devices[i];
        (void)power_vfs_each_file(d->vfs, check_disk_file, t);
        if (d->is_cut) {
            check_cut(t, d);
        }
    }
    for (int i = 0; i < 2 && !town_has_failed(t); i++) {
        buf_reset(&bytes);
        (void)snprintf(path, sizeof(path), "%s%s", t->database, i == 0 ? "" : "-wal");
        if (files_read(path, &bytes, &err)) {
            check_secrets(t, buf_str(&bytes), path);
        }
    }
    if (!town_has_failed(t)) {
        check_views(t);
    }
}
