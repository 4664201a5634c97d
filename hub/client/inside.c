/* inside.c - no hub is running here: the handlers of its API, in this process, on its database. */
#include "hub/client/client_internal.h"

#include "common/base/limits.h"
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "hub/api/api.h"
#include "hub/http/inside.h"
#include "hub/http/local.h"
#include "hub/registry/authority.h"
#include "hub/store/store.h"
#include <stdlib.h>

/* Nobody waits behind a question. */
enum { INSIDE_QUERY_MS = 10 * 60 * 1000 };

struct client_inside {
    struct loop *loop; /* turns while an answer is made elsewhere */
    struct rng rng;
    struct accounts *accounts;
    struct api *api;
    struct arena arena; /* of a request */
    struct arena own;
    struct str user;
};

/* What is there is not migrated by a question; parts that are opened after this one would. */
static bool check_database(const struct hub_config *config, const char *path, struct err *err)
{
    const struct hub_store_options options = {.path = path, .flags = DB_READ_ONLY};
    struct db *db = NULL;
    bool ok = hub_store_open(&db, &options, err);
    db_close(db);
    if (!ok && err->code == ERR_NOT_FOUND && authority_exists(config)) {
        *err = (struct err){0};
        return true; /* it was lost: the first part that is opened says so */
    }
    if (!ok && err->code == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no hub in " STR_FMT,
                      STR_ARG(config->state_dir));
        return err_hint(err, "set one up: selvedge-hub init; name its folder: --state-dir DIR; or "
                             "ask one elsewhere: --url");
    }
    return ok || err->code != ERR_DENIED
               ? ok
               : err_hint(err, "run it as the user that runs the hub, or with sudo");
}

bool client_inside_open(struct client_inside **ret, const struct hub_config *config,
                        struct err *err)
{
    char database[LIMIT_PATH_BYTES + 1];
    struct client_inside *inside = NULL;
    if (!hub_path(config, "hub.db", database, err) || !check_database(config, database, err)) {
        return false;
    }
    inside = calloc(1, sizeof(*inside));
    if (inside == NULL) {
        return err_set(err, ERR_NO_MEMORY, "ask the hub: out of memory");
    }
    inside->rng = rng_system();
    inside->arena = arena_new(HTTP_ARENA_BYTES);
    inside->own = arena_new(LIMIT_PATH_BYTES);
    inside->user = http_local_self(&inside->own);
    bool ok = loop_open(&inside->loop, clock_system(), err) &&
              accounts_open(&inside->accounts, database, &inside->rng, err);
    const struct api_options options = {.config = config,
                                        .database = database,
                                        .loop = inside->loop,
                                        .rng = &inside->rng,
                                        .accounts = inside->accounts,
                                        .query_ms = INSIDE_QUERY_MS};
    if (!ok || !api_open(&inside->api, &options, err)) {
        client_inside_close(inside);
        return false;
    }
    *ret = inside;
    return true;
}

bool client_inside_ask(struct client_inside *inside, const struct hub_client_question *question,
                       struct client_answer *ret, struct err *err)
{
    struct http_response rs = {.body = buf_growing(HTTP_BODY_BYTES_MAX)};
    const struct http_question asked = {.method = question->method,
                                        .target = question->target,
                                        .body = question->body,
                                        .is_bytes = question->is_bytes,
                                        .user = inside->user};
    if (!loop_turn(inside->loop, 0, err)) { /* its time goes on */
        return false;
    }
    http_answer_inside(api_service(inside->api), &asked, inside->loop, &inside->arena, &rs);
    arena_reset(&inside->arena);
    buf_release(&ret->body);
    ret->body = rs.body;
    ret->status = rs.status == 0 ? 200 : rs.status;
    return true;
}

void client_inside_close(struct client_inside *inside)
{
    if (inside == NULL) {
        return;
    }
    api_close(inside->api);
    accounts_close(inside->accounts);
    loop_close(inside->loop);
    arena_release(&inside->arena);
    arena_release(&inside->own);
    free(inside);
}
