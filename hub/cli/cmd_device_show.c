/* cmd_device_show.c - one device on a page: all that the hub knows of it. */
#include "hub/cli/device_words.h"
#include "hub/cli/screen.h"

enum { LINE_BYTES_MAX = 64 << 10, HASH_SHOWN = 12 };

struct card {
    struct cli *cli;
    struct wall_time now;
    struct buf line; /* of the row at hand */
};

/* --- rows ---------------------------------------------------------------------------------------- */

/* Ends the row that `line` holds; an empty one is left out. What devices sent may be anything. */
static void end_row(struct card *c, const char *name)
{
    for (size_t i = 0; i < c->line.len; i++) {
        if ((unsigned char)c->line.ptr[i] < ' ' || c->line.ptr[i] == '\x7f') {
            c->line.ptr[i] = ' ';
        }
    }
    if (c->line.len > 0) {
        cli_printf(c->cli, "%-14s" STR_FMT "\n", name, STR_ARG(buf_str(&c->line)));
    }
    buf_reset(&c->line);
}

static void add_comma(struct card *c)
{
    buf_add_text(&c->line, c->line.len > 0 ? ", " : "");
}

static void add_part(struct card *c, const char *before, struct str text)
{
    if (text.len > 0) {
        add_comma(c);
        buf_addf(&c->line, "%s" STR_FMT, before, STR_ARG(text));
    }
}

/* The text of a member. */
static void add_member(struct card *c, const char *before, const struct json *item, const char *key)
{
    add_part(c, before, item_str(item, key));
}

static void add_hash(struct card *c, const char *before, const struct json *item, const char *key)
{
    add_part(c, before, str_slice(item_str(item, key), 0, HASH_SHOWN));
}

static void add_ago(struct card *c, const char *before, const struct json *item, const char *key)
{
    struct wall_time at = item_wall(item, key);
    if (at.ns != 0) {
        add_comma(c);
        buf_add_text(&c->line, before);
        buf_add_duration(&c->line, at.ns < c->now.ns ? c->now.ns - at.ns : 0);
        buf_add_text(&c->line, " ago");
    }
}

static void add_until(struct card *c, const char *before, const struct json *item, const char *key)
{
    add_part(c, before, str_slice(item_str(item, key), 0, 16));
}

/* Left out when it is not known; and when it is 0, but for `shows_none`. */
static void add_count(struct card *c, const struct json *item, const char *key, const char *what,
                      bool shows_none)
{
    int64_t count = item_i64(item, key);
    if (count != HUB_UNKNOWN && (count != 0 || shows_none)) {
        add_comma(c);
        buf_addf(&c->line, "%lld %s", (long long)count, what);
    }
}

/* --- what stands in lists too -------------------------------------------------------------------- */

static void say_identity(struct card *c, const struct json *d)
{
    bool is_online = str_eq(item_str(d, "status"), STR("online"));
    struct str name = item_str(d, "display_name");
    buf_add(&c->line, item_str(d, "device"));
    if (!str_is_empty(name)) {
        buf_addf(&c->line, " (" STR_FMT ")", STR_ARG(name));
    }
    end_row(c, "device");
    add_member(c, "", d, "status");
    add_ago(c, is_online ? "since " : "last seen ", d, is_online ? "since" : "last_seen_at");
    end_row(c, "status");
    buf_add(&c->line, device_note(d, c->now));
    end_row(c, is_online ? "note" : "why");
    item_join(d, "labels", " ", &c->line);
    end_row(c, "labels");
    add_member(c, "", d, "board");
    add_member(c, "serial number ", d, "serial_number");
    add_member(c, "agent ", d, "version");
    add_ago(c, "joined ", d, "enrolled_at");
    end_row(c, "hardware");
    add_until(c, "certificate to ", d, "certificate_expires_at");
    add_hash(c, "fingerprint ", d, "certificate_fingerprint");
    end_row(c, "identity");
}

static void say_work(struct card *c, const struct json *d)
{
    char memory[256];
    struct buf words = buf_fixed(memory, sizeof(memory));
    (void)device_clock_words(&c->line, item_i64(d, "clock_offset_ms"));
    end_row(c, "clock");
    add_count(c, d, "events", "merged", true);
    add_count(c, d, "waiting_events", "waiting on it", false);
    add_count(c, d, "lost_events", "lost", false);
    end_row(c, "events");
    add_count(c, d, "assets", "defined", true);
    add_count(c, d, "failing", "failing", false);
    (void)screen_freshness_words(d, &words);
    add_part(c, "", buf_str(&words));
    end_row(c, "assets");
    add_count(c, d, "runs_open", "going on", false);
    end_row(c, "runs");
    add_hash(c, "", d, "definitions_hash");
    add_ago(c, "since ", d, "definitions_at");
    end_row(c, "definitions");
}

/* --- health -------------------------------------------------------------------------------------- */

static void add_bytes(struct card *c, const struct json *health, const char *key, const char *what)
{
    int64_t bytes = item_i64(health, key);
    if (bytes >= 0) {
        add_comma(c);
        buf_add_bytes(&c->line, bytes);
        buf_add_text(&c->line, what);
    }
}

static const char *wear_word(int64_t pre_eol)
{
    return pre_eol == 1 ? "normal" : pre_eol == 2 ? "warning" : pre_eol == 3 ? "urgent" : NULL;
}

static void say_health(struct card *c, const struct json *health)
{
    add_bytes(c, health, "disk_free_bytes", " free");
    add_bytes(c, health, "disk_total_bytes", " in all");
    add_bytes(c, health, "database_bytes", " of it the agent's database");
    end_row(c, "disk");
    if (item_i64(health, "flash_used_percent") >= 0) {
        buf_addf(&c->line, "%lld %% of its life used",
                 (long long)item_i64(health, "flash_used_percent"));
        add_part(c, "", str_from(wear_word(item_i64(health, "flash_pre_eol"))));
    }
    end_row(c, "flash");
    add_count(c, health, "buffer_events", "events", true);
    add_bytes(c, health, "buffer_bytes", " held");
    add_bytes(c, health, "buffer_quota_bytes", " at most");
    end_row(c, "buffer");
    add_ago(c, "", health, "at");
    end_row(c, "measured");
    add_member(c, "", health, "definitions_refused");
    end_row(c, "refused");
}

/* --- the rest ------------------------------------------------------------------------------------ */

static void say_bundle(struct card *c, const struct json *b)
{
    const struct json *wanted = json_get(b, "wanted");
    if (wanted != NULL) {
        struct str hash = str_slice(item_str(b, "wanted"), 0, HASH_SHOWN);
        add_part(c, "wanted: ", str_is_empty(hash) ? STR("its own file") : hash);
    }
    add_hash(c, "in force: ", b, "current");
    add_member(c, "said last: ", b, "status");
    add_member(c, "", b, "reason");
    add_ago(c, "", b, "told_at");
    add_member(c, "deployment ", b, "deployment");
    end_row(c, "bundle");
}

static void say_detail(struct card *c, const struct json *d)
{
    const struct json *trusted = json_get(d, "clock_trusted");
    add_hash(c, "", d, "key_fingerprint");
    end_row(c, "key");
    add_member(c, "", d, "certificate_cause");
    add_ago(c, "", d, "certificate_issued_at");
    end_row(c, "certificate");
    add_count(c, d, "starts", "starts", false);
    add_count(c, d, "clock_steps", "clock steps", false);
    add_part(c, "",
             trusted != NULL && !item_bool(d, "clock_trusted") ? STR("its clock is not set yet")
                                                               : STR_NONE);
    add_count(c, d, "epochs", "epochs", false);
    end_row(c, "history");
    say_health(c, json_get(d, "health"));
    say_bundle(c, json_get(d, "bundle"));
    add_count(c, d, "cut_off", "databases of it are not listened to (selvedge-hub clones)", false);
    add_count(c, d, "quarantined", "batches kept aside (selvedge-hub quarantine)", false);
    end_row(c, "set aside");
}

static void say_desired(struct card *c, const struct json *desired)
{
    if (desired != NULL) {
        buf_addf(&c->line, STR_FMT ", revision %lld wanted, %lld in force",
                 STR_ARG(item_str(desired, "state")), (long long)item_count(desired, "wanted"),
                 (long long)item_count(desired, "in_force"));
        add_member(c, "it says: ", desired, "reason");
        end_row(c, "desired state");
    }
}

static void say_lists(struct card *c, const struct json *d)
{
    for (const struct json *e = item_first(d, "commands"); e != NULL; e = e->next) {
        add_member(c, "", e, "verb");
        add_member(c, "", e, "status");
        add_ago(c, "given ", e, "given_at");
        add_until(c, "until ", e, "expires_at");
        add_member(c, "", e, "id");
        end_row(c, "command");
    }
    for (const struct json *e = item_first(d, "pools"); e != NULL; e = e->next) {
        add_member(c, "", e, "pool");
        buf_addf(&c->line, ": %lld of %lld places", (long long)item_count(e, "granted"),
                 (long long)item_count(e, "wanted"));
        end_row(c, "pool");
    }
    for (const struct json *e = item_first(d, "alerts"); e != NULL; e = e->next) {
        add_member(c, "", e, "kind");
        add_member(c, "", e, "detail");
        add_ago(c, "since ", e, "opened_at");
        end_row(c, "alert");
    }
}

static bool show(struct screen *s, struct err *err)
{
    const struct json *d = NULL;
    target_begin(&s->target, "/api/v1/devices");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    if (!screen_get(s, &d, err)) {
        return false;
    }
    if (d != NULL) {
        struct card c = {.cli = s->cli, .now = s->now, .line = buf_growing(LINE_BYTES_MAX)};
        say_identity(&c, d);
        say_work(&c, d);
        say_detail(&c, d);
        say_desired(&c, json_get(d, "desired"));
        say_lists(&c, d);
        buf_release(&c.line);
    }
    return true;
}

int command_device_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, show, "");
}
