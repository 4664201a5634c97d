/* deployments.c - the bundles on the shelf, and giving one to devices. */
#include "hub/api/api_internal.h"

#include "hub/deploy/bundle_rows.h"
#include "hub/fleet/poke.h"

enum { MANIFEST_ARENA_BYTES = 16 << 20 };
#define SOAK_NS     (INT64_C(10) * 60 * NS_PER_SEC)
#define PATIENCE_NS (INT64_C(30) * 60 * NS_PER_SEC)
#define WAIT_MAX_NS (INT64_C(30) * 86400 * NS_PER_SEC)

/* --- the shelf --------------------------------------------------------------------------------- */

enum { KEPT_MAX = 100000 };

struct bundle_list {
    struct page page;
    int64_t kept; /* of the newest, needed or not */
    bool only_idle;
};

static void write_bundle(struct json_writer *w, const struct bundle_row *row, int64_t kept)
{
    jw_member_str(w, "bundle", row->hash);
    jw_member_wall(w, "made_at", row->made);
    jw_member_i64(w, "files", row->files);
    jw_member_i64(w, "bytes", row->bytes);
    jw_member_str(w, "source", row->source);
    jw_member_i64(w, "deployments", row->deployments);
    jw_member_i64(w, "targets", row->targets);
    jw_member_i64(w, "devices", row->devices);
    jw_member_i64(w, "commands", row->commands);
    jw_member_bool(w, "idle", bundle_is_idle(row, kept));
}

static void add_bundle(void *ctx, const struct bundle_row *row)
{
    struct bundle_list *list = ctx;
    bool is_meant = row->deleted.ns == 0 && (!list->only_idle || bundle_is_idle(row, list->kept));
    if (is_meant && page_takes(&list->page, row->hash)) {
        jw_begin_object(&list->page.w);
        write_bundle(&list->page.w, row, list->kept);
        jw_end_object(&list->page.w);
    }
}

bool api_bundles(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct bundle_list list = {.only_idle =
                                   str_eq(http_target_get(&rq->target, "idle"), STR("true"))};
    struct str keep = http_target_get(&rq->target, "keep");
    list.kept = api->config->bundles_kept;
    if (!str_is_empty(keep) && !str_to_i64(keep, 0, KEPT_MAX, &list.kept)) {
        return err_set(err, ERR_INVALID, "keep is a number from 0 to %d", KEPT_MAX);
    }
    if (!page_begin(&list.page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = bundles_each(api->deployments, add_bundle, &list, err);
    page_end(&list.page);
    return ok;
}

/* --- one of them ------------------------------------------------------------------------------- */

struct one_bundle {
    struct str prefix; /* its hash begins so */
    struct arena *arena;
    struct bundle_row row; /* texts in the arena */
    int64_t found;
};

static void find_bundle(void *ctx, const struct bundle_row *row)
{
    struct one_bundle *one = ctx;
    if (row->deleted.ns == 0 && str_starts(row->hash, one->prefix)) {
        one->row = *row;
        one->row.hash = arena_copy(one->arena, row->hash);
        one->row.source = arena_copy(one->arena, row->source);
        one->found++;
    }
}

bool api_find_bundle(struct api *api, struct str prefix, struct arena *arena,
                     struct bundle_row *ret, struct err *err)
{
    struct one_bundle one = {.prefix = prefix, .arena = arena};
    if (!bundles_each(api->deployments, find_bundle, &one, err)) {
        return false;
    }
    if (one.found == 1 && !str_is_empty(prefix)) {
        *ret = one.row;
        return true;
    }
    (void)err_set(err, one.found == 0 ? ERR_NOT_FOUND : ERR_INVALID,
                  "%s bundle on this hub's shelf begins with " STR_FMT,
                  one.found == 0 ? "no" : "more than one", STR_ARG(str_clip(prefix, 80)));
    return err_hint(err, "folders are packed on the hub: selvedge-hub deploy DIR --to ...");
}

static bool write_files(struct json_writer *w, const struct api *api, struct str hash,
                        struct err *err)
{
    AUTO(arena) arena = arena_new(MANIFEST_ARENA_BYTES);
    AUTO(buf) text = buf_growing(BUNDLE_SIGNED_BYTES);
    struct bundle_manifest manifest;
    if (!shelf_manifest(api->config, hash, &text, &arena, &manifest, err)) {
        return false;
    }
    jw_key(w, STR("file_list"));
    jw_begin_array(w);
    for (size_t i = 0; i < manifest.count; i++) {
        jw_begin_object(w);
        jw_member_str(w, "path", manifest.files[i].path);
        jw_member_i64(w, "size", manifest.files[i].size);
        jw_member_str(w, "sha256", manifest.files[i].sha256);
        jw_member_bool(w, "executable", manifest.files[i].is_executable);
        jw_end_object(w);
    }
    jw_end_array(w);
    return true;
}

bool api_bundle(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct bundle_row row;
    struct json_writer w = json_writer(&rs->body);
    if (!api_find_bundle(api, rq->args[0], rq->arena, &row, err)) {
        return false;
    }
    jw_begin_object(&w);
    write_bundle(&w, &row, api->config->bundles_kept);
    bool ok = write_files(&w, api, row.hash, err);
    jw_end_object(&w);
    return ok;
}

/* --- giving one to devices --------------------------------------------------------------------- */

static bool read_wait(const struct json *body, const char *name, int64_t fallback, int64_t *ret,
                      struct err *err)
{
    struct str text = api_member(body, name);
    *ret = fallback;
    return str_is_empty(text) || (str_to_duration(text, ret) && *ret >= 0 && *ret <= WAIT_MAX_NS) ||
           err_set(err, ERR_INVALID, "%s is like 10m, 30d at most", name);
}

static bool read_options(const struct json *body, struct deployment_options *o, struct err *err)
{
    struct str waves = api_member(body, "waves");
    struct str abort_if = api_member(body, "abort_if");
    struct str on_abort = api_member(body, "on_abort");
    o->targets = api_member(body, "targets");
    o->waves = str_is_empty(waves) ? STR("1,10%,100%") : waves;
    o->abort_if = str_is_empty(abort_if) ? STR("failed > 2%") : abort_if;
    o->keeps_on_abort = str_eq(on_abort, STR("keep"));
    if (!str_is_empty(on_abort) && !o->keeps_on_abort && !str_eq(on_abort, STR("rollback"))) {
        return err_set(err, ERR_INVALID, "on_abort is rollback or keep");
    }
    if (str_is_empty(o->targets) || str_is_empty(api_member(body, "bundle"))) {
        return err_set(err, ERR_INVALID, "bundle and targets are needed");
    }
    return read_wait(body, "soak", SOAK_NS, &o->soak_ns, err) &&
           read_wait(body, "patience", PATIENCE_NS, &o->patience_ns, err);
}

struct deploying {
    struct deployment_options options;
    struct shelf_packed packed;
    char id[DEPLOYMENT_ID_SIZE];
    int64_t devices;
};

/* Nothing is deleted from the shelf until it is written down who gets it. */
static bool deploy(struct api *api, struct http_request *rq, const struct json *body,
                   struct deploying *what, struct err *err)
{
    AUTO(fd) hold = {-1};
    struct bundle_row row;
    if (!shelf_hold(api->config, false, &hold, err)) {
        return false;
    }
    if (!api_find_bundle(api, api_member(body, "bundle"), rq->arena, &row, err)) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_INVALID : err->code; /* the address is there */
        return false;
    }
    struct buf hash = buf_fixed(what->packed.hash, sizeof(what->packed.hash));
    buf_add(&hash, row.hash);
    (void)buf_cstr(&hash);
    what->packed.files = row.files;
    what->packed.bytes = row.bytes;
    what->options.bundle = &what->packed;
    what->options.source = row.source;
    what->options.registry = api->registry;
    return deployments_add(api->deployments, api->rng, &what->options, rq->now, what->id,
                           &what->devices, err);
}

bool api_deployments_post(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    struct api *api = ctx;
    struct deploying what = {0};
    const struct json *body = NULL;
    if (!api_body(rq, &body, err) || !read_options(body, &what.options, err)) {
        return false;
    }
    bool ok = deploy(api, rq, body, &what, err);
    api_audit(api, rq, "deployment.add", ok ? str_from(what.id) : STR_NONE, ok ? "ok" : "failed",
              ok ? arena_printf(rq->arena, "%.12s to " STR_FMT, what.packed.hash,
                                STR_ARG(what.options.targets))
                 : str_from(err->msg));
    if (!ok) {
        return false;
    }
    poke_send(api->config);
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "deployment", str_from(what.id));
    jw_member_str(&w, "bundle", str_from(what.packed.hash));
    jw_member_i64(&w, "files", what.packed.files);
    jw_member_i64(&w, "bytes", what.packed.bytes);
    jw_member_i64(&w, "devices", what.devices);
    jw_end_object(&w);
    rs->status = 201;
    return true;
}
