#include "signed_fixture.h"

#include "common/wire/signed.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>

static void make(const struct rng *rng, struct buf *key, struct buf *public)
{
    struct err err = {0};
    *key = buf_growing(4096);
    *public = buf_growing(4096);
    assert_true(identity_make_key(rng, key, &err));
    assert_true(identity_public_key(rng, buf_str(key), public, &err));
}

void signed_fixture_begin(struct signed_fixture *f)
{
    struct err err = {0};
    f->rng = rng_system();
    make(&f->rng, &f->key, &f->public);
    make(&f->rng, &f->other_key, &f->other_public);
    assert_true(identity_key_id(buf_str(&f->public), f->id, &err));
}

void signed_fixture_end(struct signed_fixture *f)
{
    buf_wipe(&f->key);
    buf_wipe(&f->other_key);
    buf_release(&f->public);
    buf_release(&f->other_public);
}

struct command signed_fixture_command(int number, struct wall_time issued_at,
                                      char id[UUID_TEXT_SIZE])
{
    static const struct str to[] = {STR_INIT("brooklyn")};
    (void)snprintf(id, UUID_TEXT_SIZE, "01a20425-dd00-753f-8b4a-%012d", number % 1000000000);
    return (struct command){.fleet = STR("main"),
                            .to = to,
                            .to_count = 1,
                            .id = str_from(id),
                            .counter = number,
                            .issued_at = issued_at,
                            .expires_at = {issued_at.ns + 3600 * NS_PER_SEC},
                            .verb = STR("ping")};
}

void signed_fixture_sign_body(const struct signed_fixture *f, struct str key, struct str body,
                              struct buf *out)
{
    struct err err = {0};
    assert_true(signed_make(&f->rng, key, body, out, &err));
}

void signed_fixture_sign(const struct signed_fixture *f, const struct command *command,
                         struct buf *out)
{
    AUTO(buf) body = buf_growing(1 << 20);
    command_encode(command, &body);
    signed_fixture_sign_body(f, buf_str(&f->key), buf_str(&body), out);
}
