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

enum told { TOLD_JOB, TOLD_SCHEDULE, TOLD_SENSOR, TOLD_ASSET, TOLD_COUNT };

/* A pass over what is told, cut into parts that an event holds. */
struct parts {
    struct store *store; /* NULL: they are only counted */
    const struct definitions *defs;
    const struct env_lookup *env;
    struct wall_time now;
    struct buf list[TOLD_COUNT]; /* of the part that is being filled */
    int64_t number;              /* of the parts that are done */
    int64_t total;               /* once they were counted */
};

/* The first part has all four lists: a hub sees by it that nothing is left untold. */
static void write_lists(const struct parts *p, struct buf *out)
{
    static const char *const names[TOLD_COUNT] = {"jobs", "schedules", "sensors", "assets"};
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        if (p->number == 1 || i == TOLD_ASSET || p->list[i].len > 0) {
            buf_addf(out, ",\"%s\":[" STR_FMT "]", names[i], STR_ARG(buf_str(&p->list[i])));
        }
    }
}

static bool record_part(const struct parts *p, struct err *err)
{
    AUTO(buf) members = buf_growing(2 * LIMIT_EVENT_BYTES);
    struct json_writer w = json_writer(&members);
    jw_member_str(&w, "hash", str_from(p->defs->hash));
    jw_member_opt(&w, "project", p->defs->project);
    jw_member_i64(&w, "part", p->number);
    jw_member_i64(&w, "parts", p->total);
    write_lists(p, &members);
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
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        buf_reset(&p->list[i]);
    }
    return true;
}

static size_t part_bytes(const struct parts *p)
{
    size_t sum = 0;
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        sum += p->list[i].len;
    }
    return sum;
}

static struct str write_one(const struct parts *p, enum told what, size_t index,
                            struct json_writer *w)
{
    switch (what) {
    case TOLD_JOB:
        definitions_write_job(p->defs, index, w);
        return p->defs->jobs[index].name;
    case TOLD_SCHEDULE:
        definitions_write_schedule(p->defs, index, w);
        return p->defs->schedules[index].name;
    case TOLD_SENSOR:
        definitions_write_sensor(p->defs, index, w);
        return p->defs->sensors[index].name;
    case TOLD_ASSET:
    case TOLD_COUNT:
        break;
    }
    definitions_write_asset(p->defs, index, p->env, w);
    return p->defs->assets[index].key;
}

static bool add_one(struct parts *p, enum told what, size_t index, struct err *err)
{
    AUTO(buf) one = buf_growing(LIMIT_EVENT_BYTES);
    struct json_writer w = json_writer(&one);
    struct str name = write_one(p, what, index, &w);
    if (one.overflow) {
        return err_set(err, ERR_FULL,
                       "the description of " STR_FMT " is too long to be told to the hub",
                       STR_ARG(name));
    }
    size_t bytes = part_bytes(p);
    if (bytes > 0 && bytes + one.len > PART_BYTES_MAX && !end_part(p, err)) {
        return false;
    }
    struct buf *list = &p->list[what];
    buf_add(list, list->len > 0 ? STR(",") : STR(""));
    buf_add(list, buf_str(&one));
    return !list->overflow ||
           err_set(err, ERR_NO_MEMORY, "tell the hub of the definitions: out of memory");
}

static bool go_through(struct parts *p, struct err *err)
{
    const size_t counts[TOLD_COUNT] = {p->defs->job_count, p->defs->schedule_count,
                                       p->defs->sensor_count, p->defs->asset_count};
    p->number = 0;
    for (int what = 0; what < TOLD_COUNT; what++) {
        for (size_t i = 0; i < counts[what]; i++) {
            if (!add_one(p, (enum told)what, i, err)) {
                return false;
            }
        }
    }
    return end_part(p, err);
}

static bool record_parts(struct store *store, const struct definitions *defs,
                         const struct env_lookup *env, struct wall_time now, struct err *err)
{
    struct parts parts = {.defs = defs, .env = env, .now = now};
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        parts.list[i] = buf_growing(PART_BYTES_MAX + LIMIT_EVENT_BYTES);
    }
    bool ok = go_through(&parts, err);
    parts.total = parts.number;
    parts.store = store;
    ok = ok && go_through(&parts, err);
    for (size_t i = 0; i < TOLD_COUNT; i++) {
        buf_release(&parts.list[i]);
    }
    return ok;
}

/* What was told of them, and in which form: a newer agent tells equal definitions again. */
enum { ANNOUNCED_FORM = 3 };

/* The hash is the file's. What the hub has put on top is told, too. */
static void write_announced(struct buf *out, const struct definitions *defs)
{
    buf_addf(out, "%s %d", defs->hash, ANNOUNCED_FORM);
    uint64_t sum = 0;
    for (size_t i = 0; i < defs->schedule_count; i++) {
        const struct schedule *s = &defs->schedules[i];
        sum = s->is_hubs ? sum * 31 + s->digest : sum;
    }
    if (sum != 0) {
        buf_addf(out, " %016llx", (unsigned long long)sum);
    }
}

bool announce_definitions(struct store *store, const struct definitions *defs,
                          const struct env_lookup *env, struct wall_time now, struct err *err)
{
    static const struct str setting = STR_INIT("announced_definitions");
    AUTO(buf) announced = buf_growing(256);
    AUTO(buf) current = buf_growing(256);
    bool found = false;
    write_announced(&current, defs);
    if (!store_get_setting(store, setting, &announced, &found, err)) {
        return false;
    }
    if (found && str_eq(buf_str(&announced), buf_str(&current))) {
        return store_flush(store, now, err);
    }
    return record_parts(store, defs, env, now, err) && store_flush(store, now, err) &&
           store_set_setting(store, setting, buf_str(&current), err);
}
