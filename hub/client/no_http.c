/* no_http.c - a build without libcurl's headers. */
#include "hub/client/client_internal.h"

bool client_http_open(struct client_http **ret, const struct client_http_options *options,
                      struct err *err)
{
    (void)ret;
    (void)options;
    (void)err_set(err, ERR_NOT_FOUND, "this program was built without libcurl");
    return err_hint(err, "build it where libcurl4-openssl-dev is installed; or ask on the hub's "
                         "own machine");
}

bool client_http_ask(struct client_http *http, const struct hub_client_question *question,
                     struct client_answer *ret, struct err *err)
{
    (void)http;
    (void)question;
    (void)ret;
    return err_set(err, ERR_INTERNAL, "this program was built without libcurl");
}

void client_http_close(struct client_http *http)
{
    (void)http;
}
