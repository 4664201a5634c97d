/* enrolment_rows.h - who asks to join, the tokens by which devices do, and hardware that may, as JSON:
 * members of an object. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/registry/new_token.h"

enum { FINGERPRINT_SHORT_SIZE = 20 };
/* As the device shows it: "b1f0-a6e7-c3b9-a214". */
void fingerprint_short(struct str fingerprint, char ret[FINGERPRINT_SHORT_SIZE]);
/* The short form with its dashes, or all 64 digits, as the database has them. ERR_INVALID. */
MUST_CHECK bool fingerprint_read(struct str text, char ret[FINGERPRINT_TEXT_SIZE], struct err *err);

void row_pending(struct json_writer *w, const struct registry_pending *row);
void row_enrolment_token(struct json_writer *w, const struct token_row *row, struct wall_time now);
/* With its text: that is said once. */
void row_new_token(struct json_writer *w, const struct new_token *token);
void row_preauthorised(struct json_writer *w, const struct preauthorised *row);
