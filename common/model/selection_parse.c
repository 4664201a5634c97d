/* DESIGN: recursive descent over bytes, one function for each level of binding; what it reads it
 * emits as operations in postfix order. Only `not` and parentheses nest, and both count against
 * LIMIT_SELECTION_DEPTH. */
#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/model/selection_ops.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct parser {
    struct str text;
    size_t at;
    size_t depth;
    struct arena *arena;
    struct selection *out;
    struct selection_op **tail;
    size_t stack;    /* sets on the stack behind the operations so far */
    size_t fault_at; /* of the mistake; SIZE_MAX = of no place */
    struct err *err;
};

#define NULL_WORD STR("<null>")

/* NOLINTBEGIN(misc-no-recursion): parentheses nest at most LIMIT_SELECTION_DEPTH deep */
static bool parse_or(struct parser *p);
static bool parse_parentheses(struct parser *p);

/* "selection, column 7: ...", or "selection, line 2, column 7: ...". */
PRINTF_LIKE(3, 4)
static bool fail(struct parser *p, size_t at, const char *fmt, ...)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < p->text.len; i++) {
        column += ((unsigned char)p->text.ptr[i] & 0xC0) != 0x80;
        if (p->text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    char text[sizeof(p->err->msg)];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    p->fault_at = at;
    if (line > 1) {
        return err_set(p->err, ERR_INVALID, "selection, line %zu, column %zu: %s", line, column,
                       len < 0 ? "" : text);
    }
    return err_set(p->err, ERR_INVALID, "selection, column %zu: %s", column, len < 0 ? "" : text);
}

static struct selection_op *emit(struct parser *p, enum selection_op_type type)
{
    struct selection_op *op = arena_alloc(p->arena, sizeof(*op));
    if (op == NULL) {
        (void)err_set(p->err, ERR_NO_MEMORY, "not enough memory for a selection");
        return NULL;
    }
    op->type = type;
    *p->tail = op;
    p->tail = &op->next;
    if (type == OP_AND || type == OP_OR) {
        p->stack--;
    } else if (type == OP_ALL || type == OP_KEY || type == OP_ATTRIBUTE) {
        p->stack++;
        p->out->stack_max = p->stack > p->out->stack_max ? p->stack : p->out->stack_max;
    }
    return op;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80 || (c != '\0' && strchr("_-./:@*", c) != NULL);
}

static void skip_space(struct parser *p)
{
    while (p->at < p->text.len && strchr(" \t\r\n", p->text.ptr[p->at]) != NULL &&
           p->text.ptr[p->at] != '\0') {
        p->at++;
    }
}

/* The word at the present place, which may be empty; not consumed. */
static struct str peek_word(const struct parser *p)
{
    size_t end = p->at;
    while (end < p->text.len && is_word_char(p->text.ptr[end])) {
        end++;
    }
    return str_slice(p->text, p->at, end);
}

static char peek_char(const struct parser *p)
{
    if (p->at >= p->text.len) {
        return '\0';
    }
    return p->text.ptr[p->at];
}

static bool take_char(struct parser *p, char c)
{
    if (peek_char(p) != c) {
        return false;
    }
    p->at++;
    return true;
}

static bool is_either(struct str word, struct str lower, struct str upper)
{
    return str_eq(word, lower) || str_eq(word, upper);
}

static bool is_not(struct str word)
{
    return is_either(word, STR("not"), STR("NOT"));
}

static bool is_and(struct str word)
{
    return is_either(word, STR("and"), STR("AND"));
}

static bool is_or(struct str word)
{
    return is_either(word, STR("or"), STR("OR"));
}

static bool take_quoted(struct parser *p, struct str *ret)
{
    size_t open = p->at++;
    struct str body = STR_NONE;
    struct str rest = STR_NONE;
    if (!str_cut(str_slice(p->text, p->at, p->text.len), '"', &body, &rest)) {
        return fail(p, open, "this quote is never closed");
    }
    p->at += body.len + 1;
    *ret = body;
    return true;
}

/* "2" behind or before a '+'; a word of digits only. More steps than there can be are all. */
static bool take_depth(struct parser *p, int32_t *ret)
{
    struct str word = peek_word(p);
    int64_t depth = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9') {
            return false;
        }
    }
    if (word.len == 0) {
        return false;
    }
    *ret = str_to_i64(word, 0, GRAPH_DEPTH_ALL, &depth) ? (int32_t)depth : GRAPH_DEPTH_ALL;
    p->at += word.len;
    return true;
}

/* What a word before ':' may be. */
enum attribute_word { WORD_KEY, WORD_GROUP, WORD_KIND, WORD_TAG, WORD_OWNER, WORD_IS };
static const struct str attribute_words[] = {
    [WORD_KEY] = STR_INIT("key"), [WORD_GROUP] = STR_INIT("group"), [WORD_KIND] = STR_INIT("kind"),
    [WORD_TAG] = STR_INIT("tag"), [WORD_OWNER] = STR_INIT("owner"), [WORD_IS] = STR_INIT("is"),
};
/* Attributes of Dagster's grammar that ask for what is not known here. */
static const struct {
    struct str name;
    const char *why;
} foreign_words[] = {
    {STR_INIT("automation_type"), "Dagster's user interface only"},
    {STR_INIT("changed_in_branch"), "Dagster+ only"},
    {STR_INIT("code_location"), "Dagster's user interface only"},
    {STR_INIT("column"), "Dagster+ only"},
    {STR_INIT("column_tag"), "Dagster+ only"},
    {STR_INIT("job"), "Dagster's user interface only"},
    {STR_INIT("partitions"), "Dagster only"},
    {STR_INIT("schedule"), "Dagster's user interface only"},
    {STR_INIT("sensor"), "Dagster's user interface only"},
    {STR_INIT("status"), "Dagster's user interface only"},
    {STR_INIT("table_name"), "Dagster+ only"},
};
#define ATTRIBUTES_HINT "attributes are key, group, kind, tag, owner and is"

static bool emit_key(struct parser *p, struct str pattern, size_t at)
{
    if (pattern.len == 0) {
        return fail(p, at, "an asset key is expected here");
    }
    bool has_star = false;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        has_star = has_star || c == '*';
        if (!is_word_char(c) || c == ':' || c == '@') {
            return fail(p, at, "\"" STR_FMT "\" cannot match an asset key", STR_ARG(pattern));
        }
    }
    struct selection_op *op = emit(p, str_eq(pattern, STR("*")) ? OP_ALL : OP_KEY);
    if (op == NULL) {
        return false;
    }
    op->value = pattern;
    op->is_exact = !has_star;
    return true;
}

struct value {
    struct str text;
    bool is_null; /* written <null> */
};

/* A value: quoted, <null>, or a word, which holds wildcards only where `takes_star`. */
static bool take_value(struct parser *p, bool takes_star, struct value *ret)
{
    skip_space(p);
    *ret = (struct value){0};
    if (peek_char(p) == '"') {
        return take_quoted(p, &ret->text);
    }
    if (str_starts(str_slice(p->text, p->at, p->text.len), NULL_WORD)) {
        p->at += NULL_WORD.len;
        ret->is_null = true;
        return true;
    }
    struct str word = peek_word(p);
    if (word.len == 0) {
        return fail(p, p->at, "a value is expected here");
    }
    struct str head;
    struct str tail;
    if (!takes_star && str_cut(word, '*', &head, &tail)) {
        (void)fail(p, p->at + head.len, "only key: and group: take wildcards");
        return err_hint(p->err, "put the value in double quotes when the * is part of it");
    }
    p->at += word.len;
    ret->text = word;
    return true;
}

static bool emit_attribute(struct parser *p, enum selection_attribute attribute, struct str name,
                           struct str value)
{
    struct selection_op *op = emit(p, OP_ATTRIBUTE);
    if (op == NULL) {
        return false;
    }
    op->attribute = attribute;
    op->name = name;
    op->value = value;
    return true;
}

static bool emit_nothing(struct parser *p)
{
    return emit(p, OP_ALL) != NULL && emit(p, OP_NOT) != NULL;
}

static bool parse_key(struct parser *p)
{
    skip_space(p);
    size_t at = p->at;
    struct str pattern = peek_word(p);
    if (peek_char(p) == '"') {
        return take_quoted(p, &pattern) && emit_key(p, pattern, at);
    }
    p->at += pattern.len;
    return emit_key(p, pattern, at);
}

static bool parse_group(struct parser *p)
{
    size_t at = p->at;
    struct value v;
    struct str head;
    struct str tail;
    if (!take_value(p, true, &v)) {
        return false;
    }
    if (v.is_null) {
        return emit_nothing(p); /* every asset has a group */
    }
    if (!str_cut(v.text, '*', &head, &tail)) {
        return emit_attribute(p, SELECT_GROUP, STR_NONE, v.text);
    }
    if (str_cut(v.text, '?', &head, &tail)) {
        return fail(p, at, "\"" STR_FMT "\" cannot match a group", STR_ARG(v.text));
    }
    return emit_attribute(p, SELECT_GROUP_LIKE, STR_NONE, v.text);
}

static bool parse_tag(struct parser *p)
{
    size_t at = p->at;
    struct value name;
    struct value value = {0};
    if (!take_value(p, false, &name)) {
        return false;
    }
    if (name.is_null) {
        return fail(p, at, "the name of a tag is expected here");
    }
    skip_space(p);
    if (take_char(p, '=') && !take_value(p, false, &value)) {
        return false;
    }
    return emit_attribute(p, SELECT_TAG, name.text, value.text);
}

static bool parse_is(struct parser *p)
{
    skip_space(p);
    size_t at = p->at;
    struct value v;
    if (!take_value(p, false, &v)) {
        return false;
    }
    bool is_external = str_eq(v.text, STR("external"));
    if (!is_external && !str_eq(v.text, STR("materializable"))) {
        return fail(p, at, "is: takes external or materializable");
    }
    return emit_attribute(p, SELECT_EXTERNAL, STR_NONE, STR_NONE) &&
           (is_external || emit(p, OP_NOT) != NULL);
}

/* Behind the ':'. */
static bool parse_attribute(struct parser *p, enum attribute_word word)
{
    struct value v;
    switch (word) {
    case WORD_KEY:
        return parse_key(p);
    case WORD_GROUP:
        return parse_group(p);
    case WORD_TAG:
        return parse_tag(p);
    case WORD_IS:
        return parse_is(p);
    case WORD_KIND:
        return take_value(p, false, &v) &&
               emit_attribute(p, v.is_null ? SELECT_KINDLESS : SELECT_KIND, STR_NONE, v.text);
    case WORD_OWNER:
    default:
        return take_value(p, false, &v) &&
               emit_attribute(p, v.is_null ? SELECT_OWNERLESS : SELECT_OWNER, STR_NONE, v.text);
    }
}

static bool fail_attribute(struct parser *p, struct str name)
{
    for (size_t i = 0; i < COUNT_OF(foreign_words); i++) {
        if (str_eq(name, foreign_words[i].name)) {
            (void)fail(p, p->at, "\"" STR_FMT ":\" can be asked in %s", STR_ARG(name),
                       foreign_words[i].why);
            return err_hint(p->err, ATTRIBUTES_HINT);
        }
    }
    (void)fail(p, p->at, "there is no attribute \"" STR_FMT "\"", STR_ARG(name));
    for (size_t i = 0; i < COUNT_OF(attribute_words); i++) {
        if (str_distance(name, attribute_words[i]) <= (name.len > 3 ? 2 : 1)) {
            return err_hint(p->err, "did you mean " STR_FMT ":?", STR_ARG(attribute_words[i]));
        }
    }
    return err_hint(p->err, ATTRIBUTES_HINT);
}

/* What comes first behind the next `len` bytes and white space. */
static char char_after(const struct parser *p, size_t len)
{
    struct parser ahead = *p;
    ahead.at += len;
    skip_space(&ahead);
    return peek_char(&ahead);
}

/* "group:", "group :" : the name before a colon, and where to go on behind it. */
static bool peek_attribute(const struct parser *p, struct str *ret_name, size_t *ret_behind)
{
    struct str word = peek_word(p);
    struct str rest;
    if (str_cut(word, ':', ret_name, &rest)) {
        *ret_behind = p->at + ret_name->len + 1;
        return true;
    }
    if (char_after(p, word.len) != ':') {
        return false;
    }
    *ret_name = word;
    *ret_behind = p->at + word.len;
    while (p->text.ptr[*ret_behind] != ':') {
        ++*ret_behind;
    }
    ++*ret_behind;
    return true;
}

/* roots(...) and sinks(...). */
static bool parse_function(struct parser *p, enum selection_op_type type, size_t name_len)
{
    p->at += name_len;
    skip_space(p);
    return parse_parentheses(p) && emit(p, type) != NULL;
}

/* A word: an attribute, a function, a key or a pattern. */
static bool parse_word(struct parser *p)
{
    struct str word = peek_word(p);
    struct str name = STR_NONE;
    size_t behind = 0;
    if (is_and(word) || is_or(word) || is_not(word)) {
        (void)fail(p, p->at, "an asset is expected here, not \"" STR_FMT "\"", STR_ARG(word));
        return err_hint(p->err, "an asset of that name is written key:\"" STR_FMT "\"",
                        STR_ARG(word));
    }
    bool is_roots = str_eq(word, STR("roots"));
    if ((is_roots || str_eq(word, STR("sinks"))) && char_after(p, word.len) == '(') {
        return parse_function(p, is_roots ? OP_ROOTS : OP_SINKS, word.len);
    }
    if (!peek_attribute(p, &name, &behind)) {
        size_t at = p->at;
        p->at += word.len;
        return emit_key(p, word, at);
    }
    for (size_t i = 0; i < COUNT_OF(attribute_words); i++) {
        if (str_eq(name, attribute_words[i])) {
            p->at = behind;
            return parse_attribute(p, (enum attribute_word)i);
        }
    }
    return fail_attribute(p, name);
}

static bool enter(struct parser *p, size_t at)
{
    if (p->depth == LIMIT_SELECTION_DEPTH) {
        return fail(p, at, "nested more than %d deep", LIMIT_SELECTION_DEPTH);
    }
    p->depth++;
    return true;
}

static bool parse_parentheses(struct parser *p)
{
    size_t open = p->at++;
    if (!enter(p, open) || !parse_or(p)) {
        return false;
    }
    skip_space(p);
    if (!take_char(p, ')')) {
        return fail(p, p->at < p->text.len ? p->at : open,
                    p->at < p->text.len ? "\"and\", \"or\" or \")\" is expected here"
                                        : "this parenthesis is never closed");
    }
    p->depth--;
    return true;
}

static bool parse_atom(struct parser *p)
{
    skip_space(p);
    size_t at = p->at;
    if (peek_char(p) == '(') {
        return parse_parentheses(p);
    }
    if (peek_char(p) == '"') {
        struct str key = STR_NONE;
        return take_quoted(p, &key) && emit_key(p, key, at);
    }
    if (peek_word(p).len > 0) {
        return parse_word(p);
    }
    if (at == p->text.len) {
        (void)fail(p, at, "an asset is expected at the end");
        return err_hint(p->err, "* selects all assets");
    }
    return fail(p, at, "'%c' is not expected here", peek_char(p) >= ' ' ? peek_char(p) : '?');
}

/* The '+' of `+x` or `2+x`. Digits without a '+' behind them are left alone: a key may be a number.
 */
static int32_t take_up(struct parser *p)
{
    skip_space(p);
    size_t start = p->at;
    int32_t depth = GRAPH_DEPTH_ALL;
    (void)take_depth(p, &depth);
    skip_space(p);
    if (take_char(p, '+')) {
        return depth;
    }
    p->at = start;
    return 0;
}

static bool parse_traversal(struct parser *p)
{
    int32_t up = take_up(p);
    if (!parse_atom(p)) {
        return false;
    }
    skip_space(p);
    int32_t down = 0;
    if (take_char(p, '+')) {
        down = GRAPH_DEPTH_ALL;
        skip_space(p);
        (void)take_depth(p, &down);
    }
    if (up == 0 && down == 0) {
        return true;
    }
    struct selection_op *op = emit(p, OP_REACH);
    if (op == NULL) {
        return false;
    }
    op->up = up;
    op->down = down;
    return true;
}

/* Any number of `not`: they cancel out in pairs, so they are counted, not nested. */
static bool parse_not(struct parser *p)
{
    bool is_negated = false;
    skip_space(p);
    for (struct str word = peek_word(p); is_not(word); word = peek_word(p)) {
        is_negated = !is_negated;
        p->at += word.len;
        skip_space(p);
    }
    return parse_traversal(p) && (!is_negated || emit(p, OP_NOT) != NULL);
}

static bool take_operator(struct parser *p, bool (*is_operator)(struct str word))
{
    skip_space(p);
    struct str word = peek_word(p);
    if (!is_operator(word)) {
        return false;
    }
    p->at += word.len;
    return true;
}

static bool parse_and(struct parser *p)
{
    if (!parse_not(p)) {
        return false;
    }
    while (take_operator(p, is_and)) {
        if (!parse_not(p) || emit(p, OP_AND) == NULL) {
            return false;
        }
    }
    return true;
}

static bool parse_or(struct parser *p)
{
    if (!parse_and(p)) {
        return false;
    }
    while (take_operator(p, is_or)) {
        if (!parse_and(p) || emit(p, OP_OR) == NULL) {
            return false;
        }
    }
    return true;
}

/* NOLINTEND(misc-no-recursion) */

/* selection_parse(), and where in `text` the mistake is: *ret_fault_at is a byte's offset, or
 * SIZE_MAX when the error is of no place. Written on false. */
static bool compile(struct str text, struct arena *arena, struct selection **ret,
                    size_t *ret_fault_at, struct err *err)
{
    *ret_fault_at = SIZE_MAX;
    if (text.len > LIMIT_SELECTION_BYTES) {
        return err_set(err, ERR_INVALID, "the selection is longer than %d bytes",
                       LIMIT_SELECTION_BYTES);
    }
    if (!str_is_utf8(text)) {
        return err_set(err, ERR_INVALID, "the selection is not valid UTF-8");
    }
    struct parser p = {.arena = arena, .err = err, .fault_at = SIZE_MAX};
    p.text = arena_copy(arena, text);
    p.out = arena_alloc(arena, sizeof(*p.out));
    if (p.text.ptr == NULL || p.out == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a selection");
    }
    p.tail = &p.out->first;
    bool ok = parse_or(&p);
    if (ok && p.at < p.text.len) {
        ok = fail(&p, p.at, "\"and\" or \"or\" is expected here");
    }
    *ret_fault_at = p.fault_at;
    if (ok) {
        *ret = p.out;
    }
    return ok;
}

bool selection_parse(struct str text, struct arena *arena, struct selection **ret, struct err *err)
{
    size_t at = 0;
    return compile(text, arena, ret, &at, err);
}

bool selection_fault(struct str text, struct arena *arena, size_t *ret_at)
{
    struct selection *s = NULL;
    size_t at = SIZE_MAX;
    struct err err;
    if (compile(text, arena, &s, &at, &err) || at == SIZE_MAX) {
        return false;
    }
    *ret_at = at;
    return true;
}
