#include "hub/fleet/targets.h"

#include <string.h>

enum target_type {
    TARGET_NAME,
    TARGET_LABEL,  /* has it, whatever its value */
    TARGET_VALUED, /* has it, with a value like this */
    TARGET_ONLINE,
    TARGET_AWAY,
    TARGET_NOT,
    TARGET_AND,
    TARGET_OR,
};
struct targets {
    enum target_type type;
    struct str key, pattern;
    struct targets *left, *right;
};
struct parser {
    struct str text;
    size_t at;
    int depth;
    struct arena *arena;
    struct err *err;
};

bool label_key_is_valid(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.' || c == '/')) {
            return false;
        }
    }
    return key.len >= 1 && key.len <= 63;
}

static bool is_value_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_./:@+", c) != NULL);
}

bool label_value_is_valid(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!is_value_char(value.ptr[i])) {
            return false;
        }
    }
    return value.len >= 1 && value.len <= 255;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool fail_at(struct parser *p, size_t at, const char *what)
{
    (void)err_set(p->err, ERR_INVALID, "targets, column %zu: %s", at + 1, what);
    return err_hint(p->err, "for example: *, brooklyn, shop-*, label:site=berlin, "
                            "\"label:site=berlin and not is:away\"");
}

static struct targets *node(struct parser *p, enum target_type type, struct targets *left,
                            struct targets *right)
{
    struct targets *t = arena_alloc(p->arena, sizeof(*t));
    if (t == NULL) {
        (void)err_set(p->err, ERR_NO_MEMORY, "targets: out of memory");
        return NULL;
    }
    *t = (struct targets){.type = type, .left = left, .right = right};
    return t;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->text.len && (p->text.ptr[p->at] == ' ' || p->text.ptr[p->at] == '\t')) {
        p->at++;
    }
}

/* The next word without taking it: what a name, a pattern or a label is made of. */
static struct str peek_word(struct parser *p)
{
    skip_space(p);
    size_t end = p->at;
    while (end < p->text.len && (is_value_char(p->text.ptr[end]) || p->text.ptr[end] == '*' ||
                                 p->text.ptr[end] == '=')) {
        end++;
    }
    return str_slice(p->text, p->at, end);
}

static bool take_char(struct parser *p, char c)
{
    skip_space(p);
    bool is_next = p->at < p->text.len && p->text.ptr[p->at] == c;
    p->at += is_next;
    return is_next;
}

static bool take_keyword(struct parser *p, struct str keyword)
{
    bool is_next = str_eq(peek_word(p), keyword);
    p->at += is_next ? keyword.len : 0;
    return is_next;
}

static struct targets *read_label(struct parser *p, struct str word, size_t at)
{
    struct str key;
    struct str value;
    bool has_value = str_cut(word, '=', &key, &value);
    if (!label_key_is_valid(key) || (has_value && value.len == 0)) {
        (void)fail_at(p, at, "a label is label:KEY or label:KEY=VALUE");
        return NULL;
    }
    struct targets *t = node(p, has_value ? TARGET_VALUED : TARGET_LABEL, NULL, NULL);
    if (t != NULL) {
        t->key = key;
        t->pattern = value;
    }
    return t;
}

static struct targets *read_word(struct parser *p)
{
    struct str word = peek_word(p);
    size_t at = p->at;
    p->at += word.len;
    if (str_starts(word, STR("label:"))) {
        return read_label(p, str_slice(word, 6, word.len), at);
    }
    if (str_eq(word, STR("is:online")) || str_eq(word, STR("is:away"))) {
        return node(p, str_eq(word, STR("is:online")) ? TARGET_ONLINE : TARGET_AWAY, NULL, NULL);
    }
    if (word.len == 0 || str_contains(word, STR(":")) || str_contains(word, STR("="))) {
        (void)fail_at(p, at, "expected a device, label:KEY=VALUE, is:online, is:away or '('");
        return NULL;
    }
    struct targets *t = node(p, TARGET_NAME, NULL, NULL);
    if (t != NULL) {
        t->pattern = word;
    }
    return t;
}

static struct targets *read_comma(struct parser *p);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as TARGETS_DEPTH_MAX */
static struct targets *read_term(struct parser *p)
{
    struct targets *t = NULL;
    if (++p->depth > TARGETS_DEPTH_MAX) {
        (void)fail_at(p, p->at, "nested too deep");
        return NULL;
    }
    if (take_keyword(p, STR("not"))) {
        struct targets *operand = read_term(p);
        t = operand == NULL ? NULL : node(p, TARGET_NOT, operand, NULL);
    } else if (take_char(p, '(')) {
        t = read_comma(p);
        if (t != NULL && !take_char(p, ')')) {
            (void)fail_at(p, p->at, "a ')' is missing");
            t = NULL;
        }
    } else {
        t = read_word(p);
    }
    p->depth--;
    return t;
}

/* a OP b OP c: the right side of a node is the rest, so that matching goes along it without recursion. */
static struct targets *read_chain(struct parser *p, enum target_type type,
                                  struct targets *(*read)(struct parser *p),
                                  bool (*take)(struct parser *p))
{
    struct targets *first = read(p);
    struct targets **last = &first;
    while (*last != NULL && take(p)) {
        struct targets *right = read(p);
        struct targets *chain = right == NULL ? NULL : node(p, type, *last, right);
        if (chain == NULL) {
            return NULL;
        }
        *last = chain;
        last = &chain->right;
    }
    return first;
}

static bool take_and(struct parser *p)
{
    return take_keyword(p, STR("and"));
}

static bool take_or(struct parser *p)
{
    return take_keyword(p, STR("or"));
}

static bool take_comma(struct parser *p)
{
    return take_char(p, ',');
}

/* NOLINTBEGIN(misc-no-recursion): as deep as TARGETS_DEPTH_MAX */
static struct targets *read_and(struct parser *p)
{
    return read_chain(p, TARGET_AND, read_term, take_and);
}

static struct targets *read_or(struct parser *p)
{
    return read_chain(p, TARGET_OR, read_and, take_or);
}

static struct targets *read_comma(struct parser *p)
{
    return read_chain(p, TARGET_OR, read_or, take_comma);
}
/* NOLINTEND(misc-no-recursion) */

bool targets_parse(struct str text, struct arena *arena, struct targets **ret, struct err *err)
{
    if (text.len > TARGETS_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "targets: longer than %d bytes", (int)TARGETS_BYTES_MAX);
    }
    struct parser p = {.text = arena_copy(arena, text), .arena = arena, .err = err};
    if (p.text.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "targets: out of memory");
    }
    *ret = read_comma(&p);
    if (*ret == NULL) {
        return false;
    }
    skip_space(&p);
    return p.at == p.text.len || fail_at(&p, p.at, "expected and, or, a comma or the end");
}

/* --- matching --------------------------------------------------------------------------------- */

static bool has_label(const struct targets *t, const struct target_device *device)
{
    for (size_t i = 0; i < device->label_count; i++) {
        if (str_eq(device->labels[i].key, t->key)) {
            return t->type == TARGET_LABEL || str_matches(device->labels[i].value, t->pattern);
        }
    }
    return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as TARGETS_DEPTH_MAX; along a chain it goes by itself */
bool targets_match(const struct targets *t, const struct target_device *device)
{
    for (; t->type == TARGET_AND || t->type == TARGET_OR; t = t->right) {
        if (targets_match(t->left, device) != (t->type == TARGET_AND)) {
            return t->type == TARGET_OR;
        }
    }
    switch (t->type) {
    case TARGET_NAME:
        return str_matches(device->name, t->pattern) ||
               (!str_is_empty(device->display_name) &&
                str_matches(device->display_name, t->pattern));
    case TARGET_LABEL:
    case TARGET_VALUED:
        return has_label(t, device);
    case TARGET_ONLINE:
        return device->is_online;
    case TARGET_AWAY:
        return !device->is_online;
    case TARGET_NOT:
        return !targets_match(t->left, device);
    case TARGET_AND:
    case TARGET_OR:
        break;
    }
    return false;
}
