#include "agent/transform/database.h"

void database_close(struct database *db)
{
    if (db != NULL) {
        db->ops->close(db);
    }
}
