#include "common/wire/bundle.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define FIRST(files, bytes)                                                                        \
    "{\"kind\":\"bundle\",\"v\":1,\"files\":" #files ",\"bytes\":" #bytes "}\n"
#define FILE_OF(path, size)                                                                        \
    "{\"path\":\"" path "\",\"size\":" #size ",\"sha256\":\"" SHA_A "\",\"mode\":\"644\"}\n"

static const struct {
    const char *path;
    bool is_good;
} paths[] = {
    {"selvedge.yaml", true},
    {"sql/2026/sales.sql", true},
    {"Größe/é.sql", true},
    {"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", true},
    {"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", false},
    {"", false},
    {"/etc/passwd", false},
    {"../up", false},
    {"a/../b", false},
    {"a/..", false},
    {"./a", false},
    {"a//b", false},
    {"a/", false},
    {"a\nb", false},
    {"a\\b", false},
    {"a\"b", false},
    {"a\x7f", false},
    {"\xff", false},
    {"...", true},
};

static void paths_that_may_be(void **state)
{
    (void)state;
    char longest[BUNDLE_PATH_BYTES + 2];
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        print_message("%s\n", paths[i].path);
        assert_int_equal(bundle_path_is_good(str_from(paths[i].path)), paths[i].is_good);
    }
    memset(longest, 'a', sizeof(longest));
    assert_true(bundle_path_is_good((struct str){longest, BUNDLE_PATH_BYTES}));
    assert_false(bundle_path_is_good((struct str){longest, BUNDLE_PATH_BYTES + 1}));
    assert_false(bundle_path_is_good((struct str){"a\0b", 3}));
}

static const struct {
    const char *text;
    const char *error; /* NULL: it is good */
} manifests[] = {
    {FIRST(1, 5) FILE_OF("selvedge.yaml", 5), NULL},
    {FIRST(2, 5) FILE_OF("a/b", 0) FILE_OF("selvedge.yaml", 5), NULL},
    {"", "not a bundle's manifest"},
    {"{}\n", "line 1: a bundle has 1 to 10000 files"},
    {FIRST(0, 0), "line 1: a bundle has 1 to 10000 files"},
    {FIRST(10001, 0), "line 1: a bundle has 1 to 10000 files"},
    {FIRST(1, 67108865), "line 1: a bundle has 1 to 10000 files"},
    {"{\"kind\":\"command\",\"v\":1,\"files\":1,\"bytes\":5}\n", "line 1: not the first line"},
    {"{\"kind\": \"bundle\",\"v\":1,\"files\":1,\"bytes\":5}\n", "line 1: not the first line"},
    {"{\"kind\":\"bundle\",\"v\":2,\"files\":1,\"bytes\":5}\n", "line 1: not the first line"},
    {FIRST(1, 5), "it ends before its last line"},
    {FIRST(2, 5) FILE_OF("selvedge.yaml", 5), "it ends before its last line"},
    {FIRST(1, 5) FILE_OF("a", 0) FILE_OF("selvedge.yaml", 5), "there is more after its last line"},
    {FIRST(1, 5) FILE_OF("a", 5), "there is no selvedge.yaml"},
    {FIRST(1, 6) FILE_OF("selvedge.yaml", 5), "its files have 5 bytes, not the 6"},
    {FIRST(1, 5) FILE_OF("../selvedge.yaml", 5), "line 2: no good path"},
    {FIRST(1, 5) FILE_OF("selvedge.yaml", -1), "line 2: no good path, size"},
    {FIRST(1, 5) FILE_OF("selvedge.yaml", 05), "line 2: "},
    {FIRST(1, 5) FILE_OF("selvedge.yaml", 67108865), "its files are larger"},
    {FIRST(2, 9223372036854775807) FILE_OF("a", 9223372036854775807) FILE_OF("selvedge.yaml", 1),
     "line 1: a bundle has"},
    {FIRST(2, 5) FILE_OF("selvedge.yaml", 5) FILE_OF("a", 0), "line 3: not in the order of paths"},
    {FIRST(2, 5) FILE_OF("selvedge.yaml", 5) FILE_OF("selvedge.yaml", 0),
     "line 3: not in the order of paths"},
    {FIRST(3, 5) FILE_OF("a", 0) FILE_OF("a/b", 0) FILE_OF("selvedge.yaml", 5),
     "\"a\" is a file and a folder"},
    {FIRST(4, 5) FILE_OF("a", 0) FILE_OF("a-b", 0) FILE_OF("a/b/c", 0) FILE_OF("selvedge.yaml", 5),
     "\"a\" is a file and a folder"},
    {FIRST(1, 5) "{\"path\":\"selvedge.yaml\",\"size\":5,\"sha256\":\"" SHA_A
                 "\",\"mode\":\"777\"}\n",
     "line 2: not written in its one form"},
    {FIRST(1, 5) "{\"path\":\"selvedge.yaml\",\"size\":5,\"sha256\":\"" SHA_A
                 "\",\"mode\":\"644\",\"link\":\"x\"}\n",
     "line 2: not written in its one form"},
    {FIRST(1, 5) "{\"path\":\"selvedge\\u002eyaml\",\"size\":5,\"sha256\":\"" SHA_A
                 "\",\"mode\":\"644\"}\n",
     "line 2: no good path"},
};

static void manifests_have_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(manifests); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        AUTO(buf) again = buf_growing(1 << 20);
        struct bundle_manifest m;
        struct err err = {0};
        struct str text = str_from(manifests[i].text);
        bool ok = bundle_manifest_decode(text, &arena, &m, &err);
        print_message("%s-> %s\n", manifests[i].text, err.msg);
        assert_int_equal(ok, manifests[i].error == NULL);
        if (ok) {
            bundle_manifest_encode(&m, &again);
            assert_true(str_eq(buf_str(&again), text));
        } else {
            assert_true(str_starts(str_from(err.msg), str_from(manifests[i].error)));
        }
    }
}

static void what_is_wanted_comes_back(void **state)
{
    (void)state;
    static const struct bundle_want wants[] = {
        {STR_INIT(SHA_A), STR_INIT(SHA_B), 65536, 4096},
        {STR_INIT(SHA_A), {NULL, 0}, 0, 65536},
    };
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        AUTO(buf) text = buf_growing(1 << 16);
        struct bundle_want m;
        struct err err = {0};
        bundle_want_encode(&wants[i], &text);
        assert_true(bundle_want_decode(buf_str(&text), &arena, &m, &err));
        assert_true(str_eq(m.bundle, wants[i].bundle) && str_eq(m.file, wants[i].file));
        assert_int_equal(m.offset, wants[i].offset);
        assert_int_equal(m.max, wants[i].max);
    }
}

static const struct {
    const char *text;
    enum err_code code;
} bad_wants[] = {
    {"{\"certificate\":true}", ERR_NOT_FOUND},
    {"{\"bundle\":\"x\",\"offset\":0,\"max\":4096}", ERR_INVALID},
    {"{\"bundle\":\"" SHA_A "\",\"file\":\"../x\",\"offset\":0,\"max\":4096}", ERR_INVALID},
    {"{\"bundle\":\"" SHA_A "\",\"offset\":-1,\"max\":4096}", ERR_INVALID},
    {"{\"bundle\":\"" SHA_A "\",\"offset\":0,\"max\":1000000}", ERR_INVALID},
    {"{\"bundle\":\"" SHA_A "\",\"offset\":0,\"max\":1}", ERR_INVALID},
    {"{\"bundle\":\"" SHA_A "\"}", ERR_INVALID},
    {"", ERR_NOT_FOUND},
};

static void bad_wants_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_wants); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        struct bundle_want m;
        struct err err = {0};
        print_message("%s\n", bad_wants[i].text);
        assert_false(bundle_want_decode(str_from(bad_wants[i].text), &arena, &m, &err));
        assert_int_equal(err.code, bad_wants[i].code);
    }
}

#define HEAD(offset, total)                                                                        \
    "{\"bundle\":\"" SHA_A "\",\"file\":\"" SHA_B "\",\"offset\":" #offset ",\"total\":" #total    \
    "}\n"

static const struct {
    const char *text;
    bool is_good;
} pieces[] = {
    {HEAD(0, 3) "abc", true},
    {HEAD(1, 3) "bc", true},
    {HEAD(0, 3) "\na\n", true},
    {HEAD(0, 0), true},
    {HEAD(3, 3), true},
    {HEAD(0, 3), false}, /* nothing, although there is more */
    {HEAD(1, 3) "abc", false},
    {HEAD(4, 3), false},
    {"{\"bundle\":\"" SHA_A "\",\"offset\":0,\"problem\":\"this hub has no such bundle\"}\n", true},
    {"{\"bundle\":\"" SHA_A "\",\"offset\":0,\"problem\":\"none\"}\nabc", false},
    {"{\"bundle\":\"" SHA_A "\",\"offset\":0}", false},
    {"{\"offset\":0}\n", false},
};

static void pieces_are_what_their_line_tells(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        AUTO(arena) arena = arena_new(1 << 16);
        AUTO(buf) again = buf_growing(1 << 16);
        struct bundle_piece m;
        struct err err = {0};
        struct str text = str_from(pieces[i].text);
        bool ok = bundle_piece_decode(text, &arena, &m, &err);
        print_message("%s -> %s\n", pieces[i].text, err.msg);
        assert_int_equal(ok, pieces[i].is_good);
        if (ok && m.problem.len == 0) {
            bundle_piece_encode(&m, &again);
            assert_true(str_eq(buf_str(&again), text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_that_may_be),
        cmocka_unit_test(manifests_have_one_form),
        cmocka_unit_test(what_is_wanted_comes_back),
        cmocka_unit_test(bad_wants_are_refused),
        cmocka_unit_test(pieces_are_what_their_line_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
