#include "agent/dbt/dbt_outcome.h"

#include "common/base/time.h"

enum { TEXT_BYTES_MAX = 4 << 20 };

struct dbt_outcome dbt_outcome_none(void)
{
    return (struct dbt_outcome){.duration_ns = -1, .failures = -1, .rows = -1};
}

bool dbt_outcome_status(struct str name, enum dbt_status *ret)
{
    static const char *const running[] = {"", "None", "started", "compiling", "executing"};
    for (size_t i = 0; i < COUNT_OF(running); i++) {
        if (str_eq(name, str_from(running[i]))) {
            return false;
        }
    }
    if (str_eq(name, STR("reused"))) {
        *ret = DBT_NO_OP;
    } else if (!dbt_status_from(name, ret) || *ret == DBT_NOT_RUN) {
        *ret = DBT_ERROR;
    }
    return true;
}

bool dbt_outcome_text(struct json_raw raw, struct arena *arena, struct str *ret)
{
    *ret = STR_NONE;
    if (raw.type != JSON_STRING) {
        return true;
    }
    if (!raw.has_escape) {
        *ret = raw.text;
        return true;
    }
    AUTO(buf) text = buf_growing(TEXT_BYTES_MAX);
    struct str plain;
    if (!json_unescape(raw, true, &text, &plain)) {
        return false;
    }
    *ret = arena_copy(arena, plain);
    return ret->ptr != NULL;
}

bool dbt_outcome_number(struct json_raw raw, int64_t *ret)
{
    double value = 0;
    if ((raw.type != JSON_INT && raw.type != JSON_REAL) || !json_raw_double(raw, &value) ||
        value < -9e15 || value > 9e15) {
        return false;
    }
    *ret = (int64_t)value;
    return true;
}

bool dbt_outcome_seconds(struct json_raw raw, int64_t *ret_ns)
{
    double value = 0;
    if ((raw.type != JSON_INT && raw.type != JSON_REAL) || !json_raw_double(raw, &value) ||
        value < 0 || value > 9e9) {
        return false;
    }
    *ret_ns = (int64_t)(value * (double)NS_PER_SEC);
    return true;
}

/* adapter_response: {"_message": "SELECT 3", "rows_affected": 3.0} */
static int64_t rows_of(struct json_raw raw)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    int64_t rows = -1;
    if (raw.type != JSON_OBJECT || !json_scan_object(&scan, raw.text, &ignored)) {
        return -1;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "rows_affected") && !dbt_outcome_number(value, &rows)) {
            rows = -1;
        }
    }
    return rows < 0 ? -1 : rows;
}

static bool take_member(struct json_raw key, struct json_raw value, struct arena *arena,
                        struct dbt_outcome *ret)
{
    struct str text;
    if (json_raw_is(key, "status")) {
        if (!dbt_outcome_text(value, arena, &text)) {
            return false;
        }
        ret->has_status = dbt_outcome_status(text, &ret->status);
    } else if (json_raw_is(key, "unique_id")) {
        return dbt_outcome_text(value, arena, &ret->unique_id);
    } else if (json_raw_is(key, "message")) {
        return dbt_outcome_text(value, arena, &ret->message);
    } else if (json_raw_is(key, "relation_name")) {
        return dbt_outcome_text(value, arena, &ret->relation);
    } else if (json_raw_is(key, "compiled_code")) {
        return dbt_outcome_text(value, arena, &ret->sql);
    } else if (json_raw_is(key, "execution_time")) {
        (void)dbt_outcome_seconds(value, &ret->duration_ns);
    } else if (json_raw_is(key, "failures") || json_raw_is(key, "num_failures")) {
        (void)dbt_outcome_number(value, &ret->failures);
    } else if (json_raw_is(key, "adapter_response")) {
        ret->rows = rows_of(value);
    }
    return true;
}

bool dbt_outcome_read(struct str object, struct arena *arena, struct dbt_outcome *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    *ret = dbt_outcome_none();
    bool ok = json_scan_object(&scan, object, &ignored);
    while (ok && json_scan_member(&scan, &key, &value)) {
        ok = take_member(key, value, arena, ret);
    }
    return ok;
}
