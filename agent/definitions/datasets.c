/* datasets.c - the addresses of what an asset reads and writes, as the hub joins assets of several
 * devices by them: docs/reference/lineage.md. Of a connection only host, port, database and table are
 * told, never a user, a password or a secret: a text in which a secret would stand is left out. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/json/json.h"
#include <string.h>

enum {
    SCRATCH_BYTES = 256 << 10,
    ADDRESS_BYTES_MAX = 1024, /* a longer one is not told */
    ADDRESSES_MAX = 32,       /* of one asset, each way */
};
/* Stands where a secret would: no address may hold it. */
static const struct str secret_mark = STR_INIT("\x01");

struct telling {
    const struct definitions *defs;
    struct env_lookup env;
    struct arena arena;
    struct json_writer *w;
    const char *member; /* "reads", "writes": begun with the first address */
    size_t count;
};

static bool read_mark(void *ctx, struct str name, struct buf *into, struct err *err)
{
    (void)ctx, (void)name, (void)err;
    buf_add(into, secret_mark);
    return true;
}

/* --- options --------------------------------------------------------------------------------- */

/* Written in the block, else in its resource; NULL: nowhere. */
static const struct json *find_option(struct telling *t, const struct str written[2],
                                      const char *key)
{
    struct err err = {0};
    for (size_t i = 0; i < 2; i++) {
        struct json *node = NULL;
        if (!str_is_empty(written[i]) &&
            json_parse(written[i], LIMIT_EVENT_BYTES, &t->arena, &node, &err)) {
            const struct json *value = json_get(node, key);
            if (value != NULL) {
                return value;
            }
        }
    }
    return NULL;
}

static struct str resolve(struct telling *t, struct str text)
{
    struct err err = {0};
    struct str resolved = STR_NONE;
    return definitions_resolve_text(text, &t->env, &t->arena, &resolved, &err) ? resolved
                                                                               : STR_NONE;
}

/* Empty: not written, or not to be known now. */
static struct str option(struct telling *t, const struct str written[2], const char *key)
{
    const struct json *node = find_option(t, written, key);
    if (node == NULL) {
        return STR_NONE;
    }
    return resolve(t, node->type == JSON_STRING ? node->as.string : node->written);
}

/* Absolute where the definitions' own folder is, without "./" and "//". */
static struct str path_option(struct telling *t, const struct str written[2], const char *key)
{
    const struct json *node = find_option(t, written, key);
    struct err err = {0};
    const char *path = NULL;
    if (node == NULL || node->type != JSON_STRING ||
        !definitions_resolve_path(t->defs, node->as.string, &t->env, &t->arena, &path, &err)) {
        return STR_NONE;
    }
    char *clean = arena_alloc(&t->arena, strlen(path) + 1);
    size_t len = 0;
    for (const char *p = path; clean != NULL && *p != '\0'; p++) {
        bool is_start = len == 0 || clean[len - 1] == '/';
        if (is_start && p[0] == '.' && p[1] == '/') {
            p++;
        } else if (!(len > 0 && is_start && *p == '/')) {
            clean[len++] = *p;
        }
    }
    return (struct str){clean, clean == NULL ? 0 : len};
}

/* --- addresses ------------------------------------------------------------------------------- */

static bool is_fit(struct str address)
{
    for (size_t i = 0; i < address.len; i++) {
        if ((unsigned char)address.ptr[i] < ' ' || address.ptr[i] == 0x7f) {
            return false;
        }
    }
    return address.len <= ADDRESS_BYTES_MAX && str_is_utf8(address);
}

static void tell(struct telling *t, struct buf *address)
{
    if (address->overflow || !is_fit(buf_str(address)) || t->count == ADDRESSES_MAX) {
        return;
    }
    if (t->count++ == 0) {
        jw_key(t->w, str_from(t->member));
        jw_begin_array(t->w);
    }
    jw_str(t->w, buf_str(address));
}

static void add_lower(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        buf_add_char(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

static void tell_named(struct telling *t, const char *scheme, struct str host, struct str port,
                       struct str name)
{
    char memory[ADDRESS_BYTES_MAX + 1];
    struct buf address = buf_fixed(memory, sizeof(memory));
    if (str_is_empty(name)) {
        return;
    }
    buf_addf(&address, "%s://", scheme);
    add_lower(&address, host);
    if (!str_is_empty(port)) {
        buf_add_char(&address, ':');
        buf_add(&address, port);
    }
    buf_add_char(&address, ' ');
    buf_add(&address, name);
    tell(t, &address);
}

static void tell_sqlite(struct telling *t, struct str path, struct str table)
{
    char memory[ADDRESS_BYTES_MAX + 1];
    struct buf address = buf_fixed(memory, sizeof(memory));
    if (str_is_empty(path) || str_is_empty(table) || memchr(path.ptr, ' ', path.len) != NULL) {
        return; /* a blank in the path would end the namespace */
    }
    buf_add(&address, STR("sqlite://"));
    buf_add(&address, path.ptr[0] == '/' ? STR("") : STR("/"));
    buf_add(&address, path);
    buf_add_char(&address, ' ');
    buf_add(&address, table);
    tell(t, &address);
}

/* --- PostgreSQL ------------------------------------------------------------------------------ */

struct server {
    struct str host, port, database;
};

static struct str before_any(struct str text, const char *stops)
{
    size_t len = 0;
    while (len < text.len && strchr(stops, text.ptr[len]) == NULL) {
        len++;
    }
    return str_slice(text, 0, len);
}

/* "postgresql://user:password@host:port/database?..."; of several hosts the first. */
static void read_url(struct str url, struct server *s)
{
    struct str scheme;
    struct str rest;
    struct str user;
    struct str host;
    (void)str_cut(url, ':', &scheme, &rest);
    rest = str_starts(rest, STR("//")) ? str_slice(rest, 2, rest.len) : rest;
    struct str authority = before_any(rest, "/?");
    struct str path = str_slice(rest, authority.len, rest.len);
    s->database = before_any(str_slice(path, 1, path.len), "?");
    if (!str_cut_last(authority, '@', &user, &host)) {
        host = authority;
    }
    host = before_any(host, ",");
    if (str_starts(host, STR("["))) {
        struct str inner = before_any(host, "]");
        s->host = str_slice(host, 0, inner.len + 1);
        s->port = str_slice(host, inner.len + 2, host.len);
    } else {
        (void)str_cut(host, ':', &s->host, &s->port);
    }
}

/* "host=... port=... dbname='...'" */
static void read_dsn(struct str dsn, struct server *s)
{
    while (!str_is_empty(dsn)) {
        struct str key = before_any(dsn, "=");
        struct str value = str_slice(dsn, key.len + 1, dsn.len);
        bool is_quoted = str_starts(value, STR("'"));
        value = str_slice(value, is_quoted ? 1 : 0, value.len);
        struct str found = before_any(value, is_quoted ? "'" : " ");
        dsn = str_slice(value, found.len + 1, value.len);
        key = str_trim(key);
        if (str_eq(key, STR("host")) || str_eq(key, STR("hostaddr"))) {
            s->host = before_any(found, ",");
        } else if (str_eq(key, STR("port"))) {
            s->port = before_any(found, ",");
        } else if (str_eq(key, STR("dbname"))) {
            s->database = found;
        }
    }
}

static void tell_postgres(struct telling *t, const struct str written[2], struct str schema,
                          struct str table)
{
    struct str url = option(t, written, "url");
    struct str dsn = option(t, written, "dsn");
    struct server s = {0};
    if (!str_is_empty(url)) {
        read_url(url, &s);
    } else if (str_starts(dsn, STR("postgres:")) || str_starts(dsn, STR("postgresql:"))) {
        read_url(dsn, &s);
    } else {
        read_dsn(dsn, &s);
    }
    /* A folder of a socket, or none: on this host. */
    bool is_socket = str_is_empty(s.host) || str_starts(s.host, STR("/")) ||
                     str_starts(s.host, STR("%2F")) || str_starts(s.host, STR("@"));
    if (str_is_empty(s.database) || str_is_empty(table)) {
        return;
    }
    struct str name = arena_printf(&t->arena, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(s.database),
                                   STR_ARG(schema), STR_ARG(table));
    tell_named(t, "postgres", is_socket ? STR("localhost") : s.host,
               str_is_empty(s.port) ? STR("5432") : s.port, name);
}

/* --- the others ------------------------------------------------------------------------------ */

static void tell_http(struct telling *t, const struct str written[2])
{
    struct str url = option(t, written, "url");
    struct str more = option(t, written, "path");
    struct server s = {0};
    read_url(url, &s);
    bool is_tls = str_starts(url, STR("https:"));
    if (str_is_empty(s.host) || (!is_tls && !str_starts(url, STR("http:")))) {
        return;
    }
    struct str base = str_trim_end(before_any(s.database, "#"), '/');
    more = before_any(more, "?#");
    more = str_starts(more, STR("/")) ? str_slice(more, 1, more.len) : more;
    struct str name = arena_printf(&t->arena, "/" STR_FMT "%s" STR_FMT, STR_ARG(base),
                                   base.len > 0 && more.len > 0 ? "/" : "", STR_ARG(more));
    tell_named(t, is_tls ? "https" : "http", s.host,
               !str_is_empty(s.port) ? s.port
               : is_tls              ? STR("443")
                                     : STR("80"),
               name);
}

static void tell_modbus(struct telling *t, const struct str written[2])
{
    struct str host = option(t, written, "host");
    struct str line = option(t, written, "device");
    struct str port = option(t, written, "port");
    struct str unit = option(t, written, "unit");
    unit = str_is_empty(unit) ? STR("1") : unit;
    if (str_is_empty(host)) {
        struct str name =
            arena_printf(&t->arena, STR_FMT "/" STR_FMT, STR_ARG(line), STR_ARG(unit));
        tell_named(t, "modbus", STR(""), STR(""), str_is_empty(line) ? STR("") : name);
        return;
    }
    tell_named(t, "modbus", host, str_is_empty(port) ? STR("502") : port, unit);
}

static void tell_mqtt(struct telling *t, const struct str written[2])
{
    struct str host = option(t, written, "host");
    struct str port = option(t, written, "port");
    const struct json *topics = find_option(t, written, "topics");
    struct str topic = option(t, written, "topic");
    port = str_is_empty(port) ? STR("1883") : port;
    if (str_is_empty(host)) {
        return;
    }
    if (!str_contains(topic, STR("{"))) { /* else it is one for each row or stream */
        tell_named(t, "mqtt", host, port, topic);
    }
    bool is_list = topics != NULL && topics->type == JSON_ARRAY;
    for (const struct json *one = is_list ? topics->child : topics; one != NULL; one = one->next) {
        if (one->type == JSON_STRING) {
            tell_named(t, "mqtt", host, port, resolve(t, one->as.string));
        }
        if (!is_list) {
            break;
        }
    }
}

static void tell_endpoint(struct telling *t, const struct endpoint *end, enum connector_use use,
                          struct str stream)
{
    const char *file_key = end->connector->sides[use].key;
    const struct str written[2] = {end->written,
                                   end->resource != NULL ? end->resource->written : STR_NONE};
    struct str type = str_from(end->connector->type);
    struct str table = option(t, written, "table");
    struct str schema = option(t, written, "schema");
    table = str_is_empty(table) ? stream : table;
    if (str_eq(type, STR("sqlite"))) {
        tell_sqlite(t, path_option(t, written, "path"), table);
    } else if (str_eq(type, STR("postgres"))) {
        tell_postgres(t, written, str_is_empty(schema) ? STR("public") : schema, table);
    } else if (str_eq(type, STR("http"))) {
        tell_http(t, written);
    } else if (str_eq(type, STR("modbus"))) {
        tell_modbus(t, written);
    } else if (str_eq(type, STR("mqtt"))) {
        tell_mqtt(t, written);
    } else if (str_eq(type, STR("csv")) || str_eq(type, STR("jsonl")) ||
               str_eq(type, STR("singer"))) {
        tell_named(t, "file", STR(""), STR(""), path_option(t, written, file_key));
    }
}

static void tell_table(struct telling *t, const struct resource *resource, struct str schema,
                       struct str table)
{
    if (resource == NULL) {
        return;
    }
    const struct str written[2] = {STR_NONE, resource->written};
    if (str_eq(str_from(resource->connector->type), STR("sqlite"))) {
        tell_sqlite(t, path_option(t, written, "path"), table);
    } else {
        tell_postgres(t, written, schema, table);
    }
}

/* "database.schema.table", as dbt has it; the database is the resource's. */
static void tell_relation(struct telling *t, const struct asset *asset)
{
    struct str relation = STR_NONE;
    for (size_t i = 0; i < asset->metadata.count; i++) {
        if (str_eq(asset->metadata.keys[i], STR("dagster/table_name"))) {
            relation = asset->metadata.values[i];
        }
    }
    struct str head;
    struct str table;
    struct str database;
    struct str schema;
    if (!str_cut_last(relation, '.', &head, &table) ||
        !str_cut_last(head, '.', &database, &schema)) {
        return;
    }
    tell_table(t, asset->dbt.resource, schema, table);
}

/* --- one asset ------------------------------------------------------------------------------- */

static void tell_stated(struct telling *t, const struct asset *asset)
{
    for (size_t i = 0; i < asset->dataset.count; i++) {
        char memory[ADDRESS_BYTES_MAX + 1];
        struct buf address = buf_fixed(memory, sizeof(memory));
        buf_add(&address, resolve(t, asset->dataset.items[i]));
        if (address.len > 0) {
            tell(t, &address);
        }
    }
}

static void tell_read(struct telling *t, const struct asset *asset)
{
    if (asset->work == ASSET_EXTERNAL) {
        tell_stated(t, asset);
    } else if (asset->work == ASSET_EXTRACT_LOAD) {
        tell_endpoint(t, &asset->extract, USE_EXTRACT, STR_NONE);
    }
}

static void tell_written(struct telling *t, const struct asset *asset)
{
    if (asset->work == ASSET_EXTERNAL) {
        return;
    }
    tell_stated(t, asset);
    if (asset->work == ASSET_EXTRACT_LOAD) {
        tell_endpoint(t, &asset->load, USE_LOAD, asset->stream);
    } else if (asset->work == ASSET_SQL) {
        tell_table(t, asset->sql.resource, STR("public"), asset->sql.name);
    } else if (asset->work == ASSET_DBT) {
        tell_relation(t, asset);
    }
}

void definitions_write_datasets(const struct definitions *defs, size_t asset,
                                const struct env_lookup *env, struct json_writer *w)
{
    static const struct secret_lookup marks = {.read = read_mark};
    static const struct {
        const char *member;
        void (*tell)(struct telling *t, const struct asset *asset);
    } ways[] = {{"reads", tell_read}, {"writes", tell_written}};
    struct telling t = {.defs = defs, .env = *env, .w = w};
    t.env.secrets = &marks;
    t.arena = arena_new(SCRATCH_BYTES);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        t.member = ways[i].member;
        t.count = 0;
        ways[i].tell(&t, &defs->assets[asset]);
        if (t.count > 0) {
            jw_end_array(w);
        }
    }
    arena_release(&t.arena);
}
