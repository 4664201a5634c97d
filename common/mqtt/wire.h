/* wire.h - the bytes between us and the broker: through a TLS channel, or bare over TCP to a broker
 * nearby. The same answers either way (common/tls/channel.h). */
#pragma once
#include "common/tls/channel.h"

struct wire {
    struct tls_channel *channel; /* borrowed, after its handshake; NULL = bare */
    int fd;                      /* the TCP socket, non-blocking; borrowed */
};

enum tls_status wire_read(const struct wire *w, void *bytes, size_t cap, size_t *ret_len,
                          struct err *err);
/* After TLS_WANT_WRITE: again with the same bytes. */
enum tls_status wire_write(const struct wire *w, const void *bytes, size_t len, size_t *ret_len,
                           struct err *err);
/* Says that nothing more will come, and ends our half of the connection. */
enum tls_status wire_end(const struct wire *w, struct err *err);
