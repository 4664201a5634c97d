#include "agent/el/system_sample.h"

#include "common/base/limits.h"
#include "common/platform/files.h"

#include <stdio.h>

bool sample_init(struct sample *s, const char *proc, const char *sys, struct arena *lasting,
                 struct arena *arena)
{
    *s = (struct sample){
        .arena = arena,
        .proc = proc,
        .sys = sys,
        .text = buf_growing(SAMPLE_FILE_BYTES_MAX),
        .measurements = arena_array(lasting, SAMPLE_MEASUREMENTS_MAX, sizeof(struct measurement))};
    return s->measurements != NULL;
}

void sample_release(struct sample *s)
{
    buf_release(&s->text);
}

static bool is_there(const struct sample *s, const char *name, struct str label)
{
    for (size_t i = 0; i < s->count; i++) {
        if (str_eq(s->measurements[i].label, label) &&
            str_eq(str_from(s->measurements[i].name), str_from(name))) {
            return true;
        }
    }
    return false;
}

/* Labels come from the kernel and from whoever named a mount point: any bytes. */
static struct str clean(struct str label, char memory[SAMPLE_LABEL_MAX + 1])
{
    label = str_clip(label, SAMPLE_LABEL_MAX);
    bool is_text = str_is_utf8(label);
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = (unsigned char)label.ptr[i];
        bool is_odd = c < ' ' || c == 0x7f || (c >= 0x80 && !is_text);
        memory[i] = label.ptr[i];
        if (is_odd) {
            memory[i] = '?';
        }
    }
    return (struct str){memory, label.len};
}

void sample_add(struct sample *s, const char *name, struct str label, double value,
                const char *unit)
{
    if (s->count == SAMPLE_MEASUREMENTS_MAX) {
        s->left_out++;
        return;
    }
    char memory[SAMPLE_LABEL_MAX + 1];
    struct str cleaned = clean(label, memory);
    struct str unique = arena_copy(s->arena, cleaned);
    for (int i = 2; unique.ptr != NULL && is_there(s, name, unique); i++) {
        unique = arena_printf(s->arena, STR_FMT "#%d", STR_ARG(cleaned), i);
    }
    if (unique.ptr == NULL) {
        s->left_out++;
        return;
    }
    s->measurements[s->count++] =
        (struct measurement){.name = name, .label = unique, .value = value, .unit = unit};
}

PRINTF_LIKE(2, 0)
static bool read_file(struct sample *s, const char *fmt, va_list args)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err ignored;
    int len = vsnprintf(path, sizeof(path), fmt, args);
    buf_reset(&s->text);
    return len > 0 && (size_t)len < sizeof(path) && files_read(path, &s->text, &ignored);
}

bool sample_file(struct sample *s, struct str *ret, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bool ok = read_file(s, fmt, args);
    va_end(args);
    *ret = ok ? buf_str(&s->text) : STR("");
    return ok;
}

bool sample_number(struct sample *s, int64_t *ret, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bool ok = read_file(s, fmt, args);
    va_end(args);
    return ok && str_to_i64(str_trim(buf_str(&s->text)), INT64_MIN, INT64_MAX, ret);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool sample_word(struct str *line, struct str *ret_word)
{
    size_t from = 0;
    while (from < line->len && is_space(line->ptr[from])) {
        from++;
    }
    size_t to = from;
    while (to < line->len && !is_space(line->ptr[to])) {
        to++;
    }
    *ret_word = str_slice(*line, from, to);
    *line = str_slice(*line, to, line->len);
    return ret_word->len > 0;
}

bool sample_word_number(struct str *line, int64_t *ret)
{
    struct str word;
    return sample_word(line, &word) && str_to_i64(word, 0, INT64_MAX, ret);
}
