/* tags.h - the tags of a run: names and texts, kept and told as a JSON object. Dagster's names mean
 * here what they mean there. Pure. */
#pragma once
#include "common/json/fields.h"

#define TAG_MAX_RETRIES    STR("dagster/max_retries")
#define TAG_RETRY_STRATEGY STR("dagster/retry_strategy") /* FROM_FAILURE, ALL_STEPS, ... */
#define TAG_MAX_RUNTIME    STR("dagster/max_runtime")    /* seconds */
#define TAG_PRIORITY       STR("dagster/priority")
#define TAG_AUTOMATION     STR("dagster/from_automation_condition") /* "true" */
#define TAG_INTERRUPTIONS  STR("selvedge/interruptions") /* how often in a row the agent stopped */
#define TAG_COMMAND        STR("selvedge/command")       /* of the hub, that asked for it: its id */

enum { TAGS_MAX = 64, TAGS_BYTES_MAX = 16 << 10, TAG_VARIABLE_BYTES_MAX = 128 };

/* Our own tags are variables of a step, in its environment and for ${...}: "selvedge/file" is
 * SELVEDGE_TAG_FILE. Appends the name; false: not such a tag. */
bool tag_write_variable(struct str tag, struct buf *out);
/* The value of the tag that is this variable. */
bool tags_get_variable(const struct str_map *tags, struct str variable, struct str *ret_value);

/* STR_NONE when it is not there. */
struct str tags_get(const struct str_map *tags, struct str name);
/* A whole number in [min, max]; `fallback` when it is not there or none. */
int64_t tags_get_i64(const struct str_map *tags, struct str name, int64_t min, int64_t max,
                     int64_t fallback);
/* Copies both into `arena`, the second one's values winning. ERR_FULL beyond TAGS_MAX names. */
MUST_CHECK bool tags_join(const struct str_map *first, const struct str_map *second,
                          struct arena *arena, struct str_map *ret, struct err *err);
/* Nothing happens when it is not there. */
void tags_remove(struct str_map *tags, struct str name);
/* {"a":"b"}; nothing at all for no tags. ERR_FULL beyond TAGS_BYTES_MAX. */
MUST_CHECK bool tags_write(const struct str_map *tags, struct arena *arena, struct str *ret,
                           struct err *err);
/* What tags_write() wrote; members that are not text are passed over. */
MUST_CHECK bool tags_read(struct str text, struct arena *arena, struct str_map *ret,
                          struct err *err);
