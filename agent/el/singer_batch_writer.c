#include "agent/el/singer_batch_writer.h"

#include "agent/el/singer_batch.h"
#include "common/platform/rng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDER_MODE = 0700, UUID_BYTES = 16, ROWS_MAX = 10000000 };

/* --- settings -------------------------------------------------------------------------------- */

static const char *const format_names[] = {"jsonl", NULL};
static const char *const compression_names[] = {[BATCH_GZIP] = "gzip", [BATCH_NONE] = "none", NULL};
static const struct field encoding_fields[] = {
    {.key = "format",
     .type = FIELD_ENUM,
     .offset = offsetof(struct batch_encoding, format),
     .names = format_names,
     .fallback = "jsonl",
     .help = "How the files are written."},
    {.key = "compression",
     .type = FIELD_ENUM,
     .offset = offsetof(struct batch_encoding, compression),
     .names = compression_names,
     .fallback = "gzip",
     .help = "How they are packed."},
};
static const struct field_table encoding_table = {.name = "encoding",
                                                  .size = sizeof(struct batch_encoding),
                                                  .fields = encoding_fields,
                                                  .count = COUNT_OF(encoding_fields)};
static const struct field storage_fields[] = {
    {.key = "root",
     .type = FIELD_STR,
     .offset = offsetof(struct batch_storage, root),
     .required = true,
     .help = "The folder of the files, or a URI `file:///…`; made when it is not there."},
    {.key = "prefix",
     .type = FIELD_STR,
     .offset = offsetof(struct batch_storage, prefix),
     .help = "What their names begin with."},
};
static const struct field_table storage_table = {.name = "storage",
                                                 .size = sizeof(struct batch_storage),
                                                 .fields = storage_fields,
                                                 .count = COUNT_OF(storage_fields)};
static const struct field batch_fields[] = {
    {.key = "encoding",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct batch_settings, encoding),
     .object = &encoding_table,
     .help = "What the files are."},
    {.key = "storage",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct batch_settings, storage),
     .required = true,
     .object = &storage_table,
     .help = "Where they are."},
    {.key = "batch_size",
     .type = FIELD_I64,
     .offset = offsetof(struct batch_settings, rows),
     .min = 1,
     .max = ROWS_MAX,
     .fallback = "10000",
     .help = "How many records a file has at most."},
};
static const struct batch_settings batch_defaults = {.rows = BATCH_ROWS_DEFAULT};
static const struct field_table batch_table = {.name = "batch_config",
                                               .size = sizeof(struct batch_settings),
                                               .fields = batch_fields,
                                               .count = COUNT_OF(batch_fields),
                                               .defaults = &batch_defaults};
static const struct field config_fields[] = {
    {.key = "batch_config",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct batch_config, settings),
     .object = &batch_table,
     .present_offset = offsetof(struct batch_config, is_given),
     .help = "Writes records into files, and BATCH messages that name them."},
};
const struct field_table batch_config_table = {.name = "batch",
                                               .size = sizeof(struct batch_config),
                                               .fields = config_fields,
                                               .count = COUNT_OF(config_fields)};

/* --- names ----------------------------------------------------------------------------------- */

static void add_plain(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
        buf_add(out, is_plain ? str_slice(text, i, i + 1) : STR("_"));
    }
}

static void add_uri(struct buf *out, const char *path)
{
    static const char safe[] = "-._~/";
    buf_add_text(out, "file://");
    for (const char *p = path; *p != '\0'; p++) {
        bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                        (*p >= '0' && *p <= '9') || strchr(safe, *p) != NULL;
        if (is_plain) {
            buf_add_char(out, *p);
        } else {
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
}

static bool find_folder(struct singer_batch_writer *w, struct err *err)
{
    char given[LIMIT_PATH_BYTES + 1];
    if (!singer_batch_path(w->settings->storage.root, given, err) ||
        !files_make_dirs(given, FOLDER_MODE, err)) {
        return err_wrap(err, "batch_config: storage.root");
    }
    char *folder = realpath(given, NULL);
    bool ok = folder != NULL && strlen(folder) <= LIMIT_PATH_BYTES;
    if (ok) {
        memcpy(w->folder, folder, strlen(folder) + 1);
    } else {
        err_errno(err, errno, "batch_config: storage.root: %s", given);
    }
    free(folder); /* of realpath() */
    return ok;
}

bool singer_batch_writer_init(struct singer_batch_writer *w, const struct batch_settings *settings,
                              struct str tap, struct str stream, struct arena *arena,
                              struct err *err)
{
    char uuid[2 * UUID_BYTES + 1];
    struct rng rng = rng_system();
    *w = (struct singer_batch_writer){.settings = settings, .arena = arena, .file = {.fd = {-1}}};
    struct buf name = buf_fixed(w->name, sizeof(w->name));
    rng_hex(&rng, UUID_BYTES, uuid);
    add_plain(&name, settings->storage.prefix);
    add_plain(&name, tap);
    buf_add_text(&name, "--");
    add_plain(&name, stream);
    buf_addf(&name, "-%s", uuid);
    if (buf_cstr(&name) == NULL) {
        return err_set(err, ERR_INVALID, "batch_config: the files' names would be too long");
    }
    return find_folder(w, err);
}

/* --- files ----------------------------------------------------------------------------------- */

static bool begin(struct singer_batch_writer *w, struct err *err)
{
    bool is_packed = w->settings->encoding.compression == BATCH_GZIP;
    w->number++;
    int len = snprintf(w->path, sizeof(w->path), "%s/%s-%lld.json%s", w->folder, w->name,
                       (long long)w->number, is_packed ? ".gz" : "");
    if (len < 0 || (size_t)len >= sizeof(w->path)) {
        return err_set(err, ERR_INVALID, "batch_config: the files' names would be too long");
    }
    return out_file_init(&w->file, w->path, is_packed, w->arena, err) &&
           out_file_create(&w->file, err);
}

bool singer_batch_writer_add(struct singer_batch_writer *w, struct str record, struct err *err)
{
    if (!out_file_is_open(&w->file) && !begin(w, err)) {
        return err_wrap(err, "batch");
    }
    buf_add(&w->file.text, record);
    buf_add_char(&w->file.text, '\n');
    return out_file_write(&w->file, err) || err_wrap(err, "batch");
}

bool singer_batch_writer_end(struct singer_batch_writer *w, struct str *ret_uri, struct err *err)
{
    AUTO(buf) uri = buf_growing((size_t)LIMIT_PATH_BYTES * 4);
    *ret_uri = STR_NONE;
    if (!out_file_is_open(&w->file)) {
        return true;
    }
    if (!out_file_sync(&w->file, err) || !out_file_replace(&w->file, err)) {
        return err_wrap(err, "batch");
    }
    out_file_release(&w->file);
    add_uri(&uri, w->path);
    *ret_uri = arena_copy(w->arena, buf_str(&uri));
    return ret_uri->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a batch's name");
}

void singer_batch_writer_release(struct singer_batch_writer *w)
{
    out_file_release(&w->file);
}
