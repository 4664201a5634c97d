#include "hub/cli/run_stream.h"

void run_target(struct screen *s, const struct found_run *run, const char *what)
{
    target_begin(&s->target, "/api/v1/runs");
    target_part(&s->target, str_from(run->device), false);
    target_part(&s->target, str_from(run->run), false);
    buf_add_text(&s->target, what);
}

static struct str name_of(const struct run_stream *stream)
{
    return stream->is_error ? STR("stderr") : STR("stdout");
}

bool run_stream_read(struct screen *s, const struct found_run *run, const struct run_stream *stream,
                     const char *option, const struct json **ret, struct err *err)
{
    run_target(s, run, "/output");
    target_query(&s->target, "step", stream->step);
    target_query(&s->target, "stream", name_of(stream));
    target_query_i64(&s->target, "attempt", stream->attempt);
    if (option != NULL) {
        target_query(&s->target, option, STR("true"));
    }
    target_query(&s->target, "cursor", stream->cursor);
    arena_reset(&s->arena);
    return screen_read(s, ret, NULL, err);
}

void run_stream_heading(const struct screen *s, const struct run_stream *stream, struct str why)
{
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "%s" STR_FMT ", attempt %lld, " STR_FMT "%s%s" STR_FMT "\n",
                   cli_tone_on(s->cli, CLI_STRONG), STR_ARG(stream->step),
                   (long long)stream->attempt, STR_ARG(name_of(stream)),
                   cli_tone_off(s->cli, CLI_STRONG), str_is_empty(why) ? "" : ": ", STR_ARG(why));
    }
}

static void show_chunk(const struct screen *s, const struct json *chunk)
{
    int64_t dropped = item_count(chunk, "dropped");
    struct str text = item_str(chunk, "text");
    if (dropped > 0) {
        cli_printf(s->cli, "\n[%lld bytes were not kept]\n", (long long)dropped);
    }
    (void)fwrite(text.ptr, 1, text.len, cli_out(s->cli));
}

static void json_chunk(struct screen *s, const struct found_run *run,
                       const struct run_stream *stream, const struct json *chunk)
{
    struct json_writer w = json_writer(&s->text);
    buf_reset(&s->text);
    jw_begin_object(&w);
    jw_member_str(&w, "device", str_from(run->device));
    jw_member_str(&w, "run", str_from(run->run));
    jw_member_str(&w, "step", stream->step);
    jw_member_i64(&w, "attempt", stream->attempt);
    jw_member_str(&w, "stream", name_of(stream));
    jw_member_i64(&w, "offset", item_count(chunk, "offset"));
    jw_member_i64(&w, "dropped", item_count(chunk, "dropped"));
    jw_member_str(&w, "text", item_str(chunk, "text"));
    jw_end_object(&w);
    cli_json(s->cli, buf_str(&s->text));
}

void run_stream_show(struct screen *s, const struct found_run *run, const struct run_stream *stream,
                     const struct json *answer)
{
    for (const struct json *c = item_first(answer, "chunk_list"); c != NULL; c = c->next) {
        if (cli_is_json(s->cli)) {
            json_chunk(s, run, stream, c);
        } else {
            show_chunk(s, c);
        }
    }
}
