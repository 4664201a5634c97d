/* cmd_ca.c - another CA for the fleet: both are trusted until every device has moved. The command
 * line changes files and pokes the hub, which does the rest (hub/serve/keeper.h, hub/identity). */
#include "hub/cli/commands.h"

#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"
#include "common/tls/authorities.h"
#include "hub/fleet/poke.h"
#include "hub/registry/registry.h"
#include "hub/registry/rotation.h"
#include <stdio.h>

enum { LINE_BYTES_MAX = 64 << 10, NAMES_BYTES_MAX = 16 << 20, NAMED_MAX = 20, SHORT_SIZE = 20 };
#define SLACK_NS (300 * NS_PER_SEC) /* that a CA begins before it is made */

enum standing {
    STANDING_MOVED,
    STANDING_OUTDATED, /* trusts the CA, and its certificate is of another */
    STANDING_LOOSE,    /* moved, and trusts another one still */
    STANDING_UNTOLD,   /* does not trust it yet */
    STANDING_SILENT,   /* never said: not connected since, or an earlier version */
    STANDINGS,
};
static const struct {
    const char *word, *text;
} standing_words[STANDINGS] = {
    [STANDING_MOVED] = {"moved", "moved"},
    [STANDING_OUTDATED] = {"old_certificate", "trusts it, has a certificate of the old one"},
    [STANDING_LOOSE] = {"trusts_old", "moved, trusts the old one too"},
    [STANDING_UNTOLD] = {"not_trusting", "does not trust it yet"},
    [STANDING_SILENT] = {"unknown", "has not said"},
};

struct overview {
    struct cli *cli;
    struct settings settings;
    struct registry *registry;
    struct wall_time now;
    struct rotation rotation;
    const struct identity_info *goal; /* the CA that all are to hold */
    int64_t count[STANDINGS], devices;
    struct table table;
    struct buf lines; /* of JSON, one a device that is not there yet */
    struct buf cut;   /* who would be cut off, by name */
    int64_t cut_count;
    struct buf tokens; /* that finishing makes useless */
    int64_t token_count;
};

static enum standing stand(const struct overview *o, const struct registry_authority *row)
{
    struct str goal = str_from(o->goal->fingerprint);
    if (str_is_empty(row->authorities)) {
        return STANDING_SILENT;
    }
    if (!authorities_has(row->authorities, goal)) {
        return STANDING_UNTOLD;
    }
    if (!str_eq(row->authority, goal)) {
        return STANDING_OUTDATED;
    }
    bool is_exact = o->rotation.is_under_way || str_eq(row->authorities, goal);
    return is_exact ? STANDING_MOVED : STANDING_LOOSE;
}

static void add_name(struct buf *names, int64_t *count, struct str name)
{
    if (++*count <= NAMED_MAX) {
        buf_addf(names, "%s" STR_FMT, *count > 1 ? ", " : "", STR_ARG(name));
    } else if (*count == NAMED_MAX + 1) {
        buf_add(names, STR(", ..."));
    }
}

static void add_line(struct overview *o, const struct registry_authority *row,
                     enum standing standing)
{
    struct json_writer w = json_writer(&o->lines);
    jw_begin_object(&w);
    jw_member_str(&w, "device", row->device);
    jw_member_str(&w, "standing", str_from(standing_words[standing].word));
    jw_member_bool(&w, "is_online", row->is_online);
    jw_member_opt_wall(&w, "last_seen_at", row->last_seen);
    jw_end_object(&w);
    buf_add_char(&o->lines, '\n');
}

static void on_row(void *ctx, const struct registry_authority *row)
{
    struct overview *o = ctx;
    enum standing standing = stand(o, row);
    o->devices++;
    o->count[standing]++;
    if (standing == STANDING_MOVED) {
        return;
    }
    if (standing != STANDING_LOOSE) {
        add_name(&o->cut, &o->cut_count, row->device);
    }
    if (cli_is_json(o->cli)) {
        add_line(o, row, standing);
        return;
    }
    table_cell(&o->table, row->device);
    table_tone(&o->table, standing == STANDING_LOOSE ? CLI_PLAIN : CLI_WARN,
               str_from(standing_words[standing].text));
    if (row->is_online) {
        table_tone(&o->table, CLI_GOOD, STR("online"));
    } else if (row->last_seen.ns == 0) {
        table_cell(&o->table, STR("never seen"));
    } else {
        table_ago(&o->table, row->last_seen, o->now);
    }
}

static void on_token(void *ctx, const struct token_row *row)
{
    struct overview *o = ctx;
    bool is_open = row->revoked.ns == 0 && row->expires.ns > o->now.ns && row->uses < row->max_uses;
    bool is_earlier = row->created.ns < o->rotation.next.not_before.ns + SLACK_NS;
    if (o->rotation.is_under_way && is_open && is_earlier) {
        add_name(&o->tokens, &o->token_count, row->id);
    }
}

static bool gather(struct overview *o, struct err *err)
{
    bool ok = rotation_read(&o->settings.config, &o->rotation, err);
    o->goal = o->rotation.is_under_way ? &o->rotation.next : &o->rotation.current;
    return ok && registry_open(&o->registry, o->settings.database, err) &&
           registry_each_authority(o->registry, on_row, o, err) &&
           registry_each_token(o->registry, on_token, o, err) &&
           ((!o->lines.overflow && !o->cut.overflow && !o->tokens.overflow) ||
            err_set(err, ERR_NO_MEMORY, "look at the CA: out of memory"));
}

static const struct table_column columns[] = {
    {.name = "DEVICE"}, {.name = "THE CA"}, {.name = "SEEN"}, {0}};

static bool open_overview(struct overview *o, struct cli *cli, int *ret_code)
{
    struct clock clock = clock_system();
    *o = (struct overview){.cli = cli,
                           .now = clock_wall(&clock),
                           .lines = buf_growing(NAMES_BYTES_MAX),
                           .cut = buf_growing(LINE_BYTES_MAX),
                           .tokens = buf_growing(LINE_BYTES_MAX)};
    o->table = table_new(columns);
    return settings_load(cli, &o->settings, ret_code);
}

static void close_overview(struct overview *o)
{
    registry_close(o->registry);
    table_release(&o->table);
    buf_release(&o->lines);
    buf_release(&o->cut);
    buf_release(&o->tokens);
    settings_release(&o->settings);
}

/* --- status ----------------------------------------------------------------------------------- */

static void shorten(const char *f, char ret[SHORT_SIZE])
{
    (void)snprintf(ret, SHORT_SIZE, "%.4s-%.4s-%.4s-%.4s", f, f + 4, f + 8, f + 12);
}

static void member_ca(struct json_writer *w, const char *key, const struct identity_info *ca)
{
    jw_key(w, str_from(key));
    jw_begin_object(w);
    jw_member_str(w, "name", str_from(ca->common_name));
    jw_member_str(w, "fingerprint", str_from(ca->fingerprint));
    jw_member_wall(w, "not_before", ca->not_before);
    jw_member_wall(w, "not_after", ca->not_after);
    jw_end_object(w);
}

static void say_status_json(const struct overview *o)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_bool(&w, "is_under_way", o->rotation.is_under_way);
    member_ca(&w, "current", &o->rotation.current);
    if (o->rotation.is_under_way) {
        member_ca(&w, "next", &o->rotation.next);
    }
    jw_member_i64(&w, "devices", o->devices);
    for (int i = 0; i < STANDINGS; i++) {
        jw_member_i64(&w, standing_words[i].word, o->count[i]);
    }
    jw_end_object(&w);
    cli_json(o->cli, buf_str(&line));
    cli_printf(o->cli, STR_FMT, STR_ARG(buf_str(&o->lines)));
}

static void say_ca(struct cli *cli, const char *what, const struct identity_info *ca)
{
    char fingerprint[SHORT_SIZE];
    char until[WALL_TEXT_SIZE];
    shorten(ca->fingerprint, fingerprint);
    cli_printf(cli, "%-9s %s  %s  until %.10s\n", what, ca->common_name, fingerprint,
               wall_format(ca->not_after, until));
}

static void say_status(struct overview *o)
{
    bool is_under_way = o->rotation.is_under_way;
    say_ca(o->cli, "in force", &o->rotation.current);
    if (is_under_way) {
        say_ca(o->cli, "next", &o->rotation.next);
    }
    cli_printf(o->cli, "\ndevices that %s: %lld of %lld\n",
               is_under_way ? "moved to the next CA" : "trust it alone",
               (long long)o->count[STANDING_MOVED], (long long)o->devices);
    if (o->token_count > 0) {
        cli_printf(o->cli, "good for nothing after ca finish: tokens " STR_FMT "\n",
                   STR_ARG(buf_str(&o->tokens)));
    }
    if (o->count[STANDING_MOVED] < o->devices) {
        cli_printf(o->cli, "\n");
        table_print_list(&o->table, o->cli, "");
    } else if (is_under_way) {
        cli_printf(o->cli, "nobody would be cut off: selvedge-hub ca finish\n");
    }
}

int command_ca_status(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct overview o;
    struct err err = {0};
    int code = CLI_OK;
    if (open_overview(&o, cli, &code)) {
        if (!gather(&o, &err)) {
            code = cli_error(cli, &err);
        } else if (cli_is_json(cli)) {
            say_status_json(&o);
        } else {
            say_status(&o);
        }
    }
    close_overview(&o);
    return code;
}

/* --- rotate ----------------------------------------------------------------------------------- */

static void say_begun(struct overview *o)
{
    if (cli_is_json(o->cli)) {
        say_status_json(o);
        return;
    }
    say_ca(o->cli, "in force", &o->rotation.current);
    say_ca(o->cli, "next", &o->rotation.next);
    cli_printf(o->cli,
               "\nboth are trusted; devices are told and renew by and by:\n"
               "  selvedge-hub ca status\nwhen all have moved:\n  selvedge-hub ca finish\n");
}

int command_ca_rotate(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct overview o;
    struct rng rng = rng_system();
    struct err err = {0};
    int code = CLI_OK;
    if (open_overview(&o, cli, &code)) {
        if (!rotation_begin(&o.settings.config, &rng, o.now, &err) || !gather(&o, &err)) {
            code = cli_error(cli, &err);
        } else {
            poke_send(&o.settings.config);
            say_begun(&o);
        }
    }
    close_overview(&o);
    return code;
}

/* --- finish ----------------------------------------------------------------------------------- */

static bool check_nobody_is_cut(const struct overview *o, struct err *err)
{
    if (!o->rotation.is_under_way || o->cut_count == 0 || cli_bool(o->cli, "force")) {
        return true; /* none under way: rotation_finish() says so */
    }
    (void)err_set(err, ERR_DENIED, "%lld device%s would be cut off: " STR_FMT,
                  (long long)o->cut_count, o->cut_count == 1 ? "" : "s",
                  STR_ARG(str_clip(buf_str(&o->cut), 180)));
    return err_hint(err, "wait for them (ca status), or --force: a cut off device needs a token");
}

static void say_finished(const struct overview *o)
{
    const char *gone = o->rotation.current.common_name;
    if (cli_is_json(o->cli)) {
        AUTO(buf) line = buf_growing(NAMES_BYTES_MAX);
        struct json_writer w = json_writer(&line);
        jw_begin_object(&w);
        member_ca(&w, "current", &o->rotation.next);
        member_ca(&w, "gone", &o->rotation.current);
        jw_member_i64(&w, "cut_off", o->cut_count);
        jw_member_i64(&w, "useless_tokens", o->token_count);
        jw_end_object(&w);
        cli_json(o->cli, buf_str(&line));
        cli_printf(o->cli, STR_FMT, STR_ARG(buf_str(&o->lines)));
        return;
    }
    say_ca(o->cli, "in force", &o->rotation.next);
    cli_printf(o->cli, "%s is trusted by nobody any more\n", gone);
    if (o->cut_count > 0) {
        cli_printf(o->cli,
                   "cut off: " STR_FMT "\nto bring one back: selvedge-hub token create --names "
                   "DEVICE, and there: selvedge-agent enroll TOKEN --name DEVICE\n",
                   STR_ARG(buf_str(&o->cut)));
    }
    if (o->token_count > 0) {
        cli_printf(o->cli, "good for nothing any more: tokens " STR_FMT "\n",
                   STR_ARG(buf_str(&o->tokens)));
    }
}

int command_ca_finish(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct overview o;
    struct err err = {0};
    int code = CLI_OK;
    if (open_overview(&o, cli, &code)) {
        if (!rotation_settle(&o.settings.config, &err) || !gather(&o, &err) ||
            !check_nobody_is_cut(&o, &err) || !rotation_finish(&o.settings.config, &err)) {
            code = cli_error(cli, &err);
        } else {
            poke_send(&o.settings.config);
            say_finished(&o);
        }
    }
    close_overview(&o);
    return code;
}
