/* cmd_bundle.c - the bundles of this device: listed, taken back, tried again. */
#include "agent/cli/commands.h"

#include "agent/daemon/control.h"
#include "agent/store/bundles.h"
#include "common/cli/table.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

enum { LINE_BYTES_MAX = 64 << 10, HASH_SHOWN = 12 };

/* --- list ------------------------------------------------------------------------------------- */

struct bundle_list {
    struct cli *cli;
    struct table table;
    struct wall_time now;
    struct bundle_place place;
};

static const char *place_of(const struct bundle_list *list, struct str hash)
{
    if (str_eq(hash, str_from(list->place.current))) {
        return "in force";
    }
    return str_eq(hash, str_from(list->place.previous)) ? "before it" : "";
}

static enum cli_tone tone_of(struct str status)
{
    if (str_eq(status, STR("failed")) || str_eq(status, STR("rolled_back"))) {
        return CLI_BAD;
    }
    return str_eq(status, STR("healthy")) ? CLI_GOOD : CLI_PLAIN;
}

static void json_bundle(struct bundle_list *list, const struct bundle_row *row)
{
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "bundle", row->hash);
    jw_member_str(&w, "status", row->status);
    jw_member_bool(&w, "current", str_eq(row->hash, str_from(list->place.current)));
    jw_member_bool(&w, "previous", str_eq(row->hash, str_from(list->place.previous)));
    jw_member_wall(&w, "at", row->at);
    jw_member_opt(&w, "reason", row->reason);
    jw_end_object(&w);
    cli_json(list->cli, buf_str(&out));
}

static void list_bundle(void *ctx, const struct bundle_row *row)
{
    struct bundle_list *list = ctx;
    if (cli_is_json(list->cli)) {
        json_bundle(list, row);
        return;
    }
    table_cell(&list->table, str_slice(row->hash, 0, HASH_SHOWN));
    table_cell(&list->table, str_from(place_of(list, row->hash)));
    table_tone(&list->table, tone_of(row->status), row->status);
    table_ago(&list->table, row->at, list->now);
    table_cell(&list->table, row->reason);
}

static int list_bundles(struct cli *cli, struct settings *settings)
{
    struct view *view = NULL;
    struct err err = {0};
    struct clock clock = clock_system();
    struct bundle_list list = {.cli = cli, .now = clock_wall(&clock)};
    list.table = table_new(TABLE_COLUMNS({.name = "BUNDLE"}, {.name = "PLACE"}, {.name = "STATUS"},
                                         {.name = "SINCE"}, {.name = "REASON", .is_wide = true}));
    bool ok = view_open(&view, settings->database, &err) &&
              store_bundle_place(view_store(view), &list.place, &err) &&
              store_each_bundle(view_store(view), list_bundle, &list, &err);
    if (ok) {
        table_print_list(&list.table, cli, "no bundles; the local file holds");
    }
    table_release(&list.table);
    view_close(view);
    return ok ? CLI_OK : cli_error(cli, &err);
}

int command_bundles(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, list_bundles);
}

/* --- by hand ---------------------------------------------------------------------------------- */

static void say_current(struct cli *cli, const struct json *reply)
{
    const struct json *current = json_get(reply, "current");
    bool has_one = current != NULL && current->type == JSON_STRING;
    if (cli_is_json(cli)) {
        AUTO(buf) out = buf_growing(LINE_BYTES_MAX);
        json_write(&out, reply);
        cli_json(cli, buf_str(&out));
    } else if (has_one) {
        cli_printf(cli, "bundle " STR_FMT " is in force\n",
                   STR_ARG(str_slice(current->as.string, 0, HASH_SHOWN)));
    } else {
        cli_printf(cli, "the local file holds\n");
    }
}

static int ask_daemon(struct cli *cli, struct settings *settings, const struct buf *request)
{
    struct err err = {0};
    struct json *reply = NULL;
    if (!control_call(settings->state_dir, buf_str(request), &settings->arena, &reply, &err)) {
        return cli_error(cli, &err);
    }
    say_current(cli, reply);
    return CLI_OK;
}

static int roll_back(struct cli *cli, struct settings *settings, bool to_local_file)
{
    char memory[128];
    struct buf request = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&request);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("bundle_rollback"));
    jw_member_bool(&w, "local", to_local_file);
    jw_end_object(&w);
    return ask_daemon(cli, settings, &request);
}

static int roll_back_one(struct cli *cli, struct settings *settings)
{
    return roll_back(cli, settings, false);
}

static int leave(struct cli *cli, struct settings *settings)
{
    return roll_back(cli, settings, true);
}

int command_bundle_rollback(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, roll_back_one);
}

int command_bundle_leave(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, leave);
}

/* A hash may be given by its beginning: of those that are known here. */
struct finding {
    struct str prefix;
    char hash[BUNDLE_HASH_SIZE];
    int count;
};

static void find_bundle(void *ctx, const struct bundle_row *row)
{
    struct finding *f = ctx;
    if (str_starts(row->hash, f->prefix)) {
        (void)snprintf(f->hash, sizeof(f->hash), STR_FMT, STR_ARG(row->hash));
        f->count++;
    }
}

static bool find(const struct settings *settings, struct finding *f, struct err *err)
{
    struct view *view = NULL;
    bool ok = view_open(&view, settings->database, err) &&
              store_each_bundle(view_store(view), find_bundle, f, err);
    view_close(view);
    if (!ok || f->count == 1) {
        return ok;
    }
    if (f->count == 0 && bundle_hash_is_good(f->prefix)) {
        (void)snprintf(f->hash, sizeof(f->hash), STR_FMT, STR_ARG(f->prefix));
        return true;
    }
    (void)err_set(err, f->count == 0 ? ERR_NOT_FOUND : ERR_INVALID,
                  "%s bundle begins with " STR_FMT, f->count == 0 ? "no" : "more than one",
                  STR_ARG(str_clip(f->prefix, 64)));
    return err_hint(err, "list them: selvedge-agent bundles");
}

static int retry(struct cli *cli, struct settings *settings)
{
    char memory[256];
    struct err err = {0};
    struct finding f = {.prefix = str_from(cli_arg(cli, 0))};
    struct buf request = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&request);
    if (!find(settings, &f, &err)) {
        return cli_error(cli, &err);
    }
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("bundle_deploy"));
    jw_member_str(&w, "bundle", str_from(f.hash));
    jw_end_object(&w);
    return ask_daemon(cli, settings, &request);
}

int command_bundle_retry(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, retry);
}
