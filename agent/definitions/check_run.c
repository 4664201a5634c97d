/* check_run.c - programs: what is started, and what it is given. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include <stdio.h>

enum { EXTRAS_BYTES_MAX = 64 << 10, USER_NAME_BYTES_MAX = 32, SHOWN_BYTES_MAX = 80 };

void item_run(const struct item *item, const struct json *node, const struct str_list *run)
{
    const struct json *written = json_get(node, "run");
    if (written->type == JSON_STRING && str_contains(written->as.string, STR(" "))) {
        item_problem(item, place_of(node, "run"), "a list, such as [/usr/bin/python3, make.py]",
                     "run: program and arguments are written as a list");
        return;
    }
    for (size_t i = 0; i < run->count; i++) {
        struct location at = place_of_item(node, "run", i);
        struct err err = {0};
        if (!check_template(run->items[i], SECRETS_REFUSED, &err)) {
            bool is_secret = err.code == ERR_DENIED;
            item_problem(item, at,
                         is_secret ? "give it by env: every user can see a program's arguments"
                                   : err.hint,
                         "run: %s", err.msg);
        }
        if (i == 0 && run->items[i].ptr != NULL && run->items[i].len == 0) {
            item_problem(item, at, NULL, "run: the program's name is empty");
        }
    }
}

void item_env(const struct item *item, const struct str_map *env)
{
    const struct json *node = first_of(item->node, "env");
    for (size_t i = 0; i < env->count; i++, node = next_of(node)) {
        struct str name = env->keys[i];
        if (name.len == 0 || str_contains(name, STR("="))) {
            item_problem(item, place_of_key(node), NULL,
                         "env: \"" STR_FMT "\" is not a variable's name",
                         STR_ARG(str_slice(name, 0, SHOWN_BYTES_MAX)));
        }
        item_template(item, place_of_node(node), "env", env->values[i], SECRETS_ALLOWED);
    }
}

/* The text of the tree in the arena of the definitions; STR_NONE with a problem. */
static struct str extras_text(const struct subject *s, const struct json *extras)
{
    AUTO(buf) text = buf_growing(EXTRAS_BYTES_MAX);
    json_write(&text, extras);
    if (text.overflow) {
        asset_problem(s, place_of(s->node, "extras"), "keep it in a file and name that",
                      "extras take more than %d KiB as JSON", EXTRAS_BYTES_MAX >> 10);
        return STR_NONE;
    }
    if (str_contains(buf_str(&text), STR("${secret:"))) {
        asset_problem(s, place_of(s->node, "extras"), "give it by env",
                      "extras: ${secret:NAME} is not filled in here");
    }
    return arena_copy(&s->l->defs->arena, buf_str(&text));
}

/* A system's own may begin with '_'. */
static bool is_user(struct str name)
{
    size_t skipped = str_starts(name, STR("_")) ? 1 : 0;
    return is_word(str_slice(name, skipped, name.len), USER_NAME_BYTES_MAX, "_-.");
}

static void check_user(const struct subject *s, struct str user)
{
    if (user.ptr != NULL && !is_user(user)) {
        asset_problem(s, place_of(s->node, "user"), "a login name, such as www-data, or a number",
                      "user \"" STR_FMT "\" is not a user's name",
                      STR_ARG(str_slice(user, 0, SHOWN_BYTES_MAX)));
    }
}

void check_command(const struct subject *s)
{
    static const char *const keys[] = {"dir", "user", "limits", "extras"};
    static const char *const shared_keys[] = {"env"};
    struct asset *asset = &s->raw->asset;
    struct item item = item_of_asset(s);
    bool has_env = s->raw->has_run || s->raw->has_meltano || s->raw->has_dbt;
    check_fitting(s, keys, COUNT_OF(keys), s->raw->has_run, "run");
    check_fitting(s, shared_keys, COUNT_OF(shared_keys), has_env, "run, meltano or dbt");
    if (has_env) {
        item_env(&item, &asset->env);
    }
    if (s->raw->has_meltano) {
        item_template(&item, place_of(s->node, "meltano"), "meltano: project",
                      asset->meltano.project, SECRETS_REFUSED);
    }
    if (!s->raw->has_run) {
        return;
    }
    item_run(&item, s->node, &asset->run);
    item_template(&item, place_of(s->node, "dir"), "dir", asset->dir, SECRETS_REFUSED);
    check_user(s, asset->user);
    if (s->raw->extras != NULL) {
        asset->extras = extras_text(s, s->raw->extras);
    }
}
