/* Which methods there are, and which values they can have: what is wrong is told before anything is
 * looked at, with the nearest right word. */
#include "common/dbt/select_spec.h"

static const struct str methods[] = {
    [METHOD_FQN] = STR_INIT("fqn"),
    [METHOD_TAG] = STR_INIT("tag"),
    [METHOD_SOURCE] = STR_INIT("source"),
    [METHOD_PATH] = STR_INIT("path"),
    [METHOD_FILE] = STR_INIT("file"),
    [METHOD_PACKAGE] = STR_INIT("package"),
    [METHOD_CONFIG] = STR_INIT("config"),
    [METHOD_GROUP] = STR_INIT("group"),
    [METHOD_ACCESS] = STR_INIT("access"),
    [METHOD_RESOURCE_TYPE] = STR_INIT("resource_type"),
    [METHOD_TEST_NAME] = STR_INIT("test_name"),
    [METHOD_TEST_TYPE] = STR_INIT("test_type"),
    [METHOD_EXPOSURE] = STR_INIT("exposure"),
    [METHOD_METRIC] = STR_INIT("metric"),
    [METHOD_SEMANTIC_MODEL] = STR_INIT("semantic_model"),
    [METHOD_SAVED_QUERY] = STR_INIT("saved_query"),
    [METHOD_UNIT_TEST] = STR_INIT("unit_test"),
    [METHOD_VERSION] = STR_INIT("version"),
    [METHOD_STATE] = STR_INIT("state"),
    [METHOD_RESULT] = STR_INIT("result"),
    [METHOD_SOURCE_STATUS] = STR_INIT("source_status"),
    [METHOD_SELECTOR] = STR_INIT("selector"),
};

static const struct str resource_types[] = {
    STR_INIT("model"),         STR_INIT("analysis"),
    STR_INIT("test"),          STR_INIT("snapshot"),
    STR_INIT("operation"),     STR_INIT("seed"),
    STR_INIT("rpc"),           STR_INIT("doc"),
    STR_INIT("sql_operation"), STR_INIT("source"),
    STR_INIT("macro"),         STR_INIT("exposure"),
    STR_INIT("metric"),        STR_INIT("group"),
    STR_INIT("saved_query"),   STR_INIT("semantic_model"),
    STR_INIT("unit_test"),     STR_INIT("fixture"),
    STR_INIT("function"),
};

static const struct str versions[] = {STR_INIT("latest"), STR_INIT("prerelease"), STR_INIT("old"),
                                      STR_INIT("none")};

static const struct str states[] = {
    STR_INIT("new"),
    STR_INIT("old"),
    STR_INIT("modified"),
    STR_INIT("unmodified"),
    STR_INIT("modified.body"),
    STR_INIT("modified.configs"),
    STR_INIT("modified.persisted_descriptions"),
    STR_INIT("modified.relation"),
    STR_INIT("modified.macros"),
    STR_INIT("modified.contract"),
};

static const struct str test_types[] = {STR_INIT("generic"), STR_INIT("singular"), STR_INIT("unit"),
                                        STR_INIT("data")};

const char *select_method_name(enum select_method method)
{
    return methods[method].ptr;
}

struct str select_nearest(struct str word, const struct str *words, size_t count)
{
    enum { FAR = 3 };
    struct str best = STR_NONE;
    size_t nearest = FAR;
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(word, words[i]);
        if (distance < nearest && distance < words[i].len) {
            nearest = distance;
            best = words[i];
        }
    }
    return best;
}

static bool is_one_of(struct str word, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(word, words[i])) {
            return true;
        }
    }
    return false;
}

/* "did you mean "x"?", or all of them. */
static bool hint_words(struct err *err, struct str word, const struct str *words, size_t count)
{
    struct str nearest = select_nearest(word, words, count);
    if (nearest.len > 0) {
        return err_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(nearest));
    }
    char text[sizeof(err->hint)];
    struct buf b = buf_fixed(text, sizeof(text) - 1);
    for (size_t i = 0; i < count; i++) {
        buf_addf(&b, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(words[i]));
    }
    return err_hint(err, "there are: %s", buf_cstr(&b) == NULL ? "those of dbt" : text);
}

bool select_method_from(struct str text, struct criterion *ret, struct err *err)
{
    struct str name = text;
    struct str args = STR_NONE;
    (void)str_cut(text, '.', &name, &args);
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (str_eq(name, methods[i])) {
            ret->method = (enum select_method)i;
            ret->args = args;
            return true;
        }
    }
    (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a selection method",
                  STR_ARG(str_clip(name, 60)));
    return hint_words(err, name, methods, COUNT_OF(methods));
}

static bool check_word(const struct criterion *c, const struct str *words, size_t count,
                       struct err *err)
{
    if (is_one_of(c->value, words, count)) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "%s: there is no \"" STR_FMT "\"",
                  select_method_name(c->method), STR_ARG(str_clip(c->value, 60)));
    return hint_words(err, c->value, words, count);
}

static bool check_parts(const struct criterion *c, size_t max, const char *form, struct err *err)
{
    size_t parts = 1;
    for (size_t i = 0; i < c->value.len; i++) {
        parts += c->value.ptr[i] == '.';
    }
    if (parts <= max) {
        return true;
    }
    return err_set(err, ERR_INVALID, "%s: \"" STR_FMT "\" has too many parts",
                   select_method_name(c->method), STR_ARG(str_clip(c->value, 60))) ||
           err_hint(err, "it is %s", form);
}

static bool check_path(const struct criterion *c, struct err *err)
{
    struct str rest = c->value;
    struct str part = STR_NONE;
    if (str_starts(c->value, STR("/"))) {
        return err_set(err, ERR_INVALID, "path: it is relative to the project's folder") ||
               err_hint(err, "as in \"path:models/staging\"");
    }
    do {
        (void)str_cut(rest, '/', &part, &rest);
        if (str_eq(part, STR(".."))) {
            return err_set(err, ERR_INVALID, "path: \"..\" leads out of the project");
        }
        if (str_contains(part, STR("**")) && part.len > 2) {
            return err_set(err, ERR_INVALID, "path: \"**\" can only be a whole part of a path");
        }
    } while (rest.ptr != NULL);
    return true;
}

/* dbt accepts each text that is within "data", "singular" or "unit". */
static bool check_test_type(const struct criterion *c, struct err *err)
{
    bool is_within = str_contains(STR("data"), c->value) ||
                     str_contains(STR("singular"), c->value) || str_contains(STR("unit"), c->value);
    return is_within || str_eq(c->value, STR("schema")) ||
           check_word(c, test_types, COUNT_OF(test_types), err);
}

static bool check_known(const struct criterion *c, struct err *err)
{
    const enum select_method m = c->method;
    return m == METHOD_RESOURCE_TYPE ? check_word(c, resource_types, COUNT_OF(resource_types), err)
           : m == METHOD_TEST_TYPE   ? check_test_type(c, err)
           : m == METHOD_VERSION     ? check_word(c, versions, COUNT_OF(versions), err)
           : m == METHOD_STATE       ? check_word(c, states, COUNT_OF(states), err)
                                     : true;
}

bool select_check_value(const struct criterion *c, struct err *err)
{
    if (c->typed != NULL && c->method != METHOD_CONFIG) {
        return err_set(err, ERR_INVALID, "%s: its value is a text, not %s",
                       select_method_name(c->method), json_type_name(c->typed->type)) ||
               err_hint(err, "put it in quotes");
    }
    const enum select_method m = c->method;
    if (m == METHOD_SOURCE) {
        return check_parts(c, 3, "SOURCE, SOURCE.TABLE or PACKAGE.SOURCE.TABLE", err);
    }
    if (m == METHOD_EXPOSURE || m == METHOD_METRIC || m == METHOD_SEMANTIC_MODEL ||
        m == METHOD_SAVED_QUERY || m == METHOD_UNIT_TEST) {
        return check_parts(c, 2, "NAME or PACKAGE.NAME", err);
    }
    return m == METHOD_PATH ? check_path(c, err) : check_known(c, err);
}
