/* broker.h - the hub's own mosquitto: its configuration, its process, and what its log says about
 * strangers. The system's mosquitto service is left alone: other ports, other files, our child. Not
 * used when the broker is external. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/platform/loop.h"
#include "common/platform/rng.h"

struct broker_options {
    const char *program; /* /usr/sbin/mosquitto */
    const char
        *dir; /* <state_dir>/broker: certificates are there, configuration is written there */
    struct str fleet;
    bool is_root; /* we are: mosquitto then stays root too, or it could not read the hub's files */
    struct str bind; /* empty = all addresses */
    int port;
    int enrol_port;
    struct str
        revoked; /* the list of revoked certificates (PEM), which the file revoked.pem gets */
};
/* The two listeners, TLS only: devices with a certificate, whose CN is the user name and bounds
 * their topics; strangers without one, who reach the enrolment topics and nothing else. Client ids
 * are one name space over both, and a second client with an id ends the first: devices and hub add
 * something random to theirs, so that a stranger cannot throw them out. Pure. */
void broker_write_config(struct buf *out, const struct broker_options *options);
void broker_write_device_acl(struct buf *out, struct str fleet);
void broker_write_enrol_acl(struct buf *out, struct str fleet);

/* What a line of the broker's log means for us. Text is borrowed from the line and the reader. */
enum broker_note { BROKER_NOTE_NONE, BROKER_NOTE_REFUSED, BROKER_NOTE_TROUBLE };
struct broker_line {
    enum broker_note note;
    struct str peer; /* device, or address of somebody unknown */
    struct str what; /* "publish", "subscribe", "connection" */
    struct str why;
};
/* A client whose id does not tell who it is. */
struct broker_stranger {
    char client[96];
    char peer[64];
};
enum { BROKER_STRANGERS_MAX = 64 };
/* Remembers across lines who is connecting, and under which id. Zeroed at first. */
struct broker_reader {
    char address[64]; /* of the connection that began last */
    char opening[8];  /* the port that the broker opened last */
    struct broker_stranger strangers[BROKER_STRANGERS_MAX]; /* a ring */
    size_t next;
    char why[512];
};
void broker_read_line(struct broker_reader *reader, struct str line, struct str fleet,
                      struct broker_line *ret);

/* What a line of the broker's log says of who is connected. Text is borrowed from the line. */
enum broker_client_type {
    BROKER_CLIENT_NONE,
    BROKER_CLIENT_CONNECTED,
    BROKER_CLIENT_GONE,
    BROKER_CLIENT_RELOADED, /* it has read its files again, revoked certificates among them */
    BROKER_CLIENT_UNCLEAR,  /* somebody connected, and the line is too long to tell who */
};
struct broker_client_line {
    enum broker_client_type type;
    struct str id, user; /* user: the name in its certificate; empty for strangers */
};
void broker_read_client(struct str line, struct broker_client_line *ret);

/* Who is connected to the listener for devices; some 100 bytes each. Zeroed at first. */
struct broker_clients {
    struct broker_client **buckets;
    size_t cap, count;
    bool is_unclear; /* not everybody is in it */
};
void broker_clients_take(struct broker_clients *c, const struct broker_client_line *line);
/* `on_client` changes nothing here. */
void broker_clients_each(const struct broker_clients *c, struct str user,
                         void (*on_client)(void *ctx, struct str id), void *ctx);
void broker_clients_clear(struct broker_clients *c);

struct broker;
struct broker_handlers {
    void (*on_note)(void *ctx, const struct broker_line *note);
    void (*on_client)(void *ctx, const struct broker_client_line *line); /* may be NULL */
    void *ctx;
};
/* Writes the configuration and starts the process; it is started again (with back-off) whenever it
 * ends. A program that is missing is an error with the package to install as hint. */
MUST_CHECK bool broker_start(struct broker **ret, struct loop *loop, const struct rng *rng,
                             const struct broker_options *options,
                             const struct broker_handlers *handlers, struct err *err);
void broker_stop(struct broker *broker);     /* ends the process and frees; NULL is allowed */
int broker_pid(const struct broker *broker); /* 0 while it is not running */
const struct broker_clients *broker_clients(const struct broker *broker);
/* Another list of revoked certificates: holds for handshakes, also of sessions that are resumed,
 * once on_client() tells BROKER_CLIENT_RELOADED. Whoever is connected stays. */
MUST_CHECK bool broker_set_revoked(struct broker *broker, struct str revoked, struct err *err);
/* It reads certificates, CAs and lists again, for the handshakes to come; whoever is connected stays
 * (measured with mosquitto 2.0.11: docs/decisions/0017-ca-rotation.md). */
void broker_reload(struct broker *broker);
/* Ends it and starts it again at once: every connection is cut. */
void broker_restart(struct broker *broker);
