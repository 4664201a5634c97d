#include "hub/cli/find_run.h"

#include <stdio.h>

enum { ITEM_BYTES_MAX = 16 << 10, ITEM_ARENA_BYTES = 64 << 10 };

struct search {
    struct str wanted;
    struct found_run *found;
    int64_t count;
    bool is_exact;
};

static bool on_found(void *ctx, struct str text, struct err *err)
{
    struct search *search = ctx;
    AUTO(arena) arena = arena_new(ITEM_ARENA_BYTES);
    struct json *item = NULL;
    if (!json_parse(text, ITEM_BYTES_MAX, &arena, &item, err)) {
        return false;
    }
    struct str run = item_str(item, "run");
    bool is_exact = str_eq(run, search->wanted);
    if (search->is_exact && !is_exact) {
        return true;
    }
    search->count = is_exact && !search->is_exact ? 1 : search->count + 1;
    search->is_exact = is_exact;
    (void)snprintf(search->found->device, FOUND_RUN_SIZE, STR_FMT,
                   STR_ARG(item_str(item, "device")));
    (void)snprintf(search->found->run, FOUND_RUN_SIZE, STR_FMT, STR_ARG(run));
    return true;
}

bool find_run(struct screen *s, struct str wanted, struct str device, struct found_run *ret,
              struct err *err)
{
    struct search search = {.wanted = wanted, .found = ret};
    target_begin(&s->target, "/api/v1/run-ids");
    target_query(&s->target, "like", wanted);
    target_query(&s->target, "device", device);
    if (!hub_client_each(s->client, buf_str(&s->target), str_is_empty(wanted) ? 1 : CLIENT_PAGE,
                         on_found, &search, err)) {
        return false;
    }
    if (search.count == 0) {
        (void)(str_is_empty(wanted)
                   ? err_set(err, ERR_NOT_FOUND, "there are no runs yet")
                   : err_set(err, ERR_NOT_FOUND, "there is no run " STR_FMT, STR_ARG(wanted)));
        return err_hint(err, "list them: selvedge-hub runs");
    }
    if (search.count > 1) {
        (void)err_set(err, ERR_INVALID, "%lld runs begin with " STR_FMT, (long long)search.count,
                      STR_ARG(wanted));
        return err_hint(err, "give more of the id, or --device");
    }
    return true;
}
