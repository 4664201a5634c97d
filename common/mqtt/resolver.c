#include "common/mqtt/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_SIZE = 254, PORT_SIZE = 8, THREAD_STACK_BYTES = 512 << 10 };

struct resolver {
    struct loop *loop;
    void (*on_done)(void *ctx, const struct address_list *list, const struct err *why);
    void *ctx;
    char host[HOST_SIZE];
    char port[PORT_SIZE];
    bool is_wanted;  /* the present attempt waits for the answer */
    bool is_running; /* a thread is looking up; `answers` is our end */
    pthread_t thread;
    struct loop_fd answers;
};

/* What the thread owns. */
struct lookup {
    char host[HOST_SIZE];
    char port[PORT_SIZE];
    int fd;
};
struct answer {
    int gai_error;
    int errno_value; /* with EAI_SYSTEM */
    struct address_list list;
};

static void look_up(const char *host, const char *port, int flags, struct answer *ret)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    ret->gai_error = getaddrinfo(host, port, &hints, &found);
    ret->errno_value = errno;
    if (ret->gai_error != 0) {
        return;
    }
    for (const struct addrinfo *a = found; a != NULL && ret->list.count < ADDRESSES_MAX;
         a = a->ai_next) {
        if (a->ai_addrlen <= sizeof(ret->list.item[0].sockaddr)) {
            struct address *to = &ret->list.item[ret->list.count++];
            memcpy(&to->sockaddr, a->ai_addr, a->ai_addrlen);
            to->len = a->ai_addrlen;
        }
    }
    freeaddrinfo(found);
    if (ret->list.count == 0) {
        ret->gai_error = EAI_NONAME;
    }
}

static void *run_lookup(void *arg)
{
    struct lookup *lookup = arg;
    struct answer answer = {0};
    look_up(lookup->host, lookup->port, AI_ADDRCONFIG, &answer);
    /* Nobody may be there any more. */
    (void)send(lookup->fd, &answer, sizeof(answer), MSG_NOSIGNAL);
    (void)close(lookup->fd);
    free(lookup);
    return NULL;
}

static bool answer_err(const struct resolver *r, const struct answer *answer, struct err *err)
{
    if (answer->gai_error == EAI_SYSTEM) {
        return err_errno(err, answer->errno_value, "look up %s", r->host);
    }
    enum err_code code = answer->gai_error == EAI_NONAME ? ERR_NOT_FOUND : ERR_OFFLINE;
    (void)err_set(err, code, "look up %s: %s", r->host, gai_strerror(answer->gai_error));
    return err_hint(err, "check the host name and the network's name server");
}

static void on_answer(void *ctx, unsigned events)
{
    (void)events;
    struct resolver *r = ctx;
    struct answer answer = {.gai_error = EAI_FAIL};
    ssize_t got = recv(r->answers.fd, &answer, sizeof(answer), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    loop_fd_remove(r->loop, &r->answers);
    (void)close(r->answers.fd);
    (void)pthread_join(r->thread, NULL); /* it has sent its last: a moment */
    r->is_running = false;
    if (!r->is_wanted) {
        return;
    }
    r->is_wanted = false;
    struct err err = {0};
    if (got != (ssize_t)sizeof(answer) || answer.gai_error != 0) {
        (void)answer_err(r, &answer, &err);
        r->on_done(r->ctx, NULL, &err);
        return;
    }
    r->on_done(r->ctx, &answer.list, NULL);
}

static int start_thread(struct resolver *r, struct lookup *lookup)
{
    pthread_attr_t attributes;
    int rc = pthread_attr_init(&attributes);
    if (rc != 0) {
        return rc;
    }
    (void)pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* signals are the loop's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&r->thread, &attributes, run_lookup, lookup);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return rc;
}

static bool begin_lookup(struct resolver *r, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return err_errno(err, errno, "look up %s", r->host);
    }
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    int rc = ENOMEM;
    if (lookup != NULL) {
        memcpy(lookup->host, r->host, sizeof(lookup->host));
        memcpy(lookup->port, r->port, sizeof(lookup->port));
        lookup->fd = ends[1];
        rc = start_thread(r, lookup);
    }
    if (rc != 0) {
        free(lookup);
        (void)close(ends[0]);
        (void)close(ends[1]);
        return err_errno(err, rc, "look up %s", r->host);
    }
    r->is_running = true;
    r->answers = (struct loop_fd){.fd = ends[0], .on_ready = on_answer, .ctx = r};
    if (!loop_fd_watch(r->loop, &r->answers, LOOP_READ, err)) {
        (void)pthread_detach(r->thread);
        (void)close(ends[0]);
        r->is_running = false;
        return false;
    }
    return true;
}

bool resolver_open(struct resolver **ret, const struct resolver_options *options, struct err *err)
{
    struct str host = options->host;
    int port = options->port;
    if (host.len == 0 || host.len >= HOST_SIZE || memchr(host.ptr, '\0', host.len) != NULL) {
        return err_set(err, ERR_INVALID, "the host name must have 1 to %d bytes", HOST_SIZE - 1);
    }
    if (port < 1 || port > 65535) {
        return err_set(err, ERR_INVALID, "port %d is not 1..65535", port);
    }
    struct resolver *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return err_set(err, ERR_NO_MEMORY, "resolver: out of memory");
    }
    r->loop = options->loop;
    r->on_done = options->on_done;
    r->ctx = options->ctx;
    memcpy(r->host, host.ptr, host.len);
    (void)snprintf(r->port, sizeof(r->port), "%d", port);
    *ret = r;
    return true;
}

void resolver_close(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    if (r->is_running) {
        loop_fd_remove(r->loop, &r->answers);
        (void)close(r->answers.fd);
        (void)pthread_detach(r->thread);
    }
    free(r);
}

bool resolver_start(struct resolver *r, struct address_list *ret, bool *ret_is_pending,
                    struct err *err)
{
    bool is_local = strcasecmp(r->host, "localhost") == 0;
    struct answer answer = {0};
    look_up(is_local ? "127.0.0.1" : r->host, r->port, AI_NUMERICHOST, &answer);
    if (is_local && answer.gai_error == 0) {
        struct answer six = {0};
        look_up("::1", r->port, AI_NUMERICHOST, &six);
        if (six.gai_error == 0) {
            answer.list.item[answer.list.count++] = six.list.item[0];
        }
    }
    if (answer.gai_error == 0) {
        *ret = answer.list;
        *ret_is_pending = false;
        return true;
    }
    if (answer.gai_error != EAI_NONAME) {
        return answer_err(r, &answer, err);
    }
    if (!r->is_running && !begin_lookup(r, err)) {
        return false;
    }
    r->is_wanted = true;
    *ret_is_pending = true;
    return true;
}

void resolver_abandon(struct resolver *r)
{
    if (r != NULL) {
        r->is_wanted = false;
    }
}

const char *address_text(const struct address *a, char text[ADDRESS_TEXT_SIZE])
{
    if (getnameinfo((const struct sockaddr *)&a->sockaddr, a->len, text, ADDRESS_TEXT_SIZE, NULL, 0,
                    NI_NUMERICHOST) != 0) {
        (void)snprintf(text, ADDRESS_TEXT_SIZE, "?");
    }
    return text;
}
