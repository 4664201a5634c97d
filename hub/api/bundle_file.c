/* bundle_file.c - what is in a file of a bundle, for somebody who asks what a device was given. */
#include "hub/api/api_internal.h"

#include "common/json/json_writer.h"
#include "hub/deploy/bundle_rows.h"
#include "hub/deploy/shelf.h"
#include <string.h>

enum { MANIFEST_ARENA_BYTES = 16 << 20, SHOWN_BYTES = 256 << 10 };

/* Its beginning when it is longer: a character that was cut is left out. */
static struct str whole_characters(struct str text, bool is_cut)
{
    for (int i = 0; is_cut && i < 4 && text.len > 0 && !str_is_utf8(text); i++) {
        text.len--;
    }
    return text;
}

static void write_file(struct json_writer *w, const struct bundle_file *file, struct str bytes)
{
    bool is_cut = (int64_t)bytes.len < file->size;
    struct str text = whole_characters(bytes, is_cut);
    bool is_text = str_is_utf8(text) && memchr(text.ptr, '\0', text.len) == NULL;
    jw_begin_object(w);
    jw_member_str(w, "path", file->path);
    jw_member_i64(w, "size", file->size);
    jw_member_str(w, "sha256", file->sha256);
    jw_member_bool(w, "executable", file->is_executable);
    jw_member_bool(w, "truncated", is_cut);
    if (is_text) {
        jw_member_str(w, "text", text);
    }
    jw_end_object(w);
}

bool api_bundle_file(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    AUTO(arena) arena = arena_new(MANIFEST_ARENA_BYTES);
    AUTO(buf) signed_text = buf_growing(BUNDLE_SIGNED_BYTES);
    AUTO(buf) bytes = buf_growing(SHOWN_BYTES);
    struct bundle_manifest manifest;
    struct bundle_row row = {0};
    struct str path = http_target_get(&rq->target, "path");
    int64_t total = 0;
    if (!api_find_bundle(api, rq->args[0], rq->arena, &row, err) ||
        !shelf_manifest(api->config, row.hash, &signed_text, &arena, &manifest, err)) {
        return false;
    }
    const struct bundle_file *file = bundle_manifest_find(&manifest, path);
    if (file == NULL) {
        return err_set(err, ERR_NOT_FOUND, "this bundle has no file " STR_FMT,
                       STR_ARG(str_clip(path, 80)));
    }
    const struct bundle_want want = {.bundle = row.hash, .file = file->sha256, .max = SHOWN_BYTES};
    if (!shelf_read(api->config, &want, &bytes, &total, err)) {
        return false;
    }
    struct json_writer w = json_writer(&rs->body);
    write_file(&w, file, buf_str(&bytes));
    return true;
}
