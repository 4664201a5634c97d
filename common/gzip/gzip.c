#include "common/gzip/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8, PIECE_BYTES = 16 << 10 };

bool gzip_is(struct str first_bytes)
{
    return first_bytes.len >= GZIP_MAGIC_BYTES && memcmp(first_bytes.ptr, "\x1f\x8b", 2) == 0;
}

/* zlib counts in unsigned ints. */
static unsigned piece_of(size_t len)
{
    return len > UINT_MAX ? UINT_MAX : (unsigned)len;
}

/* --- unpacking ------------------------------------------------------------------------------- */

struct gunzip {
    z_stream z;
    bool is_inside;  /* a member has begun and not ended */
    bool has_member; /* one has ended */
};

bool gunzip_open(struct gunzip **ret, struct err *err)
{
    struct gunzip *g = calloc(1, sizeof(*g));
    if (g == NULL || inflateInit2(&g->z, GZIP_WINDOW_BITS) != Z_OK) {
        free(g);
        return err_set(err, ERR_NO_MEMORY, "no memory to unpack gzip data");
    }
    *ret = g;
    return true;
}

void gunzip_close(struct gunzip *g)
{
    if (g != NULL) {
        (void)inflateEnd(&g->z);
        free(g);
    }
}

bool gunzip_is_whole(const struct gunzip *g)
{
    return g->has_member && !g->is_inside;
}

/* Between members: zero bytes are padding, as of a tape. */
static void skip_padding(const struct gunzip *g, struct str *input)
{
    while (g->has_member && input->len > 0 && *input->ptr == '\0') {
        *input = str_slice(*input, 1, input->len);
    }
}

static bool damaged(const struct gunzip *g, int rc, struct err *err)
{
    if (rc == Z_MEM_ERROR) {
        return err_set(err, ERR_NO_MEMORY, "no memory to unpack gzip data");
    }
    return err_set(err, ERR_CORRUPT, "damaged gzip data (%s)",
                   g->z.msg != NULL ? g->z.msg : "no reason given");
}

bool gunzip_take(struct gunzip *g, struct str *input, char *out, size_t cap, size_t *ret_len,
                 struct err *err)
{
    size_t len = 0;
    while (len < cap) {
        if (!g->is_inside) {
            skip_padding(g, input);
        }
        if (input->len == 0 && !g->is_inside) {
            break;
        }
        if (!g->is_inside && g->has_member && inflateReset(&g->z) != Z_OK) {
            return damaged(g, Z_MEM_ERROR, err);
        }
        g->is_inside = true;
        /* zlib does not write to it: its header lacks the const when ZLIB_CONST is not defined. */
        g->z.next_in = (Bytef *)(uintptr_t)input->ptr;
        g->z.avail_in = piece_of(input->len);
        g->z.next_out = (Bytef *)out + len;
        g->z.avail_out = piece_of(cap - len);
        unsigned in_before = g->z.avail_in;
        unsigned out_before = g->z.avail_out;
        int rc = inflate(&g->z, Z_NO_FLUSH);
        *input = str_slice(*input, in_before - g->z.avail_in, input->len);
        len += out_before - g->z.avail_out;
        if (rc == Z_STREAM_END) {
            g->is_inside = false;
            g->has_member = true;
        } else if (rc == Z_BUF_ERROR) {
            break; /* neither more input nor more output */
        } else if (rc != Z_OK) {
            if (len > 0) {
                break; /* told by the next call, which meets it again */
            }
            return damaged(g, rc, err);
        }
    }
    *ret_len = len;
    return true;
}

/* --- packing --------------------------------------------------------------------------------- */

struct gzip {
    z_stream z;
    bool is_inside;
};

static bool open_level(struct gzip **ret, int level, struct err *err)
{
    struct gzip *g = calloc(1, sizeof(*g));
    if (g == NULL || deflateInit2(&g->z, level, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                                  Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return err_set(err, ERR_NO_MEMORY, "no memory to pack gzip data");
    }
    *ret = g;
    return true;
}

bool gzip_open(struct gzip **ret, struct err *err)
{
    return open_level(ret, Z_DEFAULT_COMPRESSION, err);
}

bool gzip_open_smallest(struct gzip **ret, struct err *err)
{
    return open_level(ret, Z_BEST_COMPRESSION, err);
}

void gzip_close(struct gzip *g)
{
    if (g != NULL) {
        (void)deflateEnd(&g->z);
        free(g);
    }
}

/* Takes all of the input, with Z_FINISH all of the member. */
static bool pack(struct gzip *g, int flush, struct buf *out, struct err *err)
{
    int rc = Z_OK;
    do {
        char *to = buf_reserve(out, PIECE_BYTES);
        if (to == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory to pack gzip data");
        }
        g->z.next_out = (Bytef *)to;
        g->z.avail_out = PIECE_BYTES;
        rc = deflate(&g->z, flush);
        out->len += PIECE_BYTES - g->z.avail_out;
    } while (rc == Z_OK && g->z.avail_out == 0);
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ||
           err_set(err, ERR_INTERNAL, "deflate: %d", rc);
}

bool gzip_add(struct gzip *g, struct str text, struct buf *out, struct err *err)
{
    while (text.len > 0) {
        g->is_inside = true;
        g->z.next_in = (Bytef *)(uintptr_t)text.ptr; /* as above */
        g->z.avail_in = piece_of(text.len);
        text = str_slice(text, g->z.avail_in, text.len);
        if (!pack(g, Z_NO_FLUSH, out, err)) {
            return false;
        }
    }
    return true;
}

bool gzip_end(struct gzip *g, struct buf *out, struct err *err)
{
    if (!g->is_inside) {
        return true;
    }
    g->is_inside = false;
    g->z.avail_in = 0;
    return pack(g, Z_FINISH, out, err) &&
           (deflateReset(&g->z) == Z_OK || err_set(err, ERR_INTERNAL, "deflateReset"));
}
