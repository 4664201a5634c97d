/* reason.h - MQTT 5 reason codes and libmosquitto's own codes as sentences. */
#pragma once
#include "common/base/err.h"

enum { REASON_FAILURE = 0x80 /* codes from here on are refusals; MQTT 5.0 section 2.4 */ };

/* "what: the broker's reason". Always false. */
bool reason_err(struct err *err, int reason_code, const char *what);
/* "what: libmosquitto's reason". Always false. */
bool library_err(struct err *err, int mosq_error, const char *what);
