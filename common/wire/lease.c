#include "common/wire/lease.h"

#include "common/base/limits.h"
#include "common/json/fields.h"
#include "common/json/json_writer.h"
#include <stddef.h>

enum { LEASE_BYTES_MAX = 4 << 10 };
#define ASKED_MS_MAX (INT64_C(1) << 53)

static const struct field ask_fields[] = {
    {.key = "pool",
     .type = FIELD_STR,
     .offset = offsetof(struct lease_ask, pool),
     .required = true},
    {.key = "places",
     .type = FIELD_I64,
     .offset = offsetof(struct lease_ask, places),
     .required = true,
     .min = 0,
     .max = LEASE_PLACES_MAX},
    {.key = "held",
     .type = FIELD_I64,
     .offset = offsetof(struct lease_ask, held),
     .min = 0,
     .max = LEASE_PLACES_MAX},
    {.key = "asked_ms",
     .type = FIELD_I64,
     .offset = offsetof(struct lease_ask, asked_ms),
     .required = true,
     .min = 0,
     .max = ASKED_MS_MAX},
};
static const struct field_table ask_table = {.name = "lease",
                                             .size = sizeof(struct lease_ask),
                                             .fields = ask_fields,
                                             .count = COUNT_OF(ask_fields),
                                             .ignore_unknown = true};

static const struct field grant_fields[] = {
    {.key = "pool",
     .type = FIELD_STR,
     .offset = offsetof(struct lease_grant, pool),
     .required = true},
    {.key = "places",
     .type = FIELD_I64,
     .offset = offsetof(struct lease_grant, places),
     .required = true,
     .min = 0,
     .max = LEASE_PLACES_MAX},
    {.key = "for_s",
     .type = FIELD_I64,
     .offset = offsetof(struct lease_grant, for_s),
     .required = true,
     .min = 1,
     .max = LEASE_SECONDS_MAX},
    {.key = "asked_ms",
     .type = FIELD_I64,
     .offset = offsetof(struct lease_grant, asked_ms),
     .required = true,
     .min = 0,
     .max = ASKED_MS_MAX},
    {.key = "paused", .type = FIELD_BOOL, .offset = offsetof(struct lease_grant, is_paused)},
};
static const struct field_table grant_table = {.name = "lease",
                                               .size = sizeof(struct lease_grant),
                                               .fields = grant_fields,
                                               .count = COUNT_OF(grant_fields),
                                               .ignore_unknown = true};

static bool check_name(struct str pool, struct err *err)
{
    return (pool.len >= 1 && pool.len <= LIMIT_NAME_BYTES) ||
           err_set(err, ERR_INVALID, "lease.pool: must be 1 to %d bytes", LIMIT_NAME_BYTES);
}

static bool read_object(const struct json *node, const struct field_table *table,
                        struct arena *arena, void *out, struct err *err)
{
    struct problems problems = {.arena = arena};
    return fields_read(node, table, str_from(table->name), arena, &problems, out) ||
           problems_to_err(&problems, err);
}

void lease_ask_encode(const struct lease_ask *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_key(&w, STR("lease"));
    jw_begin_object(&w);
    jw_member_str(&w, "pool", m->pool);
    jw_member_i64(&w, "places", m->places);
    if (m->held > 0) {
        jw_member_i64(&w, "held", m->held);
    }
    jw_member_i64(&w, "asked_ms", m->asked_ms);
    jw_end_object(&w);
    jw_end_object(&w);
}

bool lease_ask_decode(struct str payload, struct arena *arena, struct lease_ask *ret,
                      bool *ret_is_lease, struct err *err)
{
    struct json *root = NULL;
    *ret = (struct lease_ask){0};
    *ret_is_lease = false;
    if (payload.len > LEASE_BYTES_MAX) {
        return true; /* certificates are larger, leases never */
    }
    if (!json_parse(payload, LEASE_BYTES_MAX, arena, &root, err)) {
        return err_wrap(err, "want");
    }
    const struct json *lease = root->type == JSON_OBJECT ? json_get(root, "lease") : NULL;
    if (lease == NULL) {
        return true;
    }
    *ret_is_lease = true;
    return read_object(lease, &ask_table, arena, ret, err) && check_name(ret->pool, err);
}

void lease_grant_encode(const struct lease_grant *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "pool", m->pool);
    jw_member_i64(&w, "places", m->places);
    jw_member_i64(&w, "for_s", m->for_s);
    jw_member_i64(&w, "asked_ms", m->asked_ms);
    if (m->is_paused) {
        jw_member_bool(&w, "paused", true);
    }
    jw_end_object(&w);
}

bool lease_grant_decode(struct str payload, struct arena *arena, struct lease_grant *ret,
                        struct err *err)
{
    struct json *root = NULL;
    *ret = (struct lease_grant){0};
    if (!json_parse(payload, LEASE_BYTES_MAX, arena, &root, err)) {
        return err_wrap(err, "lease");
    }
    return read_object(root, &grant_table, arena, ret, err) && check_name(ret->pool, err);
}
