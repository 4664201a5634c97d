/* find.c - include_paths: patterns of Python's pathlib over the project's folder. */
#include "agent/meltano/glob.h"
#include "agent/meltano/reading.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 32 };

struct search {
    struct reading *r;
    const struct json *pattern;
    struct str parts[PARTS_MAX];
    size_t part_count;
    struct str *found;
    size_t found_count;
    size_t entries;
    bool is_failed; /* it was reported, or the arena is exhausted */
};

static void fail(struct search *s, const char *hint, const char *text)
{
    s->is_failed = true;
    problems_add(&s->r->report->errors, at_node(s->pattern), str_from(hint),
                 "include_paths: " STR_FMT ": %s", STR_ARG(s->pattern->as.string), text);
}

static bool split_pattern(struct search *s)
{
    struct str rest = s->pattern->as.string;
    struct str part = STR_NONE;
    if (str_starts(rest, STR("/"))) {
        fail(s, "write it relative to the folder of meltano.yml", "it is an absolute path");
        return false;
    }
    for (bool has_more = true; has_more;) {
        has_more = str_cut(rest, '/', &part, &rest);
        if (part.len == 0 || str_eq(part, STR("."))) {
            continue;
        }
        if (str_eq(part, STR("..")) || s->part_count == PARTS_MAX) {
            fail(s, NULL,
                 str_eq(part, STR("..")) ? "it leaves the project's folder"
                                         : "it has too many parts");
            return false;
        }
        s->parts[s->part_count++] = part;
    }
    if (s->part_count == 0) {
        fail(s, NULL, "it names no file");
    }
    return s->part_count > 0;
}

static struct str join(struct search *s, struct str folder, struct str name)
{
    struct str path = folder.len == 0 ? arena_copy(s->r->arena, name)
                                      : arena_printf(s->r->arena, STR_FMT "/" STR_FMT,
                                                     STR_ARG(folder), STR_ARG(name));
    s->is_failed = s->is_failed || path.ptr == NULL;
    return path;
}

static bool list(struct search *s, struct str folder, struct buf *names)
{
    struct str dir = s->r->project->dir;
    struct str path = folder.len == 0 ? arena_copy(s->r->arena, dir)
                                      : arena_printf(s->r->arena, STR_FMT "/" STR_FMT, STR_ARG(dir),
                                                     STR_ARG(folder));
    struct err err = {0};
    if (path.ptr == NULL) {
        s->is_failed = true;
        return false;
    }
    return s->r->files->list_folder(s->r->files->ctx, path.ptr, names, &err);
}

static bool is_dots(struct str name)
{
    return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

static void search_folder(struct search *s, struct str folder, size_t part, size_t depth);

/* An entry of a folder against the part of the pattern that is due there. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as folders go, at most FOLDER_DEPTH_MAX */
static void search_entry(struct search *s, struct str folder, struct str entry, size_t part,
                         size_t depth)
{
    char kind = entry.ptr[0];
    struct str name = str_slice(entry, 1, entry.len);
    bool is_last = part + 1 == s->part_count;
    if (str_eq(s->parts[part], STR("**"))) {
        if (kind == 'd') {
            search_folder(s, join(s, folder, name), part, depth + 1);
        }
        return;
    }
    if (!glob_matches(name, s->parts[part])) {
        return;
    }
    struct str path = join(s, folder, name);
    if (s->is_failed) {
        return;
    }
    if (!is_last) {
        if (kind != 'f') {
            search_folder(s, path, part + 1, depth + 1);
        }
    } else if (kind != 'f') {
        fail(s, "match files only, with an ending like *.yml", "it matches a folder");
    } else if (s->found_count < PROJECT_FILES_MAX) {
        s->found[s->found_count++] = path;
    } else {
        fail(s, NULL, "it matches too many files");
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void search_folder(struct search *s, struct str folder, size_t part, size_t depth)
{
    if (s->is_failed) {
        return;
    }
    if (depth > FOLDER_DEPTH_MAX) {
        fail(s, NULL, "the folders are nested too deep");
        return;
    }
    bool is_any = str_eq(s->parts[part], STR("**"));
    if (is_any && part + 1 == s->part_count) {
        fail(s, "match files only, with an ending like **/*.yml", "it matches a folder");
        return;
    }
    if (is_any) {
        search_folder(s, folder, part + 1, depth); /* it may stand for no folder at all */
    }
    AUTO(buf) names = buf_growing(FOLDER_BYTES_MAX);
    if (!list(s, folder, &names)) {
        return; /* what cannot be listed matches nothing, as in Python */
    }
    struct str rest = buf_str(&names);
    struct str entry = STR_NONE;
    while (!s->is_failed && str_cut(rest, '\0', &entry, &rest)) {
        if (++s->entries > PROJECT_ENTRIES_MAX) {
            fail(s, "name folders before the wildcards", "it goes through too many folders");
        } else if (entry.len > 1 && !is_dots(str_slice(entry, 1, entry.len))) {
            search_entry(s, folder, entry, part, depth);
        }
    }
}

static int compare(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

bool find_files(struct reading *r, const struct json *pattern, struct str_list *ret)
{
    struct search s = {.r = r, .pattern = pattern};
    if (pattern->type != JSON_STRING) {
        problems_add(&r->report->errors, at_node(pattern), STR_NONE,
                     "include_paths: expected a pattern, got %s", json_type_name(pattern->type));
        return false;
    }
    s.found = arena_array(r->arena, PROJECT_FILES_MAX, sizeof(*s.found));
    if (s.found == NULL || !split_pattern(&s)) {
        return false;
    }
    search_folder(&s, STR(""), 0, 0);
    qsort(s.found, s.found_count, sizeof(*s.found), compare);
    *ret = (struct str_list){.items = s.found};
    for (size_t i = 0; i < s.found_count; i++) { /* two `**` find a file on two ways */
        if (i == 0 || !str_eq(s.found[i], s.found[i - 1])) {
            s.found[ret->count++] = s.found[i];
        }
    }
    return !s.is_failed;
}
