#include "common/json/fields.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void problems_add(struct problems *p, struct location at, struct str hint, const char *fmt, ...)
{
    p->total++;
    if (p->count == PROBLEMS_MAX) {
        return;
    }
    char line[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    struct problem *problem = &p->items[p->count++];
    *problem = (struct problem){.at = at, .file = p->file};
    if (at.file < p->file_count) {
        problem->file = p->files[at.file];
    }
    problem->text = arena_copy(p->arena, str_from(line));
    if (problem->text.ptr == NULL) {
        problem->text = STR("wrong, but no memory is left to say how");
        return;
    }
    problem->hint = str_is_empty(hint) ? STR_NONE : arena_copy(p->arena, hint);
}

static bool stands_before(const struct location *a, const struct location *b)
{
    if (a->file != b->file) {
        return a->file < b->file;
    }
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void problems_sort(struct problems *p)
{
    for (size_t i = 1; i < p->count; i++) {
        struct problem moved = p->items[i];
        size_t at = i;
        while (at > 0 && stands_before(&moved.at, &p->items[at - 1].at)) {
            p->items[at] = p->items[at - 1];
            at--;
        }
        p->items[at] = moved;
    }
}

bool problems_to_err(const struct problems *p, struct err *err)
{
    assert(p->count > 0);
    const struct problem *first = &p->items[0];
    char more[48] = "";
    if (p->total > 1) {
        (void)snprintf(more, sizeof(more), " (and %zu more)", p->total - 1);
    }
    (void)err_set(err, ERR_INVALID, STR_FMT "%s", STR_ARG(first->text), more);
    if (first->at.line > 0 && !str_is_empty(first->file)) {
        (void)err_wrap(err, STR_FMT ":%" PRIu32 ":%" PRIu32, STR_ARG(first->file), first->at.line,
                       first->at.column);
    } else if (first->at.line > 0) {
        (void)err_wrap(err, "line %" PRIu32 ", column %" PRIu32, first->at.line, first->at.column);
    } else if (!str_is_empty(first->file)) {
        (void)err_wrap(err, STR_FMT, STR_ARG(first->file));
    }
    if (!str_is_empty(first->hint)) {
        (void)err_hint(err, STR_FMT, STR_ARG(first->hint));
    }
    return false;
}
