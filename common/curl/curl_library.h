/* curl_library.h - libcurl, loaded when the first request is made and not before: it brings TLS and
 * a dozen other libraries with it, which a step or a command without HTTP would pay for in start-up
 * time and memory, and a device without such steps would have to install. */
#pragma once
#include "common/base/err.h"

#define CURL_DISABLE_TYPECHECK /* its macros would take a member for the function */
#include <curl/curl.h>

/* Each function of libcurl that is used. */
#define CURL_LIBRARY_FUNCTIONS(X)                                                                  \
    X(curl_global_init)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_reset)                                                                             \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_perform)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_easy_cleanup)                                                                           \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_url)                                                                                    \
    X(curl_url_set)                                                                                \
    X(curl_url_get)                                                                                \
    X(curl_url_cleanup)                                                                            \
    X(curl_free)

#define CURL_LIBRARY_MEMBER(name) __typeof__(name) *(name);
struct curl_library {
    CURL_LIBRARY_FUNCTIONS(CURL_LIBRARY_MEMBER)
};
#undef CURL_LIBRARY_MEMBER

/* ERR_NOT_FOUND when it is not installed; the hint names Debian's package. */
MUST_CHECK bool curl_library_load(const struct curl_library **ret, struct err *err);
