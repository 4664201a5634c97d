/* cmd_device_show.c - one device on a page: all that the hub knows of it. */
#include "hub/cli/device_words.h"
#include "hub/cli/freshness_cell.h"
#include "hub/cli/look.h"

#include "common/json/json.h"
#include "hub/rows/device_rows.h"

enum {
    ARENA_BYTES = 64 << 20,
    LINE_BYTES_MAX = 64 << 10,
    HEALTH_ARENA_BYTES = 4 << 20,
    HASH_SHOWN = 12
};

struct card {
    struct look look;
    struct arena arena;
    struct freshness_list freshness;
    struct str device;
    struct desired_rows *desired;
    struct buf line;      /* of the row at hand */
    struct json_writer w; /* with --json: of the one object */
};

/* --- rows for people --------------------------------------------------------------------------- */

/* Ends the row that `line` holds; an empty one is left out. What devices sent may be anything. */
static void end_row(struct card *c, const char *name)
{
    for (size_t i = 0; i < c->line.len; i++) {
        if ((unsigned char)c->line.ptr[i] < ' ' || c->line.ptr[i] == '\x7f') {
            c->line.ptr[i] = ' ';
        }
    }
    if (c->line.len > 0) {
        cli_printf(c->look.cli, "%-14s" STR_FMT "\n", name, STR_ARG(buf_str(&c->line)));
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

static void add_ago(struct card *c, const char *before, struct wall_time at)
{
    if (at.ns != 0) {
        add_comma(c);
        buf_add_text(&c->line, before);
        buf_add_duration(&c->line, at.ns < c->look.now.ns ? c->look.now.ns - at.ns : 0);
        buf_add_text(&c->line, " ago");
    }
}

static void add_until(struct card *c, const char *before, struct wall_time at)
{
    char text[WALL_TEXT_SIZE];
    if (at.ns != 0) {
        add_part(c, before, str_slice(str_from(wall_format(at, text)), 0, 16));
    }
}

/* Left out when it is not known; and when it is 0, but for `shows_none`. */
static void add_count(struct card *c, int64_t count, const char *what, bool shows_none)
{
    if (count != HUB_UNKNOWN && (count != 0 || shows_none)) {
        add_comma(c);
        buf_addf(&c->line, "%lld %s", (long long)count, what);
    }
}

static struct str short_hash(struct str hash)
{
    return str_slice(hash, 0, HASH_SHOWN);
}

/* --- what stands in lists too ------------------------------------------------------------------ */

static void say_identity(struct card *c, const struct hub_device *d)
{
    buf_add(&c->line, d->id);
    if (d->display_name.len > 0) {
        buf_addf(&c->line, " (" STR_FMT ")", STR_ARG(d->display_name));
    }
    end_row(c, "device");
    buf_add(&c->line, hub_device_presence(d));
    add_ago(c, d->is_online ? "since " : "last seen ",
            d->is_online ? d->since : hub_device_last_seen(d));
    end_row(c, "status");
    buf_add(&c->line, device_note(d, c->look.now));
    end_row(c, d->is_online ? "note" : "why");
    buf_add(&c->line, d->labels);
    end_row(c, "labels");
    add_part(c, "", d->board);
    add_part(c, "serial number ", d->serial_number);
    add_part(c, "agent ", d->version);
    add_ago(c, "joined ", d->enrolled);
    end_row(c, "hardware");
    add_until(c, "certificate to ", d->not_after);
    add_part(c, "fingerprint ", short_hash(d->cert_fingerprint));
    end_row(c, "identity");
}

static void say_work(struct card *c, const struct hub_device *d)
{
    (void)device_clock_words(&c->line, d->clock_offset_ms);
    end_row(c, "clock");
    add_count(c, d->events, "merged", true);
    add_count(c, d->waiting, "waiting on it", false);
    add_count(c, d->lost_events, "lost", false);
    end_row(c, "events");
    add_count(c, d->assets, "defined", true);
    add_count(c, d->failing, "failing", false);
    char memory[256];
    struct buf words = buf_fixed(memory, sizeof(memory));
    (void)freshness_words(&c->freshness, d->id, &words);
    add_part(c, "", buf_str(&words));
    end_row(c, "assets");
    add_count(c, d->runs_open, "going on", false);
    end_row(c, "runs");
    add_part(c, "", short_hash(d->definitions_hash));
    add_ago(c, "since ", d->definitions_at);
    end_row(c, "definitions");
}

static void show_device(void *ctx, const struct hub_device *d)
{
    struct card *c = ctx;
    if (cli_is_json(c->look.cli)) {
        row_device(&c->w, d, &c->freshness);
        return;
    }
    say_identity(c, d);
    say_work(c, d);
}

/* --- health ------------------------------------------------------------------------------------ */

static int64_t number_of(const struct json *health, const char *key)
{
    const struct json *member = json_get(health, key);
    return member != NULL && member->type == JSON_INT ? member->as.integer : HUB_UNKNOWN;
}

static void add_bytes(struct card *c, const struct json *health, const char *key, const char *what)
{
    int64_t bytes = number_of(health, key);
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

static void say_health(struct card *c, const struct hub_device_detail *detail)
{
    AUTO(arena) arena = arena_new(HEALTH_ARENA_BYTES);
    struct json *health = NULL;
    struct err ignored = {0};
    if (detail->health.len == 0 ||
        !json_parse(detail->health, LIMIT_EVENT_BYTES, &arena, &health, &ignored)) {
        return;
    }
    const struct json *refused = json_get(health, "definitions_refused");
    add_bytes(c, health, "disk_free_bytes", " free");
    add_bytes(c, health, "disk_total_bytes", " in all");
    add_bytes(c, health, "database_bytes", " of it the agent's database");
    end_row(c, "disk");
    if (number_of(health, "flash_used_percent") >= 0) {
        buf_addf(&c->line, "%lld %% of its life used",
                 (long long)number_of(health, "flash_used_percent"));
        add_part(c, "", str_from(wear_word(number_of(health, "flash_pre_eol"))));
    }
    end_row(c, "flash");
    add_count(c, number_of(health, "buffer_events"), "events", true);
    add_bytes(c, health, "buffer_bytes", " held");
    add_bytes(c, health, "buffer_quota_bytes", " at most");
    end_row(c, "buffer");
    add_ago(c, "", detail->health_at);
    end_row(c, "measured");
    if (refused != NULL && refused->type == JSON_STRING) {
        add_part(c, "", refused->as.string);
    }
    end_row(c, "refused");
}

/* --- the rest ---------------------------------------------------------------------------------- */

static void say_detail(struct card *c, const struct hub_device_detail *d)
{
    add_part(c, "", short_hash(d->key_fingerprint));
    end_row(c, "key");
    add_part(c, "", d->certificate_cause);
    add_ago(c, "", d->certificate_issued);
    end_row(c, "certificate");
    add_count(c, d->starts, "starts", false);
    add_count(c, d->clock_steps, "clock steps", false);
    add_part(c, "", d->clock_trusted == 0 ? STR("its clock is not set yet") : STR_NONE);
    add_count(c, d->epochs, "epochs", false);
    end_row(c, "history");
    say_health(c, d);
    if (d->has_wish) {
        add_part(c, "wanted: ",
                 d->bundle_wanted.len > 0 ? short_hash(d->bundle_wanted) : STR("its own file"));
    }
    add_part(c, "in force: ", short_hash(d->bundle_current));
    add_part(c, "said last: ", d->bundle_status);
    add_part(c, "", d->bundle_reason);
    add_ago(c, "", d->bundle_at);
    add_part(c, "deployment ", d->deployment);
    end_row(c, "bundle");
    add_count(c, d->cut_off, "databases of it are not listened to (selvedge-hub clones)", false);
    add_count(c, d->quarantined, "batches kept aside (selvedge-hub quarantine)", false);
    end_row(c, "set aside");
}

static void show_detail(void *ctx, const struct hub_device_detail *d)
{
    say_detail(ctx, d);
}

static bool show_desired(struct card *c, struct err *err)
{
    struct desired_row row;
    if (!desired_of(c->desired, c->device, &c->arena, &row, err)) {
        return false;
    }
    if (row.revision > 0 || row.applied > 0) {
        buf_addf(&c->line, "%s, revision %lld wanted, %lld in force",
                 standing_name(standing_of(&row)), (long long)row.revision, (long long)row.applied);
        add_part(c, "it says: ", row.told_reason);
        end_row(c, "desired state");
    }
    return true;
}

static void show_command(void *ctx, const struct hub_device_command *command)
{
    struct card *c = ctx;
    add_part(c, "", command->verb);
    add_part(c, "", command->status);
    add_ago(c, "given ", command->given);
    add_until(c, "until ", command->expires);
    add_part(c, "", command->id);
    end_row(c, "command");
}

static void show_alert(void *ctx, const struct hub_device_alert *alert)
{
    struct card *c = ctx;
    add_part(c, "", alert->kind);
    add_part(c, "", alert->detail);
    add_ago(c, "since ", alert->opened);
    end_row(c, "alert");
}

static void show_pool(void *ctx, const struct hub_device_pool *pool)
{
    struct card *c = ctx;
    add_part(c, "", pool->pool);
    buf_addf(&c->line, ": %lld of %lld places", (long long)pool->granted, (long long)pool->wanted);
    end_row(c, "pool");
}

static bool show_rest(struct card *c, struct err *err)
{
    struct db *db = c->look.db;
    const struct device_card card = {
        .db = db, .desired = c->desired, .device = c->device, .arena = &c->arena};
    if (cli_is_json(c->look.cli)) {
        return row_device_card(&c->w, &card, err);
    }
    return hub_read_device_detail(db, c->device, show_detail, c, err) && show_desired(c, err) &&
           hub_each_device_command(db, c->device, show_command, c, err) &&
           hub_each_device_pool(db, c->device, show_pool, c, err) &&
           hub_each_device_alert(db, c->device, show_alert, c, err);
}

static bool show_card(struct card *c, struct err *err)
{
    AUTO(buf) id = buf_growing(LIMIT_NAME_BYTES + 1);
    struct look *look = &c->look;
    if (!hub_find_device(look->db, str_from(cli_arg(look->cli, 0)), &id, err)) {
        return false;
    }
    c->device = arena_copy(&c->arena, buf_str(&id));
    const struct hub_filter filter = {.device = c->device};
    look->count = 1;
    c->w = look_begin_line(look);
    bool ok = desired_rows_open(&c->desired, look->settings.database, err) &&
              freshness_list_read(&c->freshness, look->db, &filter, look->now, err) &&
              hub_each_device(look->db, &filter, show_device, c, err) && show_rest(c, err);
    if (ok && cli_is_json(look->cli)) {
        look_end_line(look, &c->w);
    }
    desired_rows_close(c->desired);
    return ok;
}

int command_device_show(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct card c = {0};
    struct err err = {0};
    int code = CLI_OK;
    if (!look_open(&c.look, cli, TABLE_COLUMNS({.name = ""}), &code)) {
        return code;
    }
    c.arena = arena_new(ARENA_BYTES);
    c.freshness = (struct freshness_list){.arena = &c.arena, .is_by_device = true};
    c.line = buf_growing(LINE_BYTES_MAX);
    bool ok = show_card(&c, &err);
    buf_release(&c.line);
    arena_release(&c.arena);
    return look_close(&c.look, ok, &err, "");
}
