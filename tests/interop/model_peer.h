/* model_peer.h - what common/model answers, for comparing with Dagster: a line of JSON in, a line
 * out. Each question is {"ask":NAME,...}; docs: the scripts that ask. */
#pragma once
#include "common/json/json.h"
#include "common/json/json_writer.h"
#include "common/model/cron.h"
#include "common/model/graph.h"

struct peer {
    struct arena arena; /* of one question */
    struct arena zones; /* of all */
    struct err err;
};

/* Ends the program: the test asked nonsense. */
_Noreturn void peer_give_up(const char *what);
static inline void peer_insist(bool ok, const char *what)
{
    if (!ok) {
        peer_give_up(what);
    }
}

struct str peer_text(const struct json *object, const char *key); /* empty when there is none */
int64_t peer_number(const struct json *object, const char *key);  /* 0 when there is none */
bool peer_flag(const struct json *object, const char *key);       /* false when there is none */

/* {"cron":...,"timezone":...}, zones from the system. */
void peer_cron(struct peer *p, const struct json *object, struct cron *ret,
               const struct tz **ret_tz);
/* "assets":[{"key":...,"deps":[...]},...]; *ret_assets[n] is what was asked of node n. */
void peer_graph(struct peer *p, const struct json *question, struct graph *ret,
                const struct json ***ret_assets);

/* The answers; each writes the members of one object. */
void peer_select(struct peer *p, const struct json *question, struct json_writer *w);
void peer_stale(struct peer *p, const struct json *question, struct json_writer *w);
void peer_version(struct peer *p, const struct json *question, struct json_writer *w);
void peer_freshness(struct peer *p, const struct json *question, struct json_writer *w);
void peer_backoff(struct peer *p, const struct json *question, struct json_writer *w);
void peer_automate(struct peer *p, const struct json *question, struct json_writer *w);
