/* A Meltano project: refused with at least one problem, or set up and told. The input is one file
 * after another, parted by the byte 0x1e: meltano.yml, .env, a lock file for whoever asks for one,
 * then each file that is included. No secret is printed: what `sensitive` settings hold never is. */
#include "agent/meltano/meltano.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_SEPARATOR = 0x1e, FILES = 3 };

struct input {
    struct str files[FILES]; /* meltano.yml, .env, the lock file */
    struct str rest;         /* what is included, one after the other */
};

static bool read_file(void *ctx, const char *path, struct buf *into, struct err *err)
{
    struct input *input = ctx;
    struct str name = str_from(path);
    struct str file = STR_NONE;
    if (str_eq(name, STR("p/meltano.yml"))) {
        file = input->files[0];
    } else if (str_ends(name, STR(".env"))) {
        file = input->files[1];
    } else if (str_ends(name, STR(".lock"))) {
        file = input->files[2];
    } else {
        (void)str_cut(input->rest, FILE_SEPARATOR, &file, &input->rest);
    }
    if (file.ptr == NULL) {
        return err_set(err, ERR_NOT_FOUND, "open %s: there are no more files", path);
    }
    buf_add(into, file);
    return !into->overflow || err_set(err, ERR_FULL, "%s: too large", path);
}

/* A folder in a folder in a folder, a link, and files. */
static bool list_folder(void *ctx, const char *path, struct buf *into, struct err *err)
{
    static const char names[] = "fa.yml\0fb.yml\0d.\0dsub\0lback\0ftap--v.lock\0";
    size_t depth = 0;
    (void)ctx;
    for (const char *at = path; *at != '\0'; at++) {
        depth += *at == '/';
    }
    if (depth > 3) {
        return err_set(err, ERR_NOT_FOUND, "open %s: not there", path);
    }
    buf_add(into, (struct str){names, sizeof(names) - 1});
    return !into->overflow || err_set(err, ERR_FULL, "too many files");
}

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    *ret_value = name;
    return name.len % 3 == 0;
}

static void tell(const struct meltano_context *context, struct meltano_report *report)
{
    AUTO(buf) out = buf_growing(16 << 20);
    AUTO(arena) arena = arena_new(64 << 20);
    const struct meltano_telling telling = {.context = context, .report = report};
    struct json *root = NULL;
    struct err err = {0};
    if (!meltano_write_json(&telling, &out, &err)) {
        assert(err.code == ERR_FULL);
    } else if (!json_parse(buf_str(&out), 16 << 20, &arena, &root, &err)) {
        assert(err.code == ERR_FULL || strstr(err.msg, "nested") != NULL);
    }
    buf_reset(&out);
    if (!meltano_write_explained(&telling, STR(""), &out, &err)) {
        assert(err.code == ERR_FULL);
    }
}

static void use(const struct meltano_project *project, struct meltano_report *report)
{
    const struct meltano_terminal terminal = {.get = get};
    struct meltano_context context = {
        .project = project, .terminal = &terminal, .problems = &report->warnings};
    AUTO(arena) arena = arena_new(16 << 20);
    if (project->environment_count > 0) {
        context.environment = &project->environments[0];
    }
    for (size_t i = 0; i < project->plugin_count && i < 8; i++) {
        struct meltano_setup setup;
        struct err err = {0};
        if (!meltano_set_up(&context, &project->plugins[i], NULL, &arena, &setup, &err)) {
            assert(err.code == ERR_FULL);
            return;
        }
        struct str_list streams = meltano_streams(&setup, &arena);
        assert(streams.count == 0 || streams.items != NULL);
    }
    if (project->plugin_count <= 16) { /* each is told with all that it inherits */
        tell(&context, report);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct meltano_report report = {.errors = {.arena = &arena}, .warnings = {.arena = &arena}};
    struct meltano_project *project = NULL;
    struct err err = {0};
    struct input input = {.rest = {(const char *)data, size}};
    for (size_t i = 0; i < FILES && input.rest.ptr != NULL; i++) {
        (void)str_cut(input.rest, FILE_SEPARATOR, &input.files[i], &input.rest);
    }
    const struct meltano_files files = {
        .read_file = read_file, .list_folder = list_folder, .ctx = &input};
    if (meltano_load("p/meltano.yml", STR("/srv/p"), &files, &report, &project, &err)) {
        assert(report.errors.total == 0);
        use(project, &report);
    } else {
        assert(project == NULL && err.msg[0] != '\0');
        assert(report.errors.total > 0 || err.code == ERR_NO_MEMORY || err.code == ERR_FULL);
    }
    meltano_close(project);
    return 0;
}
