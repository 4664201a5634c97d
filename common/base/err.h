/* err.h - why something failed, as a sentence for the operator. House rule: a function that can
 * fail returns bool, takes `struct err *` last (never NULL), and fills it only on false. Nothing is
 * logged on the way up. */
#pragma once
#include "common/base/compiler.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err_code {
    ERR_NONE,
    ERR_INVALID,   /* the input is wrong; trying again cannot help */
    ERR_NOT_FOUND, /* the named thing does not exist */
    ERR_EXISTS,    /* the named thing is already there */
    ERR_FULL,      /* a stated limit or the disk is reached */
    ERR_OFFLINE,   /* the other side cannot be reached now */
    ERR_TIMEOUT,
    ERR_DENIED, /* not allowed, or not proven to be who they say */
    ERR_CORRUPT,
    ERR_IO,
    ERR_NO_MEMORY,
    ERR_BUSY, /* somebody else holds it; trying again may help */
    ERR_CANCELLED,
    ERR_INTERNAL,
};

struct err {
    enum err_code code; /* what the program may decide on; a class, not a place */
    char msg[400];      /* what a person reads: "outer: inner: cause", one line */
    char hint[200];     /* what the operator can do; may be empty */
};

/* Both return false, so that a failing path is one statement. Text that does not fit is clipped. */
PRINTF_LIKE(3, 4) bool err_set(struct err *err, enum err_code code, const char *fmt, ...);
PRINTF_LIKE(2, 3) bool err_wrap(struct err *err, const char *fmt, ...); /* prepends "fmt: " */

/* Adds what the operator can do (replaces an earlier hint). Returns false, like its fellows. */
PRINTF_LIKE(2, 3) bool err_hint(struct err *err, const char *fmt, ...);

/* Sets code and text from an errno value: "fmt: No such file or directory". */
PRINTF_LIKE(3, 4) bool err_errno(struct err *err, int errno_value, const char *fmt, ...);

/* The class as a word for logs and JSON ("invalid", "not_found", ...). */
const char *err_code_name(enum err_code code);
enum err_code err_code_from(const char *name,
                            size_t len); /* ERR_INTERNAL for a name that is none */
