#include "hub/rows/enrolment_rows.h"

#include "hub/rows/rows.h"
#include <stdio.h>

enum { SHORT_DIGITS = 16 };

void fingerprint_short(struct str fingerprint, char ret[FINGERPRINT_SHORT_SIZE])
{
    const char *f = fingerprint.ptr;
    (void)snprintf(ret, FINGERPRINT_SHORT_SIZE, "%.4s-%.4s-%.4s-%.4s", f, f + 4, f + 8, f + 12);
}

bool fingerprint_read(struct str text, char ret[FINGERPRINT_TEXT_SIZE], struct err *err)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (is_hex && len < FINGERPRINT_TEXT_SIZE - 1) {
            ret[len++] = c;
        } else if (c != '-') {
            len = 0;
            break;
        }
    }
    ret[len] = '\0';
    if (len == SHORT_DIGITS || len == FINGERPRINT_TEXT_SIZE - 1) {
        return true;
    }
    (void)err_set(err, ERR_INVALID,
                  "the fingerprint must be what the device shows: 16 hex digits in groups of four");
    return err_hint(err, "names can be claimed by anybody; compare it with the device");
}

void row_pending(struct json_writer *w, const struct registry_pending *row)
{
    char fingerprint[FINGERPRINT_SHORT_SIZE];
    fingerprint_short(row->key_fingerprint, fingerprint);
    jw_member_str(w, "device", row->device);
    jw_member_str(w, "fingerprint", str_from(fingerprint));
    jw_member_str(w, "status", row->status);
    jw_member_wall(w, "first_at", row->first);
    jw_member_wall(w, "last_at", row->last);
    jw_member_opt(w, "serial_number", row->serial_number);
    jw_member_opt(w, "version", row->version);
    jw_member_opt(w, "board", row->board);
}

void row_enrolment_token(struct json_writer *w, const struct token_row *row, struct wall_time now)
{
    jw_member_str(w, "id", row->id);
    jw_member_str(w, "state", str_from(enrol_token_state(row, now)));
    jw_member_opt(w, "label", row->label);
    jw_member_opt(w, "names", row->name_pattern);
    row_member_labels(w, "labels", row->labels);
    jw_member_i64(w, "uses", row->uses);
    jw_member_i64(w, "max_uses", row->max_uses);
    jw_member_wall(w, "created_at", row->created);
    jw_member_wall(w, "expires_at", row->expires);
    jw_member_opt_wall(w, "revoked_at", row->revoked);
    jw_member_opt(w, "last_error", row->last_error);
    jw_member_i64(w, "wrong_secrets", row->wrong);
    jw_member_opt_wall(w, "closed_until", row->closed_until);
}

void row_new_token(struct json_writer *w, const struct new_token *token)
{
    jw_member_str(w, "token", buf_str(&token->text));
    jw_member_str(w, "id", str_from(token->id));
    jw_member_opt(w, "label", token->options.label);
    jw_member_i64(w, "max_uses", token->options.max_uses);
    jw_member_wall(w, "expires_at", token->options.expires);
}

void row_preauthorised(struct json_writer *w, const struct preauthorised *row)
{
    jw_member_str(w, "serial_number", row->is.serial_number);
    jw_member_str(w, "device", row->is.device);
    row_member_labels(w, "labels", row->is.labels);
    jw_member_wall(w, "added_at", row->added);
    jw_member_opt_wall(w, "used_at", row->used);
}
