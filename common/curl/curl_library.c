#include "common/curl/curl_library.h"

#include <dlfcn.h>
#include <string.h>

/* The same library with OpenSSL and with GnuTLS: whichever the device has. */
static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

#define CURL_LIBRARY_NAME(name) #name,
static const char *const names[] = {CURL_LIBRARY_FUNCTIONS(CURL_LIBRARY_NAME)};

static struct curl_library library;
static bool is_loaded;

static void *open_library(void)
{
    void *handle = NULL;
    for (size_t i = 0; handle == NULL && i < COUNT_OF(files); i++) {
        handle = dlopen(files[i], RTLD_NOW | RTLD_LOCAL);
    }
    return handle;
}

bool curl_library_load(const struct curl_library **ret, struct err *err)
{
    /* All members are pointers to functions, in the order of the names. */
    _Static_assert(sizeof(library) == sizeof(void *) * COUNT_OF(names), "one pointer a name");
    void *pointers[COUNT_OF(names)];
    *ret = &library;
    if (is_loaded) {
        return true;
    }
    void *handle = open_library();
    if (handle == NULL) {
        err_set(err, ERR_NOT_FOUND, "the HTTP library, %s, cannot be loaded", files[0]);
        return err_hint(err, "install it; Debian: apt-get install libcurl4");
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        pointers[i] = dlsym(handle, names[i]);
        if (pointers[i] == NULL) {
            return err_set(err, ERR_NOT_FOUND, "%s has no %s", files[0], names[i]);
        }
    }
    memcpy(&library, pointers, sizeof(library));
    if (library.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, ERR_INTERNAL, "the HTTP library cannot be set up");
    }
    is_loaded = true;
    return true;
}
