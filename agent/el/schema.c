#include "agent/el/schema.h"

#include "common/base/limits.h"

#include <string.h>

/* ASCII only, as SQLite does with names. */
static char lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c + ('a' - 'A'));
    }
    return c;
}

bool names_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

struct schema schema_new(struct arena *arena)
{
    return (struct schema){.arena = arena, .by_name = strmap_new(arena)};
}

/* Doubles the room; the old array stays in the arena (at most as much again). */
static bool grow(struct schema *s, struct err *err)
{
    size_t cap = s->cap == 0 ? 16 : s->cap * 2;
    struct column *columns = arena_array(s->arena, cap, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu columns", cap);
    }
    if (s->count > 0) {
        memcpy(columns, s->columns, s->count * sizeof(*columns));
    }
    s->columns = columns;
    s->cap = cap;
    return true;
}

static bool check_name(const struct schema *s, struct str name, struct err *err)
{
    if (name.len == 0) {
        err_set(err, ERR_INVALID, "column %zu has no name", s->count + 1);
        return err_hint(err, "give every column a name");
    }
    size_t other = 0;
    if (!schema_find_nocase(s, name, &other)) {
        return true;
    }
    struct str there = s->columns[other].name;
    if (str_eq(there, name)) {
        err_set(err, ERR_INVALID, "column \"" STR_FMT "\" occurs twice", STR_ARG(name));
    } else {
        err_set(err, ERR_INVALID, "columns \"" STR_FMT "\" and \"" STR_FMT "\" differ only in case",
                STR_ARG(there), STR_ARG(name));
    }
    return err_hint(err, "rename one of them at the source");
}

bool schema_add(struct schema *s, const struct column *column, struct err *err)
{
    if (!check_name(s, column->name, err)) {
        return false;
    }
    if (s->count >= LIMIT_COLUMNS) {
        return err_set(err, ERR_FULL, "more than %d columns", LIMIT_COLUMNS);
    }
    if (s->count == s->cap && !grow(s, err)) {
        return false;
    }
    struct column copy = *column;
    copy.name = arena_copy(s->arena, column->name);
    copy.type = column->type.len == 0 ? STR_NONE : arena_copy(s->arena, column->type);
    if (copy.name.ptr == NULL || !strmap_put(&s->by_name, copy.name, (uint32_t)s->count)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for column names");
    }
    s->columns[s->count] = copy;
    s->count++;
    return true;
}

bool schema_copy(const struct schema *from, struct schema *into, struct err *err)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!schema_add(into, &from->columns[i], err)) {
            return false;
        }
    }
    return true;
}

bool schema_find(const struct schema *s, struct str name, size_t *ret_index)
{
    uint32_t index = 0;
    if (s->count == 0 || !strmap_get(&s->by_name, name, &index)) {
        return false;
    }
    *ret_index = index;
    return true;
}

bool schema_find_nocase(const struct schema *s, struct str name, size_t *ret_index)
{
    for (size_t i = 0; i < s->count; i++) {
        if (names_equal_nocase(s->columns[i].name, name)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

struct str schema_nearest(const struct schema *s, struct str name)
{
    struct str best = STR_NONE;
    size_t best_distance = name.len / 3 + 2; /* further away is no resemblance */
    for (size_t i = 0; i < s->count; i++) {
        size_t distance = str_distance(name, s->columns[i].name);
        if (distance < best_distance) {
            best_distance = distance;
            best = s->columns[i].name;
        }
    }
    return best;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Words that begin a column constraint: a type with one of them in it would change its meaning when
 * written again. */
static bool is_constraint_word(struct str word)
{
    static const char *const words[] = {"constraint", "primary",   "not",     "null",
                                        "unique",     "check",     "default", "collate",
                                        "references", "generated", "as",      "on"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (names_equal_nocase(word, str_from(words[i]))) {
            return true;
        }
    }
    return false;
}

/* "VARYING CHARACTER" and the like: words and single spaces. */
static bool are_plain_words(struct str s)
{
    struct str word;
    struct str rest = s;
    do {
        (void)str_cut(rest, ' ', &word, &rest);
        if (word.len == 0 || is_constraint_word(word) ||
            (word.ptr[0] >= '0' && word.ptr[0] <= '9')) {
            return false;
        }
        for (size_t i = 0; i < word.len; i++) {
            if (!is_word_char(word.ptr[i])) {
                return false;
            }
        }
    } while (rest.ptr != NULL);
    return true;
}

/* words, then at most one "(10)" or "(10,2)": safe to write into CREATE TABLE as it stands. */
static bool is_plain_type(struct str type)
{
    struct str words;
    struct str size;
    if (!str_cut(type, '(', &words, &size)) {
        return are_plain_words(type);
    }
    if (size.len < 2 || size.ptr[size.len - 1] != ')') {
        return false;
    }
    for (size_t i = 0; i + 1 < size.len; i++) {
        char c = size.ptr[i];
        if (!((c >= '0' && c <= '9') || c == ',' || c == ' ')) {
            return false;
        }
    }
    bool is_digit_first = size.ptr[0] >= '0' && size.ptr[0] <= '9';
    return is_digit_first && are_plain_words(str_trim(words));
}

struct str column_sql_type(const struct column *column)
{
    if (column->type.len > 0 && is_plain_type(column->type)) {
        return column->type;
    }
    switch (column->kind) {
    case COLUMN_INTEGER:
        return STR("INTEGER");
    case COLUMN_REAL:
        return STR("REAL");
    case COLUMN_BOOLEAN:
        return STR("BOOLEAN");
    case COLUMN_TEXT:
    case COLUMN_JSON: /* the type name JSON has NUMERIC affinity and would turn "5" into a number */
        return STR("TEXT");
    case COLUMN_BLOB:
        return STR("BLOB");
    case COLUMN_ANY:
    default:
        return STR("");
    }
}

static bool contains_nocase(struct str s, struct str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++) {
        if (names_equal_nocase(str_slice(s, i, i + part.len), part)) {
            return true;
        }
    }
    return false;
}

enum column_kind column_kind_from_sql(struct str declared)
{
    static const struct {
        const char *part;
        enum column_kind kind;
    } rules[] = {
        {"json_text", COLUMN_JSON}, /* sql_value.h */
        {"int", COLUMN_INTEGER},    {"char", COLUMN_TEXT},    {"clob", COLUMN_TEXT},
        {"text", COLUMN_TEXT},      {"blob", COLUMN_BLOB},    {"real", COLUMN_REAL},
        {"floa", COLUMN_REAL},      {"doub", COLUMN_REAL},    {"dec", COLUMN_REAL},
        {"num", COLUMN_REAL},       {"bool", COLUMN_BOOLEAN},
    };
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        if (contains_nocase(declared, str_from(rules[i].part))) {
            return rules[i].kind;
        }
    }
    return COLUMN_ANY;
}

bool sql_type_has_real_affinity(struct str declared)
{
    return column_kind_from_sql(declared) == COLUMN_REAL &&
           (contains_nocase(declared, STR("real")) || contains_nocase(declared, STR("floa")) ||
            contains_nocase(declared, STR("doub")));
}

bool column_kind_is_number(enum column_kind kind)
{
    return kind == COLUMN_INTEGER || kind == COLUMN_REAL || kind == COLUMN_BOOLEAN;
}
