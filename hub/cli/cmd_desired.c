/* cmd_desired.c - documents of desired state: set, listed, compared, removed. They are read from YAML here,
 * where their lines are, and sent to the hub. */
#include "hub/cli/screen.h"

#include "common/cli/show.h"
#include "common/platform/files.h"
#include "hub/desired/document.h"
#include <stdio.h>
#include <string.h>

enum { FILE_ARENA_BYTES = 64 << 20, LINE_BYTES_MAX = 2 << 20 };

/* --- a file ------------------------------------------------------------------------------------- */

struct document_file {
    struct arena arena;
    struct problems problems;
    struct desired_content content;
};

static bool read_file(struct cli *cli, struct document_file *f, struct err *err)
{
    const char *path = cli_arg(cli, 0);
    AUTO(buf) text = buf_growing(DOCUMENT_BYTES_MAX + 1);
    bool is_stdin = strcmp(path, "-") == 0;
    return files_read(is_stdin ? "/dev/stdin" : path, &text, err) &&
           document_read(buf_str(&text), is_stdin ? STR("stdin") : str_from(path), &f->arena,
                         &f->problems, &f->content, err);
}

/* "conf/nightly.yaml" is "nightly". */
static struct str name_of(struct str path)
{
    struct str folder;
    struct str name = path;
    struct str stem;
    struct str ending;
    (void)str_cut_last(path, '/', &folder, &name);
    return str_cut_last(name, '.', &stem, &ending) ? stem : name;
}

static bool find_name(struct cli *cli, struct str *ret, struct err *err)
{
    const char *name = cli_text(cli, "name");
    *ret = name != NULL ? str_from(name) : name_of(str_from(cli_arg(cli, 0)));
    if (document_name_is_valid(*ret)) {
        return true;
    }
    (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a name of 1 to %d characters",
                  STR_ARG(str_slice(*ret, 0, LIMIT_NAME_BYTES)), LIMIT_NAME_BYTES);
    return err_hint(err, "give one of letters, digits, '_', '-' and '.': --name nightly");
}

static void write_request(struct cli *cli, const struct document_file *f, struct buf *out)
{
    AUTO(buf) content = buf_growing(DOCUMENT_BYTES_MAX);
    struct json_writer w = json_writer(out);
    document_write(&f->content, &content);
    jw_begin_object(&w);
    jw_member_opt(&w, "to", str_from(cli_text(cli, "to")));
    jw_member_i64(&w, "priority", cli_i64(cli, "priority"));
    jw_member_raw(&w, "content", buf_str(&content));
    jw_end_object(&w);
}

/* Sends the file to the address of its document, `what` behind it. On false the error was said. */
static bool send_file(struct screen *s, enum http_method method, const char *what,
                      const struct json **ret, struct str *ret_text, int *ret_exit)
{
    struct document_file f = {.arena = arena_new(FILE_ARENA_BYTES)};
    struct err err = {0};
    struct str name = STR_NONE;
    f.problems.arena = &f.arena;
    bool ok = find_name(s->cli, &name, &err) && read_file(s->cli, &f, &err);
    if (ok) {
        target_begin(&s->target, "/api/v1/documents");
        target_part(&s->target, name, false);
        buf_add_text(&s->target, what);
        write_request(s->cli, &f, &s->text);
        ok = screen_act(s, method, buf_str(&s->text), ret, ret_text, &err);
    }
    if (!ok) {
        *ret_exit = cli_problems(s->cli, &f.problems, &err);
    }
    arena_release(&f.arena);
    return ok;
}

static int close_with(struct screen *s, int code)
{
    struct err none = {0};
    s->count = 1;
    (void)screen_close(s, true, &none, "");
    return code;
}

/* --- set ---------------------------------------------------------------------------------------- */

static void say_effects(struct screen *s, const struct json *e)
{
    struct cli *cli = s->cli;
    bool is_kept = item_bool(e, "kept");
    long long meant = (long long)item_count(e, "devices");
    int64_t troubled = item_count(e, "in_conflict") + item_count(e, "too_much");
    cli_printf(cli, "%s " STR_FMT ": means %lld device%s, %s something for %lld\n",
               is_kept ? "set" : "would set", STR_ARG(item_str(e, "document")), meant,
               meant == 1 ? "" : "s", is_kept ? "changes" : "would change",
               (long long)item_count(e, "changed"));
    if (meant == 0) {
        (void)fprintf(cli_err(cli), "no device is meant by %s now; it counts as soon as one is\n",
                      cli_text(cli, "to"));
    }
    if (troubled > 0) {
        (void)fprintf(cli_err(cli),
                      "conflicts on %lld device%s; say which is to win with --priority:\n",
                      (long long)troubled, troubled == 1 ? "" : "s");
    }
    for (const struct json *c = item_first(e, "conflicts"); c != NULL; c = c->next) {
        (void)fprintf(cli_err(cli), "  " STR_FMT "\n", STR_ARG(c->as.string));
    }
}

static int set(struct screen *s)
{
    const struct json *effects = NULL;
    struct str text = STR_NONE;
    int code = CLI_OK;
    const char *dry = cli_bool(s->cli, "dry-run") ? "?dry_run=true" : "";
    if (send_file(s, HTTP_PUT, dry, &effects, &text, &code)) {
        if (cli_is_json(s->cli)) {
            cli_json(s->cli, text);
        } else {
            say_effects(s, effects);
        }
    }
    return code;
}

int command_desired_set(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    int code = CLI_OK;
    if (cli_text(cli, "to") == NULL) {
        return cli_usage(cli, "which devices is it for? --to 'label:site=berlin', or --to '*'");
    }
    return screen_open(&s, cli, &code) ? close_with(&s, set(&s)) : code;
}

/* --- diff --------------------------------------------------------------------------------------- */

/* One part a line, of those that are not in both. */
static void say_part(struct cli *cli, char mark, const struct json *node, const struct json *others)
{
    AUTO(buf) own = buf_growing(LINE_BYTES_MAX);
    json_write(&own, node);
    for (const struct json *other = others == NULL ? NULL : others->child; other != NULL;
         other = other->next) {
        AUTO(buf) text = buf_growing(LINE_BYTES_MAX);
        json_write(&text, other);
        if (str_eq(buf_str(&text), buf_str(&own)) && str_eq(other->key, node->key)) {
            return;
        }
    }
    if (node->key.len > 0) {
        cli_printf(cli, "  %c " STR_FMT " " STR_FMT "\n", mark, STR_ARG(node->key),
                   STR_ARG(buf_str(&own)));
    } else {
        cli_printf(cli, "  %c schedule " STR_FMT "\n", mark, STR_ARG(buf_str(&own)));
    }
}

static void say_parts(struct cli *cli, char mark, const struct json *from, const struct json *than)
{
    for (const struct json *node = from->child; node != NULL; node = node->next) {
        if (!str_eq(node->key, STR("schedules"))) {
            say_part(cli, mark, node, than);
            continue;
        }
        for (const struct json *s = node->child; s != NULL; s = s->next) {
            say_part(cli, mark, s, json_get(than, "schedules"));
        }
    }
}

static void say_device(struct cli *cli, const struct json *change)
{
    const struct json *before = json_get(change, "before");
    const struct json *after = json_get(change, "after");
    cli_printf(cli, STR_FMT "\n", STR_ARG(item_str(change, "device")));
    if (before != NULL && after != NULL) {
        say_parts(cli, '-', before, after);
        say_parts(cli, '+', after, before);
    }
}

static int diff(struct screen *s)
{
    const struct json *answer = NULL;
    struct str text = STR_NONE;
    struct err err = {0};
    int code = CLI_OK;
    if (!send_file(s, HTTP_POST, "/diff", &answer, &text, &code)) {
        return code;
    }
    const struct json *first = item_first(answer, "devices");
    if (cli_is_json(s->cli)) {
        if (!screen_print_elements(s, text, "devices", &err)) {
            return cli_error(s->cli, &err);
        }
    } else {
        for (const struct json *change = first; change != NULL; change = change->next) {
            say_device(s->cli, change);
        }
    }
    return first != NULL ? CLI_FAILED : CLI_OK;
}

int command_desired_diff(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct screen s;
    int code = CLI_OK;
    return screen_open(&s, cli, &code) ? close_with(&s, diff(&s)) : code;
}

/* --- list --------------------------------------------------------------------------------------- */

static const struct table_column columns[] = {{.name = "DOCUMENT"},
                                              {.name = "PRIORITY"},
                                              {.name = "TO"},
                                              {.name = "SET"},
                                              {.name = "CONTENT", .is_wide = true},
                                              {0}};

static void show_document(struct screen *s, const struct json *d)
{
    struct table *t = &s->table;
    const struct json *content = json_get(d, "content");
    table_cell(t, item_str(d, "document"));
    table_i64(t, item_count(d, "priority"));
    table_cell(t, item_str(d, "to"));
    table_ago(t, item_wall(d, "set_at"), s->now);
    buf_reset(&s->text);
    if (content != NULL) {
        json_write(&s->text, content);
    }
    table_cell(t, buf_str(&s->text));
}

static bool list(struct screen *s, struct err *err)
{
    target_begin(&s->target, "/api/v1/documents");
    return screen_list(s, columns, 0, show_document, err);
}

int command_desired_list(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, list, "no documents; make one: selvedge-hub desired set FILE");
}

/* --- remove ------------------------------------------------------------------------------------- */

static bool remove_document(struct screen *s, struct err *err)
{
    const struct json *none = NULL;
    struct str name = str_from(cli_arg(s->cli, 0));
    s->count++;
    target_begin(&s->target, "/api/v1/documents");
    target_part(&s->target, name, false);
    if (!screen_act(s, HTTP_DELETE, STR_NONE, &none, NULL, err)) {
        return false;
    }
    if (!cli_is_json(s->cli)) {
        cli_printf(s->cli, "removed " STR_FMT "; devices get revisions without it\n",
                   STR_ARG(name));
    }
    return true;
}

int command_desired_remove(struct cli *cli, void *ctx)
{
    (void)ctx;
    return screen_command(cli, remove_document, "");
}
