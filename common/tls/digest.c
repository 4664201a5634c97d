#include "common/tls/digest.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <stdlib.h>

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define SHA256(step) mbedtls_sha256_##step
#else
#define SHA256(step) mbedtls_sha256_##step##_ret
#endif

struct digest {
    mbedtls_sha256_context context;
};

/* Fails only where a hardware engine replaces the software; a hash of nothing known must not pass for
 * one. */
static void must(int rc)
{
    if (rc != 0) {
        __builtin_trap();
    }
}

bool digest_open(struct digest **ret, struct err *err)
{
    struct digest *d = malloc(sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a hash");
    }
    mbedtls_sha256_init(&d->context);
    must(SHA256(starts)(&d->context, 0));
    *ret = d;
    return true;
}

void digest_add(struct digest *d, struct str bytes)
{
    if (bytes.len > 0) {
        must(SHA256(update)(&d->context, (const unsigned char *)bytes.ptr, bytes.len));
    }
}

void digest_end(struct digest *d, char ret[DIGEST_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[DIGEST_TEXT_SIZE / 2];
    must(SHA256(finish)(&d->context, hash));
    for (size_t i = 0; i < sizeof(hash); i++) {
        ret[2 * i] = digits[hash[i] >> 4];
        ret[2 * i + 1] = digits[hash[i] & 15];
    }
    ret[2 * sizeof(hash)] = '\0';
}

void digest_close(struct digest *d)
{
    if (d != NULL) {
        mbedtls_sha256_free(&d->context);
        free(d);
    }
}
