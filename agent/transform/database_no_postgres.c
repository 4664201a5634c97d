#include "agent/transform/database.h"

bool database_open_postgres(struct str dsn, const struct database_options *options,
                            struct database **ret, struct err *err)
{
    (void)dsn;
    (void)options;
    *ret = NULL;
    err_set(err, ERR_INVALID, "PostgreSQL is not in this build");
    return err_hint(err, "build with -DSELVEDGE_WITH_POSTGRES=ON (Debian: libpq-dev)");
}
