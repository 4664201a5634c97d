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

static uint8_t modules_uses(struct str rest)
{
    struct str module = member_of(rest);
    return module.len == 0 || str_eq(module, STR("datetime")) ? DBT_USES_RUN : 0;
}

/* WHICH is "compile", whatever will run. */
static uint8_t flags_uses(struct str rest)
{
    return str_eq(member_of(rest), STR("STORE_FAILURES")) ? 0 : DBT_USES_RUN;
}

/* The database's kind is the same where a text runs as where it was compiled, else it is not run. */
static uint8_t target_uses(struct str rest)
{
    return str_eq(member_of(rest), STR("type")) ? 0 : DBT_USES_ENVIRONMENT;
}

enum { IF_CALLED = 1, IF_OF_ITSELF = 2 }; /* behind no '.', and not as the name of an argument */

static const struct word {
    struct str name;
    uint8_t when; /* one of these is enough */
    uint8_t uses;
    uint8_t (*uses_with)(struct str rest); /* what `uses` would be, by what follows */
} words[] = {
    {STR_INIT("is_incremental"), IF_CALLED, DBT_USES_IS_INCREMENTAL, NULL},
    {STR_INIT("var"), IF_CALLED, DBT_USES_ENVIRONMENT, NULL},
    {STR_INIT("env_var"), IF_CALLED, DBT_USES_ENVIRONMENT, NULL},
    {STR_INIT("run_query"), IF_CALLED | IF_OF_ITSELF, DBT_USES_DATABASE, NULL},
    {STR_INIT("statement"), IF_CALLED | IF_OF_ITSELF, DBT_USES_DATABASE, NULL},
    {STR_INIT("load_result"), IF_CALLED | IF_OF_ITSELF, DBT_USES_DATABASE, NULL},
    /* any name may be looked up in it */
    {STR_INIT("context"), IF_OF_ITSELF, DBT_USES_DATABASE | DBT_USES_IS_INCREMENTAL, NULL},
    {STR_INIT("run_started_at"), IF_OF_ITSELF, DBT_USES_RUN, NULL},
    {STR_INIT("invocation_id"), IF_OF_ITSELF, DBT_USES_RUN, NULL},
    {STR_INIT("invocation_args_dict"), IF_OF_ITSELF, DBT_USES_RUN, NULL},
    {STR_INIT("selected_resources"), IF_OF_ITSELF, DBT_USES_RUN, NULL},
    {STR_INIT("dbt_metadata_envs"), IF_OF_ITSELF, DBT_USES_ENVIRONMENT, NULL},
    {STR_INIT("adapter"), IF_OF_ITSELF, 0, adapter_uses},
    {STR_INIT("modules"), IF_OF_ITSELF, 0, modules_uses},
    {STR_INIT("flags"), IF_OF_ITSELF, 0, flags_uses},
    {STR_INIT("target"), IF_OF_ITSELF, 0, target_uses},
};

/* What the word at hand uses, with what follows it. */
static uint8_t word_uses(struct str word, bool is_member, struct str rest)
{
    bool is_called = begins(rest, '(');
    bool is_argument = begins(rest, '=') && !str_starts(rest, STR("=="));
    unsigned is = (is_called ? IF_CALLED : 0) | (!is_member && !is_argument ? IF_OF_ITSELF : 0);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq(word, words[i].name)) {
            const struct word *w = &words[i];
            uint8_t uses = w->uses_with != NULL ? w->uses_with(rest) : w->uses;
            return (w->when & is) != 0 ? uses : 0;
        }
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
