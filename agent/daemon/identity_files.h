/* identity_files.h - what enrolment left on the device:
 * <state_dir>/identity/{key.pem,cert.pem,ca.pem,command.pem,hub.json}. The key is made here, is readable by its
 * owner alone, and never leaves. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/platform/rng.h"

struct device_identity { /* text lives in the arena; the key is wiped by device_identity_wipe() */
    struct str fleet;
    struct str device;
    struct str host; /* of the broker */
    int64_t port;
    int64_t enrol_port; /* of its listener for enrolment; 0: enrolled before that was kept */
    struct str key_pem;
    struct str cert_pem;
    struct str ca_pem;       /* one, or several (common/tls/authorities.h) */
    struct str command_keys; /* public keys, PEM; empty: enrolled before there were commands */
};
/* ERR_NOT_FOUND (with the command to run as hint) when this device is not enrolled. */
MUST_CHECK bool device_identity_load(const char *state_dir, struct arena *arena,
                                     struct device_identity *ret, struct err *err);
/* Writes certificate, CA and hub.json durably, in an order that a power cut cannot leave
 * half-enrolled. The key is there. */
MUST_CHECK bool device_identity_save(const char *state_dir, const struct device_identity *identity,
                                     struct err *err);
/* --- the pair that is to take its place: pending-key.pem, pending-cert.pem ---
 * Written whole and durably, the key before anybody is asked for its certificate. A power cut at any
 * step leaves a pair in key.pem and cert.pem, or one that device_identity_load() completes. */
/* The key that waits, or a new one, which is written. */
MUST_CHECK bool device_pending_key(const char *state_dir, const struct rng *rng,
                                   struct buf *ret_key, struct err *err);
MUST_CHECK bool device_pending_save(const char *state_dir, struct str cert, struct err *err);
MUST_CHECK bool device_pending_load(const char *state_dir, struct buf *ret_key,
                                    struct buf *ret_cert, struct err *err);
/* Puts it in the place of the pair in use. */
MUST_CHECK bool device_pending_adopt(const char *state_dir, struct err *err);
/* The keys whose commands are obeyed, in place of those of the enrolment. */
MUST_CHECK bool device_identity_save_keys(const char *state_dir, struct str command_keys,
                                          struct err *err);
/* The CAs that are trusted, in place of those of the enrolment. */
MUST_CHECK bool device_identity_save_authorities(const char *state_dir, struct str ca_pem,
                                                 struct err *err);
void device_identity_wipe(struct device_identity *identity);
