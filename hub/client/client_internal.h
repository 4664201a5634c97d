/* client_internal.h - what the files of this folder share: who may answer. */
#pragma once
#include "hub/client/client.h"

struct client_answer {
    int status;
    struct buf body;
};

/* Over a connection. */
struct client_http;
struct client_http_options {
    const char *socket; /* path; else: */
    const char *url;
    struct str token;
    const char *ca_file; /* NULL: the system's */
};
/* ERR_NOT_FOUND: libcurl is not installed, or the program was built without. */
MUST_CHECK bool client_http_open(struct client_http **ret,
                                 const struct client_http_options *options, struct err *err);
MUST_CHECK bool client_http_ask(struct client_http *http,
                                const struct hub_client_question *question,
                                struct client_answer *ret, struct err *err);
void client_http_close(struct client_http *http);

/* In this process. */
struct client_inside;
MUST_CHECK bool client_inside_open(struct client_inside **ret, const struct hub_config *config,
                                   struct err *err);
MUST_CHECK bool client_inside_ask(struct client_inside *inside,
                                  const struct hub_client_question *question,
                                  struct client_answer *ret, struct err *err);
void client_inside_close(struct client_inside *inside);

/* False with the error that the answer tells; true when it tells none. `who` answered. */
MUST_CHECK bool problem_check(const struct client_answer *answer, const char *who, bool has_token,
                              struct err *err);
