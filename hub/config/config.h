/* config.h - the hub's settings: <file>, by default /etc/selvedge/hub.yaml. One table makes parser,
 * help and docs. */
#pragma once
#include "common/json/fields.h"
#include "common/log/log.h"
#include "hub/config/reports.h"

enum hub_tls { HUB_TLS_AUTO, HUB_TLS_ON, HUB_TLS_OFF };
struct hub_http_config {
    int state; /* 0 = on, 1 = off */
    struct str bind;
    int64_t port;
    int tls;                     /* enum hub_tls */
    struct str certificate, key; /* paths of PEM files; empty: the hub's own */
    int64_t connections;
    struct str_list proxies; /* addresses */
    bool is_open;            /* health and metrics are told to everybody */
};

struct hub_config {
    struct str state_dir;
    struct str fleet;              /* a topic level: see device_name_is_valid() */
    struct str host;               /* name or address by which devices reach the broker */
    int64_t port;                  /* of the broker's listener for devices */
    int64_t enrol_port;            /* of its listener for enrolment */
    struct str bind;               /* address the listeners are bound to; empty = all */
    struct str_list names;         /* further names or addresses for the broker's certificate */
    struct str broker;             /* program; "external" = somebody else runs and configures it */
    int log_level;                 /* enum log_level */
    int64_t bundles_kept;          /* newest ones, needed or not */
    int64_t bundle_rate;           /* bytes of bundles a second, to all devices together */
    int64_t certificate_ns;        /* how long a device's certificate is good for */
    int64_t renewal_grace_ns;      /* after its end, how long the device may still renew it */
    int64_t log_quota;             /* bytes of hub.db; 0 = no limit */
    struct str_list alert_command; /* gets alerts on its standard input; empty = none */
    struct str alert_webhook;      /* URL, or file:PATH of a file with it; empty = none */
    struct str alert_group;        /* the label that groups alerts */
    int64_t alert_group_devices;
    int64_t alert_wait_ns;
    int64_t alert_repeat_ns; /* 0 = told once */
    int64_t alert_away_ns;
    int64_t alert_certificate_ns;
    struct object_list reports; /* of struct hub_report */
    struct hub_mail mail;
    struct str file; /* that these are read from; empty: they are defaults */
    struct hub_http_config http;
};

enum { HUB_CONFIG_BYTES_MAX = 64 << 10 };

/* Defaults, then the file (not there: an error only when `must_exist`). Text lives in `arena`. */
MUST_CHECK bool hub_config_load(const char *path, bool must_exist, struct arena *arena,
                                struct problems *problems, struct hub_config *ret, struct err *err);
/* The same for text that is, or will be, in the file `path`. */
MUST_CHECK bool hub_config_parse(struct str text, const char *path, struct arena *arena,
                                 struct problems *problems, struct hub_config *ret,
                                 struct err *err);
/* NULL: there is none of that name. */
const struct hub_report *hub_config_report(const struct hub_config *config, struct str name);
void hub_config_write_reference(struct buf *out);

/* Where things are below state_dir. `path` has room for LIMIT_PATH_BYTES + 1. ERR_INVALID when too
 * long. */
MUST_CHECK bool hub_path(const struct hub_config *config, const char *name, char *path,
                         struct err *err);
