#include "hub/command/keyring.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include <string.h>

bool keyring_read(const struct hub_config *config, struct buf *ret_keys, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (hub_path(config, "command/keys.pem", path, err) && files_read(path, ret_keys, err)) {
        return true;
    }
    if (err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "this hub has no keys yet that devices trust");
        return err_hint(err, "start it once: selvedge-hub serve");
    }
    return false;
}

bool keyring_write(const struct hub_config *config, struct str keys, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return signed_check_keys(keys, err) && hub_path(config, "command/keys.pem", path, err) &&
           files_write(path, keys, 0644, err);
}

bool keyring_read_hub_key(const struct hub_config *config, struct buf *ret_key, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (hub_path(config, "command/hub.key", path, err) && files_read(path, ret_key, err)) {
        return true;
    }
    if (err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "this hub has no key of its own to sign with");
        return err_hint(err, "sign with an operator's: selvedge-hub sign --key FILE ...; then: "
                             "selvedge-hub command --file FILE");
    }
    return false;
}

bool keyring_remove_hub_key(const struct hub_config *config, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(config, "command/hub.key", path, err) && files_remove_tree(path, err);
}

/* --- texts ------------------------------------------------------------------------------------ */

static void add_key(struct buf *out, struct str key)
{
    buf_add(out, str_trim(key));
    buf_add_char(out, '\n');
}

static bool public_half(const struct rng *rng, struct str pem, struct buf *ret, struct err *err)
{
    if (str_contains(pem, STR("PRIVATE KEY-----"))) {
        return identity_public_key(rng, pem, ret, err);
    }
    buf_add(ret, pem);
    return signed_check_keys(pem, err);
}

bool keyring_add(const struct rng *rng, struct str keys, struct str pem, struct buf *ret_keys,
                 char ret_id[KEY_ID_SIZE], struct err *err)
{
    AUTO(buf) public = buf_growing(SIGNED_KEYS_BYTES_MAX);
    struct str rest;
    struct str key;
    if (!public_half(rng, pem, &public, err)) {
        return false;
    }
    rest = buf_str(&public);
    if (!signed_next_key(&rest, &key) || !str_is_empty(str_trim(rest))) {
        return err_set(err, ERR_INVALID, "give one key at a time");
    }
    if (!identity_key_id(key, ret_id, err)) {
        return false;
    }
    if (signed_has_key(keys, str_from(ret_id))) {
        return err_set(err, ERR_EXISTS, "key %s is trusted already", ret_id);
    }
    buf_add(ret_keys, keys);
    add_key(ret_keys, key);
    return signed_check_keys(buf_str(ret_keys), err);
}

bool keyring_remove(struct str keys, struct str id, struct buf *ret_keys, struct err *err)
{
    struct str key;
    if (!signed_has_key(keys, id)) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no key " STR_FMT, STR_ARG(id));
        return err_hint(err, "list them: selvedge-hub key list");
    }
    while (signed_next_key(&keys, &key)) {
        char text[KEY_ID_SIZE];
        if (!identity_key_id(key, text, err)) {
            return false;
        }
        if (!str_eq(str_from(text), id)) {
            add_key(ret_keys, key);
        }
    }
    return ret_keys->len > 0 ||
           err_set(err, ERR_INVALID, "it is the last one: devices would obey nobody");
}
