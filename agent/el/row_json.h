/* row_json.h - a row's values as JSON, and what JSON Schema says of its columns: the way back from
 * json_row.h and singer.h, which read both without loss. Pure. */
#pragma once
#include "agent/el/schema.h"
#include "common/json/json_writer.h"

/* Bytes are two hexadecimal digits each; a number that is not finite is null. */
void row_json_write(struct json_writer *w, const struct column *column, const struct value *value);
/* The row as an object, a member for each column. */
void row_json_write_row(struct json_writer *w, const struct schema *schema,
                        const struct value *row);
/* Can JSON of the column's schema hold the value? SQLite takes any value in any column. */
bool row_json_fits(const struct column *column, const struct value *value);
/* JSON Schema of one value, NULL among them unless the column is required. The source's own type is
 * "x-sql-datatype", as the Singer SDK has it; bytes are "contentEncoding": "base16". */
void row_json_write_schema(struct json_writer *w, const struct column *column);
