/* mail.h - a report as a mail: RFC 5322 with MIME parts, CRLF line ends, quoted-printable, so that no
 * line is longer than 76 bytes whatever is in it. Pure. */
#pragma once
#include "common/base/time.h"
#include "common/json/fields.h"

struct mail {
    struct str from;
    const struct str_list *to;
    struct str subject; /* what is not printable ASCII becomes '?' */
    struct wall_time date;
    struct str id; /* the same mail sent twice has the same: "monday.1795400000000@shops" */
    struct str text;
    /* A second form of the text when it is HTML, else an attachment; `type` empty: none. */
    struct str other, other_type, other_name;
    bool is_alternative;
};
void mail_write(const struct mail *mail, struct buf *out);
/* For tests: one body. */
void mail_quote(struct buf *out, struct str text);
