#include "agent/el/connectors.h"

enum { NAMES_BYTES_MAX = 1024 };

static const struct tap_ops *const taps[] = {
    &tap_sqlite,         &tap_csv,          &tap_jsonl,  &tap_singer,
    &tap_singer_program, &tap_singer_input, &tap_system, &tap_mqtt,
#ifdef SELVEDGE_WITH_HTTP
    &tap_http,
#endif
#ifdef SELVEDGE_WITH_MODBUS
    &tap_modbus,
#endif
#ifdef SELVEDGE_WITH_POSTGRES
    &tap_postgres,
#endif
};
static const struct target_ops *const targets[] = {
    &target_sqlite,   &target_jsonl, &target_csv, &target_singer_program,
#ifdef SELVEDGE_WITH_HTTP
    &target_http,
#endif
#ifdef SELVEDGE_WITH_POSTGRES
    &target_postgres,
#endif
};

/* What this build was made without, and the library's package that it takes. */
struct absent {
    const char *type;
    const char *option;
    const char *package;
};
static const struct absent absent_taps[] = {
#ifndef SELVEDGE_WITH_HTTP
    {"http", "SELVEDGE_WITH_HTTP", "libcurl4-openssl-dev"},
#endif
#ifndef SELVEDGE_WITH_MODBUS
    {"modbus", "SELVEDGE_WITH_MODBUS", "libmodbus-dev"},
#endif
#ifndef SELVEDGE_WITH_POSTGRES
    {"postgres", "SELVEDGE_WITH_POSTGRES", "libpq-dev"},
#endif
    {NULL, NULL, NULL},
};
static const struct absent absent_targets[] = {
#ifndef SELVEDGE_WITH_HTTP
    {"http", "SELVEDGE_WITH_HTTP", "libcurl4-openssl-dev"},
#endif
#ifndef SELVEDGE_WITH_POSTGRES
    {"postgres", "SELVEDGE_WITH_POSTGRES", "libpq-dev"},
#endif
    {NULL, NULL, NULL},
};

/* Always false. */
static bool refuse(const char *what, struct str type, const struct absent *absent,
                   const char *names, struct err *err)
{
    for (; absent->type != NULL; absent++) {
        if (str_eq(type, str_from(absent->type))) {
            err_set(err, ERR_INVALID, "%s \"%s\" is not in this build", what, absent->type);
            return err_hint(err, "build it with the package %s (CMake option %s)", absent->package,
                            absent->option);
        }
    }
    err_set(err, ERR_INVALID, "there is no %s \"" STR_FMT "\"", what, STR_ARG(type));
    return err_hint(err, "%ss: %s", what, names == NULL ? "no memory to name them" : names);
}

bool connectors_tap(struct str type, const struct tap_ops **ret, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(taps); i++) {
        if (str_eq(type, str_from(taps[i]->type))) {
            *ret = taps[i];
            return true;
        }
    }
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(taps); i++) {
        buf_addf(&names, "%s%s", i == 0 ? "" : ", ", taps[i]->type);
    }
    return refuse("tap", type, absent_taps, buf_cstr(&names), err);
}

bool connectors_target(struct str type, const struct target_ops **ret, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        if (str_eq(type, str_from(targets[i]->type))) {
            *ret = targets[i];
            return true;
        }
    }
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        buf_addf(&names, "%s%s", i == 0 ? "" : ", ", targets[i]->type);
    }
    return refuse("target", type, absent_targets, buf_cstr(&names), err);
}
