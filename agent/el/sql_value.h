/* sql_value.h - values of SQLite as text and as JSON without loss, as expressions: a column of text
 * that takes a real number by itself keeps 15 of its 17 digits. Pure: builds text. */
#pragma once
#include "agent/el/schema.h"
#include "common/base/buf.h"

/* A column of JSON is declared so: TEXT affinity, and it says what it holds. */
#define SQL_JSON_TYPE "JSON_TEXT"

/* `x` is an expression without effects: it is written several times. */
void sql_value_as_text(struct buf *sql, struct str x);
/* Of a value of `kind`; JSON is taken as it is. */
void sql_value_as_json(struct buf *sql, struct str x, enum column_kind kind);
