/* sql_text.h - where SQL of a project ends, so that it can stand inside a statement of ours. Reads
 * quotes and comments as SQLite and PostgreSQL do; what it gets wrong the database refuses, since no
 * text of a project runs as more than one statement. Pure. */
#pragma once
#include "common/base/str.h"

/* Without the white space, comments and semicolons behind the last token; empty when there is none.
 * A semicolon between statements stays, and is the database's to refuse. */
struct str sql_statement(struct str sql);
/* The first statement of a text of several, without its semicolon; *rest is then what follows. Empty
 * at the end. */
struct str sql_next(struct str *rest);
