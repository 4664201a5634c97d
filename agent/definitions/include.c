/* DESIGN: files are read in rounds, not recursively: each one read appends those that it includes
 * to a list, which is worked off from the front. Each file's tree is read by the tables on its own,
 * so that problems speak of its own lists; then join.c makes one of them: all later checks see one
 * file. */
#include "agent/definitions/reading.h"

#include "common/base/limits.h"
#include "common/json/json_tree.h"
#include "common/yaml/yaml.h"
#include <stdlib.h>
#include <string.h>

enum { FOLDER_BYTES_MAX = 4 << 20, SHOWN_BYTES_MAX = 200 };

/* --- paths --- */

static struct str folder_of(struct str path)
{
    struct str folder = STR_NONE;
    struct str name = STR_NONE;
    (void)str_cut_last(path, '/', &folder, &name);
    return str_slice(path, 0, path.len - name.len); /* with its '/', or empty */
}

/* `written` beside the file that names it. STR_NONE: no memory. */
static struct str beside(struct loader *l, struct str file, struct str written)
{
    if (written.len > 0 && written.ptr[0] == '/') {
        return written;
    }
    struct str folder = folder_of(file);
    return arena_printf(&l->scratch, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(written));
}

/* Without empty parts, "." and, where there is something before it, "..". STR_NONE: no memory. */
static struct str identity_of(struct loader *l, struct str path)
{
    bool is_absolute = path.len > 0 && path.ptr[0] == '/';
    char *text = arena_alloc(&l->scratch, path.len + 2);
    struct str part = STR_NONE;
    size_t len = 0;
    size_t kept = 0; /* what ".." may not take away: leading ".." of a relative path */
    if (text == NULL) {
        return STR_NONE;
    }
    for (bool has_more = true; has_more;) {
        has_more = str_cut(path, '/', &part, &path);
        bool is_up = str_eq(part, STR(".."));
        if (part.len == 0 || str_eq(part, STR(".")) || (is_up && is_absolute && len == 0)) {
            continue;
        }
        if (is_up && len > kept) {
            while (text[--len] != '/') {
            }
            continue;
        }
        text[len++] = '/';
        memcpy(text + len, part.ptr, part.len);
        len += part.len;
        kept = is_up ? len : kept;
    }
    /* The first '/' is that of an absolute path. */
    return (struct str){text + !is_absolute, len > 0 ? len - !is_absolute : 0};
}

/* --- one more file --- */

static void include_problem(struct reading *r, struct location at, const struct err *err,
                            struct str path)
{
    problems_add(r->l->problems, at, str_from(err->hint), "include " STR_FMT ": %s",
                 STR_ARG(str_slice(path, 0, SHOWN_BYTES_MAX)), err->msg);
}

static bool is_ancestor(const struct reading *r, size_t file, size_t of)
{
    while (of != file && of != 0) {
        of = r->sources[of].at.file;
    }
    return of == file;
}

static void say_twice(struct reading *r, size_t earlier, struct location at, struct str path)
{
    const struct source *first = &r->sources[earlier];
    struct err err = {0};
    if (earlier == at.file) {
        (void)err_set(&err, ERR_INVALID, "the file includes itself");
        (void)err_hint(&err, "keep included files in a folder of their own");
    } else if (is_ancestor(r, earlier, at.file)) {
        (void)err_set(&err, ERR_INVALID, "that file includes this one, in the end");
        (void)err_hint(&err, "each file is included once");
    } else {
        (void)err_set(&err, ERR_INVALID, "it is included twice (first in " STR_FMT ":%u)",
                      STR_ARG(r->sources[first->at.file].path), first->at.line);
        (void)err_hint(&err, "each file is included once");
    }
    include_problem(r, at, &err, path);
}

static void add_source(struct reading *r, struct str path, struct location at)
{
    struct loader *l = r->l;
    struct err err = {0};
    struct source source = {.path = path, .at = at, .identity = identity_of(l, path)};
    if (path.ptr == NULL || source.identity.ptr == NULL) {
        return; /* the arena remembers */
    }
    source.depth = r->count == 0 ? 0 : r->sources[at.file].depth + 1;
    for (size_t i = 0; i < r->count; i++) {
        if (str_eq(r->sources[i].identity, source.identity)) {
            say_twice(r, i, at, path);
            return;
        }
    }
    if (source.depth > LIMIT_INCLUDE_DEPTH) {
        (void)err_set(&err, ERR_FULL, "files include one another more than %d deep",
                      LIMIT_INCLUDE_DEPTH);
        include_problem(r, at, &err, path);
    } else if (r->count == LIMIT_DEFINITIONS_FILES) {
        (void)err_set(&err, ERR_FULL, "there are more than %d files", LIMIT_DEFINITIONS_FILES);
        include_problem(r, at, &err, path);
    } else {
        r->sources[r->count] = source;
        r->names[r->count] = arena_copy(l->problems->arena, path);
        r->count++;
        l->problems->file_count = r->count;
    }
}

/* --- wildcards --- */

static int compare_names(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Those of the names, each with a NUL behind it, that match; sorted. False: no memory. */
static bool match_names(struct loader *l, struct str names, struct str pattern,
                        struct str_list *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < names.len; i++) {
        count += names.ptr[i] == '\0';
    }
    *ret = (struct str_list){.items = arena_array(&l->scratch, count, sizeof(*ret->items))};
    if (ret->items == NULL) {
        return false;
    }
    struct str name = STR_NONE;
    while (str_cut(names, '\0', &name, &names)) {
        bool is_hidden = str_starts(name, STR(".")) && !str_starts(pattern, STR("."));
        if (!is_hidden && str_matches(name, pattern)) {
            ret->items[ret->count++] = name;
        }
    }
    qsort(ret->items, ret->count, sizeof(*ret->items), compare_names);
    return true;
}

static bool is_pattern(struct str path)
{
    return str_contains(path, STR("*")) || str_contains(path, STR("?"));
}

/* A folder without files that match is fine: they may come later. */
static void add_matching(struct reading *r, struct str path, struct location at)
{
    struct loader *l = r->l;
    struct str folder = folder_of(path);
    struct str pattern = str_slice(path, folder.len, path.len);
    struct str shown = folder.len == 0 ? STR(".") : folder;
    const char *text = arena_cstr(&l->scratch, shown);
    AUTO(buf) names = buf_growing(FOLDER_BYTES_MAX);
    struct str_list found = {0};
    struct err err = {0};
    if (text == NULL) {
        return; /* the arena remembers */
    }
    if (is_pattern(folder)) {
        (void)err_set(&err, ERR_INVALID, "wildcards may stand in the last part only");
        include_problem(r, at, &err, path);
        return;
    }
    if (!l->files->list_folder(l->files->ctx, text, &names, &err)) {
        include_problem(r, at, &err, path);
        return;
    }
    size_t before = l->problems->total;
    if (!match_names(l, buf_str(&names), pattern, &found)) {
        return; /* the arena remembers */
    }
    for (size_t i = 0; i < found.count && l->problems->total == before; i++) {
        add_source(
            r, arena_printf(&l->scratch, STR_FMT STR_FMT, STR_ARG(folder), STR_ARG(found.items[i])),
            at);
    }
}

static void add_included(struct reading *r, size_t index)
{
    const struct source *source = &r->sources[index];
    const struct str_list *include = &source->raw.include;
    for (size_t i = 0; i < include->count; i++) {
        struct str written = include->items[i];
        struct location at = place_of_item(source->root, "include", i);
        struct str path = written.ptr == NULL ? STR_NONE : beside(r->l, source->path, written);
        struct err err = {0};
        if (path.ptr == NULL) {
            continue; /* reported, or the arena remembers */
        }
        if (str_contains(written, STR("${"))) {
            (void)err_set(&err, ERR_INVALID, "variables are not filled in here");
            (void)err_hint(&err, "files are included when the definitions are loaded");
            include_problem(r, at, &err, written);
        } else if (written.len == 0 || path.len > LIMIT_PATH_BYTES) {
            (void)err_set(&err, ERR_INVALID, "the path is empty or too long");
            include_problem(r, at, &err, written);
        } else if (is_pattern(path)) {
            add_matching(r, path, at);
        } else {
            add_source(r, path, at);
        }
    }
}

/* A project in two environments is two. */
static void add_projects(struct reading *r, size_t index)
{
    const struct source *source = &r->sources[index];
    const struct meltano_entry *entries = source->raw.meltano.items;
    for (size_t i = 0; i < source->raw.meltano.count; i++) {
        if (entries[i].project.ptr == NULL) {
            continue; /* reported */
        }
        size_t before = r->count;
        struct str path = beside(r->l, source->path, entries[i].project);
        struct str name = arena_printf(&r->l->scratch, STR_FMT " (" STR_FMT ")", STR_ARG(path),
                                       STR_ARG(entries[i].environment));
        add_source(r, entries[i].environment.len == 0 ? path : name, entries[i].at);
        if (r->count > before) {
            r->sources[before].path = path;
            r->sources[before].meltano = &entries[i];
        }
    }
}

/* A path of the entry as the definitions are to name it: relative to their own folder. What begins
 * with a variable stays as it is. */
static struct str path_in(const struct reading *r, const struct source *source, struct str written)
{
    if (written.len == 0 || str_starts(written, STR("$"))) {
        return written;
    }
    struct str path = beside(r->l, source->path, written);
    struct str folder = folder_of(r->l->defs->path);
    return str_starts(path, folder) ? str_slice(path, folder.len, path.len) : path;
}

/* A name among the files: the same manifest may be there twice, with other nodes of it. */
static struct str name_of_dbt(const struct reading *r, struct str path, uint32_t line)
{
    struct str identity = identity_of(r->l, path);
    for (size_t i = 0; i < r->count; i++) {
        if (str_eq(r->sources[i].identity, identity)) {
            return arena_printf(&r->l->scratch, STR_FMT " (line %u)", STR_ARG(path), line);
        }
    }
    return path;
}

static void add_dbt(struct reading *r, size_t index, const struct raw_dbt *raw,
                    const struct json *node)
{
    const struct source *source = &r->sources[index];
    struct dbt_entry *entry = arena_alloc(&r->l->scratch, sizeof(*entry));
    struct err err = {0};
    if (raw->entry.run.manifest.ptr == NULL || entry == NULL) {
        return; /* reported, or the arena remembers */
    }
    *entry = raw->entry;
    if (str_contains(entry->run.manifest, STR("${"))) {
        (void)err_set(&err, ERR_INVALID, "variables are not filled in here");
        problems_add(r->l->problems, entry->at,
                     STR("the manifest is read when the definitions are loaded"),
                     "dbt: manifest: %s", err.msg);
        return;
    }
    entry->node = node;
    entry->run.manifest = path_in(r, source, entry->run.manifest);
    entry->run.incremental = path_in(r, source, entry->run.incremental);
    entry->run.state = path_in(r, source, entry->run.state);
    entry->run.project_dir = path_in(r, source, entry->run.project_dir);
    entry->run.profiles_dir = path_in(r, source, entry->run.profiles_dir);
    size_t before = r->count;
    struct str path = beside(r->l, source->path, raw->entry.run.manifest);
    add_source(r, name_of_dbt(r, path, entry->at.line), entry->at);
    if (r->count > before) {
        r->sources[before].dbt = entry;
    }
}

static void add_dbt_projects(struct reading *r, size_t index)
{
    const struct raw_dbt *raw = r->sources[index].raw.dbt.items;
    size_t count = r->sources[index].raw.dbt.count;
    const struct json *node = first_of(r->sources[index].root, "dbt");
    for (size_t i = 0; i < count && node != NULL; i++, node = node->next) {
        add_dbt(r, index, &raw[i], node);
    }
}

/* --- from text to struct --- */

/* "file:line:column: text" of the parser, as a problem with its place. */
static void add_syntax_problem(struct loader *l, const struct source *source, size_t index,
                               const struct err *err)
{
    struct str text = str_from(err->msg);
    struct str rest = text;
    struct str line = STR_NONE;
    struct str column = STR_NONE;
    struct location at = {.file = (uint32_t)index};
    int64_t number = 0;
    bool has_place = str_starts(text, source->path);
    if (has_place) {
        text = str_trim(str_slice(text, source->path.len + 1, text.len));
        rest = text;
        (void)str_cut(rest, ':', &line, &rest);
        (void)str_cut(rest, ':', &column, &rest);
    }
    if (str_to_i64(line, 1, UINT32_MAX, &number)) {
        at.line = (uint32_t)number;
    }
    if (at.line > 0 && str_to_i64(column, 1, UINT32_MAX, &number)) {
        at.column = (uint32_t)number;
        text = str_trim(rest);
    } else {
        at.line = 0;
    }
    problems_add(l->problems, at, str_from(err->hint), STR_FMT, STR_ARG(text));
}

/* Gives every node the file's number; what nobody wrote, the place of what it was made for. */
static void stamp(struct json *root, uint32_t file, const struct location *at)
{
    struct json *up[LIMIT_YAML_DEPTH + 1];
    size_t depth = 0;
    for (struct json *node = root; node != NULL;) {
        node->file = file;
        if (at != NULL) {
            node->file = at->file;
            node->line = node->key_line = at->line;
            node->column = node->key_column = at->column;
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

struct json *take_member(struct json *object, struct str key)
{
    for (struct json **at = &object->child; *at != NULL; at = &(*at)->next) {
        if (str_eq((*at)->key, key)) {
            struct json *member = *at;
            *at = member->next;
            member->next = NULL;
            object->count--;
            return member;
        }
    }
    return NULL;
}

/* What was made of a dbt project is JSON, and may be large. */
static bool parse_text(struct reading *r, const struct source *source, struct str text,
                       struct json **ret)
{
    struct loader *l = r->l;
    return source->dbt != NULL ? json_parse(text, text.len, &l->scratch, ret, r->err)
                               : yaml_parse(text, source->path, &l->scratch, ret, r->err);
}

static bool parse_source(struct reading *r, size_t index, struct str text)
{
    struct loader *l = r->l;
    struct source *source = &r->sources[index];
    struct json *root = NULL;
    bool is_project = source->meltano != NULL || source->dbt != NULL;
    if (!parse_text(r, source, text, &root)) {
        l->is_whole = false;
        if (r->err->code == ERR_INVALID) {
            add_syntax_problem(l, source, index, r->err);
        }
        return r->err->code == ERR_INVALID;
    }
    stamp(root, (uint32_t)index, is_project ? &source->at : NULL);
    const struct json *project =
        index > 0 && root->type == JSON_OBJECT ? take_member(root, STR("project")) : NULL;
    if (project != NULL) {
        problems_add(l->problems, place_of_key(project), STR("take it away"),
                     "project is named in the main file only, " STR_FMT,
                     STR_ARG(r->sources[0].path));
    }
    source->root = root;
    const struct field_table *table = index == 0 ? &definitions_table : &included_table;
    bool is_clean = fields_read(root, table, STR(""), &l->scratch, l->problems, &source->raw);
    bool has_memory = own_texts(&l->defs->arena, table, &source->raw);
    if (!has_memory || (!is_clean && l->scratch.exhausted)) {
        return false; /* the arena remembers */
    }
    return true;
}

/* How the definitions call it: relative to their own folder. */
static struct str name_of_project(const struct reading *r, const struct source *source)
{
    struct str folder = folder_of(r->l->defs->path);
    return str_starts(source->path, folder) ? str_slice(source->path, folder.len, source->path.len)
                                            : source->path;
}

static bool read_text(struct reading *r, const struct source *source, const char *path,
                      struct buf *into, struct err *err)
{
    const struct definitions_files *files = r->l->files;
    if (source->dbt != NULL) {
        return files->read_dbt != NULL
                   ? files->read_dbt(files->ctx, folder_of(r->l->defs->path), source->dbt, into,
                                     err)
                   : err_set(err, ERR_INVALID, "dbt projects cannot be read here");
    }
    if (source->meltano == NULL) {
        return files->read_file(files->ctx, path, into, err);
    }
    if (files->read_meltano == NULL) {
        return err_set(err, ERR_INVALID, "Meltano projects cannot be read here");
    }
    return files->read_meltano(files->ctx, path, name_of_project(r, source), source->meltano, into,
                               err);
}

static bool read_source(struct reading *r, size_t index)
{
    struct loader *l = r->l;
    const struct source *source = &r->sources[index];
    bool is_dbt = source->dbt != NULL;
    size_t max = is_dbt ? LIMIT_DBT_DEFINITIONS_BYTES : LIMIT_DEFINITIONS_BYTES;
    size_t *bytes = is_dbt ? &r->dbt_bytes : &r->bytes;
    AUTO(buf) text = buf_growing(max);
    struct err err = {0};
    const char *path = arena_cstr(&l->scratch, source->path);
    if (path == NULL) {
        return false;
    }
    bool has_text = read_text(r, source, path, &text, &err);
    if (!has_text || text.len > max - *bytes) {
        if (has_text) {
            (void)err_set(&err, ERR_FULL, STR_FMT ": the %s are larger than %zu MiB together",
                          STR_ARG(source->path), is_dbt ? "definitions of dbt projects" : "files",
                          max >> 20);
        }
        l->is_whole = false;
        problems_add(l->problems, source->at, str_from(err.hint), "%s: %s",
                     is_dbt                    ? "dbt"
                     : source->meltano == NULL ? "include"
                                               : "meltano",
                     err.msg);
        return true;
    }
    *bytes += text.len;
    return parse_source(r, index, buf_str(&text));
}

/* --- all of them --- */

/* The names of the files stay with the definitions. */
static bool keep_names(struct reading *r)
{
    struct definitions *defs = r->l->defs;
    struct str *files = arena_array(&defs->arena, r->count, sizeof(*files));
    if (files == NULL) {
        return false;
    }
    for (size_t i = 0; i < r->count; i++) {
        files[i] = arena_copy(&defs->arena, r->sources[i].path);
    }
    defs->files = files;
    defs->file_count = r->count;
    return !defs->arena.exhausted;
}

static bool start(struct reading *r)
{
    struct loader *l = r->l;
    r->sources = arena_array(&l->scratch, LIMIT_DEFINITIONS_FILES, sizeof(*r->sources));
    r->names = arena_array(l->problems->arena, LIMIT_DEFINITIONS_FILES, sizeof(*r->names));
    l->problems->files = r->names;
    return r->sources != NULL && r->names != NULL;
}

bool read_files(struct loader *l, struct str text, struct err *err)
{
    struct reading r = {.l = l, .err = err, .bytes = text.len};
    bool ok = start(&r);
    if (ok) {
        add_source(&r, l->defs->path, (struct location){0});
        ok = r.count == 1 && parse_source(&r, 0, text);
    }
    if (!ok || r.sources[0].root == NULL) {
        return ok; /* nothing to go on with */
    }
    for (size_t i = 0; i < r.count; i++) {
        if (i > 0 && !read_source(&r, i)) {
            return false;
        }
        add_included(&r, i);
        add_projects(&r, i);
        add_dbt_projects(&r, i);
    }
    return join_files(&r) && keep_names(&r);
}
