#include "hub/registry/authority.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include <string.h>

#define DAY_NS   (INT64_C(86400) * NS_PER_SEC)
#define SLACK_NS (300 * NS_PER_SEC)
enum {
    CA_DAYS = 3650,
    LEAF_DAYS = 397,
    PEM_BYTES_MAX = 64 << 10,
    PURPOSE_BYTES_MAX = 128 << 10,
    HOST_NAMES_MAX = 40
};

static bool read_pem(const struct hub_config *config, const char *name, struct buf *into,
                     struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(config, name, path, err) && files_read(path, into, err);
}

static bool write_pem(const struct hub_config *config, const char *name, const struct buf *text,
                      mode_t mode, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(config, name, path, err) && files_write(path, buf_str(text), mode, err);
}

static bool make_folders(const struct hub_config *config, struct err *err)
{
    static const char *const names[] = {"ca", "broker", "identity", "command"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[LIMIT_PATH_BYTES + 1];
        if (!hub_path(config, names[i], path, err) || !files_make_dirs(path, 0700, err)) {
            return false;
        }
    }
    return true;
}

bool authority_exists(const struct hub_config *config)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err;
    return hub_path(config, "ca/ca.pem", path, &err) && files_exist(path);
}

bool authority_make(const struct hub_config *config, const struct rng *rng, struct wall_time now,
                    struct err *err)
{
    char name[64];
    if (authority_exists(config)) {
        return err_set(err, ERR_EXISTS, "there is a CA already");
    }
    struct buf title = buf_fixed(name, sizeof(name));
    buf_addf(&title, STR_FMT "-ca", STR_ARG(str_slice(config->fleet, 0, 50)));
    struct identity_issue issue = {.kind = IDENTITY_CA,
                                   .common_name = buf_str(&title),
                                   .not_before = {now.ns - SLACK_NS},
                                   .not_after = {now.ns + CA_DAYS * DAY_NS}};
    struct buf key = buf_growing(PEM_BYTES_MAX);
    struct buf cert = buf_growing(PEM_BYTES_MAX);
    /* The certificate last: it is what says that there is a CA. */
    bool ok = make_folders(config, err) && identity_make_key(rng, &key, err) &&
              identity_make_ca(rng, buf_str(&key), &issue, &cert, err) &&
              write_pem(config, "ca/ca.key", &key, 0600, err) &&
              write_pem(config, "ca/ca.pem", &cert, 0644, err);
    buf_wipe(&key);
    buf_release(&cert);
    return ok;
}

/* --- certificates below it -------------------------------------------------------------- */

struct leaf {
    const char *cert_file;
    const char *key_file;
    struct identity_issue issue;
    bool with_ca; /* the CA's certificate follows in the file: enrolling devices know only its
                     fingerprint */
};

/* What the certificate was made for stands beside it, so that a changed host name makes a new one.
 */
static void describe(const struct leaf *leaf, struct str ca_cert, char ret[FINGERPRINT_TEXT_SIZE])
{
    AUTO(buf) text = buf_growing(PURPOSE_BYTES_MAX);
    buf_add(&text, ca_cert);
    buf_add(&text, leaf->issue.common_name);
    for (size_t i = 0; i < leaf->issue.host_name_count; i++) {
        buf_add_char(&text, '\n');
        buf_add(&text, leaf->issue.host_names[i]);
    }
    digest_hex(buf_str(&text), ret);
}

static bool is_fresh(const struct hub_config *config, const struct leaf *leaf, struct str ca_cert,
                     struct wall_time now)
{
    struct err err = {0};
    struct identity_info info;
    char purpose[FINGERPRINT_TEXT_SIZE];
    char purpose_file[64];
    struct buf name = buf_fixed(purpose_file, sizeof(purpose_file));
    buf_addf(&name, "%s.for", leaf->cert_file);
    AUTO(buf) cert = buf_growing(PEM_BYTES_MAX);
    AUTO(buf) made_for = buf_growing(PEM_BYTES_MAX);
    describe(leaf, ca_cert, purpose);
    return read_pem(config, leaf->cert_file, &cert, &err) &&
           read_pem(config, buf_cstr(&name), &made_for, &err) &&
           str_eq(buf_str(&made_for), str_from(purpose)) &&
           identity_read_cert(buf_str(&cert), &info, &err) &&
           info.not_after.ns - now.ns > LEAF_DAYS * DAY_NS / 3;
}

static bool make_leaf(const struct hub_config *config, const struct leaf *leaf,
                      const struct rng *rng, struct str ca_cert, struct str ca_key, struct err *err)
{
    struct buf key = buf_growing(PEM_BYTES_MAX);
    struct buf cert = buf_growing(PEM_BYTES_MAX);
    char purpose[FINGERPRINT_TEXT_SIZE];
    char purpose_file[64];
    struct buf name = buf_fixed(purpose_file, sizeof(purpose_file));
    buf_addf(&name, "%s.for", leaf->cert_file);
    describe(leaf, ca_cert, purpose);
    struct buf made_for = buf_fixed(purpose, sizeof(purpose));
    made_for.len = sizeof(purpose) - 1;
    bool ok = identity_make_key(rng, &key, err) &&
              identity_issue_for_key(rng, ca_cert, ca_key, buf_str(&key), &leaf->issue, &cert, err);
    if (ok && leaf->with_ca) {
        buf_add(&cert, ca_cert);
    }
    ok = ok && write_pem(config, leaf->key_file, &key, 0600, err) &&
         write_pem(config, leaf->cert_file, &cert, 0644, err) &&
         write_pem(config, buf_cstr(&name), &made_for, 0644, err);
    buf_wipe(&key);
    buf_release(&cert);
    return ok;
}

static bool renew(const struct hub_config *config, const struct rng *rng, struct wall_time now,
                  struct str ca_cert, struct str ca_key, struct err *err)
{
    struct str hosts[HOST_NAMES_MAX] = {config->host, STR("localhost"), STR("127.0.0.1")};
    size_t count = 3;
    for (size_t i = 0; i < config->names.count && count < HOST_NAMES_MAX; i++) {
        hosts[count++] = config->names.items[i];
    }
    struct wall_time from = {now.ns - SLACK_NS};
    struct wall_time until = {now.ns + LEAF_DAYS * DAY_NS};
    const struct leaf leaves[] = {
        {.cert_file = "broker/server.pem",
         .key_file = "broker/server.key",
         .with_ca = true,
         .issue = {.kind = IDENTITY_SERVER,
                   .common_name = STR("broker"),
                   .host_names = hosts,
                   .host_name_count = count,
                   .not_before = from,
                   .not_after = until}},
        {.cert_file = "identity/hub.pem",
         .key_file = "identity/hub.key",
         .issue = {.kind = IDENTITY_CLIENT,
                   .common_name = STR("hub"),
                   .not_before = from,
                   .not_after = until}},
    };
    for (size_t i = 0; i < COUNT_OF(leaves); i++) {
        if (!is_fresh(config, &leaves[i], ca_cert, now) &&
            !make_leaf(config, &leaves[i], rng, ca_cert, ca_key, err)) {
            return err_wrap(err, "make %s", leaves[i].cert_file);
        }
    }
    return true;
}

/* --- loading ---------------------------------------------------------------------------- */

static bool load_text(const struct hub_config *config, const char *name, struct arena *arena,
                      struct str *ret, struct err *err)
{
    struct buf text = buf_growing(PEM_BYTES_MAX);
    bool ok = read_pem(config, name, &text, err);
    if (ok) {
        *ret = arena_copy(arena, buf_str(&text));
        ok = ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "read %s: out of memory", name);
    }
    buf_wipe(&text);
    return ok;
}

static bool no_authority(struct err *err)
{
    if (err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "this hub is not set up: it has no CA");
        (void)err_hint(err, "run: selvedge-hub init");
    } else if (err->code == ERR_DENIED) {
        (void)err_hint(err, "run it as the user that runs the hub, or with sudo");
    }
    return false;
}

static bool make_command_key(const struct hub_config *config, const struct rng *rng,
                             struct err *err)
{
    struct buf key = buf_growing(PEM_BYTES_MAX);
    struct buf public = buf_growing(PEM_BYTES_MAX);
    bool ok = identity_make_key(rng, &key, err) &&
              identity_public_key(rng, buf_str(&key), &public, err) &&
              write_pem(config, "command/hub.key", &key, 0600, err) &&
              write_pem(config, "command/keys.pem", &public, 0644, err);
    buf_wipe(&key);
    buf_release(&public);
    return ok;
}

static bool is_missing(const struct err *err)
{
    return err->code == ERR_NOT_FOUND;
}

static bool load_command_keys(const struct hub_config *config, const struct rng *rng,
                              struct arena *arena, struct authority *a, struct err *err)
{
    bool ok = load_text(config, "command/keys.pem", arena, &a->command_keys, err);
    if (!ok && is_missing(err)) {
        ok = make_command_key(config, rng, err) &&
             load_text(config, "command/keys.pem", arena, &a->command_keys, err);
    }
    return ok &&
           (load_text(config, "command/hub.key", arena, &a->command_key, err) || is_missing(err));
}

bool authority_load(const struct hub_config *config, const struct rng *rng, struct wall_time now,
                    struct arena *arena, struct authority *ret, struct err *err)
{
    struct authority a = {0};
    struct identity_info info;
    if (!load_text(config, "ca/ca.pem", arena, &a.ca_cert, err) ||
        !load_text(config, "ca/ca.key", arena, &a.ca_key, err)) {
        return no_authority(err);
    }
    struct buf copy = buf_growing(PEM_BYTES_MAX);
    buf_add(&copy, a.ca_cert);
    bool ok = identity_read_cert(a.ca_cert, &info, err) && make_folders(config, err) &&
              renew(config, rng, now, a.ca_cert, a.ca_key, err) &&
              write_pem(config, "broker/ca.pem", &copy, 0644, err) &&
              load_text(config, "identity/hub.pem", arena, &a.hub_cert, err) &&
              load_text(config, "identity/hub.key", arena, &a.hub_key, err) &&
              load_command_keys(config, rng, arena, &a, err);
    buf_release(&copy);
    if (!ok) {
        authority_wipe(&a);
        return false;
    }
    memcpy(a.ca_fingerprint, info.fingerprint, sizeof(a.ca_fingerprint));
    *ret = a;
    return true;
}

bool authority_reload_keys(const struct hub_config *config, struct arena *arena,
                           struct authority *a, struct err *err)
{
    AUTO(buf) keys = buf_growing(PEM_BYTES_MAX);
    struct str changed;
    if (!read_pem(config, "command/keys.pem", &keys, err)) {
        return false;
    }
    if (!str_eq(buf_str(&keys), a->command_keys)) {
        changed = arena_copy(arena, buf_str(&keys));
        if (changed.ptr == NULL) {
            (void)err_set(err, ERR_NO_MEMORY, "the command keys have changed too often");
            return err_hint(err, "start the hub again");
        }
        a->command_keys = changed;
    }
    char path[LIMIT_PATH_BYTES + 1];
    if (!hub_path(config, "command/hub.key", path, err)) {
        return false;
    }
    if (!files_exist(path)) {
        str_wipe(&a->command_key);
    }
    return true;
}

bool authority_fingerprint(const struct hub_config *config, char ret[65], struct err *err)
{
    AUTO(buf) cert = buf_growing(PEM_BYTES_MAX);
    struct identity_info info;
    if (!read_pem(config, "ca/ca.pem", &cert, err)) {
        return no_authority(err);
    }
    if (!identity_read_cert(buf_str(&cert), &info, err)) {
        return false;
    }
    memcpy(ret, info.fingerprint, sizeof(info.fingerprint));
    return true;
}

void authority_wipe(struct authority *a)
{
    str_wipe(&a->ca_key);
    str_wipe(&a->hub_key);
    str_wipe(&a->command_key);
}
