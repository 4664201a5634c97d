#include "agent/daemon/announce.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
    PART_BYTES_MAX = 48 << 10,
    FLUSH_EVERY = 8, /* parts: the store's memory for pending records is bounded */
};

/* The value of NAME="..." in /etc/os-release. */
static struct str os_release_value(struct str text, struct str name)
{
    struct str line = STR_NONE;
    while (!str_is_empty(text)) {
        (void)str_cut(text, '\n', &line, &text);
        struct str key = STR_NONE;
        struct str value = STR_NONE;
        if (str_cut(line, '=', &key, &value) && str_eq(key, name)) {
            bool is_quoted = value.len >= 2 && value.ptr[0] == '"';
            return is_quoted ? str_slice(value, 1, value.len - 1) : value;
        }
    }
    return STR("");
}

static void read_host(struct device_facts *ret)
{
    struct err err = {0};
    AUTO(buf) machine = buf_growing(256);
    if (files_read("/etc/machine-id", &machine, &err) && str_trim(buf_str(&machine)).len > 0) {
        (void)snprintf(ret->host, sizeof(ret->host), STR_FMT,
                       STR_ARG(str_slice(str_trim(buf_str(&machine)), 0, 64)));
    } else {
        (void)gethostname(ret->host, sizeof(ret->host) - 1);
    }
}

void device_facts_read(struct device_facts *ret)
{
    *ret = (struct device_facts){0};
    read_host(ret);
    struct err err = {0};
    struct utsname system;
    AUTO(buf) release = buf_growing(16 << 10);
    AUTO(buf) boot = buf_growing(256);
    struct str pretty = STR("");
    if (files_read("/etc/os-release", &release, &err)) {
        pretty = os_release_value(buf_str(&release), STR("PRETTY_NAME"));
    }
    if (uname(&system) == 0) {
        (void)snprintf(ret->board, sizeof(ret->board), "%.20s %.40s " STR_FMT, system.machine,
                       system.release, STR_ARG(str_slice(pretty, 0, 50)));
    }
    if (files_read("/proc/sys/kernel/random/boot_id", &boot, &err)) {
        (void)snprintf(ret->boot_id, sizeof(ret->boot_id), STR_FMT,
                       STR_ARG(str_slice(str_trim(buf_str(&boot)), 0, 36)));
    }
}

bool announce_device(struct store *store, const struct device_facts *facts, struct wall_time now,
                     struct err *err)
{
    AUTO(buf) members = buf_growing(4096);
    struct json_writer w = json_writer(&members);
    jw_member_str(&w, "version", STR(SELVEDGE_VERSION));
    jw_member_opt(&w, "board", str_from(facts->board));
    jw_member_opt(&w, "boot_id", str_from(facts->boot_id));
    jw_member_wall(&w, "agent_start", now);
    struct record record = {.type = EVENT_DEVICE, .at = now, .members = buf_str(&members)};
    return store_record(store, &record, err);
}

/* A pass over the assets, cut into parts that an event holds. */
struct parts {
    struct store *store; /* NULL: they are only counted */
    const struct definitions *defs;
    const struct env_lookup *env;
    struct wall_time now;
    struct buf *assets; /* of the part that is being filled */
    int64_t number;     /* of the parts that are done */
    int64_t total;      /* once they were counted */
};

static bool record_part(const struct parts *p, struct err *err)
{
    AUTO(buf) members = buf_growing(LIMIT_EVENT_BYTES);
    struct json_writer w = json_writer(&members);
    jw_member_str(&w, "hash", str_from(p->defs->hash));
    jw_member_opt(&w, "project", p->defs->project);
    jw_member_i64(&w, "part", p->number);
    jw_member_i64(&w, "parts", p->total);
    buf_addf(&members, ",\"assets\":[" STR_FMT "]", STR_ARG(buf_str(p->assets)));
    struct record record = {.type = EVENT_DEFINITIONS, .at = p->now, .members = buf_str(&members)};
    return store_record(p->store, &record, err) &&
           (p->number % FLUSH_EVERY != 0 || store_flush(p->store, p->now, err));
}

static bool end_part(struct parts *p, struct err *err)
{
    p->number++;
    if (p->store != NULL && !record_part(p, err)) {
        return false;
    }
    buf_reset(p->assets);
    return true;
}

static bool add_asset(struct parts *p, size_t index, struct err *err)
{
    AUTO(buf) one = buf_growing(LIMIT_EVENT_BYTES);
    struct json_writer w = json_writer(&one);
    definitions_write_asset(p->defs, index, p->env, &w);
    if (one.overflow) {
        return err_set(err, ERR_FULL,
                       "the description of " STR_FMT " is too long to be told to the hub",
                       STR_ARG(p->defs->assets[index].key));
    }
    bool has_room = p->assets->len + one.len <= PART_BYTES_MAX;
    if (p->assets->len > 0 && !has_room && !end_part(p, err)) {
        return false;
    }
    buf_add(p->assets, p->assets->len > 0 ? STR(",") : STR(""));
    buf_add(p->assets, buf_str(&one));
    return !p->assets->overflow ||
           err_set(err, ERR_NO_MEMORY, "tell the hub of the assets: out of memory");
}

static bool go_through(struct parts *p, struct err *err)
{
    p->number = 0;
    for (size_t i = 0; i < p->defs->asset_count; i++) {
        if (!add_asset(p, i, err)) {
            return false;
        }
    }
    return end_part(p, err);
}

static bool record_parts(struct store *store, const struct definitions *defs,
                         const struct env_lookup *env, struct wall_time now, struct err *err)
{
    AUTO(buf) assets = buf_growing(PART_BYTES_MAX + LIMIT_EVENT_BYTES);
    struct parts parts = {.defs = defs, .env = env, .now = now, .assets = &assets};
    if (!go_through(&parts, err)) {
        return false;
    }
    parts.total = parts.number;
    parts.store = store;
    return go_through(&parts, err);
}

/* What was told of them, and in which form: a newer agent tells equal definitions again. */
enum { ANNOUNCED_FORM = 2 };

bool announce_definitions(struct store *store, const struct definitions *defs,
                          const struct env_lookup *env, struct wall_time now, struct err *err)
{
    static const struct str setting = STR_INIT("announced_definitions");
    AUTO(buf) announced = buf_growing(256);
    AUTO(buf) current = buf_growing(256);
    bool found = false;
    buf_addf(&current, "%s %d", defs->hash, ANNOUNCED_FORM);
    if (!store_get_setting(store, setting, &announced, &found, err)) {
        return false;
    }
    if (found && str_eq(buf_str(&announced), buf_str(&current))) {
        return store_flush(store, now, err);
    }
    return record_parts(store, defs, env, now, err) && store_flush(store, now, err) &&
           store_set_setting(store, setting, buf_str(&current), err);
}
