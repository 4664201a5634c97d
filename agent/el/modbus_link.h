/* modbus_link.h - the way to a device: libmodbus over TCP or a serial line, with time-outs and tries.
 * The only file that knows the library. */
#pragma once
#include "agent/el/modbus_registers.h"

struct modbus_link;

/* The first read connects. Lives in the arena. */
MUST_CHECK bool modbus_link_open(struct modbus_link **ret,
                                 const struct modbus_link_options *options, struct arena *arena,
                                 struct err *err);
/* The read's words, from into[0] on. What a device refuses is an error at once; what may pass
 * (silence, a broken connection, an answer that makes no sense, "busy") is tried again over a new
 * connection. Blocks for (retries + 1) * (2 * timeout + pause) at most; a signal to stop ends it
 * between two tries with ERR_CANCELLED. */
MUST_CHECK bool modbus_link_read(struct modbus_link *link, const struct register_read *read,
                                 uint16_t *into, struct err *err);
void modbus_link_close(struct modbus_link *link); /* NULL is allowed */
