#include "agent/cli/progress.h"

#include "agent/daemon/control.h"
#include "common/json/json_writer.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    PLAIN_EVERY_S = 5, /* a plain line for each step */
    LINES_MAX = 10,    /* on a terminal */
    WIDTH_DEFAULT = 80,
    LINE_BYTES_MAX = 1024,
};

/* --- one line -------------------------------------------------------------------------------- */

static int64_t number(const struct json *step, const char *key, int64_t fallback)
{
    const struct json *node = json_get(step, key);
    return node != NULL && node->type == JSON_INT ? node->as.integer : fallback;
}

/* 1,234,567 */
static void add_grouped(struct buf *out, int64_t value)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, value);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            buf_add_char(out, ',');
        }
        buf_add_char(out, digits[i]);
    }
}

static void add_size(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < COUNT_OF(units)) {
        value /= 1024;
        unit++;
    }
    buf_addf(out, "%.1f %s", value, units[unit]);
}

/* "shop/orders  1,234,567 rows, 45,000 rows/s, 12.3 MiB, 27 s", at most `width` bytes. */
static void add_line(const struct json *step, size_t width, struct buf *out)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    const struct json *name = json_get(step, "step");
    int64_t rows = number(step, "rows", -1);
    int64_t seconds = number(step, "elapsed_s", 0);
    buf_add(&line, name != NULL && name->type == JSON_STRING ? name->as.string : STR("?"));
    buf_add_text(&line, "  ");
    if (rows >= 0) {
        add_grouped(&line, rows);
        buf_add_text(&line, " rows, ");
        if (seconds > 0) {
            add_grouped(&line, rows / seconds);
            buf_add_text(&line, " rows/s, ");
        }
        add_size(&line, number(step, "bytes", 0));
        buf_add_text(&line, ", ");
    }
    buf_addf(&line, "%" PRId64 " s", seconds);
    buf_add(out, str_clip(buf_str(&line), width));
}

/* --- all of them ----------------------------------------------------------------------------- */

struct progress progress_new(struct cli *cli)
{
    return (struct progress){.cli = cli,
                             .is_live = !cli_is_json(cli) && isatty(fileno(cli_out(cli))) == 1,
                             .plain_s = PLAIN_EVERY_S};
}

static size_t terminal_width(const struct progress *p)
{
    struct winsize size = {0};
    bool is_known = ioctl(fileno(cli_out(p->cli)), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return is_known ? size.ws_col - 1U : WIDTH_DEFAULT - 1;
}

void progress_clear(struct progress *p)
{
    if (p->lines > 0) {
        cli_printf(p->cli, "\033[%zuA\r\033[J", p->lines); /* up, and all below goes */
        p->lines = 0;
    }
}

static void draw(struct progress *p, const struct json *steps)
{
    size_t width = terminal_width(p);
    progress_clear(p);
    for (const struct json *s = steps->child; s != NULL && p->lines < LINES_MAX; s = s->next) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        add_line(s, width, &line);
        cli_printf(p->cli, "%s" STR_FMT "%s\n", cli_tone_on(p->cli, CLI_FAINT),
                   STR_ARG(buf_str(&line)), cli_tone_off(p->cli, CLI_FAINT));
        p->lines++;
    }
}

/* Once for each step in PLAIN_EVERY_S: by the one that has run for longest. */
static void print_plainly(struct progress *p, const struct json *steps)
{
    int64_t longest = 0;
    for (const struct json *s = steps->child; s != NULL; s = s->next) {
        int64_t seconds = number(s, "elapsed_s", 0);
        longest = seconds > longest ? seconds : longest;
    }
    if (longest < PLAIN_EVERY_S) {
        p->plain_s = PLAIN_EVERY_S;
    }
    if (longest < p->plain_s) {
        return;
    }
    p->plain_s = longest + PLAIN_EVERY_S;
    for (const struct json *s = steps->child; s != NULL; s = s->next) {
        AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
        add_line(s, LINE_BYTES_MAX, &line);
        cli_printf(p->cli, "progress  " STR_FMT "\n", STR_ARG(buf_str(&line)));
    }
}

void progress_show(struct progress *p, const struct json *answer)
{
    const struct json *steps = json_get(answer, "steps");
    if (steps == NULL || steps->type != JSON_ARRAY || cli_is_json(p->cli)) {
        return;
    }
    if (p->is_live) {
        draw(p, steps);
    } else {
        print_plainly(p, steps);
    }
    (void)fflush(cli_out(p->cli));
}

void progress_ask(struct progress *p, const struct settings *settings, struct str run)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) request = buf_growing(256);
    struct json *reply = NULL;
    struct err ignored = {0};
    if (cli_is_json(p->cli)) {
        return;
    }
    struct json_writer w = json_writer(&request);
    jw_begin_object(&w);
    jw_member_str(&w, "verb", STR("progress"));
    jw_member_str(&w, "run", run);
    jw_end_object(&w);
    if (control_call(settings->state_dir, buf_str(&request), &arena, &reply, &ignored)) {
        progress_show(p, reply);
    }
}
