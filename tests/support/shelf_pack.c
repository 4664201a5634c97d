#include "tests/support/shelf_pack.h"

#include "hub/deploy/folder.h"

enum { ARENA_BYTES = 16 << 20, PIECE_BYTES = 7 }; /* so small that most files take several */

static bool put_file(const struct hub_config *config, const char *dir,
                     const struct bundle_file *file, int64_t *new_files, struct err *err)
{
    AUTO(buf) bytes = buf_growing(file->size < 4096 ? PIECE_BYTES : 1 << 20);
    int64_t offset = 0;
    bool is_whole = false;
    if (shelf_has_file(config, file->sha256)) {
        return true;
    }
    while (!is_whole) {
        buf_reset(&bytes);
        if (!folder_read_piece(dir, file, offset, &bytes, err)) {
            return false;
        }
        const struct shelf_piece piece = {
            .sha256 = file->sha256, .offset = offset, .size = file->size, .bytes = buf_str(&bytes)};
        if (!shelf_put_piece(config, &piece, &is_whole, err)) {
            return false;
        }
        offset += (int64_t)bytes.len;
    }
    (*new_files)++;
    return true;
}

bool shelf_pack(const struct hub_config *config, const char *dir, const struct shelf_signer *signer,
                struct shelf_packed *ret, int64_t *ret_new_files, struct err *err)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    AUTO(buf) text = buf_growing(BUNDLE_MANIFEST_BYTES);
    struct bundle_manifest manifest;
    *ret_new_files = 0;
    if (!folder_read(dir, &arena, &manifest, err)) {
        return false;
    }
    for (size_t i = 0; i < manifest.count; i++) {
        if (!put_file(config, dir, &manifest.files[i], ret_new_files, err)) {
            return false;
        }
    }
    bundle_manifest_encode(&manifest, &text);
    return shelf_put_bundle(config, signer, buf_str(&text), ret, err);
}
