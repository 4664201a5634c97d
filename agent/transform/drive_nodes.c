#include "agent/transform/drive_nodes.h"

#include "common/base/strmap.h"

#include <stdlib.h>

enum { NODES_ARENA_BYTES = 256 << 20, FIRST_NODES = 256 };

struct drive_node {
    struct str unique_id;
    bool is_test; /* a data or unit test */
    bool is_ephemeral;
    bool is_told;  /* its start was */
    bool is_ended; /* its end was */
    unsigned
        open; /* NodeStart without NodeFinished: a microbatch model has one for each batch too */
    struct mono_time started;
    struct dbt_outcome outcome; /* what the log says; texts are in the arena */
    struct str complaint;       /* the last line of level error about it */
    struct buf sql;
};
struct drive_nodes {
    const struct node_listener *listener;
    struct drive_node *items;
    size_t count, cap;
    struct strmap by_id;
    struct arena arena;
    struct drive_counts counts;
};

bool drive_nodes_new(const struct node_listener *listener, struct drive_nodes **ret,
                     struct err *err)
{
    struct drive_nodes *n = calloc(1, sizeof(*n));
    if (n == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a build");
    }
    n->listener = listener;
    n->arena = arena_new(NODES_ARENA_BYTES);
    n->by_id = strmap_new(&n->arena);
    *ret = n;
    return true;
}

void drive_nodes_free(struct drive_nodes *n)
{
    if (n == NULL) {
        return;
    }
    for (size_t i = 0; i < n->count; i++) {
        buf_release(&n->items[i].sql);
    }
    free(n->items);
    arena_release(&n->arena);
    free(n);
}

struct drive_counts drive_nodes_counts(const struct drive_nodes *n)
{
    return n->counts;
}

static bool grow(struct drive_nodes *n, struct err *err)
{
    if (n->count < n->cap) {
        return true;
    }
    if (n->cap >= DRIVE_NODES_MAX) {
        return err_set(err, ERR_FULL, "dbt runs more than %d nodes", (int)DRIVE_NODES_MAX);
    }
    size_t cap = n->cap == 0 ? FIRST_NODES : 2 * n->cap;
    struct drive_node *items = realloc(n->items, cap * sizeof(*items));
    if (items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a build");
    }
    n->items = items;
    n->cap = cap;
    return true;
}

/* The node of that id, a new one if need be; NULL (err) when there can be no more. */
static struct drive_node *find(struct drive_nodes *n, struct str unique_id, struct err *err)
{
    uint32_t at = 0;
    if (strmap_get(&n->by_id, unique_id, &at)) {
        return &n->items[at];
    }
    if (!grow(n, err)) {
        return NULL;
    }
    at = (uint32_t)n->count;
    struct str id = arena_copy(&n->arena, unique_id);
    if (id.ptr == NULL || !strmap_put(&n->by_id, id, at)) {
        err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a build");
        return NULL;
    }
    n->items[at] = (struct drive_node){.unique_id = id,
                                       .is_test = str_starts(id, STR("test.")) ||
                                                  str_starts(id, STR("unit_test.")),
                                       .outcome = dbt_outcome_none(),
                                       .sql = buf_growing(DRIVE_SQL_BYTES_MAX)};
    n->count++;
    return &n->items[at];
}

static bool keep_text(struct drive_nodes *n, struct str text, struct str *ret, struct err *err)
{
    if (text.len == 0) {
        return true;
    }
    *ret = arena_copy(&n->arena, str_clip(text, DRIVE_TEXT_BYTES_MAX));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a build");
}

/* The last line of an adapter's message names a file of a folder that is gone by the time that
 * anybody reads it; the statement is told with the node. */
static struct str without_path(struct str message)
{
    struct str head;
    struct str last;
    bool has_head = str_cut_last(message, '\n', &head, &last);
    return has_head && str_starts(str_trim(last), STR("compiled code at ")) ? head : message;
}

/* What is told later says more; what it does not say stays. */
static bool keep_outcome(struct drive_nodes *n, struct drive_node *node,
                         const struct dbt_outcome *outcome, struct err *err)
{
    struct dbt_outcome *kept = &node->outcome;
    if (outcome->has_status) {
        kept->has_status = true;
        kept->status = outcome->status;
    }
    kept->duration_ns = outcome->duration_ns >= 0 ? outcome->duration_ns : kept->duration_ns;
    kept->failures = outcome->failures >= 0 ? outcome->failures : kept->failures;
    kept->rows = outcome->rows >= 0 ? outcome->rows : kept->rows;
    return keep_text(n, without_path(outcome->message), &kept->message, err) &&
           keep_text(n, outcome->relation, &kept->relation, err);
}

/* -- telling -- */

static void tell_start(struct drive_nodes *n, struct drive_node *node, int64_t index, int64_t total)
{
    if (!node->is_told) {
        node->is_told = true;
        n->counts.started++;
        n->listener->started(n->listener->ctx, node->unique_id, index, total);
    }
}

static void count(struct drive_counts *counts, enum dbt_status status, int64_t by)
{
    counts->ended += by;
    switch (status) {
    case DBT_ERROR:
    case DBT_FAIL:
    case DBT_PARTIAL:
    case DBT_RUNTIME_ERROR:
        counts->failed += by;
        break;
    case DBT_WARN:
        counts->warned += by;
        break;
    case DBT_SKIPPED:
        counts->skipped += by;
        break;
    case DBT_NOT_RUN:
    case DBT_SUCCESS:
    case DBT_NO_OP:
    case DBT_PASS:
        break;
    }
}

/* An err is one line; messages of databases have several. */
static void set_error(struct err *err, struct str words)
{
    char text[sizeof(err->msg)];
    size_t len = 0;
    for (size_t i = 0; i < words.len && len + 1 < sizeof(text); i++) {
        bool is_space = words.ptr[i] == ' ' || words.ptr[i] == '\n' || words.ptr[i] == '\r';
        if (!is_space || (len > 0 && text[len - 1] != ' ')) {
            text[len] = ' ';
            if (!is_space) {
                text[len] = words.ptr[i];
            }
            len++;
        }
    }
    err_set(err, ERR_IO, STR_FMT, STR_ARG(str_clip((struct str){text, len}, len)));
}

static void tell_end_with(struct drive_nodes *n, struct drive_node *node,
                          const struct dbt_outcome *outcome, const struct err *why)
{
    struct err err = {0};
    struct str words = outcome->message.len > 0 ? without_path(outcome->message) : node->complaint;
    bool is_error = outcome->status == DBT_ERROR || outcome->status == DBT_RUNTIME_ERROR ||
                    outcome->status == DBT_PARTIAL;
    if (is_error && why == NULL) {
        set_error(&err, words.len == 0 ? STR("dbt does not say why") : words);
    }
    const struct node_end end = {
        .unique_id = node->unique_id,
        .result = {.status = outcome->status,
                   .message = words,
                   .rows_written = outcome->rows,
                   .row_count = -1,
                   .failures = node->is_test ? outcome->failures : -1,
                   .stored_in = node->is_test ? outcome->relation : STR_NONE},
        .duration_ns = outcome->duration_ns,
        .err = is_error ? (why != NULL ? why : &err) : NULL,
        .sql = node->sql.overflow ? STR_NONE : buf_str(&node->sql), /* no memory for it */
    };
    node->is_ended = true;
    count(&n->counts, outcome->status, 1);
    n->listener->ended(n->listener->ctx, &end);
}

/* An ephemeral model is compiled into others: nothing of it ran, unless that failed. */
static void tell_end(struct drive_nodes *n, struct drive_node *node, const struct err *why)
{
    enum dbt_status status = node->outcome.status;
    if (node->is_ended || (node->is_ephemeral && status != DBT_ERROR)) {
        return;
    }
    if (status != DBT_SKIPPED) {
        tell_start(n, node, 0, 0);
    }
    tell_end_with(n, node, &node->outcome, why);
    buf_release(&node->sql);
    node->sql = buf_growing(DRIVE_SQL_BYTES_MAX);
}

static void say(const struct drive_nodes *n, struct str unique_id, enum log_level level,
                struct str text)
{
    n->listener->said(n->listener->ctx, unique_id, level, text);
}

/* -- the log -- */

/* dbt puts a comment with its version in front of each statement. */
static struct str without_comment(struct str sql)
{
    struct str text = str_trim(sql);
    if (str_starts(text, STR("/* {\"app\": \"dbt\""))) {
        for (size_t i = 0; i + 1 < text.len; i++) {
            if (text.ptr[i] == '*' && text.ptr[i + 1] == '/') {
                return str_trim(str_slice(text, i + 2, text.len));
            }
        }
    }
    return text;
}

static void add_statement(struct drive_node *node, struct str sql)
{
    struct str text = str_trim(str_trim_end(without_comment(sql), ';'));
    size_t room = node->sql.max - node->sql.len;
    if (text.len == 0 || room < 4 || node->is_ended) {
        return;
    }
    if (node->sql.len > 0) {
        buf_add(&node->sql, STR("\n"));
    }
    buf_add(&node->sql, str_clip(text, room - 2));
    buf_add_char(&node->sql, ';');
}

static bool take_end(struct drive_nodes *n, struct drive_node *node,
                     const struct dbt_log_event *event, struct err *err)
{
    node->open -= node->open > 0;
    if (node->open > 0) {
        return true; /* of one batch */
    }
    if (!keep_outcome(n, node, &event->outcome, err)) {
        return false;
    }
    if (node->outcome.has_status) {
        tell_end(n, node, NULL);
    }
    return true;
}

static bool take_node_event(struct drive_nodes *n, struct drive_node *node,
                            const struct dbt_log_event *event, struct mono_time now,
                            struct err *err)
{
    node->is_ephemeral = node->is_ephemeral || str_eq(event->materialized, STR("ephemeral"));
    switch (event->type) {
    case DBT_LOG_OPENED:
        node->open++;
        node->started = node->open == 1 ? now : node->started;
        return true;
    case DBT_LOG_STARTED:
        if (node->open == 0) { /* NodeStart was not seen */
            node->open = 1;
            node->started = now;
        }
        if (!node->is_ephemeral) {
            tell_start(n, node, event->is_hook ? 0 : event->index,
                       event->is_hook ? 0 : event->total);
        }
        return true;
    case DBT_LOG_RESULT:
        return keep_outcome(n, node, &event->outcome, err);
    case DBT_LOG_ENDED:
        return take_end(n, node, event, err);
    case DBT_LOG_STATEMENT:
        add_statement(node, event->sql);
        return true;
    case DBT_LOG_TEXT:
    case DBT_LOG_WORDS:
    case DBT_LOG_GAVE_UP:
    case DBT_LOG_COMPLETED:
        break;
    }
    return event->level != LOG_ERROR || keep_text(n, event->text, &node->complaint, err);
}

bool drive_nodes_take(struct drive_nodes *n, const struct dbt_log_event *event,
                      struct mono_time now, struct err *err)
{
    bool has_words = event->level != LOG_DEBUG && str_trim(event->text).len > 0;
    bool is_start = event->type == DBT_LOG_STARTED;
    if (has_words && !is_start) {
        say(n, event->unique_id, event->level, event->text);
    }
    struct drive_node *node = event->unique_id.len == 0 ? NULL : find(n, event->unique_id, err);
    bool ok = node == NULL ? event->unique_id.len == 0 : take_node_event(n, node, event, now, err);
    if (has_words && is_start) {
        say(n, event->unique_id, event->level, event->text);
    }
    return ok;
}

/* -- the end -- */

static void correct(struct drive_nodes *n, struct drive_node *node,
                    const struct dbt_outcome *result)
{
    char text[200];
    struct buf line = buf_fixed(text, sizeof(text));
    buf_addf(&line, "run_results.json says \"%s\", the log said \"%s\"",
             dbt_status_name(result->status), dbt_status_name(node->outcome.status));
    if (result->status == DBT_SKIPPED) {
        /* --fail-fast: what ran, ran. */
        buf_add(&line, STR(": the log counts, for a node that ran was not skipped"));
        say(n, node->unique_id, LOG_INFO, buf_str(&line));
        return;
    }
    buf_add(&line, STR(": the file counts"));
    say(n, node->unique_id, LOG_WARN, buf_str(&line));
    count(&n->counts, node->outcome.status, -1);
    tell_start(n, node, 0, 0); /* the log may have said that it was skipped */
    tell_end_with(n, node, result, NULL);
    node->outcome.status = result->status;
}

bool drive_nodes_reconcile(struct drive_nodes *n, const struct dbt_outcome *result, struct err *err)
{
    struct drive_node *node = find(n, result->unique_id, err);
    if (node == NULL) {
        return false;
    }
    if (node->is_ended) {
        if (result->status != node->outcome.status) {
            correct(n, node, result);
        }
        return true;
    }
    /* What the log has in words counts before "skipped" here too. */
    bool ran = node->outcome.has_status && node->outcome.status != DBT_SKIPPED;
    if ((!ran || result->status != DBT_SKIPPED) && !keep_outcome(n, node, result, err)) {
        return false;
    }
    if (node->sql.len == 0) {
        buf_add(&node->sql, str_clip(result->sql, DRIVE_SQL_BYTES_MAX));
    }
    tell_end(n, node, NULL);
    return true;
}

static void tell_lost(struct drive_nodes *n, struct drive_node *node, const struct err *why,
                      struct mono_time now)
{
    struct err err = {0};
    if (why != NULL) {
        err = *why;
        err_wrap(&err, "dbt ended while it ran");
    } else {
        err_set(&err, ERR_IO, "dbt ended while it ran, and says nothing of how it went");
    }
    node->outcome.has_status = true;
    node->outcome.status = DBT_ERROR;
    node->outcome.message = STR_NONE;
    node->outcome.duration_ns = now.ns - node->started.ns;
    n->counts.lost++;
    tell_end(n, node, &err);
}

void drive_nodes_end(struct drive_nodes *n, const struct err *why, struct mono_time now)
{
    for (size_t i = 0; i < n->count; i++) {
        struct drive_node *node = &n->items[i];
        if (node->is_ended) {
            continue;
        }
        if (node->outcome.has_status) {
            tell_end(n, node, NULL);
        } else if (node->is_told || (node->open > 0 && !node->is_ephemeral)) {
            tell_lost(n, node, why, now);
        }
    }
}
