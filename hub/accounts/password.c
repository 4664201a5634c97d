#include "hub/accounts/password.h"

#include "hub/accounts/accounts.h"
#include <argon2.h>
#include <string.h>

enum { SALT_BYTES = 16, HASH_BYTES = 32 };

bool password_hash(const struct rng *rng, struct str password, char ret[PASSWORD_HASH_SIZE],
                   struct err *err)
{
    unsigned char salt[SALT_BYTES];
    rng->fill(rng->ctx, salt, sizeof(salt));
    int rc =
        argon2id_hash_encoded(PASSWORD_PASSES, PASSWORD_MEMORY_KIB, 1, password.ptr, password.len,
                              salt, sizeof(salt), HASH_BYTES, ret, PASSWORD_HASH_SIZE);
    return rc == ARGON2_OK ||
           err_set(err, ERR_NO_MEMORY, "hash the password: %s", argon2_error_message(rc));
}

bool password_is(struct str password, const char *hash)
{
    return argon2id_verify(hash, password.ptr, password.len) == ARGON2_OK;
}

bool password_check(struct str password, struct err *err)
{
    if (password.len < ACCOUNT_PASSWORD_BYTES_MIN) {
        (void)err_set(err, ERR_INVALID, "the password is shorter than %d characters",
                      ACCOUNT_PASSWORD_BYTES_MIN);
        return err_hint(err, "several words are good, and need no special characters");
    }
    return (password.len <= ACCOUNT_PASSWORD_BYTES_MAX && str_is_utf8(password)) ||
           err_set(err, ERR_INVALID, "the password is longer than %d bytes, or not UTF-8",
                   ACCOUNT_PASSWORD_BYTES_MAX);
}
