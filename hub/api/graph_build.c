#include "hub/api/graph_build.h"

#include "hub/store/store.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GRAPH_ARENA_BYTES = 1 << 30, THREAD_STACK_BYTES = 1 << 20 };

struct graph_build {
    struct graph_build_options options;
    pthread_t thread;
    struct loop_fd end; /* ours */
    bool is_running;
    /* the thread's until it is joined */
    int fd;
    struct api_graph *graph;
    struct err err;
};

/* --- making it ------------------------------------------------------------------------------------ */

bool graph_sum(struct db *db, int64_t *ret, struct err *err)
{
    bool is_found = false;
    *ret = 0;
    return db_scalar_i64(
        db,
        "SELECT coalesce(sum(seq % 1000000007 * (1 + length(device))), 0) + count(*)"
        " * 31 + coalesce(max(at_ms), 0) FROM definitions",
        ret, &is_found, err);
}

/* Of the processor: how busy the machine is says nothing about the graph. */
static int64_t worked_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (t.tv_sec * NS_PER_SEC) + t.tv_nsec;
}

bool graph_make(struct db *store, struct api_graph **ret, struct err *err)
{
    const struct lineage_filter all = {0};
    struct api_graph *g = calloc(1, sizeof(*g));
    AUTO(db_tx) snapshot = {0};
    if (g == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the graph");
    }
    g->arena = arena_new(GRAPH_ARENA_BYTES);
    int64_t begun = worked_ns();
    if (!db_tx_begin_read(store, &snapshot, err) || !graph_sum(store, &g->sum, err) ||
        !lineage_load(store, &all, &g->arena, &g->lineage, err) ||
        !fleet_graph_load(store, STR_NONE, &g->arena, &g->fleet, err)) {
        graph_free(g);
        return false;
    }
    g->cost_ns = worked_ns() - begun;
    *ret = g;
    return true;
}

void graph_free(struct api_graph *g)
{
    if (g != NULL) {
        arena_release(&g->arena);
        free(g);
    }
}

/* --- in a thread ---------------------------------------------------------------------------------- */

/* Nobody waits at the other end any more. */
static bool is_unwanted(void *ctx)
{
    const struct graph_build *b = ctx;
    char byte;
    return recv(b->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void *run_build(void *arg)
{
    struct graph_build *b = arg;
    const struct hub_store_options options = {.path = b->options.database, .flags = DB_READ_ONLY};
    struct db *store = NULL;
    if (hub_store_open(&store, &options, &b->err)) {
        db_on_progress(store, is_unwanted, b);
        if (!graph_make(store, &b->graph, &b->err)) {
            b->graph = NULL;
        }
    }
    db_close(store);
    (void)shutdown(b->fd, SHUT_RDWR); /* which our end hears */
    return NULL;
}

static void join(struct graph_build *b)
{
    loop_fd_remove(b->options.loop, &b->end);
    (void)pthread_join(b->thread, NULL);
    (void)close(b->end.fd);
    (void)close(b->fd);
    b->is_running = false;
}

bool graph_build_is_running(const struct graph_build *b)
{
    return b != NULL && b->is_running;
}

void graph_build_wait(struct graph_build *b)
{
    if (b->is_running) {
        struct api_graph *graph = NULL;
        join(b);
        graph = b->graph;
        b->graph = NULL;
        b->options.on_done(b->options.ctx, graph, &b->err);
    }
}

static void on_end(void *ctx, unsigned events)
{
    (void)events;
    graph_build_wait(ctx); /* it has ended: a moment */
}

static int start_thread(struct graph_build *b)
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
    rc = pthread_create(&b->thread, &attributes, run_build, b);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return rc;
}

bool graph_build_start(struct graph_build **ret, const struct graph_build_options *options,
                       struct err *err)
{
    int ends[2];
    struct graph_build *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the graph");
    }
    b->options = *options;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        free(b);
        return err_errno(err, errno, "graph");
    }
    b->end = (struct loop_fd){.fd = ends[0], .on_ready = on_end, .ctx = b};
    b->fd = ends[1];
    bool is_watched = loop_fd_watch(options->loop, &b->end, LOOP_READ, err);
    int rc = is_watched ? start_thread(b) : 0;
    if (!is_watched || rc != 0) {
        loop_fd_remove(options->loop, &b->end);
        (void)close(ends[0]);
        (void)close(ends[1]);
        free(b);
        return is_watched ? err_errno(err, rc, "graph: start a thread") : false;
    }
    b->is_running = true;
    *ret = b;
    return true;
}

void graph_build_close(struct graph_build *b)
{
    if (b == NULL) {
        return;
    }
    if (b->is_running) {
        (void)shutdown(b->end.fd, SHUT_RDWR); /* its questions to the database end with it */
        join(b);
        graph_free(b->graph);
    }
    free(b);
}
