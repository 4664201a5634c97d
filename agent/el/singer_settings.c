#include "agent/el/singer_settings.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Fields behind those that are there, whose struct begins `offset` bytes in. */
static void add_fields(struct singer_settings *s, struct field *fields,
                       const struct field_table *table, size_t offset)
{
    for (size_t i = 0; i < table->count; i++) {
        struct field field = table->fields[i];
        if (str_eq(str_from(field.key), STR("type"))) {
            continue;
        }
        field.required = field.required && !str_eq(str_from(field.key), STR("mode"));
        field.offset += offset;
        field.present_offset += field.present_offset > 0 ? offset : 0;
        fields[s->table.count++] = field;
    }
    if (table->defaults != NULL) {
        memcpy((char *)s->values + offset, table->defaults, table->size);
    }
}

bool singer_settings_init(struct singer_settings *ret, const struct field_table *options,
                          const char *type, const struct singer_extras *extras, struct arena *arena,
                          struct err *err)
{
    const struct field_table *more = extras->more;
    size_t behind =
        (options->size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    size_t size = more == NULL ? options->size : behind + more->size;
    size_t count = options->count + (more == NULL ? 0 : more->count);
    struct field *fields = arena_array(arena, count, sizeof(*fields));
    *ret = (struct singer_settings){.table = *options,
                                    .values = arena_alloc(arena, size),
                                    .before = arena_alloc(arena, size),
                                    .arena = arena,
                                    .foreign = extras->foreign};
    if (fields == NULL || ret->values == NULL || ret->before == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the configuration");
    }
    ret->table.name = type;
    ret->table.fields = fields;
    ret->table.count = 0;
    ret->table.size = size;
    ret->table.ignore_unknown = true;
    add_fields(ret, fields, options, 0);
    if (more != NULL) {
        ret->more = (char *)ret->values + behind;
        add_fields(ret, fields, more, behind);
    }
    ret->table.defaults = ret->before;
    return true;
}

/* --- settings of others ---------------------------------------------------------------------- */

static bool has_field(const struct singer_settings *s, struct str key)
{
    for (size_t i = 0; i < s->table.count; i++) {
        if (str_eq(key, str_from(s->table.fields[i].key))) {
            return true;
        }
    }
    return false;
}

static const struct foreign_setting *find_foreign(const struct singer_settings *s, struct str key)
{
    const struct foreign_setting *f = s->foreign;
    while (f->name != NULL && !str_eq(key, str_from(f->name))) {
        f++;
    }
    return f->name == NULL ? NULL : f;
}

static struct str text_of(const struct json *node)
{
    if (node->type == JSON_BOOL) {
        return node->as.boolean ? STR("true") : STR("false");
    }
    return node->type == JSON_STRING ? node->as.string : STR("");
}

static bool take_value(const struct foreign_setting *f, struct json *node, struct err *err)
{
    AUTO(buf) known = buf_growing(LIMIT_EVENT_BYTES);
    for (size_t i = 0; f->values != NULL && f->values[i] != NULL; i += 2) {
        if (str_eq(text_of(node), str_from(f->values[i]))) {
            node->type = JSON_STRING;
            node->as.string = str_from(f->values[i + 1]);
            return true;
        }
        buf_addf(&known, "%s%s", i == 0 ? "" : ", ", f->values[i]);
    }
    return f->values == NULL || err_set(err, ERR_INVALID, "\"%s\" is not one of %s", f->name,
                                        known.overflow ? "those" : buf_cstr(&known));
}

static bool add_switch(struct singer_settings *s, struct json *object, const char *name,
                       struct err *err)
{
    struct json *on = arena_alloc(s->arena, sizeof(*on));
    if (on == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the configuration");
    }
    *on = (struct json){
        .type = JSON_BOOL, .key = str_from(name), .as.boolean = true, .next = object->child};
    object->child = on;
    object->count++;
    return true;
}

static bool is_given(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type != JSON_NULL;
}

static bool take_foreign(struct singer_settings *s, const struct foreign_setting *f,
                         struct json *object, struct json *node, struct err *err)
{
    if (node->type == JSON_NULL) {
        return true;
    }
    if (f->effect == FOREIGN_REFUSED) {
        err_set(err, ERR_INVALID, "\"%s\" cannot be had here", f->name);
        return err_hint(err, "%s", f->help);
    }
    if (f->effect == FOREIGN_PASSED_OVER || !has_field(s, str_from(f->as)) ||
        is_given(object, f->as)) {
        LOG(INFO, "el.setting_passed_over", F_S("setting", node->key),
            F_S("why", f->effect == FOREIGN_PASSED_OVER ? str_from(f->help)
                       : has_field(s, str_from(f->as))  ? STR("our own setting is given, too")
                                                        : STR("this connector has no such thing")));
        return true;
    }
    node->key = str_from(f->as);
    return take_value(f, node, err) && (f->turns_on == NULL || is_given(object, f->turns_on) ||
                                        add_switch(s, object, f->turns_on, err));
}

static bool take_members(struct singer_settings *s, struct json *object, struct err *err)
{
    for (struct json *m = object->child; m != NULL; m = m->next) {
        const struct foreign_setting *f = find_foreign(s, m->key);
        if (has_field(s, m->key)) {
            continue;
        }
        if (f == NULL) {
            LOG(WARN, "el.setting_passed_over", F_S("setting", m->key),
                F_S("why", STR("nobody here knows it")));
        } else if (!take_foreign(s, f, object, m, err)) {
            return false;
        }
    }
    return true;
}

/* --- the files ------------------------------------------------------------------------------- */

static bool read_file(struct singer_settings *s, const char *path, struct err *err)
{
    AUTO(buf) text = buf_growing(LIMIT_JSON_BYTES);
    struct json *node = NULL;
    struct problems problems = {.arena = s->arena, .file = str_from(path)};
    if (!files_read(path, &text, err)) {
        return false;
    }
    struct str kept = arena_copy(s->arena, buf_str(&text));
    if (!json_parse(kept, LIMIT_JSON_BYTES, s->arena, &node, err) || !take_members(s, node, err)) {
        return err_wrap(err, "%s", path);
    }
    return fields_read(node, &s->table, STR(""), s->arena, &problems, s->values) ||
           problems_to_err(&problems, err);
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

/* --- what it says of itself ------------------------------------------------------------------ */

static void write_foreign(struct json_writer *w, const struct foreign_setting *foreign)
{
    jw_key(w, STR("settings_of_others"));
    jw_begin_array(w);
    for (; foreign->name != NULL; foreign++) {
        jw_begin_object(w);
        jw_member_str(w, "name", str_from(foreign->name));
        jw_member_opt(w, "as", str_from(foreign->as == NULL ? "" : foreign->as));
        jw_member_bool(w, "refused", foreign->effect == FOREIGN_REFUSED);
        jw_member_opt(w, "description", str_from(foreign->help == NULL ? "" : foreign->help));
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_about(const struct singer_about *about, const struct singer_settings *settings,
                        struct buf *out)
{
    char name[64];
    AUTO(buf) schema = buf_growing(LIMIT_JSON_BYTES);
    struct json_writer w = json_writer(out);
    fields_write_schema(&schema, &settings->table, "settings");
    jw_begin_object(&w);
    (void)snprintf(name, sizeof(name), "selvedge-el %s %s", about->kind, settings->table.name);
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
    write_foreign(&w, settings->foreign);
    jw_end_object(&w);
}

static void print_about(const struct singer_about *about, const struct singer_settings *settings,
                        struct buf *out)
{
    const struct foreign_setting *f = settings->foreign;
    buf_addf(out, "# selvedge-el %s %s\n\n", about->kind, settings->table.name);
    fields_write_markdown(out, &settings->table);
    if (f->name != NULL) {
        buf_add_text(out, "\n### settings of other Singer programs\n\n| key | here |\n|---|---|\n");
    }
    for (; f->name != NULL; f++) {
        buf_addf(out, "| `%s` | ", f->name);
        if (f->effect == FOREIGN_TAKEN) {
            buf_addf(out, "`%s`", f->as);
        } else {
            buf_addf(out, "%s: %s", f->effect == FOREIGN_REFUSED ? "refused" : "passed over",
                     f->help);
        }
        buf_add_text(out, " |\n");
    }
}

int singer_settings_about(struct cli *cli, const struct singer_about *about,
                          const struct singer_settings *settings)
{
    AUTO(buf) out = buf_growing((size_t)LIMIT_JSON_BYTES * 2);
    if (str_eq(str_from(cli_text(cli, "format")), STR("json"))) {
        write_about(about, settings, &out);
    } else {
        print_about(about, settings, &out);
    }
    cli_json(cli, buf_str(&out));
    return CLI_OK;
}
