/* csr_fuzz.c - certificate requests as the hub handles them. What is accepted must be the same key
 * each time. */
#include "common/tls/identity.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    char first[FINGERPRINT_TEXT_SIZE];
    char again[FINGERPRINT_TEXT_SIZE];
    char memory[64];
    struct buf name = buf_fixed(memory, sizeof(memory));
    struct err err = {0};
    bool has_name = identity_read_csr(text, &name, &err);
    bool has_key = identity_csr_key_fingerprint(text, first, &err);
    if (has_name && (!has_key || name.len == 0)) {
        abort();
    }
    if (has_key &&
        (!identity_csr_key_fingerprint(text, again, &err) || strcmp(first, again) != 0)) {
        abort();
    }
    return 0;
}
