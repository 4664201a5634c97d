/* cmd_sign.c - a command signed with an operator's key, far from any hub: a file that the hub, or
 * mosquitto_pub, carries to devices. */
#include "hub/cli/command_words.h"
#include "hub/cli/commands.h"

#include "common/base/uuid.h"
#include "common/platform/clock.h"
#include "common/platform/files.h"
#include "common/wire/command.h"
#include "common/wire/signed.h"
#include "common/wire/topics.h"
#include <stdlib.h>

enum {
    KEY_BYTES_MAX = 64 << 10,
    MESSAGE_BYTES_MAX = COMMAND_BYTES_MAX + SIGNED_HEAD_BYTES_MAX,
    COUNTER_BYTES_MAX = 64,
};

struct signing {
    struct cli *cli;
    struct wall_time now;
    struct str to[COMMAND_DEVICES_MAX];
    struct command command;
    char id[UUID_TEXT_SIZE];
    char counter_path[LIMIT_PATH_BYTES + 1];
    struct buf message;
};

static bool read_names(struct signing *s, struct err *err)
{
    struct str rest = str_from(cli_text(s->cli, "to"));
    struct str name = STR_NONE;
    for (bool has_more = true; has_more;) {
        has_more = str_cut(rest, ',', &name, &rest);
        name = str_trim(name);
        bool is_all = str_eq(name, STR("*")) && !has_more && s->command.to_count == 0;
        if (!is_all && !device_name_is_valid(name)) {
            return err_set(err, ERR_INVALID,
                           "--to: \"" STR_FMT "\" is no device's name; far from the hub there are "
                           "only names, parted by commas, or '*' alone",
                           STR_ARG(name));
        }
        if (s->command.to_count == COMMAND_DEVICES_MAX) {
            return err_set(err, ERR_INVALID, "--to: more than %d names", COMMAND_DEVICES_MAX);
        }
        s->to[s->command.to_count++] = name;
    }
    s->command.to = s->to;
    return true;
}

/* --- the counter ------------------------------------------------------------------------------ */

/* Never used twice by this key: one more than the last, and at least the time in ms, so that a
 * counter that was lost with its file is not repeated. */
static bool read_counter(struct signing *s, struct err *err)
{
    AUTO(buf) text = buf_growing(COUNTER_BYTES_MAX);
    int64_t last = 0;
    struct buf path = buf_fixed(s->counter_path, sizeof(s->counter_path));
    buf_addf(&path, "%s.counter", cli_text(s->cli, "key"));
    if (buf_cstr(&path) == NULL) {
        return err_set(err, ERR_INVALID, "the path of the key is longer than %d bytes",
                       LIMIT_PATH_BYTES);
    }
    if (!files_read(s->counter_path, &text, err)) {
        if (err->code != ERR_NOT_FOUND) {
            return false;
        }
    } else if (!str_to_i64(str_trim(buf_str(&text)), 1, INT64_MAX - 1, &last)) {
        (void)err_set(err, ERR_CORRUPT, "%s has no number in it", s->counter_path);
        return err_hint(err, "delete it when this host's clock is right");
    }
    int64_t ms = s->now.ns / NS_PER_MS;
    s->command.counter = last + 1 > ms ? last + 1 : ms;
    return true;
}

/* Before the message is out: a counter may be skipped, never used again. */
static bool write_counter(const struct signing *s, struct err *err)
{
    char memory[COUNTER_BYTES_MAX];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_addf(&text, "%lld\n", (long long)s->command.counter);
    return files_write(s->counter_path, buf_str(&text), 0600, err);
}

/* --- signing ---------------------------------------------------------------------------------- */

/* What a device would refuse is refused here. */
static bool check(const struct signing *s, struct str body, struct err *err)
{
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    struct command decoded;
    struct command_args args;
    if (!command_decode(body, &arena, &decoded, err) ||
        !command_read_args(&decoded, &arena, &args, err)) {
        return false;
    }
    return !str_eq(s->command.verb, STR("trust")) || signed_check_keys(args.keys, err);
}

static bool sign(struct signing *s, struct err *err)
{
    struct rng rng = rng_system();
    uint8_t random[10];
    AUTO(buf) body = buf_growing(COMMAND_BYTES_MAX);
    struct buf key = buf_growing(KEY_BYTES_MAX);
    rng.fill(rng.ctx, random, sizeof(random));
    uuid7_format(s->now, random, s->id);
    s->command.id = str_from(s->id);
    bool ok = files_read(cli_text(s->cli, "key"), &key, err) && read_counter(s, err);
    if (ok) {
        command_encode(&s->command, &body);
        ok = !body.overflow ||
             err_set(err, ERR_FULL, "a command has at most %d KiB", COMMAND_BYTES_MAX >> 10);
    }
    ok = ok && check(s, buf_str(&body), err) &&
         signed_make(&rng, buf_str(&key), buf_str(&body), &s->message, err) &&
         write_counter(s, err);
    buf_wipe(&key);
    return ok;
}

static bool put(struct signing *s, struct err *err)
{
    const char *file = cli_text(s->cli, "output");
    if (file != NULL) {
        return files_write(file, buf_str(&s->message), 0644, err);
    }
    (void)fwrite(s->message.ptr, 1, s->message.len, cli_out(s->cli));
    return true;
}

static int sign_and_put(struct signing *s, const struct settings *settings)
{
    struct err err = {0};
    struct command_words words = {0};
    int code = CLI_OK;
    const char *fleet = cli_text(s->cli, "fleet");
    s->command.fleet = fleet != NULL ? str_from(fleet) : settings->config.fleet;
    s->command.issued_at = s->now;
    s->command.expires_at.ns = s->now.ns + cli_i64(s->cli, "expires");
    if (cli_text(s->cli, "key") == NULL || cli_text(s->cli, "to") == NULL) {
        return cli_usage(s->cli, "say with which key and to whom: --key FILE --to NAME");
    }
    if (!command_words_read(s->cli, NULL, &words, &code)) {
        buf_release(&words.args);
        return code;
    }
    s->command.verb = words.verb;
    s->command.args = buf_str(&words.args);
    if (!read_names(s, &err) || !sign(s, &err) || !put(s, &err)) {
        code = cli_error(s->cli, &err);
    }
    buf_release(&words.args);
    return code;
}

int command_sign(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct clock clock = clock_system();
    int code = CLI_OK;
    struct signing *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        struct err err = {0};
        (void)err_set(&err, ERR_NO_MEMORY, "out of memory");
        return cli_error(cli, &err);
    }
    *s = (struct signing){
        .cli = cli, .now = clock_wall(&clock), .message = buf_growing(MESSAGE_BYTES_MAX)};
    if (settings_load_if_there(cli, &settings, &code)) {
        code = sign_and_put(s, &settings);
    }
    settings_release(&settings);
    buf_release(&s->message);
    free(s);
    return code;
}
