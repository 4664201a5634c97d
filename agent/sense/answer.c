#include "agent/sense/answer.h"

#include "agent/sense/cursor.h"
#include "common/model/partition.h"

enum { TAGS_OF_RUN_MAX = 50, SKIP_BYTES_MAX = 1024 };

/* --- one line --- */

struct line {
    struct answer_run run;
    struct answer_partitions partitions;
    struct str skip;
    struct str cursor;
    bool has_run, has_skip, has_cursor, has_partitions;
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct field run_fields[] = {
    {.key = "run_key", .type = FIELD_STR, AT(answer_run, run_key)},
    {.key = "partition", .type = FIELD_STR, AT(answer_run, partition)},
    {.key = "tags", .type = FIELD_STR_MAP, AT(answer_run, tags), .max = TAGS_OF_RUN_MAX},
};
static const struct field_table run_table = {
    .name = "run",
    .size = sizeof(struct answer_run),
    .fields = run_fields,
    .count = COUNT_OF(run_fields),
};
static const struct field partitions_fields[] = {
    {.key = "set", .type = FIELD_STR, AT(answer_partitions, set), .required = true},
    {.key = "keys",
     .type = FIELD_STR_LIST,
     AT(answer_partitions, keys),
     .required = true,
     .min = 1,
     .max = ANSWER_KEYS_MAX},
};
static const struct field_table partitions_table = {
    .name = "add_partitions",
    .size = sizeof(struct answer_partitions),
    .fields = partitions_fields,
    .count = COUNT_OF(partitions_fields),
};
static const struct field line_fields[] = {
    {.key = "run",
     .type = FIELD_OBJECT,
     AT(line, run),
     .object = &run_table,
     .present_offset = offsetof(struct line, has_run)},
    {.key = "skip",
     .type = FIELD_STR,
     AT(line, skip),
     .present_offset = offsetof(struct line, has_skip)},
    {.key = "cursor",
     .type = FIELD_STR,
     AT(line, cursor),
     .present_offset = offsetof(struct line, has_cursor)},
    {.key = "add_partitions",
     .type = FIELD_OBJECT,
     AT(line, partitions),
     .object = &partitions_table,
     .present_offset = offsetof(struct line, has_partitions)},
};
static const struct field_table line_table = {
    .name = "answer",
    .size = sizeof(struct line),
    .fields = line_fields,
    .count = COUNT_OF(line_fields),
};

static bool read_line(struct str text, struct arena *arena, struct line *ret, struct err *err)
{
    struct problems problems = {.arena = arena};
    struct json *node = NULL;
    if (!json_parse(text, ANSWER_LINE_BYTES_MAX, arena, &node, err)) {
        return false;
    }
    if (!fields_read(node, &line_table, STR(""), arena, &problems, ret)) {
        return problems_to_err(&problems, err);
    }
    if (ret->has_run + ret->has_skip + ret->has_cursor + ret->has_partitions != 1) {
        return err_set(err, ERR_INVALID, "not one of run, skip, cursor and add_partitions");
    }
    return true;
}

/* --- all of them --- */

static bool has_key(const struct answer *a, struct str run_key)
{
    for (size_t i = 0; i < a->run_count; i++) {
        if (str_eq(a->runs[i].run_key, run_key)) {
            return true;
        }
    }
    return false;
}

static bool take_run(struct answer *a, const struct answer_run *run, struct err *err)
{
    if (run->run_key.len > RUN_KEY_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "run.run_key has more than %d bytes", RUN_KEY_BYTES_MAX);
    }
    if (!str_is_empty(run->partition) && !partition_key_check(run->partition, err)) {
        return err_wrap(err, "run.partition");
    }
    if (!str_is_empty(run->run_key) && has_key(a, run->run_key)) {
        return true;
    }
    if (a->run_count == ANSWER_RUNS_MAX) {
        return err_set(err, ERR_FULL, "more than %d runs at once", ANSWER_RUNS_MAX);
    }
    a->runs[a->run_count++] = *run;
    return true;
}

static bool take_partitions(struct answer *a, const struct answer_partitions *partitions,
                            struct err *err)
{
    for (size_t i = 0; i < partitions->keys.count; i++) {
        if (!partition_key_check(partitions->keys.items[i], err)) {
            return err_wrap(err, "add_partitions.keys[%zu]", i);
        }
    }
    if (a->set_count == ANSWER_SETS_MAX) {
        return err_set(err, ERR_FULL, "more than %d lines with add_partitions", ANSWER_SETS_MAX);
    }
    a->sets[a->set_count++] = *partitions;
    return true;
}

static bool take(struct answer *a, const struct line *line, struct err *err)
{
    if (line->has_run) {
        return take_run(a, &line->run, err);
    }
    if (line->has_partitions) {
        return take_partitions(a, &line->partitions, err);
    }
    if (line->has_cursor) {
        a->has_cursor = true;
        a->cursor = line->cursor;
        return cursor_check(SENSOR_COMMAND, line->cursor, err);
    }
    a->skip = str_clip(line->skip, SKIP_BYTES_MAX);
    return true;
}

bool answer_parse(struct str text, struct arena *arena, struct answer *ret, struct err *err)
{
    struct answer answer = {
        .runs = arena_array(arena, ANSWER_RUNS_MAX, sizeof(*answer.runs)),
        .sets = arena_array(arena, ANSWER_SETS_MAX, sizeof(*answer.sets)),
    };
    if (answer.runs == NULL || answer.sets == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read the answer: out of memory");
    }
    struct str rest = text;
    struct str one = STR_NONE;
    bool has_more = true;
    for (size_t number = 1; has_more; number++) {
        struct line line = {0};
        has_more = str_cut(rest, '\n', &one, &rest);
        if (str_is_empty(str_trim(one))) {
            continue;
        }
        if (!read_line(str_trim(one), arena, &line, err) || !take(&answer, &line, err)) {
            return err_wrap(err, "line %zu", number);
        }
    }
    *ret = answer;
    return true;
}
