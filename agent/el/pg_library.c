#include "agent/el/pg_library.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libpq.so.5"

#define PG_LIBRARY_NAME(name) #name,
static const char *const names[] = {PG_LIBRARY_FUNCTIONS(PG_LIBRARY_NAME)};

static struct pg_library library;
static bool is_loaded;

bool pg_library_load(const struct pg_library **ret, struct err *err)
{
    /* All members are pointers to functions, in the order of the names. */
    _Static_assert(sizeof(library) == sizeof(void *) * COUNT_OF(names), "one pointer a name");
    void *pointers[COUNT_OF(names)];
    *ret = &library;
    if (is_loaded) {
        return true;
    }
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        err_set(err, ERR_NOT_FOUND, "PostgreSQL's client library, " LIBRARY ", cannot be loaded");
        return err_hint(err, "install it; Debian: apt-get install libpq5");
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        pointers[i] = dlsym(handle, names[i]);
        if (pointers[i] == NULL) {
            return err_set(err, ERR_NOT_FOUND, LIBRARY " has no %s", names[i]);
        }
    }
    memcpy(&library, pointers, sizeof(library));
    is_loaded = true;
    return true;
}
