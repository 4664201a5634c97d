/* singer_batch_fuzz.c - a BATCH message: its encoding, its manifest and the paths in it. No file is
 * opened. */
#include "agent/el/singer_batch.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_uri(struct json_raw uri)
{
    AUTO(buf) text = buf_growing(1 << 20);
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    struct str name;
    if (uri.type != JSON_STRING || !json_unescape(uri, true, &text, &name)) {
        return;
    }
    if (singer_batch_path(name, path, &err)) {
        assert(strlen(path) > 0 && strlen(path) <= LIMIT_PATH_BYTES);
    } else {
        assert(err.code == ERR_INVALID && err.msg[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) names = buf_growing(LIMIT_JSON_BYTES);
    struct singer_batch batch = {0};
    struct singer_message m;
    struct json_raw uri;
    struct err err = {0};
    if (!singer_parse((struct str){(const char *)data, size}, &names, NULL, &m, &err) ||
        m.type != SINGER_BATCH) {
        return 0;
    }
    if (singer_batch_begin(&batch, m.encoding, m.manifest, &err)) {
        while (json_scan_element(&batch.rest, &uri)) {
            take_uri(uri);
        }
    } else {
        assert(err.code != ERR_NONE && err.msg[0] != '\0' && !batch.is_open);
    }
    singer_batch_release(&batch);
    return 0;
}
