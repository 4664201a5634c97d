#include "agent/dbt/words.h"

#include "agent/dbt/names.h"
#include "common/base/limits.h"
#include "common/base/sha1.h"
#include "common/model/asset_key.h"

#include <string.h>

enum {
    DESCRIPTION_BYTES_MAX = 8000,
    COLUMNS_BYTES_MAX = 4000, /* of a value of metadata */
    WORDS_ARENA_BYTES = 1 << 20,
    OWNERS_MAX = 16,
};

/* --- group, tags, owners --- */

static struct str group_of(const struct dbt_import *import, uint32_t index, const struct json *node)
{
    const struct json *said = dbt_meta(node, "group");
    struct str own = import->project->nodes[index].group;
    return said != NULL && said->type == JSON_STRING ? said->as.string
           : own.len > 0                             ? own
                                                     : import->group;
}

static bool is_tag(struct str tag)
{
    static const char also[] = {'_', '-', '.', '/'};
    for (size_t i = 0; i < tag.len; i++) {
        char c = tag.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (i == 0 || memchr(also, c, sizeof(also)) == NULL)) {
            return false;
        }
    }
    return tag.len > 0 && tag.len <= LIMIT_NAME_BYTES;
}

static bool has_name(const struct str_map *map, struct str name)
{
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->keys[i], name)) {
            return true;
        }
    }
    return false;
}

/* A tag of dbt is a name alone; what no name may be is left out, as dagster-dbt does. */
static void write_tags(const struct dbt_import *import, uint32_t index, struct json_writer *w)
{
    const struct str_list *tags = &import->project->nodes[index].tags;
    size_t count = import->tags->count;
    if (count + tags->count == 0) {
        return;
    }
    jw_key(w, STR("tags"));
    jw_begin_object(w);
    for (size_t i = 0; i < count; i++) {
        jw_key(w, import->tags->keys[i]);
        jw_str(w, import->tags->values[i]);
    }
    for (size_t i = 0; i < tags->count && count < LIMIT_METADATA_ENTRIES; i++) {
        if (is_tag(tags->items[i]) && !has_name(import->tags, tags->items[i])) {
            jw_key(w, tags->items[i]);
            jw_str(w, STR(""));
            count++;
        }
    }
    jw_end_object(w);
}

/* As the definitions want it: "team:retail", or something at something. */
static bool is_owner(struct str owner)
{
    return owner.len < 255 && (str_starts(owner, STR("team:")) || str_contains(owner, STR("@")));
}

static void write_owner_list(const struct str_list *owners, struct json_writer *w)
{
    jw_key(w, STR("owners"));
    jw_begin_array(w);
    for (size_t i = 0; i < owners->count && i < OWNERS_MAX; i++) {
        jw_str(w, owners->items[i]);
    }
    jw_end_array(w);
}

static void write_owners(const struct dbt_import *import, uint32_t index, const struct json *node,
                         struct json_writer *w)
{
    const struct dbt_project *project = import->project;
    const struct json *said = dbt_meta(node, "owners");
    struct str items[OWNERS_MAX];
    struct str_list owners = {.items = items};
    said = said == NULL ? NULL : said->child;
    for (; said != NULL && owners.count < OWNERS_MAX; said = said->next) {
        if (said->type == JSON_STRING && is_owner(said->as.string)) {
            items[owners.count++] = said->as.string;
        }
    }
    struct str email = dbt_text(json_get(node, "owner"), "email"); /* of an exposure */
    if (owners.count == 0 && is_owner(email)) {
        items[owners.count++] = email;
    }
    for (size_t i = 0; i < project->group_count && owners.count == 0; i++) {
        const struct dbt_group *group = &project->groups[i];
        if (str_eq(group->name, project->nodes[index].group) && is_owner(group->owner_email)) {
            items[owners.count++] = group->owner_email;
        }
    }
    if (owners.count > 0 || import->owners->count > 0) {
        write_owner_list(owners.count > 0 ? &owners : import->owners, w);
    }
}

/* --- what it is --- */

static void write_kinds(const struct dbt_import *import, uint32_t index, struct json_writer *w)
{
    const struct dbt_node *n = &import->project->nodes[index];
    struct str kind = n->type == DBT_MODEL && n->materialized.len > 0
                          ? n->materialized
                          : str_from(dbt_type_name(n->type));
    AUTO(arena) arena = arena_new(WORDS_ARENA_BYTES);
    jw_key(w, STR("kinds"));
    jw_begin_array(w);
    if (!dbt_is_asset(n)) { /* of what is made the definitions know it */
        jw_str(w, STR("dbt"));
    }
    jw_str(w, name_from(kind, LIMIT_NAME_BYTES, &arena));
    jw_end_array(w);
}

/* "sha1 of the raw code", as dagster-dbt has it; a bundle keeps that. */
static void write_code_version(const struct json *node, struct json_writer *w)
{
    static const char digits[] = "0123456789abcdef";
    struct str code = dbt_text(node, "raw_code");
    struct str kept = dbt_text(node, "raw_code_sha1");
    struct str checksum = dbt_text(json_get(node, "checksum"), "checksum");
    char text[2 * SHA1_BYTES];
    uint8_t digest[SHA1_BYTES];
    if (code.len > 0) {
        sha1(code, digest);
        for (size_t i = 0; i < SHA1_BYTES; i++) {
            text[2 * i] = digits[digest[i] >> 4];
            text[2 * i + 1] = digits[digest[i] & 15];
        }
        kept = (struct str){text, sizeof(text)};
    }
    jw_member_opt(w, "code_version", kept.len > 0 ? kept : checksum);
}

/* "id integer, name text": what was declared. */
static void write_columns(const struct json *node, struct json_writer *w)
{
    const struct json *column = json_get(node, "columns");
    AUTO(buf) text = buf_growing(2 * COLUMNS_BYTES_MAX + LIMIT_PATH_BYTES);
    column = column == NULL ? NULL : column->child;
    for (; column != NULL && text.len < COLUMNS_BYTES_MAX; column = column->next) {
        struct str name = dbt_text(column, "name");
        struct str type = dbt_text(column, "data_type");
        buf_add(&text, text.len > 0 ? STR(", ") : STR(""));
        buf_add(&text, str_clip(name.len > 0 ? name : column->key, LIMIT_PATH_BYTES));
        buf_add(&text, type.len > 0 ? STR(" ") : STR(""));
        buf_add(&text, str_clip(type, LIMIT_NAME_BYTES));
    }
    if (text.len > 0) {
        jw_member_str(w, "dbt/columns", str_clip(buf_str(&text), COLUMNS_BYTES_MAX));
    }
}

/* "database.schema.alias", as dagster-dbt has it, of what has a relation. */
static void write_table(const struct dbt_node *n, struct json_writer *w)
{
    const struct str parts[] = {n->database, n->schema, n->alias};
    AUTO(buf) text = buf_growing((size_t)3 * LIMIT_PATH_BYTES);
    for (size_t i = 0; i < COUNT_OF(parts) && n->relation_name.len > 0; i++) {
        buf_add(&text, text.len > 0 && parts[i].len > 0 ? STR(".") : STR(""));
        buf_add(&text, str_clip(parts[i], LIMIT_PATH_BYTES - 1));
    }
    jw_member_opt(w, "dagster/table_name", buf_str(&text));
}

static void write_metadata(const struct dbt_import *import, uint32_t index, const struct json *node,
                           struct json_writer *w)
{
    const struct dbt_node *n = &import->project->nodes[index];
    jw_key(w, STR("metadata"));
    jw_begin_object(w);
    jw_member_str(w, "dbt/node", str_clip(n->unique_id, COLUMNS_BYTES_MAX));
    jw_member_opt(w, "dbt/path", str_clip(n->file_path, COLUMNS_BYTES_MAX));
    write_table(n, w);
    write_columns(node, w);
    struct str url = dbt_text(node, "url"); /* of an exposure */
    jw_member_opt(w, "dbt/url", str_clip(url, COLUMNS_BYTES_MAX));
    jw_end_object(w);
}

/* --- when --- */

static int64_t minutes_of(const struct json *node)
{
    return node != NULL && node->type == JSON_INT    ? node->as.integer
           : node != NULL && node->type == JSON_REAL ? (int64_t)node->as.real
                                                     : 0;
}

/* Dagster's: {maximum_lag_minutes, cron_schedule, cron_schedule_timezone}. */
static void write_freshness(const struct json *node, struct json_writer *w)
{
    const struct json *policy = dbt_meta(node, "freshness_policy");
    int64_t minutes = minutes_of(json_get(policy, "maximum_lag_minutes"));
    struct str cron = dbt_text(policy, "cron_schedule");
    AUTO(buf) lag = buf_growing(32);
    if (minutes <= 0 || minutes > (int64_t)366 * 24 * 60) {
        return;
    }
    buf_addf(&lag, "%lldm", (long long)minutes);
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    if (cron.len > 0) {
        jw_member_str(w, "cron", cron);
        jw_member_opt(w, "timezone", dbt_text(policy, "cron_schedule_timezone"));
        jw_member_str(w, "lower_bound", buf_str(&lag));
    } else {
        jw_member_str(w, "fail_after", buf_str(&lag));
    }
    jw_end_object(w);
}

/* {type: eager}; lazy is made by freshness alone, which here is somebody else's decision. */
static void write_automation(const struct json *node, struct json_writer *w)
{
    if (str_eq(dbt_text(dbt_meta(node, "auto_materialize_policy"), "type"), STR("eager"))) {
        jw_member_str(w, "automation", STR("eager"));
    }
}

void dbt_write_words(const struct dbt_import *import, uint32_t index, const struct json *node,
                     struct json_writer *w)
{
    AUTO(arena) arena = arena_new(WORDS_ARENA_BYTES);
    struct str group = group_of(import, index, node);
    bool is_made = dbt_is_asset(&import->project->nodes[index]);
    jw_member_str(w, "group", name_from(group, LIMIT_NAME_BYTES, &arena));
    write_kinds(import, index, w);
    write_tags(import, index, w);
    write_owners(import, index, node, w);
    jw_member_opt(w, "description", str_clip(dbt_text(node, "description"), DESCRIPTION_BYTES_MAX));
    write_metadata(import, index, node, w);
    if (is_made) {
        write_code_version(node, w);
        write_freshness(node, w);
        write_automation(node, w);
    }
}
