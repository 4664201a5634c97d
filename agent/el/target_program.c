/* Target singer_program: rows as Singer messages for a target that somebody else wrote. What it
 * does with a stream that it has already (append, upsert, overwrite) is its configuration's
 * affair; `mode` says how the tap reads. Nothing can be taken back: rows that were sent may be in
 * the target though the load failed, and come again (at least once). */
#include "agent/el/connectors.h"
#include "agent/el/loader.h"
#include "agent/el/side_quarantine.h"
#include "agent/el/singer_writer.h"
#include "common/base/limits.h"

enum { BLOCK_BYTES = 64 << 10 };

struct program_sink {
    struct sink base;
    struct singer_writer writer;
    struct program_sink *next; /* of the target */
};
struct target_program {
    struct target base;
    const struct program_target_options *options;
    struct arena *arena;
    struct loader loader;
    struct program_sink *sinks;
    struct side_quarantine quarantine;
};

static struct target_program *program_of(struct target *target)
{
    return (struct target_program *)(void *)target;
}

static struct program_sink *sink_of(struct sink *sink)
{
    return (struct program_sink *)(void *)sink;
}

static void program_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_program *t = program_of(target);
        for (struct program_sink *s = t->sinks; s != NULL; s = s->next) {
            singer_writer_release(&s->writer);
        }
        side_quarantine_close(&t->quarantine);
        loader_release(&t->loader);
    }
}

static bool program_target_quarantine(struct target *target, struct err *err)
{
    return side_quarantine_take(&program_of(target)->quarantine, err) ||
           err_wrap(err, "target singer_program");
}

static bool program_target_open(struct target **ret, const struct target_context *context,
                                struct err *err)
{
    struct target_program *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->base.ops = &target_singer_program;
    side_quarantine_init(&t->quarantine);
    t->base.has_tables = true;
    t->options = (const void *)context->load;
    t->arena = context->arena;
    if (!loader_open(&t->loader, context->state_dir, context->state_id, context->arena, err)) {
        return err_wrap(err, "target singer_program");
    }
    t->base.state = arena_copy(context->arena, buf_str(&t->loader.state.kept.value));
    if (t->base.state.ptr == NULL) {
        program_target_close(&t->base);
        return err_set(err, ERR_NO_MEMORY, "no memory for the state");
    }
    if (!side_quarantine_open(&t->quarantine, &t->loader.state, context, &t->base, err)) {
        program_target_close(&t->base);
        return err_wrap(err, "target singer_program");
    }
    *ret = &t->base;
    return true;
}

static bool program_target_add(struct target *target, struct str table, struct sink **ret,
                               struct err *err)
{
    struct target_program *t = program_of(target);
    struct program_sink *s = arena_alloc(t->arena, sizeof(*s));
    if (table.len == 0) {
        err_set(err, ERR_INVALID, "target singer_program: the stream has no name");
        return err_hint(err, "give it one with the target's \"table\"");
    }
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
    }
    if (!side_sink_init(&s->base, table, t->arena, err)) {
        return false;
    }
    s->next = t->sinks;
    t->sinks = s;
    *ret = &s->base;
    return singer_writer_init(&s->writer, t->arena, err);
}

static bool flush(struct target_program *t, struct program_sink *s, struct err *err)
{
    bool ok = loader_write(&t->loader, buf_str(&s->writer.out), err);
    buf_reset(&s->writer.out);
    return ok;
}

static bool program_target_set_schema(struct target *target, struct sink *sink,
                                      const struct schema *schema, const struct str_list *key,
                                      struct err *err)
{
    struct target_program *t = program_of(target);
    struct program_sink *s = sink_of(sink);
    const struct str_list *own = &t->options->load.primary_key;
    const struct singer_stream_text text = {
        .stream = s->base.name, .schema = schema, .key = own->count > 0 ? own : key};
    if (t->loader.program.pid == 0 &&
        !loader_start(&t->loader, &t->options->command, t->options->config, t->arena, err)) {
        return false;
    }
    return side_sink_columns(&s->base, schema, t->arena, err) &&
           singer_writer_schema(&s->writer, &text, err) && flush(t, s, err);
}

static bool program_target_load(struct target *target, struct sink *sink,
                                const struct row_source *source, struct err *err)
{
    struct target_program *t = program_of(target);
    struct program_sink *s = sink_of(sink);
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return flush(t, s, err);
        }
        if (!singer_writer_row(&s->writer, row, err) ||
            (s->writer.out.len >= BLOCK_BYTES && !flush(t, s, err))) {
            return false;
        }
        s->base.rows_written++;
    }
}

/* Without rows the program was not needed, and there is nothing whose state could be ahead. */
static bool commit_without_program(struct target_program *t, struct str state, struct err *err)
{
    return state.len == 0 || (state_file_set(&t->loader.state, state, err) &&
                              state_file_flush(&t->loader.state, err));
}

static bool program_target_commit(struct target *target, struct str state, bool is_last,
                                  struct err *err)
{
    struct target_program *t = program_of(target);
    if (t->loader.program.pid == 0) {
        return commit_without_program(t, state, err);
    }
    if (state.len > 0 && t->sinks != NULL) {
        struct program_sink *s = t->sinks; /* all have given what they had */
        if (!singer_writer_state(&s->writer, state, err) || !flush(t, s, err)) {
            return false;
        }
    }
    return is_last ? loader_finish(&t->loader, err) : loader_listen(&t->loader, err);
}

static bool program_target_states(struct target *target, struct kept_states *ret, struct err *err)
{
    const struct target_program *t = program_of(target);
    return state_history_list(&t->loader.state.kept, t->arena, ret, err);
}

static bool program_target_set_state(struct target *target, struct str value, struct err *err)
{
    return state_file_replace(&program_of(target)->loader.state, value, err);
}

const struct target_ops target_singer_program = {
    .type = "singer_program",
    .options = &target_program_options,
    .open = program_target_open,
    .add = program_target_add,
    .set_schema = program_target_set_schema,
    .load = program_target_load,
    .commit = program_target_commit,
    .quarantine = program_target_quarantine,
    .quarantine_failed = program_target_quarantine,
    .close = program_target_close,
    .states = program_target_states,
    .set_state = program_target_set_state,
};
