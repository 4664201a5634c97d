#include "agent/el/singer_settings.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"

#include <stdio.h>
#include <string.h>

enum { ABOUT_ARENA_BYTES_MAX = 1 << 20 };

bool singer_settings_init(struct singer_settings *ret, const struct field_table *options,
                          const char *type, struct arena *arena, struct err *err)
{
    struct field *fields = arena_array(arena, options->count, sizeof(*fields));
    *ret = (struct singer_settings){.table = *options,
                                    .values = arena_alloc(arena, options->size),
                                    .before = arena_alloc(arena, options->size),
                                    .arena = arena};
    if (fields == NULL || ret->values == NULL || ret->before == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the configuration");
    }
    ret->table.name = type;
    ret->table.fields = fields;
    ret->table.count = 0;
    ret->table.ignore_unknown = true;
    for (size_t i = 0; i < options->count; i++) {
        struct field field = options->fields[i];
        if (!str_eq(str_from(field.key), STR("type"))) {
            field.required = field.required && !str_eq(str_from(field.key), STR("mode"));
            fields[ret->table.count++] = field;
        }
    }
    if (options->defaults != NULL) {
        memcpy(ret->values, options->defaults, options->size);
    }
    ret->table.defaults = ret->before;
    return true;
}

static bool read_file(struct singer_settings *s, const char *path, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json *node = NULL;
    struct problems problems = {.arena = s->arena, .file = str_from(path)};
    if (!files_read(path, &text, err)) {
        return false;
    }
    struct str kept = arena_copy(s->arena, buf_str(&text));
    if (!json_parse(kept, LIMIT_JSON_BYTES, s->arena, &node, err)) {
        return err_wrap(err, "%s", path);
    }
    if (!fields_read(node, &s->table, STR(""), s->arena, &problems, s->values)) {
        return problems_to_err(&problems, err);
    }
    return s->check == NULL || s->check(node, s->values, err) || err_wrap(err, "%s", path);
}

bool singer_settings_read(struct singer_settings *s, const struct cli *cli, const char *example,
                          struct err *err)
{
    if (cli_values(cli, "config", 0) == NULL) {
        err_set(err, ERR_INVALID, "--config is missing");
        return err_hint(err, "write %s into a file and name it", example);
    }
    for (size_t i = 0; cli_values(cli, "config", i) != NULL; i++) {
        memcpy(s->before, s->values, s->table.size);
        if (!read_file(s, cli_values(cli, "config", i), err)) {
            return false;
        }
    }
    return true;
}

static void write_about(const struct singer_about *about, const struct field_table *table,
                        struct buf *out)
{
    char name[64];
    AUTO(buf) schema = buf_growing(LIMIT_JSON_BYTES);
    struct json_writer w = json_writer(out);
    fields_write_schema(&schema, table, "settings");
    jw_begin_object(&w);
    (void)snprintf(name, sizeof(name), "selvedge-el %s %s", about->kind, table->name);
    jw_member_str(&w, "name", str_from(name));
    jw_member_str(&w, "description", str_from(about->description));
    jw_member_str(&w, "version", str_from(SELVEDGE_VERSION));
    jw_key(&w, STR("capabilities"));
    jw_begin_array(&w);
    for (size_t i = 0; about->capabilities[i] != NULL; i++) {
        jw_str(&w, str_from(about->capabilities[i]));
    }
    jw_end_array(&w);
    jw_member_raw(&w, "settings", str_trim(buf_str(&schema)));
    jw_end_object(&w);
}

int singer_settings_about(struct cli *cli, const struct singer_about *about,
                          const struct field_table *options, const char *type)
{
    AUTO(arena) arena = arena_new(ABOUT_ARENA_BYTES_MAX);
    AUTO(buf) out = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    struct singer_settings settings;
    struct err err = {0};
    if (!singer_settings_init(&settings, options, type, &arena, &err)) {
        return cli_error(cli, &err);
    }
    if (str_eq(str_from(cli_text(cli, "format")), STR("json"))) {
        write_about(about, &settings.table, &out);
    } else {
        buf_addf(&out, "# selvedge-el %s %s\n\n", about->kind, type);
        fields_write_markdown(&out, &settings.table);
    }
    cli_json(cli, buf_str(&out));
    return CLI_OK;
}
