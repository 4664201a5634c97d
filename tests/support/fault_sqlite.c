#include "tests/support/fault_sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static sqlite3_mem_methods real_methods;
static bool is_armed;
static bool has_fired;
static int countdown;

static bool fails_now(void)
{
    if (!is_armed || has_fired) {
        return false;
    }
    has_fired = countdown-- == 0;
    return has_fired;
}

static void *allocate(int size)
{
    return fails_now() ? NULL : real_methods.xMalloc(size);
}

static void *reallocate(void *old, int size)
{
    return fails_now() ? NULL : real_methods.xRealloc(old, size);
}

void fault_sqlite_install(void)
{
    sqlite3_mem_methods methods;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK) {
        (void)fprintf(stderr, "fault_sqlite_install: SQLite is in use already\n");
        abort();
    }
    methods = real_methods;
    methods.xMalloc = allocate;
    methods.xRealloc = reallocate;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void fault_sqlite_arm(int nth)
{
    countdown = nth;
    has_fired = false;
    is_armed = true;
}

bool fault_sqlite_disarm(void)
{
    is_armed = false;
    return has_fired;
}
