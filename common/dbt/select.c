/* DESIGN: a tree of sets (select_spec.h) is evaluated from its leaves up, as dbt does it: each node
 * of the tree gives two sets, the nodes that are selected and the tests that would be were more of
 * their parents. Working sets belong to a depth of the tree, so memory is depth times nodes. */
#include "common/dbt/select_match.h"
#include "common/dbt/select_run.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *select_alloc(struct select_run *run, size_t count, size_t size)
{
    void *p = arena_array(run->arena, count == 0 ? 1 : count, size);
    if (p == NULL) {
        (void)err_set(run->err, ERR_FULL, "a selection needs more than %d bytes of memory",
                      LIMIT_DBT_SELECTION_ARENA);
    }
    return p;
}

bool select_warn(struct select_run *run, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct str warning = str_clip(str_from(len < 0 ? "" : text), sizeof(text) - 1);
    for (size_t i = 0; i < run->warning_count; i++) {
        if (str_eq(run->warnings[i], warning)) {
            return true;
        }
    }
    if (run->warning_count == run->warning_room) {
        size_t room = run->warning_room == 0 ? 8 : run->warning_room * 2;
        struct str *warnings = select_alloc(run, room, sizeof(*warnings));
        if (warnings == NULL) {
            return false;
        }
        if (run->warning_count > 0) {
            memcpy(warnings, run->warnings, run->warning_count * sizeof(*warnings));
        }
        run->warnings = warnings;
        run->warning_room = room;
    }
    struct str copy = arena_copy(run->arena, warning);
    if (copy.ptr == NULL) {
        return err_set(run->err, ERR_NO_MEMORY, "not enough memory for a selection");
    }
    run->warnings[run->warning_count++] = copy;
    return true;
}

static bool take_level(struct select_run *run, size_t depth, struct select_pair *ret)
{
    size_t count = run->project->count;
    if (depth >= LIMIT_DBT_SELECTION_DEPTH) {
        (void)err_set(run->err, ERR_FULL, "a selection is nested more than %d deep",
                      LIMIT_DBT_SELECTION_DEPTH);
        return false;
    }
    struct select_pair *level = &run->levels[depth];
    if (level->direct == NULL) {
        level->direct = select_alloc(run, count, sizeof(bool));
        level->indirect = select_alloc(run, count, sizeof(bool));
        if (level->direct == NULL || level->indirect == NULL) {
            return false;
        }
    }
    memset(level->direct, 0, count);
    memset(level->indirect, 0, count);
    *ret = *level;
    return true;
}

static bool is_empty(const bool *set, size_t count)
{
    return count == 0 || memchr(set, 1, count) == NULL;
}

/* dbt asks for the tests of a named selector when it evaluates that one, and not again. */
static bool eval_criterion(struct select_run *run, const struct spec *spec,
                           struct select_pair *pair)
{
    if (!select_search(run, &spec->criterion, pair->direct)) {
        return false;
    }
    select_add_relatives(run, &spec->criterion, pair->direct);
    if (spec->indirect != DBT_EMPTY && spec->criterion.method != METHOD_SELECTOR) {
        select_add_tests(run, spec->indirect, pair);
    }
    return true;
}

/* `indirect` of both sides holds direct and indirect together. */
static void combine(enum spec_type type, bool *into, const bool *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        into[i] = type == SPEC_INTERSECTION ? into[i] && part[i]
                  : type == SPEC_DIFFERENCE ? into[i] && !part[i]
                                            : into[i] || part[i];
    }
}

static bool warn_empty(struct select_run *run, const struct spec *spec)
{
    const struct spec *first = spec->child;
    struct str nearest = STR_NONE;
    size_t best = 3;
    bool is_name = first != NULL && first->next == NULL && first->criterion.method == METHOD_FQN;
    for (size_t i = 0; is_name && i < run->project->count; i++) {
        struct str name = run->project->nodes[i].name;
        size_t distance = str_distance(first->criterion.value, name);
        if (distance < best && distance < name.len) {
            best = distance;
            nearest = name;
        }
    }
    struct str raw = str_clip(spec->raw, 200);
    return nearest.len == 0
               ? select_warn(run, "\"" STR_FMT "\" selects nothing", STR_ARG(raw))
               : select_warn(run, "\"" STR_FMT "\" selects nothing; did you mean \"" STR_FMT "\"?",
                             STR_ARG(raw), STR_ARG(str_clip(nearest, 200)));
}

/* NOLINTBEGIN(misc-no-recursion): at most LIMIT_DBT_SELECTION_DEPTH deep */
/* The result is in the working sets of `depth`. */
static bool eval(struct select_run *run, const struct spec *spec, size_t depth,
                 struct select_pair *ret)
{
    size_t count = run->project->count;
    struct select_pair part = {0};
    if (!take_level(run, depth, ret)) {
        return false;
    }
    if (spec->type == SPEC_CRITERION) {
        size_t before = run->depth;
        run->depth = depth;
        bool ok = eval_criterion(run, spec, ret);
        run->depth = before;
        return ok;
    }
    for (const struct spec *s = spec->child; s != NULL; s = s->next) {
        if (!eval(run, s, depth + 1, &part)) {
            return false;
        }
        combine(SPEC_UNION, part.indirect, part.direct, count);
        enum spec_type type = s == spec->child ? SPEC_UNION : spec->type;
        combine(type, ret->direct, part.direct, count);
        combine(type, ret->indirect, part.indirect, count);
    }
    select_take_complete(run, spec->indirect, ret);
    return !spec->warns || !is_empty(ret->direct, count) || warn_empty(run, spec);
}

/* --- named selectors ------------------------------------------------------------------------- */

static bool eval_named(struct select_run *run, struct select_named *named, size_t depth)
{
    struct spec *spec = NULL;
    struct select_pair pair = {0};
    const struct json *definition = json_get(named->json, "definition");
    if (named->set != NULL) {
        return true;
    }
    if (named->is_open) {
        return err_set(run->err, ERR_INVALID, "it refers to itself") ||
               err_wrap(run->err, "selector \"" STR_FMT "\"", STR_ARG(str_clip(named->name, 80)));
    }
    named->is_open = true;
    bool ok = (definition != NULL || err_set(run->err, ERR_INVALID, "it has no definition")) &&
              spec_read_definition(&run->reader, definition, &spec) &&
              eval(run, spec, depth, &pair);
    if (!ok) {
        return err_wrap(run->err, "selector \"" STR_FMT "\"", STR_ARG(str_clip(named->name, 80)));
    }
    named->is_open = false;
    named->set = select_alloc(run, run->project->count, sizeof(bool));
    if (named->set == NULL) {
        return false;
    }
    memcpy(named->set, pair.direct, run->project->count);
    return true;
}

static bool not_found(struct select_run *run, struct str name)
{
    struct str nearest = STR_NONE;
    size_t best = 4;
    for (size_t i = 0; i < run->named_count; i++) {
        size_t distance = str_distance(name, run->named[i].name);
        if (distance < best) {
            best = distance;
            nearest = run->named[i].name;
        }
    }
    (void)err_set(run->err, ERR_NOT_FOUND, "there is no selector \"" STR_FMT "\"",
                  STR_ARG(str_clip(name, 80)));
    if (run->named_count == 0) {
        return err_hint(run->err, "the manifest has no selectors: is there a selectors.yml?");
    }
    return nearest.len == 0 ? false
                            : err_hint(run->err, "did you mean \"" STR_FMT "\"?",
                                       STR_ARG(str_clip(nearest, 80)));
}

bool select_search_named(struct select_run *run, const struct criterion *c, bool *set)
{
    bool is_found = false;
    for (size_t i = 0; i < run->named_count; i++) {
        struct select_named *named = &run->named[i];
        if (!select_matches(named->name, c->value)) {
            continue;
        }
        is_found = true;
        if (!eval_named(run, named, run->depth + 1)) {
            return false;
        }
        combine(SPEC_UNION, set, named->set, run->project->count);
    }
    return is_found || not_found(run, c->value);
}
/* NOLINTEND(misc-no-recursion) */

static bool is_default(const struct json *selector)
{
    const struct json *v = json_get(selector, "default");
    return v != NULL && v->type == JSON_BOOL && v->as.boolean;
}

static bool read_named(struct select_run *run, const struct json *selectors)
{
    if (selectors == NULL || selectors->type == JSON_NULL) {
        return true;
    }
    if (selectors->type != JSON_OBJECT) {
        return err_set(run->err, ERR_INVALID, "selectors: it is an object, not %s",
                       json_type_name(selectors->type));
    }
    run->named = select_alloc(run, selectors->count, sizeof(*run->named));
    if (run->named == NULL) {
        return false;
    }
    for (const struct json *m = selectors->child; m != NULL; m = m->next) {
        run->named[run->named_count++] =
            (struct select_named){.name = m->key, .json = m, .is_default = is_default(m)};
    }
    return true;
}

static struct select_named *find_named(struct select_run *run, struct str name)
{
    for (size_t i = 0; i < run->named_count; i++) {
        if (str_eq(run->named[i].name, name)) {
            return &run->named[i];
        }
    }
    return NULL;
}

/* NULL in *ret: there is none. */
static bool find_default(struct select_run *run, struct select_named **ret)
{
    *ret = NULL;
    for (size_t i = 0; i < run->named_count; i++) {
        if (run->named[i].is_default && *ret != NULL) {
            return err_set(run->err, ERR_INVALID,
                           "selectors: both \"" STR_FMT "\" and \"" STR_FMT "\" are the default",
                           STR_ARG(str_clip((*ret)->name, 80)),
                           STR_ARG(str_clip(run->named[i].name, 80)));
        }
        if (run->named[i].is_default) {
            *ret = &run->named[i];
        }
    }
    return true;
}

/* --- the whole ------------------------------------------------------------------------------- */

static const struct str_list *or_all(const struct str_list *texts)
{
    static struct str all[] = {STR_INIT("fqn:*"), STR_INIT("source:*"), STR_INIT("exposure:*"),
                               STR_INIT("metric:*"), STR_INIT("semantic_model:*")};
    static const struct str_list everything = {all, COUNT_OF(all)};
    return texts->count == 0 ? &everything : texts;
}

static bool eval_texts(struct select_run *run, const struct dbt_selection *selection, bool *ret_set)
{
    struct spec *all = spec_new(&run->reader, SPEC_DIFFERENCE, DBT_EAGER);
    struct select_pair pair = {0};
    if (all == NULL) {
        return false;
    }
    bool ok = spec_read_texts(&run->reader, or_all(&selection->select), selection->select.count > 0,
                              &all->child) &&
              (spec_read_texts(&run->reader, &selection->exclude, true, &all->child->next) ||
               err_wrap(run->err, "exclude")) &&
              (all->child->child != NULL ||
               select_warn(run, "the selection has no word: it selects nothing")) &&
              eval(run, all, 0, &pair);
    if (ok) {
        memcpy(ret_set, pair.direct, run->project->count);
    }
    return ok;
}

static bool eval_all(struct select_run *run, const struct dbt_selection *selection,
                     const struct json *selectors, bool *ret_set)
{
    struct select_named *named = NULL;
    bool has_texts = selection->select.count > 0 || selection->exclude.count > 0;
    if (!read_named(run, selectors) || !find_default(run, &named)) {
        return false;
    }
    if (selection->selector.len > 0) {
        if (has_texts) {
            return err_set(run->err, ERR_INVALID,
                           "a selector is named beside a selection: give one of them");
        }
        named = find_named(run, selection->selector);
        if (named == NULL) {
            return not_found(run, selection->selector);
        }
    }
    if (named == NULL || has_texts) {
        return eval_texts(run, selection, ret_set);
    }
    if (!eval_named(run, named, 0) || named->set == NULL) {
        return false;
    }
    memcpy(ret_set, named->set, run->project->count);
    return true;
}

static bool take_warnings(const struct select_run *run, struct arena *arena, struct str_list *ret)
{
    ret->count = 0;
    ret->items = run->warning_count == 0
                     ? NULL
                     : arena_array(arena, run->warning_count, sizeof(*ret->items));
    if (run->warning_count > 0 && ret->items == NULL) {
        return false;
    }
    for (size_t i = 0; i < run->warning_count; i++) {
        ret->items[i] = arena_copy(arena, run->warnings[i]);
        if (ret->items[i].ptr == NULL) {
            return false;
        }
        ret->count++;
    }
    return true;
}

static bool run_all(struct select_run *run, const struct dbt_selection *selection, bool *set)
{
    size_t count = run->project->count;
    struct json *read = NULL;
    const struct json *selectors = selection->selectors;
    if (selectors == NULL) {
        if (!dbt_project_read_selectors(run->project, run->arena, &read, run->err)) {
            return false;
        }
        selectors = read;
    }
    run->queue = select_alloc(run, count, sizeof(*run->queue));
    run->from = select_alloc(run, count, sizeof(bool));
    run->mark = select_alloc(run, count, sizeof(bool));
    if (run->queue == NULL || run->from == NULL || run->mark == NULL ||
        !eval_all(run, selection, selectors, set)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        set[i] = set[i] && run->project->nodes[i].type != DBT_OPERATION;
    }
    return true;
}

bool dbt_select(const struct dbt_project *project, const struct dbt_selection *selection,
                struct arena *arena, bool **ret_set, struct str_list *ret_warnings, struct err *err)
{
    AUTO(arena) work = arena_new(LIMIT_DBT_SELECTION_ARENA);
    struct select_run run = {
        .project = project,
        .before = &selection->before,
        .reader = {.arena = &work, .indirect = selection->indirect, .err = err},
        .arena = &work,
        .node = arena_new(LIMIT_DBT_SELECTION_ARENA),
        .old_node = arena_new(LIMIT_DBT_SELECTION_ARENA),
        .err = err,
    };
    bool *set = arena_array(arena, project->count == 0 ? 1 : project->count, sizeof(*set));
    struct str_list warnings = {0};
    if (set == NULL) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a selection");
    }
    bool ok = run_all(&run, selection, set);
    arena_release(&run.node);
    arena_release(&run.old_node);
    if (!ok) {
        return false;
    }
    if (!take_warnings(&run, arena, &warnings)) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory for a selection's warnings");
    }
    *ret_set = set;
    *ret_warnings = warnings;
    return true;
}
