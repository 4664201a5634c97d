/* messages.c - see messages.h. One table per message; the struct that a table fills holds the
 * message and, beside it, the members that need a second look. */
#include "common/wire/messages.h"
#include "common/base/limits.h"
#include "common/json/fields.h"
#include "common/json/json_writer.h"
#include "common/wire/topics.h"
#include <stddef.h>
#include <string.h>

enum {
    SMALL_BYTES_MAX = 4 << 10,  /* births, deaths, acknowledgements, hub state */
    ENROL_BYTES_MAX = 32 << 10, /* with a CSR or a chain in it */
    PORT_MAX = 65535,
};

/* Rows and heads of the tables below. */
#define TEXT(struct_, member_, key_, is_required_)                                                 \
    {                                                                                              \
        .key = (key_), .type = FIELD_STR, .offset = offsetof(struct_, member_),                    \
        .required = (is_required_)                                                                 \
    }
#define FLAG(struct_, member_, key_, is_required_)                                                 \
    {                                                                                              \
        .key = (key_), .type = FIELD_BOOL, .offset = offsetof(struct_, member_),                   \
        .required = (is_required_)                                                                 \
    }
#define NUMBER(struct_, member_, key_, is_required_, min_, max_)                                   \
    {                                                                                              \
        .key = (key_), .type = FIELD_I64, .offset = offsetof(struct_, member_),                    \
        .required = (is_required_), .min = (min_), .max = (max_)                                   \
    }
#define TABLE(name_, struct_, fields_)                                                             \
    {                                                                                              \
        .name = (name_), .size = sizeof(struct_), .fields = (fields_), .count = COUNT_OF(fields_), \
        .ignore_unknown = true                                                                     \
    }

static bool decode(struct str payload, size_t max_bytes, const struct field_table *table,
                   struct arena *arena, void *out, struct err *err)
{
    struct json *root = NULL;
    if (!json_parse(payload, max_bytes, arena, &root, err)) {
        return err_wrap(err, "%s", table->name);
    }
    struct problems *problems = arena_alloc(arena, sizeof(*problems));
    if (problems == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s: no memory to read it", table->name);
    }
    problems->arena = arena;
    if (!fields_read(root, table, str_from(table->name), arena, problems, out)) {
        return problems_to_err(problems, err);
    }
    return true;
}

static bool take_epoch(const char *message, struct str text, char ret[EPOCH_TEXT_SIZE],
                       struct err *err)
{
    if (text.ptr == NULL || !epoch_is_valid(text)) {
        return err_set(err, ERR_INVALID, "%s.epoch: must be 16 lower-case hex digits", message);
    }
    memcpy(ret, text.ptr, EPOCH_TEXT_SIZE - 1);
    ret[EPOCH_TEXT_SIZE - 1] = '\0';
    return true;
}

static bool take_time(const char *message, struct str text, struct wall_time *ret, struct err *err)
{
    if (!wall_parse(text, ret)) {
        return err_set(err, ERR_INVALID, "%s.at: must be a time like 2026-11-22T02:30:00.123Z",
                       message);
    }
    return true;
}

static bool check_authorities(const char *message, struct str authorities, struct str authority,
                              struct err *err)
{
    return (authorities.len <= AUTHORITIES_TEXT_MAX && authority.len <= AUTHORITY_TEXT_MAX) ||
           err_set(err, ERR_INVALID, "%s.authorities: longer than the fingerprints of 4 CAs",
                   message);
}

/* --- birth -------------------------------------------------------------------------------- */

struct birth_read {
    struct message_birth m;
    struct str epoch;
    struct str at;
};
static const struct field birth_fields[] = {
    TEXT(struct birth_read, epoch, "epoch", true),
    NUMBER(struct birth_read, m.first_seq, "first_seq", true, 1, INT64_MAX),
    NUMBER(struct birth_read, m.last_seq, "last_seq", true, 0, INT64_MAX - 1),
    TEXT(struct birth_read, at, "at", true),
    FLAG(struct birth_read, m.clock_trusted, "clock_trusted", true),
    TEXT(struct birth_read, m.version, "version", true),
    TEXT(struct birth_read, m.board, "board", false),
    TEXT(struct birth_read, m.boot_id, "boot_id", false),
    TEXT(struct birth_read, m.session, "session", true),
    TEXT(struct birth_read, m.definitions_hash, "definitions_hash", false),
    NUMBER(struct birth_read, m.desired_revision, "desired_revision", false, 0, INT64_MAX),
    TEXT(struct birth_read, m.authorities, "authorities", false),
    TEXT(struct birth_read, m.authority, "authority", false),
};
static const struct field_table birth_table = TABLE("birth", struct birth_read, birth_fields);

void message_birth_encode(const struct message_birth *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "epoch", str_from(m->epoch));
    jw_member_i64(&w, "first_seq", m->first_seq);
    jw_member_i64(&w, "last_seq", m->last_seq);
    jw_member_wall(&w, "at", m->at);
    jw_member_bool(&w, "clock_trusted", m->clock_trusted);
    jw_member_str(&w, "version", m->version);
    jw_member_opt(&w, "board", m->board);
    jw_member_opt(&w, "boot_id", m->boot_id);
    jw_member_str(&w, "session", m->session);
    jw_member_opt(&w, "definitions_hash", m->definitions_hash);
    if (m->desired_revision != 0) {
        jw_member_i64(&w, "desired_revision", m->desired_revision);
    }
    jw_member_opt(&w, "authorities", m->authorities);
    jw_member_opt(&w, "authority", m->authority);
    jw_end_object(&w);
}

bool message_birth_decode(struct str payload, struct arena *arena, struct message_birth *ret,
                          struct err *err)
{
    struct birth_read r = {0};
    if (!decode(payload, SMALL_BYTES_MAX, &birth_table, arena, &r, err) ||
        !take_epoch("birth", r.epoch, r.m.epoch, err) || !take_time("birth", r.at, &r.m.at, err) ||
        !check_authorities("birth", r.m.authorities, r.m.authority, err)) {
        return false;
    }
    if (r.m.first_seq > r.m.last_seq + 1) {
        return err_set(err, ERR_INVALID, "birth.first_seq: %lld is beyond last_seq + 1 (%lld)",
                       (long long)r.m.first_seq, (long long)r.m.last_seq + 1);
    }
    *ret = r.m;
    return true;
}

/* --- death -------------------------------------------------------------------------------- */

static const struct field death_fields[] = {
    TEXT(struct message_death, session, "session", true),
    TEXT(struct message_death, reason, "reason", false),
};
static const struct field_table death_table = TABLE("death", struct message_death, death_fields);

void message_death_encode(const struct message_death *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "session", m->session);
    jw_member_opt(&w, "reason", m->reason);
    jw_end_object(&w);
}

bool message_death_decode(struct str payload, struct arena *arena, struct message_death *ret,
                          struct err *err)
{
    struct message_death m = {0};
    if (!decode(payload, SMALL_BYTES_MAX, &death_table, arena, &m, err)) {
        return false;
    }
    *ret = m;
    return true;
}

/* --- ack ---------------------------------------------------------------------------------- */

struct ack_read {
    struct message_ack m;
    struct str epoch;
};
static const struct field ack_fields[] = {
    TEXT(struct ack_read, epoch, "epoch", true),
    NUMBER(struct ack_read, m.seq, "seq", true, 0, INT64_MAX - 1),
    NUMBER(struct ack_read, m.check, "check", false, 0, UINT32_MAX),
    NUMBER(struct ack_read, m.resend_from, "resend_from", false, 0, INT64_MAX),
    FLAG(struct ack_read, m.refused, "refused", false),
    TEXT(struct ack_read, m.reason, "reason", false),
};
static const struct field_table ack_table = TABLE("ack", struct ack_read, ack_fields);

void message_ack_encode(const struct message_ack *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "epoch", str_from(m->epoch));
    jw_member_i64(&w, "seq", m->seq);
    if (m->check != 0) {
        jw_member_i64(&w, "check", m->check);
    }
    if (m->resend_from != 0) {
        jw_member_i64(&w, "resend_from", m->resend_from);
    }
    if (m->refused) {
        jw_member_bool(&w, "refused", true);
    }
    jw_member_opt(&w, "reason", m->reason);
    jw_end_object(&w);
}

bool message_ack_decode(struct str payload, struct arena *arena, struct message_ack *ret,
                        struct err *err)
{
    struct ack_read r = {0};
    if (!decode(payload, SMALL_BYTES_MAX, &ack_table, arena, &r, err) ||
        !take_epoch("ack", r.epoch, r.m.epoch, err)) {
        return false;
    }
    if (r.m.resend_from != 0 && r.m.resend_from != r.m.seq + 1) {
        return err_set(err, ERR_INVALID, "ack.resend_from: must be seq + 1");
    }
    *ret = r.m;
    return true;
}

/* --- hub state ---------------------------------------------------------------------------- */

struct hub_state_read {
    struct message_hub_state m;
    struct str at;
};
static const struct field hub_state_fields[] = {
    FLAG(struct hub_state_read, m.online, "online", true),
    TEXT(struct hub_state_read, m.instance, "instance", true),
    TEXT(struct hub_state_read, at, "at", true),
    NUMBER(struct hub_state_read, m.spread_ms, "spread_ms", false, 0, SPREAD_MS_MAX),
};
static const struct field_table hub_state_table =
    TABLE("hub state", struct hub_state_read, hub_state_fields);

void message_hub_state_encode(const struct message_hub_state *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_bool(&w, "online", m->online);
    jw_member_str(&w, "instance", m->instance);
    jw_member_wall(&w, "at", m->at);
    if (m->spread_ms > 0) {
        jw_member_i64(&w, "spread_ms", m->spread_ms);
    }
    jw_end_object(&w);
}

bool message_hub_state_decode(struct str payload, struct arena *arena,
                              struct message_hub_state *ret, struct err *err)
{
    struct hub_state_read r = {0};
    if (!decode(payload, SMALL_BYTES_MAX, &hub_state_table, arena, &r, err) ||
        !take_time("hub state", r.at, &r.m.at, err)) {
        return false;
    }
    *ret = r.m;
    return true;
}

/* --- enrolment ---------------------------------------------------------------------------- */

static const struct field enrol_request_fields[] = {
    TEXT(struct message_enrol_request, token_id, "token_id", false),
    TEXT(struct message_enrol_request, token_secret, "token_secret", false),
    TEXT(struct message_enrol_request, device, "device", false),
    TEXT(struct message_enrol_request, csr_pem, "csr_pem", true),
    TEXT(struct message_enrol_request, version, "version", false),
    TEXT(struct message_enrol_request, board, "board", false),
    TEXT(struct message_enrol_request, serial_number, "serial_number", false),
    TEXT(struct message_enrol_request, certificate_pem, "certificate_pem", false),
    TEXT(struct message_enrol_request, signature, "signature", false),
};
static const struct field_table enrol_request_table =
    TABLE("enrolment request", struct message_enrol_request, enrol_request_fields);

void message_enrol_request_encode(const struct message_enrol_request *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_opt(&w, "token_id", m->token_id);
    jw_member_opt(&w, "token_secret", m->token_secret);
    jw_member_opt(&w, "device", m->device);
    jw_member_str(&w, "csr_pem", m->csr_pem);
    jw_member_opt(&w, "version", m->version);
    jw_member_opt(&w, "board", m->board);
    jw_member_opt(&w, "serial_number", m->serial_number);
    jw_member_opt(&w, "certificate_pem", m->certificate_pem);
    jw_member_opt(&w, "signature", m->signature);
    jw_end_object(&w);
}

bool message_enrol_request_decode(struct str payload, struct arena *arena,
                                  struct message_enrol_request *ret, struct err *err)
{
    struct message_enrol_request m = {0};
    if (!decode(payload, ENROL_BYTES_MAX, &enrol_request_table, arena, &m, err)) {
        return false;
    }
    if (str_is_empty(m.token_id) != str_is_empty(m.token_secret) ||
        str_is_empty(m.certificate_pem) != str_is_empty(m.signature) ||
        m.serial_number.len > LIMIT_NAME_BYTES || !str_is_utf8(m.serial_number)) {
        return err_set(
            err, ERR_INVALID,
            "enrolment request: token_id and token_secret, certificate_pem and signature "
            "belong together; a serial number has at most %d bytes",
            LIMIT_NAME_BYTES);
    }
    bool may_lack_name = str_is_empty(m.device) && !str_is_empty(m.serial_number);
    if (!may_lack_name && !device_name_is_valid(m.device)) {
        (void)err_set(err, ERR_INVALID, "enrolment request.device: \"" STR_FMT "\" is not a name",
                      STR_ARG(str_slice(m.device, 0, 64)));
        return err_hint(err, "use 1 to 63 of a-z, 0-9 and -, not \"hub\" or \"enrol\"");
    }
    *ret = m;
    return true;
}

static const struct field enrol_reply_fields[] = {
    FLAG(struct message_enrol_reply, accepted, "accepted", true),
    FLAG(struct message_enrol_reply, pending, "pending", false),
    TEXT(struct message_enrol_reply, reason, "reason", false),
    TEXT(struct message_enrol_reply, device, "device", false),
    TEXT(struct message_enrol_reply, cert_pem, "cert_pem", false),
    TEXT(struct message_enrol_reply, ca_pem, "ca_pem", false),
    TEXT(struct message_enrol_reply, command_keys, "command_keys", false),
    TEXT(struct message_enrol_reply, host, "host", false),
    NUMBER(struct message_enrol_reply, port, "port", false, 1, PORT_MAX),
};
static const struct field_table enrol_reply_table =
    TABLE("enrolment reply", struct message_enrol_reply, enrol_reply_fields);

void message_enrol_reply_encode(const struct message_enrol_reply *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_bool(&w, "accepted", m->accepted);
    if (m->pending) {
        jw_member_bool(&w, "pending", true);
    }
    jw_member_opt(&w, "reason", m->reason);
    jw_member_opt(&w, "device", m->device);
    jw_member_opt(&w, "cert_pem", m->cert_pem);
    jw_member_opt(&w, "ca_pem", m->ca_pem);
    jw_member_opt(&w, "command_keys", m->command_keys);
    jw_member_opt(&w, "host", m->host);
    if (m->port != 0) {
        jw_member_i64(&w, "port", m->port);
    }
    jw_end_object(&w);
}

bool message_enrol_reply_decode(struct str payload, struct arena *arena,
                                struct message_enrol_reply *ret, struct err *err)
{
    struct message_enrol_reply m = {0};
    if (!decode(payload, ENROL_BYTES_MAX, &enrol_reply_table, arena, &m, err)) {
        return false;
    }
    if (m.accepted && (!device_name_is_valid(m.device) || m.cert_pem.len == 0 ||
                       m.ca_pem.len == 0 || m.host.len == 0 || m.port == 0)) {
        return err_set(err, ERR_INVALID,
                       "enrolment reply: accepted, but without device, certificates or address");
    }
    *ret = m;
    return true;
}

/* --- renewed certificates ----------------------------------------------------------------- */

static const struct field want_certificate_fields[] = {
    TEXT(struct message_want_certificate, csr_pem, "csr", false),
    TEXT(struct message_want_certificate, authorities, "authorities", false),
    TEXT(struct message_want_certificate, authority, "authority", false),
};
static const struct field_table want_certificate_table =
    TABLE("want", struct message_want_certificate, want_certificate_fields);

void message_want_certificate_encode(const struct message_want_certificate *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_opt(&w, "csr", m->csr_pem);
    jw_member_opt(&w, "authorities", m->authorities);
    jw_member_opt(&w, "authority", m->authority);
    jw_end_object(&w);
}

bool message_want_certificate_decode(struct str payload, struct arena *arena,
                                     struct message_want_certificate *ret, struct err *err)
{
    struct message_want_certificate m = {0};
    if (!decode(payload, ENROL_BYTES_MAX, &want_certificate_table, arena, &m, err) ||
        !check_authorities("want", m.authorities, m.authority, err)) {
        return false;
    }
    *ret = m;
    return true;
}

static const struct field certificate_fields[] = {
    TEXT(struct message_certificate, cert_pem, "certificate", false),
    TEXT(struct message_certificate, reason, "reason", false),
    TEXT(struct message_certificate, authorities, "authorities", false),
    TEXT(struct message_certificate, signature, "signature", false),
};
static const struct field_table certificate_table =
    TABLE("certificate", struct message_certificate, certificate_fields);

void message_certificate_encode(const struct message_certificate *m, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_opt(&w, "certificate", m->cert_pem);
    jw_member_opt(&w, "reason", m->reason);
    jw_member_opt(&w, "authorities", m->authorities);
    jw_member_opt(&w, "signature", m->signature);
    jw_end_object(&w);
}

bool message_certificate_decode(struct str payload, struct arena *arena,
                                struct message_certificate *ret, struct err *err)
{
    struct message_certificate m = {0};
    if (!decode(payload, ENROL_BYTES_MAX, &certificate_table, arena, &m, err)) {
        return false;
    }
    int said = !str_is_empty(m.cert_pem) + !str_is_empty(m.reason) + !str_is_empty(m.authorities);
    if (said != 1 || str_is_empty(m.authorities) != str_is_empty(m.signature)) {
        return err_set(err, ERR_INVALID,
                       "certificate: either a certificate, a reason, or CAs with a signature");
    }
    *ret = m;
    return true;
}
