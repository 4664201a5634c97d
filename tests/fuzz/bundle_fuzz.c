/* bundle_fuzz.c - what is said of bundles: the first byte chooses manifest, want or piece. A manifest
 * that is taken has one form and no path that leaves its folder. */
#include "common/wire/bundle.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_manifest(const struct bundle_manifest *m, struct str text)
{
    AUTO(buf) again = buf_growing(BUNDLE_MANIFEST_BYTES + 1);
    bundle_manifest_encode(m, &again);
    assert(str_eq(buf_str(&again), text));
    int64_t bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct str path = m->files[i].path;
        assert(bundle_path_is_good(path) && path.ptr[0] != '/');
        assert(!str_contains(path, STR("/../")) && !str_starts(path, STR("../")));
        assert(bundle_manifest_find(m, path) == &m->files[i]);
        bytes += m->files[i].size;
    }
    assert(bytes == m->bytes && bytes <= BUNDLE_BYTES_MAX);
}

static void try_manifest(struct str text, struct arena *arena)
{
    struct bundle_manifest m;
    struct err err = {0};
    if (bundle_manifest_decode(text, arena, &m, &err)) {
        check_manifest(&m, text);
    } else {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
    }
}

static void try_want(struct str payload, struct arena *arena)
{
    struct bundle_want m;
    struct err err = {0};
    if (bundle_want_decode(payload, arena, &m, &err)) {
        assert(bundle_hash_is_good(m.bundle) && m.offset >= 0 && m.max <= BUNDLE_PIECE_MAX);
    }
}

static void try_piece(struct str payload, struct arena *arena)
{
    struct bundle_piece m;
    struct err err = {0};
    if (bundle_piece_decode(payload, arena, &m, &err)) {
        assert(bundle_hash_is_good(m.bundle));
        assert(m.problem.len > 0 || m.offset + (int64_t)m.bytes.len <= m.total);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct str text = {(const char *)data + 1, size - 1};
    AUTO(arena) arena = arena_new(4 << 20);
    switch (data[0] % 3) {
    case 0:
        try_manifest(text, &arena);
        break;
    case 1:
        try_want(text, &arena);
        break;
    default:
        try_piece(text, &arena);
        break;
    }
    return 0;
}
