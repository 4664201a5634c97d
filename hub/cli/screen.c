#include "hub/cli/screen.h"

#include "common/json/json_scan.h"
#include "common/log/log.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "hub/store/freshness.h"
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 1 << 30,
    ITEM_BYTES_MAX = CLIENT_ANSWER_BYTES_MAX,
    TEXT_BYTES_MAX = 16 << 20,
    TOKEN_FILE_BYTES_MAX = 4096,
    CELL_BYTES_MAX = 256,
};

/* --- who is asked ----------------------------------------------------------------------------- */

static bool read_token(struct cli *cli, struct buf *into, struct err *err)
{
    const char *file = cli_text(cli, "token-file");
    if (file != NULL) {
        return files_read(file, into, err) || err_wrap(err, "--token-file");
    }
    buf_add(into, str_from(getenv("SELVEDGE_HUB_TOKEN")));
    return true;
}

static bool open_there(struct cli *cli, struct hub_client **ret, struct err *err)
{
    struct buf token = buf_growing(TOKEN_FILE_BYTES_MAX);
    const char *level = cli_text(cli, "log-level");
    enum log_level chosen = LOG_WARN;
    if (level != NULL && log_level_from(str_from(level), &chosen)) {
        log_set_level(chosen);
    }
    bool ok = read_token(cli, &token, err);
    const struct hub_client_options options = {.url = cli_text(cli, "url"),
                                               .token = str_trim(buf_str(&token)),
                                               .ca_file = cli_text(cli, "ca-file")};
    ok = ok && hub_client_open(ret, &options, err);
    buf_wipe(&token);
    return ok;
}

static bool connect_hub(struct screen *s, struct cli *cli, int *ret_exit)
{
    struct err err = {0};
    if (cli_text(cli, "url") != NULL) {
        if (open_there(cli, &s->client, &err)) {
            return true;
        }
        *ret_exit = cli_error(cli, &err);
        return false;
    }
    if (cli_is_given(cli, "token-file") || cli_is_given(cli, "ca-file")) {
        *ret_exit = cli_usage(cli, "--token-file and --ca-file go with --url");
        return false;
    }
    if (!settings_load(cli, &s->settings, ret_exit)) {
        return false;
    }
    if (!cli_is_given(cli, "log-level")) {
        log_set_level(LOG_WARN); /* what the handlers log is for a hub's log */
    }
    const struct hub_client_options options = {.config = &s->settings.config};
    if (hub_client_open(&s->client, &options, &err)) {
        return true;
    }
    *ret_exit = cli_error(cli, &err);
    return false;
}

bool screen_open(struct screen *ret, struct cli *cli, int *ret_exit)
{
    struct clock clock = clock_system();
    *ret = (struct screen){.cli = cli,
                           .now = clock_wall(&clock),
                           .target = buf_growing(CLIENT_TARGET_BYTES_MAX),
                           .text = buf_growing(TEXT_BYTES_MAX),
                           .arena = arena_new(ARENA_BYTES)};
    if (connect_hub(ret, cli, ret_exit)) {
        return true;
    }
    settings_release(&ret->settings);
    return false;
}

int screen_close(struct screen *s, bool ok, const struct err *err, const char *when_empty)
{
    int code = CLI_OK;
    if (!ok) {
        code = cli_error(s->cli, err);
    } else if (!cli_is_json(s->cli) && s->count == 0) {
        cli_printf(s->cli, "%s\n", when_empty);
    } else if (!cli_is_json(s->cli) && s->table.cell_count > 0) {
        table_print(&s->table, s->cli);
    }
    table_release(&s->table);
    hub_client_close(s->client);
    buf_release(&s->target);
    buf_release(&s->text);
    arena_release(&s->arena);
    settings_release(&s->settings);
    return code;
}

int screen_command(struct cli *cli, bool (*act)(struct screen *screen, struct err *err),
                   const char *when_empty)
{
    struct screen s;
    struct err err = {0};
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    bool ok = act(&s, &err);
    return screen_close(&s, ok, &err, when_empty);
}

/* --- asking ----------------------------------------------------------------------------------- */

bool screen_check_target(const struct screen *s, struct err *err)
{
    return !s->target.overflow ||
           err_set(err, ERR_FULL, "what is asked for is longer than %d bytes",
                   CLIENT_TARGET_BYTES_MAX);
}

struct listing {
    struct screen *screen;
    screen_row *on_row;
};

static bool show_item(void *ctx, struct str text, struct err *err)
{
    struct listing *list = ctx;
    struct screen *s = list->screen;
    struct json *item = NULL;
    s->count++;
    if (cli_is_json(s->cli)) {
        cli_json(s->cli, text);
        return true;
    }
    arena_reset(&s->arena);
    if (!json_parse(text, ITEM_BYTES_MAX, &s->arena, &item, err)) {
        return err_wrap(err, "what the hub answered");
    }
    list->on_row(s, item);
    return true;
}

bool screen_list(struct screen *s, const struct table_column *columns, int64_t limit,
                 screen_row *on_row, struct err *err)
{
    struct listing list = {.screen = s, .on_row = on_row};
    table_release(&s->table);
    s->table = table_new(columns);
    return screen_check_target(s, err) &&
           hub_client_each(s->client, buf_str(&s->target), limit, show_item, &list, err);
}

bool screen_read(struct screen *s, const struct json **ret, struct str *ret_text, struct err *err)
{
    return screen_act(s, HTTP_GET, STR_NONE, ret, ret_text, err);
}

bool screen_get(struct screen *s, const struct json **ret, struct err *err)
{
    struct str text = STR_NONE;
    if (!screen_read(s, ret, &text, err)) {
        return false;
    }
    s->count++;
    if (cli_is_json(s->cli)) {
        cli_json(s->cli, text);
        *ret = NULL;
    }
    return true;
}

bool screen_print_elements(struct screen *s, struct str text, const char *key, struct err *err)
{
    struct json_scan scan;
    struct json_scan list;
    struct json_raw name;
    struct json_raw value;
    struct json_raw element;
    if (!json_scan_object(&scan, text, err)) {
        return false;
    }
    while (json_scan_member(&scan, &name, &value)) {
        if (!json_raw_is(name, key)) {
            continue;
        }
        if (!json_scan_array(&list, value.text, err)) {
            return false;
        }
        while (json_scan_element(&list, &element)) {
            cli_json(s->cli, element.text);
        }
    }
    return true;
}

bool screen_print_without(struct screen *s, struct str text, const char *key, struct err *err)
{
    struct json_scan scan;
    struct json_raw name;
    struct json_raw value;
    const char *comma = "";
    if (!json_scan_object(&scan, text, err)) {
        return false;
    }
    buf_reset(&s->text);
    buf_add_char(&s->text, '{');
    while (json_scan_member(&scan, &name, &value)) {
        const char *quote = value.type == JSON_STRING ? "\"" : "";
        if (!json_raw_is(name, key)) {
            buf_addf(&s->text, "%s\"" STR_FMT "\":%s", comma, STR_ARG(name.text), quote);
            buf_add(&s->text, value.text);
            buf_add_text(&s->text, quote);
            comma = ",";
        }
    }
    buf_add_char(&s->text, '}');
    cli_json(s->cli, buf_str(&s->text));
    return json_scan_end(&scan, err);
}

static bool ask(struct screen *s, const struct hub_client_question *question,
                const struct json **ret, struct str *ret_text, struct err *err)
{
    struct str text = STR_NONE;
    struct json *answer = NULL;
    if (!screen_check_target(s, err) || !hub_client_ask(s->client, question, &text, err)) {
        return false;
    }
    if (!str_is_empty(text) && !json_parse(text, ITEM_BYTES_MAX, &s->arena, &answer, err)) {
        return err_wrap(err, "what the hub answered");
    }
    *ret = answer;
    if (ret_text != NULL) {
        *ret_text = text;
    }
    return true;
}

bool screen_act(struct screen *s, enum http_method method, struct str body, const struct json **ret,
                struct str *ret_text, struct err *err)
{
    const struct hub_client_question question = {
        .method = method, .target = buf_str(&s->target), .body = body};
    return ask(s, &question, ret, ret_text, err);
}

bool screen_send(struct screen *s, enum http_method method, struct str bytes,
                 const struct json **ret, struct str *ret_text, struct err *err)
{
    const struct hub_client_question question = {
        .method = method, .target = buf_str(&s->target), .body = bytes, .is_bytes = true};
    return ask(s, &question, ret, ret_text, err);
}

bool screen_time(struct screen *s, const char *option, struct str *ret, struct err *err)
{
    struct str text = str_from(cli_text(s->cli, option));
    struct wall_time at = {0};
    int64_t ago = 0;
    *ret = STR_NONE;
    if (str_is_empty(text)) {
        return true;
    }
    if (str_to_duration(text, &ago) && ago >= 0 && ago < s->now.ns) {
        at = (struct wall_time){s->now.ns - ago};
    } else if (!wall_parse(text, &at)) {
        (void)err_set(err, ERR_INVALID, "--%s " STR_FMT " is no time", option, STR_ARG(text));
        return err_hint(err, "write 2026-11-22T02:30:00Z, 2026-11-22, or how long ago: 2d");
    }
    char memory[WALL_TEXT_SIZE];
    *ret = arena_copy(&s->arena, str_from(wall_format(at, memory)));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
}

/* --- cells ------------------------------------------------------------------------------------ */

struct str screen_join(struct screen *s, const struct json *item, const char *key,
                       const char *between)
{
    buf_reset(&s->text);
    item_join(item, key, between, &s->text);
    return buf_str(&s->text);
}

struct str screen_message(const struct json *item)
{
    return item_str(json_get(item, "error"), "message");
}

void screen_count_cell(struct table *t, int64_t v)
{
    if (v == HUB_UNKNOWN) {
        table_cell(t, STR_NONE);
    } else {
        table_i64(t, v);
    }
}

void screen_trouble_cell(struct table *t, int64_t v)
{
    char text[32];
    struct buf b = buf_fixed(text, sizeof(text));
    if (v > 0) {
        buf_add_i64(&b, v);
    }
    table_tone(t, CLI_BAD, buf_str(&b));
}

void screen_milliseconds_cell(struct table *t, int64_t v)
{
    bool is_sound = v >= 0 && v < INT64_MAX / NS_PER_MS;
    table_duration(t, is_sound ? v * NS_PER_MS : -1);
}

static bool is_bad_word(struct str word)
{
    for (int i = 0; i < FRESH_COUNT; i++) {
        if (str_eq(word, str_from(freshness_word((enum freshness_word)i)))) {
            return freshness_is_bad((enum freshness_word)i);
        }
    }
    return false;
}

bool screen_freshness_words(const struct json *item, struct buf *out)
{
    struct str pass = str_from(freshness_word(FRESH_PASS));
    size_t before = out->len;
    int64_t total = 0;
    bool is_bad = false;
    for (const struct json *e = item_first(item, "freshness"); e != NULL; e = e->next) {
        total += e->type == JSON_INT ? e->as.integer : 0;
    }
    for (const struct json *e = item_first(item, "freshness"); e != NULL; e = e->next) {
        if (e->type != JSON_INT || str_eq(e->key, pass)) {
            continue;
        }
        buf_add(out, out->len > before ? STR(", ") : STR(""));
        if (total > 1) {
            buf_addf(out, "%lld ", (long long)e->as.integer);
        }
        buf_add(out, e->key);
        is_bad = is_bad || is_bad_word(e->key);
    }
    if (total > 0 && out->len == before) {
        buf_add(out, pass);
    }
    return is_bad;
}

void screen_freshness_cell(struct table *t, const struct json *item)
{
    char memory[CELL_BYTES_MAX];
    struct buf text = buf_fixed(memory, sizeof(memory));
    bool is_bad = screen_freshness_words(item, &text);
    table_tone(t, is_bad ? CLI_BAD : CLI_PLAIN, buf_str(&text));
}

enum cli_tone screen_tone(struct str status)
{
    if (str_eq(status, STR("success")) || str_eq(status, STR("online"))) {
        return CLI_GOOD;
    }
    if (str_eq(status, STR("failure")) || str_eq(status, STR("failed")) ||
        str_eq(status, STR("revoked"))) {
        return CLI_BAD;
    }
    bool is_held = str_eq(status, STR("canceled")) || str_eq(status, STR("away")) ||
                   str_eq(status, STR("paused"));
    return is_held ? CLI_WARN : CLI_PLAIN;
}
