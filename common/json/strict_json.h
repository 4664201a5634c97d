/* strict_json.h - JSON as clients of Dagster Pipes write it, turned into JSON that everything of
 * ours reads, and everything behind us. Nothing is lost but what UTF-8 cannot hold. Pure.
 *
 * DESIGN: one pass over the bytes, without a tree and without recursion.
 *  - NaN, Infinity and numbers that no int64 or finite double holds (Python writes integers of any
 *    size) become strings, marked so that a reader of the message still knows that they were
 *    numbers: strict_json_number(). strict_json_copy() takes the mark away.
 *  - Unpaired surrogates, \u0000 and bytes that are not UTF-8 become U+FFFD; bare control
 *    characters in a string are escaped.
 *  - A container nested deeper than an event may hold becomes a string: its JSON text.
 *  - All else is copied, right or wrong: the strict reader that follows says what is wrong. */
#pragma once
#include "common/json/json_scan.h"

void strict_json_write(struct str line, struct buf *out);

/* Of a value in such a line: whether it is a number that became a string. */
bool strict_json_number(struct json_raw raw, bool *ret_is_real);

/* The value as it stands in the line: a string with its quotes. */
static inline struct str strict_json_whole(struct json_raw raw)
{
    return raw.type == JSON_STRING ? (struct str){raw.text.ptr - 1, raw.text.len + 2} : raw.text;
}

enum { STRICT_JSON_VALUES = 8000 };
/* Appends such a whole value as it goes into an event: without the marks, and a container that the
 * reader of events would refuse (the same key twice, more than STRICT_JSON_VALUES values) as a
 * string, its JSON text. */
void strict_json_value(struct str json, struct buf *out);
