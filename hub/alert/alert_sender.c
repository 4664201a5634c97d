#include "hub/alert/alert_sender.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "hub/fleet/errand.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 32, URL_BYTES_MAX = 4096 };
#define RUN_NS (30 * NS_PER_SEC)

struct alert_child {
    struct alert_child_options options;
    struct errand errand;
    int64_t id; /* of the message at hand */
};

static void on_end(void *ctx, const struct err *why)
{
    struct alert_child *c = ctx;
    c->options.on_done(c->options.ctx, c->options.way, c->id, why);
}

/* --- its start -------------------------------------------------------------------------------- */

static size_t command_args(const struct hub_config *config, struct arena *arena,
                           const char *argv[ARGS_MAX + 1])
{
    size_t count = 0;
    for (size_t i = 0; i < config->alert_command.count && count < ARGS_MAX; i++) {
        argv[count++] = arena_cstr(arena, config->alert_command.items[i]);
    }
    return count;
}

/* The URL may be a secret: curl reads it from descriptor 3, so that nobody sees it in a list of
 * processes. */
static size_t webhook_args(const char *argv[ARGS_MAX + 1])
{
    static const char *const args[] = {
        "curl",     "--silent",  "--show-error",  "--fail",   "--max-time",
        "20",       "--config",  "/dev/fd/3",     "--header", "Content-Type: application/json",
        "--output", "/dev/null", "--data-binary", "@-"};
    memcpy(argv, args, sizeof(args));
    return COUNT_OF(args);
}

static bool write_url(const struct hub_config *config, struct buf *out, struct err *err)
{
    struct str url = config->alert_webhook;
    AUTO(buf) file = buf_growing(URL_BYTES_MAX);
    if (str_starts(url, STR("file:"))) {
        char path[LIMIT_PATH_BYTES + 1];
        (void)snprintf(path, sizeof(path), STR_FMT, STR_ARG(str_slice(url, 5, url.len)));
        if (!files_read(path, &file, err)) {
            return false;
        }
        url = str_trim(buf_str(&file));
    }
    buf_add(out, STR("url = \""));
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] == '"' || url.ptr[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, url.ptr[i] == '\n' ? ' ' : url.ptr[i]);
    }
    buf_add(out, STR("\"\n"));
    buf_wipe(&file);
    return true;
}

bool alert_child_send(struct alert_child *c, const struct alert_message *message, struct err *err)
{
    const char *argv[ARGS_MAX + 1] = {NULL};
    AUTO(arena) arena = arena_new(64 << 10);
    AUTO(buf) url = buf_growing(2 * URL_BYTES_MAX);
    AUTO(fd) input = {-1};
    AUTO(fd) config = {-1};
    bool is_webhook = c->options.way == ALERT_BY_WEBHOOK;
    size_t count = is_webhook ? webhook_args(argv) : command_args(c->options.config, &arena, argv);
    argv[count] = NULL;
    bool ok = (!is_webhook || (write_url(c->options.config, &url, err) &&
                               spawn_memory_file("webhook", buf_str(&url), &config.n, err))) &&
              spawn_memory_file("alert", message->payload, &input.n, err);
    buf_wipe(&url);
    if (!ok) {
        return false;
    }
    struct spawn_options spawn = {
        .argv = argv, .stdin_fd = input.n, .stdout_fd = -1, .message_fd = config.n};
    c->id = message->id;
    return errand_start(&c->errand, &spawn, err);
}

/* --- life ------------------------------------------------------------------------------------- */

bool alert_child_open(struct alert_child **ret, const struct alert_child_options *options,
                      struct err *err)
{
    struct alert_child *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "alerts: out of memory");
    }
    c->options = *options;
    c->errand =
        (struct errand){.loop = options->loop, .on_end = on_end, .ctx = c, .run_ns = RUN_NS};
    errand_init(&c->errand);
    *ret = c;
    return true;
}

void alert_child_close(struct alert_child *c)
{
    if (c == NULL) {
        return;
    }
    errand_fini(&c->errand, false);
    free(c);
}

bool alert_child_is_busy(const struct alert_child *c)
{
    return errand_is_busy(&c->errand);
}
