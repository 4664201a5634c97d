/* cmd_device.c - what an operator does to devices. */
#include "hub/cli/labels.h"
#include "hub/cli/new_token.h"
#include "hub/cli/screen.h"

enum { CHANGES_MAX = 64 };

/* --- labels ------------------------------------------------------------------------------- */

static bool read_changes(struct cli *cli, struct label_change changes[CHANGES_MAX],
                         size_t *ret_count, struct err *err)
{
    size_t count = cli_arg_count(cli) - 1;
    if (count > CHANGES_MAX) {
        return err_set(err, ERR_INVALID, "more than %d labels at once", CHANGES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!label_parse(str_from(cli_arg(cli, i + 1)), true, &changes[i], err)) {
            return false;
        }
    }
    *ret_count = count;
    return true;
}

static void write_changes(struct buf *out, const char *targets, const struct label_change *changes,
                          size_t count)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "targets", str_from(targets));
    jw_key(&w, STR("set"));
    jw_begin_object(&w);
    for (size_t i = 0; i < count; i++) {
        if (!str_is_empty(changes[i].value)) {
            jw_key(&w, changes[i].key);
            jw_str(&w, changes[i].value);
        }
    }
    jw_end_object(&w);
    jw_key(&w, STR("remove"));
    jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        if (str_is_empty(changes[i].value)) {
            jw_str(&w, changes[i].key);
        }
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

static bool label(struct screen *s, struct err *err)
{
    struct label_change changes[CHANGES_MAX];
    size_t count = 0;
    const struct json *done = NULL;
    struct str text = STR_NONE;
    if (!read_changes(s->cli, changes, &count, err)) {
        return false;
    }
    write_changes(&s->text, cli_arg(s->cli, 0), changes, count);
    target_begin(&s->target, "/api/v1/labels");
    if (!screen_act(s, HTTP_POST, buf_str(&s->text), &done, &text, err)) {
        return false;
    }
    s->count++;
    if (cli_is_json(s->cli)) {
        return screen_print_elements(s, text, "devices", err);
    }
    const struct json *devices = json_get(done, "devices");
    size_t devices_count = devices != NULL ? devices->count : 0;
    cli_printf(s->cli, "labelled %zu device%s\n", devices_count, devices_count == 1 ? "" : "s");
    return true;
}

int command_device_label(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, label, "");
}

/* --- one device --------------------------------------------------------------------------- */

/* The device of the first argument, by its own name or by what people call it. */
static bool find(struct screen *s, struct str *ret, struct err *err)
{
    const struct json *device = NULL;
    target_begin(&s->target, "/api/v1/devices");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    if (!screen_read(s, &device, NULL, err)) {
        return false;
    }
    *ret = item_str(device, "device");
    s->count++;
    return true;
}

/* `what` is done to it; the request's body is in the scratch. */
static bool act(struct screen *s, struct str device, const char *what, const struct json **ret,
                struct str *ret_text, struct err *err)
{
    target_begin(&s->target, "/api/v1/devices");
    target_part(&s->target, device, false);
    buf_addf(&s->target, "/%s", what);
    return screen_act(s, HTTP_POST, buf_str(&s->text), ret, ret_text, err);
}

/* {"member":"value"} into the scratch; {} when it is empty. */
static void write_member(struct screen *s, const char *member, const char *value)
{
    struct json_writer w = json_writer(&s->text);
    buf_reset(&s->text);
    jw_begin_object(&w);
    jw_member_opt(&w, member, str_from(value));
    jw_end_object(&w);
}

static void say_done(struct screen *s, struct str device, const char *what, const char *status)
{
    struct json_writer w = json_writer(&s->text);
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "device " STR_FMT " %s\n", STR_ARG(device), what);
        return;
    }
    buf_reset(&s->text);
    jw_begin_object(&w);
    jw_member_str(&w, "device", device);
    jw_member_str(&w, "status", str_from(status));
    jw_end_object(&w);
    cli_json(s->cli, buf_str(&s->text));
}

static bool revoke(struct screen *s, struct err *err)
{
    const struct json *done = NULL;
    struct str device = STR_NONE;
    write_member(s, "reason", cli_text(s->cli, "reason"));
    if (!find(s, &device, err) || !act(s, device, "revoke", &done, NULL, err)) {
        return false;
    }
    say_done(s, device, "is revoked", "revoked");
    return true;
}

int command_device_revoke(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, revoke, "");
}

static bool decommission(struct screen *s, struct err *err)
{
    const struct json *done = NULL;
    struct str device = STR_NONE;
    write_member(s, "reason", cli_text(s->cli, "reason"));
    if (!find(s, &device, err) || !act(s, device, "decommission", &done, NULL, err)) {
        return false;
    }
    say_done(s, device, "is decommissioned; its history stays", "decommissioned");
    return true;
}

int command_device_decommission(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, decommission, "");
}

static bool rename_device(struct screen *s, struct err *err)
{
    const struct json *none = NULL;
    const char *name = cli_arg(s->cli, 1);
    struct str device = STR_NONE;
    write_member(s, "name", name);
    if (!find(s, &device, err) || !act(s, device, "rename", &none, NULL, err)) {
        return false;
    }
    say_done(s, device, arena_printf(&s->arena, "is called %s", name).ptr, "enrolled");
    return true;
}

int command_device_rename(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, rename_device, "");
}

static bool replace(struct screen *s, struct err *err)
{
    const struct json *token = NULL;
    struct str text = STR_NONE;
    struct str device = STR_NONE;
    write_member(s, "expires_in", cli_text(s->cli, "expires"));
    if (!find(s, &device, err) || !act(s, device, "replace", &token, &text, err)) {
        return false;
    }
    if (cli_is_json(s->cli)) {
        cli_json(s->cli, text);
        return true;
    }
    const struct token_said said = {.token = item_str(token, "token"),
                                    .max_uses = item_count(token, "max_uses"),
                                    .expires = item_wall(token, "expires_at")};
    new_token_say(s->cli, &said, device);
    return true;
}

int command_device_replace(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, replace, "");
}
