/* reports.h - the settings `reports` and `mail`: which reports go out, when, and where to. */
#pragma once
#include "common/base/arena.h"
#include "common/base/time.h"
#include "common/json/fields.h"

enum { REPORTS_MAX = 50, REPORT_ADDRESSES_MAX = 50, REPORT_ADDRESS_BYTES_MAX = 254 };

enum hub_mail_tls { MAIL_TLS_NONE, MAIL_TLS_STARTTLS, MAIL_TLS_TLS };
struct hub_mail {
    struct str server; /* empty: there is none */
    int64_t port;
    int tls; /* enum hub_mail_tls */
    struct str user;
    struct str password_file;
    struct str ca_file; /* empty: the system's */
    struct str from;
};
struct hub_report_to { /* one of them */
    struct str directory;
    bool mqtt;
    struct str webhook; /* URL, or file:PATH of a file with it */
    struct str_list mail;
};
struct hub_report {
    struct str name;
    struct str cron, timezone;
    int64_t since_ns;
    struct str group_by;
    int format; /* index into hub_report_formats */
    int64_t keep;
    struct hub_report_to to;
    struct location at;
};
extern const char *const hub_report_formats[]; /* as report_format_names, in that order */
extern const struct field_table hub_report_table, hub_mail_table;

/* What the tables cannot say of it; adds to `problems`. */
void hub_reports_check(const struct object_list *reports, const struct hub_mail *mail,
                       struct problems *problems);
/* Where it goes, for people: "mail to ops@example.org". */
void hub_report_describe(const struct hub_report *report, struct buf *out);
