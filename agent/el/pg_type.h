/* pg_type.h - PostgreSQL's types as a tap's and a target's columns. Pure. */
#pragma once
#include "agent/el/schema.h"

/* What a column of this type holds, the type as format_type() writes it: "numeric(10,2)",
 * "timestamp with time zone", "text[]". */
enum column_kind pg_type_kind(struct str type);
/* The type that a column of kind TEXT declares: PostgreSQL's where it is one to find again, else
 * text. "numeric text" and "duration text" (an interval) have TEXT affinity in SQLite, which would make
 * numbers of such values otherwise. Static. */
const char *pg_type_declared(struct str type);
/* The column as a tap gives it: what SQLite would misread is put in words that it does not. */
void pg_type_settle(struct column *column);
/* The type to give a new column. Static. */
const char *pg_type_for(const struct column *column);
/* It has no "=": rows are told apart by its text. */
bool pg_type_lacks_equality(struct str type);
/* to_json() gives it as JSON text: lists, which have no other form that others know. */
bool pg_type_is_list(struct str type);
