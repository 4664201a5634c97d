/* Tap http: the records of a JSON API, page by page. DESIGN: one answer is in memory at a time; a
 * first pass over it finds new columns, the second gives the rows. The bookmark is the highest value
 * of the replication key. While nobody says that records come ordered by it ("sorted"), a later
 * page may hold a lower one, so the state moves at the end only. Records at the bookmark come again
 * with the next run (>=); an append tells them apart by their text. */
#include "agent/el/bookmark.h"
#include "agent/el/connectors.h"
#include "agent/el/http_question.h"
#include "agent/el/http_records.h"
#include "agent/el/json_columns.h"
#include "agent/el/json_row.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/log/log.h"

enum phase { PHASE_ASK, PHASE_WAIT, PHASE_ROWS, PHASE_LAST, PHASE_END };

struct tap_http {
    struct tap base;
    const struct tap_context *context;
    const struct http_tap_options *options;
    struct http_client *client;
    struct http_question question;
    struct pager pager;
    struct stream stream;
    struct json_columns columns;
    struct json_row row;
    size_t key_column; /* SIZE_MAX: no replication key */
    struct bookmark mark;
    enum phase phase;
    int64_t page;    /* number of the present answer, from 1 */
    bool has_schema; /* one was given on */
    bool is_complete;
    bool has_warned;
    struct str body; /* of the present answer */
    bool is_lines;
    bool has_more; /* pages */
    struct http_records records;
};

static struct tap_http *http_of(struct tap *tap)
{
    return (struct tap_http *)(void *)tap;
}

static bool is_incremental(const struct tap_http *t)
{
    return t->mark.is_incremental;
}

static bool in_page(const struct tap_http *t, struct err *err)
{
    return err_wrap(err, STR_FMT ": page %lld", STR_ARG(http_client_name(t->client)),
                    (long long)t->page);
}

static bool in_record(const struct tap_http *t, struct err *err)
{
    err_wrap(err, "record %zu", t->records.given);
    return in_page(t, err);
}

/* --- asking ---------------------------------------------------------------------------------- */

static bool ask(struct tap_http *t, struct err *err)
{
    const struct http_tap_options *o = t->options;
    struct value from = key_value_get(&t->mark.start);
    if (!http_question_write(&t->question, o, &t->pager, &from, http_client_url(t->client), err)) {
        return false;
    }
    bool is_json = o->body != NULL && o->body->type != JSON_STRING;
    const struct http_request request = {.method = (enum http_method)o->method,
                                         .url = buf_str(&t->question.url),
                                         .body = buf_str(&t->question.body),
                                         .content_type =
                                             is_json ? STR("application/json") : STR("")};
    t->phase = PHASE_WAIT;
    return http_client_begin(t->client, &request, err);
}

static bool open_records(struct tap_http *t, struct err *err)
{
    return http_records_open(&t->records, t->body, t->options->records, t->is_lines, err);
}

/* Notes the members of all records. *ret_count: how many there are. */
static bool look_at_all(struct tap_http *t, size_t *ret_count, struct err *err)
{
    bool is_found = true;
    if (!open_records(t, err)) {
        return in_page(t, err);
    }
    while (is_found) {
        struct str record;
        if (!http_records_next(&t->records, &record, &is_found, err)) {
            return in_page(t, err);
        }
        if (is_found && t->options->columns.count == 0 &&
            !json_columns_look(&t->columns, record, err)) {
            return in_record(t, err);
        }
    }
    *ret_count = t->records.given;
    return true;
}

/* Records that have nothing but nulls so far have columns too. */
static bool look(struct tap_http *t, size_t *ret_count, struct err *err)
{
    if (!look_at_all(t, ret_count, err)) {
        return false;
    }
    if (*ret_count == 0 || t->stream.schema.count > 0) {
        return true;
    }
    t->columns.passes_over_nulls = false;
    if (!look_at_all(t, ret_count, err)) {
        return false;
    }
    if (t->stream.schema.count == 0) {
        err_set(err, ERR_INVALID, "the records have no members");
        return in_page(t, err);
    }
    return true;
}

static void warn_of_more(struct tap_http *t, struct str link)
{
    struct str url;
    if (t->options->pages.style == PAGES_NONE && !t->has_warned &&
        link_find(link, STR("next"), &url)) {
        t->has_warned = true;
        LOG(WARN, "el.http_more_pages", F_S("url", http_client_name(t->client)));
    }
}

static bool find_key(struct tap_http *t, struct err *err)
{
    const struct http_tap_options *o = t->options;
    if (o->replication_key.len == 0 || t->key_column != SIZE_MAX) {
        return true;
    }
    return schema_find(&t->stream.schema, o->replication_key, &t->key_column) ||
           column_not_found(&t->stream.schema, STR("the answer"), o->replication_key, err);
}

/* The columns of this page's rows. *ret_is_new: they are not those of the page before. */
static bool settle(struct tap_http *t, bool *ret_is_new, struct err *err)
{
    bool are_given = t->options->columns.count > 0;
    *ret_is_new = are_given ? !t->has_schema : json_columns_settle(&t->columns);
    if (!*ret_is_new) {
        return true;
    }
    if (!find_key(t, err) || !json_row_init(&t->row, &t->stream.schema, t->context->arena, err)) {
        return false;
    }
    t->base.row = t->row.row;
    t->base.stream = &t->stream;
    t->has_schema = true;
    return true;
}

static bool take_answer(struct tap_http *t, const struct http_answer *answer, bool *ret_is_new,
                        struct err *err)
{
    int format = t->options->format;
    size_t count = 0;
    t->body = answer->body;
    t->is_lines = format == ANSWER_LINES ||
                  (format == ANSWER_AUTO && http_is_lines_type(answer->content_type));
    t->phase = PHASE_ROWS;
    t->page++;
    *ret_is_new = false;
    if (!look(t, &count, err)) {
        return false;
    }
    const struct page_answer page = {.body = t->is_lines ? STR("") : t->body,
                                     .link = answer->link,
                                     .records = count,
                                     .content = t->records.content};
    if (!pager_take(&t->pager, &page, &t->has_more, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(http_client_name(t->client)));
    }
    warn_of_more(t, answer->link);
    return open_records(t, err) && (count == 0 || settle(t, ret_is_new, err));
}

/* --- giving ---------------------------------------------------------------------------------- */

/* *ret_is_wanted false: an earlier run loaded it, or it cannot be placed. */
static bool take_key(struct tap_http *t, struct str record, bool *ret_is_wanted, struct err *err)
{
    const struct value *key = &t->base.row[t->key_column];
    bool is_append = t->mark.is_append;
    bool is_loaded = false;
    *ret_is_wanted = true;
    if (key->type == VALUE_NULL) {
        t->stream.rows_without_key += is_append;
        *ret_is_wanted = !is_append;
        return true;
    }
    if (key_value_compare(&t->mark.start, key) > 0) {
        *ret_is_wanted = !is_append; /* the server gives more than it was asked for */
        return true;
    }
    if (t->options->is_sorted && key_value_compare(&t->mark.last, key) > 0) {
        err_set(err, ERR_INVALID, "\"" STR_FMT "\" is lower than that of the record before",
                STR_ARG(t->options->replication_key));
        return err_hint(err, "the records are not sorted by it: leave out \"sorted\"");
    }
    const struct value text = {.type = VALUE_TEXT, .as.text = record};
    bool ok = bookmark_take(&t->mark, key, &text, 1, &is_loaded, err);
    *ret_is_wanted = !is_loaded;
    return ok;
}

static bool next_row(struct tap_http *t, bool *ret_found, struct err *err)
{
    for (;;) {
        struct str record;
        bool is_wanted = true;
        if (!http_records_next(&t->records, &record, ret_found, err)) {
            return in_page(t, err);
        }
        if (!*ret_found) {
            return true;
        }
        if (!json_row_read(&t->row, record, err) ||
            (is_incremental(t) && !take_key(t, record, &is_wanted, err))) {
            return in_record(t, err);
        }
        if (is_wanted) {
            t->base.rows_read++;
            t->base.bytes_read += (int64_t)record.len;
            return true;
        }
    }
}

/* An overwrite with no records at all empties the table, for which its columns are needed. */
static bool end(struct tap_http *t, enum tap_result *ret, struct err *err)
{
    const struct schema *existing = t->context->existing;
    bool has_table = existing != NULL && existing->count > 0;
    t->phase = PHASE_END;
    t->is_complete = true;
    *ret = TAP_END;
    if (t->has_schema || t->context->mode != MODE_OVERWRITE || !has_table) {
        return bookmark_note_keys(&t->mark, &t->stream, t->context->arena, err);
    }
    if (t->stream.schema.count == 0 && !schema_copy(existing, &t->stream.schema, err)) {
        return false;
    }
    t->base.stream = &t->stream;
    *ret = TAP_SCHEMA;
    return true;
}

/* Takes one step. *ret_gives: *ret is for the caller. */
static bool step(struct tap_http *t, enum tap_result *ret, bool *ret_gives, struct err *err)
{
    struct http_answer answer;
    bool is_there = false;
    *ret_gives = false;
    switch (t->phase) {
    case PHASE_ASK:
        return ask(t, err);
    case PHASE_WAIT:
        if (!http_client_go_on(t->client, t->context->idle_ns, &is_there, &answer, err)) {
            return false;
        }
        *ret = is_there ? TAP_SCHEMA : TAP_IDLE;
        *ret_gives = !is_there && t->has_schema && !t->base.has_checkpoints;
        return !is_there || take_answer(t, &answer, ret_gives, err);
    case PHASE_ROWS:
        *ret = TAP_ROW;
        if (!next_row(t, ret_gives, err)) {
            return false;
        }
        if (!*ret_gives) {
            t->phase = t->has_more ? PHASE_ASK : PHASE_LAST;
        }
        return true;
    case PHASE_LAST:
        *ret_gives = true;
        return end(t, ret, err);
    case PHASE_END:
    default:
        *ret = TAP_END;
        *ret_gives = true;
        return true;
    }
}

/* Is what came before a failure good without the rest? Where the next run cannot tell what is there
 * already, it is not. */
static bool can_keep(const struct tap_http *t)
{
    return t->base.rows_read > 0 &&
           (t->context->mode == MODE_UPSERT || (is_incremental(t) && t->options->is_sorted));
}

static bool http_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_http *t = http_of(tap);
    bool gives = false;
    while (!gives) {
        if (step(t, ret, &gives, err)) {
            continue;
        }
        err_wrap(err, "tap http");
        if (err->code == ERR_CANCELLED || !can_keep(t)) {
            return false;
        }
        tap->failure = *err;
        *ret = TAP_END;
        return true;
    }
    return true;
}

static bool http_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    const struct tap_http *t = http_of(tap);
    bool is_good = t->is_complete || t->options->is_sorted;
    if (is_good || !is_incremental(t) || t->context->state.len == 0) {
        const struct bookmark none = {.table = t->stream.name};
        return bookmark_write(is_good && is_incremental(t) ? &t->mark : &none, out, err);
    }
    buf_add(out, t->context->state);
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

/* --- opening --------------------------------------------------------------------------------- */

static void http_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_http *t = http_of(tap);
        http_client_close(t->client);
        http_question_release(&t->question);
        pager_release(&t->pager);
        json_columns_release(&t->columns);
        json_row_release(&t->row);
    }
}

static bool set_up_mark(struct tap_http *t, struct err *err)
{
    const struct http_tap_options *o = t->options;
    /* Rows are told apart by their text, so it does not matter which columns there are. */
    const struct schema text = schema_new(t->context->arena);
    const struct bookmark_options options = {.table = t->stream.name,
                                             .key = o->replication_key,
                                             .mode = t->context->mode,
                                             .state = t->context->state,
                                             .schema = &text,
                                             .is_unsorted = !o->is_sorted,
                                             .arena = t->context->arena};
    t->mark.table = t->stream.name;
    return o->replication_key.len == 0 || bookmark_init(&t->mark, &options, err);
}

static bool set_up_columns(struct tap_http *t, struct err *err)
{
    const struct http_tap_options *o = t->options;
    const struct http_column *columns = o->columns.items;
    t->stream.schema = schema_new(t->context->arena);
    t->key_column = SIZE_MAX;
    if (!json_columns_init(&t->columns, &t->stream.schema, t->context->arena, err)) {
        return false;
    }
    t->columns.passes_over_nulls = true;
    for (size_t i = 0; i < o->columns.count; i++) {
        const struct column column = {.name = columns[i].name,
                                      .kind = http_column_kind(&columns[i])};
        if (!schema_add(&t->stream.schema, &column, err)) {
            return err_wrap(err, "\"columns\"");
        }
    }
    return true;
}

static bool set_up(struct tap_http *t, struct err *err)
{
    const struct http_tap_options *o = t->options;
    const struct http_client_options client = {
        .options = &o->http, .answer_bytes_max = o->answer_bytes_max, .clock = clock_system()};
    t->stream.name = http_tap_stream(o);
    t->stream.key = o->primary_key;
    t->pager = pager_new(&o->pages);
    http_question_init(&t->question);
    if (!set_up_columns(t, err) || !http_tap_check(o, t->context->mode, err) ||
        !set_up_mark(t, err)) {
        return false;
    }
    /* What was committed of an append that broke off would come again: it goes in few pieces. */
    t->base.has_checkpoints =
        t->context->mode == MODE_APPEND && !(is_incremental(t) && o->is_sorted);
    return http_client_open(&t->client, &client, t->context->arena, err);
}

static bool http_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct tap_http *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = context->options;
    t->base.ops = &tap_http;
    if (!set_up(t, err)) {
        http_tap_close(&t->base);
        return err_wrap(err, "tap http");
    }
    *ret = &t->base;
    return true;
}

/* --- as a Singer program --------------------------------------------------------------------- */

static bool find_stream(struct tap *tap, const struct found_taker *taker, struct err *err)
{
    struct tap_http *t = http_of(tap);
    struct found_stream found = {
        .name = t->stream.name, .key = t->options->primary_key, .row_count = -1};
    enum tap_result result = TAP_IDLE;
    while (result == TAP_IDLE) {
        if (!tap->ops->next(tap, &result, err)) {
            return false;
        }
    }
    found.schema = t->stream.schema;
    if (t->options->replication_key.len > 0) {
        found.replication_keys = (struct str_list){
            .items = arena_array(t->context->arena, 1, sizeof(struct str)), .count = 1};
        if (found.replication_keys.items == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
        }
        found.replication_keys.items[0] = t->options->replication_key;
    }
    return taker->take(taker->ctx, &found, err);
}

/* The first page tells the columns. */
static bool http_tap_discover(const struct tap_context *context, const struct found_taker *taker,
                              struct err *err)
{
    struct tap_context everything = *context;
    struct tap *tap = NULL;
    everything.mode = MODE_OVERWRITE;
    if (!http_tap_open(&tap, &everything, err)) {
        return false;
    }
    bool ok = find_stream(tap, taker, err);
    http_tap_close(tap);
    return ok;
}

static bool http_tap_choose(void *options, const struct stream_choice *choice,
                            enum load_mode *ret_mode, struct err *err)
{
    struct http_tap_options *o = options;
    struct str key;
    if (!discovery_choose_key(choice, o->replication_key, &key, ret_mode, err)) {
        return false;
    }
    if (key.len > 0) { /* else it stays: "since" names it */
        o->replication_key = key;
    }
    return true;
}

const struct tap_ops tap_http = {
    .type = "http",
    .options = &tap_http_options,
    .open = http_tap_open,
    .next = http_tap_next,
    .state = http_tap_state,
    .close = http_tap_close,
    .discover = http_tap_discover,
    .choose = http_tap_choose,
    .has_bookmarks = true,
};
