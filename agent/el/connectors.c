#include "agent/el/connectors.h"

enum { NAMES_BYTES_MAX = 1024 };

/* What a build left out says how to get it. */
struct absent {
    const char *type;
    const char *hint;
};

static const struct tap_ops *const taps[] = {
    &tap_sqlite,   &tap_csv, &tap_jsonl, &tap_singer, &tap_singer_program, &tap_singer_input,
#ifdef SELVEDGE_WITH_POSTGRES
    &tap_postgres,
#endif
};
static const struct target_ops *const targets[] = {
    &target_sqlite,
    &target_jsonl,
    &target_singer_program,
#ifdef SELVEDGE_WITH_POSTGRES
    &target_postgres,
#endif
};
static const struct absent absent[] = {
#ifndef SELVEDGE_WITH_POSTGRES
    {"postgres", "the package selvedge-agent for Debian has it; a build needs libpq-dev and "
                 "SELVEDGE_WITH_POSTGRES"},
#endif
    {NULL, NULL},
};

static bool is_absent(const char *what, struct str type, struct err *err)
{
    for (size_t i = 0; absent[i].type != NULL; i++) {
        if (str_eq(type, str_from(absent[i].type))) {
            err_set(err, ERR_INVALID, "this build has no %s \"" STR_FMT "\"", what, STR_ARG(type));
            err_hint(err, "%s", absent[i].hint);
            return true;
        }
    }
    return false;
}

bool connectors_tap(struct str type, const struct tap_ops **ret, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(taps); i++) {
        if (str_eq(type, str_from(taps[i]->type))) {
            *ret = taps[i];
            return true;
        }
    }
    if (is_absent("tap", type, err)) {
        return false;
    }
    err_set(err, ERR_INVALID, "there is no tap \"" STR_FMT "\"", STR_ARG(type));
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(taps); i++) {
        buf_addf(&names, "%s%s", i == 0 ? "taps: " : ", ", taps[i]->type);
    }
    const char *hint = buf_cstr(&names);
    return err_hint(err, "%s", hint == NULL ? "no memory to name them" : hint);
}

bool connectors_target(struct str type, const struct target_ops **ret, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        if (str_eq(type, str_from(targets[i]->type))) {
            *ret = targets[i];
            return true;
        }
    }
    if (is_absent("target", type, err)) {
        return false;
    }
    err_set(err, ERR_INVALID, "there is no target \"" STR_FMT "\"", STR_ARG(type));
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        buf_addf(&names, "%s%s", i == 0 ? "targets: " : ", ", targets[i]->type);
    }
    const char *hint = buf_cstr(&names);
    return err_hint(err, "%s", hint == NULL ? "no memory to name them" : hint);
}
