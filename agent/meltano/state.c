#include "agent/meltano/state.h"

#include "agent/meltano/tree.h"
#include "common/json/json_verbatim.h"

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the shallower of the two */
static struct json *lay_over(struct arena *arena, struct json *below, struct json *above)
{
    if (below == NULL || above == NULL || below->type != JSON_OBJECT ||
        above->type != JSON_OBJECT) {
        return above == NULL ? below : above;
    }
    for (struct json *m = above->child, *next = NULL; m != NULL; m = next) {
        next = m->next;
        tree_set(below, m->key, lay_over(arena, tree_member(below, m->key), m));
    }
    return below;
}

static bool join(struct json *completed, struct json *partial, struct arena *arena, struct str *ret,
                 struct err *err)
{
    AUTO(buf) out = buf_growing(MELTANO_STATE_BYTES_MAX);
    struct json *all = lay_over(arena, completed, partial);
    struct json *state = tree_member(all, STR("singer_state"));
    *ret = STR("");
    if (state == NULL || state->type == JSON_NULL) {
        return true;
    }
    if (!json_verbatim_write(&out, state, err)) {
        return err_wrap(err, "state");
    }
    *ret = arena_copy(arena, buf_str(&out));
    return ret->ptr != NULL || err_set(err, ERR_FULL, "no memory for the state");
}

static bool read_slot(struct str text, struct arena *arena, struct json **ret, struct err *err)
{
    *ret = NULL;
    return text.len == 0 || json_verbatim_read(text, MELTANO_STATE_BYTES_MAX, arena, ret, err) ||
           err_wrap(err, "state");
}

bool meltano_state_join(struct str completed, struct str partial, struct arena *arena,
                        struct str *ret, struct err *err)
{
    struct json *below = NULL;
    struct json *above = NULL;
    return read_slot(completed, arena, &below, err) && read_slot(partial, arena, &above, err) &&
           join(below, above, arena, ret, err);
}

bool meltano_state_read(struct str text, struct arena *arena, struct str *ret, struct err *err)
{
    struct json *root = NULL;
    if (!read_slot(text, arena, &root, err)) {
        return false;
    }
    if (root != NULL && root->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "state: it is %s, not an object",
                       json_type_name(root->type));
    }
    return join(tree_member(root, STR("completed")), tree_member(root, STR("partial")), arena, ret,
                err);
}
