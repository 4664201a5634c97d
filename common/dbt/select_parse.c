#include "common/base/limits.h"
#include "common/dbt/select_spec.h"
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_method_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || (unsigned char)c >= 0x80;
}

struct spec *spec_new(const struct spec_reader *r, enum spec_type type, enum dbt_indirect indirect)
{
    struct spec *s = arena_alloc(r->arena, sizeof(*s));
    if (s == NULL) {
        (void)err_set(r->err, ERR_NO_MEMORY, "not enough memory for a selection");
        return NULL;
    }
    s->type = type;
    s->indirect = indirect;
    return s;
}

/* More steps than there can be are all. */
static uint32_t depth_of(struct str digits)
{
    int64_t depth = 0;
    if (digits.len == 0 || !str_to_i64(digits, 0, SELECT_DEPTH_ALL - 1, &depth)) {
        return SELECT_DEPTH_ALL;
    }
    return (uint32_t)depth;
}

/* "@" and "2+" at the front. */
static struct str take_front(struct str text, struct criterion *c)
{
    size_t at = 0;
    if (text.len > 0 && text.ptr[0] == '@') {
        c->is_at = true;
        text = str_slice(text, 1, text.len);
    }
    while (at < text.len && is_digit(text.ptr[at])) {
        at++;
    }
    if (at < text.len && text.ptr[at] == '+') {
        c->has_parents = true;
        c->parents_depth = depth_of(str_slice(text, 0, at));
        text = str_slice(text, at + 1, text.len);
    }
    return text;
}

/* "+2" at the end. */
static struct str take_back(struct str text, struct criterion *c)
{
    size_t at = text.len;
    while (at > 0 && is_digit(text.ptr[at - 1])) {
        at--;
    }
    if (at > 0 && text.ptr[at - 1] == '+') {
        c->has_children = true;
        c->children_depth = depth_of(str_slice(text, at, text.len));
        text = str_slice(text, 0, at - 1);
    }
    return text;
}

static bool take_method(struct str *text, struct criterion *c, struct err *err)
{
    size_t at = 0;
    while (at < text->len && is_method_char(text->ptr[at])) {
        at++;
    }
    if (at == 0 || at == text->len || text->ptr[at] != ':') {
        return true;
    }
    struct str method = str_slice(*text, 0, at);
    *text = str_slice(*text, at + 1, text->len);
    return select_method_from(method, c, err);
}

static bool ends_like(struct str text, const char *suffix)
{
    size_t len = strlen(suffix);
    for (size_t i = 0; i < len && text.len >= len; i++) {
        char c = text.ptr[text.len - len + i];
        if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != suffix[i]) {
            return false;
        }
    }
    return text.len >= len;
}

static enum select_method default_method(struct str value)
{
    if (str_contains(value, STR("/"))) {
        return METHOD_PATH;
    }
    bool is_file = ends_like(value, ".sql") || ends_like(value, ".py") || ends_like(value, ".csv");
    return is_file ? METHOD_FILE : METHOD_FQN;
}

static bool read_criterion(struct str text, struct criterion *c, struct err *err)
{
    struct str rest = take_front(text, c);
    size_t before = rest.len;
    if (!take_method(&rest, c, err)) {
        return false;
    }
    bool has_method = rest.len < before;
    c->value = take_back(rest, c);
    if (!has_method) {
        c->method = default_method(c->value);
    }
    if (c->is_at && c->has_children) {
        return err_set(err, ERR_INVALID, "\"@\" in front and \"+\" behind cannot be together") ||
               err_hint(err, "\"@\" takes the descendants already");
    }
    return select_check_value(c, err);
}

/* "column 7", counted in characters. */
static size_t column_of(struct str text, size_t at)
{
    size_t column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        column += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return column;
}

bool spec_read_criterion(const struct spec_reader *r, struct str text, size_t at, size_t end,
                         struct spec **ret)
{
    struct spec *s = spec_new(r, SPEC_CRITERION, r->indirect);
    if (s == NULL) {
        return false;
    }
    s->raw = str_slice(text, at, end);
    for (size_t i = at; i < end; i++) {
        if (text.ptr[i] == '\n' || text.ptr[i] == '\0') {
            return err_set(r->err, ERR_INVALID,
                           "column %zu: a line break or NUL cannot be in a selection",
                           column_of(text, i)) ||
                   err_hint(r->err, "put blanks between the parts of a union");
        }
    }
    if (!read_criterion(s->raw, &s->criterion, r->err)) {
        return err_wrap(r->err, "column %zu, \"" STR_FMT "\"", column_of(text, at),
                        STR_ARG(str_clip(s->raw, 80)));
    }
    *ret = s;
    return true;
}

static size_t find_char(struct str text, size_t from, size_t end, char c)
{
    while (from < end && text.ptr[from] != c) {
        from++;
    }
    return from;
}

/* "a,b": from `at` up to `end`. */
static bool read_intersection(const struct spec_reader *r, struct str text, size_t at, size_t end,
                              struct spec **ret)
{
    struct spec *all = spec_new(r, SPEC_INTERSECTION, r->indirect);
    if (all == NULL) {
        return false;
    }
    all->raw = str_slice(text, at, end);
    struct spec **tail = &all->child;
    for (size_t from = at; from <= end;) {
        size_t to = find_char(text, from, end, ',');
        if (!spec_read_criterion(r, text, from, to, tail)) {
            return false;
        }
        tail = &(*tail)->next;
        from = to + 1;
    }
    *ret = all;
    return true;
}

bool spec_read_texts(const struct spec_reader *r, const struct str_list *texts, bool warns,
                     struct spec **ret)
{
    struct spec *all = spec_new(r, SPEC_UNION, r->indirect);
    size_t bytes = 0;
    if (all == NULL) {
        return false;
    }
    struct spec **tail = &all->child;
    for (size_t i = 0; i < texts->count; i++) {
        struct str text = texts->items[i];
        bytes += text.len;
        if (bytes > LIMIT_DBT_SELECTION_BYTES) {
            return err_set(r->err, ERR_FULL, "a selection has more than %d bytes",
                           LIMIT_DBT_SELECTION_BYTES) ||
                   err_hint(r->err, "select by tag, path or package, or name it in selectors.yml");
        }
        for (size_t from = 0; from <= text.len;) {
            size_t to = find_char(text, from, text.len, ' ');
            if (to > from) { /* two blanks are as good as one */
                if (!read_intersection(r, text, from, to, tail)) {
                    return err_wrap(r->err, "selection");
                }
                (*tail)->warns = warns;
                tail = &(*tail)->next;
            }
            from = to + 1;
        }
    }
    *ret = all;
    return true;
}
