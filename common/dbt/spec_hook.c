#include "common/dbt/spec_hook.h"

#include "common/base/buf.h"
#include <string.h>

enum { EXPRESSION_WORDS_MAX = 24 };

/* An expression in its words: names with their dots, texts in quotes, == and !=. */
struct words {
    struct str items[EXPRESSION_WORDS_MAX];
    size_t count, at;
};

struct hook_names hook_names(const struct dbt_project *project, const struct dbt_node *node,
                             struct str custom_schema)
{
    struct hook_names names = {.node = node, .adapter_type = project->adapter_type};
    if (custom_schema.len == 0) {
        names.target_schema = node->schema;
    } else if (str_ends(node->schema, custom_schema)) {
        const struct str rest = str_slice(node->schema, 0, node->schema.len - custom_schema.len);
        if (rest.len > 1 && str_ends(rest, STR("_"))) {
            names.target_schema = str_slice(rest, 0, rest.len - 1);
        }
    }
    return names;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static size_t word_len(struct str s)
{
    size_t len = 0;
    if (s.ptr[0] == '\'' || s.ptr[0] == '"') {
        const char *end = memchr(s.ptr + 1, s.ptr[0], s.len - 1);
        len = end == NULL ? 0 : (size_t)(end - s.ptr) + 1;
        return memchr(s.ptr, '\\', len) == NULL ? len : 0;
    }
    if (str_starts(s, STR("==")) || str_starts(s, STR("!="))) {
        return 2;
    }
    while (len < s.len && is_name(s.ptr[len])) {
        len++;
    }
    return len;
}

static bool split(struct str s, struct words *ret)
{
    ret->count = 0;
    ret->at = 0;
    for (s = str_trim(s); s.len > 0; s = str_trim(s)) {
        const size_t len = word_len(s);
        if (len == 0 || ret->count == EXPRESSION_WORDS_MAX) {
            return false;
        }
        ret->items[ret->count++] = str_slice(s, 0, len);
        s = str_slice(s, len, s.len);
    }
    return ret->count > 0;
}

static bool take(struct words *words, const char *word)
{
    if (words->at == words->count || !str_eq(words->items[words->at], str_from(word))) {
        return false;
    }
    words->at++;
    return true;
}

static bool is_text(struct str word)
{
    return word.len >= 2 && (word.ptr[0] == '\'' || word.ptr[0] == '"');
}

/* A name of the whitelist, or a text in quotes. */
static bool value(const struct hook_names *names, struct words *words, struct str *ret)
{
    const struct dbt_node *node = names->node;
    const struct {
        const char *name;
        struct str value;
    } known[] = {
        {"this", node->relation_name},        {"this.schema", node->schema},
        {"this.name", node->alias},           {"this.identifier", node->alias},
        {"this.table", node->alias},          {"target.schema", names->target_schema},
        {"target.type", names->adapter_type},
    };
    if (words->at == words->count) {
        return false;
    }
    const struct str word = words->items[words->at++];
    if (is_text(word)) {
        *ret = str_slice(word, 1, word.len - 1);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_eq(word, str_from(known[i].name))) {
            *ret = known[i].value;
            return known[i].value.len > 0;
        }
    }
    return false;
}

/* VALUE [if VALUE ==|!= VALUE else ...] */
static bool expression(const struct hook_names *names, struct str text, struct str *ret)
{
    struct words words;
    bool is_known = false; /* *ret is what an earlier part gave */
    if (!split(text, &words)) {
        return false;
    }
    for (;;) {
        struct str then = STR_NONE;
        struct str left = STR_NONE;
        struct str right = STR_NONE;
        if (!value(names, &words, &then)) {
            return false;
        }
        if (words.at == words.count) {
            *ret = is_known ? *ret : then;
            return true;
        }
        if (!take(&words, "if") || !value(names, &words, &left)) {
            return false;
        }
        const bool wants_same = take(&words, "==");
        if ((!wants_same && !take(&words, "!=")) || !value(names, &words, &right) ||
            !take(&words, "else")) {
            return false;
        }
        if (!is_known && str_eq(left, right) == wants_same) {
            *ret = then;
            is_known = true;
        }
    }
}

static bool beyond(struct str text, struct err *err)
{
    err_set(err, ERR_DENIED, "the hook has Jinja that is not known here: " STR_FMT,
            STR_ARG(str_clip(text, 120)));
    return err_hint(err,
                    "write it as plain SQL with {{ this }} or {{ target.schema }}, or run this "
                    "node with dbt");
}

/* Up to the closing braces, past texts in quotes. */
static bool find_end(struct str s, size_t *ret)
{
    char quote = '\0';
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (quote != '\0') {
            quote = s.ptr[i] == quote ? '\0' : quote;
        } else if (s.ptr[i] == '\'' || s.ptr[i] == '"') {
            quote = s.ptr[i];
        } else if (s.ptr[i] == '}' && s.ptr[i + 1] == '}') {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* What "{{-" and "-}}" ask for. */
static struct str unminus(struct str inner, struct buf *out, bool *ret_eats_after)
{
    if (str_starts(inner, STR("-"))) {
        while (out->len > 0 && strchr(" \t\r\n", out->ptr[out->len - 1]) != NULL) {
            out->len--;
        }
        inner = str_slice(inner, 1, inner.len);
    }
    *ret_eats_after = str_ends(inner, STR("-"));
    return *ret_eats_after ? str_slice(inner, 0, inner.len - 1) : inner;
}

static bool fill(const struct hook_names *names, struct str sql, struct buf *out, struct err *err)
{
    while (sql.len > 0) {
        const char *brace = memchr(sql.ptr, '{', sql.len);
        const size_t before = brace == NULL ? sql.len : (size_t)(brace - sql.ptr);
        buf_add(out, str_slice(sql, 0, before));
        sql = str_slice(sql, before, sql.len);
        if (str_starts(sql, STR("{%")) || str_starts(sql, STR("{#"))) {
            return beyond(sql, err);
        }
        if (!str_starts(sql, STR("{{"))) {
            buf_add(out, str_slice(sql, 0, 1));
            sql = str_slice(sql, 1, sql.len);
            continue;
        }
        size_t end = 0;
        bool eats_after = false;
        struct str filled = STR_NONE;
        const struct str rest = str_slice(sql, 2, sql.len);
        if (!find_end(rest, &end) ||
            !expression(names, unminus(str_slice(rest, 0, end), out, &eats_after), &filled)) {
            return beyond(sql, err);
        }
        buf_add(out, filled);
        sql = str_slice(rest, end + 2, rest.len);
        while (eats_after && sql.len > 0 && strchr(" \t\r\n", sql.ptr[0]) != NULL) {
            sql = str_slice(sql, 1, sql.len);
        }
    }
    return true;
}

bool hook_fill(const struct hook_names *names, struct str sql, struct arena *arena, struct str *ret,
               struct err *err)
{
    AUTO(buf) out = buf_growing(arena->max);
    if (!fill(names, sql, &out, err)) {
        return false;
    }
    *ret = out.overflow ? STR_NONE : arena_copy(arena, str_trim(buf_str(&out)));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory for a hook");
}
