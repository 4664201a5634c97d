#include "agent/cli/commands.h"

#include "agent/daemon/announce.h"
#include "agent/daemon/enrol.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include "common/wire/topics.h"
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

enum { ENROL_ARENA_BYTES = 1 << 20 };

/* The host's name as a device name: "Shop_7.example.org" gives "shop-7". */
static struct str name_of_host(char text[64])
{
    char host[256] = "";
    size_t len = 0;
    (void)gethostname(host, sizeof(host) - 1);
    for (const char *c = host; *c != '\0' && *c != '.' && len < 63; c++) {
        int lower = tolower((unsigned char)*c);
        bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (plain || len > 0) {
            text[len++] = (char)(plain ? lower : '-');
        }
    }
    text[len] = '\0';
    return (struct str){text, len};
}

static void say_enrolled(struct cli *cli, const struct device_identity *identity)
{
    if (!cli_is_json(cli)) {
        cli_printf(cli,
                   "enrolled as " STR_FMT " in fleet " STR_FMT "; the hub is at " STR_FMT
                   ":%lld\nnext: selvedge-agent daemon\n",
                   STR_ARG(identity->device), STR_ARG(identity->fleet), STR_ARG(identity->host),
                   (long long)identity->port);
        return;
    }
    AUTO(buf) out = buf_growing(4096);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "device", identity->device);
    jw_member_str(&w, "fleet", identity->fleet);
    jw_member_str(&w, "host", identity->host);
    jw_member_i64(&w, "port", identity->port);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

/* "hub.example.org:8884", "[2001:db8::1]:8884" */
static bool read_hub(struct str text, struct enrol_token *token, struct err *err)
{
    struct str host = STR_NONE;
    struct str port = STR_NONE;
    bool ok = str_cut_last(text, ':', &host, &port) && str_to_i64(port, 1, 65535, &token->port);
    if (str_starts(host, STR("[")) && str_ends(host, STR("]"))) {
        host = str_slice(host, 1, host.len - 1);
    }
    token->host = host;
    return (ok && enrol_host_is_valid(host)) ||
           err_set(err, ERR_INVALID, "--hub is HOST:PORT, not \"" STR_FMT "\"", STR_ARG(text));
}

static bool read_place(struct cli *cli, struct enrol_token *token, struct err *err)
{
    const char *hub = cli_text(cli, "hub");
    if (cli_arg(cli, 0) != NULL) {
        return enrol_token_parse(str_from(cli_arg(cli, 0)), token, err);
    }
    token->fleet = str_from(cli_text(cli, "fleet"));
    token->ca_fingerprint = str_from(cli_text(cli, "ca-fingerprint"));
    if (token->ca_fingerprint.len != FINGERPRINT_TEXT_SIZE - 1 &&
        token->ca_fingerprint.len != 2 * (FINGERPRINT_TEXT_SIZE - 1)) {
        return err_set(err, ERR_INVALID, "--ca-fingerprint is 64 hex digits, or 128 of two CAs");
    }
    return device_name_is_valid(token->fleet)
               ? read_hub(str_from(hub), token, err)
               : err_set(err, ERR_INVALID, "\"" STR_FMT "\" cannot be a fleet's name",
                         STR_ARG(token->fleet));
}

/* As the maker wrote it into the firmware; empty when nothing says. */
static struct str serial_of_host(struct buf *text)
{
    static const char *const paths[] = {"/sys/class/dmi/id/product_serial",
                                        "/proc/device-tree/serial-number"};
    struct err err;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        buf_reset(text);
        if (files_read(paths[i], text, &err)) {
            struct str serial = str_trim(str_trim_end(buf_str(text), '\0'));
            if (!str_is_empty(serial) && serial.len <= LIMIT_NAME_BYTES && str_is_utf8(serial)) {
                return serial;
            }
        }
    }
    return STR_NONE;
}

static void say_pending(void *ctx, const char *fingerprint)
{
    struct cli *cli = ctx;
    (void)fprintf(cli_err(cli),
                  "waiting for a person's word; the fingerprint of this device's key is\n\n  %s\n\n"
                  "on the hub: selvedge-hub enrolments, then selvedge-hub enrolment accept\n",
                  fingerprint);
    (void)fflush(cli_err(cli));
}

static bool check_name(struct str name, struct err *err)
{
    if (device_name_is_valid(name)) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" cannot be a device's name", STR_ARG(name));
    return err_hint(err, "give one with --name: lower-case letters, digits and '-', at most 63");
}

static int enroll(struct cli *cli, struct settings *settings)
{
    AUTO(arena) arena = arena_new(ENROL_ARENA_BYTES);
    AUTO(buf) serial = buf_growing(4096);
    struct rng rng = rng_system();
    struct device_facts facts;
    struct device_identity identity;
    struct err err = {0};
    char host[64];
    const char *name = cli_text(cli, "name");
    if (cli_arg(cli, 0) == NULL &&
        (!cli_is_given(cli, "hub") || !cli_is_given(cli, "ca-fingerprint"))) {
        return cli_usage(cli, "give a token (selvedge-hub token create), or --hub and "
                              "--ca-fingerprint");
    }
    device_facts_read(&facts);
    struct enrol_options options = {.state_dir = settings->state_dir,
                                    .board = str_from(facts.board),
                                    .serial_number = str_from(cli_text(cli, "serial")),
                                    .timeout_ns = cli_i64(cli, "timeout"),
                                    .on_pending = say_pending,
                                    .ctx = cli};
    if (str_is_empty(options.serial_number)) {
        options.serial_number = serial_of_host(&serial);
    }
    /* With a serial number of its own the hub may know the name better than the host does. */
    bool is_unnamed = name == NULL && cli_arg(cli, 0) == NULL && cli_is_given(cli, "serial");
    options.device = name != NULL ? str_from(name) : is_unnamed ? STR_NONE : name_of_host(host);
    if ((!is_unnamed && !check_name(options.device, &err)) ||
        !read_place(cli, &options.token, &err) ||
        !enrol_device(&options, &rng, &arena, &identity, &err)) {
        return cli_error(cli, &err);
    }
    say_enrolled(cli, &identity);
    return CLI_OK;
}

int command_enroll(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, enroll);
}
