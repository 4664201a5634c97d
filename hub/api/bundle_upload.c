/* bundle_upload.c - a folder becomes a bundle: its manifest says which files it has, those that are not here
 * yet come in pieces, and the hub signs it. */
#include "hub/api/api_internal.h"

#include "common/base/strmap.h"
#include "hub/command/keyring.h"
#include "hub/deploy/bundle_rows.h"

enum { MANIFEST_ARENA_BYTES = 16 << 20, KEY_BYTES_MAX = 64 << 10, SOURCE_BYTES_MAX = 1000 };

/* Bytes and no JSON; a form of another site cannot send that type. */
static bool check_type(const struct http_request *rq, struct err *err)
{
    return str_starts(rq->headers.content_type, STR(HTTP_BYTES)) ||
           err_set(err, ERR_INVALID, "the body must be " HTTP_BYTES);
}

/* --- a file ------------------------------------------------------------------------------------ */

bool api_bundle_file_put(void *ctx, struct http_request *rq, struct http_response *rs,
                         struct err *err)
{
    struct api *api = ctx;
    struct shelf_piece piece = {.sha256 = rq->args[0], .bytes = rq->body};
    struct json_writer w = json_writer(&rs->body);
    bool is_whole = false;
    if (!api_number(rq, "offset", 0, &piece.offset, err) ||
        !api_number(rq, "size", (int64_t)rq->body.len, &piece.size, err) ||
        (!str_is_empty(rq->body) && !check_type(rq, err)) ||
        !shelf_put_piece(api->config, &piece, &is_whole, err)) {
        return false;
    }
    jw_begin_object(&w);
    jw_member_str(&w, "sha256", piece.sha256);
    jw_member_i64(&w, "bytes", is_whole ? piece.size : piece.offset + (int64_t)rq->body.len);
    jw_member_bool(&w, "whole", is_whole);
    jw_end_object(&w);
    return true;
}

/* --- a bundle ---------------------------------------------------------------------------------- */

/* Each content once, in the order of the manifest; how many. What has no room in `arena` comes again. */
static size_t write_missing(const struct api *api, const struct bundle_manifest *m,
                            struct arena *arena, struct json_writer *w)
{
    struct strmap seen = strmap_new(arena);
    size_t count = 0;
    uint32_t before = 0;
    jw_key(w, STR("missing"));
    jw_begin_array(w);
    for (size_t i = 0; i < m->count; i++) {
        struct str sha256 = m->files[i].sha256;
        if (!strmap_get(&seen, sha256, &before) && !shelf_has_file(api->config, sha256)) {
            bool is_noted = strmap_put(&seen, sha256, 1);
            (void)is_noted;
            jw_str(w, sha256);
            count++;
        }
    }
    jw_end_array(w);
    return count;
}

static bool sign(struct api *api, struct http_request *rq, struct shelf_packed *packed,
                 struct err *err)
{
    struct buf key = buf_growing(KEY_BYTES_MAX);
    struct str source = str_clip(http_target_get(&rq->target, "source"), SOURCE_BYTES_MAX);
    bool ok = keyring_read_hub_key(api->config, &key, err);
    if (!ok && err->code == ERR_NOT_FOUND) {
        err->code = ERR_EXISTS; /* 409: as this hub is set up it cannot be done from here */
    }
    const struct shelf_signer signer = {.key = buf_str(&key), .rng = api->rng};
    ok = ok && shelf_put_bundle(api->config, &signer, rq->body, packed, err) &&
         bundles_add(api->deployments, packed, source, rq->now, err);
    buf_wipe(&key);
    api_audit(api, rq, "bundle.add", ok ? str_from(packed->hash) : STR_NONE, ok ? "ok" : "failed",
              ok ? source : str_from(err->msg));
    return ok;
}

bool api_bundles_post(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    AUTO(arena) arena = arena_new(MANIFEST_ARENA_BYTES);
    AUTO(fd) hold = {-1};
    struct bundle_manifest manifest;
    struct shelf_packed packed = {0};
    struct json_writer w = json_writer(&rs->body);
    if (!check_type(rq, err) || !bundle_manifest_decode(rq->body, &arena, &manifest, err) ||
        !shelf_hold(api->config, false, &hold, err)) {
        return false;
    }
    digest_hex(rq->body, packed.hash);
    jw_begin_object(&w);
    rs->status = write_missing(api, &manifest, &arena, &w) == 0 ? 201 : 202;
    if (rs->status == 201 && !sign(api, rq, &packed, err)) {
        return false;
    }
    jw_member_str(&w, "bundle", str_from(packed.hash));
    jw_member_i64(&w, "files", (int64_t)manifest.count);
    jw_member_i64(&w, "bytes", manifest.bytes);
    jw_end_object(&w);
    return true;
}
