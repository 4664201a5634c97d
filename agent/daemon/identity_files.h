/* identity_files.h - what enrolment left on the device:
 * <state_dir>/identity/{key.pem,cert.pem,ca.pem,command.pem,hub.json}. The key is made here, is readable by its
 * owner alone, and never leaves. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

struct device_identity { /* text lives in the arena; the key is wiped by device_identity_wipe() */
    struct str fleet;
    struct str device;
    struct str host; /* of the broker */
    int64_t port;
    struct str key_pem;
    struct str cert_pem;
    struct str ca_pem;
    struct str command_keys; /* public keys, PEM; empty: enrolled before there were commands */
};
/* ERR_NOT_FOUND (with the command to run as hint) when this device is not enrolled. */
MUST_CHECK bool device_identity_load(const char *state_dir, struct arena *arena,
                                     struct device_identity *ret, struct err *err);
/* Writes certificate, CA and hub.json durably, in an order that a power cut cannot leave
 * half-enrolled. The key is there. */
MUST_CHECK bool device_identity_save(const char *state_dir, const struct device_identity *identity,
                                     struct err *err);
/* The keys whose commands are obeyed, in place of those of the enrolment. */
MUST_CHECK bool device_identity_save_keys(const char *state_dir, struct str command_keys,
                                          struct err *err);
void device_identity_wipe(struct device_identity *identity);
