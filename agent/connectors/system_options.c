#include "agent/connectors/system_options.h"

#include "agent/connectors/connector.h"

const char *const system_group_names[] = {"cpu",  "memory", "disk", "temperature", "network",
                                          "wear", "clock",  "all",  NULL};

#define AT(member_) .offset = offsetof(struct system_options, member_)

static const struct field system_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    PACE_OPTION_FIELDS(system_options, pace),
    {.key = "groups",
     .type = FIELD_STR_LIST,
     AT(groups),
     .max = GROUP_COUNT,
     .names = system_group_names,
     .help = "What to measure; everything when not given."},
    {.key = "proc",
     .type = FIELD_STR,
     AT(proc),
     .fallback = "/proc",
     .help = "Where the host's /proc is, seen from a container."},
    {.key = "sys", .type = FIELD_STR, AT(sys), .fallback = "/sys", .help = "The same for /sys."},
};
static const struct system_options system_defaults = {.proc = STR_INIT("/proc"),
                                                      .sys = STR_INIT("/sys")};
const struct field_table tap_system_options = {
    .name = "tap",
    .size = sizeof(struct system_options),
    .fields = system_fields,
    .count = COUNT_OF(system_fields),
    .defaults = &system_defaults,
};

bool system_check(const void *options, enum load_mode mode, struct err *err)
{
    (void)mode;
    return pace_check(&((const struct system_options *)options)->pace, err);
}
