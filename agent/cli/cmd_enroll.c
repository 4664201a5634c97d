#include "agent/cli/commands.h"

#include "agent/daemon/announce.h"
#include "agent/daemon/enrol.h"
#include "common/json/json_writer.h"
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

static int enroll(struct cli *cli, struct settings *settings)
{
    AUTO(arena) arena = arena_new(ENROL_ARENA_BYTES);
    struct rng rng = rng_system();
    struct device_facts facts;
    struct device_identity identity;
    struct err err = {0};
    char host[64];
    const char *name = cli_text(cli, "name");
    device_facts_read(&facts);
    struct enrol_options options = {.state_dir = settings->state_dir,
                                    .device = name != NULL ? str_from(name) : name_of_host(host),
                                    .board = str_from(facts.board),
                                    .timeout_ns = cli_i64(cli, "timeout")};
    if (!device_name_is_valid(options.device)) {
        (void)err_set(&err, ERR_INVALID, "\"" STR_FMT "\" cannot be a device's name",
                      STR_ARG(options.device));
        (void)err_hint(&err,
                       "give one with --name: lower-case letters, digits and '-', at most 63");
        return cli_error(cli, &err);
    }
    if (!enrol_token_parse(str_from(cli_arg(cli, 0)), &options.token, &err) ||
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
