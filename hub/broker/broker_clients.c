/* broker_clients.c - who is connected, as the broker's log tells: client id and user name. */
#include "hub/broker/broker.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

struct broker_client {
    struct broker_client *next;
    size_t id_len, user_len;
    char text[]; /* id, then user */
};

/* --- lines ------------------------------------------------------------------------------------ */

/* Where `part` begins last; SIZE_MAX when it is not there. */
static size_t find_last(struct str line, const char *part)
{
    struct str wanted = str_from(part);
    for (size_t i = line.len + 1; i-- > 0;) {
        if (str_eq(str_slice(line, i, i + wanted.len), wanted)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* "New client connected from 192.0.2.7:53716 as chicago.1f3a (p5, c1, k60, u'chicago')." The id is
 * what a client likes, so the line is read from its end. One that is too long was cut there. */
static bool read_connected(struct str line, struct broker_client_line *ret)
{
    size_t as = line.len;
    if (!str_starts(line, STR("New client connected from "))) {
        return false;
    }
    for (size_t i = 0; i + 4 <= line.len && as == line.len; i++) {
        as = str_eq(str_slice(line, i, i + 4), STR(" as ")) ? i : as;
    }
    size_t open = find_last(line, " (p");
    size_t user = find_last(line, ", u'");
    bool is_whole = str_ends(line, STR(").")) && open != SIZE_MAX && open >= as + 4;
    ret->type = is_whole ? BROKER_CLIENT_CONNECTED : BROKER_CLIENT_UNCLEAR;
    if (is_whole) {
        ret->id = str_slice(line, as + 4, open);
        ret->user = user != SIZE_MAX && user > open && str_ends(line, STR("')."))
                        ? str_slice(line, user + 4, line.len - 3)
                        : STR_NONE;
    }
    return true;
}

void broker_read_client(struct str line, struct broker_client_line *ret)
{
    static const char *const ends[] = {" disconnected", " closed its connection",
                                       " has exceeded timeout", " already connected"};
    *ret = (struct broker_client_line){0};
    if (read_connected(line, ret)) {
        return;
    }
    if (str_eq(line, STR("Reloading config."))) {
        ret->type = BROKER_CLIENT_RELOADED;
        return;
    }
    for (size_t i = 0; str_starts(line, STR("Client ")) && i < COUNT_OF(ends); i++) {
        size_t end = find_last(line, ends[i]);
        if (end != SIZE_MAX && end >= 7) {
            ret->type = BROKER_CLIENT_GONE;
            ret->id = str_slice(line, 7, end);
            return;
        }
    }
}

/* --- the table -------------------------------------------------------------------------------- */

static size_t bucket_of(const struct broker_clients *c, struct str id)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    for (size_t i = 0; i < id.len; i++) {
        hash = (hash ^ (unsigned char)id.ptr[i]) * 1099511628211ULL;
    }
    return (size_t)hash & (c->cap - 1);
}

static struct str id_of(const struct broker_client *client)
{
    return (struct str){client->text, client->id_len};
}

static struct str user_of(const struct broker_client *client)
{
    return (struct str){client->text + client->id_len, client->user_len};
}

static bool grow(struct broker_clients *c)
{
    struct broker_clients more = {.cap = c->cap == 0 ? FIRST_BUCKETS : 2 * c->cap};
    more.buckets = calloc(more.cap, sizeof(struct broker_client *));
    if (more.buckets == NULL) {
        return c->cap > 0; /* it only becomes slower */
    }
    for (size_t i = 0; i < c->cap; i++) {
        for (struct broker_client *client = c->buckets[i]; client != NULL;) {
            struct broker_client *next = client->next;
            struct broker_client **head = &more.buckets[bucket_of(&more, id_of(client))];
            client->next = *head;
            *head = client;
            client = next;
        }
    }
    free(c->buckets);
    c->buckets = more.buckets;
    c->cap = more.cap;
    return true;
}

static void drop(struct broker_clients *c, struct str id)
{
    if (c->cap == 0) {
        return;
    }
    for (struct broker_client **at = &c->buckets[bucket_of(c, id)]; *at != NULL;
         at = &(*at)->next) {
        struct broker_client *client = *at;
        if (str_eq(id_of(client), id)) {
            *at = client->next;
            free(client);
            c->count--;
            return;
        }
    }
}

static void add(struct broker_clients *c, struct str id, struct str user)
{
    struct broker_client *client = malloc(sizeof(*client) + id.len + user.len);
    if (client == NULL || (c->count >= c->cap && !grow(c))) {
        free(client);
        c->is_unclear = true;
        return;
    }
    *client = (struct broker_client){.id_len = id.len, .user_len = user.len};
    memcpy(client->text, id.ptr, id.len);
    memcpy(client->text + id.len, user.ptr, user.len);
    struct broker_client **head = &c->buckets[bucket_of(c, id)];
    client->next = *head;
    *head = client;
    c->count++;
}

void broker_clients_take(struct broker_clients *c, const struct broker_client_line *line)
{
    if (line->type == BROKER_CLIENT_UNCLEAR) {
        c->is_unclear = true;
    } else if (line->type == BROKER_CLIENT_CONNECTED || line->type == BROKER_CLIENT_GONE) {
        drop(c, line->id);
    }
    /* Strangers have no user name, and nobody asks for them. */
    if (line->type == BROKER_CLIENT_CONNECTED && !str_is_empty(line->user)) {
        add(c, line->id, line->user);
    }
}

void broker_clients_each(const struct broker_clients *c, struct str user,
                         void (*on_client)(void *ctx, struct str id), void *ctx)
{
    for (size_t i = 0; i < c->cap; i++) {
        for (const struct broker_client *client = c->buckets[i]; client != NULL;
             client = client->next) {
            if (str_eq(user_of(client), user)) {
                on_client(ctx, id_of(client));
            }
        }
    }
}

void broker_clients_clear(struct broker_clients *c)
{
    for (size_t i = 0; i < c->cap; i++) {
        for (struct broker_client *client = c->buckets[i]; client != NULL;) {
            struct broker_client *next = client->next;
            free(client);
            client = next;
        }
    }
    free(c->buckets);
    *c = (struct broker_clients){0};
}
