/* md5_extension.c - md5(x) for the sqlite3 shell, as our connections have it: text that dbt compiled asks for it. */
#include "common/base/md5.h"

#include <sqlite3ext.h>
#include <string.h>
SQLITE_EXTENSION_INIT1

static void run(sqlite3_context *context, int count, sqlite3_value **values)
{
    unsigned char *digest = sqlite3_malloc(MD5_BYTES);
    (void)count;
    if (digest == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    const char *text = (const char *)sqlite3_value_text(values[0]);
    if (text == NULL) {
        sqlite3_free(digest);
        sqlite3_result_null(context);
        return;
    }
    md5((struct str){text, (size_t)sqlite3_value_bytes(values[0])}, digest);
    sqlite3_result_blob(context, digest, MD5_BYTES, sqlite3_free);
}

/* Found by its name. */
int sqlite3_extension_init(sqlite3 *handle, char **message, const sqlite3_api_routines *api);
int sqlite3_extension_init(sqlite3 *handle, char **message, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    (void)message;
    return sqlite3_create_function(handle, "md5", 1,
                                   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, run,
                                   NULL, NULL);
}
