#include "tests/unit/meltano_fixture.h"

#include <stdio.h>
#include <string.h>

static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    const struct meltano_file *file = ctx;
    for (; file->path != NULL; file++) {
        if (strcmp(file->path, path) == 0) {
            buf_add_text(into, file->text);
            return !into->overflow || err_set(err, ERR_FULL, "%s: too large", path);
        }
    }
    return err_set(err, ERR_NOT_FOUND, "open %s: No such file or directory", path);
}

static void add_entry(struct buf *into, struct str kind, struct str name)
{
    struct str entry = {name.ptr, name.len};
    struct str rest = buf_str(into);
    struct str known = STR_NONE;
    while (str_cut(rest, '\0', &known, &rest)) {
        if (str_eq(str_slice(known, 1, known.len), name)) {
            return;
        }
    }
    buf_add(into, kind);
    buf_add(into, entry);
    buf_add_char(into, '\0');
}

/* Files of the list, folders as the paths have them. A name that ends with '@' is a link to a
 * folder. */
static bool list_folder(void *ctx, const char *path, struct buf *into, struct err *err)
{
    size_t length = strlen(path);
    size_t before = into->len;
    for (const struct meltano_file *file = ctx; file->path != NULL; file++) {
        if (strncmp(file->path, path, length) != 0 || file->path[length] != '/') {
            continue;
        }
        struct str head = STR_NONE;
        struct str tail = STR_NONE;
        bool is_folder = str_cut(str_from(file->path + length + 1), '/', &head, &tail);
        struct str kind = str_ends(head, STR("@")) ? STR("l") : STR("d");
        add_entry(into, is_folder ? kind : STR("f"), head);
    }
    return into->len > before || err_set(err, ERR_NOT_FOUND, "open %s: not there", path);
}

static bool get_variable(void *ctx, struct str name, struct str *ret_value)
{
    const struct meltano_world *w = ctx;
    for (const struct meltano_variable *v = w->variables; v != NULL && v->name.len > 0; v++) {
        if (str_eq(v->name, name)) {
            *ret_value = v->value;
            return true;
        }
    }
    return false;
}

static void begin(struct meltano_world *w)
{
    const struct meltano_variable *variables = w->variables;
    *w = (struct meltano_world){.arena = arena_new(32 << 20), .variables = variables};
    w->report.errors.arena = &w->arena;
    w->report.warnings.arena = &w->arena;
    w->terminal = (struct meltano_terminal){.get = get_variable, .ctx = w};
    w->context.terminal = &w->terminal;
    w->context.problems = &w->report.warnings;
}

static void in_environment(struct meltano_world *w, const char *environment)
{
    w->context.project = w->project;
    if (environment[0] != '\0') {
        assert_true(meltano_find_environment(w->project, str_from(environment),
                                             &w->context.environment, &w->err));
    }
}

bool world_load(struct meltano_world *w, const struct meltano_file *files)
{
    begin(w);
    union {
        const struct meltano_file *list;
        void *ctx;
    } ctx = {.list = files}; /* the port's ctx is not const; it only goes round */
    const struct meltano_files port = {
        .read_file = read_file, .list_folder = list_folder, .ctx = ctx.ctx};
    return meltano_load("p/meltano.yml", STR("/srv/p"), &port, &w->report, &w->project, &w->err);
}

void world_open(struct meltano_world *w, const struct meltano_file *files, const char *environment)
{
    if (!world_load(w, files)) {
        fail_msg("%s", w->err.msg);
    }
    in_environment(w, environment);
}

void world_open_text(struct meltano_world *w, const char *meltano_yml, const char *environment)
{
    const struct meltano_file files[] = {{"p/meltano.yml", meltano_yml}, {0}};
    world_open(w, files, environment);
}

bool world_open_folder(struct meltano_world *w, const char *folder, const char *environment)
{
    begin(w);
    const struct meltano_files files = meltano_system_files();
    struct str path = arena_printf(&w->arena, "%s/meltano.yml", folder);
    if (!meltano_load(path.ptr, STR("/srv/p"), &files, &w->report, &w->project, &w->err)) {
        if (w->err.code != ERR_NOT_FOUND && strstr(w->err.msg, "No such file") == NULL) {
            fail_msg("%s", w->err.msg);
        }
        return false;
    }
    in_environment(w, environment);
    return true;
}

void world_close(struct meltano_world *w)
{
    meltano_close(w->project);
    arena_release(&w->arena);
}

struct meltano_setup world_set_up(struct meltano_world *w, const char *plugin)
{
    struct meltano_setup setup = {0};
    const struct meltano_plugin *found = meltano_find_plugin(w->project, str_from(plugin));
    assert_non_null(found);
    if (!meltano_set_up(&w->context, found, NULL, &w->arena, &setup, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    return setup;
}

static const char *as_json(struct meltano_world *w, const struct json *node)
{
    AUTO(buf) out = buf_growing(1 << 20);
    if (node == NULL) {
        return "-";
    }
    json_write(&out, node);
    return arena_cstr(&w->arena, buf_str(&out));
}

const char *world_value(struct meltano_world *w, const struct meltano_setup *setup,
                        const char *name)
{
    const struct meltano_value *value = meltano_find_value(setup, str_from(name));
    return as_json(w, value == NULL ? NULL : value->value);
}

const char *world_config(struct meltano_world *w, const struct meltano_setup *setup)
{
    return as_json(w, setup->config);
}

const char *world_shown(struct meltano_world *w, const struct meltano_setup *setup)
{
    return as_json(w, setup->shown);
}

const char *world_variable(struct meltano_world *w, const struct meltano_setup *setup,
                           const char *name)
{
    for (size_t i = 0; i < setup->env_count; i++) {
        if (str_eq(setup->env[i].name, str_from(name))) {
            return arena_cstr(&w->arena, setup->env[i].value);
        }
    }
    return "-";
}

static void assert_said(const struct problems *problems, const char *wanted)
{
    static char all[8192];
    struct buf out = buf_fixed(all, sizeof(all) - 1);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        char line[1024];
        (void)snprintf(line, sizeof(line), STR_FMT ":%u: " STR_FMT " (" STR_FMT ")",
                       STR_ARG(p->file), p->at.line, STR_ARG(p->text), STR_ARG(p->hint));
        if (strstr(line, wanted) != NULL) {
            return;
        }
        buf_addf(&out, "%s\n", line);
    }
    all[out.len] = '\0';
    fail_msg("\"%s\" was not said, but:\n%s", wanted, all);
}

void assert_warned(const struct meltano_world *w, const char *wanted)
{
    assert_said(&w->report.warnings, wanted);
}

void assert_refused(const struct meltano_world *w, const char *wanted)
{
    assert_said(&w->report.errors, wanted);
}
