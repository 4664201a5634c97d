/* fields_test.c - common/json/fields.h: trees into structs, and what is said about wrong ones. */
#include "common/json/fields.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <string.h>

#define assert_str(s_, text_) assert_true(str_eq((s_), STR(text_)))

struct load {
    struct str table;
    int mode;
    struct location at;
};
struct asset {
    struct str key;
    struct str_list deps;
    bool has_load;
    struct load load;
    int64_t timeout;
};
struct resource {
    struct str name;
    struct str type;
};
struct project {
    struct str name;
    bool is_on;
    bool has_size;
    int64_t size;
    int64_t port;
    double ratio;
    struct object_list assets;
    struct object_list resources;
    struct str_map env;
    const struct json *config;
};

static const char *const modes[] = {"append", "upsert", "overwrite", NULL};
static const struct field load_fields[] = {
    {.key = "table", .type = FIELD_STR, .offset = offsetof(struct load, table), .required = true},
    {.key = "mode", .type = FIELD_ENUM, .offset = offsetof(struct load, mode), .names = modes},
};
static const struct load load_defaults = {.mode = 2};
static const struct field_table load_table = {.name = "load",
                                              .size = sizeof(struct load),
                                              .fields = load_fields,
                                              .count = COUNT_OF(load_fields),
                                              .location_offset = offsetof(struct load, at),
                                              .defaults = &load_defaults};
static const struct field asset_fields[] = {
    {.key = "key", .type = FIELD_STR, .offset = offsetof(struct asset, key), .required = true},
    {.key = "deps",
     .type = FIELD_STR_LIST,
     .offset = offsetof(struct asset, deps),
     .min = 1,
     .max = 2},
    {.key = "load",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct asset, load),
     .object = &load_table,
     .present_offset = offsetof(struct asset, has_load)},
    {.key = "timeout",
     .type = FIELD_DURATION,
     .offset = offsetof(struct asset, timeout),
     .min = INT64_C(1000000000),
     .max = INT64_C(3600000000000)},
    {.key = "partitions", .type = FIELD_JSON, .is_unsupported = true},
};
static const struct field_table asset_table = {.name = "asset",
                                               .size = sizeof(struct asset),
                                               .fields = asset_fields,
                                               .count = COUNT_OF(asset_fields)};
static const struct field resource_fields[] = {
    {.key = "type", .type = FIELD_STR, .offset = offsetof(struct resource, type), .required = true},
};
static const struct field_table resource_table = {.name = "resource",
                                                  .size = sizeof(struct resource),
                                                  .fields = resource_fields,
                                                  .count = COUNT_OF(resource_fields),
                                                  .name_offset = offsetof(struct resource, name)};
static const struct field project_fields[] = {
    {.key = "project", .type = FIELD_STR, .offset = offsetof(struct project, name)},
    {.key = "on", .type = FIELD_BOOL, .offset = offsetof(struct project, is_on)},
    {.key = "size",
     .type = FIELD_BYTES,
     .offset = offsetof(struct project, size),
     .min = 1024,
     .present_offset = offsetof(struct project, has_size)},
    {.key = "port",
     .type = FIELD_I64,
     .offset = offsetof(struct project, port),
     .min = 1,
     .max = 65535},
    {.key = "ratio", .type = FIELD_REAL, .offset = offsetof(struct project, ratio)},
    {.key = "assets",
     .type = FIELD_OBJECT_LIST,
     .offset = offsetof(struct project, assets),
     .object = &asset_table},
    {.key = "resources",
     .type = FIELD_OBJECT_MAP,
     .offset = offsetof(struct project, resources),
     .object = &resource_table},
    {.key = "env", .type = FIELD_STR_MAP, .offset = offsetof(struct project, env)},
    {.key = "config", .type = FIELD_JSON, .offset = offsetof(struct project, config)},
};
static const struct field_table project_table = {.name = "project",
                                                 .size = sizeof(struct project),
                                                 .fields = project_fields,
                                                 .count = COUNT_OF(project_fields)};
static const struct field_table message_table = {.name = "message",
                                                 .size = sizeof(struct project),
                                                 .fields = project_fields,
                                                 .count = COUNT_OF(project_fields),
                                                 .ignore_unknown = true};

struct world {
    struct arena arena;
    struct problems problems;
    struct project project;
};

static bool read_as(struct world *w, const struct field_table *table, const char *text)
{
    struct json *root = NULL;
    struct err err = {0};
    *w = (struct world){.arena = arena_new(1 << 20)};
    w->problems.arena = &w->arena;
    w->problems.file = STR("shop.json");
    if (!json_parse(str_from(text), LIMIT_JSON_BYTES, &w->arena, &root, &err)) {
        fail_msg("%s: %s", text, err.msg);
    }
    return fields_read(root, table, STR_NONE, &w->arena, &w->problems, &w->project);
}

static void assert_problem(const struct world *w, size_t i, const char *text, const char *hint)
{
    assert_true(i < w->problems.count);
    assert_string_equal(w->problems.items[i].text.ptr, text);
    struct str given = w->problems.items[i].hint;
    if (!str_eq(given, str_from(hint))) {
        fail_msg("hint \"" STR_FMT "\", not \"%s\"", STR_ARG(given), hint);
    }
}

static void assert_one_problem(const char *json, const char *text, const char *hint)
{
    struct world w;
    assert_false(read_as(&w, &project_table, json));
    assert_int_equal(w.problems.total, 1);
    assert_problem(&w, 0, text, hint);
    arena_release(&w.arena);
}

static void every_type_is_read(void **state)
{
    (void)state;
    struct world w;
    assert_true(read_as(
        &w, &project_table,
        "{\"project\":\"shop\",\"on\":true,\"size\":\"64MiB\",\"port\":8080,"
        "\"ratio\":2,\"env\":{\"A\":\"x\",\"B\":1.10,\"C\":true,\"D\":null,\"E\":7},"
        "\"config\":{\"any\":[1]},"
        "\"assets\":[{\"key\":\"a\",\"deps\":\"b\",\"timeout\":\"1m\"},"
        "{\"key\":\"c\",\"deps\":[\"d\",\"e\"],\"load\":{\"table\":\"t\",\"mode\":\"upsert\"}}],"
        "\"resources\":{\"pos\":{\"type\":\"sqlite\"},\"x\":{\"type\":\"csv\"}}}"));
    const struct project *p = &w.project;
    assert_str(p->name, "shop");
    assert_true(p->is_on && p->has_size);
    assert_true(p->size == 64 << 20 && p->port == 8080 && p->ratio == 2.0);
    assert_int_equal(p->env.count, 5);
    assert_str(p->env.keys[1], "B");
    assert_str(p->env.values[0], "x");
    assert_str(p->env.values[1], "1.10");
    assert_str(p->env.values[2], "true");
    assert_str(p->env.values[3], "");
    assert_str(p->env.values[4], "7");
    assert_int_equal(json_get(p->config, "any")->child->as.integer, 1);
    assert_int_equal(p->assets.count, 2);
    const struct asset *assets = p->assets.items;
    assert_int_equal(assets[0].deps.count, 1);
    assert_str(assets[0].deps.items[0], "b");
    assert_true(assets[0].timeout == INT64_C(60000000000));
    assert_false(assets[0].has_load);
    assert_true(assets[1].has_load);
    assert_int_equal(assets[1].deps.count, 2);
    assert_str(assets[1].load.table, "t");
    assert_int_equal(assets[1].load.mode, 1);
    const struct resource *resources = p->resources.items;
    assert_int_equal(p->resources.count, 2);
    assert_str(resources[1].name, "x");
    assert_str(resources[1].type, "csv");
    arena_release(&w.arena);
}

static void what_is_not_there_has_its_default(void **state)
{
    (void)state;
    struct world w;
    assert_true(
        read_as(&w, &project_table, "{\"assets\":[{\"key\":\"a\",\"load\":{\"table\":\"t\"}}]}"));
    assert_false(w.project.has_size);
    assert_int_equal(w.project.env.count, 0);
    assert_null(w.project.config);
    const struct asset *asset = w.project.assets.items;
    assert_int_equal(asset->load.mode, 2);
    arena_release(&w.arena);
}

static void unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    assert_one_problem(
        "{\"assets\":[{\"key\":\"a\"},{\"key\":\"b\",\"load\":{\"table\":\"t\",\"mdoe\":1}}]}",
        "assets[1].load: unknown key \"mdoe\"", "did you mean \"mode\"?");
    assert_one_problem("{\"prt\":1}", "unknown key \"prt\"", "did you mean \"port\"?");
    assert_one_problem("{\"resources\":{\"pos\":{\"type\":\"x\",\"colour\":1}}}",
                       "resources.pos: unknown key \"colour\"", "valid keys: type");
    assert_one_problem("{\"assets\":[{\"key\":\"a\",\"zzz\":1}]}", "assets[0]: unknown key \"zzz\"",
                       "valid keys: key, deps, load, timeout");
}

static void wrong_values_are_described(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *text;
        const char *hint;
    } cases[] = {
        {"[]", "expected an object, got a list", ""},
        {"{\"project\":[\"x\"]}", "project: expected a string, got a list", ""},
        {"{\"project\":null}", "project: expected a string, got nothing", ""},
        {"{\"project\":1.50}", "project: expected a string, got a number",
         "put it in quotes: \"1.50\""},
        {"{\"project\":true}", "project: expected a string, got true or false",
         "put it in quotes: \"true\""},
        {"{\"on\":\"yes\"}", "on: expected true or false, got a string",
         "write true or false, without quotes"},
        {"{\"on\":1}", "on: expected true or false, got an integer", ""},
        {"{\"port\":0}", "port: 0 is below the minimum of 1", ""},
        {"{\"port\":65536}", "port: 65536 is above the maximum of 65535", ""},
        {"{\"port\":1.0}", "port: expected an integer, got a number", ""},
        {"{\"ratio\":\"1\"}", "ratio: expected a number, got a string", ""},
        {"{\"size\":1023}", "size: 1023 is below the minimum of 1KiB", ""},
        {"{\"size\":\"64 apples\"}", "size: \"64 apples\" is not a size",
         "write it like 1024, 500kB or 64MiB"},
        {"{\"size\":-1}", "size: \"-1\" is not a size", "write it like 1024, 500kB or 64MiB"},
        {"{\"size\":[]}", "size: expected a size like \"64MiB\", got a list", ""},
        {"{\"env\":[]}", "env: expected an object, got a list", ""},
        {"{\"env\":{\"A\":[]}}", "env.A: expected a string, got a list", ""},
        {"{\"assets\":{}}", "assets: expected a list, got an object", ""},
        {"{\"assets\":[1]}", "assets[0]: expected an object, got an integer", ""},
        {"{\"resources\":[]}", "resources: expected an object, got a list", ""},
        {"{\"assets\":[{}]}", "assets[0]: required key \"key\" is missing", ""},
        {"{\"assets\":[{\"key\":\"a\",\"deps\":[]}]}", "assets[0].deps: expected at least 1, got 0",
         ""},
        {"{\"assets\":[{\"key\":\"a\",\"deps\":[\"1\",\"2\",\"3\"]}]}",
         "assets[0].deps: expected at most 2, got 3", ""},
        {"{\"assets\":[{\"key\":\"a\",\"deps\":[\"1\",2]}]}",
         "assets[0].deps[1]: expected a string, got an integer", "put it in quotes: \"2\""},
        {"{\"assets\":[{\"key\":\"a\",\"deps\":{}}]}",
         "assets[0].deps: expected a list of strings, got an object", ""},
        {"{\"assets\":[{\"key\":\"a\",\"timeout\":10}]}",
         "assets[0].timeout: expected a duration like \"10s\", got an integer",
         "add a unit: ms, s, m, h or d"},
        {"{\"assets\":[{\"key\":\"a\",\"timeout\":\"ten\"}]}",
         "assets[0].timeout: \"ten\" is not a duration",
         "write it like 250ms, 10s, 5m, 1h30m or 2d"},
        {"{\"assets\":[{\"key\":\"a\",\"timeout\":true}]}",
         "assets[0].timeout: expected a duration like \"10s\", got true or false", ""},
        {"{\"assets\":[{\"key\":\"a\",\"timeout\":\"5ms\"}]}",
         "assets[0].timeout: 5ms is below the minimum of 1s", ""},
        {"{\"assets\":[{\"key\":\"a\",\"partitions\":{}}]}",
         "assets[0]: key \"partitions\" is not supported by this version", ""},
        {"{\"assets\":[{\"key\":\"a\",\"load\":{\"table\":\"t\",\"mode\":\"upser\"}}]}",
         "assets[0].load.mode: \"upser\" is not one of append, upsert, overwrite",
         "did you mean \"upsert\"?"},
        {"{\"assets\":[{\"key\":\"a\",\"load\":{\"table\":\"t\",\"mode\":\"merge\"}}]}",
         "assets[0].load.mode: \"merge\" is not one of append, upsert, overwrite", ""},
        {"{\"assets\":[{\"key\":\"a\",\"load\":{\"table\":\"t\",\"mode\":[]}}]}",
         "assets[0].load.mode: expected a string, got a list", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_one_problem(cases[i].json, cases[i].text, cases[i].hint);
    }
}

static void all_problems_are_collected(void **state)
{
    (void)state;
    struct world w;
    assert_false(read_as(&w, &project_table,
                         "{\"on\":1,\"port\":0,\"assets\":[{\"kye\":\"a\"}],\"ratio\":[]}"));
    assert_int_equal(w.problems.total, 5);
    assert_problem(&w, 2, "assets[0]: unknown key \"kye\"", "did you mean \"key\"?");
    assert_problem(&w, 3, "assets[0]: required key \"key\" is missing", "");
    struct err err = {0};
    assert_false(problems_to_err(&w.problems, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg,
                        "shop.json: on: expected true or false, got an integer (and 4 more)");
    arena_release(&w.arena);
}

static void problems_beyond_the_maximum_are_counted(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(10000);
    buf_add_text(&text, "{\"assets\":[");
    for (int i = 0; i < PROBLEMS_MAX + 10; i++) {
        buf_addf(&text, "%s{}", i == 0 ? "" : ",");
    }
    buf_add_text(&text, "]}");
    struct world w;
    assert_false(read_as(&w, &project_table, buf_cstr(&text)));
    assert_int_equal(w.problems.count, PROBLEMS_MAX);
    assert_int_equal(w.problems.total, PROBLEMS_MAX + 10);
    arena_release(&w.arena);
}

static void messages_ignore_what_they_do_not_know(void **state)
{
    (void)state;
    struct world w;
    assert_true(read_as(&w, &message_table,
                        "{\"project\":\"x\",\"newer\":1,\"port\":null,\"config\":null}"));
    assert_str(w.project.name, "x");
    assert_int_equal(w.project.config->type, JSON_NULL);
    arena_release(&w.arena);
    assert_false(read_as(&w, &message_table, "{\"port\":\"1\"}"));
    arena_release(&w.arena);
}

static void problems_carry_their_place(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(10000);
    struct problems problems = {.arena = &arena, .file = STR("a.yaml")};
    problems_add(&problems, (struct location){3, 7, 0}, STR("do this"), "%s is wrong", "it");
    struct err err = {0};
    assert_false(problems_to_err(&problems, &err));
    assert_string_equal(err.msg, "a.yaml:3:7: it is wrong");
    assert_string_equal(err.hint, "do this");
    problems.items[0].file = STR_NONE;
    assert_false(problems_to_err(&problems, &err));
    assert_string_equal(err.msg, "line 3, column 7: it is wrong");
    struct problems *list = &problems;
    list->count = 0;
    list->total = 0;
    list->file = STR_NONE;
    problems_add(list, (struct location){0}, STR_NONE, "plain");
    assert_false(problems_to_err(list, &err));
    assert_string_equal(err.msg, "plain");
}

static void a_place_may_be_in_another_file(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(10000);
    const struct str files[] = {STR("a.yaml"), STR("b.yaml")};
    struct problems problems = {
        .arena = &arena, .file = STR("x"), .files = files, .file_count = COUNT_OF(files)};
    for (uint32_t i = 0; i < 3; i++) {
        problems_add(&problems, (struct location){1, 1, i}, STR_NONE, "it");
    }
    assert_str(problems.items[0].file, "a.yaml");
    assert_str(problems.items[1].file, "b.yaml");
    assert_str(problems.items[2].file, "x"); /* not known */
}

/* --- shapes of more than one kind --- */

struct limit {
    struct str name;
    int64_t limit;
    int64_t burst;
    bool has_limit;
};
struct when {
    int word;
    bool has_word;
    struct str cron;
};
struct way {
    int64_t up;
    int64_t down;
};
struct shapes {
    struct object_list limits;
    struct when when;
    struct way way;
    struct str_list words;
    const struct json *extras;
};

static const struct field limit_fields[] = {
    {.key = "limit",
     .type = FIELD_I64,
     .offset = offsetof(struct limit, limit),
     .present_offset = offsetof(struct limit, has_limit),
     .required = true,
     .min = 1,
     .max = 9},
    {.key = "burst", .type = FIELD_I64, .offset = offsetof(struct limit, burst)},
};
static const struct field_table limit_table = {.name = "limit",
                                               .size = sizeof(struct limit),
                                               .fields = limit_fields,
                                               .count = COUNT_OF(limit_fields),
                                               .name_offset = offsetof(struct limit, name),
                                               .shorthand = &limit_fields[0]};
static const char *const when_names[] = {"never", "always", NULL};
static const struct field when_word = {.type = FIELD_ENUM,
                                       .offset = offsetof(struct when, word),
                                       .present_offset = offsetof(struct when, has_word),
                                       .names = when_names};
static const struct field when_fields[] = {
    {.key = "cron", .type = FIELD_STR, .offset = offsetof(struct when, cron)},
};
static const struct field_table when_table = {.name = "when",
                                              .size = sizeof(struct when),
                                              .fields = when_fields,
                                              .count = COUNT_OF(when_fields),
                                              .shorthand = &when_word};
static const struct field way_fields[] = {
    {.key = "up", .type = FIELD_I64, .offset = offsetof(struct way, up)},
    {.key = "down", .type = FIELD_I64, .offset = offsetof(struct way, down)},
};
static const struct field_table way_table = {.name = "way",
                                             .size = sizeof(struct way),
                                             .fields = way_fields,
                                             .count = COUNT_OF(way_fields),
                                             .is_choice = true};
static const struct field shapes_fields[] = {
    {.key = "limits",
     .type = FIELD_OBJECT_MAP,
     .offset = offsetof(struct shapes, limits),
     .object = &limit_table},
    {.key = "when",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct shapes, when),
     .object = &when_table},
    {.key = "way",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct shapes, way),
     .object = &way_table},
    {.key = "words",
     .type = FIELD_STR_LIST,
     .offset = offsetof(struct shapes, words),
     .names = when_names},
    {.key = "extras", .type = FIELD_JSON_OBJECT, .offset = offsetof(struct shapes, extras)},
    {.key = "on", .is_unsupported = true, .type = FIELD_JSON, .help = "the hub decides"},
};
static const struct field_table shapes_table = {.name = "shapes",
                                                .size = sizeof(struct shapes),
                                                .fields = shapes_fields,
                                                .count = COUNT_OF(shapes_fields)};

static bool read_shapes(struct arena *arena, struct problems *problems, const char *text,
                        struct shapes *ret)
{
    struct json *root = NULL;
    struct err err = {0};
    *problems = (struct problems){.arena = arena};
    assert_true(json_parse(str_from(text), 10000, arena, &root, &err));
    return fields_read(root, &shapes_table, STR_NONE, arena, problems, ret);
}

static void a_scalar_may_stand_for_an_object(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(100000);
    struct problems problems;
    struct shapes shapes;
    assert_true(read_shapes(&arena, &problems,
                            "{\"limits\":{\"a\":3,\"b\":{\"limit\":4,\"burst\":2}},"
                            "\"when\":\"always\",\"way\":{\"down\":1},\"words\":\"never\","
                            "\"extras\":{\"any\":[1]}}",
                            &shapes));
    const struct limit *limits = shapes.limits.items;
    assert_int_equal(shapes.limits.count, 2);
    assert_str(limits[0].name, "a");
    assert_int_equal(limits[0].limit, 3);
    assert_true(limits[0].has_limit);
    assert_int_equal(limits[1].limit, 4);
    assert_int_equal(limits[1].burst, 2);
    assert_true(shapes.when.has_word);
    assert_int_equal(shapes.when.word, 1);
    assert_int_equal(shapes.way.down, 1);
    assert_str(shapes.words.items[0], "never");
    assert_int_equal(shapes.extras->count, 1);
    assert_true(read_shapes(&arena, &problems, "{\"when\":{\"cron\":\"x\"}}", &shapes));
    assert_false(shapes.when.has_word);
    assert_str(shapes.when.cron, "x");
}

static void wrong_shapes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *problem;
        const char *hint;
    } cases[] = {
        {"{\"limits\":{\"a\":0}}", "limits.a: 0 is below the minimum of 1", ""},
        {"{\"limits\":{\"a\":\"x\"}}", "limits.a: expected an integer, got a string", ""},
        {"{\"limits\":{\"a\":{}}}", "limits.a: required key \"limit\" is missing", ""},
        {"{\"limits\":{\"a\":[1]}}", "limits.a: expected an integer or an object, got a list", ""},
        {"{\"when\":null}", "when: expected a word or an object, got nothing", ""},
        {"{\"when\":\"alway\"}", "when: \"alway\" is not one of never, always",
         "did you mean \"always\"?"},
        {"{\"when\":\"cron\"}", "when: \"cron\" does not stand alone", "write {cron: ...}"},
        {"{\"way\":{}}", "way: expected one key of up, down, got 0", ""},
        {"{\"way\":{\"up\":1,\"down\":1}}", "way: expected one key of up, down, got 2", ""},
        {"{\"way\":{\"upp\":1}}", "way: unknown key \"upp\"", "did you mean \"up\"?"},
        {"{\"words\":[\"never\",\"nver\"]}", "words[1]: \"nver\" is not one of never, always",
         "did you mean \"never\"?"},
        {"{\"extras\":[]}", "extras: expected an object, got a list", ""},
        {"{\"on\":1}", "key \"on\" is not supported here", "the hub decides"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(100000);
        struct problems problems;
        struct shapes shapes;
        assert_false(read_shapes(&arena, &problems, cases[i].text, &shapes));
        assert_int_equal(problems.total, 1);
        assert_string_equal(problems.items[0].text.ptr, cases[i].problem);
        assert_true(str_eq(problems.items[0].hint, str_from(cases[i].hint)));
    }
}

static void a_prefix_comes_before_the_path(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(100000);
    struct problems problems = {.arena = &arena};
    struct json *root = NULL;
    struct err err = {0};
    struct project project;
    assert_true(json_parse(STR("{\"port\":0}"), 100, &arena, &root, &err));
    assert_false(fields_read(root, &project_table, STR("assets[2]"), &arena, &problems, &project));
    assert_string_equal(problems.items[0].text.ptr, "assets[2].port: 0 is below the minimum of 1");
}

/* Endless keys are cut in the text, not in the buffer behind it. */
static void long_keys_and_values_are_cut(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(10000);
    buf_add_text(&text, "{\"env\":{\"");
    for (int i = 0; i < 3000; i++) {
        buf_add_char(&text, 'k');
    }
    buf_add_text(&text, "\":[]}}");
    struct world w;
    assert_false(read_as(&w, &project_table, buf_cstr(&text)));
    assert_true(w.problems.items[0].text.len < 600);
    arena_release(&w.arena);
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct str text = STR("{\"assets\":[{\"key\":\"a\",\"deps\":[\"b\"]}],\"env\":{\"A\":1}}");
    AUTO(arena) tree = arena_new(100000);
    struct json *root = NULL;
    struct err err = {0};
    assert_true(json_parse(text, text.len, &tree, &root, &err));
    for (int nth = 0;; nth++) {
        AUTO(arena) arena = arena_new(100000);
        struct problems problems = {.arena = &arena};
        struct project project;
        fault_malloc_arm(nth);
        bool ok = fields_read(root, &project_table, STR_NONE, &arena, &problems, &project);
        bool fired = fault_malloc_disarm();
        assert_int_equal(ok, !fired);
        if (!fired) {
            assert_int_equal(nth, 1); /* the arena's one chunk */
            break;
        }
        assert_false(problems_to_err(&problems, &err));
    }
    /* And each place where the arena ends. */
    size_t max = 0;
    for (bool ok = false; !ok; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct problems problems = {.arena = &arena};
        struct project project;
        ok = fields_read(root, &project_table, STR_NONE, &arena, &problems, &project);
        assert_true(ok || problems.total > 0);
    }
    assert_true(max > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(what_is_not_there_has_its_default),
        cmocka_unit_test(unknown_keys_name_the_nearest),
        cmocka_unit_test(wrong_values_are_described),
        cmocka_unit_test(all_problems_are_collected),
        cmocka_unit_test(problems_beyond_the_maximum_are_counted),
        cmocka_unit_test(messages_ignore_what_they_do_not_know),
        cmocka_unit_test(problems_carry_their_place),
        cmocka_unit_test(a_place_may_be_in_another_file),
        cmocka_unit_test(a_scalar_may_stand_for_an_object),
        cmocka_unit_test(wrong_shapes_are_named),
        cmocka_unit_test(a_prefix_comes_before_the_path),
        cmocka_unit_test(long_keys_and_values_are_cut),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
