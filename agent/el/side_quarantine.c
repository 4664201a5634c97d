#include "agent/el/side_quarantine.h"

void side_quarantine_init(struct side_quarantine *q)
{
    *q = (struct side_quarantine){.file = {.fd = {-1}}};
}

bool side_quarantine_open(struct side_quarantine *q, const struct state_file *state,
                          const struct target_context *context, struct target *target,
                          struct err *err)
{
    q->rejects = context->rejects;
    if (state->path == NULL) {
        return q->rejects == NULL || !rejects_are_on(q->rejects) ||
               err_set(err, ERR_INVALID,
                       "\"reject_limit\": as a Singer program the target has no quarantine");
    }
    q->file.path = arena_printf(context->arena, "%s.rejected", state->path).ptr;
    q->file.state_id = context->state_id;
    q->file.keep = context->load->reject_keep;
    if (q->file.path == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for names");
    }
    target->quarantine = str_from(q->file.path);
    return reject_file_open(&q->file, -1, err);
}

bool side_quarantine_take(struct side_quarantine *q, struct err *err)
{
    return (reject_file_take(&q->file, q->rejects, err) && reject_file_sync(&q->file, err)) ||
           err_wrap(err, "quarantine");
}

void side_quarantine_close(struct side_quarantine *q)
{
    reject_file_close(&q->file);
}

bool side_sink_init(struct sink *sink, struct str name, struct arena *arena, struct err *err)
{
    *sink = (struct sink){.name = arena_copy(arena, name),
                          .row_count = -1,
                          .existing = schema_new(arena),
                          .columns = schema_new(arena)};
    return sink->name.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a stream");
}

bool side_sink_columns(struct sink *sink, const struct schema *schema, struct arena *arena,
                       struct err *err)
{
    sink->columns = schema_new(arena);
    return schema_copy(schema, &sink->columns, err);
}
