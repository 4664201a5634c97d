#include "agent/run/check_process.h"

#include "agent/run/capture_read.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    SPEC_ARENA_BYTES = 2 << 20,
    RESULT_BYTES_MAX = 4096, /* of one check's metadata: two lines and a number */
};

struct check_process {
    struct loop *loop;
    struct check_process_options options;
    char output_dir[LIMIT_PATH_BYTES + 1];
    struct step_context context;
    struct arena spec_arena;   /* of the present check */
    struct arena result_arena; /* of all results */
    struct step_process *process;
    struct loop_task next_task;
    size_t next; /* of the asset's checks */
    struct step_check *checks;
    struct check_results results;
};

/* The worker has asked the queries of a native step; what is neither is for the asset's program to
 * report. */
static bool is_asked_here(const struct asset *asset, const struct check *check)
{
    return check->run.count > 0 || (asset->work == ASSET_RUN && !str_is_empty(check->sql));
}

size_t check_process_count(const struct asset *asset)
{
    size_t count = 0;
    for (size_t i = 0; i < asset->check_count; i++) {
        count += is_asked_here(asset, &asset->checks[i]);
    }
    return count;
}

/* --- results ---------------------------------------------------------------------------------- */

static void begin_entry(struct json_writer *w, const char *name, const char *type)
{
    jw_key(w, str_from(name));
    jw_begin_object(w);
    jw_member_str(w, "type", str_from(type));
}

static void add_text(struct json_writer *w, const char *name, struct str text)
{
    if (!str_is_empty(text)) {
        begin_entry(w, name, "text");
        jw_member_str(w, "raw_value", text);
        jw_end_object(w);
    }
}

/* As the worker writes metadata: {"name": {"type": ..., "raw_value": ...}}. */
static struct str write_metadata(struct check_process *p, const struct step_result *result)
{
    AUTO(buf) text = buf_growing(RESULT_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    if (result->exit_code >= 0) {
        begin_entry(&w, "exit_code", "int");
        jw_member_i64(&w, "raw_value", result->exit_code);
        jw_end_object(&w);
    }
    add_text(&w, "output", result->first_line);
    /* A plain exit code says nothing new. */
    bool is_plain = result->ok || str_eq(result->error_message, str_from(result->exit));
    add_text(&w, "error", is_plain && result->exit_code >= 0 ? STR_NONE : result->error_message);
    jw_end_object(&w);
    return text.overflow ? STR_NONE : arena_copy(&p->result_arena, buf_str(&text));
}

static struct str write_error(struct check_process *p, struct str message)
{
    AUTO(buf) text = buf_growing(RESULT_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    jw_begin_object(&w);
    add_text(&w, "error", message);
    jw_end_object(&w);
    return text.overflow ? STR_NONE : arena_copy(&p->result_arena, buf_str(&text));
}

/* What the worker says of a query, or why it could not. */
static void judge_query(struct check_process *p, const struct step_result *result,
                        struct step_check *check)
{
    if (result->ok && result->check_count == 1 && str_eq(result->checks[0].name, check->name)) {
        check->passed = result->checks[0].passed;
        check->metadata = arena_copy(&p->result_arena, result->checks[0].metadata);
        return;
    }
    check->metadata =
        write_error(p, result->ok ? STR("the worker said nothing of it") : result->error_message);
}

static void keep_result(struct check_process *p, const struct step_result *result)
{
    const struct check *check = &p->options.asset->checks[p->next];
    struct step_check *judged = &p->checks[p->results.count++];
    *judged = (struct step_check){
        .asset = p->options.asset->step == NULL ? STR_NONE : p->options.asset->key,
        .name = check->name,
        .severity = check->severity == CHECK_WARN ? STR("warn") : STR("error"),
    };
    if (check->run.count == 0) {
        judge_query(p, result, judged);
        return;
    }
    judged->passed = result->ok;
    judged->metadata = write_metadata(p, result);
}

/* --- one after the other ---------------------------------------------------------------------- */

static void on_check_end(void *ctx, const struct step_result *result)
{
    struct check_process *p = ctx;
    struct step_left_by by = {.run = p->context.run,
                              .asset = p->options.asset->key,
                              .check = p->options.asset->checks[p->next].name,
                              .attempt = p->context.attempt};
    step_result_warn_left(result, &by);
    if (result->canceled) {
        p->results.canceled = true; /* no verdict of this one */
    } else {
        keep_result(p, result);
    }
    step_process_close(p->process);
    p->process = NULL;
    p->next++;
    loop_defer(p->loop, &p->next_task);
}

/* "1.rows"; in the folder of a step that makes several "1.lake:orders:rows". */
static void name_output(const struct check_process *p, const struct check *check, char *name,
                        size_t size)
{
    const struct asset *asset = p->options.asset;
    struct buf out = buf_fixed(name, size);
    buf_addf(&out, "%lld.", (long long)p->context.attempt);
    for (size_t i = 0; asset->step != NULL && i < asset->key.len; i++) {
        buf_add_char(&out, asset->key.ptr[i] == '/' ? ':' : asset->key.ptr[i]);
    }
    buf_addf(&out, "%s" STR_FMT, asset->step == NULL ? "" : ":", STR_ARG(check->name));
    (void)buf_cstr(&out); /* ends it */
}

static bool start_check(struct check_process *p, const struct check *check, struct err *err)
{
    const struct asset *asset = p->options.asset;
    struct step_spec spec;
    arena_reset(&p->spec_arena);
    if (!step_spec_make_check(&p->context, asset, check, &p->spec_arena, &spec, err)) {
        return false;
    }
    char output_name[LIMIT_ASSET_KEY_BYTES + LIMIT_NAME_BYTES + 32];
    name_output(p, check, output_name, sizeof(output_name));
    struct step_process_options options = {.host = p->options.host,
                                           .argv = spec.argv,
                                           .envp = spec.envp,
                                           .cwd = spec.cwd,
                                           .confine = spec.confine,
                                           .run = p->context.run,
                                           .token = spec.token,
                                           .input = spec.input,
                                           .output_dir = p->options.output_dir,
                                           .output_name = output_name,
                                           .timeout_ns = asset->timeout_ns > 0 ? asset->timeout_ns
                                                                               : CHECK_TIMEOUT_NS,
                                           .grace_ns = p->options.grace_ns,
                                           .on_end = on_check_end,
                                           .ctx = p};
    return step_process_start(&p->process, p->loop, &options, err);
}

static void start_next(void *ctx)
{
    struct check_process *p = ctx;
    const struct asset *asset = p->options.asset;
    for (; !p->results.canceled && p->next < asset->check_count; p->next++) {
        if (!is_asked_here(asset, &asset->checks[p->next])) {
            continue;
        }
        struct err err = {0};
        if (start_check(p, &asset->checks[p->next], &err)) {
            return;
        }
        struct step_result result = {.exit_code = -1, .error_message = str_from(err.msg)};
        keep_result(p, &result);
    }
    p->options.on_end(p->options.ctx, &p->results);
}

bool check_process_start(struct check_process **ret, struct loop *loop,
                         const struct check_process_options *options, struct err *err)
{
    size_t count = check_process_count(options->asset);
    struct check_process *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the checks: out of memory");
    }
    p->loop = loop;
    p->options = *options;
    (void)snprintf(p->output_dir, sizeof(p->output_dir), "%s", options->output_dir);
    p->options.output_dir = p->output_dir; /* the first one starts in a later turn */
    p->context = *options->context;
    p->spec_arena = arena_new(SPEC_ARENA_BYTES);
    p->result_arena = arena_new((count + 1) * (RESULT_BYTES_MAX + 2 * sizeof(*p->checks)));
    p->checks = arena_array(&p->result_arena, count, sizeof(*p->checks));
    p->results.checks = p->checks;
    p->next_task = (struct loop_task){.run = start_next, .ctx = p};
    if (p->checks == NULL) {
        check_process_close(p);
        return err_set(err, ERR_NO_MEMORY, "start the checks: out of memory");
    }
    loop_defer(loop, &p->next_task);
    *ret = p;
    return true;
}

void check_process_cancel(struct check_process *p)
{
    p->results.canceled = true;
    if (p->process != NULL) {
        step_process_cancel(p->process);
    }
}

void check_process_close(struct check_process *p)
{
    if (p == NULL) {
        return;
    }
    loop_defer_cancel(p->loop, &p->next_task);
    step_process_close(p->process);
    arena_release(&p->spec_arena);
    arena_release(&p->result_arena);
    free(p);
}
