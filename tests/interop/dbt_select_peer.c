/* dbt_select_peer.c - our side of dbt_select_test.py: selections over manifests, one question a line.
 * {"manifest":PATH,"state":PATH?,"results":{ID:STATUS}?,"fresher":[ID]?,"cases":[{"select":[],
 *  "exclude":[],"selector":"","indirect":""}]} gives {"answers":[{"ids":[]} or {"error":""}]} */
#include "common/dbt/select.h"
#include "common/json/json_writer.h"
#include <stdio.h>
#include <stdlib.h>

enum { QUESTION_BYTES_MAX = 16 << 20, ARENA_BYTES = 128 << 20, CASE_ARENA_BYTES = 64 << 20 };

static void insist(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "dbt_select_peer: %s\n", what);
        abort();
    }
}

static struct str text_of(const struct json *object, const char *key)
{
    const struct json *v = json_get(object, key);
    return v == NULL || v->type != JSON_STRING ? STR_NONE : v->as.string;
}

static struct str_list list_of(const struct json *object, const char *key, struct arena *arena)
{
    const struct json *v = json_get(object, key);
    struct str_list list = {0};
    if (v == NULL || v->count == 0) {
        return list;
    }
    list.items = arena_array(arena, v->count, sizeof(*list.items));
    insist(list.items != NULL, "memory");
    for (const struct json *e = v->child; e != NULL; e = e->next) {
        list.items[list.count++] = e->as.string;
    }
    return list;
}

static struct dbt_project *open_project(const struct json *question, const char *key,
                                        struct arena *arena)
{
    struct dbt_project *project = NULL;
    struct err err = {0};
    const struct json *path = json_get(question, key);
    if (path == NULL) {
        return NULL;
    }
    const struct dbt_open open = {.path = arena_cstr(arena, path->as.string)};
    insist(open.path != NULL && dbt_project_open(&open, &project, &err), err.msg);
    return project;
}

struct asked {
    const struct json *question;
    const struct dbt_project *old;
};

static bool open_old(void *ctx, const struct dbt_project **ret, struct err *err)
{
    const struct asked *asked = ctx;
    (void)err;
    *ret = asked->old;
    return true;
}

static bool get_status(void *ctx, struct str unique_id, struct str *ret_status, struct err *err)
{
    const struct asked *asked = ctx;
    const struct json *result = json_get(asked->question, "results")->child;
    (void)err;
    while (result != NULL && !str_eq(result->key, unique_id)) {
        result = result->next;
    }
    *ret_status = result == NULL ? STR_NONE : result->as.string;
    return true;
}

static bool is_fresher(void *ctx, struct str unique_id, bool *ret, struct err *err)
{
    const struct asked *asked = ctx;
    const struct json *f = json_get(asked->question, "fresher")->child;
    (void)err;
    while (f != NULL && !str_eq(f->as.string, unique_id)) {
        f = f->next;
    }
    *ret = f != NULL;
    return true;
}

static void answer_case(const struct dbt_project *project, const struct dbt_before *before,
                        const struct json *c, struct json_writer *w)
{
    AUTO(arena) arena = arena_new(CASE_ARENA_BYTES);
    struct dbt_selection selection = {.select = list_of(c, "select", &arena),
                                      .exclude = list_of(c, "exclude", &arena),
                                      .selector = text_of(c, "selector"),
                                      .before = *before};
    struct str indirect = text_of(c, "indirect");
    bool *set = NULL;
    struct str_list warnings = {0};
    struct err err = {0};
    insist(indirect.len == 0 || dbt_indirect_from(indirect, &selection.indirect), "indirect");
    jw_begin_object(w);
    if (!dbt_select(project, &selection, &arena, &set, &warnings, &err)) {
        jw_member_str(w, "error", str_from(err.msg));
        jw_end_object(w);
        return;
    }
    jw_key(w, STR("ids"));
    jw_begin_array(w);
    for (size_t i = 0; i < project->count; i++) {
        if (set[i]) {
            jw_str(w, project->nodes[i].unique_id);
        }
    }
    jw_end_array(w);
    jw_key(w, STR("warnings"));
    jw_begin_array(w);
    for (size_t i = 0; i < warnings.count; i++) {
        jw_str(w, warnings.items[i]);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void answer(struct str line, struct arena *arena)
{
    AUTO(buf) out = buf_growing(QUESTION_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    struct json *question = NULL;
    struct err err = {0};
    insist(json_parse(line, QUESTION_BYTES_MAX, arena, &question, &err), err.msg);
    struct dbt_project *project = open_project(question, "manifest", arena);
    struct dbt_project *old = open_project(question, "state", arena);
    struct asked asked = {.question = question, .old = old};
    const struct dbt_before before = {
        .open = old == NULL ? NULL : open_old,
        .status = json_get(question, "results") == NULL ? NULL : get_status,
        .is_fresher = json_get(question, "fresher") == NULL ? NULL : is_fresher,
        .ctx = &asked};
    insist(project != NULL, "no manifest");
    jw_begin_object(&w);
    jw_key(&w, STR("answers"));
    jw_begin_array(&w);
    for (const struct json *c = json_get(question, "cases")->child; c != NULL; c = c->next) {
        answer_case(project, &before, c, &w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    insist(!out.overflow, "an answer that does not fit");
    printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    (void)fflush(stdout);
    dbt_project_close(project);
    dbt_project_close(old);
}

int main(void)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    char *line = NULL;
    size_t size = 0;
    for (ssize_t len = getline(&line, &size, stdin); len > 0; len = getline(&line, &size, stdin)) {
        answer((struct str){line, (size_t)len}, &arena);
        arena_reset(&arena);
    }
    free(line);
    return 0;
}
