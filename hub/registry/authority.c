#include "hub/registry/authority.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"
#include "hub/registry/authority_files.h"
#include "hub/registry/rotation.h"
#include <string.h>

#define DAY_NS   (INT64_C(86400) * NS_PER_SEC)
#define SLACK_NS (300 * NS_PER_SEC)
enum {
    CA_DAYS = 3650,
    LEAF_DAYS = 397,
    PEM_BYTES_MAX = AUTHORITY_PEM_MAX,
    PURPOSE_BYTES_MAX = 128 << 10,
    HOST_NAMES_MAX = 40
};

bool authority_read_pem(const struct hub_config *config, const char *name, struct buf *into,
                        struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(config, name, path, err) && files_read(path, into, err);
}

bool authority_write_pem(const struct hub_config *config, const char *name, const struct buf *text,
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

bool authority_make_ca(const struct hub_config *config, const struct rng *rng,
                       const struct authority_order *order, struct buf *ret_key,
                       struct buf *ret_cert, struct err *err)
{
    char name[64];
    struct buf title = buf_fixed(name, sizeof(name));
    buf_addf(&title, STR_FMT "-ca", STR_ARG(str_slice(config->fleet, 0, 50)));
    if (order->suffix[0] != '\0') {
        buf_addf(&title, "-%s", order->suffix);
    }
    struct identity_issue issue = {
        .kind = IDENTITY_CA,
        .common_name = buf_str(&title),
        .not_before = order->not_before,
        .not_after = {order->not_before.ns + SLACK_NS + CA_DAYS * DAY_NS}};
    return identity_make_key(rng, ret_key, err) &&
           identity_make_ca(rng, buf_str(ret_key), &issue, ret_cert, err);
}

bool authority_make(const struct hub_config *config, const struct rng *rng, struct wall_time now,
                    struct err *err)
{
    if (authority_exists(config)) {
        return err_set(err, ERR_EXISTS, "there is a CA already");
    }
    struct authority_order order = {.suffix = "", .not_before = {now.ns - SLACK_NS}};
    struct buf key = buf_growing(PEM_BYTES_MAX);
    struct buf cert = buf_growing(PEM_BYTES_MAX);
    /* The certificate last: it is what says that there is a CA. */
    bool ok = make_folders(config, err) &&
              authority_make_ca(config, rng, &order, &key, &cert, err) &&
              authority_write_pem(config, "ca/ca.key", &key, 0600, err) &&
              authority_write_pem(config, "ca/ca.pem", &cert, 0644, err);
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
    return authority_read_pem(config, leaf->cert_file, &cert, &err) &&
           authority_read_pem(config, buf_cstr(&name), &made_for, &err) &&
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
    ok = ok && authority_write_pem(config, leaf->key_file, &key, 0600, err) &&
         authority_write_pem(config, leaf->cert_file, &cert, 0644, err) &&
         authority_write_pem(config, buf_cstr(&name), &made_for, 0644, err);
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

/* The hub looks every half minute; flash is not written for nothing. */
static bool write_if_changed(const struct hub_config *config, const char *name,
                             const struct buf *text, struct err *err)
{
    struct err missing = {0};
    AUTO(buf) there = buf_growing(PEM_BYTES_MAX);
    return (authority_read_pem(config, name, &there, &missing) &&
            str_eq(buf_str(&there), buf_str(text))) ||
           authority_write_pem(config, name, text, 0644, err);
}

/* --- loading ---------------------------------------------------------------------------- */

static bool load_text(const struct hub_config *config, const char *name, struct arena *arena,
                      struct str *ret, struct err *err)
{
    struct buf text = buf_growing(PEM_BYTES_MAX);
    bool ok = authority_read_pem(config, name, &text, err);
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
              authority_write_pem(config, "command/hub.key", &key, 0600, err) &&
              authority_write_pem(config, "command/keys.pem", &public, 0644, err);
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

/* The next CA, when the one in force is being changed; then what is trusted, and the proof of it. */
static bool load_trusted(const struct hub_config *config, const struct rng *rng,
                         struct arena *arena, struct authority *a, struct err *err)
{
    AUTO(buf) trusted = buf_growing(AUTHORITIES_BYTES_MAX);
    bool is_under_way = load_text(config, "ca/next.pem", arena, &a->next_cert, err);
    if (!is_under_way && !is_missing(err)) {
        return false;
    }
    *err = (struct err){0};
    if (is_under_way && !load_text(config, "ca/next.key", arena, &a->next_key, err)) {
        return false;
    }
    buf_add(&trusted, a->ca_cert);
    buf_add(&trusted, a->next_cert);
    a->trusted = arena_copy(arena, buf_str(&trusted));
    return a->trusted.ptr == NULL
               ? err_set(err, ERR_NO_MEMORY, "out of memory")
               : authorities_list(a->trusted, a->trusted_list, err) &&
                     identity_sign(rng, a->ca_key, a->trusted, a->trusted_signature, err);
}

static bool load_ca(const struct hub_config *config, const struct rng *rng, struct arena *arena,
                    struct authority *a, struct err *err)
{
    if (!load_text(config, "ca/ca.pem", arena, &a->ca_cert, err) ||
        !load_text(config, "ca/ca.key", arena, &a->ca_key, err)) {
        return no_authority(err);
    }
    return make_folders(config, err) && load_trusted(config, rng, arena, a, err) &&
           load_command_keys(config, rng, arena, a, err);
}

bool authority_read(const struct hub_config *config, const struct rng *rng, struct arena *arena,
                    struct authority *ret, struct err *err)
{
    *ret = (struct authority){0};
    bool ok = load_ca(config, rng, arena, ret, err);
    if (!ok) {
        authority_wipe(ret);
    }
    return ok;
}

bool authority_load(const struct hub_config *config, const struct rng *rng, struct wall_time now,
                    struct arena *arena, struct authority *ret, struct err *err)
{
    struct authority a = {0};
    if (!rotation_settle(config, err) || !authority_read(config, rng, arena, &a, err)) {
        return false;
    }
    struct buf trusted = buf_growing(PEM_BYTES_MAX);
    buf_add(&trusted, a.trusted);
    bool ok = renew(config, rng, now, a.ca_cert, a.ca_key, err) &&
              write_if_changed(config, "broker/ca.pem", &trusted, err) &&
              load_text(config, "broker/server.pem", arena, &a.server_cert, err) &&
              load_text(config, "identity/hub.pem", arena, &a.hub_cert, err) &&
              load_text(config, "identity/hub.key", arena, &a.hub_key, err);
    buf_release(&trusted);
    if (!ok) {
        authority_wipe(&a);
        return false;
    }
    *ret = a;
    return true;
}

bool authority_pins(const struct hub_config *config, char ret[AUTHORITY_PINS_SIZE], struct err *err)
{
    struct rotation r;
    struct buf pins = buf_fixed(ret, AUTHORITY_PINS_SIZE);
    if (!authority_exists(config)) {
        (void)err_set(err, ERR_NOT_FOUND, "no CA");
        return no_authority(err);
    }
    if (!rotation_read(config, &r, err)) {
        return false;
    }
    buf_add_text(&pins, r.current.fingerprint);
    buf_add_text(&pins, r.is_under_way ? r.next.fingerprint : "");
    return buf_cstr(&pins) != NULL || err_set(err, ERR_INTERNAL, "CA: fingerprints too long");
}

struct str authority_next_fingerprint(const struct authority *a)
{
    struct str list = str_from(a->trusted_list);
    struct str first;
    struct str rest;
    return str_cut(list, ' ', &first, &rest) ? rest : STR_NONE;
}

struct enrol_authority authority_for_devices(const struct authority *a,
                                             const struct hub_config *config, const struct rng *rng)
{
    return (struct enrol_authority){.ca_cert = a->ca_cert,
                                    .ca_key = a->ca_key,
                                    .next_cert = a->next_cert,
                                    .next_key = a->next_key,
                                    .next_fingerprint = authority_next_fingerprint(a),
                                    .trusted = a->trusted,
                                    .command_keys = a->command_keys,
                                    .host = config->host,
                                    .port = config->port,
                                    .certificate_ns = config->certificate_ns,
                                    .grace_ns = config->renewal_grace_ns,
                                    .rng = rng};
}

void authority_wipe(struct authority *a)
{
    str_wipe(&a->ca_key);
    str_wipe(&a->next_key);
    str_wipe(&a->hub_key);
    str_wipe(&a->command_key);
}
