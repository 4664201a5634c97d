/* field_macros.h - how the tables of definitions are written. Internal to agent/definitions. */
#pragma once
#include "common/json/fields.h"
#include <stddef.h>

/* The help and what else there is to say come last. */
#define FIELD(kind, name, owner, member, ...)                                                      \
    {                                                                                              \
        .key = (name), .type = FIELD_##kind, .offset = offsetof(struct owner, member),             \
        .help = __VA_ARGS__                                                                        \
    }
#define SEEN(owner, member) .present_offset = offsetof(struct owner, member)
#define REFUSED(name, why)                                                                         \
    {                                                                                              \
        .key = (name), .type = FIELD_JSON, .is_unsupported = true, .help = (why)                   \
    }
#define TABLE(list) .fields = (list), .count = COUNT_OF(list)

#define MINUTE_NS (INT64_C(60) * NS_PER_SEC)
#define DAY_NS    (INT64_C(86400) * NS_PER_SEC)
