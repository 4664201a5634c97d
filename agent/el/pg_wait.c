#include "agent/el/pg_wait.h"

#include "agent/el/cancel.h"
#include "common/base/time.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

/* What is begun after the request to stop (a ROLLBACK) has this long before it is stopped too. */
#define LATE_NS (30 * NS_PER_MS)
/* The cancel request goes over a connection of its own, and the server's answer comes back. */
enum { STOP_MS = 3000 };

struct wait {
    bool is_late; /* the statement began after the request */
    bool is_stopped;
};

static struct wait wait_begin(void)
{
    struct wait w = {.is_late = cancel_requested()};
    if (w.is_late) {
        cancel_extend(STOP_MS);
    }
    return w;
}

void pg_stop(struct pg *pg)
{
    char text
        [256]; /* a request that fails leaves the statement running: it can only be waited for */
    PGcancel *stop = pg->lib->PQgetCancel(pg->connection);
    if (stop != NULL) {
        (void)pg->lib->PQcancel(stop, text, sizeof(text));
        pg->lib->PQfreeCancel(stop);
    }
}

static void stop_once(struct pg *pg, struct wait *w)
{
    if (!w->is_stopped) {
        w->is_stopped = true;
        cancel_extend(STOP_MS);
        pg_stop(pg);
    }
}

/* The signals are let in only while it waits: one that came just before would be slept over. False:
 * nothing can be read yet. */
static bool wait_readable(struct pg *pg, struct wait *w)
{
    static const struct timespec late = {.tv_nsec = LATE_NS};
    struct pollfd wanted = {.fd = pg->lib->PQsocket(pg->connection), .events = POLLIN};
    sigset_t stopping;
    sigset_t before;
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGTERM);
    sigaddset(&stopping, SIGINT);
    if (sigprocmask(SIG_BLOCK, &stopping, &before) != 0) {
        return true; /* it cannot fail; libpq then waits itself */
    }
    int n = 0;
    if (!cancel_requested() || w->is_stopped) {
        n = ppoll(&wanted, 1, NULL, &before);
    } else if (w->is_late) {
        n = ppoll(&wanted, 1, &late, &before);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (n <= 0 && cancel_requested()) {
        stop_once(pg, w);
    }
    return n > 0;
}

/* False: the connection is lost. */
static bool wait_for_input(struct pg *pg, struct wait *w)
{
    while (!wait_readable(pg, w)) {
    }
    return pg->lib->PQconsumeInput(pg->connection) == 1;
}

PGresult *pg_get_result(struct pg *pg)
{
    struct wait w = wait_begin();
    while (pg->lib->PQisBusy(pg->connection) != 0 && wait_for_input(pg, &w)) {
    }
    return pg->lib->PQgetResult(pg->connection);
}

static bool is_copy(const struct pg *pg, const PGresult *result)
{
    ExecStatusType status = pg->lib->PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
}

/* The last of the results, or the one that begins a COPY. */
static PGresult *last_result(struct pg *pg)
{
    PGresult *last = NULL;
    PGresult *next = pg_get_result(pg);
    while (next != NULL) {
        pg->lib->PQclear(last);
        last = next;
        next = is_copy(pg, last) ? NULL : pg_get_result(pg);
    }
    return last;
}

/* What a failure left unread, and the COPY that it was in. */
static void discard(struct pg *pg)
{
    char *row = NULL;
    for (;;) {
        PGresult *result = pg_get_result(pg);
        ExecStatusType status = pg->lib->PQresultStatus(result);
        pg->lib->PQclear(result);
        if (result == NULL || pg->lib->PQstatus(pg->connection) == CONNECTION_BAD) {
            return;
        }
        if (status == PGRES_COPY_IN) {
            (void)pg->lib->PQputCopyEnd(pg->connection, "given up");
        }
        while (status == PGRES_COPY_OUT && pg_get_copy_data(pg, &row) > 0) {
            pg->lib->PQfreemem(row);
        }
    }
}

PGresult *pg_run(struct pg *pg, const char *sql)
{
    discard(pg);
    return pg->lib->PQsendQuery(pg->connection, sql) == 1 ? last_result(pg) : NULL;
}

PGresult *pg_run_params(struct pg *pg, const char *sql, const char *const *params, size_t count)
{
    discard(pg);
    return pg->lib->PQsendQueryParams(pg->connection, sql, (int)count, NULL, params, NULL, NULL,
                                      0) == 1
               ? last_result(pg)
               : NULL;
}

bool pg_send_rows(struct pg *pg, const char *sql)
{
    discard(pg);
    return pg->lib->PQsendQueryParams(pg->connection, sql, 0, NULL, NULL, NULL, NULL, 0) == 1 &&
           pg->lib->PQsetSingleRowMode(pg->connection) == 1;
}

int pg_get_copy_data(struct pg *pg, char **ret_row)
{
    struct wait w = wait_begin();
    int len = pg->lib->PQgetCopyData(pg->connection, ret_row, 1);
    while (len == 0) {
        if (!wait_for_input(pg, &w)) {
            return -2;
        }
        len = pg->lib->PQgetCopyData(pg->connection, ret_row, 1);
    }
    return len;
}
