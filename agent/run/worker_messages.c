#include "agent/run/worker_messages.h"

#include "common/json/json.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    MESSAGE_BYTES_MAX = LIMIT_EVENT_BYTES,
    RESULT_ARENA_BYTES = 64 << 20, /* of a step that makes many assets, with many checks */
    MESSAGE_ARENA_BYTES = 1 << 20,
    CHUNK_BYTES = 16384,
};

void worker_messages_init(struct worker_messages *m, void (*on_end)(void *ctx), void *ctx)
{
    *m = (struct worker_messages){.pipe = {-1},
                                  .lines = buf_growing(MESSAGE_BYTES_MAX + CHUNK_BYTES),
                                  .arena = arena_new(RESULT_ARENA_BYTES),
                                  .on_end = on_end,
                                  .ctx = ctx};
    m->asset_at = strmap_new(&m->arena);
    m->check_at = strmap_new(&m->arena);
}

bool worker_messages_is_open(const struct worker_messages *m)
{
    return m->pipe.n != -1;
}

/* Reads no more; what was said stays. Idempotent. */
static void stop_reading(struct worker_messages *m)
{
    if (m->pipe.n != -1) {
        loop_fd_remove(m->loop, &m->source);
    }
    fd_release(&m->pipe);
}

void worker_messages_release(struct worker_messages *m)
{
    stop_reading(m);
    buf_release(&m->lines);
    arena_release(&m->arena);
}

/* Copies of what a message says: the message itself is forgotten. */
static struct str text_of(struct worker_messages *m, const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == JSON_STRING ? arena_copy(&m->arena, node->as.string)
                                                     : STR_NONE;
}

static struct str object_text(struct worker_messages *m, const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    if (node == NULL || node->type != JSON_OBJECT) {
        return STR_NONE;
    }
    AUTO(buf) text = buf_growing(MESSAGE_BYTES_MAX);
    json_write(&text, node);
    return text.overflow ? STR_NONE : arena_copy(&m->arena, buf_str(&text));
}

/* Twice the room for a list of `count` things. NULL: there is none left, the list stays. */
static void *more_room(struct worker_messages *m, const void *items, size_t count, size_t size,
                       size_t *room)
{
    size_t wanted = *room == 0 ? 8 : 2 * *room;
    void *more = arena_array(&m->arena, wanted, size);
    if (more != NULL && count > 0) {
        memcpy(more, items, count * size);
    }
    *room = more == NULL ? *room : wanted;
    return more;
}

/* Of a check; NULL: no room. */
static struct step_check *check_of(struct worker_messages *m, struct str asset, struct str name)
{
    uint32_t at = 0;
    struct str place = arena_printf(&m->arena, STR_FMT "\n" STR_FMT, STR_ARG(asset), STR_ARG(name));
    if (place.ptr == NULL || strmap_get(&m->check_at, place, &at)) {
        return place.ptr == NULL ? NULL : &m->checks[at];
    }
    if (m->check_count == WORKER_CHECKS_MAX) {
        return NULL;
    }
    if (m->check_count == m->check_room) {
        void *more = more_room(m, m->checks, m->check_count, sizeof(*m->checks), &m->check_room);
        if (more == NULL) {
            return NULL;
        }
        m->checks = more;
    }
    return strmap_put(&m->check_at, place, (uint32_t)m->check_count) ? &m->checks[m->check_count++]
                                                                     : NULL;
}

static void take_check(struct worker_messages *m, const struct json *message)
{
    struct str asset = text_of(m, message, "asset");
    struct str name = text_of(m, message, "name");
    struct step_check *check = check_of(m, asset, name);
    if (check == NULL) {
        return;
    }
    const struct json *passed = json_get(message, "passed");
    *check = (struct step_check){
        .asset = asset,
        .name = name,
        .severity = text_of(m, message, "severity"),
        .passed = passed != NULL && passed->type == JSON_BOOL && passed->as.boolean,
        .metadata = object_text(m, message, "metadata"),
    };
}

static int64_t number_of(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == JSON_INT && node->as.integer > 0 ? node->as.integer : 0;
}

/* Of an asset among several; NULL: no room. */
static struct step_asset *asset_of(struct worker_messages *m, struct str key)
{
    uint32_t at = 0;
    if (strmap_get(&m->asset_at, key, &at)) {
        return &m->assets[at];
    }
    if (m->asset_count == WORKER_ASSETS_MAX) {
        return NULL;
    }
    if (m->asset_count == m->asset_room) {
        void *more = more_room(m, m->assets, m->asset_count, sizeof(*m->assets), &m->asset_room);
        if (more == NULL) {
            return NULL;
        }
        m->assets = more;
    }
    return strmap_put(&m->asset_at, key, (uint32_t)m->asset_count) ? &m->assets[m->asset_count++]
                                                                   : NULL;
}

static void take_asset(struct worker_messages *m, const struct json *message, bool is_made)
{
    struct str key = text_of(m, message, "asset");
    struct step_asset *asset = str_is_empty(key) ? NULL : asset_of(m, key);
    if (asset == NULL) {
        return; /* the runner misses it */
    }
    *asset = (struct step_asset){.asset = key, .is_made = is_made};
    if (is_made) {
        asset->metadata = object_text(m, message, "metadata");
        return;
    }
    asset->error_code = text_of(m, message, "code");
    asset->error_message = text_of(m, message, "message");
    asset->error_hint = text_of(m, message, "hint");
}

static void take_message(struct worker_messages *m, struct str line)
{
    AUTO(arena) scratch = arena_new(MESSAGE_ARENA_BYTES);
    struct json *message = NULL;
    struct err err = {0};
    if (!json_parse(line, MESSAGE_BYTES_MAX, &scratch, &message, &err)) {
        m->error_code = STR("invalid");
        m->error_message =
            arena_printf(&m->arena, "the step wrote a message that is not JSON: %s", err.msg);
        if (str_is_empty(m->error_message)) {
            m->error_message = STR("the step wrote a message that is not JSON");
        }
        return;
    }
    const struct json *node = json_get(message, "event");
    struct str event = node != NULL && node->type == JSON_STRING ? node->as.string : STR_NONE;
    bool is_of_asset = json_get(message, "asset") != NULL;
    if (is_of_asset && str_eq(event, STR("materialization"))) {
        take_asset(m, message, true);
    } else if (str_eq(event, STR("materialization"))) {
        m->metadata = object_text(m, message, "metadata");
    } else if (is_of_asset && str_eq(event, STR("failure"))) {
        take_asset(m, message, false);
    } else if (str_eq(event, STR("check"))) {
        take_check(m, message);
    } else if (str_eq(event, STR("error"))) {
        m->error_code = text_of(m, message, "code");
        m->error_message = text_of(m, message, "message");
        m->error_hint = text_of(m, message, "hint");
        if (str_is_empty(m->error_message)) { /* not said, or there was no room left for it */
            m->error_message = STR("the step said that it failed, and not why");
        }
    }
    /* Progress and whatever a newer worker says are for people who watch; nothing is decided on
     * them. */
    if (str_eq(event, STR("progress"))) {
        m->progress = (struct worker_progress){.is_told = true,
                                               .rows = number_of(message, "rows"),
                                               .bytes = number_of(message, "bytes"),
                                               .memory_bytes = number_of(message, "memory_bytes")};
    }
}

static void take_lines(struct worker_messages *m)
{
    struct str line = STR_NONE;
    struct str next = STR_NONE;
    struct str rest = buf_str(&m->lines);
    size_t taken = 0;
    while (str_cut(rest, '\n', &line, &next)) {
        if (m->skipping_line) {
            m->skipping_line = false;
        } else if (!str_is_empty(str_trim(line))) {
            take_message(m, line);
        }
        taken += line.len + 1;
        rest = next;
    }
    buf_consume(&m->lines, taken);
    if (m->lines.len >= MESSAGE_BYTES_MAX) {
        m->skipping_line = true;
        buf_reset(&m->lines);
    }
}

static void on_message(void *ctx, unsigned events)
{
    (void)events;
    struct worker_messages *m = ctx;
    char bytes[CHUNK_BYTES];
    ssize_t len = read(m->pipe.n, bytes, sizeof(bytes));
    if (len > 0) {
        buf_add(&m->lines, (struct str){bytes, (size_t)len});
        take_lines(m);
        return;
    }
    if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        stop_reading(m);
        m->on_end(m->ctx);
    }
}

bool worker_messages_open(struct worker_messages *m, struct loop *loop, struct fd *ret_child_end,
                          struct err *err)
{
    int ends[2];
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    m->loop = loop;
    m->pipe.n = ends[0];
    ret_child_end->n = ends[1];
    m->source = (struct loop_fd){.fd = ends[0], .on_ready = on_message, .ctx = m};
    return loop_fd_watch(loop, &m->source, LOOP_READ, err);
}
