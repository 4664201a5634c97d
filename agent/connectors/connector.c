#include "agent/connectors/connector.h"

#include "agent/connectors/file_target_options.h"
#include "agent/connectors/http_tap_options.h"
#include "agent/connectors/http_target_options.h"
#include "agent/connectors/modbus_options.h"
#include "agent/connectors/mqtt_options.h"
#include "agent/connectors/mqtt_target_options.h"
#include "agent/connectors/postgres_options.h"
#include "agent/connectors/system_options.h"

#include <string.h>

static const struct connector connectors[] = {
    {.type = "sqlite",
     .kind = "sqlite",
     .help = "A SQLite database.",
     .answers_sql = true,
     .sides = {[USE_EXTRACT] = {.options = &tap_sqlite_options,
                                .help = "Rows of a table or view of a SQLite database."},
               [USE_LOAD] = {.options = &target_sqlite_options,
                             .help = "Tables of a SQLite database."}}},
    {.type = "postgres",
     .kind = "postgres",
     .help = "A PostgreSQL database.",
     .answers_sql = true,
     .check_connection = postgres_check_resource,
     .package = "libpq-dev",
     .build_option = "SELVEDGE_WITH_POSTGRES",
     .is_absent = !SELVEDGE_WITH_POSTGRES,
     .sides = {[USE_EXTRACT] = {.options = &tap_postgres_options,
                                .help = "Rows of a table or view of a PostgreSQL database."},
               [USE_LOAD] = {.options = &target_postgres_options,
                             .help = "Tables of a PostgreSQL database."}}},
    {.type = "csv",
     .kind = "csv",
     .build_option = "SELVEDGE_WITH_CSV",
     .is_absent = !SELVEDGE_WITH_CSV,
     .sides = {[USE_EXTRACT] = {.options = &tap_csv_options,
                                .key = "csv",
                                .option = "path",
                                .check = csv_check,
                                .help = "CSV files."},
               [USE_LOAD] = {.options = &target_csv_options,
                             .key = "csv",
                             .option = "path",
                             .check = csv_target_check,
                             .is_file = true,
                             .help = "A CSV file."}}},
    {.type = "jsonl",
     .kind = "jsonl",
     .build_option = "SELVEDGE_WITH_JSONL",
     .is_absent = !SELVEDGE_WITH_JSONL,
     .sides = {[USE_EXTRACT] = {.options = &tap_jsonl_options,
                                .key = "jsonl",
                                .option = "path",
                                .check = jsonl_check,
                                .help = "Files with one JSON object a line."},
               [USE_LOAD] = {.options = &target_jsonl_options,
                             .key = "jsonl",
                             .option = "path",
                             .is_file = true,
                             .help = "A file with one JSON object a line."}}},
    {.type = "singer",
     .kind = "singer",
     .sides = {[USE_EXTRACT] = {.options = &tap_singer_options,
                                .key = "singer",
                                .option = "path",
                                .has_streams = true,
                                .help = "Files that a Singer tap wrote."}}},
    {.type = "singer_program",
     .kind = "singer",
     .sides = {[USE_EXTRACT] = {.options = &tap_program_options,
                                .key = "tap",
                                .option = "command",
                                .check = program_check,
                                .has_streams = true,
                                .is_program = true,
                                .help = "A Singer tap, which somebody else wrote."},
               [USE_LOAD] = {.options = &target_program_options,
                             .key = "target",
                             .option = "command",
                             .check = program_target_check,
                             .is_program = true,
                             .help = "A Singer target, which somebody else wrote."}}},
    {.type = "system",
     .kind = "system",
     .build_option = "SELVEDGE_WITH_SYSTEM",
     .is_absent = !SELVEDGE_WITH_SYSTEM,
     .sides = {[USE_EXTRACT] = {.options = &tap_system_options,
                                .key = "system",
                                .option = "groups",
                                .check = system_check,
                                .has_key = true,
                                .help = "What this host says of itself."}}},
    {.type = "http",
     .kind = "http",
     .help = "A server that speaks HTTP.",
     .check_connection = http_tap_check_connection,
     .package = "libcurl4-openssl-dev",
     .build_option = "SELVEDGE_WITH_HTTP",
     .is_absent = !SELVEDGE_WITH_HTTP,
     .sides = {[USE_EXTRACT] = {.options = &tap_http_options,
                                .check = http_tap_check,
                                .help = "Records of a JSON API."},
               [USE_LOAD] = {.options = &target_http_options,
                             .check = http_target_check,
                             .is_program = true,
                             .help = "Batches of rows, as JSON, to an API."}}},
    {.type = "modbus",
     .kind = "modbus",
     .help = "A device that speaks Modbus, over TCP or a serial line.",
     .check_connection = modbus_check_connection,
     .package = "libmodbus-dev",
     .build_option = "SELVEDGE_WITH_MODBUS",
     .is_absent = !SELVEDGE_WITH_MODBUS,
     .sides = {[USE_EXTRACT] = {.options = &tap_modbus_options,
                                .check = modbus_check,
                                .help = "Registers of a device that speaks Modbus."}}},
    {.type = "mqtt",
     .kind = "mqtt",
     .help = "A broker, which is spoken to without TLS. Sensors listen to one too.",
     .check_connection = mqtt_check_connection,
     .build_option = "SELVEDGE_WITH_MQTT",
     .is_absent = !SELVEDGE_WITH_MQTT,
     .sides = {[USE_EXTRACT] = {.options = &tap_mqtt_options,
                                .check = mqtt_check,
                                .help = "Messages of a broker."},
               [USE_LOAD] = {.options = &target_mqtt_options,
                             .check = mqtt_target_check,
                             .is_program = true,
                             .help = "Rows as messages, to a broker."}}},
};

const struct connector *connector_find(struct str type)
{
    for (size_t i = 0; i < COUNT_OF(connectors); i++) {
        if (str_eq(type, str_from(connectors[i].type))) {
            return &connectors[i];
        }
    }
    return NULL;
}

_Static_assert(COUNT_OF(connectors) <= CONNECTORS_MAX, "raise CONNECTORS_MAX");

size_t connector_index(const struct connector *c)
{
    return (size_t)(c - connectors);
}

const struct connector *connector_at(size_t index)
{
    return index < COUNT_OF(connectors) ? &connectors[index] : NULL;
}

static bool has_connection(const struct field_table *options)
{
    for (size_t i = 0; options != NULL && i < options->count; i++) {
        if ((options->fields[i].marks & OPTION_CONNECTION) != 0) {
            return true;
        }
    }
    return false;
}

bool connector_has_resource(const struct connector *c)
{
    return has_connection(c->sides[USE_EXTRACT].options) ||
           has_connection(c->sides[USE_LOAD].options);
}

const struct field *connector_option(const struct connector *c, enum connector_use use,
                                     struct str key)
{
    const struct connector_side *side = &c->sides[use];
    const char *name = side->key;
    if (name != NULL && str_eq(key, str_from(name))) {
        key = str_from(side->option);
    }
    for (size_t i = 0; side->options != NULL && i < side->options->count; i++) {
        if (str_eq(key, str_from(side->options->fields[i].key))) {
            return &side->options->fields[i];
        }
    }
    return NULL;
}

bool connector_absent(const struct connector *c, const char *what, struct err *err)
{
    err_set(err, ERR_INVALID, "%s \"%s\" is not in this build", what, c->type);
    return c->package == NULL ? err_hint(err, "build it with the CMake option %s", c->build_option)
                              : err_hint(err, "build it with the package %s (CMake option %s)",
                                         c->package, c->build_option);
}

/* --- as definitions write them --------------------------------------------------------------- */

struct view {
    struct field_table table;
    struct field *fields;
};

/* A table without fields, with room for those of the options and one more. */
static struct view *new_view(const struct connector *c, const char *kind,
                             const struct connector_side *side, struct arena *arena)
{
    struct view *v = arena_alloc(arena, sizeof(*v));
    struct field *fields = arena_array(arena, side->options->count + 1, sizeof(*fields));
    struct str name = arena_printf(arena, "%s_%s", kind, c->type);
    if (v == NULL || fields == NULL || name.ptr == NULL) {
        return NULL;
    }
    v->fields = fields;
    v->table = (struct field_table){.name = name.ptr,
                                    .size = side->options->size,
                                    .fields = fields,
                                    .defaults = side->options->defaults,
                                    .help = side->help};
    return v;
}

static void add_field(struct view *v, struct field field)
{
    v->fields[v->table.count++] = field;
}

/* With what definitions make of its texts. */
static void add_option(struct view *v, struct field field, struct arena *arena)
{
    bool is_path = (field.marks & OPTION_PATH) != 0;
    bool has_secrets = (field.marks & (OPTION_SECRET | OPTION_PRIVATE)) != 0;
    if (is_path || has_secrets) {
        const char *help = field.help == NULL ? "" : field.help;
        field.help = arena_printf(arena, "%s%s%s%s", help,
                                  is_path ? " Relative to the folder of the definitions." : "",
                                  has_secrets && help[0] != '\0' ? " " : "",
                                  has_secrets ? "May hold ${secret:NAME}." : "")
                         .ptr;
    }
    add_field(v, field);
}

static void add_connection(struct view *v, const struct field_table *options, struct arena *arena)
{
    for (size_t i = 0; i < options->count; i++) {
        if ((options->fields[i].marks & OPTION_CONNECTION) != 0) {
            add_option(v, options->fields[i], arena);
        }
    }
}

const struct field_table *connector_connection_table(const struct connector *c,
                                                     enum connector_use use, struct arena *arena)
{
    struct view *v = new_view(c, "connection", &c->sides[use], arena);
    if (v == NULL) {
        return NULL;
    }
    v->table.ignore_unknown = true;
    add_connection(v, c->sides[use].options, arena);
    return &v->table;
}

/* Room for one more field behind the options' struct; where it is. SIZE_MAX: no memory. */
static size_t make_room(struct field_table *table, size_t size, struct arena *arena)
{
    char *defaults = arena_alloc(arena, table->size + size);
    size_t offset = table->size;
    if (defaults == NULL) {
        return SIZE_MAX;
    }
    if (table->defaults != NULL) {
        memcpy(defaults, table->defaults, table->size);
    }
    table->defaults = defaults;
    table->size += size;
    return offset;
}

/* False: no memory. */
static bool add_behind(struct view *v, struct field field, struct arena *arena)
{
    field.offset = make_room(&v->table, sizeof(struct str), arena);
    add_field(v, field);
    return field.offset != SIZE_MAX;
}

const struct field_table *connector_table_extend(const struct field_table *table,
                                                 const struct field *field, size_t size,
                                                 struct arena *arena)
{
    struct field_table *ret = arena_alloc(arena, sizeof(*ret));
    struct field *fields = arena_array(arena, table->count + 1, sizeof(*fields));
    if (ret == NULL || fields == NULL) {
        return NULL;
    }
    *ret = *table;
    memcpy(fields, table->fields, table->count * sizeof(*fields));
    fields[table->count] = *field;
    fields[table->count].offset = make_room(ret, size, arena);
    ret->fields = fields;
    ret->count++;
    return fields[table->count].offset == SIZE_MAX ? NULL : ret;
}

const struct field_table *connector_resource_table(const struct connector *c, struct arena *arena)
{
    enum connector_use use = has_connection(c->sides[USE_EXTRACT].options) ? USE_EXTRACT : USE_LOAD;
    struct view *v = new_view(c, "resource", &c->sides[use], arena);
    const char **names = arena_array(arena, 2, sizeof(*names));
    if (v == NULL || names == NULL) {
        return NULL;
    }
    names[0] = c->type;
    const struct field type = {
        .key = "type", .type = FIELD_ENUM, .required = true, .names = names, .help = "What it is."};
    if (!add_behind(v, type, arena)) {
        return NULL;
    }
    v->table.help = c->help;
    add_connection(v, c->sides[use].options, arena);
    return &v->table;
}

/* What definitions say for a side's option: `mode` and `table` follow from the asset when they are
 * not given. */
static void add_block_field(struct view *v, const struct connector_side *side, struct field field,
                            struct arena *arena)
{
    struct str key = str_from(field.key);
    bool is_of_tables = str_eq(key, STR("table")) || str_eq(key, STR("primary_key"));
    bool is_left_out = str_eq(key, STR("type")) ||
                       (field.marks & (OPTION_CONNECTION | OPTION_HIDDEN)) != 0 ||
                       (side->is_file && is_of_tables);
    if (side->key != NULL && str_eq(key, str_from(side->option))) {
        field.key = side->key;
        field.required = true;
    } else if (is_left_out) {
        return;
    }
    field.required = field.required && !is_of_tables && !str_eq(key, STR("mode"));
    add_option(v, field, arena);
}

const struct field_table *connector_block_table(const struct connector *c, enum connector_use use,
                                                struct arena *arena)
{
    static const char *const names[] = {[USE_EXTRACT] = "extract", [USE_LOAD] = "load"};
    static const struct field resource = {.key = "resource",
                                          .type = FIELD_STR,
                                          .required = true,
                                          .help = "The name of the connection."};
    const struct connector_side *side = &c->sides[use];
    struct view *v = new_view(c, names[use], side, arena);
    if (v == NULL || (has_connection(side->options) && !add_behind(v, resource, arena))) {
        return NULL;
    }
    for (size_t i = 0; i < side->options->count; i++) {
        add_block_field(v, side, side->options->fields[i], arena);
    }
    return &v->table;
}

const struct connector *connector_with(enum connector_use use, size_t index)
{
    for (size_t i = 0; i < COUNT_OF(connectors); i++) {
        if (connectors[i].sides[use].options != NULL && index-- == 0) {
            return &connectors[i];
        }
    }
    return NULL;
}

const struct connector *connector_with_resource(size_t index)
{
    for (size_t i = 0; i < COUNT_OF(connectors); i++) {
        if (connector_has_resource(&connectors[i]) && index-- == 0) {
            return &connectors[i];
        }
    }
    return NULL;
}
