#include "hub/delivery/deliver.h"

#include "common/base/limits.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "hub/delivery/curl_run.h"
#include "hub/delivery/folder.h"
#include "hub/delivery/mail.h"
#include "hub/report/question.h"
#include "hub/report/report_make.h"
#include "hub/store/store.h"
#include <stdio.h>

enum {
    REPORT_ARENA_BYTES = 256 << 20,
    ROW_BYTES_MAX = 64 << 10,
    SETTING_BYTES_MAX = 32 << 10,
    SECRET_BYTES_MAX = 4096,
};

struct delivering {
    const struct hub_config *config;
    const struct hub_report *settings;
    const struct report *report;
    struct wall_time due;
    int output_fd;
};

/* Its trimmed content, to be wiped. */
static bool read_secret(struct str path, struct buf *into, struct err *err)
{
    char text[LIMIT_PATH_BYTES + 1];
    if (path.len > LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "a path is longer than %d bytes", LIMIT_PATH_BYTES);
    }
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(path));
    return files_read(text, into, err);
}

static bool write_whole(const struct report *report, enum report_format format, struct buf *out,
                        struct err *err)
{
    report_write(report, format, out);
    return !out->overflow ||
           err_set(err, ERR_FULL, "the report is longer than %d MiB", REPORT_BYTES_MAX >> 20);
}

/* --- the ways --------------------------------------------------------------------------------- */

static void file_name(const struct delivering *d, struct buf *out)
{
    folder_file_name(out, d->settings->name, d->due,
                     report_format_extension((enum report_format)d->settings->format));
}

static bool to_folder(const struct delivering *d, struct str body, struct err *err)
{
    char name[256];
    struct buf file = buf_fixed(name, sizeof(name));
    file_name(d, &file);
    const struct folder folder = {.state_dir = d->config->state_dir,
                                  .directory = d->settings->to.directory,
                                  .report = d->settings->name,
                                  .keep = d->settings->keep};
    return folder_put(&folder, buf_str(&file), body, err);
}

static bool to_hub(const struct delivering *d, struct str body, struct err *err)
{
    if (body.len > LIMIT_MESSAGE_BYTES) {
        (void)err_set(err, ERR_FULL, "the report has %zu KiB, and a message takes %d KiB",
                      body.len >> 10, LIMIT_MESSAGE_BYTES >> 10);
        return err_hint(err, "another format (text, csv) or another way");
    }
    return files_write_fd(d->output_fd, body, err);
}

static bool to_webhook(const struct delivering *d, struct str body, struct err *err)
{
    AUTO(buf) config = buf_growing(SETTING_BYTES_MAX);
    AUTO(buf) secret = buf_growing(SECRET_BYTES_MAX);
    struct str url = d->settings->to.webhook;
    char header[128];
    if (str_starts(url, STR("file:"))) {
        if (!read_secret(str_slice(url, 5, url.len), &secret, err)) {
            return false;
        }
        url = str_trim(buf_str(&secret));
    }
    (void)snprintf(header, sizeof(header), "Content-Type: %s",
                   report_format_type((enum report_format)d->settings->format));
    curl_setting(&config, "url", url);
    curl_setting(&config, "header", str_from(header));
    curl_setting(&config, "data-binary", STR("@-"));
    buf_add(&config, STR("fail\n"));
    bool ok = curl_run(buf_str(&config), body, err);
    buf_wipe(&config);
    buf_wipe(&secret);
    return ok;
}

/* --- mail ------------------------------------------------------------------------------------- */

static bool write_mail_settings(const struct delivering *d, struct buf *config, struct err *err)
{
    const struct hub_mail *mail = &d->config->mail;
    AUTO(buf) user = buf_growing((size_t)SECRET_BYTES_MAX * 2);
    AUTO(buf) secret = buf_growing(SECRET_BYTES_MAX);
    char url[512];
    bool is_ip6 = str_contains(mail->server, STR(":"));
    (void)snprintf(url, sizeof(url), "%s://%s" STR_FMT "%s:%lld",
                   mail->tls == MAIL_TLS_TLS ? "smtps" : "smtp", is_ip6 ? "[" : "",
                   STR_ARG(mail->server), is_ip6 ? "]" : "", (long long)mail->port);
    curl_setting(config, "url", str_from(url));
    curl_setting(config, "mail-from", mail->from);
    for (size_t i = 0; i < d->settings->to.mail.count; i++) {
        curl_setting(config, "mail-rcpt", d->settings->to.mail.items[i]);
    }
    curl_setting(config, "upload-file", STR("-"));
    buf_add(config, mail->tls == MAIL_TLS_NONE ? STR("") : STR("ssl-reqd\n"));
    if (!str_is_empty(mail->ca_file)) {
        curl_setting(config, "cacert", mail->ca_file);
    }
    if (!str_is_empty(mail->user)) {
        if (!read_secret(mail->password_file, &secret, err)) {
            return err_wrap(err, "the password of mail");
        }
        buf_addf(&user, STR_FMT ":" STR_FMT, STR_ARG(mail->user),
                 STR_ARG(str_trim(buf_str(&secret))));
        curl_setting(config, "user", buf_str(&user));
    }
    buf_wipe(&user);
    buf_wipe(&secret);
    return !config->overflow || err_set(err, ERR_FULL, "the settings of mail are too long");
}

static bool to_mail(const struct delivering *d, struct str body, struct err *err)
{
    AUTO(buf) text = buf_growing(REPORT_BYTES_MAX);
    AUTO(buf) whole = buf_growing((size_t)4 * REPORT_BYTES_MAX);
    AUTO(buf) config = buf_growing(SETTING_BYTES_MAX);
    AUTO(buf) subject = buf_growing(4096);
    char name[256];
    char id[512];
    struct buf file = buf_fixed(name, sizeof(name));
    enum report_format format = (enum report_format)d->settings->format;
    file_name(d, &file);
    (void)snprintf(id, sizeof(id), STR_FMT ".%lld@" STR_FMT ".selvedge", STR_ARG(d->settings->name),
                   (long long)(d->due.ns / NS_PER_MS), STR_ARG(d->config->fleet));
    report_write_subject(d->report, &subject);
    if (!write_whole(d->report, REPORT_TEXT, &text, err)) {
        return false;
    }
    struct mail mail = {.from = d->config->mail.from,
                        .to = &d->settings->to.mail,
                        .subject = str_clip(buf_str(&subject), 200),
                        .date = d->report->now,
                        .id = str_from(id),
                        .text = buf_str(&text)};
    if (format != REPORT_TEXT) {
        mail.other = body;
        mail.other_type = str_from(report_format_type(format));
        mail.other_name = buf_str(&file);
        mail.is_alternative = format == REPORT_HTML;
    }
    mail_write(&mail, &whole);
    bool ok = (!whole.overflow || err_set(err, ERR_FULL, "the mail is too long")) &&
              write_mail_settings(d, &config, err) &&
              curl_run(buf_str(&config), buf_str(&whole), err);
    buf_wipe(&config);
    return ok;
}

static bool carry(const struct delivering *d, struct err *err)
{
    AUTO(buf) body = buf_growing(REPORT_BYTES_MAX);
    if (!write_whole(d->report, (enum report_format)d->settings->format, &body, err)) {
        return false;
    }
    if (!str_is_empty(d->settings->to.directory)) {
        return to_folder(d, buf_str(&body), err);
    }
    if (!str_is_empty(d->settings->to.webhook)) {
        return to_webhook(d, buf_str(&body), err);
    }
    return d->settings->to.mqtt ? to_hub(d, buf_str(&body), err) : to_mail(d, buf_str(&body), err);
}

/* --- one delivery ----------------------------------------------------------------------------- */

static struct wall_time wall_now(void)
{
    struct clock clock = clock_system();
    return clock_wall(&clock);
}

static bool make_and_carry(struct delivering *d, const char *database, struct err *err)
{
    AUTO(arena) arena = arena_new(REPORT_ARENA_BYTES);
    struct db *store = NULL;
    struct report report;
    const struct hub_store_options options = {.path = database, .flags = DB_READ_ONLY};
    struct report_question question = report_question_from(d->config, wall_now());
    question.group_by = d->settings->group_by;
    question.since.ns = d->due.ns - d->settings->since_ns;
    question.until = d->due;
    bool ok = hub_store_open(&store, &options, err) &&
              report_read(store, &question, &arena, &report, err);
    db_close(store); /* what follows may take its time, and holds up nobody's checkpoint */
    d->report = &report;
    ok = ok && carry(d, err);
    d->report = NULL;
    return ok;
}

static bool take_lock(const struct hub_config *config, struct str report, struct fd *ret,
                      struct err *err)
{
    char folder[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    if (!hub_path(config, "delivery", folder, err) || !files_make_dirs(folder, 0700, err) ||
        !files_join(folder, report, path, sizeof(path), err)) {
        return false;
    }
    return files_lock(path, ret, err) ||
           err_wrap(err, "an earlier attempt to deliver it is still under way");
}

static bool deliver_due(struct delivering *d, const char *database, struct delivery_key key,
                        struct err *err)
{
    AUTO(arena) arena = arena_new(ROW_BYTES_MAX);
    struct delivery_row row;
    struct db *db = NULL;
    bool ok =
        delivery_rows_open(&db, database, err) && delivery_rows_find(db, key, &arena, &row, err);
    d->due = ok ? row.delivery.due : (struct wall_time){0};
    if (ok && d->due.ns != 0) {
        ok = make_and_carry(d, database, err);
        if (ok && !d->settings->to.mqtt &&
            !delivery_rows_settle(db, key, d->due, wall_now(), err)) {
            ok = err_wrap(err,
                          "it was delivered, and may be again, since that could not be written");
        }
    }
    db_close(db);
    return ok;
}

bool deliver(const struct hub_config *config, const char *database, struct delivery_key key,
             int output_fd, struct err *err)
{
    AUTO(fd) lock = {-1};
    struct delivering d = {.config = config,
                           .settings = hub_config_report(config, key.report),
                           .output_fd = output_fd};
    if (d.settings == NULL) {
        return err_set(err, ERR_NOT_FOUND, "the settings have no report " STR_FMT,
                       STR_ARG(key.report));
    }
    return take_lock(config, key.report, &lock, err) && deliver_due(&d, database, key, err);
}
