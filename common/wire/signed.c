#include "common/wire/signed.h"

#include "common/json/fields.h"
#include "common/json/json_writer.h"
#include <stddef.h>
#include <string.h>

enum { HEAD_ARENA_BYTES = 16 << 10 };

struct head {
    int64_t version;
    struct str key;
    struct str signature;
};
static const struct field head_fields[] = {
    {.key = "v",
     .type = FIELD_I64,
     .offset = offsetof(struct head, version),
     .required = true,
     .min = 1,
     .max = 1},
    {.key = "key", .type = FIELD_STR, .offset = offsetof(struct head, key), .required = true},
    {.key = "sig", .type = FIELD_STR, .offset = offsetof(struct head, signature), .required = true},
};
static const struct field_table head_table = {.name = "signature",
                                              .size = sizeof(struct head),
                                              .fields = head_fields,
                                              .count = COUNT_OF(head_fields),
                                              .ignore_unknown = true};

bool signed_next_key(struct str *keys, struct str *ret_key)
{
    static const struct str end = STR_INIT("-----END PUBLIC KEY-----");
    struct str rest = str_trim(*keys);
    for (size_t i = 0; i + end.len <= rest.len; i++) {
        if (str_eq(str_slice(rest, i, i + end.len), end)) {
            *ret_key = str_slice(rest, 0, i + end.len);
            *keys = str_slice(rest, i + end.len, rest.len);
            return true;
        }
    }
    return false;
}

bool signed_make(const struct rng *rng, struct str key_pem, struct str body, struct buf *out,
                 struct err *err)
{
    char signature[SIGNATURE_TEXT_SIZE];
    char id[KEY_ID_SIZE];
    AUTO(buf) public = buf_growing(SIGNED_KEYS_BYTES_MAX);
    if (!identity_public_key(rng, key_pem, &public, err) ||
        !identity_key_id(buf_str(&public), id, err) ||
        !identity_sign(rng, key_pem, body, signature, err)) {
        return false;
    }
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_i64(&w, "v", 1);
    jw_member_str(&w, "key", str_from(id));
    jw_member_str(&w, "sig", str_from(signature));
    jw_end_object(&w);
    buf_add_char(out, '\n');
    buf_add(out, body);
    return !out->overflow || err_set(err, ERR_FULL, "the signed message is too long");
}

static bool read_head(struct str line, struct arena *arena, struct head *ret, struct err *err)
{
    struct json *root = NULL;
    struct problems problems = {.arena = arena};
    if (!json_parse(line, SIGNED_HEAD_BYTES_MAX, arena, &root, err)) {
        return err_wrap(err, "signature");
    }
    return fields_read(root, &head_table, str_from(head_table.name), arena, &problems, ret) ||
           problems_to_err(&problems, err);
}

bool signed_open(struct str message, struct str keys, struct str *ret_body,
                 char ret_key[KEY_ID_SIZE], struct err *err)
{
    struct str line;
    struct str body;
    struct str key;
    struct head head = {0};
    AUTO(arena) arena = arena_new(HEAD_ARENA_BYTES);
    if (!str_cut(message, '\n', &line, &body)) {
        return err_set(err, ERR_INVALID,
                       "not signed: there is no line with the signature before it");
    }
    if (!read_head(line, &arena, &head, err)) {
        return false;
    }
    for (int i = 0; i < SIGNED_KEYS_MAX && signed_next_key(&keys, &key); i++) {
        if (!identity_key_id(key, ret_key, err)) {
            return false;
        }
        if (str_eq(head.key, str_from(ret_key))) {
            *ret_body = body;
            return identity_check_signature(key, body, head.signature, err);
        }
    }
    ret_key[0] = '\0';
    return err_set(err, ERR_DENIED, "signed by a key that is not trusted here: " STR_FMT,
                   STR_ARG(str_clip(head.key, 64)));
}

bool signed_has_key(struct str keys, struct str id)
{
    struct str key;
    char text[KEY_ID_SIZE];
    struct err err = {0};
    while (signed_next_key(&keys, &key)) {
        if (identity_key_id(key, text, &err) && str_eq(str_from(text), id)) {
            return true;
        }
    }
    return false;
}

bool signed_check_keys(struct str keys, struct err *err)
{
    struct str rest = keys;
    struct str key;
    int count = 0;
    for (; signed_next_key(&rest, &key); count++) {
        char id[KEY_ID_SIZE];
        if (!identity_key_id(key, id, err)) {
            return err_wrap(err, "key %d", count + 1);
        }
        if (signed_has_key(rest, str_from(id))) {
            return err_set(err, ERR_INVALID, "key %s is there twice", id);
        }
    }
    if (!str_is_empty(str_trim(rest))) {
        return err_set(err, ERR_INVALID, "text behind key %d is no public key", count);
    }
    if (count == 0) {
        (void)err_set(err, ERR_INVALID, "there is no public key in it");
        return err_hint(err, "one of a private key: openssl ec -in FILE -pubout");
    }
    if (count > SIGNED_KEYS_MAX || keys.len > SIGNED_KEYS_BYTES_MAX) {
        return err_set(err, ERR_FULL, "a device trusts at most %d keys", SIGNED_KEYS_MAX);
    }
    return true;
}
