/* dbt_bundle_fuzz.c - a bundle: the bytes as they are, and with the hash that they should end with. */
#include "common/dbt/bundle.h"
#include "common/tls/identity.h"
#include "tests/fuzz/dbt_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str bytes)
{
    struct dbt_project *project = dbt_check_open(bytes, false);
    if (project != NULL) {
        dbt_check_project(project);
    }
    dbt_project_close(project);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    char hash[FINGERPRINT_TEXT_SIZE];
    AUTO(buf) whole = buf_growing(size + 256);
    check(bytes);
    digest_hex(bytes, hash);
    buf_add(&whole, bytes);
    buf_addf(&whole, ",\"sha256\":\"%s\"}\n", hash);
    check(buf_str(&whole));
    return 0;
}
