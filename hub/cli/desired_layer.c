#include "hub/cli/desired_layer.h"

#include "common/cli/show.h"
#include "common/platform/files.h"
#include "hub/desired/document.h"
#include "hub/fleet/each_target.h"
#include <string.h>

enum { FILE_ARENA_BYTES = 64 << 20, WORK_ARENA_BYTES = 16 << 20 };

/* "conf/nightly.yaml" is "nightly". */
static struct str name_of(struct str path)
{
    struct str folder;
    struct str name = path;
    struct str stem;
    struct str ending;
    (void)str_cut_last(path, '/', &folder, &name);
    return str_cut_last(name, '.', &stem, &ending) ? stem : name;
}

/* Of a name with a device's: "is" would change with every connection. */
static bool check_target(struct str target, struct arena *arena, struct targets **ret,
                         struct err *err)
{
    for (size_t i = 0; i + 3 <= target.len; i++) {
        bool begins = i == 0 || strchr(" (,", target.ptr[i - 1]) != NULL;
        if (begins && str_eq(str_slice(target, i, i + 3), STR("is:"))) {
            (void)err_set(err, ERR_INVALID,
                          "targets: desired state does not depend on who is connected");
            return err_hint(err, "name devices, or labels");
        }
    }
    return targets_parse(target, arena, ret, err);
}

static bool find_target(struct cli *cli, struct document_file *f, bool keeps_target,
                        struct err *err)
{
    const char *to = cli_text(cli, "to");
    struct document_row row;
    bool found = false;
    if (to != NULL) {
        f->target = str_from(to);
        return true;
    }
    if (keeps_target && !document_get(f->rows, f->name, &f->arena, &row, &found, err)) {
        return false;
    }
    if (!found) {
        (void)err_set(err, ERR_INVALID, "which devices is it for?");
        return err_hint(err, "--to 'label:site=berlin', or --to '*'");
    }
    f->target = row.target;
    return true;
}

static bool read_file(struct cli *cli, struct document_file *f, struct err *err)
{
    const char *path = cli_arg(cli, 0);
    AUTO(buf) text = buf_growing(DOCUMENT_BYTES_MAX + 1);
    struct str shown = strcmp(path, "-") == 0 ? STR("stdin") : str_from(path);
    return files_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &text, err) &&
           document_read(buf_str(&text), shown, &f->arena, &f->problems, &f->layer.content, err);
}

static bool name_it(struct cli *cli, struct document_file *f, struct err *err)
{
    const char *name = cli_text(cli, "name");
    f->name = name != NULL ? str_from(name) : name_of(str_from(cli_arg(cli, 0)));
    if (document_name_is_valid(f->name)) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a name of 1 to %d characters",
                  STR_ARG(str_slice(f->name, 0, LIMIT_NAME_BYTES)), LIMIT_NAME_BYTES);
    return err_hint(err, "give one of letters, digits, '_', '-' and '.': --name nightly");
}

bool document_file_open(struct cli *cli, const struct settings *settings, bool keeps_target,
                        struct document_file *ret, int *ret_exit)
{
    struct err err = {0};
    struct targets *targets = NULL;
    *ret = (struct document_file){.arena = arena_new(FILE_ARENA_BYTES),
                                  .content = buf_growing(DOCUMENT_BYTES_MAX),
                                  .has_file = true};
    ret->problems.arena = &ret->arena;
    bool ok = name_it(cli, ret, &err) && desired_rows_open(&ret->rows, settings->database, &err) &&
              registry_open(&ret->registry, settings->database, &err) &&
              find_target(cli, ret, keeps_target, &err) &&
              check_target(ret->target, &ret->arena, &targets, &err) &&
              layers_read(ret->rows, &ret->arena, &ret->layers, &err);
    if (!ok) {
        *ret_exit = cli_error(cli, &err);
        return false;
    }
    if (!read_file(cli, ret, &err)) {
        *ret_exit = ret->problems.total > 0 ? cli_problems(cli, &ret->problems, &err)
                                            : cli_error(cli, &err);
        return false;
    }
    document_write(&ret->layer.content, &ret->content);
    ret->layer.name = ret->name;
    ret->layer.priority = cli_i64(cli, "priority");
    ret->layer.targets = targets;
    return true;
}

void document_file_close(struct document_file *f)
{
    desired_rows_close(f->rows);
    registry_close(f->registry);
    buf_release(&f->content);
    arena_release(&f->arena);
}

/* --- effects ------------------------------------------------------------------------------------ */

struct telling {
    struct document_file *file;
    struct layers after;
    const struct layer *earlier; /* the document of that name, as it is kept */
    void (*on_device)(void *ctx, const struct document_effect *effect);
    void *ctx;
    struct err err;
};

static void tell(void *ctx, const struct target_device *device)
{
    struct telling *t = ctx;
    struct document_file *f = t->file;
    AUTO(arena) work = arena_new(WORK_ARENA_BYTES);
    struct document_effect effect = {.device = device->name};
    struct str bundle;
    bool was_meant = t->earlier != NULL && targets_match(t->earlier->targets, device);
    effect.is_meant = f->has_file && targets_match(f->layer.targets, device);
    if (t->err.code != ERR_NONE || (!effect.is_meant && !was_meant)) {
        return;
    }
    if (desired_bundle(f->rows, device->name, &work, &bundle, &t->err) &&
        compose(f->layers.items, f->layers.count, device, bundle, &work, &effect.before, &t->err) &&
        compose(t->after.items, t->after.count, device, bundle, &work, &effect.after, &t->err)) {
        t->on_device(t->ctx, &effect);
    }
}

bool document_effects(struct document_file *f,
                      void (*on_device)(void *ctx, const struct document_effect *effect), void *ctx,
                      struct err *err)
{
    struct telling t = {.file = f, .on_device = on_device, .ctx = ctx, .after = f->layers};
    struct targets *all = NULL;
    t.after.items = arena_array(&f->arena, f->layers.count + 1, sizeof(*t.after.items));
    if (t.after.items == NULL || !targets_parse(STR("*"), &f->arena, &all, err)) {
        return err_set(err, ERR_NO_MEMORY, "work out what would change: out of memory");
    }
    for (size_t i = 0; i < f->layers.count; i++) {
        t.after.items[i] = f->layers.items[i];
        if (str_eq(f->layers.items[i].name, f->name)) {
            t.earlier = &f->layers.items[i];
        }
    }
    layers_take_out(&t.after, f->name);
    if (f->has_file) {
        layers_put(&t.after, &f->layer);
    }
    if (!registry_each_target(f->registry, all, tell, &t, err)) {
        return false;
    }
    *err = t.err;
    return t.err.code == ERR_NONE;
}
