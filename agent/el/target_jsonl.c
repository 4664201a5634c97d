/* Target jsonl: one JSON object a line. The files are file_target.h's affair. */
#include "agent/el/connectors.h"
#include "agent/el/file_target.h"
#include "agent/el/row_json.h"
#include "common/json/json_writer.h"

static bool write_row(struct file_sink *s, const struct value *row, struct err *err)
{
    struct json_writer w = json_writer(&s->file.text);
    (void)err;
    jw_begin_object(&w);
    for (size_t i = 0; i < s->schema->count; i++) {
        jw_key(&w, s->schema->columns[i].name);
        row_json_write(&w, &s->schema->columns[i], &row[i]);
    }
    jw_end_object(&w);
    buf_add_char(&s->file.text, '\n');
    return true;
}

static const struct file_format format = {.name = "jsonl", .row = write_row};

static bool jsonl_target_open(struct target **ret, const struct target_context *context,
                              struct err *err)
{
    return file_target_open(&target_jsonl, &format, ret, context, err);
}

const struct target_ops target_jsonl = {
    .type = "jsonl",
    .options = &target_jsonl_options,
    .cannot_upsert = true,
    .open = jsonl_target_open,
    .add = file_target_add,
    .set_schema = file_target_set_schema,
    .load = file_target_load,
    .commit = file_target_commit,
    .quarantine = file_target_quarantine,
    .quarantine_failed = file_target_quarantine,
    .close = file_target_close,
    .states = file_target_states,
    .set_state = file_target_set_state,
};
