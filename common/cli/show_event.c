#include "common/cli/show.h"

#include "common/base/limits.h"
#include "common/cli/text.h"
#include "common/json/json.h"

enum {
    EVENT_ARENA_BYTES = 1 << 20,
    LINE_BYTES_MAX = 4 * LIMIT_EVENT_BYTES,
    TIME_FROM = 11,
    TIME_TO = 23,
    METADATA_TEXT_SHOWN = 160,
};

static void add_value(struct buf *out, const struct json *node)
{
    if (node->type == JSON_STRING) {
        buf_add_harmless(out, node->as.string);
    } else {
        json_write(out, node);
    }
}

static struct str text_of(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR("");
}

/* What is long (a schema, a query) is for --json. */
static bool is_shown(const struct json *value)
{
    return value != NULL && value->type != JSON_OBJECT && value->type != JSON_ARRAY &&
           !(value->type == JSON_STRING && str_contains(value->as.string, STR("\n")));
}

static void add_metadata_value(struct buf *out, const struct json *value)
{
    bool is_text = value->type == JSON_STRING;
    if (is_text && value->as.string.len > METADATA_TEXT_SHOWN) {
        buf_add_harmless(out, str_clip(value->as.string, METADATA_TEXT_SHOWN));
        buf_add(out, STR("..."));
    } else if (value->type == JSON_REAL) {
        buf_addf(out, "%.6g", value->as.real);
    } else {
        add_value(out, value);
    }
}

static void add_metadata(struct buf *out, const struct json *metadata)
{
    for (const struct json *entry = metadata->child; entry != NULL; entry = entry->next) {
        const struct json *value = json_get(entry, "raw_value");
        if (!is_shown(value)) {
            continue;
        }
        struct str name = entry->key;
        if (str_starts(name, STR("dagster/"))) {
            name = str_slice(name, sizeof("dagster/") - 1, name.len);
        }
        buf_add(out, STR("  "));
        buf_add_harmless(out, name);
        buf_add_char(out, '=');
        add_metadata_value(out, value);
    }
}

static void add_error(struct buf *out, const struct json *error)
{
    struct str hint = text_of(error, "hint");
    buf_add(out, STR("  "));
    buf_add_harmless(out, text_of(error, "message"));
    if (!str_is_empty(hint)) {
        buf_add(out, STR("  ("));
        buf_add_harmless(out, hint);
        buf_add_char(out, ')');
    }
}

static void add_details(struct buf *out, const struct json *event)
{
    static const char *const shown[] = {"attempt", "job",   "selection", "schedule",
                                        "status",  "check", "passed",    "partial",
                                        "reason",  "level", "message"};
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        const struct json *node = json_get(event, shown[i]);
        bool is_first_attempt =
            node != NULL && i == 0 && node->type == JSON_INT && node->as.integer == 1;
        if (node != NULL && !is_first_attempt) {
            buf_addf(out, "  %s=", shown[i]);
            add_value(out, node);
        }
    }
    const struct json *took = json_get(event, "duration_ms");
    if (took != NULL && took->type == JSON_INT && took->as.integer >= 0 &&
        took->as.integer < INT64_MAX / NS_PER_MS) {
        buf_add(out, STR("  took "));
        buf_add_duration(out, took->as.integer * NS_PER_MS);
    }
    const struct json *error = json_get(event, "error");
    bool has_error = error != NULL && error->type == JSON_OBJECT;
    struct str exit = text_of(event, "exit");
    if (!str_is_empty(exit) && !(has_error && str_eq(exit, text_of(error, "message")))) {
        buf_add(out, STR("  "));
        buf_add_harmless(out, exit);
    }
    const struct json *metadata = json_get(event, "metadata");
    if (metadata != NULL && metadata->type == JSON_OBJECT) {
        add_metadata(out, metadata);
    }
    if (has_error) {
        add_error(out, error);
    }
}

static enum cli_tone tone_of(struct str type)
{
    if (str_ends(type, STR("_failure")) || str_eq(type, STR("asset_failed_to_materialize"))) {
        return CLI_BAD;
    }
    if (str_ends(type, STR("_success")) || str_eq(type, STR("asset_materialization"))) {
        return CLI_GOOD;
    }
    return str_eq(type, STR("step_up_for_retry")) ? CLI_WARN : CLI_PLAIN;
}

void cli_event(struct cli *cli, struct str line)
{
    AUTO(arena) arena = arena_new(EVENT_ARENA_BYTES);
    AUTO(buf) out = buf_growing(LINE_BYTES_MAX); /* a bad byte becomes three */
    struct json *event = NULL;
    struct err err = {0};
    if (cli_is_json(cli)) {
        cli_json(cli, line);
        return;
    }
    if (!json_parse(line, LIMIT_EVENT_BYTES, &arena, &event, &err)) {
        buf_add_harmless(&out, line);
        cli_json(cli, buf_str(&out));
        return;
    }
    enum cli_tone tone = tone_of(text_of(event, "type"));
    struct str type = text_of(event, "type");
    buf_add_harmless(&out, str_slice(text_of(event, "at"), TIME_FROM, TIME_TO));
    buf_addf(&out, "  %s%-29.*s%s ", cli_tone_on(cli, tone), STR_ARG(type),
             cli_tone_off(cli, tone));
    /* The asset, where it is not the step: one of several that it makes. */
    struct str asset = text_of(event, "asset");
    buf_add_harmless(&out, str_is_empty(asset) ? text_of(event, "step") : asset);
    add_details(&out, event);
    cli_json(cli, str_trim_end(buf_str(&out), ' '));
}
