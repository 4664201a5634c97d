#include "common/dbt/manifest.h"

#include <string.h>

static const struct {
    struct str name;
    uint8_t bit;
} uses_names[] = {{STR_INIT("is_incremental"), DBT_USES_IS_INCREMENTAL},
                  {STR_INIT("database"), DBT_USES_DATABASE},
                  {STR_INIT("run"), DBT_USES_RUN},
                  {STR_INIT("environment"), DBT_USES_ENVIRONMENT}};

bool dbt_uses_from(struct str name, uint8_t *ret)
{
    for (size_t i = 0; i < COUNT_OF(uses_names); i++) {
        if (str_eq(name, uses_names[i].name)) {
            *ret = uses_names[i].bit;
            return true;
        }
    }
    return false;
}

struct str dbt_uses_name(uint8_t bit)
{
    size_t i = 0;
    while (uses_names[i].bit != bit) {
        i++;
    }
    return uses_names[i].name;
}

/* Of the adapter, what answers without asking the database. */
static const struct str pure_methods[] = {
    STR_INIT("dispatch"), STR_INIT("quote"),    STR_INIT("quote_as_configured"),
    STR_INIT("type"),     STR_INIT("Relation"), STR_INIT("quote_seed_column"),
    STR_INIT("Column"),
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str word_at(struct str s)
{
    size_t len = 0;
    while (len < s.len && is_word(s.ptr[len])) {
        len++;
    }
    return str_slice(s, 0, len);
}

static struct str skip_space(struct str s)
{
    while (s.len > 0 && strchr(" \t\r\n", s.ptr[0]) != NULL && s.ptr[0] != '\0') {
        s = str_slice(s, 1, s.len);
    }
    return s;
}

static bool begins(struct str s, char c)
{
    return s.len > 0 && s.ptr[0] == c;
}

/* ".name" behind a word: the name, else empty. */
static struct str member_of(struct str rest)
{
    return begins(rest, '.') ? word_at(skip_space(str_slice(rest, 1, rest.len))) : STR("");
}

static uint8_t adapter_uses(struct str rest)
{
    struct str method = member_of(rest);
    for (size_t i = 0; i < COUNT_OF(pure_methods); i++) {
        if (str_eq(method, pure_methods[i])) {
            return 0;
        }
    }
    return DBT_USES_DATABASE;
}

/* What the word at hand uses, with what follows it. The database's kind (target.type) is the same where
 * a text runs as where it was compiled, else it is not run. */
static uint8_t word_uses(struct str word, bool is_member, struct str rest)
{
    bool is_called = begins(rest, '(');
    bool is_assigned = begins(rest, '=') && !str_starts(rest, STR("=="));
    if (str_eq(word, STR("is_incremental"))) {
        return is_called ? DBT_USES_IS_INCREMENTAL : 0;
    }
    if (str_eq(word, STR("var")) || str_eq(word, STR("env_var"))) {
        return is_called ? DBT_USES_ENVIRONMENT : 0;
    }
    if (str_eq(word, STR("run_query")) || str_eq(word, STR("statement")) ||
        str_eq(word, STR("load_result"))) {
        return is_called || !is_member ? DBT_USES_DATABASE : 0;
    }
    if (is_member || is_assigned) {
        return 0;
    }
    if (str_eq(word, STR("adapter"))) {
        return adapter_uses(rest);
    }
    if (str_eq(word, STR("context"))) { /* any name may be looked up in it */
        return DBT_USES_DATABASE | DBT_USES_IS_INCREMENTAL;
    }
    if (str_eq(word, STR("run_started_at")) || str_eq(word, STR("invocation_id")) ||
        str_eq(word, STR("invocation_args_dict")) || str_eq(word, STR("selected_resources"))) {
        return DBT_USES_RUN;
    }
    if (str_eq(word, STR("flags"))) { /* WHICH is "compile", whatever will run */
        return str_eq(member_of(rest), STR("STORE_FAILURES")) ? 0 : DBT_USES_RUN;
    }
    if (str_eq(word, STR("dbt_metadata_envs"))) {
        return DBT_USES_ENVIRONMENT;
    }
    if (str_eq(word, STR("modules"))) {
        struct str module = member_of(rest);
        return module.len == 0 || str_eq(module, STR("datetime")) ? DBT_USES_RUN : 0;
    }
    if (str_eq(word, STR("target"))) {
        return str_eq(member_of(rest), STR("type")) ? 0 : DBT_USES_ENVIRONMENT;
    }
    return 0;
}

/* Behind a string that begins with the quote at hand. */
static struct str skip_string(struct str s)
{
    size_t i = 1;
    while (i < s.len && s.ptr[i] != s.ptr[0]) {
        i += s.ptr[i] == '\\' ? 2 : 1;
    }
    return str_slice(s, i + 1, s.len);
}

/* An expression or a statement, up to `close` and '}'; *text ends behind it. */
static uint8_t tag_uses(struct str *text, char close)
{
    uint8_t uses = 0;
    bool is_member = false;
    struct str s = *text;
    while (s.len > 0) {
        char c = s.ptr[0];
        if (c == close && begins(str_slice(s, 1, s.len), '}')) {
            s = str_slice(s, 2, s.len);
            break;
        }
        if (c == '"' || c == '\'') {
            s = skip_string(s);
            is_member = false;
        } else if (is_word(c)) {
            struct str word = word_at(s);
            s = skip_space(str_slice(s, word.len, s.len));
            uses |= word_uses(word, is_member, s);
            is_member = false;
        } else {
            is_member = c == '.';
            s = skip_space(str_slice(s, 1, s.len));
        }
    }
    *text = s;
    return uses;
}

static struct str behind(struct str s, struct str mark)
{
    const char *at = s.len == 0 ? NULL : memmem(s.ptr, s.len, mark.ptr, mark.len);
    return at == NULL ? STR("") : str_slice(s, (size_t)(at - s.ptr) + mark.len, s.len);
}

uint8_t jinja_uses(struct str text)
{
    uint8_t uses = 0;
    while (text.len > 0) {
        const char *brace = memchr(text.ptr, '{', text.len);
        if (brace == NULL) {
            break;
        }
        text = str_slice(text, (size_t)(brace - text.ptr) + 1, text.len);
        if (begins(text, '#')) {
            text = behind(str_slice(text, 1, text.len), STR("#}"));
        } else if (begins(text, '{') || begins(text, '%')) {
            char close = text.ptr[0] == '{' ? '}' : '%';
            text = str_slice(text, 1, text.len);
            uses |= tag_uses(&text, close);
        }
    }
    return uses;
}

uint8_t macro_uses(struct str unique_id)
{
    struct str package;
    struct str name;
    if (!str_cut_last(unique_id, '.', &package, &name)) {
        name = unique_id;
    }
    if (str_eq(name, STR("is_incremental")) || str_ends(name, STR("__is_incremental"))) {
        return DBT_USES_IS_INCREMENTAL;
    }
    bool asks = str_eq(name, STR("run_query")) || str_eq(name, STR("statement"));
    return asks ? DBT_USES_DATABASE : 0;
}
