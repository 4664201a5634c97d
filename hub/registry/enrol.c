/* enrol.c - who may become a device. One request is decided and written in one transaction. */
#include "hub/registry/enrol_internal.h"

#include "common/wire/topics.h"
#include <stdio.h>

bool enrol_refuse(struct decision *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(d->refusal, sizeof(d->refusal), fmt, args);
    va_end(args);
    return true;
}

bool enrol_is_refused(const struct decision *d)
{
    return d->refusal[0] != '\0';
}

/* What can be said at no cost. */
static void check_request(struct decision *d)
{
    bool may_lack_name = str_is_empty(d->device) && str_is_empty(d->request->token_id) &&
                         str_is_empty(d->request->certificate_pem) &&
                         !str_is_empty(d->request->serial_number);
    if (!wall_is_set(d->now)) {
        (void)enrol_refuse(d,
                           "the hub's clock is not set, and certificates need the date; set it and "
                           "enrol again");
    } else if (!may_lack_name && !device_name_is_valid(d->device)) {
        (void)enrol_refuse(
            d, "a device's name has 1 to 63 of a-z, 0-9 and '-', begins with a letter or "
               "digit, and is not "
               "\"hub\" or \"enrol\"");
    }
}

/* Checks a signature, for milliseconds: not for who knows no secret. */
static void check_csr(struct decision *d)
{
    struct err why = {0};
    char name_text[128];
    struct buf name = buf_fixed(name_text, sizeof(name_text));
    if (!identity_read_csr(d->request->csr_pem, &name, &why) ||
        !identity_csr_key_fingerprint(d->request->csr_pem, d->key, &why)) {
        (void)enrol_refuse(d, "the certificate request is not good: %s", why.msg);
    }
}

static int64_t closed_for_ns(int64_t wrong)
{
    int64_t doublings = wrong - TOKEN_TRIES - 1;
    if (doublings < 0) {
        return 0;
    }
    return (doublings < 12 ? INT64_C(1) << doublings : TOKEN_CLOSED_S_MAX) * NS_PER_SEC;
}

/* A clock that was set back does not make it longer. */
static bool is_closed(const struct decision *d, int64_t until_ms)
{
    int64_t left_ms = until_ms - registry_ms(d->now);
    return left_ms > 0 && left_ms <= TOKEN_CLOSED_S_MAX * INT64_C(1000);
}

/* `wrong`, `until_ms`: as the token has it. */
static void count_wrong(struct decision *d, int64_t wrong, int64_t until_ms)
{
    d->is_held = is_closed(d, until_ms);
    if (!d->is_held) {
        d->wrong = wrong + 1;
        d->closed_ns = closed_for_ns(d->wrong);
    }
}

/* The secret is compared first: who does not know it learns nothing else about the token, also not that
 * it is closed to guesses; who knows it does not suffer from them. */
static void check_secret(struct decision *d, const struct db_query *token, bool is_there)
{
    char hash[FINGERPRINT_TEXT_SIZE];
    digest_hex(d->request->token_secret, hash);
    if (is_there && digest_equal(db_col_str(token, 0), str_from(hash))) {
        return;
    }
    (void)enrol_refuse(d, "the token is not known here; make one with: selvedge-hub token create");
    if (is_there) {
        count_wrong(d, db_col_i64(token, 7), db_col_i64(token, 8));
    }
}

static void check_terms(struct decision *d, const struct db_query *token, bool is_repeat)
{
    if (!db_col_is_null(token, 4)) {
        (void)enrol_refuse(d,
                           "the token was revoked; make another with: selvedge-hub token create");
    } else if (registry_ms(d->now) >= db_col_i64(token, 1)) {
        (void)enrol_refuse(d,
                           "the token has expired; make another with: selvedge-hub token create");
    } else if (db_col_i64(token, 3) >= db_col_i64(token, 2) && !is_repeat) {
        (void)enrol_refuse(d, "the token is used up; make another with: selvedge-hub token create");
    } else if (!db_col_is_null(token, 5) &&
               !str_matches(d->request->device, db_col_str(token, 5))) {
        (void)enrol_refuse(d, "the token is for devices called " STR_FMT,
                           STR_ARG(db_col_str(token, 5)));
    }
    d->replaces = str_eq(db_col_str(token, 6), d->request->device);
}

/* The key of a certificate that was renewed since, which the device may have had no time to use. */
static bool find_key(struct decision *d, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_CERTIFICATE_OF_KEY);
    db_bind_str(&q, ":device", d->device);
    db_bind_str(&q, ":key", str_from(d->key));
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        db_reset(&q);
    }
    return true;
}

/* The name may be free, or this very key's. Another key is another machine: replacing hardware is a
 * decision of its own. */
bool enrol_check_device(struct decision *d, struct err *err)
{
    bool is_earlier_key = false;
    if (!find_key(d, &is_earlier_key, err)) {
        return false;
    }
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_DEVICE_FIND);
    db_bind_str(&q, ":device", d->device);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return true;
    }
    struct str status = db_col_str(&q, 1);
    if (d->replaces) {
        /* Another key is what it is for. */
    } else if (!str_eq(status, STR("enrolled"))) {
        (void)enrol_refuse(
            d,
            "device " STR_FMT " is " STR_FMT ", and only a token of `selvedge-hub device "
            "replace` brings it back",
            STR_ARG(d->device),
            STR_ARG(str_eq(status, STR("replacing")) ? STR("being replaced") : status));
    } else if (!str_eq(db_col_str(&q, 0), str_from(d->key)) && !is_earlier_key) {
        (void)enrol_refuse(
            d, "there is a device " STR_FMT " already, with another key; choose another name",
            STR_ARG(d->device));
    }
    db_reset(&q);
    return true;
}

static bool find_earlier(struct decision *d, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_ENROLMENT_FIND);
    db_bind_str(&q, ":token", d->request->token_id);
    db_bind_str(&q, ":device", d->device);
    db_bind_str(&q, ":key", str_from(d->key));
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        buf_add(&d->certificate, db_col_str(&q, 0));
        db_reset(&q);
    }
    return true;
}

static bool issue(struct decision *d, struct identity_info *ret_info, struct err *err)
{
    const struct certificate_order order = {
        .device = d->device,
        .csr_pem = d->request->csr_pem,
        .cause = "enrolled",
        .now = d->now,
        .authorities = d->authority->next_fingerprint /* it is told of all */};
    return registry_issue(d->registry, d->authority, &order, &d->certificate, ret_info, err);
}

static bool write_device(struct decision *d, const struct identity_info *info, struct err *err)
{
    struct db_query device = db_query(d->registry->db, HUB_REGISTRY_DEVICE_ENROL);
    db_bind_str(&device, ":device", d->device);
    db_bind_i64(&device, ":now", registry_ms(d->now));
    db_bind_str(&device, ":serial", str_from(info->serial));
    db_bind_str(&device, ":fingerprint", str_from(info->fingerprint));
    db_bind_str(&device, ":key", str_from(d->key));
    db_bind_i64(&device, ":not_after", registry_ms(info->not_after));
    db_bind_opt(&device, ":version", d->request->version);
    db_bind_opt(&device, ":board", d->request->board);
    struct db_query serial = db_query(d->registry->db, HUB_REGISTRY_DEVICE_SERIAL);
    db_bind_str(&serial, ":device", d->device);
    db_bind_opt(&serial, ":serial_number", d->request->serial_number);
    return db_run(&device, err) && db_run(&serial, err);
}

bool enrol_grant(struct decision *d, struct err *err)
{
    struct identity_info info;
    return issue(d, &info, err) && write_device(d, &info, err);
}

static bool use_token(struct decision *d, struct err *err)
{
    struct db_query enrolment = db_query(d->registry->db, HUB_REGISTRY_ENROLMENT_ADD);
    db_bind_str(&enrolment, ":token", d->request->token_id);
    db_bind_str(&enrolment, ":device", d->device);
    db_bind_str(&enrolment, ":key", str_from(d->key));
    db_bind_str(&enrolment, ":cert", buf_str(&d->certificate));
    db_bind_i64(&enrolment, ":now", registry_ms(d->now));
    struct db_query use = db_query(d->registry->db, HUB_REGISTRY_TOKEN_USE);
    db_bind_str(&use, ":id", d->request->token_id);
    struct db_query labels = db_query(d->registry->db, HUB_REGISTRY_TOKEN_LABEL_GIVE);
    db_bind_str(&labels, ":id", d->request->token_id);
    db_bind_str(&labels, ":device", d->device);
    return db_run(&enrolment, err) && db_run(&use, err) && db_run(&labels, err);
}

static bool remember_wrong(struct decision *d, struct err *err)
{
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_TOKEN_WRONG);
    db_bind_str(&q, ":id", d->request->token_id);
    db_bind_str(&q, ":why", STR("a wrong secret"));
    db_bind_i64(&q, ":wrong", d->wrong);
    db_bind_i64(&q, ":closed_until", registry_ms(d->now) + d->closed_ns / NS_PER_MS);
    return db_run(&q, err);
}

static bool remember_refusal(struct decision *d, struct err *err)
{
    if (d->is_held) {
        return true;
    }
    if (d->wrong > 0) {
        return remember_wrong(d, err);
    }
    struct db_query q = db_query(d->registry->db, HUB_REGISTRY_TOKEN_ERROR);
    db_bind_str(&q, ":id", d->request->token_id);
    db_bind_str(&q, ":why", str_from(d->refusal));
    return db_run(&q, err);
}

/* *ret_is_repeat: this key had its certificate by this token before. */
static bool check_token(struct decision *d, bool *ret_is_repeat, struct err *err)
{
    struct db_query token = db_query(d->registry->db, HUB_REGISTRY_TOKEN_FIND);
    db_bind_str(&token, ":id", d->request->token_id);
    bool row = false;
    if (!db_next(&token, &row, err)) {
        return false;
    }
    check_secret(d, &token, row);
    if (!enrol_is_refused(d)) {
        check_csr(d);
    }
    bool ok = enrol_is_refused(d) || find_earlier(d, ret_is_repeat, err);
    if (ok && !enrol_is_refused(d)) {
        check_terms(d, &token, *ret_is_repeat);
    }
    if (row) {
        db_reset(&token);
    }
    return ok;
}

static bool decide_by_token(struct decision *d, struct err *err)
{
    bool is_repeat = false;
    if (!check_token(d, &is_repeat, err) || (!enrol_is_refused(d) && !enrol_check_device(d, err))) {
        return false;
    }
    if (enrol_is_refused(d)) {
        return remember_refusal(d, err);
    }
    return is_repeat || (enrol_grant(d, err) && use_token(d, err));
}

static bool decide(struct decision *d, struct err *err)
{
    bool is_returned = !str_is_empty(d->request->certificate_pem);
    bool has_token = !is_returned && !str_is_empty(d->request->token_id);
    check_request(d);
    if (!enrol_is_refused(d) && !has_token) {
        check_csr(d);
    }
    if (enrol_is_refused(d)) {
        return true;
    }
    if (is_returned) {
        return enrol_decide_returned(d, err);
    }
    return has_token ? decide_by_token(d, err) : enrol_decide_stranger(d, err);
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool registry_enrol(struct registry *r, const struct enrol_authority *authority,
                    const struct message_enrol_request *request, struct wall_time now,
                    struct arena *arena, struct enrol_outcome *ret_outcome, struct err *err)
{
    struct decision d = {.registry = r,
                         .authority = authority,
                         .request = request,
                         .device = request->device,
                         .now = now,
                         .certificate = buf_growing(CERTIFICATE_BYTES_MAX),
                         .name = buf_growing(LIMIT_NAME_BYTES + 1)};
    AUTO(db_tx) tx = {0};
    bool ok = db_tx_begin(r->db, &tx, err) && decide(&d, err) && db_tx_commit(&tx, err);
    struct message_enrol_reply *ret = &ret_outcome->reply;
    *ret_outcome =
        (struct enrol_outcome){.wrong = d.wrong, .closed_ns = d.closed_ns, .is_held = d.is_held};
    *ret = (struct message_enrol_reply){.accepted = ok && !enrol_is_refused(&d) && !d.is_pending,
                                        .pending = ok && d.is_pending};
    if (ok && enrol_is_refused(&d)) {
        ret->reason = arena_copy(arena, str_from(d.refusal));
    } else if (ok && !d.is_pending) {
        ret->device = arena_copy(arena, d.device);
        ret->cert_pem = arena_copy(arena, buf_str(&d.certificate));
        ret->ca_pem = authority->trusted;
        ret->command_keys = authority->command_keys;
        ret->host = authority->host;
        ret->port = authority->port;
    }
    buf_release(&d.certificate);
    buf_release(&d.name);
    return ok;
}

bool registry_count_devices(struct registry *r, int64_t *ret, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_COUNT);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = db_col_i64(&q, 0);
    db_reset(&q);
    return true;
}

bool registry_device_is_known(struct registry *r, struct str device, bool *ret, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_DEVICE_FIND);
    db_bind_str(&q, ":device", device);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = row && str_eq(db_col_str(&q, 1), STR("enrolled"));
    if (row) {
        db_reset(&q);
    }
    return true;
}
