#include "hub/merge/answers.h"

#include "hub/merge/changes.h"
#include "hub_store_sql.h"

static bool is_taken(const struct answer_change *a)
{
    return !str_eq(a->status, STR("refused"));
}

/* The change that this answer is folded into: of the same command, and refused or not alike. */
static struct answer_change *find(struct answer_changes *c, const struct answer_change *of)
{
    for (size_t i = c->count; i > 0; i--) {
        struct answer_change *a = &c->items[i - 1];
        if (str_eq(a->command, of->command) && is_taken(a) == is_taken(of)) {
            return a;
        }
    }
    struct answer_change *added = &c->items[c->count++];
    *added = (struct answer_change){0};
    return added;
}

void answers_add(struct answer_changes *c, const struct event *ev, const struct members *m)
{
    struct answer_change answer = {.command = members_name(m, MEMBER_COMMAND),
                                   .status = members_name(m, MEMBER_STATUS),
                                   .verb = members_name(m, MEMBER_VERB),
                                   .code = members_name(m, MEMBER_CODE),
                                   .reason = members_text(m, MEMBER_REASON),
                                   .key = members_name(m, MEMBER_KEY),
                                   .run = ev->run,
                                   .result = members_json(m, MEMBER_RESULT, JSON_OBJECT),
                                   .seq = ev->seq,
                                   .at_ms = wall_ms(ev->at)};
    if (str_is_empty(answer.command) || str_is_empty(answer.status)) {
        return;
    }
    struct answer_change *into = find(c, &answer);
    if (str_is_empty(answer.run)) {
        answer.run = into->run;
    }
    *into = answer;
}

static bool write_answer(const struct answer_change *a, struct db *out,
                         const struct view_stream *stream, struct err *err)
{
    struct db_query q = db_query(out, HUB_STORE_ANSWER_SET);
    db_bind_str(&q, ":command", a->command);
    db_bind_str(&q, ":device", stream->device);
    db_bind_i64(&q, ":is_taken", is_taken(a) ? 1 : 0);
    db_bind_i64(&q, ":stream_ms", stream->first_at_ms);
    db_bind_str(&q, ":epoch", stream->epoch);
    db_bind_i64(&q, ":seq", a->seq);
    db_bind_i64(&q, ":at", a->at_ms);
    db_bind_str(&q, ":status", a->status);
    db_bind_opt(&q, ":verb", a->verb);
    db_bind_opt(&q, ":code", a->code);
    db_bind_opt(&q, ":reason", a->reason);
    db_bind_opt(&q, ":key", a->key);
    db_bind_opt(&q, ":run", a->run);
    db_bind_opt(&q, ":result", a->result);
    return db_run(&q, err);
}

bool answers_write(const struct answer_changes *c, struct db *out, const struct view_stream *stream,
                   struct err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!write_answer(&c->items[i], out, stream, err)) {
            return false;
        }
    }
    return true;
}
