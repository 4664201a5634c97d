#include "agent/transform/relation.h"

#include "common/db/db.h"

#include <string.h>

enum { PARTS_MAX = 3, RELATION_BYTES_MAX = 4096 };

static bool is_plain(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && ((c >= '0' && c <= '9') || c == '$'));
}

/* Takes a quoted name from the front of `text`, whose first character is the quote. */
static bool take_quoted(struct str *text, struct buf *name)
{
    size_t i = 1;
    for (; i < text->len; i++) {
        if (text->ptr[i] == '"') {
            if (i + 1 == text->len || text->ptr[i + 1] != '"') {
                break;
            }
            i++;
        }
        buf_add_char(name, text->ptr[i]);
    }
    if (i == text->len || (name->len == 0 && !name->overflow)) {
        return false;
    }
    *text = str_slice(*text, i + 1, text->len);
    return true;
}

/* `ret` has no pointer when there is no memory for it. */
static bool take_name(struct str *text, struct arena *arena, struct str *ret)
{
    AUTO(buf) name = buf_growing(RELATION_BYTES_MAX);
    if (text->len > 0 && text->ptr[0] == '"') {
        if (!take_quoted(text, &name)) {
            return false;
        }
    } else {
        size_t len = 0;
        while (len < text->len && is_plain(text->ptr[len], len == 0)) {
            len++;
        }
        buf_add(&name, str_slice(*text, 0, len));
        *text = str_slice(*text, len, text->len);
    }
    *ret = name.overflow ? STR_NONE : arena_copy(arena, buf_str(&name));
    return name.len > 0 || name.overflow;
}

static bool split(struct str text, struct arena *arena, struct relation *ret, bool *ret_has_memory)
{
    struct str parts[PARTS_MAX];
    size_t count = 0;
    do {
        if (count > 0) {
            text = str_slice(text, 1, text.len); /* the dot */
        }
        if (count == PARTS_MAX || !take_name(&text, arena, &parts[count])) {
            return false;
        }
        *ret_has_memory = *ret_has_memory && parts[count].ptr != NULL;
        count++;
    } while (text.len > 0 && text.ptr[0] == '.');
    ret->name = parts[count - 1];
    ret->schema = count > 1 ? parts[count - 2] : STR_NONE;
    ret->database = count > 2 ? parts[0] : STR_NONE;
    return text.len == 0;
}

bool relation_of(const struct dbt_node *node, struct arena *arena, struct relation *ret,
                 struct err *err)
{
    *ret = (struct relation){.quoted = node->relation_name};
    if (node->relation_name.len == 0) {
        return err_set(err, ERR_INVALID, STR_FMT " has no relation_name", STR_ARG(node->unique_id));
    }
    bool has_memory = true;
    bool is_name = node->relation_name.len <= RELATION_BYTES_MAX &&
                   memchr(node->relation_name.ptr, '\0', node->relation_name.len) == NULL &&
                   split(node->relation_name, arena, ret, &has_memory);
    if (!is_name) {
        err_set(err, ERR_INVALID, "relation_name " STR_FMT " is not the name of a relation",
                STR_ARG(str_clip(node->relation_name, 200)));
        return err_hint(err, "one to three names, plain or in double quotes, with dots between");
    }
    return has_memory || err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

bool relation_make(struct str schema, struct str name, struct arena *arena, struct relation *ret,
                   struct err *err)
{
    AUTO(buf) quoted = buf_growing(RELATION_BYTES_MAX);
    if (schema.len > 0) {
        db_add_identifier(&quoted, schema);
        buf_add_char(&quoted, '.');
    }
    db_add_identifier(&quoted, name);
    *ret = (struct relation){
        .quoted = arena_copy(arena, buf_str(&quoted)), .schema = schema, .name = name};
    return (!quoted.overflow && ret->quoted.ptr != NULL) ||
           err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

void add_columns(struct buf *sql, const struct str_list *columns, const char *prefix)
{
    for (size_t i = 0; i < columns->count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        buf_add_text(sql, prefix);
        db_add_identifier(sql, columns->items[i]);
    }
}

void add_expression(struct buf *sql, struct str text, const struct str_list *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (str_eq(columns->items[i], text)) {
            db_add_identifier(sql, text);
            return;
        }
    }
    buf_add(sql, text);
}
