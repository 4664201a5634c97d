#include "agent/el/pg_library.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIBRARY "libpq.so.5"

#define PG_LIBRARY_NAME(name) #name,
static const char *const names[] = {PG_LIBRARY_FUNCTIONS(PG_LIBRARY_NAME)};

static struct pg_library library;
static bool is_loaded;

/* NOLINTBEGIN(performance-no-int-to-ptr): the linker tells addresses as numbers */
static bool has_relocated_text(const struct dl_phdr_info *library_info)
{
    for (size_t i = 0; i < library_info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &library_info->dlpi_phdr[i];
        const ElfW(Dyn) *entry = (const void *)(library_info->dlpi_addr + p->p_vaddr);
        for (; p->p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL) {
                return true;
            }
        }
    }
    return false;
}

static int drop_pages(struct dl_phdr_info *library_info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (library_info->dlpi_name[0] != '/' || has_relocated_text(library_info)) {
        return 0;
    }
    for (size_t i = 0; i < library_info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &library_info->dlpi_phdr[i];
        uintptr_t begin = (library_info->dlpi_addr + p->p_vaddr) & ~(page - 1);
        uintptr_t end = library_info->dlpi_addr + p->p_vaddr + p->p_memsz;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0) {
            (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* else they stay */
        }
    }
    return 0;
}
/* NOLINTEND(performance-no-int-to-ptr) */

/* libpq brings 25 libraries (TLS, Kerberos, LDAP), of which a load uses little: 5 MB were read to
 * link them, most of it never again. Pages of their files come back when they are touched. */
static void *load(void)
{
    /* GnuTLS, there for LDAP alone, would set itself up (0.8 MB); who uses it sets it up as well. The
     * programs that we start may not, and must not see this. */
    bool is_ours = setenv("GNUTLS_NO_IMPLICIT_INIT", "1", 0) == 0; /* NOLINT: one thread */
    (void)dl_iterate_phdr(drop_pages, NULL); /* before too: it is now that the peak is */
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (is_ours) {
        (void)unsetenv("GNUTLS_NO_IMPLICIT_INIT"); /* NOLINT: one thread */
    }
    (void)dl_iterate_phdr(drop_pages, NULL);
    return handle;
}

bool pg_library_load(const struct pg_library **ret, struct err *err)
{
    /* All members are pointers to functions, in the order of the names. */
    _Static_assert(sizeof(library) == sizeof(void *) * COUNT_OF(names), "one pointer a name");
    void *pointers[COUNT_OF(names)];
    *ret = &library;
    if (is_loaded) {
        return true;
    }
    void *handle = load();
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
