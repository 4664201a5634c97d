/* signed_fixture.h - keys, and commands that they signed, for tests of the device's side. */
#pragma once
#include "common/base/uuid.h"
#include "common/platform/rng.h"
#include "common/tls/identity.h"
#include "common/wire/command.h"

struct signed_fixture {
    struct rng rng;
    struct buf key, public;             /* that is trusted */
    struct buf other_key, other_public; /* that is not */
    char id[KEY_ID_SIZE];               /* of the first */
};
void signed_fixture_begin(struct signed_fixture *f);
void signed_fixture_end(struct signed_fixture *f);
/* A ping to brooklyn in fleet main, valid for an hour from `issued_at`, whose id tells `number`. */
struct command signed_fixture_command(int number, struct wall_time issued_at,
                                      char id[UUID_TEXT_SIZE]);
/* Signed, appended to `out`. */
void signed_fixture_sign(const struct signed_fixture *f, const struct command *command,
                         struct buf *out);
void signed_fixture_sign_body(const struct signed_fixture *f, struct str key, struct str body,
                              struct buf *out);
