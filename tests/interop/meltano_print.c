/* meltano_print.c - a Meltano project as we resolve it, as JSON, values and all: for meltano_test.py.
 * Arguments: meltano.yml, environment ("" for none), and a schedule whose variables are set. */
#include "agent/meltano/meltano.h"
#include "common/base/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool get(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    char text[256];
    if (name.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    const char *value = getenv(text); /* NOLINT(concurrency-mt-unsafe): one thread */
    if (value != NULL) {
        *ret_value = str_from(value);
    }
    return value != NULL;
}

static void run_for(struct meltano_context *context, const char *schedule)
{
    for (size_t i = 0; i < context->project->schedule_count; i++) {
        if (str_eq(context->project->schedules[i].name, str_from(schedule))) {
            context->schedule = &context->project->schedules[i];
        }
    }
}

static bool print(char **argv, struct meltano_report *report, struct err *err)
{
    char root[LIMIT_PATH_BYTES + 1];
    const struct meltano_files files = meltano_system_files();
    const struct meltano_terminal terminal = {.get = get};
    struct meltano_context context = {.terminal = &terminal};
    struct meltano_project *project = NULL;
    const char *path = argv[1];
    const char *environment = argv[2];
    const char *slash = strrchr(path, '/');
    (void)snprintf(root, sizeof(root), "%.*s", (int)(slash - path), path);
    if (!meltano_load(path, str_from(root), &files, report, &project, err)) {
        return false;
    }
    context.project = project;
    run_for(&context, argv[3] == NULL ? "" : argv[3]);
    bool ok = environment[0] == '\0' ||
              meltano_find_environment(project, str_from(environment), &context.environment, err);
    const struct meltano_telling telling = {.context = &context, .report = report, .is_open = true};
    AUTO(buf) out = buf_growing(64 << 20);
    ok = ok && meltano_write_json(&telling, &out, err);
    if (ok) {
        (void)fwrite(out.ptr, 1, out.len, stdout);
    }
    meltano_close(project);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4 || strchr(argv[1], '/') == NULL) {
        (void)fprintf(stderr, "usage: meltano_print FOLDER/meltano.yml ENVIRONMENT [SCHEDULE]\n");
        return 2;
    }
    AUTO(arena) arena = arena_new(1 << 20);
    struct meltano_report report = {.errors = {.arena = &arena}, .warnings = {.arena = &arena}};
    struct err err = {0};
    if (!print(argv, &report, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    return 0;
}
