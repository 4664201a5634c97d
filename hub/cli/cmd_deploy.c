/* cmd_deploy.c - packs a folder, and says which devices are to have it and in which waves. */
#include "hub/cli/deploy_view.h"

#include "common/platform/clock.h"
#include "hub/fleet/poke.h"
#include "hub/registry/authority.h"

enum { LINE_BYTES_MAX = 64 << 10, AUTHORITY_ARENA_BYTES = 1 << 20 };

struct deploying {
    struct shelf_packed packed;
    struct deployment_options options;
    char id[DEPLOYMENT_ID_SIZE];
    int64_t devices;
};

static bool need_key(const struct authority *authority, struct err *err)
{
    if (!str_is_empty(authority->command_key)) {
        return true;
    }
    (void)err_set(err, ERR_DENIED, "this hub has no key to sign with");
    return err_hint(err,
                    "bundles are signed by the hub: its key is command/hub.key, made anew when "
                    "command/ is empty");
}

static bool pack(const struct settings *settings, const char *dir, struct shelf_packed *ret,
                 struct err *err)
{
    struct rng rng = rng_system();
    struct authority authority = {0};
    struct arena arena = arena_new(AUTHORITY_ARENA_BYTES);
    bool ok = authority_read(&settings->config, &rng, &arena, &authority, err) &&
              need_key(&authority, err);
    if (ok) {
        struct shelf_pack what = {.dir = dir, .key = authority.command_key, .rng = &rng};
        ok = shelf_add(&settings->config, &what, ret, err);
    }
    authority_wipe(&authority);
    arena_release(&arena);
    return ok;
}

/* What is open while it is asked for. */
struct desks {
    struct deployments *deployments;
    struct registry *registry;
};

static bool open_desks(const struct settings *settings, struct desks *ret, struct err *err)
{
    return deployments_open(&ret->deployments, settings->database, err) &&
           registry_open(&ret->registry, settings->database, err);
}

static void close_desks(struct desks *desks)
{
    registry_close(desks->registry);
    deployments_close(desks->deployments);
}

static bool deploy(struct cli *cli, const struct settings *settings, struct deploying *what,
                   struct desks *desks, struct err *err)
{
    struct rng rng = rng_system();
    struct clock clock = clock_system();
    struct wave_sizes sizes;
    struct wave_rules rules;
    what->options = (struct deployment_options){
        .bundle = &what->packed,
        .source = str_from(cli_arg(cli, 0)),
        .targets = str_from(cli_text(cli, "to")),
        .waves = str_from(cli_text(cli, "wave")),
        .abort_if = str_from(cli_text(cli, "abort-if")),
        .keeps_on_abort = str_eq(str_from(cli_text(cli, "on-abort")), STR("keep")),
        .soak_ns = cli_i64(cli, "soak"),
        .patience_ns = cli_i64(cli, "patience")};
    /* What is written wrong is told before anything is packed. */
    AUTO(fd) hold = {-1};
    if (!wave_sizes_parse(what->options.waves, &sizes, err) ||
        !wave_rules_parse(what->options.abort_if, &rules, err) ||
        !open_desks(settings, desks, err) || !shelf_hold(&settings->config, false, &hold, err) ||
        !pack(settings, cli_arg(cli, 0), &what->packed, err)) {
        return false;
    }
    what->options.registry = desks->registry;
    if (!deployments_add(desks->deployments, &rng, &what->options, clock_wall(&clock), what->id,
                         &what->devices, err)) {
        return false;
    }
    poke_send(&settings->config);
    return true;
}

static void say(struct cli *cli, const struct deploying *what)
{
    if (!cli_is_json(cli)) {
        cli_printf(
            cli, "deployment %s: bundle %.12s with %lld files (%lld bytes) goes to %lld device%s\n",
            what->id, what->packed.hash, (long long)what->packed.files,
            (long long)what->packed.bytes, (long long)what->devices, what->devices == 1 ? "" : "s");
        return;
    }
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "deployment", str_from(what->id));
    jw_member_str(&w, "bundle", str_from(what->packed.hash));
    jw_member_i64(&w, "files", what->packed.files);
    jw_member_i64(&w, "new_files", what->packed.new_files);
    jw_member_i64(&w, "bytes", what->packed.bytes);
    jw_member_i64(&w, "devices", what->devices);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

int command_deploy(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct desks desks = {0};
    struct deploying what = {0};
    struct err err = {0};
    int code = CLI_OK;
    if (cli_text(cli, "to") == NULL) {
        return cli_usage(cli, "say which devices: --to '*', --to 'label:site=berlin', --to NAME");
    }
    if (settings_load(cli, &settings, &code)) {
        if (!deploy(cli, &settings, &what, &desks, &err)) {
            code = cli_error(cli, &err);
        } else {
            say(cli, &what);
            code = cli_bool(cli, "wait")
                       ? deploy_view_wait(cli, desks.deployments, str_from(what.id))
                       : CLI_OK;
        }
        close_desks(&desks);
    }
    settings_release(&settings);
    return code;
}
