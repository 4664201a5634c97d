#include "common/base/md5.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

static void check(struct str bytes, const char *hex)
{
    char is[MD5_HEX_BYTES];
    md5_hex(bytes, is);
    assert_memory_equal(is, hex, MD5_HEX_BYTES);
}

/* RFC 1321, appendix A.5 */
static void the_suite_of_the_rfc(void **state)
{
    (void)state;
    check(STR_NONE, "d41d8cd98f00b204e9800998ecf8427e");
    check(STR("a"), "0cc175b9c0f1b6a831c399e269772661");
    check(STR("abc"), "900150983cd24fb0d6963f7d28e17f72");
    check(STR("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    check(STR("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
    check(STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
          "d174ab98d277d9f5a5611c2c9f419d9f");
    check(STR("1234567890123456789012345678901234567890"
              "1234567890123456789012345678901234567890"),
          "57edf4a22be3c955ac49da2e2107b67a");
}

/* Around the ends of blocks; made with Python's hashlib over "x" * length. */
static void every_length_of_a_last_block(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *hex;
    } cases[] = {
        {54, "61ea0974c662328da964d977a8253873"},  {55, "04364420e25c512fd958a70738aa8f72"},
        {56, "668a72d5ba17f08e62dabcafad6db14b"},  {57, "693037871c4a9d3d8685018905cb530a"},
        {63, "7dc2ca208106a2f703567bdff99d8981"},  {64, "c1bb4f81d892b2d57947682aeb252456"},
        {65, "1bc932052302d074bdec39795fe00cf6"},  {119, "ab347a5f68c8a443cfcddc633f12c24f"},
        {120, "fb98667f98096de92620b64f46e1c5b5"}, {121, "e8bb0ccd83750100b37f4831cd5d7ee2"},
        {128, "d69cb61a6ee87200676eb0d4b90edbcb"}, {200, "30a83621ce5422fbdfdd539777458c78"},
    };
    char text[200];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check((struct str){text, cases[i].len}, cases[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suite_of_the_rfc),
        cmocka_unit_test(every_length_of_a_last_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
