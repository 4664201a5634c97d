/* read.c - the files of a project: meltano.yml, what it includes, .env. */
#include "agent/meltano/reading.h"

#include "agent/meltano/timestamp.h"
#include "common/base/limits.h"
#include "common/yaml/yaml.h"
#include <string.h>

struct location at_node(const struct json *node)
{
    return node == NULL ? (struct location){0}
                        : (struct location){node->line, node->column, node->file};
}

struct location at_key(const struct json *node)
{
    return node == NULL ? (struct location){0}
                        : (struct location){node->key_line, node->key_column, node->file};
}

struct location at_member(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    return member == NULL ? at_node(object) : at_key(member);
}

/* "file:line:column: text" of the parser, as a problem with its place. */
static void report_syntax(struct reading *r, uint32_t file, const struct err *err)
{
    struct str name = r->project->files[file];
    struct str text = str_from(err->msg);
    struct str line = STR_NONE;
    struct str column = STR_NONE;
    struct str rest = STR_NONE;
    struct location at = {.file = file};
    int64_t numbers[2] = {0};
    if (str_starts(text, name)) {
        text = str_trim(str_slice(text, name.len + 1, text.len));
        (void)str_cut(text, ':', &line, &rest);
        (void)str_cut(rest, ':', &column, &rest);
    }
    if (str_to_i64(line, 1, UINT32_MAX, &numbers[0]) &&
        str_to_i64(column, 1, UINT32_MAX, &numbers[1])) {
        at.line = (uint32_t)numbers[0];
        at.column = (uint32_t)numbers[1];
        text = str_trim(rest);
    }
    problems_add(&r->report->errors, at, str_from(err->hint), STR_FMT, STR_ARG(text));
}

/* Gives every node the file's number, and makes dates what Python makes of them. */
static void stamp(struct reading *r, struct json *root, uint32_t file)
{
    struct json *up[TREE_DEPTH_MAX + 1];
    size_t depth = 0;
    for (struct json *node = root; node != NULL;) {
        node->file = file;
        if (node->type == JSON_STRING && node->written.len > 0) {
            (void)timestamp_iso(r->arena, node->as.string, &node->as.string);
        }
        if (node->child != NULL) {
            up[depth++] = node;
            node = node->child;
            continue;
        }
        while (node->next == NULL && depth > 0) {
            node = up[--depth];
        }
        node = node == root ? NULL : node->next;
    }
}

/* The file as a tree that is an object; NULL when it was reported. */
static struct json *parse_file(struct reading *r, uint32_t file, struct str text)
{
    struct json *root = NULL;
    struct err err = {0};
    if (!yaml_parse(text, r->project->files[file], r->arena, &root, &err)) {
        report_syntax(r, file, &err);
        return NULL;
    }
    stamp(r, root, file);
    if (root->type != JSON_OBJECT) {
        problems_add(&r->report->errors, at_node(root), STR_NONE, "expected keys, got %s",
                     json_type_name(root->type));
        return NULL;
    }
    return root;
}

/* Takes the next number for a file. */
static bool add_file(struct reading *r, struct str path, struct location at)
{
    struct meltano_project *p = r->project;
    if (p->file_count == PROJECT_FILES_MAX) {
        problems_add(&r->report->errors, at, STR_NONE, "the project has more than %d files",
                     PROJECT_FILES_MAX);
        return false;
    }
    p->files[p->file_count++] = path;
    r->report->errors.files = p->files;
    r->report->errors.file_count = p->file_count;
    r->report->warnings.files = p->files;
    r->report->warnings.file_count = p->file_count;
    return path.ptr != NULL;
}

static struct json *read_file(struct reading *r, struct str path, struct location at)
{
    if (!add_file(r, path, at)) {
        return NULL;
    }
    uint32_t file = (uint32_t)r->project->file_count - 1;
    AUTO(buf) text = buf_growing(LIMIT_DEFINITIONS_BYTES - r->bytes);
    struct err err = {0};
    if (!r->files->read_file(r->files->ctx, path.ptr, &text, &err)) {
        problems_add(&r->report->errors, at, str_from(err.hint), "%s", err.msg);
        return NULL;
    }
    r->bytes += text.len;
    return parse_file(r, file, buf_str(&text));
}

/* --- what is in two files --- */

static const struct {
    const char *key;
    const char *what;
} named_lists[] = {{"schedules", "schedule"}, {"environments", "environment"}, {"jobs", "job"}};

static const struct json *find_named(const struct json *list, struct str name)
{
    const struct json *item = list == NULL ? NULL : list->child;
    while (item != NULL && !str_eq(tree_get_str(item, "name"), name)) {
        item = item->next;
    }
    return item;
}

/* Meltano refuses one name in two files, since it would not know which one to write back to. */
static void report_shared(struct reading *r, const struct json *whole, const struct json *more,
                          const char *what)
{
    if (whole == NULL || more == NULL || more->type != JSON_ARRAY || whole->type != JSON_ARRAY) {
        return;
    }
    for (const struct json *item = more->child; item != NULL; item = item->next) {
        struct str name = tree_get_str(item, "name");
        const struct json *first = name.len == 0 ? NULL : find_named(whole, name);
        if (first != NULL) {
            struct str file = r->project->files[first->file];
            problems_add(&r->report->errors, at_node(item), STR("take one of the two away"),
                         "%s " STR_FMT " is in " STR_FMT ":%u already", what, STR_ARG(name),
                         STR_ARG(file), first->line);
        }
    }
}

static void report_all_shared(struct reading *r, const struct json *whole, const struct json *more)
{
    for (size_t i = 0; i < COUNT_OF(named_lists); i++) {
        report_shared(r, json_get(whole, named_lists[i].key), json_get(more, named_lists[i].key),
                      named_lists[i].what);
    }
    const struct json *plugins = json_get(whole, "plugins");
    const struct json *others = json_get(more, "plugins");
    for (int type = 0; type < MELTANO_TYPES; type++) {
        const char *key = meltano_type_name((enum meltano_type)type);
        report_shared(r, json_get(plugins, key), json_get(others, key),
                      meltano_type_one((enum meltano_type)type));
    }
}

/* --- included files --- */

static bool is_listed(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

static bool include_file(struct reading *r, struct str name, const struct json *pattern)
{
    struct str dir = r->project->dir;
    bool is_here = str_eq(dir, STR("."));
    struct str path =
        is_here ? arena_copy(r->arena, name)
                : arena_printf(r->arena, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(name));
    const struct json *tree = path.ptr == NULL ? NULL : read_file(r, path, at_node(pattern));
    if (tree == NULL) {
        return false;
    }
    if (json_get(tree, "include_paths") != NULL) {
        problems_add(&r->report->warnings, at_member(tree, "include_paths"), STR_NONE,
                     "include_paths of an included file are not followed");
    }
    report_all_shared(r, r->project->tree, tree);
    r->project->tree = tree_merge(r->arena, r->project->tree, tree);
    return r->project->tree != NULL;
}

static bool include_all(struct reading *r)
{
    const struct json *patterns = json_get(r->project->tree, "include_paths");
    struct str_list seen = {.items = arena_array(r->arena, PROJECT_FILES_MAX, sizeof(struct str))};
    bool ok = seen.items != NULL;
    if (ok && patterns != NULL && patterns->type != JSON_ARRAY) {
        problems_add(&r->report->errors, at_node(patterns), STR_NONE,
                     "include_paths: expected a list of patterns");
        return false;
    }
    for (const struct json *p = patterns == NULL ? NULL : patterns->child; ok && p != NULL;
         p = p->next) {
        struct str_list found = {0};
        ok = find_files(r, p, &found);
        for (size_t i = 0; ok && i < found.count; i++) {
            if (is_listed(&seen, found.items[i]) || str_eq(found.items[i], STR("meltano.yml"))) {
                continue;
            }
            ok = include_file(r, found.items[i], p);
            if (ok) {
                seen.items[seen.count++] = found.items[i]; /* as many as there may be files */
            }
        }
    }
    return ok;
}

static bool read_dotenv(struct reading *r)
{
    struct meltano_project *p = r->project;
    AUTO(buf) text = buf_growing(DOTENV_BYTES_MAX);
    struct err err = {0};
    struct str path = arena_printf(r->arena, STR_FMT "/.env", STR_ARG(p->dir));
    if (path.ptr == NULL) {
        return false;
    }
    if (!r->files->read_file(r->files->ctx, path.ptr, &text, &err)) {
        if (err.code != ERR_NOT_FOUND) {
            problems_add(&r->report->errors, (struct location){0}, str_from(err.hint), "%s",
                         err.msg);
        }
        return err.code == ERR_NOT_FOUND;
    }
    p->dotenv = text.len == 0 ? STR("") : arena_copy(r->arena, buf_str(&text));
    return p->dotenv.ptr != NULL;
}

bool read_project_files(struct reading *r)
{
    struct meltano_project *p = r->project;
    p->files = arena_array(r->arena, PROJECT_FILES_MAX, sizeof(*p->files));
    if (p->files == NULL) {
        return false;
    }
    p->tree = read_file(r, p->path, (struct location){0});
    return p->tree != NULL && include_all(r) && read_dotenv(r);
}
