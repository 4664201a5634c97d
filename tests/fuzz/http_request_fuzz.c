/* What the endpoints make of a request: the input is the number of a method, an address and a body, which an
 * admin sends. Every handler runs on a hub's empty database; it answers with a status that is one and JSON that is
 * whole, or says why not. Passwords are left out: hashing them is what takes the time. */
#include "common/json/json.h"
#include "common/log/log.h"
#include "hub/api/api.h"
#include "hub/store/store.h"
#include "tests/support/temp_dir.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 4 << 20, ANSWER_BYTES_MAX = 16 << 20 };

static struct {
    struct temp_dir dir;
    struct hub_config config;
    struct loop *loop;
    struct rng rng;
    struct accounts *accounts;
    struct api *api;
} world;

static void need(bool ok, const struct err *err)
{
    if (!ok) {
        (void)fprintf(stderr, "%s\n", err->msg);
        abort();
    }
}

static void end(void)
{
    api_close(world.api);
    accounts_close(world.accounts);
    loop_close(world.loop);
    temp_dir_release(&world.dir);
}

static void begin(void)
{
    struct err err = {0};
    struct db *db = NULL;
    static struct arena arena; /* of the settings */
    struct problems problems = {0};
    log_set_level(LOG_ERROR);
    world.dir = temp_dir_new();
    const char *path = temp_dir_path(&world.dir, "hub.db");
    const struct hub_store_options store = {.path = path};
    arena = arena_new(ARENA_BYTES);
    need(hub_config_parse(STR("{}"), "hub.yaml", &arena, &problems, &world.config, &err), &err);
    world.config.state_dir = str_from(world.dir.path);
    world.rng = rng_system();
    need(hub_store_open(&db, &store, &err), &err);
    db_close(db);
    need(loop_open(&world.loop, clock_system(), &err), &err);
    need(accounts_open(&world.accounts, path, &world.rng, &err), &err);
    const struct api_options options = {.config = &world.config,
                                        .database = path,
                                        .loop = world.loop,
                                        .rng = &world.rng,
                                        .accounts = world.accounts};
    need(api_open(&world.api, &options, &err), &err);
    (void)atexit(end);
}

static bool is_left_out(const struct http_route *route)
{
    struct str path = str_from(route->path);
    return route->is_stream ||
           str_starts(path, STR("/metrics")) || /* asks the server, which is not here */
           str_starts(path, STR("/api/v1/session")) || str_starts(path, STR("/api/v1/setup")) ||
           str_starts(path, STR("/api/v1/users"));
}

static void check(const struct http_response *rs, bool ok, const struct err *err)
{
    struct json *body = NULL;
    struct err ignored = {0};
    AUTO(arena) arena = arena_new(ANSWER_BYTES_MAX * 4);
    if (!ok) {
        assert(err->code != ERR_NONE && err->msg[0] != '\0' && http_status_of(err->code) >= 400);
        return;
    }
    assert(rs->status == 0 || (rs->status >= 200 && rs->status < 600));
    if (rs->type == NULL && rs->body.len > 0) {
        assert(json_parse(buf_str(&rs->body), ANSWER_BYTES_MAX, &arena, &body, &ignored));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct err err = {0};
    const struct http_route *route = NULL;
    struct str raw = STR_NONE;
    struct str body = STR_NONE;
    if (world.api == NULL) {
        begin();
    }
    if (size < 1) {
        return 0;
    }
    const struct http_service *service = api_service(world.api);
    (void)str_cut((struct str){(const char *)data + 1, size - 1}, '\n', &raw, &body);
    struct http_request rq = {.headers = {.content_type = STR("application/json")},
                              .peer = STR("192.0.2.1"),
                              .now = clock_wall(loop_clock(world.loop)),
                              .mono = clock_mono(loop_clock(world.loop)),
                              .arena = &arena,
                              .role = HTTP_ADMIN,
                              .user = STR("admin")};
    rq.method = (enum http_method)(data[0] % HTTP_METHOD_COUNT); /* '0' is GET */
    if (!http_target_parse(raw, &arena, &rq.target, &err) ||
        http_route_find(service->routes, service->route_count, rq.method, &rq.target, &arena,
                        &route, rq.args) != HTTP_MATCH ||
        is_left_out(route)) {
        return 0;
    }
    rq.body = str_slice(body, 0, route->max_body);
    struct http_response rs = {.body = buf_growing(ANSWER_BYTES_MAX)};
    service->begin(service->ctx);
    bool ok = route->handler(service->ctx, &rq, &rs, &err);
    check(&rs, ok, &err);
    buf_release(&rs.body);
    return 0;
}
