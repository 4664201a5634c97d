/* device_lists.c - what there is of one device in lists: certificates, definitions as they changed, events
 * that are lost, what is kept aside. */
#include "hub/api/api_internal.h"

enum { DIFF_NAMES_MAX = 100, NUMBER_BYTES = 24 };

/* --- what the lists share ---------------------------------------------------------------------- */

static struct wall_time time_of(const struct db_query *q, int col)
{
    return (struct wall_time){db_col_i64(q, col) * NS_PER_MS};
}

struct place { /* in a list by stream, epoch, seq, or by the first two of the three */
    int64_t first, seq;
    struct str text;
};

static bool begin(struct api *api, struct page *page, struct http_request *rq,
                  struct http_response *rs, size_t parts, struct err *err)
{
    struct str device;
    return api_find_device(api, rq, &device, err) && page_begin(page, rq, rs, parts, err);
}

static bool read_place(const struct page *page, struct place *ret, struct err *err)
{
    *ret = (struct place){.first = INT64_MAX, .seq = INT64_MAX, .text = STR("~")};
    if (str_is_empty(page->after[0])) {
        return true;
    }
    ret->text = page->after[1];
    return (str_to_i64(page->after[0], INT64_MIN, INT64_MAX, &ret->first) &&
            (page->parts < 3 || str_to_i64(page->after[2], 0, INT64_MAX, &ret->seq))) ||
           err_set(err, ERR_INVALID, "the cursor is none of this list");
}

static void is_at(struct page *page, int64_t first, struct str text, int64_t seq)
{
    char memory[2][NUMBER_BYTES];
    struct buf a = buf_fixed(memory[0], sizeof(memory[0]));
    struct buf b = buf_fixed(memory[1], sizeof(memory[1]));
    buf_add_i64(&a, first);
    buf_add_i64(&b, seq);
    const struct str parts[] = {buf_str(&a), text, buf_str(&b)};
    page_is_at(page, parts);
}

static struct db_query query(struct api *api, int sql_id, const struct http_request *rq,
                             const struct page *page, const struct place *place)
{
    struct db_query q = db_query(api->own, sql_id);
    db_bind_str(&q, ":device", rq->args[0]);
    db_bind_i64(&q, ":limit", page_wants(page));
    if (page->parts == 3) {
        db_bind_i64(&q, ":stream_ms", place->first);
        db_bind_str(&q, ":epoch", place->text);
        db_bind_i64(&q, ":seq", place->seq);
    }
    return q;
}

/* --- certificates ------------------------------------------------------------------------------ */

static const char *certificate_state(const struct api *api, const struct db_query *q,
                                     struct wall_time now)
{
    struct wall_time end = time_of(q, 3);
    if (!db_col_is_null(q, 4)) {
        return "revoked";
    }
    if (end.ns <= now.ns) {
        return "expired";
    }
    if (db_col_i64(q, 6) == 0) {
        return "replaced";
    }
    return end.ns - now.ns < api->config->alert_certificate_ns ? "ending" : "in force";
}

static void write_certificate(const struct api *api, struct page *page, const struct db_query *q,
                              struct wall_time now)
{
    struct json_writer *w = &page->w;
    jw_begin_object(w);
    jw_member_str(w, "serial", db_col_str(q, 0));
    jw_member_str(w, "state", str_from(certificate_state(api, q, now)));
    jw_member_str(w, "cause", db_col_str(q, 1));
    jw_member_wall(w, "issued_at", time_of(q, 2));
    jw_member_wall(w, "expires_at", time_of(q, 3));
    jw_member_opt_wall(w, "revoked_at", time_of(q, 4));
    jw_member_str(w, "fingerprint", db_col_str(q, 5));
    jw_end_object(w);
    is_at(page, db_col_i64(q, 2), db_col_str(q, 0), 0);
}

bool api_device_certificates(void *ctx, struct http_request *rq, struct http_response *rs,
                             struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct place place;
    bool ok = true;
    if (!begin(api, &page, rq, rs, 2, err)) {
        return false;
    }
    if (!read_place(&page, &place, err)) {
        page_end(&page);
        return false;
    }
    struct db_query q = query(api, HUB_API_DEVICE_CERTIFICATES, rq, &page, &place);
    db_bind_i64(&q, ":at", place.first);
    db_bind_str(&q, ":serial", place.text);
    while (db_each(&q, &ok, err)) {
        if (page_has_room(&page)) {
            write_certificate(api, &page, &q, rq->now);
        }
    }
    page_end(&page);
    return ok;
}

/* --- definitions ------------------------------------------------------------------------------- */

struct set { /* of definitions */
    int64_t stream, seq, first_at_ms;
    struct str hash, epoch;
    struct wall_time at;
    bool is_in_force;
};

static bool read_sets(struct db_query *q, struct arena *arena, struct set *sets, size_t cap,
                      size_t *ret_count, struct err *err)
{
    bool ok = true;
    *ret_count = 0;
    while (db_each(q, &ok, err)) {
        if (*ret_count < cap) {
            sets[(*ret_count)++] = (struct set){.stream = db_col_i64(q, 0),
                                                .seq = db_col_i64(q, 1),
                                                .hash = arena_copy(arena, db_col_str(q, 2)),
                                                .at = time_of(q, 3),
                                                .first_at_ms = db_col_i64(q, 4),
                                                .epoch = arena_copy(arena, db_col_str(q, 5)),
                                                .is_in_force = db_col_i64(q, 6) != 0};
        }
    }
    return ok;
}

/* "added":["a","b"],...; the names of at most DIFF_NAMES_MAX of a kind, all of them counted. */
static bool write_diff(struct api *api, struct json_writer *w, const struct set *set,
                       const struct set *before, struct err *err)
{
    static const char *const lists[] = {"added", "changed", "removed"};
    static const char *const counts[] = {"added_count", "changed_count", "removed_count"};
    enum { KINDS = COUNT_OF(lists) };
    struct db_query q = db_query(api->own, HUB_API_DEFINITIONS_DIFF);
    int64_t count[KINDS + 1] = {0};
    int64_t kind = 0;
    bool ok = true;
    db_bind_i64(&q, ":stream", set->stream);
    db_bind_i64(&q, ":seq", set->seq);
    db_bind_i64(&q, ":old_stream", before == NULL ? 0 : before->stream);
    db_bind_i64(&q, ":old_seq", before == NULL ? 0 : before->seq);
    jw_key(w, str_from(lists[0]));
    jw_begin_array(w);
    while (db_each(&q, &ok, err)) {
        for (; kind < db_col_i64(&q, 0) && kind + 1 < KINDS; kind++) {
            jw_end_array(w);
            jw_key(w, str_from(lists[kind + 1]));
            jw_begin_array(w);
        }
        if (count[db_col_i64(&q, 0)]++ < DIFF_NAMES_MAX && db_col_i64(&q, 0) < KINDS) {
            jw_str(w, db_col_str(&q, 1));
        }
    }
    for (; kind + 1 < KINDS; kind++) {
        jw_end_array(w);
        jw_key(w, str_from(lists[kind + 1]));
        jw_begin_array(w);
    }
    jw_end_array(w);
    for (int i = 0; i < KINDS; i++) {
        jw_member_i64(w, counts[i], count[i]);
    }
    jw_member_i64(w, "assets", count[0] + count[1] + count[KINDS]);
    return ok;
}

static bool write_sets(struct api *api, struct page *page, const struct set *sets, size_t count,
                       struct err *err)
{
    struct json_writer *w = &page->w;
    bool ok = true;
    for (size_t i = 0; ok && i < count && page_has_room(page); i++) {
        jw_begin_object(w);
        jw_member_wall(w, "at", sets[i].at);
        jw_member_str(w, "hash", sets[i].hash);
        jw_member_bool(w, "in_force", sets[i].is_in_force);
        jw_member_str(w, "epoch", sets[i].epoch);
        jw_member_i64(w, "seq", sets[i].seq);
        ok = write_diff(api, w, &sets[i], i + 1 < count ? &sets[i + 1] : NULL, err);
        jw_end_object(w);
        is_at(page, sets[i].first_at_ms, sets[i].epoch, sets[i].seq);
    }
    return ok;
}

bool api_device_definitions(void *ctx, struct http_request *rq, struct http_response *rs,
                            struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct place place;
    size_t count = 0;
    if (!begin(api, &page, rq, rs, 3, err)) {
        return false;
    }
    size_t cap = (size_t)page_wants(&page);
    struct set *sets = arena_array(rq->arena, cap, sizeof(*sets));
    if (sets == NULL) {
        page_end(&page);
        return err_set(err, ERR_NO_MEMORY, "list definitions: out of memory");
    }
    bool ok = read_place(&page, &place, err);
    if (ok) {
        struct db_query q = query(api, HUB_API_DEVICE_DEFINITIONS, rq, &page, &place);
        ok = read_sets(&q, rq->arena, sets, cap, &count, err) &&
             write_sets(api, &page, sets, count, err);
    }
    page_end(&page);
    return ok;
}

/* --- events that are lost ---------------------------------------------------------------------- */

static void write_gap(struct page *page, const struct db_query *q)
{
    struct json_writer *w = &page->w;
    jw_begin_object(w);
    jw_member_str(w, "epoch", db_col_str(q, 0));
    jw_member_i64(w, "from_seq", db_col_i64(q, 1));
    jw_member_i64(w, "seq", db_col_i64(q, 2));
    jw_member_i64(w, "events", db_col_i64(q, 2) - db_col_i64(q, 1) + 1);
    jw_member_wall(w, "at", time_of(q, 3));
    jw_member_opt(w, "reason", db_col_str(q, 4));
    row_member_json(w, "dropped", db_col_str(q, 5));
    jw_end_object(w);
    is_at(page, db_col_i64(q, 6), db_col_str(q, 0), db_col_i64(q, 2));
}

bool api_device_gaps(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct place place;
    bool ok = true;
    if (!begin(api, &page, rq, rs, 3, err)) {
        return false;
    }
    if (!read_place(&page, &place, err)) {
        page_end(&page);
        return false;
    }
    struct db_query q = query(api, HUB_API_DEVICE_GAPS, rq, &page, &place);
    while (db_each(&q, &ok, err)) {
        if (page_has_room(&page)) {
            write_gap(&page, &q);
        }
    }
    page_end(&page);
    return ok;
}
