#include "agent/el/postgres_batch.h"

#include <string.h>

/* A range that is refused leaves one behind at each halving, and its parts: 4 for each of the 20
 * times that LINES_MAX can be halved would do. */
enum { RANGES_MAX = 96 };

struct range {
    struct str lines;
    size_t first; /* index of its first line */
};
struct ranges {
    struct range items[RANGES_MAX];
    size_t count;
};

/* Data exceptions, integrity constraints, and what a trigger raises: of the rows, not of us. */
static bool is_of_rows(const struct pg *pg)
{
    static const char *const classes[] = {"22", "23", "P0"};
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (strncmp(pg->sqlstate, classes[i], 2) == 0) {
            return true;
        }
    }
    return false;
}

static size_t count_lines(struct str lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.len; i++) {
        count += lines.ptr[i] == '\n';
    }
    return count;
}

/* Takes the first `count` lines off. */
static struct range take(struct range *from, size_t count)
{
    size_t end = 0;
    for (size_t i = 0; i < count && end < from->lines.len; end++) {
        i += from->lines.ptr[end] == '\n';
    }
    struct range head = {str_slice(from->lines, 0, end), from->first};
    *from = (struct range){str_slice(from->lines, end, from->lines.len), from->first + count};
    return head;
}

static void push(struct ranges *r, struct range range)
{
    if (range.lines.len > 0 && r->count < RANGES_MAX) {
        r->items[r->count++] = range;
    }
}

/* What is before the line that the server named, it, and the two halves of what is behind; without
 * a name two halves. The first is the next one. */
static void split(struct ranges *r, struct range range, int64_t named)
{
    size_t count = count_lines(range.lines);
    if (named < 1 || (uint64_t)named > count) {
        struct range head = take(&range, count / 2);
        push(r, range);
        push(r, head);
        return;
    }
    struct range before = take(&range, (size_t)named - 1);
    struct range it = take(&range, 1);
    struct range half = take(&range, (count - (size_t)named) / 2);
    push(r, range);
    push(r, half);
    push(r, it);
    push(r, before);
}

static bool try_range(const struct postgres_batch *b, struct str lines, bool *ret_refused,
                      struct err *why, struct err *err)
{
    *ret_refused = false;
    if (!pg_exec_text(b->pg, "SAVEPOINT _selvedge_batch", err)) {
        return false;
    }
    if (b->apply(b->ctx, lines, why)) {
        return pg_exec_text(b->pg, "RELEASE SAVEPOINT _selvedge_batch", err);
    }
    *ret_refused = is_of_rows(b->pg);
    if (!*ret_refused) {
        *err = *why;
        return false;
    }
    return pg_exec_text(
        b->pg, "ROLLBACK TO SAVEPOINT _selvedge_batch; RELEASE SAVEPOINT _selvedge_batch", err);
}

bool postgres_batch_run(const struct postgres_batch *b, struct str lines, struct err *err)
{
    struct ranges ranges = {.count = 0};
    push(&ranges, (struct range){lines, 0});
    while (ranges.count > 0) {
        struct range range = ranges.items[--ranges.count];
        struct err why = {0};
        bool is_refused = false;
        b->pg->copy_line = 0;
        if (!try_range(b, range.lines, &is_refused, &why, err)) {
            return false;
        }
        if (!is_refused) {
            continue;
        }
        if (count_lines(range.lines) > 1) {
            if (ranges.count + 4 > RANGES_MAX) {
                return err_set(err, ERR_INTERNAL, "PostgreSQL refuses rows in too many ways");
            }
            split(&ranges, range, b->pg->copy_line);
        } else if (!b->refuse(b->ctx, range.lines, range.first, &why, err)) {
            return false;
        }
    }
    return true;
}
