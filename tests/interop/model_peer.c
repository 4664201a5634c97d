#include "tests/interop/model_peer.h"

#include "tests/interop/zones.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    QUESTION_BYTES_MAX = 4 << 20,
    ARENA_BYTES = 64 << 20,
    ZONE_ARENA_BYTES = 8 << 20,
};

_Noreturn void peer_give_up(const char *what)
{
    (void)fprintf(stderr, "model_peer: %s\n", what);
    abort();
}

struct str peer_text(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

int64_t peer_number(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    return member != NULL && member->type == JSON_INT ? member->as.integer : 0;
}

bool peer_flag(const struct json *object, const char *key)
{
    const struct json *member = json_get(object, key);
    return member != NULL && member->type == JSON_BOOL && member->as.boolean;
}

void peer_cron(struct peer *p, const struct json *object, struct cron *ret,
               const struct tz **ret_tz)
{
    peer_insist(cron_parse(peer_text(object, "cron"), ret, &p->err), p->err.msg);
    peer_insist(zones_load(peer_text(object, "timezone"), &p->zones, ret_tz, &p->err), p->err.msg);
}

void peer_graph(struct peer *p, const struct json *question, struct graph *ret,
                const struct json ***ret_assets)
{
    const struct json *list = json_get(question, "assets");
    peer_insist(list != NULL, "no assets");
    struct graph_input *input = arena_array(&p->arena, list->count + 1, sizeof(*input));
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    const struct json **assets = arena_array(&p->arena, list->count + 1, sizeof(*assets));
    peer_insist(input != NULL && assets != NULL, "memory");
    size_t count = 0;
    for (const struct json *asset = list->child; asset != NULL; asset = asset->next) {
        const struct json *deps = json_get(asset, "deps");
        struct str *keys =
            arena_array(&p->arena, (deps == NULL ? 0 : deps->count) + 1, sizeof(*keys));
        peer_insist(keys != NULL, "memory");
        assets[count] = asset;
        input[count] = (struct graph_input){.key = peer_text(asset, "key"), .deps = keys};
        for (const struct json *dep = deps == NULL ? NULL : deps->child; dep != NULL;
             dep = dep->next) {
            keys[input[count].dep_count++] = dep->as.string;
        }
        count++;
    }
    peer_insist(graph_build(&p->arena, input, count, NULL, ret, &p->err), p->err.msg);
    *ret_assets = assets;
}

static const struct {
    struct str name;
    void (*answer)(struct peer *p, const struct json *question, struct json_writer *w);
} questions[] = {
    {STR_INIT("select"), peer_select},   {STR_INIT("stale"), peer_stale},
    {STR_INIT("version"), peer_version}, {STR_INIT("freshness"), peer_freshness},
    {STR_INIT("backoff"), peer_backoff}, {STR_INIT("automate"), peer_automate},
};

static void answer(struct peer *p, struct str line)
{
    AUTO(buf) out = buf_growing(QUESTION_BYTES_MAX);
    struct json_writer w = json_writer(&out);
    struct json *question = NULL;
    peer_insist(json_parse(line, QUESTION_BYTES_MAX, &p->arena, &question, &p->err), p->err.msg);
    jw_begin_object(&w);
    size_t i = 0;
    while (i < COUNT_OF(questions) && !str_eq(peer_text(question, "ask"), questions[i].name)) {
        i++;
    }
    peer_insist(i < COUNT_OF(questions), "an unknown question");
    questions[i].answer(p, question, &w);
    jw_end_object(&w);
    peer_insist(!out.overflow, "an answer that does not fit");
    printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
    (void)fflush(stdout);
}

int main(void)
{
    struct peer p = {.arena = arena_new(ARENA_BYTES), .zones = arena_new(ZONE_ARENA_BYTES)};
    char *line = NULL;
    size_t size = 0;
    for (ssize_t len = getline(&line, &size, stdin); len > 0; len = getline(&line, &size, stdin)) {
        answer(&p, (struct str){line, (size_t)len});
        arena_reset(&p.arena);
    }
    free(line);
    arena_release(&p.arena);
    arena_release(&p.zones);
    return 0;
}
