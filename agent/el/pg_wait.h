/* pg_wait.h - answers of the server, waited for in a way that SIGTERM (cancel.h) stops the statement
 * in the server as well: a worker that only went away would leave it running, with its locks. */
#pragma once
#include "agent/el/pg.h"
#include "agent/el/pg_library.h"

/* As libpq's functions without the prefix pg_. */
PGresult *pg_get_result(struct pg *pg);
PGresult *pg_run(struct pg *pg, const char *sql);
PGresult *pg_run_params(struct pg *pg, const char *sql, const char *const *params, size_t count);
/* Begins one statement whose rows pg_get_result() then gives one at a time. */
bool pg_send_rows(struct pg *pg, const char *sql);
void pg_stop(struct pg *pg); /* what runs now; its results are then to be read */
int pg_get_copy_data(struct pg *pg, char **ret_row);
