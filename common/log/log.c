#include "common/log/log.h"

#include "common/base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 8 << 10,
    TEXT_MAX_BYTES = 2 << 10, /* of one field */
    TAIL_BYTES = 16,          /* kept free for " clipped=1\n" */
};

enum style { STYLE_JOURNAL, STYLE_TERMINAL, STYLE_PLAIN };

static enum log_level max_level = LOG_INFO;

static const struct {
    struct str name;
    const char *padded;
    int syslog_priority;
} levels[] = {
    [LOG_ERROR] = {STR_INIT("error"), "error", 3},
    [LOG_WARN] = {STR_INIT("warn"), "warn ", 4},
    [LOG_INFO] = {STR_INIT("info"), "info ", 6},
    [LOG_DEBUG] = {STR_INIT("debug"), "debug", 7},
};

void log_set_level(enum log_level level)
{
    max_level = level;
}

bool log_level_from(struct str name, enum log_level *ret)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (str_eq(name, levels[i].name)) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return level <= max_level;
}

/* JOURNAL_STREAM names the journal's own stream as "device:inode". It is inherited by whatever is
 * started from a service, so it counts only when our stderr is that stream (systemd.exec(5)). */
static bool is_journal(void)
{
    const char *stream =
        getenv("JOURNAL_STREAM"); /* NOLINT(concurrency-mt-unsafe): never set by us */
    struct stat st;
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0) {
        return false;
    }
    char ours[64];
    struct buf b = buf_fixed(ours, sizeof(ours));
    buf_addf(&b, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return str_eq(buf_str(&b), str_from(stream));
}

static void add_head(struct buf *line, enum log_level level, const char *event)
{
    if (is_journal()) {
        buf_addf(line, "<%d>event=%s", levels[level].syslog_priority, event);
        return;
    }
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    char now[WALL_TEXT_SIZE];
    (void)wall_format((struct wall_time){(int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec}, now);
    if (isatty(STDERR_FILENO)) {
        buf_addf(line, "%.8s %s %s", now + sizeof("2026-11-22"), levels[level].padded, event);
        return;
    }
    buf_addf(line, "time=%s level=" STR_FMT " event=%s", now, STR_ARG(levels[level].name), event);
}

/* A quoted text is one line and, whatever is in it, valid UTF-8. */
static void add_quoted(struct buf *line, struct str text)
{
    bool is_clipped = text.len > TEXT_MAX_BYTES;
    if (is_clipped) {
        size_t end = TEXT_MAX_BYTES;
        while (end > 0 && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) {
            end--; /* not inside a character */
        }
        text.len = end;
    }
    bool is_utf8 = str_is_utf8(text);
    buf_add_char(line, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') {
            buf_addf(line, "\\%c", c);
        } else if (c == '\n') {
            buf_add(line, STR("\\n"));
        } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && !is_utf8)) {
            buf_addf(line, "\\x%02x", c);
        } else {
            buf_add_char(line, (char)c);
        }
    }
    buf_add(line, is_clipped ? STR("...\"") : STR("\""));
}

static void add_field(struct buf *line, const struct log_field *field)
{
    if (field->type == LOG_FIELD_I64) {
        buf_addf(line, " %s=%" PRId64, field->name, field->number);
    } else if (field->text.len > 0) {
        buf_addf(line, " %s=", field->name);
        add_quoted(line, field->text);
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    char memory[LINE_MAX_BYTES];
    struct buf line = buf_fixed(memory, sizeof(memory) - TAIL_BYTES);
    add_head(&line, level, event);
    bool is_clipped = false;
    for (size_t i = 0; i < count; i++) {
        size_t before = line.len;
        add_field(&line, &fields[i]);
        if (line.overflow) { /* a field that does not fit is left out whole */
            line.overflow = false;
            line.len = before;
            is_clipped = true;
        }
    }
    line.max = sizeof(memory);
    line.cap = sizeof(memory);
    buf_add(&line, is_clipped ? STR(" clipped=1\n") : STR("\n"));
    /* One write, so that the lines of several processes do not mix. A log that cannot be written
     * has nobody to be told to. */
    ssize_t done = write(STDERR_FILENO, line.ptr, line.len);
    (void)done;
}
