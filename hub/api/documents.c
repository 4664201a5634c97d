/* documents.c - documents of desired state: listed, set, compared, taken away. */
#include "hub/api/api_internal.h"

#include "hub/desired/document.h"
#include "hub/desired/effects.h"
#include "hub/fleet/poke.h"

enum {
    REQUEST_ARENA_BYTES = 64 << 20,
    CONFLICTS_SHOWN = 5,
    CONFLICTS_BYTES = 1 << 20,
    PRIORITY_MAX = 1000000,
};

/* --- the list ---------------------------------------------------------------------------------- */

static void add_document(void *ctx, const struct document_row *row)
{
    struct page *page = ctx;
    if (page_takes(page, row->name)) {
        jw_begin_object(&page->w);
        jw_member_str(&page->w, "document", row->name);
        jw_member_i64(&page->w, "priority", row->priority);
        jw_member_str(&page->w, "to", row->target);
        jw_member_wall(&page->w, "set_at", row->set);
        jw_member_raw(&page->w, "content", row->content);
        jw_end_object(&page->w);
    }
}

bool api_documents(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = document_each(api->desired, add_document, &page, err);
    page_end(&page);
    return ok;
}

/* --- one that is asked for --------------------------------------------------------------------- */

struct request {
    struct arena arena;
    struct layer layer;
    struct str target;
    struct buf content; /* as it is kept */
};

static void release(struct request *r)
{
    buf_release(&r->content);
    arena_release(&r->arena);
}

static bool read_content(struct request *r, const struct json *body, struct err *err)
{
    struct problems problems = {.arena = &r->arena, .file = STR("content")};
    const struct json *content = json_get(body, "content");
    if (content == NULL || content->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "content is an object: what is wanted");
    }
    if (!document_check(content, &r->arena, &problems, &r->layer.content, err)) {
        return false;
    }
    document_write(&r->layer.content, &r->content);
    return true;
}

/* Without one, that of the document of this name. */
static bool find_target(struct api *api, struct request *r, struct err *err)
{
    struct document_row row;
    bool found = false;
    if (!str_is_empty(r->target)) {
        return true;
    }
    if (!document_get(api->desired, r->layer.name, &r->arena, &row, &found, err)) {
        return false;
    }
    r->target = found ? row.target : STR_NONE;
    return found || err_set(err, ERR_INVALID, "to is needed: which devices is it for?");
}

static bool read_request(struct api *api, struct http_request *rq, struct request *r,
                         struct err *err)
{
    const struct json *body = NULL;
    struct targets *targets = NULL;
    *r = (struct request){.arena = arena_new(REQUEST_ARENA_BYTES),
                          .layer = {.name = rq->args[0]},
                          .content = buf_growing(DOCUMENT_BYTES_MAX)};
    if (!document_name_is_valid(r->layer.name)) {
        return err_set(err, ERR_INVALID,
                       "a document's name is 1 to %d letters, digits, '_', '-' and '.'",
                       LIMIT_NAME_BYTES);
    }
    if (!api_body(rq, &body, err)) {
        return false;
    }
    const struct json *priority = json_get(body, "priority");
    r->target = api_member(body, "to");
    if (priority != NULL && (priority->type != JSON_INT || priority->as.integer < -PRIORITY_MAX ||
                             priority->as.integer > PRIORITY_MAX)) {
        return err_set(err, ERR_INVALID, "priority is a number from %d to %d", -PRIORITY_MAX,
                       PRIORITY_MAX);
    }
    r->layer.priority = priority == NULL ? 0 : priority->as.integer;
    if (!read_content(r, body, err) || !find_target(api, r, err) ||
        !document_target(r->target, &r->arena, &targets, err)) {
        return false;
    }
    r->layer.targets = targets;
    return true;
}

/* --- set --------------------------------------------------------------------------------------- */

struct effects {
    struct json_writer w; /* of a text for the conflicts */
    struct buf conflicts;
    int64_t meant, changed, in_conflict, too_much;
    int shown;
};

/* Lines of `text`, each of the device. */
static void add_conflicts(struct effects *e, struct str device, struct str text)
{
    struct str line;
    while (e->shown < CONFLICTS_SHOWN && !str_is_empty(text)) {
        AUTO(buf) said = buf_growing(API_BODY_BYTES);
        (void)str_cut(text, '\n', &line, &text);
        buf_addf(&said, STR_FMT ": " STR_FMT, STR_ARG(device), STR_ARG(line));
        jw_str(&e->w, buf_str(&said));
        e->shown++;
    }
}

static void count_effect(void *ctx, const struct document_effect *effect)
{
    struct effects *e = ctx;
    e->meant += effect->is_meant;
    e->changed += !str_eq(str_from(effect->before.hash), str_from(effect->after.hash));
    e->too_much += !str_is_empty(effect->after.problem);
    e->in_conflict += !str_is_empty(effect->after.conflicts);
    add_conflicts(e, effect->device, effect->after.problem);
    add_conflicts(e, effect->device, effect->after.conflicts);
}

static bool set(struct api *api, struct http_request *rq, struct request *r, struct err *err)
{
    const struct document_row row = {.name = r->layer.name,
                                     .target = r->target,
                                     .content = buf_str(&r->content),
                                     .priority = r->layer.priority,
                                     .set = rq->now};
    bool ok = document_set(api->desired, &row, err);
    api_audit(api, rq, "document.set", r->layer.name, ok ? "ok" : "failed",
              ok ? r->target : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
    }
    return ok;
}

static void write_effects(const struct request *r, const struct effects *e, bool is_kept,
                          struct http_response *rs)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "document", r->layer.name);
    jw_member_i64(&w, "devices", e->meant);
    jw_member_i64(&w, "changed", e->changed);
    jw_member_i64(&w, "in_conflict", e->in_conflict);
    jw_member_i64(&w, "too_much", e->too_much);
    jw_member_bool(&w, "kept", is_kept);
    jw_member_raw(&w, "conflicts", buf_str(&e->conflicts));
    jw_end_object(&w);
}

bool api_document_put(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct request r;
    struct effects e = {.conflicts = buf_growing(CONFLICTS_BYTES)};
    bool is_dry = str_eq(http_target_get(&rq->target, "dry_run"), STR("true"));
    e.w = json_writer(&e.conflicts);
    jw_begin_array(&e.w);
    bool ok = read_request(api, rq, &r, err) &&
              document_effects(api->desired, api->registry, &r.layer, count_effect, &e, err) &&
              (is_dry || set(api, rq, &r, err));
    jw_end_array(&e.w);
    if (ok) {
        write_effects(&r, &e, !is_dry, rs);
    }
    buf_release(&e.conflicts);
    release(&r);
    return ok;
}

/* --- compared ---------------------------------------------------------------------------------- */

static void write_side(struct json_writer *w, const char *name, const struct composed *c)
{
    AUTO(buf) text = buf_growing(DOCUMENT_BYTES_MAX);
    document_write(&c->content, &text);
    jw_member_raw(w, name, buf_str(&text));
}

static void write_change(void *ctx, const struct document_effect *effect)
{
    struct json_writer *w = ctx;
    if (!str_eq(str_from(effect->before.hash), str_from(effect->after.hash))) {
        jw_begin_object(w);
        jw_member_str(w, "device", effect->device);
        write_side(w, "before", &effect->before);
        write_side(w, "after", &effect->after);
        jw_end_object(w);
    }
}

bool api_document_diff(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    struct api *api = ctx;
    struct request r;
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_key(&w, STR("devices"));
    jw_begin_array(&w);
    bool ok = read_request(api, rq, &r, err) &&
              document_effects(api->desired, api->registry, &r.layer, write_change, &w, err);
    jw_end_array(&w);
    jw_end_object(&w);
    release(&r);
    return ok;
}

/* --- taken away -------------------------------------------------------------------------------- */

bool api_document_delete(void *ctx, struct http_request *rq, struct http_response *rs,
                         struct err *err)
{
    struct api *api = ctx;
    bool found = false;
    if (!document_remove(api->desired, rq->args[0], &found, err)) {
        return false;
    }
    if (!found) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no document " STR_FMT, STR_ARG(rq->args[0]));
        return err_hint(err, "list them: selvedge-hub desired list");
    }
    api_audit(api, rq, "document.remove", rq->args[0], "ok", STR_NONE);
    poke_send(api->config);
    api_no_content(rs);
    return true;
}
