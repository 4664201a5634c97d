#include "common/cli/show.h"

#include "common/cli/text.h"
#include "common/model/selection.h"

enum {
    WIDTH_BEFORE = 44, /* columns shown before the caret */
    WIDTH_BEHIND = 28,
    MARK_BYTES_MAX = 1 << 10,
    ARENA_BYTES = 1 << 20,
};
#define INDENT STR("    ")
#define CUT    STR("...")

/* The line of `text` that byte `at` is in. */
static void find_line(struct str text, size_t at, size_t *ret_begin, size_t *ret_end)
{
    size_t begin = at;
    size_t end = at;
    while (begin > 0 && text.ptr[begin - 1] != '\n') {
        begin--;
    }
    while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r') {
        end++;
    }
    *ret_begin = begin;
    *ret_end = end;
}

static bool begins_char(struct str text, size_t at)
{
    return at >= text.len || ((unsigned char)text.ptr[at] & 0xC0) != 0x80;
}

void buf_add_selection_mark(struct buf *out, struct str selection, size_t at)
{
    size_t begin = 0;
    size_t end = 0;
    at = at < selection.len ? at : selection.len;
    find_line(selection, at, &begin, &end);
    size_t from = at;
    while (from > begin && (!begins_char(selection, from) ||
                            text_width(str_slice(selection, from - 1, at)) <= WIDTH_BEFORE)) {
        from--;
    }
    size_t to = at;
    while (to < end && (!begins_char(selection, to) ||
                        text_width(str_slice(selection, at, to + 1)) <= WIDTH_BEHIND)) {
        to++;
    }
    struct str head = from > begin ? CUT : STR_NONE;
    buf_add(out, INDENT);
    buf_add(out, head);
    size_t shown = out->len;
    buf_add_harmless(out, str_slice(selection, from, at));
    size_t width = head.len;
    if (!out->overflow) {
        width += text_width(str_slice(buf_str(out), shown, out->len));
    }
    buf_add_harmless(out, str_slice(selection, at, to));
    buf_add(out, to < end ? CUT : STR_NONE);
    buf_addf(out, "\n" STR_FMT "%*s^\n", STR_ARG(INDENT), (int)width, "");
}

int cli_selection_error(struct cli *cli, struct str selection, const struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    AUTO(buf) mark = buf_growing(MARK_BYTES_MAX);
    size_t at = 0;
    if (!str_is_empty(selection) && selection_fault(selection, &arena, &at)) {
        buf_add_selection_mark(&mark, selection, at);
    }
    return cli_error_marked(cli, err, mark.overflow ? STR_NONE : buf_str(&mark));
}
