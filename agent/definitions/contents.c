/* contents.c - the hash of all that was written, and a digest of each object: what comments,
 * layout and the choice of files do not change. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/tls/identity.h"
#include <string.h>

enum {
    /* An escape is at most six times its byte. */
    CANONICAL_BYTES_MAX = 8 * (LIMIT_DEFINITIONS_BYTES + LIMIT_DBT_DEFINITIONS_BYTES),
};

/* The tree as text, then every query that came from a file. */
static bool hash(const struct loader *l, char ret[FINGERPRINT_TEXT_SIZE])
{
    AUTO(buf) content = buf_growing(CANONICAL_BYTES_MAX);
    json_write(&content, l->root);
    for (size_t i = 0; i < l->defs->asset_count; i++) {
        if (l->defs->assets[i].sql.file.len > 0) {
            buf_add_char(&content, '\n');
            buf_add(&content, l->defs->assets[i].sql.query);
        }
    }
    if (content.overflow) {
        return false;
    }
    digest_hex(buf_str(&content), ret);
    return true;
}

/* Memory to use again, and whether it was enough each time. */
struct digesting {
    struct buf work;
    bool overflow;
};

/* Of the node, and of a text that it names. */
static uint64_t digest(struct digesting *d, const struct json *node, struct str text)
{
    uint8_t bytes[32];
    uint64_t number = 0;
    buf_reset(&d->work);
    json_write(&d->work, node);
    buf_add_char(&d->work, '\n');
    buf_add(&d->work, text);
    d->overflow = d->overflow || d->work.overflow;
    digest_sha256(buf_str(&d->work), bytes);
    memcpy(&number, bytes, sizeof(number));
    return number;
}

uint64_t digest_of(const struct json *node)
{
    struct digesting d = {.work = buf_growing(CANONICAL_BYTES_MAX)};
    uint64_t number = digest(&d, node, STR(""));
    buf_release(&d.work);
    return number;
}

bool stamp_contents(struct loader *l)
{
    struct definitions *defs = l->defs;
    struct digesting d = {.work = buf_growing(CANONICAL_BYTES_MAX)};
    const struct json *node = first_of(l->root, "assets");
    for (size_t i = 0; i < defs->asset_count; i++, node = next_of(node)) {
        struct sql *sql = &defs->assets[i].sql;
        defs->assets[i].digest = digest(&d, node, sql->file.len > 0 ? sql->query : STR(""));
    }
    node = first_of(l->root, "jobs");
    for (size_t i = 0; i < defs->job_count; i++, node = next_of(node)) {
        defs->jobs[i].digest = digest(&d, node, STR(""));
    }
    node = first_of(l->root, "schedules");
    for (size_t i = 0; i < defs->schedule_count; i++, node = next_of(node)) {
        defs->schedules[i].digest = digest(&d, node, STR(""));
    }
    node = first_of(l->root, "sensors");
    for (size_t i = 0; i < defs->sensor_count; i++, node = next_of(node)) {
        defs->sensors[i].digest = digest(&d, node, STR(""));
    }
    buf_release(&d.work);
    return !d.overflow && hash(l, defs->hash);
}
