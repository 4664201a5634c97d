#include "hub/delivery/mail.h"

/* In quoted-printable a '=' is written =3D, so this stands in no part. */
#define BOUNDARY "=_selvedge_part"
enum { LINE_MAX_BYTES = 75 /* and the '=' that breaks it */ };

static void add_octet(struct buf *out, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    buf_add_char(out, '=');
    buf_add_char(out, hex[c >> 4]);
    buf_add_char(out, hex[c & 15]);
}

void mail_quote(struct buf *out, struct str text)
{
    size_t column = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_end = c == '\n' || (c == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n');
        if (is_end) {
            i += c == '\r';
            buf_add(out, STR("\r\n"));
            column = 0;
            continue;
        }
        bool ends_line = i + 1 == text.len || text.ptr[i + 1] == '\n' || text.ptr[i + 1] == '\r';
        bool is_plain =
            (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !ends_line);
        size_t needed = is_plain ? 1 : 3;
        if (column + needed > LINE_MAX_BYTES) {
            buf_add(out, STR("=\r\n"));
            column = 0;
        }
        column += needed;
        if (is_plain) {
            buf_add_char(out, (char)c);
        } else {
            add_octet(out, c);
        }
    }
    if (column > 0) {
        buf_add(out, STR("\r\n"));
    }
}

static void add_header_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        buf_add_char(out, (char)(c >= ' ' && c < 0x7f ? c : '?'));
    }
}

/* "Mon, 30 Nov 2026 07:00:00 +0000" */
static void add_date(struct buf *out, struct wall_time t)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil_time c = civil_from_seconds(t.ns / NS_PER_SEC);
    buf_addf(out, "%s, %02d %s %lld %02d:%02d:%02d +0000", days[c.weekday], c.day,
             months[c.month - 1], (long long)c.year, c.hour, c.minute, c.second);
}

static void add_headers(const struct mail *m, struct buf *out)
{
    buf_add(out, STR("From: "));
    add_header_text(out, m->from);
    buf_add(out, STR("\r\nTo: "));
    for (size_t i = 0; i < m->to->count; i++) {
        buf_add(out, i == 0 ? STR("") : STR(",\r\n "));
        add_header_text(out, m->to->items[i]);
    }
    buf_add(out, STR("\r\nSubject: "));
    add_header_text(out, m->subject);
    buf_add(out, STR("\r\nDate: "));
    add_date(out, m->date);
    buf_add(out, STR("\r\nMessage-ID: <"));
    add_header_text(out, m->id);
    buf_add(out, STR(">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"));
}

static void add_part(struct str type, struct str name, struct str body, struct buf *out)
{
    buf_add(out, STR("Content-Type: "));
    buf_add(out, type);
    buf_add(out, STR("\r\nContent-Transfer-Encoding: quoted-printable\r\n"));
    if (!str_is_empty(name)) {
        buf_addf(out, "Content-Disposition: attachment; filename=\"" STR_FMT "\"\r\n",
                 STR_ARG(name));
    }
    buf_add(out, STR("\r\n"));
    mail_quote(out, body);
}

void mail_write(const struct mail *m, struct buf *out)
{
    const struct str plain = STR("text/plain; charset=utf-8");
    add_headers(m, out);
    if (str_is_empty(m->other_type)) {
        add_part(plain, STR_NONE, m->text, out);
        return;
    }
    buf_addf(out, "Content-Type: multipart/%s; boundary=\"" BOUNDARY "\"\r\n\r\n--" BOUNDARY "\r\n",
             m->is_alternative ? "alternative" : "mixed");
    add_part(plain, STR_NONE, m->text, out);
    buf_add(out, STR("--" BOUNDARY "\r\n"));
    add_part(m->other_type, m->is_alternative ? STR_NONE : m->other_name, m->other, out);
    buf_add(out, STR("--" BOUNDARY "--\r\n"));
}
