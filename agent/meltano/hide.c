/* hide.c - what may be printed of a value. A definition says which settings are sensitive; real
 * projects have plugins without one, and secrets in plain text, so that names count too. */
#include "agent/meltano/service.h"

static bool seems_secret(struct str key)
{
    static const char *const words[] = {"password",      "passwd",
                                        "passphrase",    "secret",
                                        "token",         "credential",
                                        "private",       "api_key",
                                        "apikey",        "access_key",
                                        "authorization", "dsn",
                                        "conn_str",      "connection_string",
                                        "sqlalchemy_url"};
    char lower[128];
    struct buf text = buf_fixed(lower, sizeof(lower));
    struct str parents = STR_NONE;
    (void)str_cut_last(key, '.', &parents, &key); /* of "auth.password" the last part counts */
    key = str_slice(key, key.len > sizeof(lower) ? key.len - sizeof(lower) : 0, key.len);
    for (size_t i = 0; i < key.len; i++) {
        buf_add_char(&text, ascii_lower(key.ptr[i]));
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_contains(buf_str(&text), str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

/* The text is a variable and nothing else: that tells nobody anything. */
static bool is_variable(const struct json *node)
{
    struct str text = node->type == JSON_STRING ? node->as.string : STR("");
    if (text.len < 2 || text.ptr[0] != '$') {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '_' || (c == '{' && i == 1) || (c == '}' && i + 1 == text.len);
        if (!is_word) {
            return false;
        }
    }
    return true;
}

static bool is_bare(const struct json *node)
{
    return node->type == JSON_NULL || node->type == JSON_BOOL || is_variable(node) ||
           (node->type == JSON_STRING && node->as.string.len == 0);
}

static struct json *redacted(struct arena *a)
{
    return tree_str(a, STR("(redacted)"));
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tree */
const struct json *shown_tree(struct arena *a, const struct json *node)
{
    struct json *copy = tree_shallow(a, node);
    if (copy == NULL || (node->type != JSON_ARRAY && node->type != JSON_OBJECT)) {
        return copy;
    }
    struct json_open open = {.node = copy};
    copy->child = NULL;
    copy->count = 0;
    for (const struct json *m = node->child; m != NULL; m = m->next) {
        bool is_secret = node->type == JSON_OBJECT && seems_secret(m->key) && !is_bare(m) &&
                         m->type != JSON_OBJECT;
        struct json *child = is_secret ? redacted(a) : tree_shallow(a, shown_tree(a, m));
        if (child == NULL) {
            return NULL;
        }
        child->key = m->key;
        json_append(&open, child);
    }
    return copy;
}

static bool is_sensitive(const struct service *s, struct str name)
{
    uint32_t at = 0;
    return strmap_get(&s->settings.index, name, &at) && s->settings.items[at].is_sensitive;
}

/* By its definition, or that of an object that it is a part of, or of which it is another name. */
static bool is_marked(const struct service *s, struct str name)
{
    struct str head = name;
    struct str rest = STR_NONE;
    for (bool has_parent = true; has_parent; name = head) {
        if (is_sensitive(s, name)) {
            return true;
        }
        for (size_t i = 0; i < s->settings.count; i++) {
            const struct setting *other = &s->settings.items[i];
            struct str alias = other->is_sensitive ? setting_alias(other, 0) : STR_NONE;
            for (size_t k = 1; alias.len > 0; alias = setting_alias(other, k++)) {
                if (str_eq(alias, name)) {
                    return true;
                }
            }
        }
        has_parent = str_cut_last(name, '.', &head, &rest);
    }
    return false;
}

const struct json *shown_value(struct service *s, const struct setting *setting,
                               const struct found *found)
{
    if (found->env_var.len > 0) {
        return tree_str(s->arena, arena_printf(s->arena, "$" STR_FMT, STR_ARG(found->env_var)));
    }
    if (found->value == NULL) {
        return NULL;
    }
    bool is_own = found->source != MELTANO_FROM_DEFAULT; /* a default is public */
    bool is_secret = is_own && (is_marked(s, setting->name) || seems_secret(setting->name));
    if (is_secret && !is_bare(found->value)) {
        return redacted(s->arena);
    }
    return shown_tree(s->arena, found->value);
}
