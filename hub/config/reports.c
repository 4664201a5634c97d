#include "hub/config/reports.h"

#include "common/model/cron.h"
#include "common/wire/topics.h"
#include "hub/config/zone.h"
#include <stddef.h>

enum { ZONE_ARENA_BYTES = 1 << 20 };
#define DAY_NS (INT64_C(86400) * NS_PER_SEC)

const char *const hub_report_formats[] = {"text", "html", "md", "json", "csv", NULL};
static const char *const tls_names[] = {"none", "starttls", "tls", NULL};

/* --- mail --- */

#define AT(member) offsetof(struct hub_mail, member)
static const struct field mail_fields[] = {
    {.key = "server",
     .type = FIELD_STR,
     .required = true,
     .offset = AT(server),
     .help = "Name or address of the mail server (SMTP)."},
    {.key = "port",
     .type = FIELD_I64,
     .offset = AT(port),
     .min = 1,
     .max = 65535,
     .fallback = "587",
     .help = "Its port: 587 for `starttls`, 465 for `tls`, 25 for a server that asks for no user."},
    {.key = "tls",
     .type = FIELD_ENUM,
     .offset = AT(tls),
     .names = tls_names,
     .fallback = "starttls",
     .help = "`starttls`: the connection is made private before anything is sent, or nothing is "
             "sent; `tls`: from its beginning; `none`: not, and then there may be no user."},
    {.key = "user",
     .type = FIELD_STR,
     .offset = AT(user),
     .help = "The user, where the server asks for one."},
    {.key = "password_file",
     .type = FIELD_STR,
     .offset = AT(password_file),
     .help = "A file with the password; the settings themselves hold none."},
    {.key = "ca_file",
     .type = FIELD_STR,
     .offset = AT(ca_file),
     .help = "Certificates of the CAs that the server's is checked against; the system's when not "
             "given."},
    {.key = "from",
     .type = FIELD_STR,
     .required = true,
     .offset = AT(from),
     .help = "The sender's address."},
};
#undef AT
static const struct hub_mail hub_mail_defaults = {.port = 587, .tls = MAIL_TLS_STARTTLS};
const struct field_table hub_mail_table = {.name = "mail",
                                           .size = sizeof(struct hub_mail),
                                           .fields = mail_fields,
                                           .count = COUNT_OF(mail_fields),
                                           .defaults = &hub_mail_defaults};

/* --- reports --- */

#define AT(member) offsetof(struct hub_report_to, member)
static const struct field to_fields[] = {
    {.key = "directory",
     .type = FIELD_STR,
     .offset = AT(directory),
     .help = "A folder, below `state_dir` when it is not absolute: a file for each time, named by "
             "report and time."},
    {.key = "mqtt",
     .type = FIELD_BOOL,
     .offset = AT(mqtt),
     .help = "`true`: a retained message at `selvedge/v1/<fleet>/hub/reports/<name>`."},
    {.key = "webhook",
     .type = FIELD_STR,
     .offset = AT(webhook),
     .help = "It is posted with curl: a URL, or `file:PATH` of a file that holds it."},
    {.key = "mail",
     .type = FIELD_STR_LIST,
     .offset = AT(mail),
     .min = 1,
     .max = REPORT_ADDRESSES_MAX,
     .help = "Addresses; the server stands under `mail` in the settings."},
};
#undef AT
static const struct field_table to_table = {.name = "report_to",
                                            .size = sizeof(struct hub_report_to),
                                            .fields = to_fields,
                                            .count = COUNT_OF(to_fields),
                                            .is_choice = true};

#define AT(member) offsetof(struct hub_report, member)
static const struct field report_fields[] = {
    {.key = "name",
     .type = FIELD_STR,
     .required = true,
     .offset = AT(name),
     .help = "Its name: lower-case letters, digits and '-'."},
    {.key = "cron",
     .type = FIELD_STR,
     .required = true,
     .offset = AT(cron),
     .help = "When it goes out: five fields, as of schedules."},
    {.key = "timezone",
     .type = FIELD_STR,
     .offset = AT(timezone),
     .fallback = "UTC",
     .help = "The time zone of `cron`, such as Europe/Berlin."},
    {.key = "since",
     .type = FIELD_DURATION,
     .offset = AT(since_ns),
     .min = 60 * NS_PER_SEC,
     .max = 366 * DAY_NS,
     .fallback = "24h",
     .help = "How far back it looks, from the time at which it goes out."},
    {.key = "group_by",
     .type = FIELD_STR,
     .offset = AT(group_by),
     .help = "A label of the devices, such as `site`, to add up by."},
    {.key = "format",
     .type = FIELD_ENUM,
     .offset = AT(format),
     .names = hub_report_formats,
     .fallback = "html",
     .help = "How it is written. Mail has the text beside it, whatever this says."},
    {.key = "keep",
     .type = FIELD_I64,
     .offset = AT(keep),
     .min = 1,
     .max = 100000,
     .fallback = "100",
     .help = "How many files of it a folder keeps; the oldest give way."},
    {.key = "to",
     .type = FIELD_OBJECT,
     .required = true,
     .offset = AT(to),
     .object = &to_table,
     .help = "Where it goes: one of the keys."},
};
#undef AT
static const struct hub_report report_defaults = {
    .timezone = STR_INIT("UTC"), .since_ns = DAY_NS, .format = 1, .keep = 100};
const struct field_table hub_report_table = {.name = "report",
                                             .size = sizeof(struct hub_report),
                                             .fields = report_fields,
                                             .count = COUNT_OF(report_fields),
                                             .location_offset = offsetof(struct hub_report, at),
                                             .defaults = &report_defaults};

/* --- what tables cannot say --- */

/* What may stand in a header and in curl's configuration without a second thought. */
static bool is_address(struct str s)
{
    size_t ats = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_plain = c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"' && c != '\\' &&
                        c != ',' && c != ';' && c != '(' && c != ')';
        ats += c == '@';
        if (!is_plain) {
            return false;
        }
    }
    return s.len <= REPORT_ADDRESS_BYTES_MAX && ats == 1 && s.ptr[0] != '@' &&
           s.ptr[s.len - 1] != '@';
}

static bool zone_is_known(struct str name)
{
    AUTO(arena) arena = arena_new(ZONE_ARENA_BYTES);
    const struct tz *tz = NULL;
    struct err err = {0};
    return zone_load(name, &arena, &tz, &err);
}

static void check_to(const struct hub_report *r, const struct hub_mail *mail,
                     struct problems *problems)
{
    const struct str name = r->name;
    for (size_t i = 0; i < r->to.mail.count; i++) {
        if (!is_address(r->to.mail.items[i])) {
            problems_add(problems, r->at, STR("such as ops@example.org"),
                         "reports: " STR_FMT ": \"" STR_FMT "\" is no mail address", STR_ARG(name),
                         STR_ARG(r->to.mail.items[i]));
        }
    }
    if (r->to.mail.count > 0 && str_is_empty(mail->server)) {
        problems_add(problems, r->at, STR("add `mail:` with server and from"),
                     "reports: " STR_FMT ": it goes by mail, and there is no mail server",
                     STR_ARG(name));
    }
    if (r->to.mail.count == 0 && str_is_empty(r->to.directory) && str_is_empty(r->to.webhook) &&
        !r->to.mqtt) {
        problems_add(problems, r->at, STR("such as to: {directory: reports}"),
                     "reports: " STR_FMT ": it goes nowhere", STR_ARG(name));
    }
}

static void check_report(const struct hub_report *r, const struct hub_mail *mail,
                         struct problems *problems)
{
    struct cron cron;
    struct err err = {0};
    if (!device_name_is_valid(r->name)) {
        problems_add(problems, r->at, STR_NONE, "reports: \"" STR_FMT "\" is no name for a report",
                     STR_ARG(r->name));
    }
    if (!cron_parse(r->cron, &cron, &err)) {
        problems_add(problems, r->at, STR_NONE, "reports: " STR_FMT ": cron: %s", STR_ARG(r->name),
                     err.msg);
    }
    if (!zone_is_known(r->timezone)) {
        problems_add(problems, r->at, STR("check the spelling, or install the package tzdata"),
                     "reports: " STR_FMT ": this machine does not know the time zone " STR_FMT,
                     STR_ARG(r->name), STR_ARG(r->timezone));
    }
    check_to(r, mail, problems);
}

void hub_reports_check(const struct object_list *reports, const struct hub_mail *mail,
                       struct problems *problems)
{
    const struct hub_report *all = reports->items;
    for (size_t i = 0; i < reports->count; i++) {
        check_report(&all[i], mail, problems);
        for (size_t k = 0; k < i; k++) {
            if (str_eq(all[i].name, all[k].name)) {
                problems_add(problems, all[i].at, STR_NONE, "reports: " STR_FMT " is there twice",
                             STR_ARG(all[i].name));
            }
        }
    }
    if (!str_is_empty(mail->server)) {
        const struct location nowhere = {0};
        if (!is_address(mail->from)) {
            problems_add(problems, nowhere, STR("such as selvedge@example.org"),
                         "mail.from: \"" STR_FMT "\" is no mail address", STR_ARG(mail->from));
        }
        if (mail->tls == MAIL_TLS_NONE && !str_is_empty(mail->user)) {
            problems_add(problems, nowhere, STR("tls: starttls"),
                         "mail.user: a password is not sent over a connection without TLS");
        }
        if (str_is_empty(mail->user) != str_is_empty(mail->password_file)) {
            problems_add(problems, nowhere, STR_NONE, "mail: user and password_file go together");
        }
    }
}

void hub_report_describe(const struct hub_report *r, struct buf *out)
{
    if (!str_is_empty(r->to.directory)) {
        buf_addf(out, "folder " STR_FMT, STR_ARG(r->to.directory));
    } else if (r->to.mqtt) {
        buf_add(out, STR("MQTT"));
    } else if (!str_is_empty(r->to.webhook)) {
        buf_add(out, STR("webhook")); /* its URL may be a secret */
    } else {
        buf_add(out, STR("mail to "));
        for (size_t i = 0; i < r->to.mail.count; i++) {
            buf_addf(out, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(r->to.mail.items[i]));
        }
    }
}
