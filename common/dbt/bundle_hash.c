#include "common/dbt/bundle.h"
#include "common/dbt/bundle_node.h"
#include "common/tls/digest.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 };

static bool hash_file(const struct dbt_file *file, int64_t length, char *chunk, struct digest *d,
                      struct err *err)
{
    struct buf into = buf_fixed(chunk, CHUNK_BYTES);
    for (int64_t offset = 0; offset < length; offset += (int64_t)into.len) {
        int64_t left = length - offset;
        buf_reset(&into);
        if (!dbt_file_read(file,
                           (struct dbt_place){.offset = offset,
                                              .length = left < CHUNK_BYTES ? left : CHUNK_BYTES},
                           &into, err)) {
            return false;
        }
        digest_add(d, buf_str(&into));
    }
    return true;
}

bool bundle_check_hash(const struct dbt_file *file, struct err *err)
{
    static const char before[] = ",\"sha256\":\"";
    char tail[sizeof(before) - 1 + BUNDLE_HASH_SIZE - 1 + 4];
    struct buf said = buf_fixed(tail, sizeof(tail));
    char text[sizeof(tail)];
    struct buf is = buf_fixed(text, sizeof(text));
    const struct dbt_place place = {.offset = file->was.st_size - (int64_t)sizeof(tail) + 1,
                                    .length = (int64_t)sizeof(tail) - 1};
    char hash[DIGEST_TEXT_SIZE];
    struct digest *d = NULL;
    char *chunk = malloc(CHUNK_BYTES);
    bool ok = (chunk != NULL || err_set(err, ERR_NO_MEMORY, "no memory to check a bundle")) &&
              (place.offset > 0 || err_set(err, ERR_CORRUPT, "the bundle is not whole")) &&
              dbt_file_read(file, place, &said, err) && digest_open(&d, err) &&
              hash_file(file, place.offset, chunk, d, err);
    if (ok) {
        digest_end(d, hash);
        buf_add_text(&is, before);
        buf_add_text(&is, hash);
        buf_add(&is, STR("\"}\n"));
        ok = str_eq(buf_str(&is), buf_str(&said)) ||
             err_set(err, ERR_CORRUPT, "the bundle is damaged: its content has another hash");
    }
    digest_close(d);
    free(chunk);
    return ok;
}
