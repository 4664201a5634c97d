#include "hub/registry/registry_internal.h"

#include <string.h>

/* Base32 (RFC 4648) in lower case: a token is sometimes typed. */
static void random_text(const struct rng *rng, size_t len, char *ret)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[64];
    rng->fill(rng->ctx, bytes, len);
    for (size_t i = 0; i < len; i++) {
        ret[i] = digits[bytes[i] % 32];
    }
    ret[len] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

static bool write_token(struct registry *r, const struct token_options *options, struct str id,
                        struct str hash, struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_TOKEN_CREATE);
    db_bind_str(&q, ":id", id);
    db_bind_str(&q, ":secret_hash", hash);
    db_bind_opt(&q, ":label", options->label);
    db_bind_i64(&q, ":now", registry_ms(now));
    db_bind_i64(&q, ":expires", registry_ms(options->expires));
    db_bind_i64(&q, ":max_uses", options->max_uses);
    db_bind_opt(&q, ":name_pattern", options->name_pattern);
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(r->db, &tx, err) || !db_run(&q, err)) {
        return false;
    }
    for (size_t i = 0; i < options->label_count; i++) {
        struct db_query label = db_query(r->db, HUB_REGISTRY_TOKEN_LABEL_ADD);
        db_bind_str(&label, ":id", id);
        db_bind_str(&label, ":key", options->labels[i].key);
        db_bind_str(&label, ":value", options->labels[i].value);
        if (!db_run(&label, err)) {
            return false;
        }
    }
    return db_tx_commit(&tx, err);
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool registry_create_token(struct registry *r, const struct rng *rng,
                           const struct token_options *options, struct wall_time now,
                           char ret_id[TOKEN_ID_SIZE], char ret_secret[TOKEN_SECRET_SIZE],
                           struct err *err)
{
    char id[TOKEN_ID_SIZE];
    char secret[TOKEN_SECRET_SIZE];
    char hash[FINGERPRINT_TEXT_SIZE];
    random_text(rng, TOKEN_ID_SIZE - 1, id);
    random_text(rng, TOKEN_SECRET_SIZE - 1, secret);
    digest_hex(str_from(secret), hash);
    if (!write_token(r, options, str_from(id), str_from(hash), now, err)) {
        return false;
    }
    memcpy(ret_id, id, sizeof(id));
    memcpy(ret_secret, secret, sizeof(secret));
    explicit_bzero(secret, sizeof(secret));
    return true;
}

bool registry_revoke_token(struct registry *r, struct str id, struct wall_time now, struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_TOKEN_REVOKE);
    db_bind_str(&q, ":id", id);
    db_bind_i64(&q, ":now", registry_ms(now));
    if (!db_run(&q, err)) {
        return false;
    }
    if (db_changes(r->db) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no token " STR_FMT, STR_ARG(id));
        return err_hint(err, "list them: selvedge-hub token list");
    }
    return true;
}

bool registry_each_token(struct registry *r,
                         void (*on_token)(void *ctx, const struct token_row *row), void *ctx,
                         struct err *err)
{
    struct db_query q = db_query(r->db, HUB_REGISTRY_TOKEN_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        struct token_row token = {.id = db_col_str(&q, 0),
                                  .label = db_col_str(&q, 1),
                                  .last_error = db_col_str(&q, 2),
                                  .created = registry_time(db_col_i64(&q, 3)),
                                  .expires = registry_time(db_col_i64(&q, 4)),
                                  .revoked = registry_time(db_col_i64(&q, 5)),
                                  .max_uses = db_col_i64(&q, 6),
                                  .uses = db_col_i64(&q, 7),
                                  .name_pattern = db_col_str(&q, 8),
                                  .labels = db_col_str(&q, 9),
                                  .wrong = db_col_i64(&q, 10),
                                  .closed_until = registry_time(db_col_i64(&q, 11))};
        on_token(ctx, &token);
    }
    return ok;
}
