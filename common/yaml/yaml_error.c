#include "common/yaml/yaml_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool yaml_fail_at(struct err *err, struct str name, yaml_mark_t mark, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return err_set(err, ERR_INVALID, STR_FMT "%s%zu:%zu: %s", STR_ARG(name),
                   str_is_empty(name) ? "" : ":", mark.line + 1, mark.column + 1, text);
}

/* Which place helps: where libyaml stopped, the same with the line where the thing began, or there.
 */
enum place { PLACE_STOP, PLACE_STOP_SINCE, PLACE_BEGIN };

/* libyaml's words and ours. */
struct explanation {
    const char *problem;
    const char *text;
    const char *hint;
    enum place place;
};

static const struct explanation explanations[] = {
    {"found a tab character that violates indentation", "a tab is used for indentation",
     "indent with spaces", PLACE_STOP},
    {"found a tab character where an indentation space is expected",
     "a tab is used for indentation", "indent with spaces", PLACE_STOP},
    {"found unexpected end of stream", "a quote that is never closed", "add the closing quote",
     PLACE_BEGIN},
    {"found unexpected document indicator", "a quote that is never closed", "add the closing quote",
     PLACE_BEGIN},
    {"could not find expected ':'", "expected ':' after this key", "write it as \"key: value\"",
     PLACE_BEGIN},
    {"mapping values are not allowed in this context", "a ':' that does not fit here",
     "give all keys of a mapping the same indentation; put text that contains \": \" in quotes",
     PLACE_STOP},
    {"did not find expected key", "this does not continue the mapping",
     "check the indentation, and the quotes and brackets before this place", PLACE_STOP_SINCE},
    {"did not find expected '-' indicator", "this does not continue the list",
     "give all '-' of a list the same indentation", PLACE_STOP_SINCE},
    {"did not find expected ',' or ']'", "expected ',' or ']' in the list",
     "close the list with ']'", PLACE_STOP_SINCE},
    {"did not find expected ',' or '}'", "expected ',' or '}' in the mapping",
     "close the mapping with '}'", PLACE_STOP_SINCE},
    {"did not find expected node content", "expected a value", "", PLACE_STOP},
    {"did not find expected <document start>", "this does not continue what is above",
     "begin all keys of the top level in the same column", PLACE_STOP},
    {"did not find expected comment or line break", "text behind the '|' or '>'",
     "begin the text in the next line", PLACE_STOP},
    {"found unknown escape character", "an unknown escape in \"...\"",
     "write \\\\ for a backslash, or use '...'", PLACE_STOP},
};

/* The character at a mark, or NUL. Only '\n' counts as line break here: enough to tell a tab. */
static char char_at(struct str text, yaml_mark_t mark)
{
    struct str line = text;
    struct str rest = text;
    for (size_t i = 0; i <= mark.line; i++) {
        (void)str_cut(rest, '\n', &line, &rest);
    }
    size_t column = 0;
    for (size_t i = 0; i < line.len; i++) {
        bool is_continuation = ((unsigned char)line.ptr[i] & 0xc0) == 0x80;
        if (!is_continuation && column++ == mark.column) {
            return line.ptr[i];
        }
    }
    return '\0';
}

static bool fail_reader(struct err *err, struct str name, struct str text,
                        const yaml_parser_t *parser)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < parser->problem_offset && i < text.len; i++) {
        bool is_continuation = ((unsigned char)text.ptr[i] & 0xc0) == 0x80;
        mark.column += is_continuation ? 0 : 1;
        if (text.ptr[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    bool is_encoding = strstr(parser->problem, "UTF-8") != NULL;
    (void)yaml_fail_at(err, name, mark, "%s", is_encoding ? "invalid UTF-8" : parser->problem);
    return is_encoding ? err_hint(err, "save the file as UTF-8") : false;
}

static bool fail_character(struct err *err, struct str name, struct str text,
                           const yaml_parser_t *parser)
{
    char c = char_at(text, parser->problem_mark);
    if (c == '\t') {
        (void)yaml_fail_at(err, name, parser->problem_mark, "a tab is used for indentation");
        return err_hint(err, "indent with spaces");
    }
    (void)yaml_fail_at(err, name, parser->problem_mark, "text cannot begin with '%c'",
                       c > ' ' && c < 0x7f ? c : '?');
    return err_hint(err, "put it in quotes");
}

static bool explain(struct err *err, struct str name, const yaml_parser_t *parser,
                    const struct explanation *e)
{
    char since[48] = "";
    if (e->place == PLACE_STOP_SINCE && parser->context_mark.line < parser->problem_mark.line) {
        (void)snprintf(since, sizeof(since), " that begins in line %zu",
                       parser->context_mark.line + 1);
    }
    (void)yaml_fail_at(err, name,
                       e->place == PLACE_BEGIN ? parser->context_mark : parser->problem_mark,
                       "%s%s", e->text, since);
    return e->hint[0] != '\0' ? err_hint(err, "%s", e->hint) : false;
}

bool yaml_fail_parser(struct err *err, struct str name, struct str text,
                      const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR || parser->problem == NULL) {
        return err_set(err, ERR_NO_MEMORY, STR_FMT ": out of memory", STR_ARG(name));
    }
    if (parser->error == YAML_READER_ERROR) {
        return fail_reader(err, name, text, parser);
    }
    if (strcmp(parser->problem, "found character that cannot start any token") == 0) {
        return fail_character(err, name, text, parser);
    }
    for (size_t i = 0; i < COUNT_OF(explanations); i++) {
        if (strcmp(parser->problem, explanations[i].problem) == 0) {
            return explain(err, name, parser, &explanations[i]);
        }
    }
    return yaml_fail_at(err, name, parser->problem_mark, "%s", parser->problem);
}
