#include "agent/el/connectors.h"

#include "agent/connectors/connector.h"

enum { NAMES_BYTES_MAX = 1024 };

static const struct tap_ops *const taps[] = {
    &tap_sqlite,   &tap_singer, &tap_singer_program, &tap_singer_input,
#if SELVEDGE_WITH_CSV
    &tap_csv,
#endif
#if SELVEDGE_WITH_JSONL
    &tap_jsonl,
#endif
#if SELVEDGE_WITH_SYSTEM
    &tap_system,
#endif
#if SELVEDGE_WITH_MQTT
    &tap_mqtt,
#endif
#if SELVEDGE_WITH_HTTP
    &tap_http,
#endif
#if SELVEDGE_WITH_MODBUS
    &tap_modbus,
#endif
#if SELVEDGE_WITH_POSTGRES
    &tap_postgres,
#endif
};
static const struct target_ops *const targets[] = {
    &target_sqlite,   &target_singer_program,
#if SELVEDGE_WITH_CSV
    &target_csv,
#endif
#if SELVEDGE_WITH_JSONL
    &target_jsonl,
#endif
#if SELVEDGE_WITH_MQTT
    &target_mqtt,
#endif
#if SELVEDGE_WITH_HTTP
    &target_http,
#endif
#if SELVEDGE_WITH_POSTGRES
    &target_postgres,
#endif
};

/* Always false. */
static bool refuse(const char *what, struct str type, const struct connector *known,
                   const char *names, struct err *err)
{
    if (known != NULL && known->is_absent) {
        return connector_absent(known, what, err);
    }
    err_set(err, ERR_INVALID, "there is no %s \"" STR_FMT "\"", what, STR_ARG(type));
    return err_hint(err, "%ss: %s", what, names == NULL ? "no memory to name them" : names);
}

/* NULL where the connector has no such side. */
static const struct connector *known(struct str type, enum connector_use use)
{
    const struct connector *c = connector_find(type);
    return c == NULL || c->sides[use].options == NULL ? NULL : c;
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
    return refuse("tap", type, known(type, USE_EXTRACT), buf_cstr(&names), err);
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
    return refuse("target", type, known(type, USE_LOAD), buf_cstr(&names), err);
}
