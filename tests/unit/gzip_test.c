/* gzip_test.c - common/gzip/gzip.h */
#include "common/gzip/gzip.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

enum { BYTES_MAX = 1 << 20 };

static void pack(struct buf *out, struct str text)
{
    struct err err = {0};
    struct gzip *g = NULL;
    assert_true(gzip_open(&g, &err));
    assert_true(gzip_add(g, text, out, &err));
    assert_true(gzip_end(g, out, &err));
    assert_true(gzip_end(g, out, &err)); /* no member is open: nothing */
    gzip_close(g);
}

/* Unpacks in pieces of `in` bytes into pieces of `cap`. */
static bool unpack(struct str packed, size_t in, size_t cap, struct buf *text, bool *ret_whole,
                   struct err *err)
{
    struct gunzip *g = NULL;
    char piece[64];
    bool ok = true;
    assert_true(cap <= sizeof(piece));
    assert_true(gunzip_open(&g, err));
    while (ok && packed.len > 0) {
        struct str input = str_slice(packed, 0, in);
        packed = str_slice(packed, in, packed.len);
        size_t len = 1;
        while (ok && (input.len > 0 || len > 0)) {
            ok = gunzip_take(g, &input, piece, cap, &len, err);
            buf_add(text, ok ? (struct str){piece, len} : STR(""));
        }
    }
    *ret_whole = gunzip_is_whole(g);
    gunzip_close(g);
    return ok;
}

static void members_follow_each_other_whatever_the_pieces(void **state)
{
    (void)state;
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    pack(&packed, STR("one\n"));
    pack(&packed, STR("two two two two two two\n"));
    buf_add(&packed, (struct str){"\0\0\0", 3}); /* padding */
    assert_true(gzip_is(buf_str(&packed)));
    for (size_t in = 1; in < packed.len + 1; in++) {
        for (size_t cap = 1; cap < 32; cap += 5) {
            AUTO(buf) text = buf_growing(BYTES_MAX);
            struct err err = {0};
            bool is_whole = false;
            assert_true(unpack(buf_str(&packed), in, cap, &text, &is_whole, &err));
            assert_true(is_whole);
            assert_string_equal(buf_cstr(&text), "one\ntwo two two two two two\n");
        }
    }
}

static void every_cut_is_seen_and_gives_a_beginning(void **state)
{
    (void)state;
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    pack(&packed, STR("first\n"));
    size_t first = packed.len;
    pack(&packed, STR("second\n"));
    for (size_t len = 1; len < packed.len; len++) {
        AUTO(buf) text = buf_growing(BYTES_MAX);
        struct err err = {0};
        bool is_whole = false;
        assert_true(unpack((struct str){packed.ptr, len}, len, 64, &text, &is_whole, &err));
        assert_int_equal(is_whole, len == first);
        assert_true(str_starts(STR("first\nsecond\n"), buf_str(&text)));
        assert_true(len < first || text.len >= 6);
    }
}

static void damage_is_told_after_what_was_good(void **state)
{
    (void)state;
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    pack(&packed, STR("first\n"));
    size_t first = packed.len;
    pack(&packed, STR("second\n"));
    for (size_t at = first; at < packed.len; at++) {
        if (at >= first + 4 && at < first + 10) {
            continue; /* time, flags and system of the header: no damage */
        }
        AUTO(buf) text = buf_growing(BYTES_MAX);
        struct err err = {0};
        bool is_whole = true;
        packed.ptr[at] = (char)(packed.ptr[at] ^ 0xff);
        bool ok = unpack(buf_str(&packed), 7, 64, &text, &is_whole, &err);
        packed.ptr[at] = (char)(packed.ptr[at] ^ 0xff);
        assert_true(!ok || !is_whole);
        assert_true(ok || err.code == ERR_CORRUPT);
        assert_true(str_starts(buf_str(&text), STR("first\n")));
    }
}

static void text_behind_the_end_is_damage(void **state)
{
    (void)state;
    AUTO(buf) packed = buf_growing(BYTES_MAX);
    AUTO(buf) text = buf_growing(BYTES_MAX);
    struct err err = {0};
    bool is_whole = true;
    pack(&packed, STR("a"));
    buf_add(&packed, STR("not gzip"));
    assert_false(unpack(buf_str(&packed), 100, 64, &text, &is_whole, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_string_equal(buf_cstr(&text), "a");
}

/* Text whose repeats pay only for who looks for them. */
static void the_smallest_is_smaller_and_the_same_text(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(BYTES_MAX);
    AUTO(buf) usual = buf_growing(BYTES_MAX);
    AUTO(buf) small = buf_growing(BYTES_MAX);
    AUTO(buf) back = buf_growing(BYTES_MAX);
    struct err err = {0};
    struct gzip *g = NULL;
    bool is_whole = false;
    for (unsigned i = 0, x = 1; i < 20000; i++) {
        x = x * 1103515245U + 12345U;
        buf_addf(&text, "node_%u ", (x >> 16) % 300);
    }
    pack(&usual, buf_str(&text));
    assert_true(gzip_open_smallest(&g, &err));
    assert_true(gzip_add(g, buf_str(&text), &small, &err) && gzip_end(g, &small, &err));
    gzip_close(g);
    assert_true(small.len < usual.len);
    assert_true(unpack(buf_str(&small), small.len, 64, &back, &is_whole, &err) && is_whole);
    assert_true(str_eq(buf_str(&back), buf_str(&text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_follow_each_other_whatever_the_pieces),
        cmocka_unit_test(every_cut_is_seen_and_gives_a_beginning),
        cmocka_unit_test(damage_is_told_after_what_was_good),
        cmocka_unit_test(text_behind_the_end_is_damage),
        cmocka_unit_test(the_smallest_is_smaller_and_the_same_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
