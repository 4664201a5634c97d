/* control.h - how the command line talks to a running daemon: one JSON object a line, over
 * <state_dir>/agent.sock (0600).
 *   {"verb":"materialize","selection":"pos/sales"} -> {"run":"0192..."} or
 * {"error":{"code","message","hint"}}
 *   {"verb":"status"}                           ->  {"state":"running", ...}
 * A few connections at a time, one request each way at a time, bounded lines. */
#pragma once
#include "common/base/buf.h"
#include "common/json/json.h"
#include "common/platform/loop.h"

struct control;
/* Writes the reply's members for one request into `reply` (a whole object), or false with the error
 * to send. */
typedef bool control_handler(void *ctx, const struct json *request, struct buf *reply,
                             struct err *err);
MUST_CHECK bool control_open(struct control **ret, struct loop *loop, const char *state_dir,
                             control_handler *handler, void *ctx, struct err *err);
void control_close(struct control *control);

/* The other end, for the command line: sends one request, waits at most 10 s for the reply and
 * parses it into `arena`. ERR_OFFLINE when no daemon is running; an error reply becomes err. */
MUST_CHECK bool control_call(const char *state_dir, struct str request, struct arena *arena,
                             struct json **ret_reply, struct err *err);
