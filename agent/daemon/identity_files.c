#include "agent/daemon/identity_files.h"

#include "common/base/limits.h"
#include "common/json/fields.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PEM_BYTES_MAX = 64 << 10 };

static const struct field hub_fields[] = {
    {.key = "fleet",
     .type = FIELD_STR,
     .offset = offsetof(struct device_identity, fleet),
     .required = true,
     .help = "The fleet that the device belongs to."},
    {.key = "device",
     .type = FIELD_STR,
     .offset = offsetof(struct device_identity, device),
     .required = true,
     .help = "The name of this device in the fleet."},
    {.key = "host",
     .type = FIELD_STR,
     .offset = offsetof(struct device_identity, host),
     .required = true,
     .help = "Name or address of the broker."},
    {.key = "port",
     .type = FIELD_I64,
     .offset = offsetof(struct device_identity, port),
     .required = true,
     .min = 1,
     .max = 65535,
     .help = "Port of the broker's listener for devices."},
    {.key = "enrol_port",
     .type = FIELD_I64,
     .offset = offsetof(struct device_identity, enrol_port),
     .min = 1,
     .max = 65535,
     .help = "Port of its listener for enrolment."},
};
static const struct field_table hub_table = {.name = "hub",
                                             .size = sizeof(struct device_identity),
                                             .fields = hub_fields,
                                             .count = COUNT_OF(hub_fields),
                                             .ignore_unknown = true};

static void identity_path(const char *state_dir, const char *file, char path[LIMIT_PATH_BYTES + 1])
{
    (void)snprintf(path, LIMIT_PATH_BYTES + 1, "%s/identity/%s", state_dir, file);
}

static bool read_text(const char *state_dir, const char *file, struct arena *arena, struct str *ret,
                      struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    identity_path(state_dir, file, path);
    AUTO(buf) text = buf_growing(PEM_BYTES_MAX);
    if (!files_read(path, &text, err)) {
        if (err->code == ERR_NOT_FOUND) {
            (void)err_set(err, ERR_NOT_FOUND, "this device is not enrolled: %s is not there", path);
            (void)err_hint(err, "make a token on the hub (selvedge-hub token create), then run: "
                                "selvedge-agent enroll TOKEN");
        }
        return false;
    }
    *ret = arena_copy(arena, buf_str(&text));
    buf_wipe(&text);
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "read %s: out of memory", path);
}

static bool write_text(const char *state_dir, const char *file, struct str text, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    identity_path(state_dir, file, path);
    return files_write(path, text, 0600, err);
}

/* Like files_read(), but what is not there is empty. */
static bool read_if_there(const char *state_dir, const char *file, struct buf *into,
                          struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    identity_path(state_dir, file, path);
    return files_read(path, into, err) || err->code == ERR_NOT_FOUND;
}

static bool remove_file(const char *state_dir, const char *file, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    identity_path(state_dir, file, path);
    return unlink(path) == 0 || errno == ENOENT || err_errno(err, errno, "remove %s", path);
}

/* Whether the key that waits is in use already: only then was the adoption begun. */
static bool is_key_adopted(const char *state_dir, struct buf *pending, bool *ret, struct err *err)
{
    struct buf key = buf_growing(PEM_BYTES_MAX);
    bool ok = read_if_there(state_dir, "key.pem", &key, err) &&
              read_if_there(state_dir, "pending-key.pem", pending, err);
    *ret = ok && pending->len > 0 && str_eq(buf_str(&key), buf_str(pending));
    buf_wipe(&key);
    return ok;
}

static bool finish_adoption(const char *state_dir, struct err *err)
{
    bool is_begun = false;
    struct buf pending = buf_growing(PEM_BYTES_MAX);
    AUTO(buf) cert = buf_growing(PEM_BYTES_MAX);
    bool ok = is_key_adopted(state_dir, &pending, &is_begun, err);
    buf_wipe(&pending);
    if (!ok || !is_begun) {
        return ok;
    }
    return read_if_there(state_dir, "pending-cert.pem", &cert, err) &&
           (cert.len == 0 || write_text(state_dir, "cert.pem", buf_str(&cert), err)) &&
           remove_file(state_dir, "pending-cert.pem", err) &&
           remove_file(state_dir, "pending-key.pem", err);
}

bool device_pending_key(const char *state_dir, const struct rng *rng, struct buf *ret_key,
                        struct err *err)
{
    if (!finish_adoption(state_dir, err) ||
        !read_if_there(state_dir, "pending-key.pem", ret_key, err)) {
        return false;
    }
    return ret_key->len > 0 || (remove_file(state_dir, "pending-cert.pem", err) &&
                                identity_make_key(rng, ret_key, err) &&
                                write_text(state_dir, "pending-key.pem", buf_str(ret_key), err));
}

bool device_pending_save(const char *state_dir, struct str cert, struct err *err)
{
    return write_text(state_dir, "pending-cert.pem", cert, err);
}

bool device_pending_load(const char *state_dir, struct buf *ret_key, struct buf *ret_cert,
                         struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    identity_path(state_dir, "pending-key.pem", path);
    if (!files_read(path, ret_key, err)) {
        return false;
    }
    identity_path(state_dir, "pending-cert.pem", path);
    return files_read(path, ret_cert, err);
}

bool device_pending_adopt(const char *state_dir, struct err *err)
{
    struct buf key = buf_growing(PEM_BYTES_MAX);
    AUTO(buf) cert = buf_growing(PEM_BYTES_MAX);
    bool ok = device_pending_load(state_dir, &key, &cert, err) &&
              write_text(state_dir, "key.pem", buf_str(&key), err);
    buf_wipe(&key);
    return ok && finish_adoption(state_dir, err);
}

bool device_identity_load(const char *state_dir, struct arena *arena, struct device_identity *ret,
                          struct err *err)
{
    struct device_identity identity = {0};
    struct str hub = STR_NONE;
    struct json *node = NULL;
    struct problems problems = {.arena = arena, .file = STR("identity/hub.json")};
    if (!finish_adoption(state_dir, err)) {
        return false;
    }
    if (!read_text(state_dir, "hub.json", arena, &hub, err) ||
        !json_parse(hub, PEM_BYTES_MAX, arena, &node, err)) {
        return err->code == ERR_NOT_FOUND ? false : err_wrap(err, "identity/hub.json");
    }
    if (!fields_read(node, &hub_table, STR_NONE, arena, &problems, &identity)) {
        return problems_to_err(&problems, err);
    }
    if (!read_text(state_dir, "key.pem", arena, &identity.key_pem, err) ||
        !read_text(state_dir, "cert.pem", arena, &identity.cert_pem, err) ||
        !read_text(state_dir, "ca.pem", arena, &identity.ca_pem, err) ||
        (!read_text(state_dir, "command.pem", arena, &identity.command_keys, err) &&
         err->code != ERR_NOT_FOUND)) {
        return false;
    }
    *ret = identity;
    return true;
}

bool device_identity_save(const char *state_dir, const struct device_identity *identity,
                          struct err *err)
{
    AUTO(buf) hub = buf_growing(4096);
    struct json_writer w = json_writer(&hub);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", identity->fleet);
    jw_member_str(&w, "device", identity->device);
    jw_member_str(&w, "host", identity->host);
    jw_member_i64(&w, "port", identity->port);
    if (identity->enrol_port != 0) {
        jw_member_i64(&w, "enrol_port", identity->enrol_port);
    }
    jw_end_object(&w);
    buf_add_char(&hub, '\n');
    /* hub.json last: without it the device counts as not enrolled. */
    return write_text(state_dir, "ca.pem", identity->ca_pem, err) &&
           write_text(state_dir, "cert.pem", identity->cert_pem, err) &&
           (str_is_empty(identity->command_keys) ||
            write_text(state_dir, "command.pem", identity->command_keys, err)) &&
           write_text(state_dir, "hub.json", buf_str(&hub), err);
}

bool device_identity_save_keys(const char *state_dir, struct str command_keys, struct err *err)
{
    return write_text(state_dir, "command.pem", command_keys, err);
}

bool device_identity_save_authorities(const char *state_dir, struct str ca_pem, struct err *err)
{
    return write_text(state_dir, "ca.pem", ca_pem, err);
}

void device_identity_wipe(struct device_identity *identity)
{
    str_wipe(&identity->key_pem);
}
