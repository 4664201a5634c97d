/* rotation.c - DESIGN: beginning ends with next.pem: without it a next.key counts for nothing. Finishing
 * begins with ca.key, which becomes next.key: from then on it is only completed, by whoever comes
 * first (the hub's next look, or the command again). */
#include "hub/registry/rotation.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/authorities.h"
#include "hub/registry/authority_files.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLACK_NS (300 * NS_PER_SEC)
enum { SUFFIX_SIZE = 9 };

static bool read_if_there(const struct hub_config *config, const char *name, struct buf *into,
                          struct err *err)
{
    if (authority_read_pem(config, name, into, err)) {
        return true;
    }
    bool is_missing = err->code == ERR_NOT_FOUND;
    if (is_missing) {
        *err = (struct err){0};
    }
    return is_missing;
}

static bool remove_file(const struct hub_config *config, const char *name, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(config, name, path, err) &&
           (unlink(path) == 0 || errno == ENOENT || err_errno(err, errno, "remove %s", path));
}

/* Two command lines at once would mix their keys; whoever else's they are, the hub could not read them. */
static bool begin_change(const struct hub_config *config, struct fd *ret_lock, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct stat st;
    if (!hub_path(config, "ca/ca.key", path, err)) {
        return false;
    }
    if (stat(path, &st) != 0) {
        return err_errno(err, errno, "read %s", path);
    }
    if (st.st_uid == geteuid()) {
        return hub_path(config, "ca.lock", path, err) && files_lock(path, ret_lock, err) &&
               rotation_settle(config, err);
    }
    (void)err_set(err, ERR_DENIED, "%s is another user's", path);
    return err_hint(err, "run it as the user that runs the hub: sudo -u selvedge-hub");
}

bool rotation_settle(const struct hub_config *config, struct err *err)
{
    struct buf key = buf_growing(AUTHORITY_PEM_MAX);
    struct buf next_key = buf_growing(AUTHORITY_PEM_MAX);
    AUTO(buf) next = buf_growing(AUTHORITY_PEM_MAX);
    bool ok = read_if_there(config, "ca/ca.key", &key, err) &&
              read_if_there(config, "ca/next.key", &next_key, err) &&
              read_if_there(config, "ca/next.pem", &next, err);
    bool is_begun = ok && next_key.len > 0 && str_eq(buf_str(&key), buf_str(&next_key));
    buf_wipe(&key);
    buf_wipe(&next_key);
    if (!ok || !is_begun) {
        return ok;
    }
    return (next.len == 0 || authority_write_pem(config, "ca/ca.pem", &next, 0644, err)) &&
           remove_file(config, "ca/next.pem", err) && remove_file(config, "ca/next.key", err);
}

bool rotation_read(const struct hub_config *config, struct rotation *ret, struct err *err)
{
    struct rotation r = {0};
    AUTO(buf) current = buf_growing(AUTHORITY_PEM_MAX);
    AUTO(buf) next = buf_growing(AUTHORITY_PEM_MAX);
    if (!authority_read_pem(config, "ca/ca.pem", &current, err)) {
        return err->code == ERR_NOT_FOUND ? err_hint(err, "run: selvedge-hub init") : false;
    }
    if (!identity_read_cert(buf_str(&current), &r.current, err) ||
        !read_if_there(config, "ca/next.pem", &next, err)) {
        return false;
    }
    r.is_under_way = next.len > 0 && !str_eq(buf_str(&next), buf_str(&current));
    if (r.is_under_way && !identity_read_cert(buf_str(&next), &r.next, err)) {
        return err_wrap(err, "ca/next.pem");
    }
    *ret = r;
    return true;
}

/* A name of its own: who checks a chain or a list of revoked certificates goes by it. */
static bool make_next(const struct hub_config *config, const struct rng *rng,
                      struct wall_time not_before, struct err *err)
{
    char suffix[SUFFIX_SIZE];
    struct authority_order order = {.suffix = suffix, .not_before = not_before};
    struct buf key = buf_growing(AUTHORITY_PEM_MAX);
    AUTO(buf) cert = buf_growing(AUTHORITY_PEM_MAX);
    rng_hex(rng, (SUFFIX_SIZE - 1) / 2, suffix);
    bool ok = authority_make_ca(config, rng, &order, &key, &cert, err) &&
              authority_write_pem(config, "ca/next.key", &key, 0600, err) &&
              authority_write_pem(config, "ca/next.pem", &cert, 0644, err);
    buf_wipe(&key);
    return ok;
}

bool rotation_begin(const struct hub_config *config, const struct rng *rng, struct wall_time now,
                    struct err *err)
{
    struct rotation r = {0};
    AUTO(fd) lock = {-1};
    if (!begin_change(config, &lock, err) || !rotation_read(config, &r, err)) {
        return false;
    }
    if (r.is_under_way) {
        (void)err_set(err, ERR_EXISTS, "the CA is being changed already: \"%s\" is to be next",
                      r.next.common_name);
        return err_hint(err, "look how far it is: selvedge-hub ca status");
    }
    /* Sets of CAs are told apart by when their newest began, in seconds. */
    struct wall_time earliest = {r.current.not_before.ns + NS_PER_SEC};
    if (!wall_is_set(now) || now.ns < earliest.ns) {
        (void)err_set(err, ERR_INVALID, "the clock is before the beginning of the CA in force");
        return err_hint(err, "set the clock of this host");
    }
    struct wall_time not_before = {now.ns - SLACK_NS};
    return make_next(config, rng, not_before.ns < earliest.ns ? earliest : not_before, err);
}

bool rotation_finish(const struct hub_config *config, struct err *err)
{
    struct rotation r = {0};
    AUTO(fd) lock = {-1};
    if (!begin_change(config, &lock, err) || !rotation_read(config, &r, err)) {
        return false;
    }
    if (!r.is_under_way) {
        (void)err_set(err, ERR_NOT_FOUND, "the CA is not being changed");
        return err_hint(err, "begin with: selvedge-hub ca rotate");
    }
    struct buf key = buf_growing(AUTHORITY_PEM_MAX);
    bool ok = authority_read_pem(config, "ca/next.key", &key, err) &&
              authority_write_pem(config, "ca/ca.key", &key, 0600, err);
    buf_wipe(&key);
    return ok && rotation_settle(config, err);
}
