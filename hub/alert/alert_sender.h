/* alert_sender.h - hands alerts to a program's standard input: the user's own, or curl for a webhook. One
 * at a time for each way, each a child of its own: a receiver that hangs, crashes or lies keeps
 * nobody but itself. */
#pragma once
#include "common/platform/loop.h"
#include "hub/alert/alert_rows.h"
#include "hub/config/config.h"

struct alert_child;
struct alert_child_options {
    struct loop *loop;
    enum alert_way way;
    const struct hub_config *config;
    /* `why` is NULL when the program ended with 0. */
    void (*on_done)(void *ctx, enum alert_way way, int64_t id, const struct err *why);
    void *ctx;
};
MUST_CHECK bool alert_child_open(struct alert_child **ret,
                                 const struct alert_child_options *options, struct err *err);
void alert_child_close(struct alert_child *child); /* kills what runs; NULL is allowed */
bool alert_child_is_busy(const struct alert_child *child);
/* Not while busy. False: it could not be started, and on_done is not called. */
MUST_CHECK bool alert_child_send(struct alert_child *child, const struct alert_message *message,
                                 struct err *err);
