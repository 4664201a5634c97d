/* test_broker.h - a real mosquitto on a free loopback port, with a CA of its own: TLS 1.2 only, client certificates required,
 * their common name as the user name. Everything lives in a temporary folder. For tests only; fails loudly. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/platform/rng.h"
#include <sys/types.h>

enum { TEST_BROKER_PATH_SIZE = 128 };
struct test_broker {
    char dir
        [TEST_BROKER_PATH_SIZE]; /* "" = not open; its sub-folder "sockets" is for mqtt_options.socket_dir */
    int port;
    int bare_port; /* for a listener of extra_config */
    bool has_bare; /* there is one */
    pid_t pid;     /* 0 = not running */
    struct rng rng;
    struct buf ca_key; /* PEM */
    struct buf ca_cert;
};

/* An identity that the broker's CA issued. */
struct test_identity {
    struct buf key;
    struct buf cert;
};

/* False with a word on stderr where mosquitto is not installed: the test is to be skipped. */
bool test_broker_is_installed(void);
/* Writes CA, certificates and configuration; `extra_config` (may be NULL) is added to it, "@DIR@" in it is the folder and
 * "@BARE@" the bare_port. */
MUST_CHECK bool test_broker_open(struct test_broker *b, const char *extra_config, struct err *err);
void test_broker_close(struct test_broker *b); /* kills it, deletes the folder */

/* Returns when the port answers (at most 10 s). */
MUST_CHECK bool test_broker_start(struct test_broker *b, struct err *err);
void test_broker_kill(struct test_broker *b); /* SIGKILL; returns when it is gone */
void test_broker_freeze(struct test_broker *b);
void test_broker_thaw(struct test_broker *b);

/* A client certificate for `name`, valid from a year ago for `days` from now (negative: expired). */
MUST_CHECK bool test_broker_issue(struct test_broker *b, const char *name, int days,
                                  struct test_identity *ret, struct err *err);
void test_identity_release(struct test_identity *id);
/* Writes a file into the folder (0600), e.g. an access list named in extra_config. */
MUST_CHECK bool test_broker_write(struct test_broker *b, const char *name, struct str content,
                                  struct err *err);
