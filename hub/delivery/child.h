/* child.h - one run of `selvedge-hub report-send`: started, heard, ended when it takes too long. */
#pragma once
#include "common/platform/loop.h"
#include "hub/config/config.h"
#include "hub/delivery/delivery_rows.h"

struct delivery_child_options {
    struct loop *loop;
    const struct hub_config *config;
    /* `why` is NULL when it ended with 0; then `output` is what it wrote for the hub to send. */
    void (*on_done)(void *ctx, const struct err *why, struct str output);
    void *ctx;
};
struct delivery_child;
MUST_CHECK bool delivery_child_open(struct delivery_child **ret,
                                    const struct delivery_child_options *options, struct err *err);
/* What runs goes on, and writes down itself what comes of it; NULL is allowed. */
void delivery_child_close(struct delivery_child *child);
bool delivery_child_is_busy(const struct delivery_child *child);
/* Not while busy. False: it could not be started, and on_done is not called. */
MUST_CHECK bool delivery_child_start(struct delivery_child *child, struct delivery_key key,
                                     struct err *err);
