/* blocks.c - the words of `meltano run` as blocks (meltano 4.2.2, core/block/block_parser.py). */
#include "agent/meltano/service.h"

bool meltano_is_el(const struct meltano_block *block)
{
    return block->plugins[0]->type == MELTANO_EXTRACTORS;
}

struct words {
    const struct meltano_project *project;
    const struct meltano_plugin **plugins;
    struct str *commands; /* behind the colon, or empty */
    const struct str_list *list;
};

/* "name:command"; a text with two colons is a name as a whole, which nobody has. */
static void split(struct str word, struct str *ret_name, struct str *ret_command)
{
    struct str tail = STR_NONE;
    *ret_command = STR_NONE;
    if (str_cut(word, ':', ret_name, &tail) && str_contains(tail, STR(":"))) {
        *ret_name = word;
    } else {
        *ret_command = tail;
    }
}

static bool find_plugins(struct words *w, struct err *err)
{
    for (size_t i = 0; i < w->list->count; i++) {
        struct str word = w->list->items[i];
        struct str name = STR_NONE;
        split(word, &name, &w->commands[i]);
        w->plugins[i] = meltano_find_plugin(w->project, name);
        if (w->plugins[i] == NULL) {
            (void)err_set(err, ERR_NOT_FOUND, "there is no plugin or mapping " STR_FMT,
                          STR_ARG(str_clip(name, 120)));
            return meltano_find_job(w->project, word) == NULL
                       ? false
                       : err_hint(err, "a job cannot run another job");
        }
        if (meltano_find_job(w->project, word) != NULL) {
            return err_set(err, ERR_INVALID, STR_FMT " is both a plugin and a job",
                           STR_ARG(str_clip(word, 120)));
        }
    }
    return true;
}

/* Plugins from `at` to the target; 0 when that is no row of tap, mappings and target. */
static size_t el_length(const struct words *w, size_t at, struct err *err)
{
    struct str tap = w->plugins[at]->name;
    for (size_t i = at + 1; i < w->list->count; i++) {
        const struct meltano_plugin *plugin = w->plugins[i];
        if (plugin->type == MELTANO_LOADERS) {
            if (i - at + 1 > MELTANO_BLOCK_PLUGINS_MAX) {
                (void)err_set(err, ERR_FULL,
                              "more than %d plugins between " STR_FMT " and its target",
                              MELTANO_BLOCK_PLUGINS_MAX - 2, STR_ARG(tap));
                return 0;
            }
            return i - at + 1;
        }
        if (plugin->type != MELTANO_MAPPERS) {
            (void)err_set(err, ERR_INVALID,
                          STR_FMT " " STR_FMT ": behind a tap comes a mapping or "
                                  "a target",
                          STR_ARG(tap), STR_ARG(str_clip(w->list->items[i], 120)));
            return 0;
        }
        if (plugin->mapping.len == 0) {
            (void)err_set(err, ERR_INVALID, STR_FMT " is a mapper; name one of its mappings",
                          STR_ARG(plugin->name));
            return 0;
        }
    }
    (void)err_set(err, ERR_INVALID, STR_FMT ": the target is missing", STR_ARG(tap));
    return 0;
}

static size_t block_length(const struct words *w, size_t at, struct err *err)
{
    const struct meltano_plugin *plugin = w->plugins[at];
    if (plugin->type == MELTANO_EXTRACTORS) {
        return el_length(w, at, err);
    }
    if (plugin->type == MELTANO_LOADERS || plugin->type == MELTANO_MAPPERS) {
        (void)err_set(err, ERR_INVALID, STR_FMT ": there is no tap before it",
                      STR_ARG(str_clip(w->list->items[at], 120)));
        return 0;
    }
    return 1;
}

bool meltano_read_blocks(const struct meltano_project *project, const struct str_list *words,
                         struct arena *arena, struct meltano_blocks *ret, struct err *err)
{
    struct words w = {.project = project, .list = words};
    struct meltano_blocks blocks = {.items =
                                        arena_array(arena, words->count, sizeof(*blocks.items))};
    w.plugins = arena_array(arena, words->count, sizeof(struct meltano_plugin *));
    w.commands = arena_array(arena, words->count, sizeof(*w.commands));
    if (blocks.items == NULL || w.plugins == NULL || w.commands == NULL) {
        return err_set(err, ERR_FULL, "the blocks need more memory than is set aside");
    }
    if (!find_plugins(&w, err)) {
        return false;
    }
    for (size_t at = 0; at < words->count;) {
        size_t length = block_length(&w, at, err);
        if (length == 0) {
            return false;
        }
        struct meltano_block *block = &blocks.items[blocks.count++];
        *block = (struct meltano_block){.plugin_count = length, .command = w.commands[at]};
        for (size_t i = 0; i < length; i++) {
            block->plugins[i] = w.plugins[at + i];
        }
        at += length;
    }
    *ret = blocks;
    return true;
}

struct str meltano_state_id(const struct meltano_context *context,
                            const struct meltano_block *block, struct arena *arena)
{
    if (context->environment == NULL || !meltano_is_el(block)) {
        return STR_NONE;
    }
    struct str tap = block->plugins[0]->name;
    struct str target = block->plugins[block->plugin_count - 1]->name;
    struct str suffix = tree_get_str(context->environment->entry, "state_id_suffix");
    struct problems quiet = {.arena = arena};
    struct project_env project;
    struct scheduled scheduled;
    const struct meltano_context within = scheduled_context(context, arena, &scheduled);
    project_env_init(&project, &within, arena, &quiet);
    env_put_all(&project.over, &project.config);
    const struct env_chain chain = {
        .over = &project.over, .terminal = within.terminal, .under = &project.dotenv};
    struct expansion x = {.chain = &chain, .arena = arena};
    suffix = expand_text(&x, suffix);
    return arena_printf(arena, STR_FMT ":" STR_FMT "-to-" STR_FMT "%s" STR_FMT,
                        STR_ARG(context->environment->name), STR_ARG(tap), STR_ARG(target),
                        suffix.len > 0 ? ":" : "", STR_ARG(suffix));
}
