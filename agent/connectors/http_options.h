/* http_options.h - what the tap and the target http share: where the server is, who we are to it,
 * how often and how long we ask. */
#pragma once
#include "agent/connectors/options.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH };
extern const char *const http_method_names[];

enum auth_kind { AUTH_NONE, AUTH_BASIC, AUTH_BEARER, AUTH_API_KEY, AUTH_OAUTH2 };
enum auth_place { AUTH_IN_HEADER, AUTH_IN_QUERY };

struct auth_options {
    int kind;                 /* enum auth_kind */
    struct str user;          /* BASIC */
    struct str password;      /* BASIC */
    struct str token;         /* BEARER, API_KEY */
    struct str name;          /* API_KEY: the header's or parameter's */
    int place;                /* API_KEY: enum auth_place */
    struct str token_url;     /* OAUTH2: client credentials, RFC 6749 section 4.4 */
    struct str client_id;     /* OAUTH2 */
    struct str client_secret; /* OAUTH2 */
    struct str scope;         /* OAUTH2; may be empty */
};
extern const struct field_table auth_options_table;

struct http_options {
    struct str url;
    struct str path;       /* behind the URL's; may be empty */
    struct str_map params; /* of the query */
    struct str_map headers;
    struct auth_options auth;
    int64_t timeout; /* ns: for a connection, and for the next byte of an answer */
    int64_t retries;
    int64_t retry_wait;         /* ns: see http_retry.h */
    int64_t retry_wait_max;     /* ns */
    double requests_per_second; /* 0 = as fast as answers come */
    struct str ca_file;         /* PEM; empty = the system's authorities */
    bool tls_verify;
};
#define HTTP_TIMEOUT_DEFAULT        (30 * NS_PER_SEC)
#define HTTP_RETRIES_DEFAULT        5
#define HTTP_RETRY_WAIT_DEFAULT     NS_PER_SEC
#define HTTP_RETRY_WAIT_MAX_DEFAULT (300 * NS_PER_SEC)
#define HTTP_OPTION_DEFAULTS                                                                       \
    {                                                                                              \
        .timeout = HTTP_TIMEOUT_DEFAULT, .retries = HTTP_RETRIES_DEFAULT,                          \
        .retry_wait = HTTP_RETRY_WAIT_DEFAULT, .retry_wait_max = HTTP_RETRY_WAIT_MAX_DEFAULT,      \
        .tls_verify = true                                                                         \
    }
enum { HTTP_HEADERS_MAX = 64, HTTP_RETRIES_MAX = 100 };
#define HTTP_WAIT_MAX (INT64_C(86400) * NS_PER_SEC)
/* NOLINTBEGIN(bugprone-macro-parentheses): names of a type and a member */
#define HTTP_OPTION_FIELDS(struct_, member_)                                                       \
    {.key = "url",                                                                                 \
     .type = FIELD_STR,                                                                            \
     .offset = offsetof(struct struct_, member_.url),                                              \
     .required = true,                                                                             \
     .marks = OPTION_CONNECTION,                                                                   \
     .help = "http:// or https://, without a user in it."},                                        \
        {.key = "path",                                                                            \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct struct_, member_.path),                                         \
         .help = "What comes behind the path of `url`."},                                          \
        {.key = "params",                                                                          \
         .type = FIELD_STR_MAP,                                                                    \
         .offset = offsetof(struct struct_, member_.params),                                       \
         .max = HTTP_HEADERS_MAX,                                                                  \
         .marks = OPTION_PRIVATE,                                                                  \
         .help = "Parameters of the query."},                                                      \
        {.key = "headers",                                                                         \
         .type = FIELD_STR_MAP,                                                                    \
         .offset = offsetof(struct struct_, member_.headers),                                      \
         .max = HTTP_HEADERS_MAX,                                                                  \
         .marks = OPTION_CONNECTION | OPTION_PRIVATE,                                              \
         .help = "Header fields of each request."},                                                \
        {.key = "auth",                                                                            \
         .type = FIELD_OBJECT,                                                                     \
         .offset = offsetof(struct struct_, member_.auth),                                         \
         .object = &auth_options_table,                                                            \
         .marks = OPTION_CONNECTION | OPTION_SECRET,                                               \
         .help = "How the server knows us."},                                                      \
        {.key = "timeout",                                                                         \
         .type = FIELD_DURATION,                                                                   \
         .offset = offsetof(struct struct_, member_.timeout),                                      \
         .min = NS_PER_MS,                                                                         \
         .max = 3600 * NS_PER_SEC,                                                                 \
         .fallback = "30s",                                                                        \
         .marks = OPTION_CONNECTION,                                                               \
         .help = "How long to wait for a connection, and for the next byte of an answer."},        \
        {.key = "retries",                                                                         \
         .type = FIELD_I64,                                                                        \
         .offset = offsetof(struct struct_, member_.retries),                                      \
         .min = 0,                                                                                 \
         .max = HTTP_RETRIES_MAX,                                                                  \
         .fallback = "5",                                                                          \
         .marks = OPTION_CONNECTION,                                                               \
         .help = "How often a request is tried again that failed for a reason that may pass."},    \
        {.key = "retry_wait",                                                                      \
         .type = FIELD_DURATION,                                                                   \
         .offset = offsetof(struct struct_, member_.retry_wait),                                   \
         .min = NS_PER_MS,                                                                         \
         .max = HTTP_WAIT_MAX,                                                                     \
         .fallback = "1s",                                                                         \
         .marks = OPTION_CONNECTION,                                                               \
         .help = "Before the first retry; doubled for each further one, half of it by chance."},   \
        {.key = "retry_wait_max",                                                                  \
         .type = FIELD_DURATION,                                                                   \
         .offset = offsetof(struct struct_, member_.retry_wait_max),                               \
         .min = NS_PER_MS,                                                                         \
         .max = HTTP_WAIT_MAX,                                                                     \
         .fallback = "5m",                                                                         \
         .marks = OPTION_CONNECTION,                                                               \
         .help = "The longest wait; a server that asks for a longer one (Retry-After) fails the "  \
                 "step."},                                                                         \
        {.key = "requests_per_second",                                                             \
         .type = FIELD_REAL,                                                                       \
         .offset = offsetof(struct struct_, member_.requests_per_second),                          \
         .marks = OPTION_CONNECTION,                                                               \
         .help = "No more than that."},                                                            \
        {.key = "ca_file",                                                                         \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct struct_, member_.ca_file),                                      \
         .marks = OPTION_CONNECTION | OPTION_PATH,                                                 \
         .help = "Certificates (PEM) to trust in place of the system's."},                         \
    {                                                                                              \
        .key = "tls_verify", .type = FIELD_BOOL,                                                   \
        .offset = offsetof(struct struct_, member_.tls_verify), .fallback = "true",                \
        .marks = OPTION_CONNECTION,                                                                \
        .help = "Whether the server has to prove who it is; false is for trials."                  \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* ERR_INVALID for options that cannot be sent, or do not fit together. */
MUST_CHECK bool http_options_check_connection(const struct http_options *o, struct err *err);
MUST_CHECK bool http_options_check(const struct http_options *o,
                                   struct err *err); /* and the rest */
