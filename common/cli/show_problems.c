#include "common/cli/show.h"

#include "common/json/fields.h"
#include "common/json/json_writer.h"

enum { PROBLEMS_BYTES_MAX = 1 << 20 };

static void write_problem(struct json_writer *w, const struct problem *problem)
{
    jw_begin_object(w);
    jw_member_opt(w, "file", problem->file);
    jw_member_i64(w, "line", problem->at.line);
    jw_member_i64(w, "column", problem->at.column);
    jw_member_str(w, "message", problem->text);
    jw_member_opt(w, "hint", problem->hint);
    jw_end_object(w);
}

static void show_json(struct cli *cli, const struct problems *problems)
{
    AUTO(buf) out = buf_growing(PROBLEMS_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_key(&w, STR("problems"));
    jw_begin_array(&w);
    for (size_t i = 0; i < problems->count; i++) {
        write_problem(&w, &problems->items[i]);
    }
    jw_end_array(&w);
    jw_member_i64(&w, "total", (int64_t)problems->total);
    jw_end_object(&w);
    cli_json(cli, buf_str(&out));
}

/* As compilers write it, so that editors jump there; what is wrong with a whole file has no line.
 */
static void show_place(struct cli *cli, const struct problem *p)
{
    if (!str_is_empty(p->file) && p->at.line > 0) {
        (void)fprintf(cli_err(cli), STR_FMT ":%u:%u: ", STR_ARG(p->file), p->at.line, p->at.column);
    } else if (!str_is_empty(p->file)) {
        (void)fprintf(cli_err(cli), STR_FMT ": ", STR_ARG(p->file));
    }
}

static void show_text(struct cli *cli, const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *p = &problems->items[i];
        show_place(cli, p);
        (void)fprintf(cli_err(cli), STR_FMT "\n", STR_ARG(p->text));
        if (!str_is_empty(p->hint)) {
            (void)fprintf(cli_err(cli), "    hint: " STR_FMT "\n", STR_ARG(p->hint));
        }
    }
    if (problems->total > problems->count) {
        (void)fprintf(cli_err(cli), "... and %zu more\n", problems->total - problems->count);
    }
    (void)fprintf(cli_err(cli), "error: %zu problem%s\n", problems->total,
                  problems->total == 1 ? "" : "s");
}

int cli_problems(struct cli *cli, const struct problems *problems, const struct err *err)
{
    /* One that has no place, such as a file that is not there, is an error like any other. */
    bool is_plain = problems->total == 1 && str_is_empty(problems->items[0].file);
    if (problems->count == 0 || is_plain) {
        return cli_error(cli, err);
    }
    struct problems sorted = *problems;
    problems_sort(&sorted);
    if (cli_is_json(cli)) {
        show_json(cli, &sorted);
    } else {
        show_text(cli, &sorted);
    }
    return CLI_BAD_INPUT;
}
