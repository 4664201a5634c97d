/* messages.h - every other MQTT message as a struct, with one encode and one decode function each.
 * Decoders check sizes and ranges and ignore unknown fields; text is borrowed from the arena. Pure.
 * docs/reference/protocol.md has the text. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/wire/batch.h"

enum { AUTHORITY_TEXT_MAX = 64, AUTHORITIES_TEXT_MAX = 4 * 65 - 1 }; /* of fingerprints, below */

struct message_birth { /* agent -> hub, once per connection */
    char epoch[EPOCH_TEXT_SIZE];
    int64_t first_seq; /* oldest held; last_seq + 1 when empty */
    int64_t last_seq;  /* newest recorded; 0 when none yet */
    struct wall_time at;
    bool clock_trusted;
    struct str version;
    struct str board; /* "x86_64 debian 12" */
    struct str boot_id;
    struct str session; /* random per connection; the will carries the same */
    struct str definitions_hash;
    int64_t desired_revision; /* in force; 0 = none */
    struct str
        authorities;      /* that it trusts (common/tls/authorities.h: their list); may be empty */
    struct str authority; /* which of them issued its certificate: fingerprint */
};
void message_birth_encode(const struct message_birth *m, struct buf *out);
MUST_CHECK bool message_birth_decode(struct str payload, struct arena *arena,
                                     struct message_birth *ret, struct err *err);

struct message_death { /* agent -> hub: its will, or said on a clean stop */
    struct str session;
    struct str reason; /* "connection lost" (will), "stopped", "decommissioned" */
};
void message_death_encode(const struct message_death *m, struct buf *out);
MUST_CHECK bool message_death_decode(struct str payload, struct arena *arena,
                                     struct message_death *ret, struct err *err);

struct message_ack { /* hub -> agent, after the hub's commit */
    char epoch[EPOCH_TEXT_SIZE];
    int64_t seq;   /* everything up to here is merged; 0 = nothing yet */
    int64_t check; /* event_check() of the event at `seq`, in answer to a birth; 0 = not told */
    int64_t resend_from; /* 0 = no; else the hub saw a gap: send again from here (= seq + 1) */
    bool refused; /* the batch at seq + 1 can never be merged; `reason` says why; see protocol,
                     "poison" */
    struct str reason;
};
void message_ack_encode(const struct message_ack *m, struct buf *out);
MUST_CHECK bool message_ack_decode(struct str payload, struct arena *arena, struct message_ack *ret,
                                   struct err *err);

struct message_hub_state { /* hub -> all, retained; its will says offline */
    bool online;
    struct str instance; /* random per hub start: a new one makes agents say `birth` again */
    struct wall_time at;
    /* Over how long all devices should spread what they do at once: connecting again, and their births
     * when the hub is back. 0 = no need. */
    int64_t spread_ms;
};
enum { SPREAD_MS_MAX = 600000 };
void message_hub_state_encode(const struct message_hub_state *m, struct buf *out);
MUST_CHECK bool message_hub_state_decode(struct str payload, struct arena *arena,
                                         struct message_hub_state *ret, struct err *err);

struct message_enrol_request {
    struct str token_id;     /* public part; empty: comes without a token */
    struct str token_secret; /* the hub knows only its hash */
    struct str device;       /* the name asked for; empty: the hub knows it by the serial number */
    struct str csr_pem;
    struct str version;
    struct str board;
    struct str serial_number;   /* of the hardware; may be empty */
    struct str certificate_pem; /* a device that was away too long: its expired one, ... */
    struct str signature;       /* ... whose key signed csr_pem; hex */
};
void message_enrol_request_encode(const struct message_enrol_request *m, struct buf *out);
MUST_CHECK bool message_enrol_request_decode(struct str payload, struct arena *arena,
                                             struct message_enrol_request *ret, struct err *err);

struct message_enrol_reply {
    bool accepted;
    bool pending;      /* neither yet: a person decides; ask again */
    struct str reason; /* refused: what is wrong and what to do */
    struct str device;
    struct str cert_pem;
    struct str ca_pem;
    struct str command_keys; /* public keys, PEM, whose commands the device obeys; may be empty */
    struct str host;         /* of the broker's device listener */
    int64_t port;
};
void message_enrol_reply_encode(const struct message_enrol_reply *m, struct buf *out);
MUST_CHECK bool message_enrol_reply_decode(struct str payload, struct arena *arena,
                                           struct message_enrol_reply *ret, struct err *err);

struct message_want_certificate { /* agent -> hub, on the channel `want` */
    struct str csr_pem;           /* of a key made for it; empty: it wants none */
    struct str authorities;       /* as in a birth; all are empty: it is another want */
    struct str authority;
};
void message_want_certificate_encode(const struct message_want_certificate *m, struct buf *out);
MUST_CHECK bool message_want_certificate_decode(struct str payload, struct arena *arena,
                                                struct message_want_certificate *ret,
                                                struct err *err);

struct message_certificate { /* hub -> agent: one of the three */
    struct str cert_pem;
    struct str reason;      /* there is none: why */
    struct str authorities; /* PEM: the CAs to trust from now on, ... */
    struct str signature;   /* ... signed by one that was trusted before; hex */
};
void message_certificate_encode(const struct message_certificate *m, struct buf *out);
MUST_CHECK bool message_certificate_decode(struct str payload, struct arena *arena,
                                           struct message_certificate *ret, struct err *err);

/* The text an operator copies to a device: "selvedge1.<fleet>.<host>:<port>.<id>.<secret>.<ca
 * fingerprint>" with host and port of the enrolment listener. (Base: dots are not allowed in fleet
 * and id; the host stands in brackets.) */
struct enrol_token {
    struct str fleet;
    struct str host;
    int64_t port;
    struct str id;             /* 8 lower-case base32 characters */
    struct str secret;         /* 32 lower-case base32 characters: 160 bits */
    struct str ca_fingerprint; /* 64 hex; while the CA is being changed two, one behind the other */
};
void enrol_token_format(const struct enrol_token *t, struct buf *out);
MUST_CHECK bool enrol_token_parse(struct str text, struct enrol_token *ret, struct err *err);
/* A name or address as it may stand in a token: at most 253 bytes of [A-Za-z0-9.:_%-]. */
bool enrol_host_is_valid(struct str host);
