/* command_pieces.c - texts that commands ask for, sent to the hub in pieces on channel `log`. The
 * link says when it takes no more; then we wait, so that events go first. What a broken connection
 * loses is asked for again, from the offset where it is missing. A text that is still being written
 * can be followed for a while: what comes meanwhile is sent as it comes. */
#include "agent/daemon/agent_internal.h"

#include "agent/run/capture_read.h"
#include "common/base/limits.h"
#include <stdlib.h>
#include <string.h>

#define PACE_NS    (50 * NS_PER_MS)  /* when the link takes no more */
#define OFFLINE_NS (1 * NS_PER_SEC)  /* when there is none */
#define FOLLOW_NS  (500 * NS_PER_MS) /* between two looks at what is followed */

enum { NAME_BYTES_MAX = 512, PAYLOAD_BYTES_MAX = COMMAND_PIECE_BYTES_MAX + (4 << 10) };

struct pieces {
    struct agent *agent;
    struct loop_timer timer;
    char command[UUID_TEXT_SIZE];
    char name[NAME_BYTES_MAX];
    char path[LIMIT_PATH_BYTES + 1]; /* empty: `text` */
    struct buf text;
    int64_t begin;
    int64_t offset; /* of the next piece */
    int64_t end;    /* never beyond */
    int64_t dropped;
    struct wall_time expires_at;
    struct mono_time follow_until; /* 0: what is there now is all */
    struct buf piece;              /* read, and not yet taken by the link */
    int64_t piece_dropped;
    bool has_piece, is_last;
};

static void close_text(struct pieces *p)
{
    struct agent *agent = p->agent;
    loop_timer_disarm(agent->loop, &p->timer);
    buf_release(&p->text);
    buf_release(&p->piece);
    for (size_t i = 0; i < COUNT_OF(agent->pieces); i++) {
        agent->pieces[i] = agent->pieces[i] == p ? NULL : agent->pieces[i];
    }
    free(p);
}

static void finish(struct pieces *p, const struct err *why)
{
    char text[256];
    char command[UUID_TEXT_SIZE];
    struct agent *agent = p->agent;
    struct buf result = buf_fixed(text, sizeof(text));
    struct json_writer w = json_writer(&result);
    jw_begin_object(&w);
    jw_member_i64(&w, "from", p->begin);
    jw_member_i64(&w, "to", p->offset);
    jw_member_i64(&w, "dropped", p->dropped);
    jw_end_object(&w);
    memcpy(command, p->command, sizeof(command));
    close_text(p);
    agent_command_ended(agent, str_from(command), buf_str(&result), why);
}

/* Whether the text goes on behind `position`: output may stand in several files. */
static bool has_more(const struct pieces *p, int64_t position)
{
    AUTO(buf) next = buf_growing(1);
    struct err err = {0};
    int64_t dropped = 0;
    return position < p->end && p->path[0] != '\0' &&
           capture_read(p->path, &position, 1, &next, &dropped, &err) && next.len > 0;
}

/* The next piece of the text. */
static bool read_piece(struct pieces *p, struct err *err)
{
    int64_t left = p->end - p->offset;
    size_t max = left < COMMAND_PIECE_BYTES_MAX ? (size_t)left : COMMAND_PIECE_BYTES_MAX;
    int64_t position = p->offset;
    bool is_file = p->path[0] != '\0';
    p->piece_dropped = 0;
    buf_reset(&p->piece);
    if (!is_file) {
        buf_add(&p->piece,
                str_slice(buf_str(&p->text), (size_t)p->offset, (size_t)p->offset + max));
    } else if (max > 0 &&
               !capture_read(p->path, &position, max, &p->piece, &p->piece_dropped, err)) {
        return false;
    }
    p->offset += p->piece_dropped;
    p->dropped += p->piece_dropped;
    int64_t end = p->offset + (int64_t)p->piece.len;
    p->is_last = is_file ? !has_more(p, end) : end >= p->end;
    p->has_piece = true;
    return true;
}

static bool goes_on(const struct pieces *p)
{
    return p->offset + (int64_t)p->piece.len < p->end &&
           loop_now(p->agent->loop).ns < p->follow_until.ns;
}

static bool publish_piece(struct pieces *p, struct err *err)
{
    AUTO(buf) payload = buf_growing(PAYLOAD_BYTES_MAX);
    const struct command_piece piece = {.command = str_from(p->command),
                                        .name = str_from(p->name),
                                        .offset = p->offset,
                                        .dropped = p->piece_dropped,
                                        .is_last = p->is_last,
                                        .bytes = buf_str(&p->piece)};
    command_piece_encode(&piece, &payload);
    if (payload.overflow) {
        return err_set(err, ERR_NO_MEMORY, "send a piece of a text: out of memory");
    }
    if (p->agent->link == NULL) {
        return err_set(err, ERR_OFFLINE, "not connected to the hub");
    }
    return link_publish(p->agent->link, CHANNEL_LOG, buf_str(&payload), err);
}

static bool is_expired(const struct pieces *p)
{
    return clock_wall(loop_clock(p->agent->loop)).ns >= p->expires_at.ns;
}

/* One piece in a turn of the loop. */
static void send_next(void *ctx)
{
    struct pieces *p = ctx;
    struct err err = {0};
    if (!p->has_piece && !read_piece(p, &err)) {
        finish(p, &err);
        return;
    }
    bool waits = p->is_last && goes_on(p);
    p->is_last = p->is_last && !waits;
    if (waits && p->piece.len == 0) {
        p->has_piece = false; /* nothing new: nothing is sent */
        loop_timer_arm_in(p->agent->loop, &p->timer, FOLLOW_NS);
        return;
    }
    if (publish_piece(p, &err)) {
        p->offset += (int64_t)p->piece.len;
        p->has_piece = false;
        if (p->is_last) {
            finish(p, NULL);
            return;
        }
        loop_timer_arm_in(p->agent->loop, &p->timer, waits ? FOLLOW_NS : 0);
        return;
    }
    bool may_wait = err.code == ERR_FULL || err.code == ERR_OFFLINE;
    if (!may_wait || is_expired(p)) {
        finish(p, &err);
        return;
    }
    loop_timer_arm_in(p->agent->loop, &p->timer, err.code == ERR_FULL ? PACE_NS : OFFLINE_NS);
}

static struct pieces *add_text(struct agent *agent)
{
    for (size_t i = 0; i < COUNT_OF(agent->pieces); i++) {
        if (agent->pieces[i] == NULL) {
            agent->pieces[i] = calloc(1, sizeof(*agent->pieces[i]));
            return agent->pieces[i];
        }
    }
    return NULL;
}

bool agent_send_pieces(struct agent *agent, struct str command, struct piece_source *source)
{
    struct pieces *p = add_text(agent);
    if (p == NULL) {
        return false;
    }
    p->agent = agent;
    p->timer = (struct loop_timer){.on_due = send_next, .ctx = p};
    p->piece = buf_growing(COMMAND_PIECE_BYTES_MAX);
    p->text = source->text;
    source->text = (struct buf){0};
    struct buf id = buf_fixed(p->command, sizeof(p->command) - 1);
    struct buf name = buf_fixed(p->name, sizeof(p->name) - 1);
    buf_add(&id, str_slice(command, 0, UUID_TEXT_SIZE - 1));
    buf_add(&name, str_clip(source->name, NAME_BYTES_MAX - 1));
    if (source->path != NULL) {
        struct buf path = buf_fixed(p->path, sizeof(p->path) - 1);
        buf_add(&path, str_slice(str_from(source->path), 0, LIMIT_PATH_BYTES));
    }
    int64_t end = source->path == NULL ? (int64_t)p->text.len : INT64_MAX;
    p->begin = source->offset < end ? source->offset : end;
    p->offset = p->begin;
    p->end = source->bytes < end - p->begin ? p->begin + source->bytes : end;
    p->expires_at = source->expires_at;
    p->follow_until.ns = source->follow_ns > 0 ? loop_now(agent->loop).ns + source->follow_ns : 0;
    loop_timer_arm_in(agent->loop, &p->timer, 0);
    return true;
}

void agent_close_pieces(struct agent *agent)
{
    for (size_t i = 0; i < COUNT_OF(agent->pieces); i++) {
        if (agent->pieces[i] != NULL) {
            close_text(agent->pieces[i]);
        }
    }
}
