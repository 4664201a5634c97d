#include "agent/el/connectors.h"

enum { NAMES_BYTES_MAX = 1024 };

static const struct tap_ops *const taps[] = {
    &tap_sqlite, &tap_csv, &tap_jsonl, &tap_singer, &tap_singer_program, &tap_singer_input};
static const struct target_ops *const targets[] = {&target_sqlite, &target_jsonl,
                                                   &target_singer_program};

bool connectors_tap(struct str type, const struct tap_ops **ret, struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(taps); i++) {
        if (str_eq(type, str_from(taps[i]->type))) {
            *ret = taps[i];
            return true;
        }
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
    err_set(err, ERR_INVALID, "there is no target \"" STR_FMT "\"", STR_ARG(type));
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        buf_addf(&names, "%s%s", i == 0 ? "targets: " : ", ", targets[i]->type);
    }
    const char *hint = buf_cstr(&names);
    return err_hint(err, "%s", hint == NULL ? "no memory to name them" : hint);
}
