/* The rules of a project on a catalog. What they come to for thousands of others is compared with
 * Meltano itself: tests/interop/catalog_rules_test.py. */
#include "agent/meltano/catalog.h"
#include "common/base/sha1.h"
#include "common/json/json_verbatim.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

/* Texts here have ' for ", to be read. */
static void quote(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        buf_add_char(out, *text == '\'' ? '"' : *text);
    }
}

static struct json *parse(struct arena *a, const char *text)
{
    struct json *root = NULL;
    struct err err = {0};
    AUTO(buf) quoted = buf_growing(1 << 16);
    if (text == NULL) {
        return NULL;
    }
    quote(text, &quoted);
    if (!json_verbatim_read(buf_str(&quoted), 1 << 16, a, &root, &err)) {
        fail_msg("%s: %s", text, err.msg);
    }
    return root;
}

struct rule_texts {
    const char *select;
    const char *filter;
    const char *metadata;
    const char *schema;
    bool is_handwritten;
};

static bool apply(struct arena *a, struct json *catalog, const struct rule_texts *texts,
                  struct err *err)
{
    const struct catalog_rules rules = {.select = parse(a, texts->select),
                                        .select_filter = parse(a, texts->filter),
                                        .metadata = parse(a, texts->metadata),
                                        .schema = parse(a, texts->schema),
                                        .is_handwritten = texts->is_handwritten};
    return catalog_apply(catalog, &rules, a, err);
}

static void assert_applied(const char *catalog, struct rule_texts texts, const char *wanted)
{
    AUTO(arena) a = arena_new(1 << 20);
    AUTO(buf) out = buf_growing(1 << 16);
    AUTO(buf) quoted = buf_growing(1 << 16);
    struct err err = {0};
    struct json *root = parse(&a, catalog);
    quote(wanted, &quoted);
    if (!apply(&a, root, &texts, &err) || !json_verbatim_write(&out, root, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(buf_cstr(&out), buf_cstr(&quoted));
}

static void assert_refused(const char *catalog, struct rule_texts texts, const char *why)
{
    AUTO(arena) a = arena_new(1 << 20);
    struct err err = {0};
    struct json *root = parse(&a, catalog);
    assert_false(apply(&a, root, &texts, &err));
    assert_string_equal(err.msg, why);
}

/* Two streams, as a database tap tells them. */
static const char shop[] =
    "{'streams':[{'tap_stream_id':'db-orders','stream':'orders',"
    "'schema':{'properties':{'id':{},'total':{'maximum':18446744073709551615}}},"
    "'metadata':[{'breadcrumb':[],'metadata':{}},"
    "{'breadcrumb':['properties','id'],'metadata':{'inclusion':'automatic'}},"
    "{'breadcrumb':['properties','total'],'metadata':{'inclusion':'unsupported'}}]},"
    "{'tap_stream_id':'db-log','stream':'log','schema':{},"
    "'metadata':[{'breadcrumb':[],'metadata':{'selected':true}}]}]}";

static struct catalog_streams selected(struct arena *a, const struct rule_texts *texts)
{
    struct catalog_streams streams = {0};
    struct err err = {0};
    struct json *root = parse(a, shop);
    assert_true(apply(a, root, texts, &err));
    assert_true(catalog_selected(root, a, &streams, &err));
    return streams;
}

static void test_select(void **state)
{
    (void)state;
    assert_applied(
        shop, (struct rule_texts){.select = "['db-o*.*','!*.id']"},
        "{'streams':[{'tap_stream_id':'db-orders','stream':'orders',"
        "'schema':{'properties':{'id':{},'total':{'maximum':18446744073709551615}}},"
        "'metadata':[{'breadcrumb':[],'metadata':{'selected':true}},"
        "{'breadcrumb':['properties','id'],"
        "'metadata':{'inclusion':'automatic','selected':false}},"
        "{'breadcrumb':['properties','total'],"
        "'metadata':{'inclusion':'unsupported','selected':false}}],'selected':true},"
        "{'tap_stream_id':'db-log','stream':'log','schema':{},"
        "'metadata':[{'breadcrumb':[],'metadata':{'selected':false}}],'selected':false}]}");
}

static void test_selected_streams(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct catalog_streams all = selected(&a, &(struct rule_texts){.select = "['*.*']"});
    assert_int_equal(all.count, 2);
    struct catalog_streams one =
        selected(&a, &(struct rule_texts){.select = "['*.*']", .filter = "['!db-orders']"});
    assert_int_equal(one.count, 1);
    assert_true(str_eq(one.items[0].id, STR("db-log")));
    assert_true(str_eq(one.items[0].name, STR("log")));
    /* A catalog that a person wrote: what it says counts, but for the filter. */
    struct catalog_streams own =
        selected(&a, &(struct rule_texts){.select = "['db-orders.*']", .is_handwritten = true});
    assert_int_equal(own.count, 1);
    assert_true(str_eq(own.items[0].name, STR("log")));
}

static void test_narrow(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct err err = {0};
    struct catalog_streams streams = {0};
    struct json *root = parse(&a, shop);
    const struct rule_texts all = {.select = "['*.*']"};
    struct str names[] = {STR("orders")};
    assert_true(apply(&a, root, &all, &err));
    assert_true(catalog_narrow(root, &(struct str_list){.items = names, .count = 1}, &a, &err));
    assert_true(catalog_selected(root, &a, &streams, &err));
    assert_int_equal(streams.count, 1);
    assert_true(str_eq(streams.items[0].name, STR("orders")));
}

static void test_metadata_and_schema(void **state)
{
    (void)state;
    assert_applied("{'streams':[{'tap_stream_id':'s','schema':{'type':'object'}}]}",
                   (struct rule_texts){
                       .select = "['s.*']",
                       .metadata = "{'s':{'replication-method':'FULL_TABLE','n':{'is-key':1}}}",
                       .schema = "{'s':{'n':{'type':'integer'}}}"},
                   "{'streams':[{'tap_stream_id':'s','schema':{'type':'object',"
                   "'properties':{'n':{'type':'integer'}}},'metadata':[{'breadcrumb':[],'metadata':"
                   "{'inclusion':'automatic','selected':true,'replication-method':'FULL_TABLE'}},"
                   "{'breadcrumb':['properties','n'],'metadata':"
                   "{'inclusion':'automatic','selected':true,'is-key':1}}],"
                   "'selected':true,'replication_method':'FULL_TABLE'}]}");
}

static void test_refused(void **state)
{
    (void)state;
    const struct rule_texts all = {.select = "['*.*']"};
    assert_refused("[]", all, "catalog: there is no list \"streams\"");
    assert_refused("{'streams':[{'tap_stream_id':7}]}", all,
                   "catalog: .streams[0]: tap_stream_id is an integer");
    assert_refused("{'streams':[{'tap_stream_id':'a','metadata':{}}]}", all,
                   "catalog: .streams[0]: metadata is an object, not a list");
    assert_refused("{'streams':[]}", (struct rule_texts){.select = "[1]"},
                   "a rule of select is an integer, not a text");
    assert_refused("{'streams':[]}", (struct rule_texts){.metadata = "{'key':1}"},
                   "metadata \"key\" names no stream");
    assert_refused("{'streams':[]}", (struct rule_texts){.schema = "{'s':1}"},
                   "schema of stream \"s\" is an integer, not an object");
    assert_refused("{'streams':[{'tap_stream_id':'s','schema':[]}]}",
                   (struct rule_texts){.schema = "{'s':{'a':{}}}"},
                   "catalog: .streams[0]: schema is a list, not an object");
}

/* A rule that gives a property what it is for: without an end. */
static void test_endless(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct err err = {0};
    struct json *root =
        parse(&a, "{'streams':[{'tap_stream_id':'s','schema':{'properties':{'a':{}}}}]}");
    const struct rule_texts endless = {.schema = "{'s':{'*':{'properties':{'a':{}}}}}"};
    assert_false(apply(&a, root, &endless, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(err.msg, "catalog: .streams[0].schema.properties.a.properties.a."));
}

static void test_sha1(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t repeat;
        const char *digest;
    } cases[] = {
        {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"0123456701234567012345670123456701234567012345670123456701234567", 10,
         "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) text = buf_growing(1 << 12);
        uint8_t digest[SHA1_BYTES];
        char hex[2 * SHA1_BYTES + 1];
        for (size_t n = 0; n < cases[i].repeat; n++) {
            buf_add_text(&text, cases[i].text);
        }
        sha1(buf_str(&text), digest);
        for (size_t b = 0; b < SHA1_BYTES; b++) {
            (void)snprintf(hex + 2 * b, 3, "%02x", digest[b]);
        }
        assert_string_equal(hex, cases[i].digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),  cmocka_unit_test(test_selected_streams),
        cmocka_unit_test(test_narrow),  cmocka_unit_test(test_metadata_and_schema),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_endless),
        cmocka_unit_test(test_sha1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
