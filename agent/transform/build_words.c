#include "agent/transform/build_words.h"

enum { LINE_BYTES_MAX = 4096 };

/* Without the quotes: main."orders" is main.orders. */
static void add_relation(struct buf *out, const struct dbt_node *node)
{
    if (node->schema.len > 0) {
        buf_addf(out, STR_FMT ".", STR_ARG(node->schema));
    }
    buf_add(out, node->alias.len > 0 ? node->alias : node->name);
}

static void describe(struct buf *out, const struct dbt_node *node)
{
    switch (node->type) {
    case DBT_MODEL:
        buf_addf(out, "sql " STR_FMT " model ", STR_ARG(node->materialized));
        add_relation(out, node);
        break;
    case DBT_SEED:
        buf_add_text(out, "seed file ");
        add_relation(out, node);
        break;
    case DBT_SNAPSHOT:
        buf_add_text(out, "snapshot ");
        add_relation(out, node);
        break;
    case DBT_TEST:
        buf_add_text(out, "test ");
        buf_add(out, node->name);
        break;
    case DBT_UNIT_TEST:
    case DBT_SOURCE:
    case DBT_EXPOSURE:
    case DBT_METRIC:
    case DBT_SEMANTIC_MODEL:
    case DBT_SAVED_QUERY:
    case DBT_ANALYSIS:
    case DBT_OPERATION:
    case DBT_FUNCTION:
        buf_addf(out, "%s " STR_FMT, dbt_type_name(node->type), STR_ARG(node->name));
        break;
    }
}

static void begin(const struct build_words *words, struct buf *out, int64_t index)
{
    buf_addf(out, "%lld of %lld ", (long long)index, (long long)words->total);
}

static void say(const struct build_words *words, uint32_t node, enum log_level level,
                const struct buf *line)
{
    words->listener->said(words->listener->ctx, words->project->nodes[node].unique_id, level,
                          buf_str(line));
}

void build_say_start(const struct build_words *words, uint32_t node, int64_t index)
{
    char memory[LINE_BYTES_MAX];
    struct buf line = buf_fixed(memory, sizeof memory);
    begin(words, &line, index);
    buf_add_text(&line, "START ");
    describe(&line, &words->project->nodes[node]);
    say(words, node, LOG_INFO, &line);
}

static const char *verb(enum dbt_type type, bool is_well)
{
    switch (type) {
    case DBT_SEED:
        return is_well ? "loaded " : "loading ";
    case DBT_SNAPSHOT:
        return is_well ? "snapshotted " : "snapshotting ";
    case DBT_MODEL:
        return is_well ? "created " : "creating ";
    case DBT_TEST:
    case DBT_UNIT_TEST:
    case DBT_SOURCE:
    case DBT_EXPOSURE:
    case DBT_METRIC:
    case DBT_SEMANTIC_MODEL:
    case DBT_SAVED_QUERY:
    case DBT_ANALYSIS:
    case DBT_OPERATION:
    case DBT_FUNCTION:
        break;
    }
    return "";
}

static void add_result(struct buf *line, const struct dbt_node *node, const struct node_end *end)
{
    const struct node_result *result = &end->result;
    const bool is_test = node->type == DBT_TEST;
    switch (result->status) {
    case DBT_PASS:
        buf_add_text(line, "PASS ");
        break;
    case DBT_FAIL:
        buf_addf(line, "FAIL %lld ", (long long)result->failures);
        break;
    case DBT_WARN:
        buf_addf(line, "WARN %lld ", (long long)result->failures);
        break;
    case DBT_ERROR:
    case DBT_RUNTIME_ERROR:
        buf_addf(line, "ERROR %s", verb(node->type, false));
        break;
    case DBT_SUCCESS:
    case DBT_PARTIAL:
    case DBT_NO_OP:
    case DBT_NOT_RUN:
    case DBT_SKIPPED:
        buf_addf(line, "OK %s", verb(node->type, true));
        break;
    }
    if (is_test) {
        buf_add(line, node->name);
    } else {
        describe(line, node);
    }
    if (end->duration_ns >= 0) {
        buf_addf(line, " in %.2fs", (double)end->duration_ns / (double)NS_PER_SEC);
    }
    if (result->rows_written >= 0) {
        buf_addf(line, " (%lld rows)", (long long)result->rows_written);
    }
}

static enum log_level level_of(enum dbt_status status)
{
    const bool is_bad = status == DBT_ERROR || status == DBT_FAIL || status == DBT_RUNTIME_ERROR ||
                        status == DBT_PARTIAL;
    return is_bad ? LOG_ERROR : status == DBT_WARN ? LOG_WARN : LOG_INFO;
}

void build_say_end(const struct build_words *words, uint32_t node, int64_t index,
                   const struct node_end *end)
{
    char memory[LINE_BYTES_MAX];
    struct buf line = buf_fixed(memory, sizeof memory);
    const struct dbt_node *of = &words->project->nodes[node];
    const enum log_level level = level_of(end->result.status);
    begin(words, &line, index);
    if (end->result.status == DBT_SKIPPED) { /* "skipped because of ..." */
        buf_add_text(&line, "SKIP ");
        describe(&line, of);
        buf_add_char(&line, ' ');
        buf_add(&line, str_slice(end->result.message, sizeof "skipped", SIZE_MAX));
    } else {
        add_result(&line, of, end);
    }
    say(words, node, level, &line);
    buf_reset(&line);
    if (end->err != NULL) {
        buf_addf(&line, "  %s%s%s", end->err->msg, end->err->hint[0] == '\0' ? "" : "; ",
                 end->err->hint);
        say(words, node, level, &line);
    } else if (level != LOG_INFO && end->result.message.len > 0) {
        buf_addf(&line, "  " STR_FMT, STR_ARG(str_clip(end->result.message, 1000)));
        say(words, node, level, &line);
    }
}
