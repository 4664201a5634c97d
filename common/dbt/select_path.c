/* path: as a glob over paths that the manifest names, since a device has no project to look into.
 *
 * DESIGN: dbt globs the root project's folder and selects what is at, or below, what it finds, or
 * was described in it; nodes of other packages too, whose paths are relative to their own roots.
 * Here the folder is what nodes of the root project say of it: their files, their YAML files, and
 * the folders above. */
#include "common/dbt/select_match.h"
#include "common/dbt/select_run.h"
#include <stdlib.h>
#include <string.h>

struct pattern {
    struct str *parts;
    size_t count;
    bool is_folder; /* "models/" and what ends in "**" are folders only */
};

static bool read_pattern(struct select_run *run, struct str text, struct pattern *ret)
{
    struct str rest = text;
    ret->parts = select_alloc(run, text.len / 2 + 1, sizeof(struct str));
    if (ret->parts == NULL) {
        return false;
    }
    ret->is_folder = str_ends(text, STR("/"));
    while (rest.ptr != NULL) {
        struct str part = STR_NONE;
        (void)str_cut(rest, '/', &part, &rest);
        if (part.len > 0 && !str_eq(part, STR("."))) {
            ret->parts[ret->count++] = part;
        }
    }
    if (ret->count > 0 && str_eq(ret->parts[ret->count - 1], STR("**"))) {
        ret->is_folder = true;
    }
    return true;
}

static struct str next_part(struct str path, size_t *at)
{
    struct str part = STR_NONE;
    struct str rest = STR_NONE;
    (void)str_cut(str_slice(path, *at, path.len), '/', &part, &rest);
    *at += part.len + 1;
    return part;
}

/* "**" is any number of whole parts. */
static bool fits(const struct pattern *pattern, struct str path)
{
    size_t at = 0;
    size_t p = 0;
    size_t star = SIZE_MAX;
    size_t star_at = 0;
    while (at < path.len) {
        if (p < pattern->count && str_eq(pattern->parts[p], STR("**"))) {
            star = ++p;
            star_at = at;
            continue;
        }
        if (p < pattern->count && select_matches(next_part(path, &at), pattern->parts[p])) {
            p++;
            continue;
        }
        if (star == SIZE_MAX) {
            return false;
        }
        (void)next_part(path, &star_at);
        at = star_at;
        p = star;
    }
    while (p < pattern->count && str_eq(pattern->parts[p], STR("**"))) {
        p++;
    }
    return p == pattern->count;
}

/* The paths at which a node is found: 0 its file, 1 its YAML file, then each folder above its file,
 * at last the root (""). False: no more. */
static bool path_of(const struct dbt_node *node, size_t which, struct str *ret)
{
    struct str head = node->file_path;
    struct str tail = STR_NONE;
    if (which == 1) {
        *ret = node->patch_path;
        return true;
    }
    for (size_t up = which; up > 1; up--) {
        if (head.len == 0) {
            return false;
        }
        struct str whole = head;
        if (!str_cut_last(whole, '/', &head, &tail)) {
            head = STR("");
        }
    }
    *ret = head;
    return true;
}

/* Sorted, without repeats. */
struct found {
    struct str *paths;
    size_t count;
    size_t room;
};

static int compare(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool add_found(struct select_run *run, struct found *found, struct str path)
{
    if (found->count > 0 && str_eq(found->paths[found->count - 1], path)) {
        return true;
    }
    if (found->count == found->room) {
        size_t room = found->room == 0 ? 64 : found->room * 2;
        struct str *paths = select_alloc(run, room, sizeof(*paths));
        if (paths == NULL) {
            return false;
        }
        if (found->count > 0) {
            memcpy(paths, found->paths, found->count * sizeof(*paths));
        }
        found->paths = paths;
        found->room = room;
    }
    found->paths[found->count++] = path;
    return true;
}

static bool is_of_root(const struct select_run *run, const struct dbt_node *node)
{
    return run->project->name.len == 0 || str_eq(node->package, run->project->name);
}

/* What is at the node's paths that the pattern finds goes to `found`. */
static bool look_at(struct select_run *run, const struct pattern *pattern,
                    const struct dbt_node *node, struct found *found, bool *ret)
{
    struct str path = STR_NONE;
    for (size_t which = 0; path_of(node, which, &path); which++) {
        bool is_file = which < 2;
        if ((is_file && (path.len == 0 || pattern->is_folder)) || !fits(pattern, path)) {
            continue;
        }
        *ret = true;
        if (!add_found(run, found, path)) {
            return false;
        }
    }
    return true;
}

static bool is_found(const struct found *found, const struct dbt_node *node)
{
    struct str path = STR_NONE;
    for (size_t which = 0; path_of(node, which, &path); which++) {
        if ((which >= 2 || path.len > 0) && found->count > 0 &&
            bsearch(&path, found->paths, found->count, sizeof(path), compare) != NULL) {
            return true;
        }
    }
    return false;
}

bool select_search_path(struct select_run *run, const struct criterion *c, bool *set)
{
    struct pattern pattern = {0};
    struct found found = {0};
    if (!read_pattern(run, c->value, &pattern)) {
        return false;
    }
    for (size_t i = 0; i < run->project->count; i++) {
        const struct dbt_node *node = &run->project->nodes[i];
        if (is_of_root(run, node) && !look_at(run, &pattern, node, &found, &set[i])) {
            return false;
        }
    }
    if (found.count > 0) {
        qsort(found.paths, found.count, sizeof(*found.paths), compare);
    }
    for (size_t i = 0; i < run->project->count; i++) {
        const struct dbt_node *node = &run->project->nodes[i];
        if (!is_of_root(run, node) && is_found(&found, node)) {
            set[i] = true;
        }
    }
    return true;
}
