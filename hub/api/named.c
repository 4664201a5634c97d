/* named.c - jobs, schedules, sensors: as devices define them, what was done to them and what they did
 * last. One item for each device, or with ?fold=true one for all devices that define the same. */
#include "hub/api/api_internal.h"

#include "hub/summary/named.h"
#include "hub/when/when.h"

enum { DEFINITION_BYTES_MAX = 64 << 10, ZONES_ARENA_BYTES = 4 << 20, ITEM_ARENA_BYTES = 2 << 20 };

enum named_kind { NAMED_JOB, NAMED_SCHEDULE, NAMED_SENSOR };
static const char *const kind_words[] = {"job", "schedule", "sensor"};

struct named_list {
    struct api *api;
    struct http_request *rq;
    struct page page;
    struct zones zones;
    struct arena item; /* of one row */
    enum named_kind kind;
};

/* --- what its definition says ---------------------------------------------------------------------- */

/* NULL: an agent that tells the name alone. */
static const struct json *parse_definition(struct named_list *list, struct str body)
{
    struct json *parsed = NULL;
    struct err err = {0};
    arena_reset(&list->item);
    bool ok =
        !str_is_empty(body) && json_parse(body, DEFINITION_BYTES_MAX, &list->item, &parsed, &err);
    return ok ? parsed : NULL;
}

static bool starts_paused(const struct json *definition)
{
    const struct json *member = json_get(definition, "starts_paused");
    return member != NULL && member->type == JSON_BOOL && member->as.boolean;
}

static void write_next(struct named_list *list, const struct json *definition)
{
    struct wall_time next[WHEN_TICKS_MAX];
    size_t count = when_ticks(&list->zones, definition, list->rq->now, next);
    jw_key(&list->page.w, STR("next"));
    jw_begin_array(&list->page.w);
    for (size_t i = 0; i < count; i++) {
        jw_wall(&list->page.w, next[i]);
    }
    jw_end_array(&list->page.w);
}

static void write_definition(struct named_list *list, struct str version, struct str body)
{
    jw_member_opt(&list->page.w, "version", version);
    row_member_json(&list->page.w, "definition", body);
}

/* --- of one device --------------------------------------------------------------------------------- */

static void write_state(struct named_list *list, const struct db_query *q,
                        const struct json *definition)
{
    struct json_writer *w = &list->page.w;
    struct str status = db_col_str(q, 5);
    bool is_held = db_col_i64(q, 8) != 0;
    bool is_told = !str_is_empty(status);
    bool by_command = !db_col_is_null(q, 16);
    bool is_paused =
        is_held || (is_told ? str_eq(status, STR("paused")) : starts_paused(definition));
    jw_member_str(w, "state", is_paused ? STR("paused") : STR("running"));
    jw_member_str(w, "state_by",
                  is_held      ? STR("hub")
                  : !is_told   ? STR("definition")
                  : by_command ? STR("person")
                               : STR("device"));
    if (!is_held && by_command) {
        jw_member_opt(w, "state_account", db_col_str(q, 17));
        jw_member_str(w, "state_command", db_col_str(q, 16));
    }
    jw_member_opt(w, "state_reason", db_col_str(q, 6));
    jw_member_opt_wall(w, "state_since", api_col_at(q, 7));
    if (list->kind == NAMED_SCHEDULE && !is_paused) {
        write_next(list, definition);
    }
}

static void write_tick(struct json_writer *w, const struct db_query *q)
{
    if (db_col_is_null(q, 11)) {
        return;
    }
    jw_key(w, STR("last_tick"));
    jw_begin_object(w);
    jw_member_opt(w, "status", db_col_str(q, 9));
    jw_member_opt(w, "nominal", db_col_str(q, 10));
    jw_member_wall(w, "at", api_col_at(q, 11));
    jw_member_opt(w, "run", db_col_str(q, 12));
    jw_member_opt(w, "reason", db_col_str(q, 13));
    jw_end_object(w);
    jw_member_i64(w, "ticks", db_col_i64(q, 14));
    jw_member_i64(w, "started", db_col_i64(q, 15));
}

static void write_run(struct json_writer *w, const struct db_query *q, int col, struct str device)
{
    if (db_col_is_null(q, col)) {
        return;
    }
    jw_key(w, STR("last_run"));
    jw_begin_object(w);
    jw_member_str(w, "run", db_col_str(q, col));
    jw_member_str(w, "device", device);
    jw_member_str(w, "status", db_col_str(q, col + 1));
    jw_member_opt_wall(w, "at", api_col_at(q, col + 2));
    jw_end_object(w);
}

static void write_one(struct named_list *list, const struct db_query *q)
{
    struct json_writer *w = &list->page.w;
    const struct json *definition = parse_definition(list, db_col_str(q, 4));
    jw_member_str(w, kind_words[list->kind], db_col_str(q, 0));
    jw_member_str(w, "device", db_col_str(q, 1));
    jw_member_i64(w, "assets", db_col_i64(q, 2));
    write_definition(list, db_col_str(q, 3), db_col_str(q, 4));
    if (list->kind == NAMED_JOB) {
        write_run(w, q, 5, db_col_str(q, 1));
        return;
    }
    write_state(list, q, definition);
    write_tick(w, q);
}

static struct db_query ask_each(struct named_list *list, struct str name, struct str device)
{
    bool is_job = list->kind == NAMED_JOB;
    struct db_query q =
        db_query(list->api->own, is_job ? HUB_API_NAMED_JOBS : HUB_API_NAMED_INSTIGATORS);
    db_bind_str(&q, ":by",
                !str_is_empty(name)     ? STR("name")
                : !str_is_empty(device) ? STR("device")
                                        : STR("all"));
    db_bind_opt(&q, ":device", device);
    return q;
}

/* --- of all that define the same ------------------------------------------------------------------- */

/* Ends at what instigators have besides. */
static void write_fold_begin(struct named_list *list, struct str name, struct str version,
                             struct str body)
{
    jw_member_str(&list->page.w, kind_words[list->kind], name);
    write_definition(list, version, body);
}

static void write_fold_devices(struct json_writer *w, int64_t devices, struct str one,
                               int64_t assets)
{
    jw_member_i64(w, "devices", devices);
    jw_member_str(w, "device", one);
    jw_member_i64(w, "assets", assets);
}

static void write_folded_job(struct named_list *list, const struct db_query *q)
{
    struct json_writer *w = &list->page.w;
    write_fold_begin(list, db_col_str(q, 0), db_col_str(q, 1), db_col_str(q, 2));
    write_fold_devices(w, db_col_i64(q, 3), db_col_str(q, 4), db_col_i64(q, 5));
    write_run(w, q, 6, db_col_str(q, 9));
}

static void write_fold(struct named_list *list, const struct fold *fold, struct str body,
                       bool starts_paused)
{
    struct json_writer *w = &list->page.w;
    int64_t paused = fold->paused + (starts_paused ? fold->untouched : 0);
    write_fold_begin(list, fold->name, fold->version, body);
    write_fold_devices(w, fold->devices, fold->device, fold->assets);
    jw_member_i64(w, "paused", paused);
    if (fold->has_ticked) {
        jw_member_wall(w, "ticked_at", (struct wall_time){fold->ticked_ms * NS_PER_MS});
        jw_member_i64(w, "ticks", fold->ticks);
        jw_member_i64(w, "started", fold->started);
        jw_member_i64(w, "failed", fold->failed);
    }
    if (list->kind == NAMED_SCHEDULE && paused < fold->devices) {
        write_next(list, parse_definition(list, body));
    }
}

static bool add_fold(struct named_list *list, const struct fold *fold, struct err *err)
{
    struct db_query q = db_query(list->api->own, HUB_API_NAMED_TEXT);
    const struct str at[] = {fold->name, fold->version};
    bool has_text = false;
    db_bind_str(&q, ":version", fold->version);
    if (!db_next(&q, &has_text, err)) {
        return false;
    }
    jw_begin_object(&list->page.w);
    write_fold(list, fold, has_text ? db_col_str(&q, 0) : STR_NONE,
               has_text && db_col_i64(&q, 1) != 0);
    jw_end_object(&list->page.w);
    page_is_at(&list->page, at);
    if (has_text) {
        db_reset(&q);
    }
    return true;
}

static bool fill_folds(struct named_list *list, struct folds *folds, struct err *err)
{
    struct str name = http_target_get(&list->rq->target, kind_words[list->kind]);
    const struct fold_list all =
        folds_list(folds, list->kind == NAMED_SCHEDULE ? FOLD_SCHEDULE : FOLD_SENSOR);
    size_t i = folds_behind(&all, list->page.after[0], list->page.after[1]);
    bool ok = true;
    for (; ok && i < all.count && !list->page.has_more; i++) {
        bool is_meant = str_is_empty(name) || str_eq(all.items[i].name, name);
        ok = !is_meant || !page_has_room(&list->page) || add_fold(list, &all.items[i], err);
    }
    return ok;
}

/* --- the list -------------------------------------------------------------------------------------- */

static bool fill(struct named_list *list, bool is_folded, struct err *err)
{
    struct str name = http_target_get(&list->rq->target, kind_words[list->kind]);
    struct str device = http_target_get(&list->rq->target, "device");
    struct db_query q =
        is_folded ? db_query(list->api->own, HUB_API_FOLDED_JOBS) : ask_each(list, name, device);
    bool row = false;
    bool ok = true;
    if (list->kind != NAMED_JOB) {
        db_bind_str(&q, ":kind", str_from(kind_words[list->kind]));
    }
    db_bind_opt(&q, ":name", name);
    db_bind_str(&q, ":after", list->page.after[0]);
    db_bind_str(&q, ":after2", list->page.after[1]);
    db_bind_i64(&q, ":limit", page_wants(&list->page));
    while ((ok = db_next(&q, &row, err)) && row) {
        if (page_has_room(&list->page)) {
            const struct str at[] = {db_col_str(&q, 0), db_col_str(&q, 1)};
            jw_begin_object(&list->page.w);
            if (is_folded) {
                write_folded_job(list, &q);
            } else {
                write_one(list, &q);
            }
            jw_end_object(&list->page.w);
            page_is_at(&list->page, at);
        }
    }
    return ok;
}

static bool write_list(struct named_list *list, struct folds *folds, struct http_response *rs,
                       struct err *err)
{
    AUTO(arena) arena = arena_new(ZONES_ARENA_BYTES);
    bool is_folded = str_eq(http_target_get(&list->rq->target, "fold"), STR("true"));
    list->zones = (struct zones){.arena = &arena};
    if (!page_begin(&list->page, list->rq, rs, 2, err)) {
        return false;
    }
    list->item = arena_new(ITEM_ARENA_BYTES);
    bool ok = folds != NULL ? fill_folds(list, folds, err) : fill(list, is_folded, err);
    arena_release(&list->item);
    page_end(&list->page);
    return ok;
}

/* --- folded ones are read in slices when nobody asked for them for a while ------------------------- */

struct folds_ask {
    struct named_list list;
    struct folds *folds; /* NULL: not yet */
    bool has_failed;
    struct err err;
};

static bool are_ready(void *ctx)
{
    struct folds_ask *ask = ctx;
    ask->has_failed = !summary_named(ask->list.api->summary, &ask->folds, &ask->err);
    return ask->has_failed || ask->folds != NULL;
}

static bool finish(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct folds_ask *ask = ctx;
    if (ask->has_failed) {
        *err = ask->err;
        return false;
    }
    ask->list.rq = rq;
    ask->list.api->service.begin(ask->list.api); /* its time begins now, not when it was asked */
    return write_list(&ask->list, ask->folds, rs, err);
}

static void leave(void *ctx)
{
    (void)ctx;
}

static bool list_folds(const struct named_list *list, struct http_response *rs, struct err *err)
{
    struct folds_ask *ask = arena_array(list->rq->arena, 1, sizeof(*ask));
    if (ask == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    *ask = (struct folds_ask){.list = *list};
    if (are_ready(ask)) {
        return finish(ask, list->rq, rs, err);
    }
    rs->later =
        (struct http_later){.is_ready = are_ready, .finish = finish, .close = leave, .ctx = ask};
    rs->is_later = true;
    return true;
}

static bool list_named(struct api *api, enum named_kind kind, struct http_request *rq,
                       struct http_response *rs, struct err *err)
{
    struct named_list list = {.api = api, .rq = rq, .kind = kind};
    bool is_folded = str_eq(http_target_get(&rq->target, "fold"), STR("true"));
    if (is_folded && !str_is_empty(http_target_get(&rq->target, "device"))) {
        return err_set(err, ERR_INVALID, "fold is over devices: leave out device or fold");
    }
    return is_folded && kind != NAMED_JOB ? list_folds(&list, rs, err)
                                          : write_list(&list, NULL, rs, err);
}

bool api_jobs(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return list_named(ctx, NAMED_JOB, rq, rs, err);
}

bool api_schedules(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return list_named(ctx, NAMED_SCHEDULE, rq, rs, err);
}

bool api_sensors(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return list_named(ctx, NAMED_SENSOR, rq, rs, err);
}
