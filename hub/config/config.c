#include "hub/config/config.h"

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/platform/files.h"
#include "common/yaml/yaml.h"
#include <stddef.h>
#include <stdio.h>

static const char *const level_names[] = {"error", "warn", "info", "debug", NULL};

#define DAY_NS (INT64_C(86400) * NS_PER_SEC)
static const char *const state_names[] = {"on", "off", NULL};
static const char *const tls_names[] = {"auto", "on", "off", NULL};

#define HTTP_STATE_HELP                                                                            \
    "`off`: no port is listened on, and there is no web UI; the command line on this machine is "  \
    "answered all the same. `http: off` says the same."
#define HTTP_AT(member) offsetof(struct hub_http_config, member)
static const struct field http_state = {.key = "state",
                                        .type = FIELD_ENUM,
                                        .offset = HTTP_AT(state),
                                        .names = state_names,
                                        .fallback = "on",
                                        .help = HTTP_STATE_HELP};
static const struct field http_fields[] = {
    {.key = "state",
     .type = FIELD_ENUM,
     .offset = HTTP_AT(state),
     .names = state_names,
     .fallback = "on",
     .help = HTTP_STATE_HELP},
    {.key = "bind",
     .type = FIELD_STR,
     .offset = HTTP_AT(bind),
     .fallback = "127.0.0.1",
     .help = "Address that is listened on; `0.0.0.0` or `::` for all."},
    {.key = "port",
     .type = FIELD_I64,
     .offset = HTTP_AT(port),
     .min = 0,
     .max = 65535,
     .fallback = "8880",
     .help = "Port; 0 takes a free one, which the log tells."},
    {.key = "tls",
     .type = FIELD_ENUM,
     .offset = HTTP_AT(tls),
     .names = tls_names,
     .fallback = "auto",
     .help = "`auto`: HTTPS when a certificate is given or others than this machine can connect. "
             "`off` is for a proxy that does it."},
    {.key = "certificate",
     .type = FIELD_STR,
     .offset = HTTP_AT(certificate),
     .help = "PEM file with the certificate and its chain; the hub's own CA makes one when it is "
             "not given."},
    {.key = "key",
     .type = FIELD_STR,
     .offset = HTTP_AT(key),
     .help = "PEM file with the certificate's key."},
    {.key = "connections",
     .type = FIELD_I64,
     .offset = HTTP_AT(connections),
     .min = 64,
     .max = 100000,
     .fallback = "12000",
     .help = "Connections at once; at more, the one that has been idle longest is closed. Fewer "
             "where the process may not open as many files (`LimitNOFILE`, `ulimit -n`)."},
    {.key = "proxies",
     .type = FIELD_STR_LIST,
     .offset = HTTP_AT(proxies),
     .max = 16,
     .help = "Addresses of reverse proxies: they may have more than one address's share of the "
             "connections, and the last entry of their `X-Forwarded-For` is who asks."},
    {.key = "open_health",
     .type = FIELD_BOOL,
     .offset = HTTP_AT(is_open),
     .fallback = "false",
     .help = "`/healthz`, `/readyz` and `/metrics` are told without a token to all, not only to "
             "this machine."},
};
#define HTTP_DEFAULTS                                                                              \
    {                                                                                              \
        .bind = STR_INIT("127.0.0.1"), .port = 8880, .connections = 12000                          \
    }
static const struct hub_http_config http_defaults = HTTP_DEFAULTS;
static const struct field_table http_table = {.name = "http",
                                              .size = sizeof(struct hub_http_config),
                                              .fields = http_fields,
                                              .count = COUNT_OF(http_fields),
                                              .defaults = &http_defaults,
                                              .shorthand = &http_state};

#define AT(member) offsetof(struct hub_config, member)
static const struct field config_fields[] = {
    {.key = "state_dir",
     .type = FIELD_STR,
     .offset = AT(state_dir),
     .fallback = "/var/lib/selvedge/hub",
     .help = "Folder for the database, the CA and the broker's files."},
    {.key = "fleet",
     .type = FIELD_STR,
     .offset = AT(fleet),
     .fallback = "main",
     .help =
         "Name of the fleet: lower-case letters, digits and '-'. Fixed by `selvedge-hub init`."},
    {.key = "host",
     .type = FIELD_STR,
     .offset = AT(host),
     .fallback = "localhost",
     .help = "Name or address by which devices reach the broker; it stands in tokens and "
             "certificates."},
    {.key = "port",
     .type = FIELD_I64,
     .offset = AT(port),
     .min = 1,
     .max = 65535,
     .fallback = "8883",
     .help = "Port of the broker's listener for devices (mutual TLS)."},
    {.key = "enrol_port",
     .type = FIELD_I64,
     .offset = AT(enrol_port),
     .min = 1,
     .max = 65535,
     .fallback = "8884",
     .help = "Port of the broker's listener for enrolment."},
    {.key = "bind",
     .type = FIELD_STR,
     .offset = AT(bind),
     .help = "Address the listeners are bound to; all addresses when not given."},
    {.key = "names",
     .type = FIELD_STR_LIST,
     .offset = AT(names),
     .max = 32,
     .help = "Further names or addresses of the broker, for its certificate."},
    {.key = "broker",
     .type = FIELD_STR,
     .offset = AT(broker),
     .fallback = "/usr/sbin/mosquitto",
     .help = "The mosquitto program that the hub starts and configures, or `external`: you run the "
             "broker at host and port."},
    {.key = "log_level",
     .type = FIELD_ENUM,
     .offset = AT(log_level),
     .names = level_names,
     .fallback = "info",
     .help = "How much is logged."},
    {.key = "bundle_rate",
     .type = FIELD_BYTES,
     .offset = AT(bundle_rate),
     .min = 1 << 10,
     .max = INT64_C(1) << 30,
     .fallback = "4MiB",
     .help = "Bytes of bundles that go out in a second, to all devices together."},
    {.key = "bundles_kept",
     .type = FIELD_I64,
     .offset = AT(bundles_kept),
     .min = 0,
     .max = 100000,
     .fallback = "20",
     .help =
         "How many of the newest bundles are kept, needed or not. Older ones are deleted when no "
         "device and no deployment needs them."},
    {.key = "certificate_lifetime",
     .type = FIELD_DURATION,
     .offset = AT(certificate_ns),
     .min = 2 * NS_PER_SEC,
     .max = 3650 * DAY_NS,
     .fallback = "90d",
     .help = "How long a device's certificate is good for. Devices renew it at two thirds of its "
             "life; shorter ones make a stolen key useless sooner."},
    {.key = "renewal_grace",
     .type = FIELD_DURATION,
     .offset = AT(renewal_grace_ns),
     .min = 0,
     .max = 36500 * DAY_NS,
     .fallback = "1095d",
     .help = "How long after its certificate's end a device that was away may still renew it, with "
             "the key of that certificate."},
    {.key = "database_quota",
     .type = FIELD_BYTES,
     .offset = AT(log_quota),
     .min = 0,
     .max = INT64_C(1) << 50,
     .fallback = "0",
     .help = "Largest size of the database; 0 means no limit. When it is reached nothing more is "
             "acknowledged, and the devices keep their events."},
    {.key = "alert_command",
     .type = FIELD_STR_LIST,
     .offset = AT(alert_command),
     .max = 31,
     .help =
         "A program and its arguments: it is run for each alert, which it reads as JSON from its "
         "standard input."},
    {.key = "alert_webhook",
     .type = FIELD_STR,
     .offset = AT(alert_webhook),
     .help =
         "Where alerts are posted as JSON, with curl: a URL, or `file:PATH` of a file that holds "
         "it."},
    {.key = "alert_group",
     .type = FIELD_STR,
     .offset = AT(alert_group),
     .fallback = "site",
     .help = "The label by which devices are grouped: a site that is dead is one alert."},
    {.key = "alert_group_devices",
     .type = FIELD_I64,
     .offset = AT(alert_group_devices),
     .min = 2,
     .max = 1000000,
     .fallback = "3",
     .help = "So many devices of a group, and at least half of it, make one alert of theirs."},
    {.key = "alert_wait",
     .type = FIELD_DURATION,
     .offset = AT(alert_wait_ns),
     .min = 0,
     .max = INT64_C(86400) * NS_PER_SEC,
     .fallback = "1m",
     .help = "How long a trouble must last until somebody is told."},
    {.key = "alert_repeat",
     .type = FIELD_DURATION,
     .offset = AT(alert_repeat_ns),
     .min = 0,
     .max = INT64_C(31536000) * NS_PER_SEC,
     .fallback = "24h",
     .help = "How often what lasts is told again; 0s means once."},
    {.key = "alert_away",
     .type = FIELD_DURATION,
     .offset = AT(alert_away_ns),
     .min = NS_PER_SEC,
     .max = INT64_C(31536000) * NS_PER_SEC,
     .fallback = "15m",
     .help = "How long a device may be away."},
    {.key = "alert_certificate",
     .type = FIELD_DURATION,
     .offset = AT(alert_certificate_ns),
     .min = 0,
     .max = INT64_C(31536000) * NS_PER_SEC,
     .fallback = "7d",
     .help =
         "How long before its end a certificate is a trouble; for short-lived ones it is the last "
         "sixth of their life."},
    {.key = "reports",
     .type = FIELD_OBJECT_LIST,
     .offset = AT(reports),
     .max = REPORTS_MAX,
     .object = &hub_report_table,
     .help = "Reports that go out by a schedule: docs/reference/reports.md."},
    {.key = "mail",
     .type = FIELD_OBJECT,
     .offset = AT(mail),
     .object = &hub_mail_table,
     .help = "The server that reports go to as mail."},
    {.key = "http",
     .type = FIELD_OBJECT,
     .offset = AT(http),
     .object = &http_table,
     .help = "The web process: API and web UI. `http: off` for none but the command line's."},
};
static const struct hub_config config_defaults = {
    .state_dir = STR_INIT("/var/lib/selvedge/hub"),
    .fleet = STR_INIT("main"),
    .host = STR_INIT("localhost"),
    .port = 8883,
    .enrol_port = 8884,
    .broker = STR_INIT("/usr/sbin/mosquitto"),
    .certificate_ns = 90 * DAY_NS,
    .renewal_grace_ns = 1095 * DAY_NS,
    .log_level = LOG_INFO,
    .bundle_rate = 4 << 20,
    .bundles_kept = 20,
    .alert_group = STR_INIT("site"),
    .alert_group_devices = 3,
    .alert_wait_ns = 60 * NS_PER_SEC,
    .alert_repeat_ns = INT64_C(86400) * NS_PER_SEC,
    .alert_away_ns = 900 * NS_PER_SEC,
    .alert_certificate_ns = 7 * INT64_C(86400) * NS_PER_SEC,
    .http = HTTP_DEFAULTS,
};
static const struct field_table config_table = {.name = "hub",
                                                .size = sizeof(struct hub_config),
                                                .fields = config_fields,
                                                .count = COUNT_OF(config_fields),
                                                .defaults = &config_defaults};

bool hub_config_load(const char *path, bool must_exist, struct arena *arena,
                     struct problems *problems, struct hub_config *ret, struct err *err)
{
    AUTO(buf) text = buf_growing(HUB_CONFIG_BYTES_MAX);
    if (files_read(path, &text, err)) {
        return hub_config_parse(buf_str(&text), path, arena, problems, ret, err);
    }
    if (err->code == ERR_NOT_FOUND && !must_exist) {
        *ret = config_defaults;
        return true;
    }
    return false;
}

bool hub_config_parse(struct str text, const char *path, struct arena *arena,
                      struct problems *problems, struct hub_config *ret, struct err *err)
{
    struct json *node = NULL;
    struct hub_config config = config_defaults;
    problems->file = str_from(path);
    if (!yaml_parse(text, str_from(path), arena, &node, err)) {
        return false;
    }
    if (!fields_read(node, &config_table, STR_NONE, arena, problems, &config)) {
        return problems_to_err(problems, err);
    }
    hub_reports_check(&config.reports, &config.mail, problems);
    if (problems->total > 0) {
        return problems_to_err(problems, err);
    }
    config.file = arena_copy(arena, str_from(path));
    *ret = config;
    return true;
}

const struct hub_report *hub_config_report(const struct hub_config *config, struct str name)
{
    const struct hub_report *all = config->reports.items;
    for (size_t i = 0; i < config->reports.count; i++) {
        if (str_eq(all[i].name, name)) {
            return &all[i];
        }
    }
    return NULL;
}

void hub_config_write_reference(struct buf *out)
{
    fields_write_markdown(out, &config_table);
}

bool hub_path(const struct hub_config *config, const char *name, char *path, struct err *err)
{
    int len = snprintf(path, LIMIT_PATH_BYTES + 1, STR_FMT "/%s", STR_ARG(config->state_dir), name);
    return (len > 0 && len <= LIMIT_PATH_BYTES) ||
           err_set(err, ERR_INVALID, "the path of %s is longer than %d bytes", name,
                   LIMIT_PATH_BYTES);
}
