#include "hub/report/question.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include <stdio.h>

enum { CERTIFICATE_BYTES_MAX = 64 << 10 };

static void add_certificate(struct report_question *question, const char *name, const char *path)
{
    struct err ignored = {0};
    struct identity_info info;
    AUTO(buf) pem = buf_growing(CERTIFICATE_BYTES_MAX);
    if (files_read(path, &pem, &ignored) && identity_read_cert(buf_str(&pem), &info, &ignored)) {
        question->certificates[question->certificate_count++] =
            (struct report_certificate){.name = name, .not_after = info.not_after};
    }
}

struct report_question report_question_from(const struct hub_config *config, struct wall_time now)
{
    struct report_question question = {
        .fleet = config->fleet, .alert_group = config->alert_group, .now = now};
    struct err ignored = {0};
    char path[LIMIT_PATH_BYTES + 1];
    if (hub_path(config, "ca/ca.pem", path, &ignored)) {
        add_certificate(&question, "CA", path);
    }
    if (hub_path(config, "broker/server.pem", path, &ignored)) {
        add_certificate(&question, "broker", path);
    }
    if (!str_is_empty(config->http.certificate) && config->http.tls != HUB_TLS_OFF) {
        (void)snprintf(path, sizeof(path), STR_FMT, STR_ARG(config->http.certificate));
        add_certificate(&question, "web side", path);
    }
    return question;
}
