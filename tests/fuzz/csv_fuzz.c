/* csv_fuzz.c - CSV: reading in two pieces gives what reading at once gives. The first byte says where to cut.
 * Fields that are written back read the same. */
#include "agent/el/csv.h"
#include "agent/el/number.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 64 };

static void check_round_trip(const struct csv_field *f)
{
    AUTO(buf) out = buf_growing(1 << 20);
    struct csv_field again;
    struct csv_record record = {.fields = &again, .cap = 1};
    struct err err = {0};
    csv_write_text(&out, (struct str){f->ptr, f->len}, ',');
    buf_add_char(&out, '\n');
    assert(csv_next(out.ptr, out.len, true, ',', &record, &err) == CSV_RECORD);
    if (again.has_escape) {
        csv_unescape(&again);
    }
    assert(str_eq((struct str){again.ptr, again.len}, (struct str){f->ptr, f->len}));
    assert(f->len > 0 || again.is_quoted);
}

static void check_record(struct csv_record *r, const char *input, size_t len)
{
    assert(r->count > 0 && r->count <= FIELDS_MAX && r->bytes > 0 && r->bytes <= len);
    assert(r->lines_before <= r->lines);
    for (size_t i = 0; i < r->count; i++) {
        struct csv_field *f = &r->fields[i];
        assert(f->ptr >= input && f->ptr + f->len <= input + len);
        size_t before = f->len;
        if (f->has_escape) {
            csv_unescape(f);
            assert(f->len < before);
        }
        check_round_trip(f);
        struct value v;
        if (number_parse((struct str){f->ptr, f->len}, &v)) {
            assert(v.type == VALUE_INTEGER || v.type == VALUE_REAL);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    size_t len = size - 1;
    char *text = malloc(len + 1);
    assert(text != NULL);
    memcpy(text, data + 1, len);
    struct csv_field fields[FIELDS_MAX];
    struct csv_record record = {.fields = fields, .cap = FIELDS_MAX};
    struct err err = {0};
    for (size_t pos = 0; pos <= len;) {
        size_t part = data[0] % (len - pos + 1);
        enum csv_result early = csv_next(text + pos, part, false, ',', &record, &err);
        size_t early_bytes = record.bytes;
        enum csv_result whole = csv_next(text + pos, len - pos, true, ',', &record, &err);
        assert(whole != CSV_MORE && early != CSV_END);
        if (early == CSV_RECORD) {
            assert(whole == CSV_RECORD && early_bytes == record.bytes);
        }
        if (whole != CSV_RECORD) {
            assert(whole == CSV_END || err.code != ERR_NONE);
            break;
        }
        check_record(&record, text + pos, len - pos);
        pos += record.bytes;
    }
    free(text);
    return 0;
}
