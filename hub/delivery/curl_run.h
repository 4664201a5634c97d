/* curl_run.h - sends bytes with curl, the program, as alerts do: it brings the TLS stack, and what
 * goes wrong with a receiver goes wrong there. Blocks; for the child that delivers, not for the hub. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"

/* A line of curl's configuration, quoted: `url = "https://..."`. */
void curl_setting(struct buf *config, const char *name, struct str value);
/* With `config` from a descriptor, so that no list of processes shows secrets, and `body` as standard
 * input. ERR_IO with what curl said. */
MUST_CHECK bool curl_run(struct str config, struct str body, struct err *err);
