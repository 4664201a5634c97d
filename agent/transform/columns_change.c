#include "agent/transform/columns_change.h"

enum { NAMES_SHOWN = 10, NAMES_BYTES_MAX = 200 };

static const struct relation_column *find(const struct relation_columns *columns, struct str name,
                                          const struct columns_compared *c)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (c->is_same_name(columns->items[i].name, name)) {
            return &columns->items[i];
        }
    }
    return NULL;
}

static bool room(size_t count, struct arena *arena, struct relation_columns *ret)
{
    ret->items = arena_array(arena, count + 1, sizeof(*ret->items));
    return ret->items != NULL;
}

/* Those of `columns` that `others` has not. */
static bool subtract(const struct relation_columns *columns, const struct relation_columns *others,
                     const struct columns_compared *c, struct arena *arena,
                     struct relation_columns *ret)
{
    if (!room(columns->count, arena, ret)) {
        return false;
    }
    for (size_t i = 0; i < columns->count; i++) {
        if (find(others, columns->items[i].name, c) == NULL) {
            ret->items[ret->count++] = columns->items[i];
        }
    }
    return true;
}

static bool find_retyped(const struct columns_compared *c, struct arena *arena,
                         struct relation_columns *ret)
{
    if (!room(c->target->count, arena, ret)) {
        return false;
    }
    for (size_t i = 0; i < c->target->count; i++) {
        const struct relation_column *there = &c->target->items[i];
        const struct relation_column *now = find(c->source, there->name, c);
        if (now != NULL && !c->is_same_type(now->type, there->type)) {
            ret->items[ret->count++] =
                (struct relation_column){.name = there->name, .type = now->type};
        }
    }
    return true;
}

static bool take_names(const struct relation_columns *columns, struct arena *arena,
                       struct str_list *ret)
{
    *ret = (struct str_list){.items = arena_array(arena, columns->count + 1, sizeof(struct str))};
    for (size_t i = 0; ret->items != NULL && i < columns->count; i++) {
        ret->items[ret->count++] = columns->items[i].name;
    }
    return ret->items != NULL;
}

static void add_names(struct buf *out, const char *what, const struct relation_columns *columns)
{
    for (size_t i = 0; i < columns->count && i < NAMES_SHOWN; i++) {
        struct str name = str_clip(columns->items[i].name, 60);
        buf_addf(out, "%s\"" STR_FMT "\"", i == 0 ? what : ", ", STR_ARG(name));
    }
    buf_add_text(out, columns->count > NAMES_SHOWN ? ", ..." : "");
}

static bool refuse_change(const struct columns_change *change, struct err *err)
{
    char text[NAMES_BYTES_MAX];
    struct buf names = buf_fixed(text, sizeof(text));
    add_names(&names, "; new: ", &change->added);
    add_names(&names, "; gone: ", &change->removed);
    add_names(&names, "; of another type: ", &change->retyped);
    err_set(err, ERR_INVALID, "the query's columns are not those of the table%.*s", (int)names.len,
            names.ptr);
    return err_hint(err,
                    "run it with full refresh, or set on_schema_change to append_new_columns or "
                    "sync_all_columns");
}

static bool refuse_lack(const struct columns_change *change, struct err *err)
{
    char text[NAMES_BYTES_MAX];
    struct buf names = buf_fixed(text, sizeof(text));
    add_names(&names, ": ", &change->removed);
    err_set(err, ERR_INVALID, "the table has columns that the query has not%.*s", (int)names.len,
            names.ptr);
    return err_hint(err,
                    "run it with full refresh, or set on_schema_change to append_new_columns or "
                    "sync_all_columns");
}

static bool is_changed(const struct columns_change *c)
{
    return c->added.count + c->removed.count + c->retyped.count > 0;
}

static bool choose(enum dbt_schema_change policy, struct columns_change *ret, struct err *err)
{
    if (policy == DBT_FAIL_ON_CHANGE && is_changed(ret)) {
        return refuse_change(ret, err);
    }
    if (policy == DBT_IGNORE && ret->removed.count > 0) {
        return refuse_lack(ret, err);
    }
    if (policy != DBT_SYNC_ALL_COLUMNS) {
        ret->removed.count = 0;
        ret->retyped.count = 0;
    }
    if (policy == DBT_IGNORE) {
        ret->added.count = 0;
    }
    return true;
}

bool columns_change_choose(const struct columns_compared *c, struct arena *arena,
                           struct columns_change *ret, struct err *err)
{
    *ret = (struct columns_change){0};
    bool ok = subtract(c->source, c->target, c, arena, &ret->added) &&
              subtract(c->target, c->source, c, arena, &ret->removed) &&
              find_retyped(c, arena, &ret->retyped) &&
              take_names(c->policy == DBT_IGNORE ? c->target : c->source, arena, &ret->columns);
    if (!ok) {
        return err_set(err, ERR_NO_MEMORY, "no memory to compare columns");
    }
    return choose(c->policy, ret, err);
}
