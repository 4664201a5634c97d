/* later.c - connections that wait until somebody wakes them: streams that have nothing to say, and answers
 * that are not there yet. */
#include "hub/http/server_internal.h"

/* Asked before it is there, and each time that the connection goes on. */
enum MHD_Result http_answer_later(struct http_call *call)
{
    struct http_server *server = call->server;
    const struct http_later *later = &call->rs.later;
    struct err err = {0};
    if (server->is_closing) {
        return http_refuse(call, 503, "the web process ends", "ask again");
    }
    if (!later->is_ready(later->ctx)) {
        call->conn->state = CONN_ANSWERING;
        call->conn->since = loop_now(server->loop);
        call->is_suspended = true;
        http_call_wait(call);
        MHD_suspend_connection(call->connection);
        return MHD_YES;
    }
    if (!later->finish(later->ctx, &call->rq, &call->rs, &err)) {
        http_problem_from(&call->rs, &err);
    }
    return http_send(call);
}

void http_call_wait(struct http_call *call)
{
    struct http_server *server = call->server;
    if (call->is_waiting) {
        return;
    }
    call->is_waiting = true;
    call->next_waiting = server->waiting;
    if (server->waiting != NULL) {
        server->waiting->previous_waiting = call;
    }
    server->waiting = call;
}

void http_call_wait_end(struct http_call *call)
{
    if (call->previous_waiting != NULL) {
        call->previous_waiting->next_waiting = call->next_waiting;
    } else if (call->is_waiting) {
        call->server->waiting = call->next_waiting;
    }
    if (call->next_waiting != NULL) {
        call->next_waiting->previous_waiting = call->previous_waiting;
    }
}

void http_server_wake(struct http_server *server)
{
    bool any = false;
    for (struct http_call *call = server->waiting; call != NULL; call = call->next_waiting) {
        if (call->is_suspended) {
            call->is_suspended = false;
            MHD_resume_connection(call->connection);
            any = true;
        }
    }
    if (any) {
        loop_defer(server->loop, &server->run);
    }
}
