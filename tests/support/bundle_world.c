#include "tests/support/bundle_world.h"

#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void bundle_world_begin(struct bundle_world *w)
{
    struct rng rng = rng_system();
    struct err err = {0};
    *w = (struct bundle_world){.key = buf_growing(4096),
                               .keys = buf_growing(4096),
                               .message = buf_growing(BUNDLE_SIGNED_BYTES)};
    assert_true(identity_make_key(&rng, &w->key, &err));
    assert_true(identity_public_key(&rng, buf_str(&w->key), &w->keys, &err));
}

void bundle_world_end(struct bundle_world *w)
{
    for (size_t i = 0; i < w->manifest.count; i++) {
        buf_release(&w->contents[i]);
    }
    buf_wipe(&w->key);
    buf_release(&w->keys);
    buf_release(&w->message);
}

void bundle_world_add(struct bundle_world *w, const char *path, struct str content,
                      bool is_executable)
{
    size_t i = w->manifest.count++;
    assert_true(i < WORLD_FILES_MAX);
    w->contents[i] = buf_growing(BUNDLE_BYTES_MAX);
    buf_add(&w->contents[i], content);
    digest_hex(content, w->hashes[i]);
    w->files[i] = (struct bundle_file){.path = str_from(path),
                                       .size = (int64_t)content.len,
                                       .sha256 = str_from(w->hashes[i]),
                                       .is_executable = is_executable};
    w->manifest.files = w->files;
    w->manifest.bytes += (int64_t)content.len;
}

void bundle_world_sign(struct bundle_world *w)
{
    struct rng rng = rng_system();
    struct err err = {0};
    AUTO(buf) body = buf_growing(BUNDLE_MANIFEST_BYTES);
    bundle_manifest_encode(&w->manifest, &body);
    digest_hex(buf_str(&body), w->hash);
    buf_reset(&w->message);
    assert_true(signed_make(&rng, buf_str(&w->key), buf_str(&body), &w->message, &err));
}

struct bundle_piece bundle_world_piece(const struct bundle_world *w, const struct bundle_want *want)
{
    struct str all = want->file.len == 0 ? buf_str(&w->message) : STR_NONE;
    for (size_t i = 0; i < w->manifest.count && all.ptr == NULL; i++) {
        all = str_eq(want->file, w->files[i].sha256) ? buf_str(&w->contents[i]) : all;
    }
    assert_true(want->offset <= (int64_t)all.len);
    return (struct bundle_piece){
        .bundle = want->bundle,
        .file = want->file,
        .offset = want->offset,
        .total = (int64_t)all.len,
        .bytes = str_slice(all, (size_t)want->offset, (size_t)(want->offset + want->max))};
}

bool bundle_world_take(const struct bundle_world *w, const struct incoming_options *options,
                       int64_t piece, struct incoming_progress *ret, struct err *err)
{
    struct incoming *in = NULL;
    enum incoming_need need = INCOMING_WORK;
    struct bundle_want want;
    bool taken = false;
    bool ok = incoming_open(&in, options, err);
    while (ok && need != INCOMING_WHOLE) {
        ok = incoming_next(in, &need, &want, err);
        if (ok && need == INCOMING_PIECE) {
            want.max = piece;
            struct bundle_piece answer = bundle_world_piece(w, &want);
            ok = incoming_add(in, &answer, &taken, err);
            assert_true(!ok || taken);
        }
    }
    if (in != NULL && ret != NULL) {
        *ret = incoming_progress(in);
    }
    incoming_close(in);
    return ok;
}

void bundle_world_check(const struct bundle_world *w, const char *state_dir)
{
    struct err err = {0};
    char path[1024];
    assert_true(folder_is_whole(state_dir, str_from(w->hash)));
    for (size_t i = 0; i < w->manifest.count; i++) {
        AUTO(buf) content = buf_growing(BUNDLE_BYTES_MAX);
        struct stat found;
        char name[BUNDLE_PATH_BYTES + 1];
        (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(w->files[i].path));
        assert_true(folder_path(state_dir, str_from(w->hash), name, path, sizeof(path), &err));
        assert_true(files_read(path, &content, &err));
        assert_true(str_eq(buf_str(&content), buf_str(&w->contents[i])));
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 0777, w->files[i].is_executable ? 0755 : 0644);
    }
}
