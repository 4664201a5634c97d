/* cron_ticks.c - prints what our cron fires, for comparing with other people's. Each line of stdin
 * is "ZONE FROM UNTIL EXPRESSION", instants in seconds since 1970; each line of stdout the firings
 * after FROM and up to UNTIL, or "error: ..." for an expression that we refuse. */
#include "common/model/cron.h"
#include "tests/interop/zones.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1024 };

static bool answer(struct str line, struct arena *arena, struct err *err)
{
    struct str zone;
    struct str from_text;
    struct str until_text;
    struct str text;
    const struct tz *tz = NULL;
    int64_t from = 0;
    int64_t until = 0;
    struct cron cron;
    if (!str_cut(line, ' ', &zone, &text) || !str_cut(text, ' ', &from_text, &text) ||
        !str_cut(text, ' ', &until_text, &text) || !str_to_i64(from_text, 0, INT32_MAX, &from) ||
        !str_to_i64(until_text, 0, INT32_MAX, &until)) {
        return err_set(err, ERR_INVALID, "not ZONE FROM UNTIL EXPRESSION");
    }
    if (!zones_load(zone, arena, &tz, err) || !cron_parse(text, &cron, err)) {
        return false;
    }
    struct wall_time t = {from * NS_PER_SEC};
    while (cron_next(&cron, tz, t, &t) && t.ns <= until * NS_PER_SEC) {
        printf("%" PRId64 " ", t.ns / NS_PER_SEC);
    }
    printf("\n");
    return true;
}

int main(void)
{
    AUTO(arena) arena = arena_new((size_t)ZONES_MAX * TZ_BYTES_MAX);
    char line[LINE_BYTES_MAX];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct err err = {0};
        if (!answer(str_trim_end(str_from(line), '\n'), &arena, &err)) {
            printf("error: %s\n", err.msg);
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
