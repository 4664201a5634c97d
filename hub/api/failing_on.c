/* failing_on.c - the names of devices on which an asset fails. */
#include "hub/api/failing_on.h"

enum { NAMES_MAX = 100, NAMES_BYTES_MAX = 64 << 10 };

bool api_write_failing_on(struct api *api, struct json_writer *w, struct str asset, struct err *err)
{
    AUTO(buf) names = buf_growing(NAMES_BYTES_MAX);
    struct db_query q = db_query(api->own, HUB_API_FAILING_ON);
    bool row = false;
    bool ok = true;
    int64_t count = 0;
    db_bind_str(&q, ":asset", asset);
    db_bind_i64(&q, ":limit", NAMES_MAX + 1);
    while ((ok = db_next(&q, &row, err)) && row) {
        buf_add(&names, count > 0 ? STR(", ") : STR(""));
        buf_add(&names, count < NAMES_MAX ? db_col_str(&q, 0) : STR("…"));
        count++;
    }
    if (ok) {
        jw_member_opt(w, "failing_on", buf_str(&names));
    }
    return ok;
}
