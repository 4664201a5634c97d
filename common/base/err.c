#include "common/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The one place where text is clipped on purpose. */
static void clip(char *to, size_t cap, const char *from)
{
    size_t len = strnlen(from, cap - 1);
    memcpy(to, from, len);
    to[len] = '\0';
}

PRINTF_LIKE(3, 0)
static void format(char *to, size_t cap, const char *fmt, va_list args)
{
    if (vsnprintf(to, cap, fmt, args) < 0) {
        to[0] = '\0';
    }
    /* One line: whatever was quoted into the text must not break a log line. */
    for (char *c = to; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r') {
            *c = ' ';
        }
    }
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    err->code = code;
    err->hint[0] = '\0';
    va_list args;
    va_start(args, fmt);
    format(err->msg, sizeof(err->msg), fmt, args);
    va_end(args);
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    char outer[sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    format(outer, sizeof(outer), fmt, args);
    va_end(args);

    char whole[2 * sizeof(err->msg) + 3];
    int len = snprintf(whole, sizeof(whole), "%s: %s", outer, err->msg);
    clip(err->msg, sizeof(err->msg), len < 0 ? outer : whole);
    return false;
}

bool err_hint(struct err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    format(err->hint, sizeof(err->hint), fmt, args);
    va_end(args);
    return false;
}

static enum err_code code_of_errno(int value)
{
    switch (value) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOMEM:
        return ERR_NO_MEMORY;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EPIPE:
        return ERR_OFFLINE;
    default:
        return ERR_IO;
    }
}

bool err_errno(struct err *err, int errno_value, const char *fmt, ...)
{
    err->code = code_of_errno(errno_value);
    err->hint[0] = '\0';
    char outer[sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    format(outer, sizeof(outer), fmt, args);
    va_end(args);
    char reason[80];
    char whole[sizeof(outer) + sizeof(reason) + 3];
    int len = snprintf(whole, sizeof(whole), "%s: %s", outer,
                       strerror_r(errno_value, reason, sizeof(reason)));
    clip(err->msg, sizeof(err->msg), len < 0 ? outer : whole);
    return false;
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",           [ERR_INVALID] = "invalid",
        [ERR_NOT_FOUND] = "not_found", [ERR_EXISTS] = "exists",
        [ERR_FULL] = "full",           [ERR_OFFLINE] = "offline",
        [ERR_TIMEOUT] = "timeout",     [ERR_DENIED] = "denied",
        [ERR_CORRUPT] = "corrupt",     [ERR_IO] = "io",
        [ERR_NO_MEMORY] = "no_memory", [ERR_BUSY] = "busy",
        [ERR_CANCELLED] = "cancelled", [ERR_INTERNAL] = "internal",
    };
    return names[code];
}

enum err_code err_code_from(const char *name, size_t len)
{
    for (enum err_code code = ERR_INVALID; code < ERR_INTERNAL; code++) {
        const char *known = err_code_name(code);
        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            return code;
        }
    }
    return ERR_INTERNAL;
}
