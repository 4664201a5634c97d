/* program.c - which program a plugin is, with which arguments. */
#include "agent/meltano/reading.h"

#include <string.h>

enum { ARGS_MAX = 256, ARG_BYTES_MAX = 64 << 10 };

/* --- commands --- */

static struct meltano_command command_from(const struct json *entry)
{
    struct meltano_command command = {.name = entry->key};
    if (entry->type == JSON_STRING) {
        command.args = entry->as.string;
    } else {
        command.args = tree_get_str(entry, "args");
        command.executable = tree_get_str(entry, "executable");
        command.container = tree_get_typed(entry, "container_spec", JSON_OBJECT);
    }
    return command;
}

static void put_commands(const struct json *object, struct meltano_commands *list, size_t cap)
{
    for (const struct json *m = object == NULL ? NULL : object->child; m != NULL; m = m->next) {
        size_t at = 0;
        while (at < list->count && !str_eq(list->items[at].name, m->key)) {
            at++;
        }
        if (at < cap) {
            list->items[at] = command_from(m);
            list->count += at == list->count;
        }
    }
}

struct meltano_commands meltano_commands_of(const struct meltano_plugin *plugin,
                                            struct arena *arena)
{
    enum { PARENTS_MAX = 64 };
    const struct json *sources[PARENTS_MAX + 1];
    size_t source_count = 0;
    size_t cap = 0;
    for (const struct meltano_plugin *p = plugin; p != NULL && source_count < PARENTS_MAX;
         p = p->parent) {
        sources[source_count++] = tree_get_typed(p->entry, "commands", JSON_OBJECT);
        if (p->definition != NULL && source_count < PARENTS_MAX) {
            sources[source_count++] = tree_get_typed(p->definition, "commands", JSON_OBJECT);
        }
    }
    for (size_t i = 0; i < source_count; i++) {
        cap += sources[i] == NULL ? 0 : sources[i]->count;
    }
    struct meltano_commands list = {.items = arena_array(arena, cap, sizeof(*list.items))};
    while (list.items != NULL && source_count > 0) {
        put_commands(sources[--source_count], &list, cap);
    }
    return list;
}

struct str_list meltano_capabilities_of(const struct meltano_plugin *plugin, struct arena *arena)
{
    const struct json *list = NULL;
    for (; plugin != NULL && list == NULL; plugin = plugin->parent) {
        list = tree_get_typed(plugin->entry, "capabilities", JSON_ARRAY);
        if (list == NULL) {
            list = tree_get_typed(plugin->definition, "capabilities", JSON_ARRAY);
        }
    }
    struct str_list words = {
        .items = arena_array(arena, list == NULL ? 0 : list->count, sizeof(struct str))};
    const struct json *item = list == NULL || words.items == NULL ? NULL : list->child;
    for (; item != NULL; item = item->next) {
        if (item->type == JSON_STRING) {
            words.items[words.count++] = item->as.string;
        }
    }
    return words;
}

/* --- arguments, as Python's shlex splits them --- */

struct splitter {
    struct str text;
    size_t at;
    struct buf word;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* From the quote at `at` to its end. False: it has none. */
static bool take_quoted(struct splitter *s)
{
    char quote = s->text.ptr[s->at++];
    while (s->at < s->text.len && s->text.ptr[s->at] != quote) {
        char c = s->text.ptr[s->at++];
        if (c == '\\' && quote == '"' && s->at < s->text.len &&
            (s->text.ptr[s->at] == '"' || s->text.ptr[s->at] == '\\')) {
            c = s->text.ptr[s->at++];
        }
        buf_add_char(&s->word, c);
    }
    return s->at++ < s->text.len;
}

/* One word; false: a quote or a backslash is open at the end. */
static bool take_word(struct splitter *s)
{
    while (s->at < s->text.len && !is_blank(s->text.ptr[s->at])) {
        char c = s->text.ptr[s->at];
        if (c == '\'' || c == '"') {
            if (!take_quoted(s)) {
                return false;
            }
            continue;
        }
        if (c == '\\') {
            if (++s->at == s->text.len) {
                return false;
            }
            c = s->text.ptr[s->at];
        }
        buf_add_char(&s->word, c);
        s->at++;
    }
    return true;
}

static bool split_args(const struct meltano_command *command, struct expansion *x,
                       struct str_list *ret, struct err *err)
{
    struct splitter s = {.text = command->args, .word = buf_growing(ARG_BYTES_MAX)};
    bool ok = true;
    for (;;) {
        while (s.at < s.text.len && is_blank(s.text.ptr[s.at])) {
            s.at++;
        }
        if (!ok || s.at == s.text.len) {
            break;
        }
        buf_reset(&s.word);
        ok =
            take_word(&s) || err_set(err, ERR_INVALID, "command " STR_FMT ": a quote is not closed",
                                     STR_ARG(command->name));
        struct str word = s.word.len == 0 ? STR("") : arena_copy(x->arena, buf_str(&s.word));
        struct str expanded = ok ? expand_text(x, word) : STR("");
        if (ok && expanded.len == 0) {
            ok = err_set(err, ERR_INVALID, "command " STR_FMT ": the argument " STR_FMT " is empty",
                         STR_ARG(command->name), STR_ARG(str_clip(word, 80)));
        }
        if (ok && ret->count == ARGS_MAX) {
            ok = err_set(err, ERR_FULL, "command " STR_FMT ": more than %d arguments",
                         STR_ARG(command->name), ARGS_MAX);
        }
        if (ok) {
            ret->items[ret->count++] = expanded;
        }
    }
    buf_release(&s.word);
    return ok;
}

/* --- programs --- */

static struct str path_of(const struct meltano_context *context,
                          const struct meltano_plugin *plugin, struct str executable,
                          struct arena *arena)
{
    struct str root = context->project->root;
    if (plugin->pip_url.len > 0) {
        return arena_printf(arena, STR_FMT "/.meltano/%s/" STR_FMT "/venv/bin/" STR_FMT,
                            STR_ARG(root), meltano_type_name(plugin->type), STR_ARG(plugin->folder),
                            STR_ARG(executable));
    }
    if (!str_contains(executable, STR("/")) || str_starts(executable, STR("/"))) {
        return executable;
    }
    if (str_starts(executable, STR("./"))) {
        executable = str_slice(executable, 2, executable.len);
    }
    return arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(root), STR_ARG(executable));
}

static bool find_command(const struct meltano_plugin *plugin, struct str name, struct arena *arena,
                         struct meltano_command *ret, struct err *err)
{
    struct meltano_commands all = meltano_commands_of(plugin, arena);
    char names[160] = "";
    struct buf list = buf_fixed(names, sizeof(names) - 1);
    for (size_t i = 0; i < all.count; i++) {
        if (str_eq(all.items[i].name, name)) {
            *ret = all.items[i];
            return true;
        }
        buf_addf(&list, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(all.items[i].name));
    }
    (void)err_set(err, ERR_NOT_FOUND, STR_FMT " has no command " STR_FMT, STR_ARG(plugin->name),
                  STR_ARG(str_clip(name, 80)));
    return list.overflow || list.len == 0 ? false : err_hint(err, "it has: %s", names);
}

bool meltano_program(const struct meltano_context *context, const struct meltano_setup *setup,
                     struct str command, struct arena *arena, struct str_list *ret, struct err *err)
{
    const struct meltano_plugin *plugin = setup->plugin;
    struct meltano_command found = {0};
    struct str_list argv = {.items = arena_array(arena, ARGS_MAX + 1, sizeof(struct str))};
    if (argv.items == NULL) {
        return err_set(err, ERR_FULL, "the arguments need more memory than is set aside");
    }
    if (command.len > 0 && !find_command(plugin, command, arena, &found, err)) {
        return false;
    }
    struct env env = env_new(arena);
    for (size_t i = 0; i < setup->env_count; i++) {
        env_put(&env, setup->env[i].name, setup->env[i].value);
    }
    const struct env_chain chain = {.over = &env, .terminal = context->terminal};
    struct expansion x = {.chain = &chain, .arena = arena};
    struct str executable = found.executable.len > 0 ? found.executable : plugin->executable;
    argv.items[argv.count++] = path_of(context, plugin, executable, arena);
    if (command.len > 0 && !split_args(&found, &x, &argv, err)) {
        return false;
    }
    *ret = argv;
    return !arena->exhausted ||
           err_set(err, ERR_FULL, "the arguments need more memory than is set aside");
}
