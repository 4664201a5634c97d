/* gzip_fuzz.c - gzip data: unpacked in pieces they give what they give at once, and text that was packed comes back. The
 * first two bytes are the sizes of the pieces. */
#include "common/gzip/gzip.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 1 << 20, OUT_BYTES_MAX = 256 };

/* False when the data are damaged; *ret_whole tells whether they may end where they do. */
static bool unpack(struct str packed, size_t in, size_t cap, struct buf *text, bool *ret_whole)
{
    struct gunzip *g = NULL;
    struct err err = {0};
    char out[OUT_BYTES_MAX];
    bool ok = gunzip_open(&g, &err);
    assert(ok);
    while (ok && packed.len > 0 && !text->overflow) {
        struct str input = str_slice(packed, 0, in);
        packed = str_slice(packed, in, packed.len);
        for (size_t len = 1; ok && !text->overflow && (input.len > 0 || len > 0);) {
            ok = gunzip_take(g, &input, out, cap, &len, &err);
            assert(ok || err.code == ERR_CORRUPT);
            assert(!ok || len <= cap);
            buf_add(text, ok ? (struct str){out, len} : STR(""));
        }
    }
    *ret_whole = gunzip_is_whole(g);
    gunzip_close(g);
    return ok;
}

static void check_pieces(struct str packed, size_t in, size_t cap)
{
    AUTO(buf) once = buf_growing(TEXT_BYTES_MAX);
    AUTO(buf) pieces = buf_growing(TEXT_BYTES_MAX);
    bool is_whole = false;
    bool is_whole_too = false;
    bool ok = unpack(packed, packed.len, OUT_BYTES_MAX, &once, &is_whole);
    bool ok_too = unpack(packed, in, cap, &pieces, &is_whole_too);
    if (once.overflow || pieces.overflow) {
        return;
    }
    assert(ok == ok_too && (!ok || is_whole == is_whole_too));
    assert(!ok || str_eq(buf_str(&once), buf_str(&pieces)));
}

static void check_round_trip(struct str text, size_t in)
{
    AUTO(buf) packed = buf_growing(TEXT_BYTES_MAX);
    AUTO(buf) back = buf_growing(TEXT_BYTES_MAX);
    struct gzip *g = NULL;
    struct err err = {0};
    bool is_whole = false;
    bool ok = gzip_open(&g, &err) && gzip_add(g, str_slice(text, 0, in), &packed, &err) &&
              gzip_end(g, &packed, &err) &&
              gzip_add(g, str_slice(text, in, text.len), &packed, &err) &&
              gzip_end(g, &packed, &err);
    assert(ok);
    gzip_close(g);
    ok = unpack(buf_str(&packed), in, OUT_BYTES_MAX, &back, &is_whole);
    assert(ok && str_eq(buf_str(&back), text) && (is_whole || text.len == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t in = (size_t)data[0] + 1;
    size_t cap = (size_t)data[1] + 1;
    struct str rest = {(const char *)data + 2, size - 2};
    check_pieces(rest, in, cap);
    check_round_trip(rest, in);
    return 0;
}
