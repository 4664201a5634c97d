#include "hub/desired/document.h"

#include "common/model/cron.h"
#include "common/model/tz.h"
#include "common/yaml/yaml.h"
#include <stddef.h>

#define DAY_NS (INT64_C(86400) * NS_PER_SEC)

/* --- a schedule ------------------------------------------------------------------------------- */

struct schedule_read {
    struct str name, job, select, cron, timezone;
    int64_t every_ns, splay_ns, all;
    int missed;
    bool starts_paused, has_all, has_cron, has_every, has_timezone, has_job, has_select;
    struct str_map tags;
};

#define ROW(member_, key_, type_, ...)                                                             \
    {                                                                                              \
        .key = (key_), .type = (type_), .offset = offsetof(struct schedule_read, member_),         \
        __VA_ARGS__                                                                                \
    }
#define SEEN(member_) .present_offset = offsetof(struct schedule_read, member_)

/* One struct for both levels: `missed` is at offset 0 of it. */
static const char *const missed_words[] = {"latest", "skip", NULL};
struct missed_read {
    int word;
    int64_t all;
};
static const struct field missed_word = {.key = "",
                                         .type = FIELD_ENUM,
                                         .offset = offsetof(struct missed_read, word),
                                         .names = missed_words};
static const struct field missed_fields[] = {{.key = "all",
                                              .type = FIELD_I64,
                                              .offset = offsetof(struct missed_read, all),
                                              .required = true,
                                              .min = 1,
                                              .max = 10000}};
static const struct field_table missed_table = {.name = "missed",
                                                .size = sizeof(struct missed_read),
                                                .fields = missed_fields,
                                                .count = COUNT_OF(missed_fields),
                                                .shorthand = &missed_word};

struct schedule_whole {
    struct schedule_read s;
    struct missed_read missed;
};
static const struct field schedule_fields[] = {
    ROW(name, "name", FIELD_STR, .required = true),
    ROW(job, "job", FIELD_STR, SEEN(has_job)),
    ROW(select, "select", FIELD_STR, SEEN(has_select)),
    ROW(cron, "cron", FIELD_STR, SEEN(has_cron)),
    ROW(every_ns, "every", FIELD_DURATION, SEEN(has_every), .min = NS_PER_SEC, .max = 366 * DAY_NS),
    ROW(timezone, "timezone", FIELD_STR, SEEN(has_timezone)),
    {.key = "missed",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct schedule_whole, missed),
     .object = &missed_table},
    ROW(splay_ns, "splay", FIELD_DURATION, .max = 31 * DAY_NS),
    ROW(starts_paused, "paused", FIELD_BOOL, .min = 0),
    ROW(tags, "tags", FIELD_STR_MAP, .max = LIMIT_METADATA_ENTRIES),
};
const struct field_table document_schedule_table = {.name = "schedule",
                                                    .size = sizeof(struct schedule_whole),
                                                    .fields = schedule_fields,
                                                    .count = COUNT_OF(schedule_fields)};

bool document_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (i == 0 || (c != '_' && c != '-' && c != '.'))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= LIMIT_NAME_BYTES;
}

static struct location place(const struct json *node)
{
    return (struct location){node->line, node->column, node->file};
}

static void check_times(const struct json *node, const struct schedule_read *s, struct str path,
                        struct problems *problems)
{
    struct cron cron;
    struct err err = {0};
    if (s->has_cron == s->has_every) {
        problems_add(problems, place(node), STR_NONE,
                     STR_FMT ": it needs one of cron and every, and not both", STR_ARG(path));
    } else if (s->has_cron && !cron_parse(s->cron, &cron, &err)) {
        problems_add(problems, place(json_get(node, "cron")), str_from(err.hint),
                     STR_FMT ": cron: %s", STR_ARG(path), err.msg);
    }
    if (s->has_timezone && s->has_every) {
        problems_add(problems, place(node), STR("take it away"),
                     STR_FMT ": timezone goes with cron only", STR_ARG(path));
    } else if (s->has_timezone && !tz_name_is_valid(s->timezone)) {
        problems_add(problems, place(json_get(node, "timezone")),
                     STR("a name such as Europe/Berlin or UTC"),
                     STR_FMT ": timezone: it is not a zone's name", STR_ARG(path));
    }
}

static void check_schedule(const struct json *node, struct str path, struct arena *arena,
                           struct problems *problems)
{
    struct schedule_whole whole = {0};
    if (!fields_read(node, &document_schedule_table, path, arena, problems, &whole)) {
        return;
    }
    if (!document_name_is_valid(whole.s.name)) {
        problems_add(problems, place(json_get(node, "name")),
                     STR("letters, digits, '_', '-' and '.', beginning with a letter or digit"),
                     STR_FMT ": it is not a name of 1 to %d characters", STR_ARG(path),
                     LIMIT_NAME_BYTES);
    }
    if (whole.s.has_job == whole.s.has_select) {
        problems_add(problems, place(node), STR_NONE,
                     STR_FMT ": it needs one of job and select, and not both", STR_ARG(path));
    }
    check_times(node, &whole.s, path, problems);
}

static void check_schedules(const struct json *schedules, struct arena *arena,
                            struct problems *problems)
{
    size_t index = 0;
    const struct json *node = schedules == NULL ? NULL : schedules->child;
    for (; node != NULL; node = node->next, index++) {
        char path[LIMIT_NAME_BYTES + 32];
        struct buf text = buf_fixed(path, sizeof(path));
        struct str name = json_get(node, "name")->as.string; /* there is one, and it is a text */
        buf_addf(&text, "schedule " STR_FMT, STR_ARG(str_slice(name, 0, LIMIT_NAME_BYTES)));
        check_schedule(node, buf_str(&text), arena, problems);
    }
}

/* YAML makes 1.10 a number; in a file on a device it is the tag "1.10". */
static void keep_as_written(struct json *root)
{
    for (struct json *list = root->child; list != NULL; list = list->next) {
        bool are_schedules = list->type == JSON_ARRAY && str_eq(list->key, STR("schedules"));
        for (struct json *s = are_schedules ? list->child : NULL; s != NULL; s = s->next) {
            struct json *tags = s->type == JSON_OBJECT ? s->child : NULL;
            while (tags != NULL && !str_eq(tags->key, STR("tags"))) {
                tags = tags->next;
            }
            for (struct json *tag = tags == NULL ? NULL : tags->child; tag != NULL;
                 tag = tag->next) {
                if (!str_is_empty(tag->written)) {
                    tag->type = JSON_STRING;
                    tag->as.string = tag->written;
                }
            }
        }
    }
}

/* --- a document --------------------------------------------------------------------------------- */

bool document_read(struct str text, struct str name, struct arena *arena, struct problems *problems,
                   struct desired_content *ret, struct err *err)
{
    struct json *root = NULL;
    problems->file = name;
    if (text.len > DOCUMENT_BYTES_MAX) {
        return err_set(err, ERR_FULL, "it is larger than %d KiB", DOCUMENT_BYTES_MAX >> 10);
    }
    if (!yaml_parse(text, name, arena, &root, err)) {
        return false;
    }
    keep_as_written(root);
    return document_check(root, arena, problems, ret, err);
}

bool document_check(const struct json *root, struct arena *arena, struct problems *problems,
                    struct desired_content *ret, struct err *err)
{
    struct desired_content content = {0};
    if (desired_read_content(root, arena, problems, &content)) {
        check_schedules(content.schedules, arena, problems);
    }
    if (problems->total > 0) {
        problems_sort(problems);
        return problems_to_err(problems, err);
    }
    *ret = content;
    return true;
}

void document_write(const struct desired_content *content, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    desired_write_content(content, &w);
    jw_end_object(&w);
}

bool document_parse(struct str json, struct arena *arena, struct desired_content *ret,
                    struct err *err)
{
    struct json *root = NULL;
    struct problems *problems = arena_alloc(arena, sizeof(*problems));
    if (problems == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read what is wanted: out of memory");
    }
    problems->arena = arena;
    return json_parse(json, DOCUMENT_BYTES_MAX, arena, &root, err) &&
           (desired_read_content(root, arena, problems, ret) || problems_to_err(problems, err));
}
