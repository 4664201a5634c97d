#include "common/db/db_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Long enough to know the file and the statement, short enough to leave room for the cause. */
enum { SHOWN_PATH_BYTES = 120, SHOWN_WHAT_BYTES = 80 };

static bool is_space_errno(int value)
{
    return value == ENOSPC || value == EDQUOT || value == EFBIG;
}

static enum err_code code_of_constraint(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_EXISTS;
    default:
        return ERR_INVALID;
    }
}

static enum err_code code_of_io(int rc, int system_errno)
{
    if (rc == SQLITE_IOERR_NOMEM) {
        return ERR_NO_MEMORY;
    }
    if (rc == SQLITE_IOERR_CORRUPTFS) {
        return ERR_CORRUPT;
    }
    /* SQLite calls only ENOSPC "full"; a quota of the user or of the file's size is the same to us.
     */
    return is_space_errno(system_errno) ? ERR_FULL : ERR_IO;
}

static enum err_code code_of(int rc, int system_errno)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOLFS:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return ERR_CORRUPT;
    case SQLITE_IOERR:
        return code_of_io(rc, system_errno);
    case SQLITE_CONSTRAINT:
        return code_of_constraint(rc);
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
        return ERR_CANCELLED;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_DENIED;
    case SQLITE_MISUSE:
    case SQLITE_INTERNAL:
        return ERR_INTERNAL;
    case SQLITE_CANTOPEN:
        return ERR_IO; /* without an errno; with one, the errno decides */
    default:
        return ERR_INVALID; /* SQLITE_ERROR (bad SQL), MISMATCH, TOOBIG, RANGE */
    }
}

static const char *io_operation(int rc)
{
    switch (rc) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
        return "read failed";
    case SQLITE_IOERR_WRITE:
        return "write failed";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return "sync failed";
    case SQLITE_IOERR_TRUNCATE:
        return "truncate failed";
    case SQLITE_IOERR_DELETE:
        return "delete failed";
    case SQLITE_IOERR_LOCK:
    case SQLITE_IOERR_UNLOCK:
    case SQLITE_IOERR_RDLOCK:
    case SQLITE_IOERR_SHMLOCK:
        return "lock failed";
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMSIZE:
    case SQLITE_IOERR_SHMMAP:
        return "shared memory failed";
    default:
        return "disk I/O error";
    }
}

/* SQLite's own text is about its last call; a code that was remembered from an earlier one gets the
 * general text. */
static const char *text_of(const struct db *db, int rc)
{
    if ((rc & 0xff) == SQLITE_IOERR && rc != SQLITE_IOERR_NOMEM) {
        return io_operation(rc);
    }
    if (sqlite3_extended_errcode(db->handle) == rc) {
        return sqlite3_errmsg(db->handle);
    }
    return sqlite3_errstr(rc);
}

static void add_hint(const struct db *db, int rc, struct err *err)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
        err_hint(err, "another program or thread holds the database; try again");
        return;
    case SQLITE_AUTH:
        err_hint(err,
                 "ATTACH, DETACH, PRAGMA, VACUUM, transactions and extensions are refused here");
        return;
    default:
        break;
    }
    if (err->code == ERR_FULL && db->max_bytes > 0) {
        err_hint(err, "free disk space, or raise the file's limit of %lld bytes",
                 (long long)db->max_bytes);
    } else if (err->code == ERR_FULL) {
        err_hint(err, "free disk space");
    } else if (err->code == ERR_CORRUPT) {
        /* SQLite says the same of a page that could not be read. */
        err_hint(err, "look into the kernel's log for read errors of the disk; else the file is "
                      "damaged: restore it, or move it away");
    } else if (err->code == ERR_IO) {
        err_hint(err, "look into the kernel's log for errors of the disk");
    }
}

/* Cuts at a character boundary, so that the message stays UTF-8. */
static int shown_length(struct str what)
{
    size_t len = what.len < SHOWN_WHAT_BYTES ? what.len : SHOWN_WHAT_BYTES;
    while (len > 0 && len < what.len && ((unsigned char)what.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    return (int)len;
}

/* sqlite3_system_errno() does not hear of errors during a commit and keeps old ones, so after an
 * I/O error the VFS is asked itself, at once. 0 when the system has nothing to say. */
static int system_errno_of(const struct db *db, int rc)
{
    if ((rc & 0xff) == SQLITE_CANTOPEN) {
        return sqlite3_system_errno(db->handle);
    }
    sqlite3_vfs *vfs = NULL;
    bool is_silent = rc == SQLITE_IOERR_NOMEM || rc == SQLITE_IOERR_SHORT_READ;
    if ((rc & 0xff) != SQLITE_IOERR || is_silent ||
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) != SQLITE_OK ||
        vfs == NULL || vfs->xGetLastError == NULL) {
        return 0;
    }
    return vfs->xGetLastError(vfs, 0, NULL);
}

bool db_fail(const struct db *db, int rc, struct str what, struct err *err)
{
    size_t path_len = strlen(db->path);
    const char *path =
        path_len > SHOWN_PATH_BYTES ? db->path + path_len - SHOWN_PATH_BYTES : db->path;
    int primary = rc & 0xff;
    int system_errno = system_errno_of(db, rc);
    const char *text = primary == SQLITE_FULL ? "disk is full" : text_of(db, rc);
    if (primary == SQLITE_FULL && db->max_bytes > 0) {
        text = "disk is full or the file's limit is reached";
    }
    if (primary == SQLITE_CANTOPEN && system_errno != 0) {
        /* The class follows from the errno: missing, denied, too many open files. */
        err_errno(err, system_errno, "%s: %.*s: %s", path, shown_length(what), what.ptr, text);
    } else if (system_errno != 0) {
        char reason[80];
        err_set(err, code_of(rc, system_errno), "%s: %.*s: %s: %s", path, shown_length(what),
                what.ptr, text, strerror_r(system_errno, reason, sizeof(reason)));
    } else {
        err_set(err, code_of(rc, 0), "%s: %.*s: %s", path, shown_length(what), what.ptr, text);
    }
    add_hint(db, rc, err);
    return false;
}
