/* log.h - logfmt lines on stderr: `<6>event=sync.batch_acked rows=3 hub="hub-1"`. Event names are
 * listed in docs/reference/log-events.md. The journald level prefix is written only when stderr is
 * the journal (JOURNAL_STREAM); a terminal gets "12:04:05 info  event ..." (UTC) instead, and a
 * file or pipe `time=... level=info event=...`. Process-wide state: the level, nothing else. error
 * = a person must act; warn = degraded, and the text says what we do instead; info = state changes;
 * debug = off. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_I64 } type;
    struct str text;
    int64_t number;
};
#define F_S(name_, str_)                                                                           \
    ((struct log_field){.name = (name_), .type = LOG_FIELD_STR, .text = (str_)})
#define F_T(name_, text_)                                                                          \
    ((struct log_field){.name = (name_), .type = LOG_FIELD_STR, .text = str_from(text_)})
#define F_I(name_, value_)                                                                         \
    ((struct log_field){.name = (name_), .type = LOG_FIELD_I64, .number = (int64_t)(value_)})
/* Two fields: the text and, when there is one, the hint. */
#define F_ERR(err_) F_T("error", (err_)->msg), F_T("hint", (err_)->hint)

void log_set_level(enum log_level level);
bool log_level_from(struct str name, enum log_level *ret); /* "error", "warn", "info", "debug" */
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

/* LOG_EVENT(INFO, "agent.stopped"): an event without fields. */
#define LOG_EVENT(level_, event_)                                                                  \
    do {                                                                                           \
        if (log_enabled(LOG_##level_)) {                                                           \
            log_write(LOG_##level_, (event_), NULL, 0);                                            \
        }                                                                                          \
    } while (0)

/* LOG(INFO, "sync.batch_acked", F_I("rows", rows)). Empty text fields are left out. */
#define LOG(level_, event_, ...)                                                                   \
    do {                                                                                           \
        if (log_enabled(LOG_##level_)) {                                                           \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                  \
            log_write(LOG_##level_, (event_), log_fields_, COUNT_OF(log_fields_));                 \
        }                                                                                          \
    } while (0)
