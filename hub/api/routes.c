/* routes.c - every address that is answered: who may ask, with how much of a body, and what answers.
 * docs/reference/openapi.json describes the same; a test compares the two. */
#include "hub/api/api_internal.h"

#define READ(path_, handler_, summary_)                                                            \
    {                                                                                              \
        .method = HTTP_GET, .path = (path_), .role = HTTP_VIEWER, .handler = (handler_),           \
        .is_cached = true, .summary = (summary_)                                                   \
    }

const struct http_route api_routes[] = {
    {.method = HTTP_GET,
     .path = "/healthz",
     .role = HTTP_LOCAL,
     .handler = api_health,
     .summary = "Whether the web process answers"},
    {.method = HTTP_GET,
     .path = "/readyz",
     .role = HTTP_LOCAL,
     .handler = api_ready,
     .summary = "Whether it can read the database"},
    {.method = HTTP_GET,
     .path = "/api/v1/session",
     .role = HTTP_PUBLIC,
     .handler = api_session_get,
     .summary = "Who is logged in"},
    {.method = HTTP_POST,
     .path = "/api/v1/session",
     .role = HTTP_PUBLIC,
     .handler = api_session_post,
     .max_body = 4096,
     .summary = "Log in"},
    {.method = HTTP_DELETE,
     .path = "/api/v1/session",
     .role = HTTP_PUBLIC,
     .handler = api_session_delete,
     .summary = "Log out"},
    {.method = HTTP_POST,
     .path = "/api/v1/setup",
     .role = HTTP_PUBLIC,
     .handler = api_setup,
     .max_body = 4096,
     .summary = "Set the first admin's password with the link's secret"},
    READ("/api/v1/devices", api_devices, "Devices"),
    READ("/api/v1/devices/{device}", api_device, "One device"),
    READ("/api/v1/assets", api_assets, "Assets of the fleet, or of one device"),
    READ("/api/v1/runs", api_runs, "Runs, newest first"),
    READ("/api/v1/runs/{device}/{run}", api_run, "One run with its steps"),
};
const size_t api_route_count = COUNT_OF(api_routes);
