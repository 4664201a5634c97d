#include "agent/cli/output.h"

#include "common/json/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAMS_ARENA_BYTES = 4 << 20, NODE_LINE_BYTES_MAX = 1 << 20, NODE_ARENA_BYTES = 8 << 20 };

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

/* --- nodes of dbt projects --------------------------------------------------------------------- */

static struct str member(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR_NONE;
}

/* Without the empty lines that Jinja leaves behind. */
static void print_sql(struct cli *cli, struct str sql)
{
    struct str line = STR_NONE;
    cli_printf(cli, "%s", cli_tone_on(cli, CLI_FAINT));
    while (sql.len > 0) {
        (void)str_cut(sql, '\n', &line, &sql);
        line = str_trim_end(line, ' ');
        if (line.len > 0) {
            cli_printf(cli, "    " STR_FMT "\n", STR_ARG(line));
        }
    }
    cli_printf(cli, "%s", cli_tone_off(cli, CLI_FAINT));
}

/* A line of the log: {"asset", "node", "text"} or "sql". */
static void print_node_line(struct cli *cli, struct str line, struct str asset)
{
    AUTO(arena) arena = arena_new(NODE_ARENA_BYTES);
    struct json *said = NULL;
    struct err ignored = {0};
    if (!json_parse(str_trim(line), NODE_LINE_BYTES_MAX, &arena, &said, &ignored) ||
        !str_eq(member(said, "asset"), asset)) {
        return;
    }
    if (cli_is_json(cli)) {
        cli_json(cli, str_trim(line));
        return;
    }
    struct str sql = member(said, "sql");
    if (sql.len > 0) {
        print_sql(cli, sql);
    } else {
        cli_printf(cli, STR_FMT "\n", STR_ARG(member(said, "text")));
    }
}

static bool print_node_log(struct cli *cli, const char *path, struct str asset, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    if (file == NULL) {
        return errno == ENOENT || err_errno(err, errno, "open %s", path);
    }
    while ((len = getline(&line, &room, file)) > 0) {
        print_node_line(cli, (struct str){line, (size_t)len}, asset);
    }
    free(line);
    (void)fclose(file);
    return true;
}

bool output_print_node(struct cli *cli, const struct settings *settings, const char *run,
                       const struct view_step *step, struct str asset, struct err *err)
{
    char folder[OUTPUT_PATH_BYTES];
    char path[OUTPUT_PATH_BYTES + 32];
    bool ok = true;
    output_folder(settings, run, step->step, folder);
    for (int64_t attempt = 1; ok && attempt <= step->attempt; attempt++) {
        (void)snprintf(path, sizeof(path), "%s/%" PRId64 ".nodes", folder, attempt);
        ok = print_node_log(cli, path, asset, err);
    }
    return ok;
}
