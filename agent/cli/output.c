#include "agent/cli/output.h"

#include <inttypes.h>
#include <stdio.h>

enum { STREAMS_ARENA_BYTES = 4 << 20 };

void output_folder(const struct settings *settings, const char *run, struct str step,
                   char ret_path[OUTPUT_PATH_BYTES])
{
    (void)snprintf(ret_path, OUTPUT_PATH_BYTES, "%s/runs/%s/" STR_FMT, settings->state_dir, run,
                   STR_ARG(step));
}

static void print_header(struct cli *cli, struct str step, const struct capture_stream *stream)
{
    bool is_check = !str_is_empty(stream->check);
    cli_printf(cli, "%s--- " STR_FMT ", attempt %" PRId64 "%s" STR_FMT ", %s%s\n",
               cli_tone_on(cli, CLI_FAINT), STR_ARG(step), stream->attempt,
               is_check ? ", check " : "", STR_ARG(stream->check),
               stream->is_error ? "stderr" : "stdout", cli_tone_off(cli, CLI_FAINT));
}

/* Where the output went on without being kept. */
static void print_gap(struct cli *cli, int64_t dropped, bool needs_newline)
{
    cli_printf(cli, "%s%s--- %" PRId64 " bytes were not kept%s\n", needs_newline ? "\n" : "",
               cli_tone_on(cli, CLI_FAINT), dropped, cli_tone_off(cli, CLI_FAINT));
}

static bool print_stream(struct cli *cli, struct str step, const struct capture_stream *stream,
                         struct err *err)
{
    int64_t position = 0;
    char last = '\n';
    for (;;) {
        AUTO(buf) part = buf_growing(OUTPUT_CHUNK_BYTES);
        int64_t dropped = 0;
        bool is_first = position == 0;
        if (!capture_read(stream->path, &position, OUTPUT_CHUNK_BYTES, &part, &dropped, err)) {
            return false;
        }
        if (part.len == 0) {
            break;
        }
        if (is_first) {
            print_header(cli, step, stream);
        }
        if (dropped > 0) {
            print_gap(cli, dropped, last != '\n');
        }
        (void)fwrite(part.ptr, 1, part.len, cli_out(cli));
        last = part.ptr[part.len - 1];
    }
    if (last != '\n') {
        cli_printf(cli, "\n");
    }
    return true;
}

bool output_print_step(struct cli *cli, const struct settings *settings, const char *run,
                       struct str step, struct err *err)
{
    char folder[OUTPUT_PATH_BYTES];
    AUTO(arena) arena = arena_new(STREAMS_ARENA_BYTES);
    struct capture_stream *streams = NULL;
    size_t count = 0;
    output_folder(settings, run, step, folder);
    if (!capture_streams(folder, &arena, &streams, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!print_stream(cli, step, &streams[i], err)) {
            return false;
        }
    }
    return true;
}
