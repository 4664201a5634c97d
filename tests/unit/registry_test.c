/* registry_test.c - hub/registry: who may join, who is connected, who was turned away. */
#include "common/platform/files.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"
#include "hub/registry/rotation.h"
#include "hub/store/store.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define START_NS (INT64_C(1795400000) * NS_PER_SEC)
#define HOUR_NS  (3600 * NS_PER_SEC)
#define DAY_NS   (24 * HOUR_NS)

struct world {
    struct temp_dir dir;
    struct arena arena;
    struct seeded_rng seeded;
    struct rng rng;
    struct hub_config config;
    struct authority authority;
    struct enrol_authority issuer;
    struct db *store;
    struct registry *registry;
    struct wall_time now;
    struct enrol_outcome outcome; /* of the last one */
    char token[TOKEN_ID_SIZE];
    char secret[TOKEN_SECRET_SIZE];
};

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err_code_name(err->code), err->msg);
    }
}

static void make_token(struct world *w, int64_t uses, int64_t good_ns)
{
    struct err err = {0};
    struct token_options options = {
        .label = STR("test"), .max_uses = uses, .expires = {w->now.ns + good_ns}};
    check(registry_create_token(w->registry, &w->rng, &options, w->now, w->token, w->secret, &err),
          &err);
}

static int set_up(void **state)
{
    struct err err = {0};
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->dir = temp_dir_new();
    w->arena = arena_new(4 << 20);
    w->seeded = seeded_rng_new(7);
    w->rng = seeded_rng_port(&w->seeded);
    w->now = (struct wall_time){START_NS};
    w->config = (struct hub_config){.state_dir = str_from(w->dir.path),
                                    .fleet = STR("shops"),
                                    .host = STR("hub.example.org"),
                                    .port = 8883};
    const char *path = temp_dir_path(&w->dir, "hub.db");
    check(hub_store_open(&w->store, &(struct hub_store_options){.path = path}, &err) &&
              registry_open(&w->registry, path, &err) &&
              authority_make(&w->config, &w->rng, w->now, &err) &&
              authority_load(&w->config, &w->rng, w->now, &w->arena, &w->authority, &err),
          &err);
    w->issuer = (struct enrol_authority){.ca_cert = w->authority.ca_cert,
                                         .ca_key = w->authority.ca_key,
                                         .trusted = w->authority.trusted,
                                         .host = w->config.host,
                                         .port = w->config.port,
                                         .certificate_ns = 397 * DAY_NS,
                                         .rng = &w->rng};
    make_token(w, 1, DAY_NS);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    registry_close(w->registry);
    db_close(w->store);
    authority_wipe(&w->authority);
    arena_release(&w->arena);
    temp_dir_release(&w->dir);
    free(w);
    return 0;
}

/* A new key's request; text in the world's arena. */
static struct str make_csr(struct world *w, const char *name)
{
    struct err err = {0};
    AUTO(buf) key = buf_growing(16 << 10);
    AUTO(buf) csr = buf_growing(16 << 10);
    check(identity_make_key(&w->rng, &key, &err) &&
              identity_make_csr(&w->rng, buf_str(&key), str_from(name), &csr, &err),
          &err);
    return arena_copy(&w->arena, buf_str(&csr));
}

static struct message_enrol_reply enrol(struct world *w, const char *device, struct str csr)
{
    struct err err = {0};
    struct enrol_outcome outcome;
    struct message_enrol_request request = {.token_id = str_from(w->token),
                                            .token_secret = str_from(w->secret),
                                            .device = str_from(device),
                                            .csr_pem = csr,
                                            .version = STR("0.1.0"),
                                            .board = STR("x86_64")};
    check(registry_enrol(w->registry, &w->issuer, &request, w->now, &w->arena, &outcome, &err),
          &err);
    w->outcome = outcome;
    return outcome.reply;
}

static void expect_refused(struct world *w, const char *device, struct str csr, const char *why)
{
    struct message_enrol_reply reply = enrol(w, device, csr);
    assert_false(reply.accepted);
    assert_int_equal(reply.cert_pem.len, 0);
    if (!str_contains(reply.reason, str_from(why))) {
        fail_msg("refused because \"" STR_FMT "\", not \"%s\"", STR_ARG(reply.reason), why);
    }
}

struct token_seen {
    int64_t count, uses, wrong;
    struct wall_time closed_until;
    bool is_revoked;
    char error[300];
};

static void see_token(void *ctx, const struct token_row *row)
{
    struct token_seen *seen = ctx;
    seen->count++;
    seen->uses = row->uses;
    seen->wrong = row->wrong;
    seen->closed_until = row->closed_until;
    seen->is_revoked = row->revoked.ns != 0;
    (void)snprintf(seen->error, sizeof(seen->error), STR_FMT, STR_ARG(row->last_error));
}

static struct token_seen look_at_token(struct world *w)
{
    struct err err = {0};
    struct token_seen seen = {0};
    check(registry_each_token(w->registry, see_token, &seen, &err), &err);
    return seen;
}

static int64_t number(struct world *w, const char *sql)
{
    struct err err = {0};
    int64_t value = 0;
    bool found = false;
    check(db_scalar_i64(w->store, sql, &value, &found, &err), &err);
    return value;
}

/* --- enrolment ---------------------------------------------------------------------------- */

static void a_token_makes_a_device(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct identity_info info;
    bool is_known = false;
    struct message_enrol_reply reply = enrol(w, "brooklyn", make_csr(w, "anything"));
    assert_true(reply.accepted);
    assert_true(str_eq(reply.host, STR("hub.example.org")));
    assert_int_equal(reply.port, 8883);
    check(identity_read_cert(reply.cert_pem, &info, &err), &err);
    assert_string_equal(info.common_name, "brooklyn"); /* ours, not the request's */
    check(identity_verify(reply.cert_pem, reply.ca_pem, IDENTITY_CLIENT, w->now, &err), &err);
    assert_false(identity_verify(reply.cert_pem, reply.ca_pem, IDENTITY_SERVER, w->now, &err));
    check(registry_device_is_known(w->registry, STR("brooklyn"), &is_known, &err), &err);
    assert_true(is_known);
    check(registry_device_is_known(w->registry, STR("chicago"), &is_known, &err), &err);
    assert_false(is_known);
}

static void the_same_request_gives_the_same_certificate(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    struct message_enrol_reply first = enrol(w, "brooklyn", csr);
    struct message_enrol_reply again = enrol(w, "brooklyn", csr);
    assert_true(first.accepted && again.accepted);
    assert_true(str_eq(first.cert_pem, again.cert_pem));
    assert_int_equal(look_at_token(w).uses, 1);
}

static void a_used_token_lets_nobody_else_in(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    assert_true(enrol(w, "brooklyn", csr).accepted);
    expect_refused(w, "chicago", make_csr(w, "chicago"), "used up");
    expect_refused(w, "chicago", csr, "used up"); /* the same key under another name */
    assert_non_null(strstr(look_at_token(w).error, "used up"));
    assert_int_equal(number(w, "SELECT count(*) FROM device"), 1);
}

static void a_token_for_many_counts_them(void **state)
{
    struct world *w = *state;
    make_token(w, 2, DAY_NS);
    assert_true(enrol(w, "brooklyn", make_csr(w, "brooklyn")).accepted);
    assert_true(enrol(w, "chicago", make_csr(w, "chicago")).accepted);
    expect_refused(w, "denver", make_csr(w, "denver"), "used up");
}

static void an_unknown_token_is_refused(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    w->token[0] = w->token[0] == 'a' ? 'b' : 'a';
    expect_refused(w, "brooklyn", csr, "not known");
}

static void a_wrong_secret_learns_nothing_more(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct str csr = make_csr(w, "brooklyn");
    w->secret[0] = w->secret[0] == 'a' ? 'b' : 'a';
    expect_refused(w, "brooklyn", csr, "not known");
    check(registry_revoke_token(w->registry, str_from(w->token), w->now, &err), &err);
    expect_refused(w, "brooklyn", csr, "not known"); /* and not "revoked" */
}

/* Tries secrets that are wrong, `count` of them at one moment. */
static void guess(struct world *w, struct str csr, int64_t count)
{
    char right[TOKEN_SECRET_SIZE];
    memcpy(right, w->secret, sizeof(right));
    for (int64_t i = 0; i < count; i++) {
        w->secret[0] = right[0] == 'a' ? 'b' : 'a';
        expect_refused(w, "thief", csr, "not known");
    }
    memcpy(w->secret, right, sizeof(right));
}

static void guessing_takes_ever_longer(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "thief");
    guess(w, csr, TOKEN_TRIES);
    assert_int_equal(w->outcome.closed_ns, 0);
    int64_t expected_s = 1;
    for (int64_t n = TOKEN_TRIES + 1; n < TOKEN_TRIES + 20; n++) {
        guess(w, csr, 1);
        assert_int_equal(w->outcome.wrong, n);
        assert_int_equal(w->outcome.closed_ns, expected_s * NS_PER_SEC);
        guess(w, csr, 2); /* not looked at, and not counted */
        assert_true(w->outcome.is_held && w->outcome.wrong == 0 && w->outcome.closed_ns == 0);
        struct token_seen seen = look_at_token(w);
        assert_int_equal(seen.wrong, n);
        assert_int_equal(seen.closed_until.ns, w->now.ns + expected_s * NS_PER_SEC);
        assert_string_equal(seen.error, "a wrong secret");
        w->now.ns += expected_s * NS_PER_SEC;
        expected_s = expected_s * 2 > TOKEN_CLOSED_S_MAX ? TOKEN_CLOSED_S_MAX : expected_s * 2;
    }
    assert_int_equal(expected_s, TOKEN_CLOSED_S_MAX);
    guess(w, csr, 1);
    w->now.ns -= (int64_t)365 * DAY_NS; /* a clock that is put right does not make it longer */
    guess(w, csr, 1);
    assert_false(w->outcome.is_held);
}

static void who_guesses_locks_nobody_out(void **state)
{
    struct world *w = *state;
    guess(w, make_csr(w, "thief"), TOKEN_TRIES + 5);
    assert_true(w->outcome.is_held);
    assert_true(enrol(w, "brooklyn", make_csr(w, "brooklyn")).accepted);
    guess(w, make_csr(w, "thief"), 1);
    assert_true(w->outcome.is_held); /* that one knew it opens it to nobody else */
    assert_int_equal(look_at_token(w).uses, 1);
}

/* Its certificate request is not even looked at: that is checking a signature. */
static void who_guesses_makes_little_work(void **state)
{
    struct world *w = *state;
    guess(w, STR("no request"), 1);
    assert_int_equal(w->outcome.wrong, 1);
    expect_refused(w, "brooklyn", STR("no request"), "certificate request");
    assert_int_equal(look_at_token(w).uses, 0);
}

static void an_expired_token_is_refused(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    w->now.ns += DAY_NS;
    expect_refused(w, "brooklyn", csr, "expired");
    w->now.ns -= NS_PER_MS;
    assert_true(enrol(w, "brooklyn", csr).accepted);
}

/* In 1970 no token has expired, and a certificate would be over when the clock is set. */
static void a_hub_that_does_not_know_the_date_lets_nobody_in(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    w->now.ns = 60 * NS_PER_SEC;
    expect_refused(w, "brooklyn", csr, "clock");
    w->now.ns = START_NS;
    assert_true(enrol(w, "brooklyn", csr).accepted);
}

static void a_revoked_token_is_refused(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    check(registry_revoke_token(w->registry, str_from(w->token), w->now, &err), &err);
    assert_true(look_at_token(w).is_revoked);
    expect_refused(w, "brooklyn", make_csr(w, "brooklyn"), "revoked");
    assert_false(registry_revoke_token(w->registry, STR("nosuch"), w->now, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(err.hint[0] != '\0');
}

static void a_name_belongs_to_its_key(void **state)
{
    struct world *w = *state;
    make_token(w, 5, DAY_NS);
    assert_true(enrol(w, "brooklyn", make_csr(w, "brooklyn")).accepted);
    expect_refused(w, "brooklyn", make_csr(w, "brooklyn"), "another key");
}

static void a_device_may_enrol_anew_with_its_key(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    struct message_enrol_reply first = enrol(w, "brooklyn", csr);
    w->now.ns += 300 * DAY_NS;
    make_token(w, 1, DAY_NS);
    struct message_enrol_reply renewed = enrol(w, "brooklyn", csr);
    assert_true(renewed.accepted);
    assert_false(str_eq(first.cert_pem, renewed.cert_pem));
    assert_int_equal(number(w, "SELECT count(*) FROM device"), 1);
}

static void a_revoked_device_stays_out(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    bool is_known = true;
    struct str csr = make_csr(w, "brooklyn");
    make_token(w, 5, DAY_NS);
    assert_true(enrol(w, "brooklyn", csr).accepted);
    check(db_exec(w->store, "UPDATE device SET status = 'revoked'", &err), &err);
    make_token(w, 5, DAY_NS);
    expect_refused(w, "brooklyn", csr, "revoked");
    check(registry_device_is_known(w->registry, STR("brooklyn"), &is_known, &err), &err);
    assert_false(is_known);
}

static void bad_names_and_requests_are_refused(void **state)
{
    struct world *w = *state;
    struct str csr = make_csr(w, "brooklyn");
    static const char *const names[] = {"", "hub", "enrol", "Brooklyn", "a/b", "+", "-a", "a b"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        expect_refused(w, names[i], csr, "a device's name has");
    }
    expect_refused(w, "brooklyn", STR(""), "request is not good");
    expect_refused(w, "brooklyn", STR("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"),
                   "request is not good");
    expect_refused(w, "brooklyn", str_slice(csr, 0, csr.len / 2), "request is not good");
    assert_int_equal(look_at_token(w).uses, 0);
    assert_int_equal(number(w, "SELECT count(*) FROM enrolment"), 0);
}

/* When the hub itself cannot decide, nothing has changed and the token is still good. */
static void a_failing_authority_changes_nothing(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct enrol_outcome outcome;
    struct str csr = make_csr(w, "brooklyn");
    struct message_enrol_request request = {.token_id = str_from(w->token),
                                            .token_secret = str_from(w->secret),
                                            .device = STR("brooklyn"),
                                            .csr_pem = csr};
    struct enrol_authority broken = w->issuer;
    broken.ca_key = STR("no key");
    assert_false(registry_enrol(w->registry, &broken, &request, w->now, &w->arena, &outcome, &err));
    assert_int_equal(look_at_token(w).uses, 0);
    assert_int_equal(number(w, "SELECT count(*) FROM device"), 0);
    assert_true(enrol(w, "brooklyn", csr).accepted);
}

static void secrets_are_not_stored(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct db_query q;
    bool row = false;
    check(db_prepare(w->store, STR("SELECT secret_hash FROM enrol_token WHERE id = ?"), &q, &err),
          &err);
    db_bind_at_str(&q, 1, str_from(w->token));
    check(db_next(&q, &row, &err), &err);
    assert_true(row);
    char hash[FINGERPRINT_TEXT_SIZE];
    digest_hex(str_from(w->secret), hash);
    assert_true(str_eq(db_col_str(&q, 0), str_from(hash)));
    db_finish(&q);
}

/* --- connections and refusals ------------------------------------------------------------- */

static void say_birth(struct world *w, const char *session)
{
    struct err err = {0};
    struct message_birth birth = {.epoch = "0123456789abcdef",
                                  .first_seq = 1,
                                  .last_seq = 9,
                                  .at = {w->now.ns + 5 * NS_PER_SEC},
                                  .clock_trusted = true,
                                  .session = str_from(session),
                                  .version = STR("0.1.0")};
    check(registry_born(w->registry, STR("brooklyn"), &birth, w->now, &err), &err);
}

static void say_death(struct world *w, const char *session, const char *reason)
{
    struct err err = {0};
    struct message_death death = {.session = str_from(session), .reason = str_from(reason)};
    check(registry_died(w->registry, STR("brooklyn"), &death, w->now, &err), &err);
}

static void a_late_will_of_an_earlier_session_says_nothing(void **state)
{
    struct world *w = *state;
    say_birth(w, "one");
    w->now.ns += HOUR_NS;
    say_birth(w, "two");
    assert_int_equal(number(w, "SELECT clock_offset_ms FROM connection"), 5000);
    say_death(w, "one", "connection lost");
    assert_int_equal(number(w, "SELECT is_online FROM connection"), 1);
    w->now.ns += HOUR_NS;
    say_death(w, "two", "stopped");
    assert_int_equal(number(w, "SELECT is_online FROM connection"), 0);
    assert_int_equal(number(w, "SELECT last_seen_ms FROM connection"), w->now.ns / NS_PER_MS);
    assert_int_equal(number(w, "SELECT offline_reason = 'stopped' FROM connection"), 1);
}

static void who_is_shut_out_is_offline_at_once(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    say_birth(w, "one");
    w->now.ns += HOUR_NS;
    check(db_exec(w->store,
                  "INSERT INTO device (id, status, status_ms, enrolled_ms, cert_serial, "
                  "cert_fingerprint, key_fingerprint, not_after_ms) "
                  "VALUES ('brooklyn', 'enrolled', 0, 0, '', '', '', 0)",
                  &err),
          &err);
    check(registry_shut_out(w->registry, STR("brooklyn"), SHUT_OUT_REVOKED, STR("stolen"), w->now,
                            &err),
          &err);
    assert_int_equal(number(w, "SELECT is_online FROM connection"), 0);
    assert_int_equal(number(w, "SELECT since_ms FROM connection"), w->now.ns / NS_PER_MS);
    assert_int_equal(number(w, "SELECT offline_reason = 'revoked' FROM connection"), 1);
    assert_int_equal(number(w, "SELECT count(*) FROM device_presence WHERE is_online = 0"), 1);
    w->now.ns += HOUR_NS;
    check(registry_shut_out(w->registry, STR("brooklyn"), SHUT_OUT_DECOMMISSIONED, STR_NONE, w->now,
                            &err),
          &err);
    assert_int_equal(number(w, "SELECT offline_reason = 'revoked' FROM connection"), 1);
}

static void a_repeated_birth_keeps_its_beginning(void **state)
{
    struct world *w = *state;
    say_birth(w, "one");
    w->now.ns += HOUR_NS;
    say_birth(w, "one"); /* the hub has asked for it again */
    assert_int_equal(number(w, "SELECT since_ms FROM connection"), START_NS / NS_PER_MS);
}

static void nobody_is_online_when_the_hub_starts(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    say_birth(w, "one");
    check(registry_all_offline(w->registry, w->now, &err), &err);
    assert_int_equal(number(w, "SELECT is_online FROM connection"), 0);
}

static void refusals_are_kept_and_bounded(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    say_birth(w, "one");
    check(registry_refused(w->registry, STR("brooklyn"), STR("events"), STR("no batch"), w->now,
                           &err),
          &err);
    assert_int_equal(number(w, "SELECT count(*) FROM refusal"), 1);
    assert_int_equal(number(w, "SELECT refusal = 'no batch' FROM connection"), 1);
    check(db_exec(w->store,
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10100)"
                  "INSERT INTO refusal (at_ms, peer, what, why) SELECT i, 'p', 'w', 'y' FROM n",
                  &err),
          &err);
    check(registry_refused(w->registry, STR("10.0.0.9"), STR("connection"), STR("no certificate"),
                           w->now, &err),
          &err);
    assert_int_equal(number(w, "SELECT count(*) FROM refusal"), 10000);
    assert_int_equal(number(w, "SELECT count(*) FROM refusal WHERE peer = '10.0.0.9'"), 1);
}

/* --- fleet and authority ------------------------------------------------------------------ */

static void a_fleet_is_named_once(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    AUTO(buf) name = buf_growing(100);
    assert_false(registry_fleet(w->registry, &name, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    check(registry_set_fleet(w->registry, STR("shops"), w->now, &err), &err);
    check(registry_fleet(w->registry, &name, &err), &err);
    assert_true(str_eq(buf_str(&name), STR("shops")));
    assert_false(registry_set_fleet(w->registry, STR("other"), w->now, &err));
}

static void a_missing_database_is_not_made(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct registry *registry = NULL;
    assert_false(registry_open(&registry, temp_dir_path(&w->dir, "none.db"), &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(files_exist(temp_dir_path(&w->dir, "none.db")));
}

/* --- another CA --------------------------------------------------------------------------- */

/* Of whom a device's renewed certificate is, when it says that it trusts `authorities`; the certificate. */
static struct str renewed_by(struct world *w, struct str csr, struct str authorities, struct str ca)
{
    struct err err = {0};
    struct str reason = STR_NONE;
    AUTO(buf) cert = buf_growing(64 << 10);
    const struct certificate_order order = {.device = STR("brooklyn"),
                                            .csr_pem = csr,
                                            .cause = "renewed",
                                            .now = w->now,
                                            .authorities = authorities};
    check(registry_renew(w->registry, &w->issuer, &order, &cert, &reason, &err), &err);
    assert_true(str_is_empty(reason));
    assert_true(identity_is_signed_by(buf_str(&cert), ca));
    return arena_copy(&w->arena, buf_str(&cert));
}

static void the_next_ca_issues_for_who_trusts_it(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    struct authority during;
    assert_true(enrol(w, "brooklyn", make_csr(w, "brooklyn")).accepted);
    struct str csr = make_csr(w, "brooklyn");
    w->now.ns += DAY_NS;
    check(rotation_begin(&w->config, &w->rng, w->now, &err), &err);
    check(authority_load(&w->config, &w->rng, w->now, &w->arena, &during, &err), &err);
    w->config.certificate_ns = 397 * DAY_NS;
    w->issuer = authority_for_devices(&during, &w->config, &w->rng);
    struct str old = renewed_by(w, csr, str_from(w->authority.trusted_list), during.ca_cert);
    assert_true(str_eq(renewed_by(w, csr, STR_NONE, during.ca_cert), old)); /* asked again */
    /* With the key of a request that was answered before it was told: not the answer of then. */
    struct str new = renewed_by(w, csr, str_from(during.trusted_list), during.next_cert);
    assert_true(str_eq(renewed_by(w, csr, str_from(during.trusted_list), during.next_cert), new));

    make_token(w, 1, DAY_NS);
    struct message_enrol_reply reply = enrol(w, "chicago", make_csr(w, "chicago"));
    assert_true(reply.accepted && str_eq(reply.ca_pem, during.trusted)); /* it is told of both */
    assert_true(identity_is_signed_by(reply.cert_pem, during.next_cert));
    authority_wipe(&during);
}

static void the_authority_is_never_overwritten(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    char fingerprint[AUTHORITY_PINS_SIZE];
    assert_false(authority_make(&w->config, &w->rng, w->now, &err));
    assert_int_equal(err.code, ERR_EXISTS);
    check(authority_pins(&w->config, fingerprint, &err), &err);
    assert_string_equal(fingerprint, w->authority.trusted_list);
}

static void keys_are_for_their_owner_only(void **state)
{
    struct world *w = *state;
    static const char *const keys[] = {"ca/ca.key", "broker/server.key", "identity/hub.key"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct stat file;
        assert_int_equal(stat(temp_dir_path(&w->dir, keys[i]), &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
}

static struct str server_cert(struct world *w)
{
    struct err err = {0};
    AUTO(buf) text = buf_growing(64 << 10);
    check(files_read(temp_dir_path(&w->dir, "broker/server.pem"), &text, &err), &err);
    return arena_copy(&w->arena, buf_str(&text));
}

static struct str reload(struct world *w)
{
    struct err err = {0};
    struct authority again;
    check(authority_load(&w->config, &w->rng, w->now, &w->arena, &again, &err), &err);
    authority_wipe(&again);
    return server_cert(w);
}

static void certificates_are_renewed_in_time(void **state)
{
    struct world *w = *state;
    struct str first = server_cert(w);
    assert_true(str_eq(reload(w), first));
    w->now.ns += 200 * DAY_NS;
    assert_true(str_eq(reload(w), first)); /* half its life is left */
    w->now.ns += 100 * DAY_NS;
    struct str second = reload(w);
    assert_false(str_eq(second, first));
    w->config.host = STR("other.example.org"); /* and when the name changes */
    assert_false(str_eq(reload(w), second));
}

static void without_a_ca_there_is_a_hint(void **state)
{
    struct world *w = *state;
    struct err err = {0};
    char fingerprint[AUTHORITY_PINS_SIZE];
    w->config.state_dir = STR("/nonexistent");
    assert_false(authority_exists(&w->config));
    assert_false(authority_pins(&w->config, fingerprint, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "init"));
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_makes_a_device),
        TEST(the_same_request_gives_the_same_certificate),
        TEST(a_used_token_lets_nobody_else_in),
        TEST(a_token_for_many_counts_them),
        TEST(an_unknown_token_is_refused),
        TEST(a_wrong_secret_learns_nothing_more),
        TEST(guessing_takes_ever_longer),
        TEST(who_guesses_locks_nobody_out),
        TEST(who_guesses_makes_little_work),
        TEST(an_expired_token_is_refused),
        TEST(a_hub_that_does_not_know_the_date_lets_nobody_in),
        TEST(a_revoked_token_is_refused),
        TEST(a_name_belongs_to_its_key),
        TEST(a_device_may_enrol_anew_with_its_key),
        TEST(a_revoked_device_stays_out),
        TEST(bad_names_and_requests_are_refused),
        TEST(a_failing_authority_changes_nothing),
        TEST(secrets_are_not_stored),
        TEST(a_late_will_of_an_earlier_session_says_nothing),
        TEST(who_is_shut_out_is_offline_at_once),
        TEST(a_repeated_birth_keeps_its_beginning),
        TEST(nobody_is_online_when_the_hub_starts),
        TEST(refusals_are_kept_and_bounded),
        TEST(a_fleet_is_named_once),
        TEST(a_missing_database_is_not_made),
        TEST(the_next_ca_issues_for_who_trusts_it),
        TEST(the_authority_is_never_overwritten),
        TEST(keys_are_for_their_owner_only),
        TEST(certificates_are_renewed_in_time),
        TEST(without_a_ca_there_is_a_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
