#include "agent/el/rejects.h"

#include "agent/el/row_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SHARE_WHOLE = 10000, /* 100 % */
    WAITING_BYTES_MAX = REJECTS_WAITING_MAX * (REJECT_RECORD_BYTES + 3 * REJECT_TEXT_BYTES),
};

/* --- the limit ------------------------------------------------------------------------------- */

/* "1", "0.05": hundredths of a percent. */
static bool read_share(struct str text, int64_t *ret)
{
    struct str whole;
    struct str fraction;
    int64_t percent = 0;
    int64_t hundredths = 0;
    bool has_fraction = str_cut(text, '.', &whole, &fraction);
    if (!str_to_i64(whole, 0, 100, &percent)) {
        return false;
    }
    if (has_fraction) {
        if (fraction.len == 0 || fraction.len > 2 || !str_to_i64(fraction, 0, 99, &hundredths)) {
            return false;
        }
        hundredths *= fraction.len == 1 ? 10 : 1;
    }
    *ret = percent * 100 + hundredths;
    return *ret <= SHARE_WHOLE;
}

bool reject_limit_read(struct str text, struct reject_limit *ret, struct err *err)
{
    struct reject_limit limit = {.is_share = str_ends(text, STR("%"))};
    bool ok = limit.is_share ? read_share(str_slice(text, 0, text.len - 1), &limit.count)
                             : str_to_i64(text, 0, INT64_MAX, &limit.count);
    if (!ok) {
        err_set(err, ERR_INVALID, "\"reject_limit\": \"" STR_FMT "\" is no number and no share",
                STR_ARG(text));
        return err_hint(err, "write a number of records, as \"100\", or a share, as \"1%%\"");
    }
    *ret = limit;
    return true;
}

bool reject_limit_is_passed(const struct reject_limit *limit, int64_t rejected, int64_t read,
                            bool is_end)
{
    if (!limit->is_share) {
        return rejected > limit->count;
    }
    if (read < REJECT_SHARE_AFTER && !is_end) {
        return false;
    }
    /* rejected / read > count / SHARE_WHOLE, which no number of records overflows */
    int64_t whole = read / SHARE_WHOLE * limit->count;
    return rejected > whole + read % SHARE_WHOLE * limit->count / SHARE_WHOLE;
}

/* --- text ------------------------------------------------------------------------------------ */

/* Bytes of the character that begins here; 0 = it is none. */
static size_t character(struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    bool is_whole = c != 0 && at + len <= text.len;
    return is_whole && str_is_utf8(str_slice(text, at, at + len)) ? len : 0;
}

/* The text as UTF-8 without NUL, cut at `max` bytes: what is neither becomes U+FFFD. */
static void add_clean(struct str text, size_t max, struct buf *out)
{
    static const struct str replacement = STR_INIT("\xef\xbf\xbd");
    size_t start = out->len;
    for (size_t i = 0; i < text.len;) {
        size_t len = character(text, i);
        struct str piece = len == 0 ? replacement : str_slice(text, i, i + len);
        if (out->len - start + piece.len > max) {
            return;
        }
        buf_add(out, piece);
        i += len == 0 ? 1 : len;
    }
}

void reject_write_row(const struct schema *schema, const struct value *row, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    for (size_t i = 0; i < schema->count; i++) {
        jw_key(&w, schema->columns[i].name);
        row_json_write(&w, &schema->columns[i], &row[i]);
    }
    jw_end_object(&w);
}

void bad_record_set(struct bad_record *b, struct str label, int64_t number, struct str record,
                    struct err *why)
{
    enum { NUMBER_BYTES = 24 };
    struct str shown = str_clip(label, sizeof(b->place) - NUMBER_BYTES);
    (void)snprintf(b->place, sizeof(b->place), STR_FMT "%s%" PRId64, STR_ARG(shown),
                   shown.len > 0 ? ":" : "row ", number);
    b->why = *why;
    *why = (struct err){0};
    b->reject = (struct reject){.place = str_from(b->place),
                                .reason = str_from(b->why.msg),
                                .record = record,
                                .record_bytes = (int64_t)record.len};
}

/* --- those that wait ------------------------------------------------------------------------- */

bool rejects_init(struct rejects *r, struct str limit, struct err *err)
{
    *r = (struct rejects){.limit_text = limit, .text = buf_growing(WAITING_BYTES_MAX)};
    return reject_limit_read(limit, &r->limit, err);
}

void rejects_release(struct rejects *r)
{
    buf_release(&r->text);
}

bool rejects_are_on(const struct rejects *r)
{
    return r->limit.count > 0;
}

bool rejects_are_full(const struct rejects *r)
{
    return r->waiting == REJECTS_WAITING_MAX;
}

static bool fail(struct rejects *r, struct err *err)
{
    r->is_passed = true;
    err_set(err, ERR_INVALID,
            "%" PRId64 " of %" PRId64 " records were rejected, more than reject_limit " STR_FMT
            " allows; the first: %s",
            r->count, r->read, STR_ARG(r->limit_text), r->first);
    return err_hint(err, "correct them at their source, or raise the target's \"reject_limit\"");
}

/* The oldest makes room: a step that fails shows what came last. */
static void forget_oldest(struct rejects *r)
{
    size_t bytes = r->slots[0].end;
    buf_consume(&r->text, bytes);
    memmove(&r->slots[0], &r->slots[1], (r->waiting - 1) * sizeof(r->slots[0]));
    r->waiting--;
    for (size_t i = 0; i < r->waiting; i++) {
        struct reject_slot *s = &r->slots[i];
        s->stream -= bytes;
        s->place -= bytes;
        s->reason -= bytes;
        s->record -= bytes;
        s->end -= bytes;
    }
}

bool rejects_add(struct rejects *r, const struct reject *reject, struct err *err)
{
    if (rejects_are_full(r)) {
        forget_oldest(r);
    }
    struct reject_slot *s = &r->slots[r->waiting];
    *s = (struct reject_slot){.stream = r->text.len, .record_bytes = reject->record_bytes};
    add_clean(reject->stream, REJECT_TEXT_BYTES, &r->text);
    s->place = r->text.len;
    add_clean(reject->place, REJECT_TEXT_BYTES, &r->text);
    s->reason = r->text.len;
    add_clean(reject->reason, REJECT_TEXT_BYTES, &r->text);
    s->record = r->text.len;
    add_clean(reject->record, REJECT_RECORD_BYTES, &r->text);
    s->end = r->text.len;
    if (r->text.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a rejected record");
    }
    r->waiting++;
    if (r->count == 0) {
        struct reject first = rejects_get(r, r->waiting - 1);
        (void)snprintf(r->first, sizeof(r->first), STR_FMT ": " STR_FMT, STR_ARG(first.place),
                       STR_ARG(first.reason));
    }
    r->count++;
    return !reject_limit_is_passed(&r->limit, r->count, r->read, false) || fail(r, err);
}

bool rejects_end(struct rejects *r, struct err *err)
{
    return !reject_limit_is_passed(&r->limit, r->count, r->read, true) || fail(r, err);
}

bool rejects_make_room(struct rejects *r, struct err *err)
{
    return !rejects_are_full(r) || r->flush(r->flush_ctx, err);
}

struct reject rejects_get(const struct rejects *r, size_t i)
{
    const struct reject_slot *s = &r->slots[i];
    struct str text = buf_str(&r->text);
    return (struct reject){.stream = str_slice(text, s->stream, s->place),
                           .place = str_slice(text, s->place, s->reason),
                           .reason = str_slice(text, s->reason, s->record),
                           .record = str_slice(text, s->record, s->end),
                           .record_bytes = s->record_bytes};
}

void rejects_taken(struct rejects *r)
{
    r->waiting = 0;
    buf_reset(&r->text);
}
